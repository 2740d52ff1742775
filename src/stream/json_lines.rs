//! Results as JSON Lines, written on a thread of their own.
//!
//! For a window with a pipe (`fervis --json - | …`): a reader that stops reading must not stop the video. So lines that
//! find no room are dropped and counted. Without a window, `fervis analyze` writes its lines itself and waits.

use std::{
    convert::Infallible,
    io,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::message;
use crate::{
    error_text::error_text,
    pipeline::{Analysis, SourceRun, Tap},
    result_file::{ResultError, ResultFile},
};

/// Lines that wait for a busy reader: some seconds' worth.
const MAX_WAITING: usize = 128;
/// How long the last lines may take at the end. A reader that has stopped reading would block for good.
const FINISH_WITHIN: Duration = Duration::from_millis(500);
/// The same for a file, which has no reader but is flushed to disk: that takes seconds on a slow card.
const FINISH_FILE_WITHIN: Duration = Duration::from_secs(10);

/// Writes a line for every result. Dropping it writes the remaining lines and moves the file into place.
pub struct JsonLines {
    /// `None` only while dropping.
    outbox: Option<Sender<String>>,
    /// Disconnects when the thread ends.
    done: Receiver<Infallible>,
    finish_within: Duration,
    n_lost: AtomicU64,
}

impl JsonLines {
    /// Starts the thread that writes to `file`.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(file: ResultFile) -> io::Result<Self> {
        let finish_within = if file.is_stream() {
            FINISH_WITHIN
        } else {
            FINISH_FILE_WITHIN
        };
        let (outbox, inbox) = crossbeam_channel::bounded(MAX_WAITING);
        let (running, done) = crossbeam_channel::bounded(0);
        thread::Builder::new()
            .name("json lines".to_owned())
            .spawn(move || {
                let _running: Sender<Infallible> = running; // Dropped when the thread ends.
                match write_all(inbox, file) {
                    Err(error @ ResultError::ReaderGone(_)) => log::info!("{error}"),
                    Err(error) => log::warn!("{}", error_text(&error)),
                    Ok(()) => {}
                }
            })?;
        Ok(Self {
            outbox: Some(outbox),
            done,
            finish_within,
            n_lost: AtomicU64::default(),
        })
    }

    /// Lines that were dropped because the reader was too slow.
    pub fn n_lost(&self) -> u64 {
        self.n_lost.load(Ordering::Relaxed)
    }
}

/// Drops the inbox when it returns, and with it the lines that nobody will read. Without any result an existing file stays:
/// no source was opened.
fn write_all(inbox: Receiver<String>, mut file: ResultFile) -> Result<(), ResultError> {
    let mut is_empty = true;
    for line in inbox {
        file.write_lines(&line)?;
        is_empty = false;
    }
    if is_empty { Ok(()) } else { file.finish() }
}

impl Tap for JsonLines {
    fn analyzed(&self, _run: SourceRun, analysis: &Analysis) {
        let Some(outbox) = &self.outbox else { return };
        let line = match message::line(analysis) {
            Ok(line) => line + "\n",
            Err(error) => return log::warn!("a result could not be written as JSON: {error}"),
        };
        // Disconnected means that the thread has logged why it ended.
        if let Err(TrySendError::Full(_)) = outbox.try_send(line)
            && self.n_lost.fetch_add(1, Ordering::Relaxed) == 0
        {
            log::warn!("the reader of the JSON lines is too slow; some are dropped");
        }
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        self.outbox = None;
        self.done.recv_timeout(self.finish_within).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::{result_file::Outputs, stream::fixtures::analysis};

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_result_is_written_by_the_time_it_is_dropped() {
        let paper = Paper::default();
        let lines = JsonLines::start(ResultFile::stream("paper", paper.clone())).unwrap();
        for frame in 0..3 {
            lines.analyzed(SourceRun(1), &analysis(frame, Duration::ZERO, &[]));
        }
        drop(lines);
        let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(
            text.lines().last(),
            Some(r#"{"frame":2,"time_s":0.0,"faces":[]}"#)
        );
    }

    #[test]
    fn a_file_is_in_place_when_the_window_closes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.jsonl");
        fs::write(&path, "kept\n").unwrap();
        let start = || JsonLines::start(Outputs::new(true).file(&path).unwrap()).unwrap();
        let text = || fs::read_to_string(&path).unwrap();
        // Without a camera there is no result to replace the old one.
        drop(start());
        assert_eq!(text(), "kept\n");
        let lines = start();
        lines.analyzed(SourceRun(1), &analysis(0, Duration::ZERO, &[]));
        assert_eq!(text(), "kept\n");
        drop(lines);
        assert_eq!(text().lines().count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// A reader that does not read until the sender of this is dropped.
    struct Blocked(Receiver<Infallible>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stops_loses_lines_and_nothing_else() {
        let (release, blocked) = crossbeam_channel::bounded(0);
        let lines = JsonLines::start(ResultFile::stream("pipe", Blocked(blocked))).unwrap();
        let n_written = MAX_WAITING as u64 + 10;
        for frame in 0..n_written {
            lines.analyzed(SourceRun(1), &analysis(frame, Duration::ZERO, &[]));
        }
        // The thread may hold one.
        assert!((9..=10).contains(&lines.n_lost()), "{}", lines.n_lost());
        drop(release);
    }

    /// A pipe whose reader has closed it.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_closes_the_pipe_is_no_failure() {
        let lines = JsonLines::start(ResultFile::stream("pipe", Closed)).unwrap();
        lines.analyzed(SourceRun(1), &analysis(0, Duration::ZERO, &[]));
        assert!(lines.done.recv().is_err(), "the thread has ended");
        for frame in 1..1000 {
            lines.analyzed(SourceRun(1), &analysis(frame, Duration::ZERO, &[]));
        }
        assert_eq!(lines.n_lost(), 0, "no reader was too slow");
    }
}
