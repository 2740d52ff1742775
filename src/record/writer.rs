//! Writes a session's tables and its description as things happen.
//!
//! Every row is handed to the system at once, and everything is synced to the disk every two seconds. So a crash of the
//! program costs at most a half-written line, and a power cut two seconds.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write},
    marker::PhantomData,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::session::{
    SessionError, files,
    manifest::Manifest,
    tables::{self, EventRow, FaceRow, FrameRow, Row},
};

/// How often everything is synced to the disk. A sync takes some 4 ms on an SSD, and up to a second on a slow card.
pub(super) const SYNC_EVERY: Duration = Duration::from_secs(2);

/// More than finishing takes beside what grows with the session: half a second of each video, the description twice (old and
/// new), the rows of a second, and what all of these grow by until the reserve grows again.
const MAX_FINISH_BYTES: u64 = 1 << 20;

/// One growing table.
struct Table<R> {
    path: PathBuf,
    file: File,
    n_bytes: u64,
    row: PhantomData<R>,
}

impl<R: Row> Table<R> {
    fn create(folder: &Path) -> Result<Self, SessionError> {
        let path = folder.join(R::FILE);
        let mut file =
            files::create_new(&path).map_err(|source| SessionError::write(&path, source))?;
        let header = tables::header::<R>();
        file.write_all(&header)
            .map_err(|source| SessionError::write(&path, source))?;
        Ok(Self {
            path,
            file,
            n_bytes: header.len() as u64,
            row: PhantomData,
        })
    }

    fn append<'a>(&mut self, rows: impl IntoIterator<Item = &'a R>) -> Result<(), SessionError>
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

    /// Cuts off a partial write, so that the next line starts on a line of its own.
    fn cut_to(&mut self, n_bytes: u64) {
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

    fn check(&self) -> Result<(), SessionError> {
        if files::is_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(SessionError::Gone {
            path: self.path.clone(),
        })
    }

    fn sync(&self) -> Result<(), SessionError> {
        self.file
            .sync_data()
            .map_err(|source| SessionError::write(&self.path, source))
    }
}

/// The tables of one session.
pub(super) struct SessionWriter {
    folder: PathBuf,
    frames: Table<FrameRow>,
    faces: Table<FaceRow>,
    events: Table<EventRow>,
    synced_at: Instant,
    /// The description; see [`SessionWriter::write_manifest`].
    pub manifest: Manifest,
}

impl SessionWriter {
    /// Creates the tables and the description in an empty folder.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn create(folder: &Path, manifest: Manifest) -> Result<Self, SessionError> {
        // First, so that recovery finds whatever follows.
        manifest.write(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            frames: Table::create(folder)?,
            faces: Table::create(folder)?,
            events: Table::create(folder)?,
            synced_at: Instant::now(),
            manifest,
        })
    }

    /// Appends a frame with its faces.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn frame(&mut self, frame: &FrameRow, faces: &[FaceRow]) -> Result<(), SessionError> {
        // Faces first, so that a frame's row never promises faces that are missing.
        let n_bytes = self.faces.n_bytes;
        self.faces.append(faces)?;
        self.frames
            .append([frame])
            .inspect_err(|_| self.faces.cut_to(n_bytes))
    }

    /// Checks that every table is still there.
    ///
    /// # Errors
    /// [`SessionError::Gone`].
    pub fn check(&self) -> Result<(), SessionError> {
        self.frames.check()?;
        self.faces.check()?;
        self.events.check()
    }

    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends an event.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn event(&mut self, event: &EventRow) -> Result<(), SessionError> {
        self.events.append([event])
    }

    /// Replaces the description.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn write_manifest(&self) -> Result<(), SessionError> {
        self.manifest.write(&self.folder)
    }

    /// Whether a sync is due; if so, the next one is due two seconds after `now`.
    pub fn is_sync_due(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.synced_at) >= SYNC_EVERY;
        if due {
            self.synced_at = now;
        }
        due
    }

    /// Syncs the tables to the disk.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn sync(&self) -> Result<(), SessionError> {
        self.frames.sync()?;
        self.faces.sync()?;
        self.events.sync()
    }

    /// Disk space that finishing may need beside the videos' indices, bytes. The frames' table is written anew if the last
    /// frames of the video are lost.
    pub fn n_bytes_to_finish(&self) -> u64 {
        self.frames.n_bytes + MAX_FINISH_BYTES
    }

    /// Size of the tables, bytes.
    pub fn n_bytes(&self) -> u64 {
        self.frames.n_bytes + self.faces.n_bytes + self.events.n_bytes
    }
}
