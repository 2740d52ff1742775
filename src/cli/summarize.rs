//! `fervis summarize`: compares recorded sessions by participant and condition.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::bail;
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use fervis::{
    result_file::{Outputs, is_stdout},
    session::{MANIFEST_FILE, Session, catalog, is_session},
    summarize::{By, Summarizer},
};

use super::{output, usage};

const EXAMPLES: &str = "\
Examples:
  fervis summarize P01 P02 P03 --by condition
  fervis summarize study --by participant,condition --csv study.csv
  fervis summarize study --csv study.csv --plot study.svg";

/// Arguments of `fervis summarize`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SummarizeArgs {
    /// Sessions, or folders of sessions
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<PathBuf>,

    /// What groups are made of: participant, session, condition and name (of each face), one or more of them with commas
    ///
    /// Figures are means over the participants of a group, each counted once. With participant among them they are over
    /// that participant's sessions.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = by(), default_value = "condition")]
    by: Vec<By>,

    /// Write every figure of every group as one table; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Draw the shares of each group with their confidence intervals, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn run(args: &SummarizeArgs) -> anyhow::Result<ExitCode> {
    let results = [&args.csv, &args.plot];
    if results.into_iter().flatten().all(|path| is_stdout(path))
        && args.csv.is_some()
        && args.plot.is_some()
    {
        let message = "only one of --csv and --plot can go to the standard output";
        return Err(usage(Some("summarize"), message).into());
    }
    if args.plot.is_some() && !cfg!(feature = "plots") {
        bail!("this build cannot draw plots (feature `plots`)");
    }
    let folders = folders(&args.sessions)?;
    let inputs = folders.iter().map(|folder| folder.join(MANIFEST_FILE));
    let mut outputs = Outputs::new(args.force).reading(inputs);
    let csv = args.csv.as_deref().map(|path| outputs.file(path));
    let csv = csv.transpose()?;
    let plot = args.plot.as_deref().map(|path| outputs.file(path));
    let plot = plot.transpose()?;
    let mut by = args.by.clone();
    by.sort_unstable();
    by.dedup();
    let mut summarizer = Summarizer::new(&by);
    for folder in folders {
        let session = Session::open(&folder)?;
        if let Some(problem) = &session.annotations_problem {
            // Nothing to do if stderr is closed.
            writeln!(io::stderr(), "fervis: {problem}").ok();
        }
        summarizer.add(session)?;
    }
    let summary = summarizer.finish();
    if let Some(csv) = csv {
        csv.write_whole(summary.csv())?;
    }
    #[cfg(feature = "plots")]
    if let Some(plot) = plot {
        plot.write_whole(summary.svg()?)?;
    }
    #[cfg(not(feature = "plots"))]
    drop(plot);
    let is_taken = [&args.csv, &args.plot]
        .into_iter()
        .flatten()
        .any(|path| is_stdout(path));
    if is_taken {
        return Ok(ExitCode::SUCCESS);
    }
    // The files are there even if nobody reads this.
    Ok(output::print(&summary.text(), ExitCode::SUCCESS)?)
}

/// The sessions' folders, in the order of their names within each argument, each once.
fn folders(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = Vec::new();
    for path in given {
        let mut found = Vec::new();
        if is_session(path) {
            found.push(path.clone());
        } else {
            catalog::list(path, |entry| {
                found.push(entry.folder);
                true
            });
            found.sort();
        }
        if found.is_empty() {
            bail!(
                "{} is not a session, and there is none in it",
                path.display()
            );
        }
        all.extend(found);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|folder| seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
    Ok(all)
}

fn by() -> impl TypedValueParser<Value = By> {
    PossibleValuesParser::new(By::ALL.map(By::name))
        .try_map(|name| By::from_name(&name).ok_or("no such value"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<SummarizeArgs, clap::Error> {
        let words = ["fervis", "summarize"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Some(Command::Summarize(args)) => Ok(args),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn groups_are_listed_with_commas() {
        let args = parse("a b --by participant,condition --csv -").unwrap();
        assert_eq!(args.by, [By::Participant, By::Condition]);
        assert_eq!(args.sessions.len(), 2);
        assert_eq!(parse("a").unwrap().by, [By::Condition]);
        for wrong in ["", "a --by mood", "a --by"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_session_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let args = parse(folder.path().to_str().unwrap()).unwrap();
        let error = run(&args).unwrap_err().to_string();
        assert!(
            error.contains("is not a session, and there is none in it"),
            "{error}"
        );
    }
}
