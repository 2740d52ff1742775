//! `fervis-train`: sets up logging, parses the arguments and runs the command.

mod cli;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use fervis::error_text::error_text;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is nobody left to tell.
            writeln!(io::stderr(), "fervis-train: {}", error_text(error.as_ref())).ok();
            ExitCode::FAILURE
        }
    }
}
