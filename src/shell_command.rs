//! Commands that both programs have for the shell: completions, and the manual pages that packages install.
//!
//! They are made from the definition of the command line, so they cannot disagree with it.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::Command;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  fervis completions bash
  fervis-train completions fish

bash looks for ~/.local/share/bash-completion/completions/PROGRAM, fish for ~/.config/fish/completions/PROGRAM.fish.";

const MAN_EXAMPLES: &str = "\
Examples:
  fervis man target/man
  fervis-train man target/man";

/// The commands, to be flattened into a program's own.
#[derive(Debug, clap::Subcommand)]
pub enum ShellCommand {
    /// Print completions of commands and options for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command
    #[command(hide = true, after_help = MAN_EXAMPLES)]
    Man {
        /// Folder for the pages; made if it does not exist
        folder: PathBuf,
    },
}

impl ShellCommand {
    /// Runs it for the program that `program` defines.
    ///
    /// # Errors
    /// If the result cannot be written. A reader who left (`| head`) is none.
    pub fn run(&self, mut program: Command) -> io::Result<()> {
        match self {
            Self::Completions { shell } => {
                let (mut script, name) = (Vec::new(), program.get_name().to_owned());
                clap_complete::generate(*shell, &mut program, name, &mut script);
                match io::stdout().write_all(&script) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                    written => written,
                }
            }
            Self::Man { folder } => {
                fs::create_dir_all(folder)?;
                clap_mangen::generate_to(program, folder)
            }
        }
    }
}
