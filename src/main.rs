//! Starts the application.
//!
//! Results go to stdout and everything else to stderr, so that `fervis analyze … --json -` can feed a pipe.

mod cli;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use fervis::error_text::error_text;

fn main() -> ExitCode {
    // The provider of fonts warns about every locale without a language, such as "C".
    let filter = "warn,egui_system_font_provider=error";
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(filter)).init();
    let cli = cli::Cli::parse();
    match cli::run(cli) {
        Ok(code) => code,
        Err(error) => match error.downcast::<clap::Error>() {
            // A mistake that shows only when the arguments are combined.
            Ok(usage) => usage.exit(),
            Err(error) => {
                // Nothing to do if stderr is closed.
                writeln!(io::stderr(), "fervis: {}", error_text(error.as_ref())).ok();
                ExitCode::FAILURE
            }
        },
    }
}
