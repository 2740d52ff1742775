//! Result files that appear complete or not at all.
//!
//! A result is written to `NAME.partial` beside its destination, synced to the disk, and renamed when it is complete.
//! If a run ends early, the result of an earlier run is unchanged, and the partial file's name says what it is. Every
//! file that a command writes goes this way, except recordings, which grow and are written by `record`.
//!
//! A command reserves all its results in [`Outputs`] before it starts to work. This creates nothing: the partial file
//! appears with its first byte, or with [`ResultFile::begin`], so a command that cannot open its input leaves no trace.
//!
//! `-` and `/dev/stdout` are the standard output. Pipes, devices and open descriptors (`/dev/fd/3`) are written
//! directly, because there is nothing to replace.

mod error;
mod partial;
mod place;

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

pub use self::{
    error::ResultError,
    partial::{rename, replace, replace_private},
    place::{is_stdout, partial_path},
};
use self::{
    partial::{Access, create_partial, rename_open, sync_folder},
    place::{Place, name_of},
};

/// The results of one command: which files it may write, given what it reads.
#[derive(Debug, Default)]
pub struct Outputs {
    overwrite: bool,
    inputs: Vec<PathBuf>,
    taken: Vec<(PathBuf, Place)>,
}

impl Outputs {
    /// No results yet. `overwrite` allows replacing earlier results and partial ones of interrupted runs.
    pub fn new(overwrite: bool) -> Self {
        Self {
            overwrite,
            ..Self::default()
        }
    }

    /// Adds files and folders that the command reads; none of them is ever replaced.
    #[must_use]
    pub fn reading<P: AsRef<Path>>(mut self, inputs: impl IntoIterator<Item = P>) -> Self {
        let inputs = inputs.into_iter();
        self.inputs
            .extend(inputs.map(|path| path.as_ref().to_owned()));
        self
    }

    /// Reserves a result at `path`. No file is created or changed.
    ///
    /// # Errors
    /// [`ResultError`] if the result cannot go there.
    pub fn file(&mut self, path: &Path) -> Result<ResultFile, ResultError> {
        let place = Place::of(path)?;
        if self.inputs.iter().any(|input| place.is_read_from(input)) {
            let path = path.to_owned();
            return Err(ResultError::IsInput { path });
        }
        if let Some((other, _)) = self.taken.iter().find(|(_, taken)| taken.meets(&place)) {
            return Err(ResultError::Same {
                first: name_of(other),
                second: name_of(path),
            });
        }
        let file = ResultFile::at(path, place.clone(), self.overwrite)?;
        self.taken.push((path.to_owned(), place));
        Ok(file)
    }
}

/// One result. If it is dropped without [`ResultFile::finish`], the partial file stays.
pub struct ResultFile {
    name: String,
    sink: Sink,
}

enum Sink {
    Stream(Box<dyn Write + Send>),
    File {
        target: PathBuf,
        partial: PathBuf,
        overwrite: bool,
        /// `None` until the first byte.
        file: Option<File>,
        n_bytes: u64,
    },
}

impl ResultFile {
    fn at(path: &Path, place: Place, overwrite: bool) -> Result<Self, ResultError> {
        let name = name_of(path);
        let sink = match place {
            Place::Stdout => Sink::Stream(Box::new(io::stdout())),
            Place::Stream(stream) => {
                // Opened now and not with the first byte: the reader waits, and must see the end even if nothing is
                // written.
                let opened = OpenOptions::new().append(true).open(stream);
                match opened {
                    Ok(file) => Sink::Stream(Box::new(file)),
                    Err(source) => return Err(ResultError::Write { name, source }),
                }
            }
            Place::File { target, partial } => {
                if !overwrite {
                    if target.exists() {
                        let path = path.to_owned();
                        return Err(ResultError::Exists { path });
                    }
                    if fs::symlink_metadata(&partial).is_ok() {
                        return Err(ResultError::Leftover { path: partial });
                    }
                }
                Sink::File {
                    target,
                    partial,
                    overwrite,
                    file: None,
                    n_bytes: 0,
                }
            }
        };
        Ok(Self { name, sink })
    }

    /// The standard output.
    pub fn stdout() -> Self {
        Self::stream("the standard output", io::stdout())
    }

    /// Any writer, called `name` in messages.
    pub fn stream(name: &str, write: impl Write + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            sink: Sink::Stream(Box::new(write)),
        }
    }

    /// Whether it is the standard output, a pipe or a device, and not a file.
    pub fn is_stream(&self) -> bool {
        matches!(self.sink, Sink::Stream(_))
    }

    /// The partial file, if it is not empty.
    pub fn partial(&self) -> Option<&Path> {
        match &self.sink {
            Sink::File {
                partial, n_bytes, ..
            } if *n_bytes > 0 => Some(partial),
            _ => None,
        }
    }

    /// Creates the partial file now. Call it when the inputs are open and before long work, so that a missing
    /// permission is reported at once.
    ///
    /// # Errors
    /// [`ResultError::Write`].
    pub fn begin(&mut self) -> Result<(), ResultError> {
        self.open()
            .map(|_| ())
            .map_err(|source| self.failed(source))
    }

    /// Writes complete lines, including line ends, and flushes, so that `tail -f` and readers of a pipe see them at once.
    ///
    /// # Errors
    /// [`ResultError::ReaderGone`] or [`ResultError::Write`].
    pub fn write_lines(&mut self, lines: impl AsRef<[u8]>) -> Result<(), ResultError> {
        let written = self.write_all(lines.as_ref());
        written
            .and_then(|()| self.flush())
            .map_err(|source| self.failed(source))
    }

    /// Writes all of a result and finishes it.
    ///
    /// # Errors
    /// As [`ResultFile::write_lines`] and [`ResultFile::finish`].
    pub fn write_whole(mut self, content: impl AsRef<[u8]>) -> Result<(), ResultError> {
        self.write_all(content.as_ref())
            .map_err(|source| self.failed(source))?;
        self.finish()
    }

    /// Removes the partial file of a result that is useless unless complete. Returns the error.
    pub fn discard(mut self, source: io::Error) -> ResultError {
        if let Sink::File { n_bytes, .. } = &mut self.sink {
            *n_bytes = 0; // `drop` removes empty partial files.
        }
        self.failed(source)
    }

    /// Moves the complete result to its destination.
    ///
    /// # Errors
    /// [`ResultError::Write`], and [`ResultError::Exists`] if somebody else has written a result in the meantime; the
    /// partial file then stays.
    pub fn finish(mut self) -> Result<(), ResultError> {
        let finished = self.put_in_place();
        match finished {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(ResultError::Exists {
                path: PathBuf::from(&self.name),
            }),
            finished => finished.map_err(|source| self.failed(source)),
        }
    }

    fn put_in_place(&mut self) -> io::Result<()> {
        self.open()?.flush()?;
        let Sink::File {
            target,
            partial,
            overwrite,
            file,
            ..
        } = &mut self.sink
        else {
            return Ok(());
        };
        if !*overwrite && target.exists() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if let Some(file) = file {
            file.sync_all()?;
        }
        rename_open(file, partial, target)?;
        sync_folder(target);
        Ok(())
    }

    /// Wraps an I/O error.
    pub fn failed(&self, source: io::Error) -> ResultError {
        let name = self.name.clone();
        if source.kind() == ErrorKind::BrokenPipe {
            ResultError::ReaderGone(name)
        } else {
            ResultError::Write { name, source }
        }
    }

    fn open(&mut self) -> io::Result<&mut dyn Write> {
        match &mut self.sink {
            Sink::Stream(write) => Ok(write),
            Sink::File {
                target,
                partial,
                overwrite,
                file,
                ..
            } => {
                if file.is_none() {
                    *file = Some(create_partial(
                        target,
                        partial,
                        *overwrite,
                        Access::AsBefore,
                    )?);
                }
                match file {
                    Some(file) => Ok(file),
                    None => Err(ErrorKind::NotFound.into()),
                }
            }
        }
    }
}

impl Write for ResultFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_written = self.open()?.write(bytes)?;
        if let Sink::File { n_bytes, .. } = &mut self.sink {
            *n_bytes += n_written as u64;
        }
        Ok(n_written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Stream(write) => write.flush(),
            // There is no buffer.
            Sink::File { .. } => Ok(()),
        }
    }
}

impl Drop for ResultFile {
    fn drop(&mut self) {
        // An empty partial file is useless.
        if let Sink::File {
            partial,
            file: file @ Some(_),
            n_bytes: 0,
            ..
        } = &mut self.sink
        {
            if cfg!(windows) {
                *file = None; // Open files are not removed there.
            }
            fs::remove_file(partial).ok();
            *file = None;
        }
    }
}

impl fmt::Debug for ResultFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResultFile").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests;
