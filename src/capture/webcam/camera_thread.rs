//! The thread that reads one camera, and the slot for its newest frame.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::camera::{Hello, Opened, failed_to_open};
use crate::{capture::CaptureError, frame::FrameId, panics};

/// A running thread. Dropping it stops the thread, or abandons it if it is blocked in the driver.
pub(super) struct CameraThread {
    /// The newest event from the thread.
    pub(super) inbox: Receiver<Event>,
    /// Returns raw buffers to the thread, to save the page faults of new ones.
    used: Sender<Vec<u8>>,
    stop: Arc<AtomicBool>,
    ended: Receiver<Infallible>,
    thread: Option<JoinHandle<()>>,
    close_within: Duration,
}

impl CameraThread {
    /// Runs `open` and the reads on a new thread; `label` names the camera until its name is known. Dropping waits at
    /// most `close_within` for the thread.
    ///
    /// # Errors
    /// What `open` returns; [`CaptureError::OpenCamera`] if it takes longer than `open_within` or panics.
    pub(super) fn start(
        label: &str,
        open: impl FnOnce() -> Result<Opened, CaptureError> + Send + 'static,
        open_within: Duration,
        close_within: Duration,
    ) -> Result<(Self, Hello), CaptureError> {
        let (hello_sender, hello) = bounded(1);
        let (outbox, inbox) = bounded(1);
        let (used, reusable) = bounded(2);
        let (alive, ended) = bounded(0);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name("camera".to_owned()).spawn({
            let outbox = Outbox {
                sender: outbox,
                unread: inbox.clone(),
            };
            let stop = Arc::clone(&stop);
            move || {
                let _alive: Sender<Infallible> = alive; // This channel closes when the thread ends.
                run(open, &hello_sender, &outbox, &reusable, &stop);
            }
        });
        let thread =
            thread.map_err(|err| failed_to_open(label, format!("no thread for it: {err}")))?;
        // From here on, dropping it stops the thread, however this function returns.
        let started = Self {
            inbox,
            used,
            stop,
            ended,
            thread: Some(thread),
            close_within,
        };
        match hello.recv_timeout(open_within) {
            Ok(hello) => Ok((started, hello?)),
            Err(RecvTimeoutError::Timeout) => Err(failed_to_open(
                label,
                format!(
                    "its driver has not answered for {} s; unplug it and plug it in again",
                    open_within.as_secs()
                ),
            )),
            Err(RecvTimeoutError::Disconnected) => Err(failed_to_open(
                label,
                "its driver library broke down".to_owned(),
            )),
        }
    }

    /// Returns the buffer of a frame to the thread.
    pub(super) fn recycle(&self, data: Vec<u8>) {
        self.used.try_send(data).ok(); // A third buffer is not needed.
    }
}

impl Drop for CameraThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        match self.ended.recv_timeout(self.close_within) {
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(thread) = self.thread.take() {
                    thread.join().ok(); // Panics were caught and logged inside.
                }
            }
            // It ends by itself when the driver call returns, at the latest when the camera is unplugged.
            _ => log::warn!("a camera is blocked in its driver; its thread was abandoned"),
        }
    }
}

pub(super) struct RawFrame {
    pub(super) id: FrameId,
    pub(super) captured_at: Instant,
    pub(super) is_marked_damaged: bool,
    pub(super) data: Vec<u8>,
}

pub(super) enum Event {
    Frame(RawFrame),
    /// The last event: reading ended with this, and the camera is closed.
    Ended(CaptureError),
}

/// The sending end of a slot for one event, in which a newer one replaces an unread one.
struct Outbox {
    sender: Sender<Event>,
    unread: Receiver<Event>,
}

impl Outbox {
    /// Returns what was replaced.
    fn put(&self, mut event: Event) -> Option<Event> {
        let mut replaced = None;
        loop {
            match self.sender.try_send(event) {
                Ok(()) => return replaced,
                Err(TrySendError::Full(same)) => {
                    event = same;
                    replaced = self.unread.try_recv().ok();
                }
                // Impossible while this end has a receiver.
                Err(TrySendError::Disconnected(_)) => return replaced,
            }
        }
    }
}

/// The reading thread's body.
fn run(
    open: impl FnOnce() -> Result<Opened, CaptureError>,
    hello: &Sender<Result<Hello, CaptureError>>,
    outbox: &Outbox,
    reusable: &Receiver<Vec<u8>>,
    stop: &AtomicBool,
) {
    // The capture library panics on some answers of drivers, and when it cannot stop a stream.
    let end = panics::catch(|| {
        let (mut camera, name) = match open() {
            Err(err) => {
                hello.send(Err(err)).ok();
                return None;
            }
            Ok(Opened {
                camera,
                hello: answer,
            }) => {
                let name = answer.info.name.clone();
                // If opening took too long, nobody waits for this any more.
                hello.send(Ok(answer)).ok()?;
                (camera, name)
            }
        };
        let mut spare = None;
        let mut latest = None;
        let mut id = 0;
        while !stop.load(Ordering::Relaxed) {
            let mut data = spare
                .take()
                .or_else(|| reusable.try_recv().ok())
                .unwrap_or_default();
            let arrived = match panics::catch(|| camera.read(&mut data)) {
                Some(Ok(Some(arrived))) => arrived,
                Some(Ok(None)) => {
                    spare = Some(data);
                    continue;
                }
                Some(Err(err)) => return Some(err),
                None => {
                    return Some(CaptureError::Faulty {
                        name,
                        reason: "its driver library broke down".to_owned(),
                    });
                }
            };
            // Frames are in the order of capture, whatever the driver's clock says.
            let captured_at = arrived
                .captured_at
                .max(latest.unwrap_or(arrived.captured_at));
            latest = Some(captured_at);
            let replaced = outbox.put(Event::Frame(RawFrame {
                id: FrameId(id),
                captured_at,
                is_marked_damaged: arrived.is_marked_damaged,
                data,
            }));
            id += 1;
            if let Some(Event::Frame(unread)) = replaced {
                spare = Some(unread.data);
            }
        }
        None
    });
    // The camera is closed by now, so that the reader of the last event can open it again at once.
    match end {
        Some(Some(err)) => drop(outbox.put(Event::Ended(err))),
        Some(None) => {}
        None => log::warn!("the camera's driver library broke down while closing it"),
    }
}
