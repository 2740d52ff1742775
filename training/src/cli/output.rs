//! What commands print, and the files they write beside it.

use std::{
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use fervis::result_file::{Outputs, ResultFile, is_stdout};
use fervis_train::data::dataset::Dataset;

/// The results of one command, and whether one of them takes the standard output.
pub struct Results {
    outputs: Outputs,
    stdout_taken: bool,
}

impl Results {
    /// None yet, of a command that reads a data set and `inputs`. `force` replaces earlier results.
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

    /// Asks for a result before the work; `-` is the standard output.
    ///
    /// # Errors
    /// If it cannot go there.
    pub fn file(&mut self, path: &Path) -> Result<ResultFile> {
        self.stdout_taken |= is_stdout(path);
        Ok(self.outputs.file(path)?)
    }

    /// The same for a result that not everybody wants.
    ///
    /// # Errors
    /// If it cannot go there.
    pub fn optional(&mut self, path: Option<&PathBuf>) -> Result<Option<ResultFile>> {
        path.map(|path| self.file(path)).transpose()
    }

    /// Prints what the command found. It stays out of a result on the standard output.
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

/// Prints to the standard output. A reader that went away (`| head`) is no error.
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
