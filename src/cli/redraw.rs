//! `fervis redraw`: draws a session's video again, with or without boxes, with faces hidden or shown.

use std::{path::PathBuf, process::ExitCode};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use fervis::{
    detect::TrackId,
    privacy::{FacePrivacy, Who},
    record::{VideoChoice, redraw},
    session::Session,
};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    output,
    record::{HideFaces, Videos},
};

const EXAMPLES: &str = "\
Examples:
  fervis redraw monday --out monday-boxes
  fervis redraw monday --hide-faces pixelate --out shared
  fervis redraw monday --video clean --hide-faces blur --show-face 1 --out shared";

/// Arguments of `fervis redraw`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RedrawArgs {
    /// Folder of the session; it is not changed
    session: PathBuf,

    /// Folder for the new video; it is created, and must be empty if it exists
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// Frames with boxes and labels, frames without, or one video of each
    #[arg(long, value_name = "WHICH", value_parser = drawn(), default_value_t = Videos(VideoChoice::default()))]
    video: Videos,

    /// Make faces unrecognizable [default: faces stay visible]
    #[arg(long, value_name = "HOW")]
    hide_faces: Option<HideFaces>,

    /// Leave this face visible; can be repeated
    #[arg(long, value_name = "NUMBER", requires = "hide_faces")]
    show_face: Vec<u64>,
}

/// Every choice except no video.
fn drawn() -> impl TypedValueParser<Value = Videos> {
    let choices = VideoChoice::ALL.into_iter();
    let drawn = choices.filter(|choice| *choice != VideoChoice::None);
    PossibleValuesParser::new(drawn.map(VideoChoice::name)).map(|name| {
        let choice = VideoChoice::ALL
            .into_iter()
            .find(|choice| choice.name() == name);
        Videos(choice.unwrap_or_default())
    })
}

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence.
pub fn run(args: &RedrawArgs) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.session)?;
    let privacy = args.hide_faces.map(|hide| {
        let mut privacy = FacePrivacy::from(hide);
        if !args.show_face.is_empty() {
            let shown = args.show_face.iter().map(|&track| TrackId(track));
            privacy.who = Who::AllBut(shown.collect());
        }
        privacy
    });
    let bar = ProgressBar::new(session.frames.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:32}] {pos} of {len} frames, {eta} left")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    let redrawn = redraw::redraw(
        &session,
        args.video.0,
        privacy.as_ref(),
        &args.out,
        &mut |done| {
            bar.set_position(done);
        },
    )?;
    bar.finish_and_clear();
    if redrawn.has_old_boxes {
        eprintln!(
            "fervis: the session has no clean video, so the boxes of the recording stay visible; to avoid that, record \
             with --video clean or both"
        );
    }
    let files = redrawn
        .videos
        .iter()
        .map(|video| args.out.join(&video.file));
    let names: String = files.map(|file| format!("{}\n", file.display())).collect();
    Ok(output::print(&names, ExitCode::SUCCESS)?)
}
