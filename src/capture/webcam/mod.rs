//! A webcam as a [`FrameSource`] that neither hangs nor fails with its driver.
//!
//! Drivers may block for good in any call, and nothing can interrupt them. So a thread named “camera” does nothing but
//! read, and the source waits for that thread with a time limit. The thread always drains the driver, whose few buffers
//! would otherwise fill with old frames. It hands over the newest raw frame, and only frames that someone takes are
//! decoded. A frame that arrives damaged is skipped and counted.

mod camera;
mod camera_thread;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod media_foundation;
#[cfg(any(not(target_os = "linux"), test))]
mod nokhwa;
#[cfg(any(not(target_os = "linux"), test))]
mod nokhwa_formats;
#[cfg(target_os = "linux")]
mod v4l2;

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::nokhwa as system;
use self::{
    camera::{Hello, Opened},
    camera_thread::{CameraThread, Event, RawFrame},
};
use super::{
    CameraChoice, CaptureError, FrameSource, SourceInfo, SourceSpec,
    decode::{DecodeError, decode},
    devices::{CameraDevice, KnownCamera},
};
use crate::frame::{Frame, FramePool};

/// Time limits of a camera.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// From opening to knowing the format. Slow USB cameras take two seconds to wake.
    open: Duration,
    /// Until the first frame, during which cameras set their exposure.
    first_frame: Duration,
    /// Between later frames. The slowest useful camera, at 1 Hz, stays well within it.
    frame: Duration,
    /// How long a dropped source waits for its thread before abandoning it.
    close: Duration,
}

const LIMITS: Limits = Limits {
    open: Duration::from_secs(10),
    first_frame: Duration::from_secs(6),
    frame: Duration::from_secs(3),
    close: Duration::from_secs(1),
};

/// All cameras, in the order of their device nodes; see [`capture::cameras`](super::cameras).
pub(super) fn list() -> Vec<CameraDevice> {
    let listed = system::list().into_iter();
    listed.map(|listed| listed.device).collect()
}

/// An open camera on its own thread.
///
/// After [`CaptureError::Stalled`] or [`CaptureError::Faulty`] the source can still be read: as soon as good frames come
/// again, [`next_frame`](FrameSource::next_frame) returns them. That is better than opening it again, since a blocked read
/// keeps hold of the device. After [`CaptureError::Disconnected`] no more frames come.
pub struct WebcamSource {
    hello: Hello,
    limits: Limits,
    thread: CameraThread,
    first_at: Option<Instant>,
    last_at: Instant,
    /// Damaged frames since the last good one, and in total.
    n_damaged_in_a_row: u64,
    n_damaged: u64,
}

impl WebcamSource {
    /// Opens the camera that matches `choice`.
    ///
    /// # Errors
    /// [`CaptureError::NoCamera`], [`CaptureError::NoSuchCamera`] or [`CaptureError::OpenCamera`], the last also if the driver
    /// does not answer within ten seconds.
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
        let (thread, hello) = CameraThread::start(label, open, limits.open, limits.close)?;
        Ok(Self {
            hello,
            limits,
            thread,
            first_at: None,
            last_at: Instant::now(),
            n_damaged_in_a_row: 0,
            n_damaged: 0,
        })
    }

    /// Decodes into a buffer of `pool`; `None` for a damaged frame.
    fn decode(&mut self, raw: RawFrame, pool: &FramePool) -> Option<Frame> {
        let resolution = self.hello.info.resolution;
        let mut rgba = pool.buffer(resolution);
        let decoded = if raw.is_marked_damaged {
            Err(DecodeError::Marked)
        } else {
            decode(self.hello.pixel_format, resolution, &raw.data, &mut rgba)
        };
        self.thread.recycle(raw.data);
        self.last_at = Instant::now();
        if let Err(err) = decoded {
            self.n_damaged_in_a_row += 1;
            self.n_damaged += 1;
            // A bad cable damages a frame every second, so this is logged less and less often.
            if self.n_damaged.is_power_of_two() {
                log::warn!(
                    "camera “{}”: frame {} skipped ({} so far): {err}",
                    self.hello.info.name,
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
        &self.hello.info
    }

    fn n_damaged(&self) -> u64 {
        self.n_damaged
    }

    fn pinned(&self, spec: &SourceSpec) -> SourceSpec {
        let SourceSpec::Camera(choice) = spec else {
            return spec.clone();
        };
        let mut others = system::present();
        others.remove(&self.hello.id);
        if let Some(known) = &choice.known {
            others.extend(known.others.iter().cloned());
        }
        SourceSpec::Camera(CameraChoice {
            known: Some(KnownCamera {
                name: self.hello.info.name.clone(),
                id: self.hello.id.clone(),
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
            match self.thread.inbox.recv_deadline(deadline) {
                Ok(Event::Frame(raw)) => {
                    if let Some(frame) = self.decode(raw, pool) {
                        return Ok(Some(frame));
                    }
                    if Instant::now() >= deadline {
                        return Err(CaptureError::Faulty {
                            name: self.hello.info.name.clone(),
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
                        name: self.hello.info.name.clone(),
                        waited: self.last_at.elapsed(),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(CaptureError::Disconnected {
                        name: self.hello.info.name.clone(),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
