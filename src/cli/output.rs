//! Where results are written.
//!
//! Every line is flushed, so that a reader in a pipe sees it at once and Ctrl-C loses nothing. A reader that went
//! away (`| head`) is no error to complain about.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

/// A file or the standard output.
pub struct Output {
    name: String,
    write: Box<dyn Write>,
}

/// Why writing cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read the output has seen enough.
    #[error("the reader of {0} is gone")]
    ReaderGone(String),
    /// Disk full, no permission, and so on.
    #[error("{name} could not be written")]
    Write {
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl Output {
    /// Creates or replaces the file; `-` is the standard output.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        if path == "-" {
            return Ok(Self::stdout());
        }
        let name = path.display().to_string();
        match File::create(path) {
            Ok(file) => Ok(Self {
                name,
                write: Box::new(file),
            }),
            Err(source) => Err(OutputError::Write { name, source }),
        }
    }

    /// The standard output.
    pub fn stdout() -> Self {
        Self {
            name: "the standard output".to_owned(),
            write: Box::new(io::stdout().lock()),
        }
    }

    /// Writes whole lines, ends included, and flushes.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write(&mut self, lines: &str) -> Result<(), OutputError> {
        let written = self.write.write_all(lines.as_bytes());
        written.and_then(|()| self.write.flush()).map_err(|source| {
            let name = self.name.clone();
            if source.kind() == io::ErrorKind::BrokenPipe {
                OutputError::ReaderGone(name)
            } else {
                OutputError::Write { name, source }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts nothing.
    struct Refuses(io::ErrorKind);

    impl Write for Refuses {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn tells_a_reader_that_left_from_a_full_disk() {
        let write = |kind| {
            let mut output = Output {
                name: "out.jsonl".to_owned(),
                write: Box::new(Refuses(kind)),
            };
            output.write("{}\n").expect_err("refused")
        };
        assert!(matches!(
            write(io::ErrorKind::BrokenPipe),
            OutputError::ReaderGone(_)
        ));
        let full = write(io::ErrorKind::StorageFull);
        assert_eq!(full.to_string(), "out.jsonl could not be written");
    }

    #[test]
    fn writes_what_it_is_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.jsonl");
        let mut output = Output::create(&path).expect("created");
        output.write("one\n").expect("written");
        output.write("two\n").expect("written");
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(text, "one\ntwo\n");
        assert!(Output::create(&folder.path().join("no/such/folder")).is_err());
    }
}
