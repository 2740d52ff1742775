//! `fervis export`: a recorded session in a format that other programs read.

use std::{path::PathBuf, process::ExitCode};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use fervis::{
    export::{self, ExportOptions, Format, Separator},
    result_file::is_stdout,
    session::Session,
};

use super::{output, usage};

const EXAMPLES: &str = "\
Examples:
  fervis export monday --format summary --out monday.csv
  fervis export monday --format eaf --out monday.eaf
  fervis export monday --format jsonl --track 1 --out -
  fervis export monday --format summary --as-recorded --out raw.csv
  fervis export monday --format summary --separator ';' --out monday.csv";

/// Arguments of `fervis export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// Folder of the session
    pub session: PathBuf,

    /// What to write
    ///
    /// summary: a table with one row per face (shares of time, means, transitions); svg, png: plots; webvtt, srt:
    /// subtitles; eaf: an ELAN document; bids: events.tsv with its JSON; pyfeat: a table for py-feat; jsonl: the lines of
    /// `fervis analyze --json`; parquet: tables of faces and frames.
    #[arg(long, value_parser = format())]
    pub format: Format,

    /// File to write, `-` for the standard output; some formats write further files, named after it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// Export this face only [default: all faces]
    #[arg(long, value_name = "NUMBER")]
    pub track: Option<u64>,

    /// What separates columns in summary and pyfeat: `,`, or `;` with a decimal comma, for spreadsheets that expect it
    /// [default: ,]
    #[arg(long, value_name = ", OR ;", value_parser = separator)]
    pub separator: Option<Separator>,

    /// Leave out what was said in replay: markers as they were recorded, and nothing excluded
    #[arg(long)]
    pub as_recorded: bool,

    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    if args.separator.is_some() && !args.format.has_separator() {
        let message = "--separator is for tables with columns: summary and pyfeat";
        return Err(usage(Some("export"), message).into());
    }
    let mut session = Session::open(&args.session)?;
    if !args.as_recorded {
        session = output::annotated(session);
    }
    let options = ExportOptions {
        track: args.track,
        separator: args.separator.unwrap_or_default(),
        overwrite: args.force,
    };
    let written = export::export(&session, args.format, &args.out, &options)?;
    let files = written.iter().filter(|file| !is_stdout(file));
    let names: String = files.map(|file| format!("{}\n", file.display())).collect();
    // The files are there even if nobody reads their names.
    Ok(output::print(&names, ExitCode::SUCCESS)?)
}

fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .try_map(|name| Format::from_name(&name).ok_or("no such format"))
}

fn separator(text: &str) -> Result<Separator, String> {
    match text {
        "," => Ok(Separator::Comma),
        ";" => Ok(Separator::Semicolon),
        _ => Err("write `,` or `;` (in quotes, because shells read `;` themselves)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<ExportArgs, clap::Error> {
        let words = ["fervis", "export"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words)?.command {
            Some(Command::Export(args)) => Ok(args),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_form_that_scripts_use() {
        let args = parse("folder --format webvtt --out labels.vtt").unwrap();
        assert_eq!(
            (args.format, args.out),
            (Format::WebVtt, PathBuf::from("labels.vtt"))
        );
        assert!(!args.force && args.track.is_none());
        let args =
            parse("folder --format summary --out a.csv --separator ; --track 3 --force").unwrap();
        assert_eq!(
            (args.separator, args.track),
            (Some(Separator::Semicolon), Some(3))
        );
        assert!(args.force);
        for wrong in [
            "folder --format webvtt",
            "folder --format docx --out a",
            "folder --out a",
            "folder --format summary --out a --separator |",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_separator_without_columns_is_a_usage_error() {
        let args = parse("folder --format svg --out a.svg --separator ;").unwrap();
        assert!(run(&args).unwrap_err().downcast::<clap::Error>().is_ok());
    }
}
