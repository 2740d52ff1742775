//! A webcam as a [`FrameSource`] that can neither hang nor be brought down by the camera.
//!
//! The capture library's read has no time limit: it blocks for ever when a camera falls silent, and nothing can
//! interrupt it. So a thread named “camera” does nothing but read, and the source waits for that thread with a time
//! limit. The thread always drains the driver, whose four buffers would otherwise fill with old pictures; what it
//! hands over is the newest raw picture, and only pictures that someone asks for are decoded.

mod device;
#[cfg(target_os = "linux")]
mod v4l2;

use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

pub(super) use device::list;

use super::{
    CameraChoice, CaptureError, FrameSource, SourceInfo, camera_format::PixelFormat, decode::decode,
};
use crate::frame::{Frame, FrameId, FramePool};

/// How long the parts of a camera's life may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// From opening to knowing the format. Slow USB cameras take two seconds to wake.
    open: Duration,
    /// Until the first picture, during which cameras set their exposure.
    first_frame: Duration,
    /// Between later pictures. The slowest useful camera, 1 Hz, is well within it.
    frame: Duration,
    /// How long a dropped source waits for its thread before it abandons it.
    close: Duration,
}

const LIMITS: Limits = Limits {
    open: Duration::from_secs(10),
    first_frame: Duration::from_secs(6),
    frame: Duration::from_secs(3),
    close: Duration::from_secs(1),
};

/// An open camera on its own thread.
///
/// After [`CaptureError::Stalled`] or [`CaptureError::Faulty`] the source can still be read: as soon as good pictures
/// come again, [`next_frame`](FrameSource::next_frame) returns them. Reading on is better than opening again, since
/// the blocked read keeps hold of the device. After [`CaptureError::Disconnected`] nothing more comes.
pub struct WebcamSource {
    info: SourceInfo,
    pixel_format: PixelFormat,
    limits: Limits,
    inbox: Receiver<Event>,
    /// Gives raw buffers back to the thread, to save it the page faults of fresh ones.
    used: Sender<Vec<u8>>,
    first_at: Option<Instant>,
    last_at: Instant,
    /// Damaged pictures since the last good one, and in all.
    n_damaged_in_a_row: u32,
    n_damaged: u32,
    /// Held for its drop, which stops the thread.
    _reader: Reader,
}

impl WebcamSource {
    /// Opens the camera that fits `choice`.
    ///
    /// # Errors
    /// [`CaptureError::NoCamera`], [`CaptureError::NoSuchCamera`] or [`CaptureError::OpenCamera`]; after ten seconds
    /// without an answer from the driver the last of these, too.
    pub fn open(choice: &CameraChoice) -> Result<Self, CaptureError> {
        let choice = choice.clone();
        let label = choice
            .camera
            .clone()
            .unwrap_or_else(|| "default".to_owned());
        Self::start(&label, move || device::open(&choice), LIMITS)
    }

    /// Runs `open` and the reads on a new thread; `label` names the camera until its name is known.
    fn start(
        label: &str,
        open: impl FnOnce() -> Result<Opened, CaptureError> + Send + 'static,
        limits: Limits,
    ) -> Result<Self, CaptureError> {
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
                let _alive: Sender<Infallible> = alive; // Closing this channel tells that the thread has ended.
                run(open, &hello_sender, &outbox, &reusable, &stop);
            }
        });
        let reader = Reader {
            stop,
            ended,
            thread: Some(
                thread.map_err(|err| failed_to_open(label, format!("no thread for it: {err}")))?,
            ),
            limit: limits.close,
        };
        let Hello { info, pixel_format } = match hello.recv_timeout(limits.open) {
            Ok(hello) => hello?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(failed_to_open(
                    label,
                    format!(
                        "its driver has not answered for {} s; unplug it and plug it in again",
                        limits.open.as_secs()
                    ),
                ));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(failed_to_open(
                    label,
                    "its driver library broke down".to_owned(),
                ));
            }
        };
        Ok(Self {
            info,
            pixel_format,
            limits,
            inbox,
            used,
            first_at: None,
            last_at: Instant::now(),
            n_damaged_in_a_row: 0,
            n_damaged: 0,
            _reader: reader,
        })
    }

    /// Decodes into a buffer of `pool`; `None` for a damaged picture.
    fn decode(&mut self, raw: RawFrame, pool: &FramePool) -> Option<Frame> {
        let resolution = self.info.resolution;
        let mut rgba = pool.buffer(resolution);
        let decoded = decode(self.pixel_format, resolution, &raw.data, &mut rgba);
        self.used.try_send(raw.data).ok(); // A third buffer is surplus.
        self.last_at = raw.captured_at;
        if let Err(err) = decoded {
            self.n_damaged_in_a_row += 1;
            self.n_damaged += 1;
            // A bad cable spoils a picture every second; the log is told ever more rarely.
            if self.n_damaged.is_power_of_two() {
                log::warn!(
                    "camera “{}”: picture {} skipped ({} so far): {err}",
                    self.info.name,
                    raw.id.0,
                    self.n_damaged
                );
            }
            return None;
        }
        self.n_damaged_in_a_row = 0;
        let first_at = *self.first_at.get_or_insert(raw.captured_at);
        let time = raw.captured_at.saturating_duration_since(first_at);
        Some(Frame::new(raw.id, raw.captured_at, time, resolution, rgba))
    }
}

impl FrameSource for WebcamSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let limit = match self.first_at {
            None => self.limits.first_frame,
            Some(_) => self.limits.frame,
        };
        let deadline = Instant::now() + limit;
        loop {
            match self.inbox.recv_deadline(deadline) {
                Ok(Event::Frame(raw)) => {
                    if let Some(frame) = self.decode(raw, pool) {
                        return Ok(Some(frame));
                    }
                    if Instant::now() >= deadline {
                        return Err(CaptureError::Faulty {
                            name: self.info.name.clone(),
                            reason: format!(
                                "it sends only damaged pictures ({} in a row); try another cable, socket or format",
                                self.n_damaged_in_a_row
                            ),
                        });
                    }
                }
                Ok(Event::Ended(err)) => return Err(err),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(CaptureError::Stalled {
                        name: self.info.name.clone(),
                        waited: self.last_at.elapsed(),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(CaptureError::Disconnected {
                        name: self.info.name.clone(),
                    });
                }
            }
        }
    }
}

/// A camera as the reading thread sees it; a trait so that tests can silence, damage and unplug one.
///
/// It is made and used on that thread only, for real ones are not `Send`.
trait Camera {
    /// Waits for the next picture, for ever if need be, and puts its raw bytes into `data` in place of what is there.
    fn read(&mut self, data: &mut Vec<u8>) -> Result<(), CaptureError>;
}

/// A camera that has been opened, with what it will deliver.
struct Opened {
    camera: Box<dyn Camera>,
    info: SourceInfo,
    pixel_format: PixelFormat,
}

/// The part of [`Opened`] that leaves the thread.
struct Hello {
    info: SourceInfo,
    pixel_format: PixelFormat,
}

struct RawFrame {
    id: FrameId,
    captured_at: Instant,
    data: Vec<u8>,
}

enum Event {
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
                // Not while this end holds a receiver.
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
    // The capture library panics on some answers of some drivers, and when it fails to stop a stream.
    let end = catch_unwind(AssertUnwindSafe(|| {
        let (mut camera, name) = match open() {
            Err(err) => {
                hello.send(Err(err)).ok();
                return None;
            }
            Ok(Opened {
                camera,
                info,
                pixel_format,
            }) => {
                let name = info.name.clone();
                // If opening took too long, nobody is waiting any more.
                hello.send(Ok(Hello { info, pixel_format })).ok()?;
                (camera, name)
            }
        };
        let mut spare = None;
        for id in 0.. {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let mut data = spare
                .take()
                .or_else(|| reusable.try_recv().ok())
                .unwrap_or_default();
            match catch_unwind(AssertUnwindSafe(|| camera.read(&mut data))) {
                Ok(Ok(())) => {}
                Ok(Err(err)) => return Some(err),
                Err(_) => {
                    return Some(CaptureError::Faulty {
                        name,
                        reason: "its driver library broke down".to_owned(),
                    });
                }
            }
            let replaced = outbox.put(Event::Frame(RawFrame {
                id: FrameId(id),
                captured_at: Instant::now(),
                data,
            }));
            if let Some(Event::Frame(unread)) = replaced {
                spare = Some(unread.data);
            }
        }
        None
    }));
    // The camera is closed by now, so that whoever reads the last event can open it again at once.
    match end {
        Ok(Some(err)) => drop(outbox.put(Event::Ended(err))),
        Ok(None) => {}
        Err(_) => log::warn!("the camera's driver library broke down while closing it"),
    }
}

/// Stops the reading thread when dropped, and abandons it if it is blocked in the driver.
struct Reader {
    stop: Arc<AtomicBool>,
    ended: Receiver<Infallible>,
    thread: Option<JoinHandle<()>>,
    limit: Duration,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        match self.ended.recv_timeout(self.limit) {
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(thread) = self.thread.take() {
                    thread.join().ok(); // Panics were caught and told inside.
                }
            }
            // It ends by itself when the driver lets go of it: at the latest when the camera is unplugged.
            _ => log::warn!("a camera is blocked in its driver; its thread was left behind"),
        }
    }
}

fn failed_to_open(label: &str, reason: String) -> CaptureError {
    CaptureError::OpenCamera {
        name: label.to_owned(),
        reason,
        transient: true,
    }
}

#[cfg(test)]
mod tests;
