//! Results as JSON Lines, written on a thread of their own.
//!
//! For whoever watches and pipes at once (`fervis --json - | …`): a reader that stops reading must not stop the
//! picture. So lines that find no room are dropped and counted. Without a window nobody watches, and
//! `fervis analyze` writes its lines itself and waits.

use std::{
    convert::Infallible,
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::message;
use crate::pipeline::{Analysis, SourceRun, Tap};

/// Lines that wait for a reader that is busy: some seconds of them.
const MAX_WAITING: usize = 128;
/// How long the last lines may take at the end. A reader that has stopped reading keeps them for ever.
const FINISH_WITHIN: Duration = Duration::from_millis(500);

/// Writes a line for every result. Dropping it writes what is left, within half a second.
pub struct JsonLines {
    /// `None` only while dropping.
    outbox: Option<Sender<String>>,
    /// Disconnects when the thread is through.
    done: Receiver<Infallible>,
    n_lost: AtomicU64,
}

impl JsonLines {
    /// Starts the thread that writes to `write`, which is called `name` when it fails.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(name: String, write: impl Write + Send + 'static) -> io::Result<Self> {
        let (outbox, inbox) = crossbeam_channel::bounded(MAX_WAITING);
        let (running, done) = crossbeam_channel::bounded(0);
        thread::Builder::new()
            .name("json lines".to_owned())
            .spawn(move || {
                let _running: Sender<Infallible> = running; // Dropped when the thread ends.
                match write_all(inbox, write) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        log::info!("the reader of {name} is gone");
                    }
                    Err(error) => log::warn!("{name} could not be written: {error}"),
                    Ok(()) => {}
                }
            })?;
        Ok(Self {
            outbox: Some(outbox),
            done,
            n_lost: AtomicU64::default(),
        })
    }

    /// Lines that were dropped because the reader was too slow.
    pub fn n_lost(&self) -> u64 {
        self.n_lost.load(Ordering::Relaxed)
    }
}

/// Each line is flushed, so that a reader sees it at once. The inbox is gone when this returns, and with it what
/// nobody will read.
fn write_all(inbox: Receiver<String>, mut write: impl Write) -> io::Result<()> {
    for line in inbox {
        write.write_all(line.as_bytes())?;
        write.flush()?;
    }
    Ok(())
}

impl Tap for JsonLines {
    fn analyzed(&self, _run: SourceRun, analysis: &Analysis) {
        let Some(outbox) = &self.outbox else { return };
        let line = match message::line(analysis) {
            Ok(line) => line + "\n",
            Err(error) => return log::warn!("a result could not be written as JSON: {error}"),
        };
        // Disconnected means that the thread has told why it ended.
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
        self.done.recv_timeout(FINISH_WITHIN).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::stream::fixtures::analysis;

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
    fn what_was_analysed_is_written_when_it_is_gone() {
        let paper = Paper::default();
        let lines = JsonLines::start("paper".to_owned(), paper.clone()).unwrap();
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

    /// A reader that does not read until the sender of this is gone.
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
        let lines = JsonLines::start("pipe".to_owned(), Blocked(blocked)).unwrap();
        let n_written = MAX_WAITING as u64 + 10;
        for frame in 0..n_written {
            lines.analyzed(SourceRun(1), &analysis(frame, Duration::ZERO, &[]));
        }
        // One may be in the hands of the thread.
        assert!((9..=10).contains(&lines.n_lost()), "{}", lines.n_lost());
        drop(release);
    }

    /// Nobody reads any more.
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let lines = JsonLines::start("pipe".to_owned(), Gone).unwrap();
        lines.analyzed(SourceRun(1), &analysis(0, Duration::ZERO, &[]));
        assert!(lines.done.recv().is_err(), "the thread has ended");
        for frame in 1..1000 {
            lines.analyzed(SourceRun(1), &analysis(frame, Duration::ZERO, &[]));
        }
        assert_eq!(lines.n_lost(), 0, "nobody was too slow");
    }
}
