//! A webcam as a [`FrameSource`] that can neither hang nor be brought down by the camera.
//!
//! Drivers may block for good in any call, and nothing can interrupt them. So a thread named “camera” does nothing but
//! read, and the source waits for that thread with a time limit. The thread always drains the driver, whose few buffers
//! would otherwise fill with old frames; what it hands over is the newest raw frame, and only frames that someone asks
//! for are decoded. A frame that arrived damaged is skipped and counted.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod nokhwa;
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

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::nokhwa as system;
use super::{
    CameraChoice, CaptureError, FrameSource, SourceInfo, SourceKind, SourceSpec,
    camera_format::{CameraFormat, PixelFormat},
    decode::{DecodeError, decode},
    devices::{self, CameraDevice, CameraId, CameraProblem, KnownCamera},
    frame_rate::FrameRate,
};
use crate::frame::{Frame, FrameId, FramePool};

pub(super) use self::system::list;

/// How long the parts of a camera's life may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// From opening to knowing the format. Slow USB cameras take two seconds to wake.
    open: Duration,
    /// Until the first frame, during which cameras set their exposure.
    first_frame: Duration,
    /// Between later frames. The slowest useful camera, 1 Hz, is well within it.
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
/// After [`CaptureError::Stalled`] or [`CaptureError::Faulty`] the source can still be read: as soon as good frames
/// come again, [`next_frame`](FrameSource::next_frame) returns them. Reading on is better than opening again, since
/// a blocked read keeps hold of the device. After [`CaptureError::Disconnected`] nothing more comes.
pub struct WebcamSource {
    info: SourceInfo,
    id: CameraId,
    pixel_format: PixelFormat,
    limits: Limits,
    inbox: Receiver<Event>,
    /// Gives raw buffers back to the thread, to save it the page faults of fresh ones.
    used: Sender<Vec<u8>>,
    first_at: Option<Instant>,
    last_at: Instant,
    /// Damaged frames since the last good one, and in all.
    n_damaged_in_a_row: u64,
    n_damaged: u64,
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
        let known = choice.known.as_ref().map(|known| known.name.clone());
        let label = known
            .or_else(|| choice.camera.clone())
            .unwrap_or_else(|| "default".to_owned());
        Self::start(&label, move || system::open(&choice), LIMITS)
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
        let Hello {
            info,
            id,
            pixel_format,
        } = match hello.recv_timeout(limits.open) {
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
            id,
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

    /// Decodes into a buffer of `pool`; `None` for a damaged frame.
    fn decode(&mut self, raw: RawFrame, pool: &FramePool) -> Option<Frame> {
        let resolution = self.info.resolution;
        let mut rgba = pool.buffer(resolution);
        let decoded = if raw.is_marked_damaged {
            Err(DecodeError::Marked)
        } else {
            decode(self.pixel_format, resolution, &raw.data, &mut rgba)
        };
        self.used.try_send(raw.data).ok(); // A third buffer is surplus.
        self.last_at = Instant::now();
        if let Err(err) = decoded {
            self.n_damaged_in_a_row += 1;
            self.n_damaged += 1;
            // A bad cable spoils a frame every second; the log is told ever more rarely.
            if self.n_damaged.is_power_of_two() {
                log::warn!(
                    "camera “{}”: frame {} skipped ({} so far): {err}",
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

    fn n_damaged(&self) -> u64 {
        self.n_damaged
    }

    fn pinned(&self, spec: &SourceSpec) -> SourceSpec {
        let SourceSpec::Camera(choice) = spec else {
            return spec.clone();
        };
        let mut others = system::present();
        others.remove(&self.id);
        if let Some(known) = &choice.known {
            others.extend(known.others.iter().cloned());
        }
        SourceSpec::Camera(CameraChoice {
            known: Some(KnownCamera {
                name: self.info.name.clone(),
                id: self.id.clone(),
                others,
            }),
            ..choice.clone()
        })
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
                                "it sends only damaged frames ({} in a row); try another cable, socket or format",
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
    /// Waits for the next frame, and puts its raw bytes into `data` in place of what is there. `None` if none came for a
    /// moment and the caller may look around; a driver may also block for good.
    fn read(&mut self, data: &mut Vec<u8>) -> Result<Option<Arrived>, CaptureError>;
}

/// What is known of a frame besides its bytes.
struct Arrived {
    /// When it was taken, as far as the driver tells.
    captured_at: Instant,
    /// Whether the driver knows that some of it was lost.
    is_marked_damaged: bool,
}

/// A camera that has been opened, with what it will deliver.
struct Opened {
    camera: Box<dyn Camera>,
    info: SourceInfo,
    id: CameraId,
    pixel_format: PixelFormat,
}

/// The part of [`Opened`] that leaves the thread.
struct Hello {
    info: SourceInfo,
    id: CameraId,
    pixel_format: PixelFormat,
}

struct RawFrame {
    id: FrameId,
    captured_at: Instant,
    is_marked_damaged: bool,
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
                id,
                pixel_format,
            }) => {
                let name = info.name.clone();
                let answer = Hello {
                    info,
                    id,
                    pixel_format,
                };
                // If opening took too long, nobody is waiting any more.
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
            let arrived = match catch_unwind(AssertUnwindSafe(|| camera.read(&mut data))) {
                Ok(Ok(Some(arrived))) => arrived,
                Ok(Ok(None)) => {
                    spare = Some(data);
                    continue;
                }
                Ok(Err(err)) => return Some(err),
                Err(_) => {
                    return Some(CaptureError::Faulty {
                        name,
                        reason: "its driver library broke down".to_owned(),
                    });
                }
            };
            // Frames come in the order they were taken in, whatever a driver's clock says.
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

/// The place in the list of the camera that `choice` means, and the name to show for it.
fn find(devices: &[CameraDevice], choice: &CameraChoice) -> Result<(usize, String), CaptureError> {
    match &choice.known {
        Some(known) => Ok((devices::find_again(devices, known)?, known.name.clone())),
        None => {
            let place = devices::find(devices, choice.camera.as_deref())?;
            Ok((place, devices[place].name.clone()))
        }
    }
}

/// What a camera that was opened in `format` delivers. Tells if that is not what was asked for.
fn opened_info(
    name: &str,
    format: CameraFormat,
    rate: FrameRate,
    choice: &CameraChoice,
) -> SourceInfo {
    if let Some(wanted) = &choice.format
        && PixelFormat::from_fourcc(wanted) != Some(format.pixel_format)
    {
        log::warn!("camera “{name}” has no usable format {wanted}; {format} is used");
    }
    log::info!("camera “{name}” opened: {format}");
    SourceInfo {
        name: name.to_owned(),
        kind: SourceKind::Live,
        resolution: format.resolution,
        rate_hz: Some(rate.hz()),
        n_frames: None,
        duration: None,
        format: format.pixel_format.to_string(),
        mirror_by_default: true,
    }
}

/// An error of a camera that is open: it was not opened in vain.
fn faulty(err: CaptureError) -> CaptureError {
    match err {
        CaptureError::OpenCamera { name, reason, .. } => CaptureError::Faulty { name, reason },
        other => other,
    }
}

fn unusable(name: &str, problem: &CameraProblem) -> CaptureError {
    CaptureError::OpenCamera {
        name: name.to_owned(),
        reason: problem.to_string(),
        transient: problem.is_transient(),
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
