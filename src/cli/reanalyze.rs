//! `fervis reanalyze`: reads a recorded session with another network, and prints what changed.

use std::{
    fmt::{self, Write},
    io::{self, IsTerminal},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::anyhow;
use clap::Args;
use fervis::{
    model::{CheckpointChoice, Classifier, ComputeDevice, DeviceChoice, assumptions::Settings},
    reanalyze::{self, Comparison, Diff, PictureKind, ReanalyzeError},
    session::Session,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{args, output};

const EXAMPLES: &str = "\
Examples:
  fervis reanalyze monday --checkpoint fervis
  fervis reanalyze monday --checkpoint mine.safetensors --out comparison";

/// Arguments of `fervis reanalyze`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReanalyzeArgs {
    /// Folder of the session
    pub session: PathBuf,

    /// Bundled checkpoint by name (`fervis models` lists them), or a .safetensors, .pt, .pth or .onnx file
    #[arg(long, value_name = "NAME-OR-FILE", value_parser = args::checkpoint())]
    pub checkpoint: CheckpointChoice,

    /// What the file of another program does not say, as for `analyze`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::assumption)]
    pub assume: Vec<Settings>,

    /// Where to run the network: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,

    /// Folder for the results [default: reanalysis-NAME in the session's folder]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,

    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence.
pub fn run(args: &ReanalyzeArgs) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.session)?;
    let device = ComputeDevice::start(args.device);
    if let Some(warning) = &device.warning {
        tell(warning);
    }
    let mut network = Classifier::load(&args::choice(&args.checkpoint, &args.assume)?, &device)?;
    let folder = match &args.out {
        Some(folder) => folder.clone(),
        None => reanalyze::default_folder(&args.session, &network.info().name),
    };
    // Before the work, or it might be for nothing.
    reanalyze::check_folder(&folder, args.force).map_err(advise)?;
    let bar = progress_bar();
    let result = reanalyze::reanalyze(&session, &mut network, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let reanalysis = result?;
    for note in &reanalysis.diff.notes {
        tell(note);
    }
    reanalysis.write(&folder, args.force).map_err(advise)?;
    let mut text = table(&reanalysis.diff);
    text.push_str(&format!("\n{}\n", folder.display()));
    Ok(output::print(&text, ExitCode::SUCCESS)?)
}

/// Adds what to do on the command line.
fn advise(error: ReanalyzeError) -> anyhow::Error {
    match error {
        ReanalyzeError::Exists { .. } => {
            anyhow!("{error}; --force replaces it, --out names another folder")
        }
        error => error.into(),
    }
}

fn tell(text: &str) {
    // Nothing to do if stderr is closed.
    io::Write::write_fmt(&mut io::stderr(), format_args!("fervis: {text}\n")).ok();
}

/// A bar on a terminal, and nothing elsewhere.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let template = "[{bar:32}] {pos} of {len} frames, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(template).expect("a valid template");
    bar.set_style(style.progress_chars("=> "));
    bar
}

/// The comparison, for people.
fn table(diff: &Diff) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    write_table(&mut text, diff).ok();
    text
}

fn write_table(out: &mut String, diff: &Diff) -> fmt::Result {
    let before: Vec<&str> = diff
        .before
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    let frames = match diff.pictures.kind {
        PictureKind::Original => "the original file",
        PictureKind::Clean => "the clean video",
        PictureKind::Annotated => "the annotated video",
    };
    writeln!(
        out,
        "{}, read again by {} from {frames}",
        diff.session, diff.after.name
    )?;
    let faces = diff.faces;
    write!(
        out,
        "  {} faces compared with {}",
        faces.compared,
        before.join(", ")
    )?;
    if faces.other_labels > 0 {
        write!(
            out,
            "; {} with a label that only one of them has",
            faces.other_labels
        )?;
    }
    if faces.without_picture > 0 {
        write!(out, "; {} not in the video", faces.without_picture)?;
    }
    writeln!(out)?;
    let Comparison {
        agreement, kappa, ..
    } = diff.overall;
    let Some(agreement) = agreement else {
        return Ok(());
    };
    write!(
        out,
        "  the same label for {:.1} % of them",
        agreement * 100.0
    )?;
    if let Some(kappa) = kappa {
        write!(out, ", Cohen's kappa {kappa:.2}")?;
    }
    writeln!(out, "\n\n              share of time   same    change of")?;
    writeln!(out, "              before  after   label   probability")?;
    for class in &diff.overall.classes {
        writeln!(
            out,
            "  {:10}{}{}{}     {}",
            class.label.name(),
            percent(class.share_before),
            percent(class.share_after),
            percent(class.agreement),
            percent(class.mean_change),
        )?;
    }
    if diff.tracks.len() > 1 {
        writeln!(out)?;
        for track in &diff.tracks {
            let comparison = &track.comparison;
            writeln!(
                out,
                "  face {:5}{} the same of {}",
                track.track,
                percent(comparison.agreement),
                comparison.n_faces
            )?;
        }
    }
    Ok(())
}

/// A share as a percentage, eight characters wide.
fn percent(share: Option<f64>) -> String {
    match share {
        Some(share) => format!("{:6.1} %", share * 100.0),
        None => format!("{:>8}", "–"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use fervis::{
        expression::Expression,
        reanalyze::{ClassComparison, FaceCounts, PicturesUsed},
        session::manifest::Model,
    };

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn the_form_that_scripts_use() {
        let words = [
            "fervis",
            "reanalyze",
            "folder",
            "--checkpoint",
            "three-block",
        ];
        let Some(Command::Reanalyze(args)) = Cli::try_parse_from(words).unwrap().command else {
            panic!("another command");
        };
        assert_eq!(
            args.checkpoint,
            CheckpointChoice::Bundled("three-block".to_owned())
        );
        assert_eq!(args.out, None);
        assert!(
            Cli::try_parse_from(&words[..3]).is_err(),
            "the network must be named"
        );
    }

    #[test]
    fn the_table_is_exact() {
        let model = |name: &str| Model {
            name: name.to_owned(),
            architecture: String::new(),
            path: None,
            sha256: String::new(),
            labels: Vec::new(),
            temperature: 1.0,
            uncertain_below: 0.0,
        };
        let class = |expression: Expression| ClassComparison {
            label: expression.into(),
            n_before: 4,
            n_after: 3,
            agreement: (expression == Expression::Happy).then_some(0.75),
            share_before: Some(0.8),
            share_after: Some(0.6),
            mean_change: Some(0.0125),
            mean_change_raw: None,
        };
        let diff = Diff {
            schema: reanalyze::SCHEMA,
            session: "monday".to_owned(),
            before: vec![model("old")],
            after: model("new"),
            pictures: PicturesUsed {
                kind: PictureKind::Clean,
                files: Vec::new(),
            },
            faces: FaceCounts {
                recorded: 7,
                compared: 5,
                other_labels: 0,
                presumed: 1,
                without_picture: 1,
            },
            overall: Comparison {
                n_faces: 5,
                n_other: 0,
                agreement: Some(0.8),
                kappa: Some(0.615),
                classes: vec![class(Expression::Happy), class(Expression::Surprise)],
                confusion: Default::default(),
            },
            tracks: Vec::new(),
            notes: Vec::new(),
        };
        assert_eq!(
            table(&diff),
            "monday, read again by new from the clean video
  5 faces compared with old; 1 not in the video
  the same label for 80.0 % of them, Cohen's kappa 0.61

              share of time   same    change of
              before  after   label   probability
  happy       80.0 %  60.0 %  75.0 %        1.2 %
  surprise    80.0 %  60.0 %       –        1.2 %
"
        );
    }
}
