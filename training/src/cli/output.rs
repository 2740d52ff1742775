//! The output of commands: what they print and the files they write.

use std::{
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use fervis::result_file::{Outputs, ResultFile, is_stdout};
use fervis_train::data::dataset::Dataset;

/// The files that one command writes, and whether one of them is the standard output.
pub struct Results {
    outputs: Outputs,
    stdout_taken: bool,
}

impl Results {
    /// No files yet, for a command that reads a dataset and `inputs`. `force` replaces files that exist.
    pub fn new<'a>(
        force: bool,
        data: Option<&Path>,
        inputs: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Self {
        let table = data.and_then(Dataset::table_in);
        let data = data.map(Path::to_owned).into_iter().chain(table);
        Self {
            outputs: Outputs::new(force).reading(data).reading(inputs),
            stdout_taken: false,
        }
    }

    /// Reserves a file before the work starts; `-` is the standard output.
    ///
    /// # Errors
    /// If it cannot be written there.
    pub fn file(&mut self, path: &Path) -> Result<ResultFile> {
        self.stdout_taken |= is_stdout(path);
        Ok(self.outputs.file(path)?)
    }

    /// Reserves a file if a path is given.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub fn optional(&mut self, path: Option<&PathBuf>) -> Result<Option<ResultFile>> {
        path.map(|path| self.file(path)).transpose()
    }

    /// Prints the command's figures; to stderr if a file takes the standard output.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn print(&self, text: &str) -> Result<()> {
        if self.stdout_taken {
            return io::stderr().write_all(text.as_bytes()).context("printing");
        }
        print(text)
    }
}

/// Prints to the standard output. A reader that closed the pipe (`| head`) is not an error.
///
/// # Errors
/// If it cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("printing"),
        _ => Ok(()),
    }
}
