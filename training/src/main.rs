//! `fervis-train`: logging, arguments, and the command that was asked for.

mod cli;

use anyhow::Result;
use clap::Parser;

fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    cli::Cli::parse().run()
}
