//! One growing table of a session that is being recorded.
//!
//! Every row is handed to the system at once, so a crash of the program costs at most a half-written line.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use crate::{
    expression::Labels,
    file_identity::is_at,
    session::{
        SessionError, files,
        tables::{self, Row},
    },
};

/// A table, open to be written.
pub(super) struct Table<R> {
    path: PathBuf,
    file: File,
    /// Size of the file.
    pub n_bytes: u64,
    row: PhantomData<R>,
}

impl<R: Row> Table<R> {
    /// Creates the table in a session's folder, with its header for these labels.
    pub fn create(folder: &Path, labels: Labels) -> Result<Self, SessionError> {
        let path = folder.join(R::FILE);
        let mut file =
            files::create_new(&path).map_err(|source| SessionError::write(&path, source))?;
        let header = tables::header::<R>(labels);
        file.write_all(&header)
            .map_err(|source| SessionError::write(&path, source))?;
        Ok(Self {
            path,
            file,
            n_bytes: header.len() as u64,
            row: PhantomData,
        })
    }

    /// Writes the header for other labels in place of everything.
    pub fn start_over(&mut self, labels: Labels) -> Result<(), SessionError> {
        self.cut_to(0);
        let header = tables::header::<R>(labels);
        self.file
            .write_all(&header)
            .map_err(|source| SessionError::write(&self.path, source))?;
        self.n_bytes = header.len() as u64;
        Ok(())
    }

    /// Appends rows: all of them, or none.
    pub fn append<'a>(&mut self, rows: impl IntoIterator<Item = &'a R>) -> Result<(), SessionError>
    where
        R: 'a,
    {
        let lines = tables::rows(rows);
        if lines.is_empty() {
            return Ok(());
        }
        // One unbuffered write for all lines of a frame, so that nothing is lost if the process dies.
        if let Err(source) = self.file.write_all(&lines) {
            self.cut_to(self.n_bytes);
            return Err(SessionError::write(&self.path, source));
        }
        self.n_bytes += lines.len() as u64;
        Ok(())
    }

    /// Cuts off what was written beyond `n_bytes`.
    pub fn cut_to(&mut self, n_bytes: u64) {
        self.n_bytes = n_bytes;
        let cut = self
            .file
            .set_len(n_bytes)
            .and_then(|()| self.file.seek(SeekFrom::Start(n_bytes)));
        if let Err(error) = cut {
            log::warn!(
                "{} ends in the middle of a line: {error}",
                self.path.display()
            );
        }
    }

    /// Checks that the file is still there.
    pub fn check(&self) -> Result<(), SessionError> {
        if is_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(SessionError::Gone {
            path: self.path.clone(),
        })
    }

    /// Syncs the file to the disk.
    pub fn sync(&self) -> Result<(), SessionError> {
        self.file
            .sync_data()
            .map_err(|source| SessionError::write(&self.path, source))
    }
}
