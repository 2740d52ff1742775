//! A source of images in memory, for tests and benches: given frames at a given rate, and faults on cue.
//!
//! Without a rate it never waits, so a test runs at full speed and depends on no clock.

use std::{
    collections::VecDeque,
    thread,
    time::{Duration, Instant},
};

use super::{CaptureError, FrameSource, SourceInfo, SourceKind};
use crate::frame::{Frame, FrameId, FramePool, RGBA_BYTES, Resolution};

/// Frames per second of media time for frames that are delivered as fast as they are read.
const NOMINAL_RATE_HZ: f64 = 30.0;

/// What a [`SyntheticSource`] does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Delivers this many frames.
    Frames(u64),
    /// Delivers frames forever.
    FramesForever,
    /// Fails once.
    Fail(Fault),
}

/// How it fails: the errors of [`CaptureError`] that a camera has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// [`CaptureError::NoCamera`].
    NoCamera,
    /// [`CaptureError::Disconnected`].
    Disconnected,
    /// [`CaptureError::Stalled`].
    Stalled,
    /// [`CaptureError::Faulty`].
    Faulty,
    /// [`CaptureError::OpenCamera`] that is transient.
    Busy,
    /// [`CaptureError::OpenCamera`] that is not.
    Unusable,
}

/// Images in memory as a source.
///
/// ```
/// use fervis::capture::{FrameSource, synthetic::{Fault, Step, SyntheticSource}};
/// use fervis::frame::{FramePool, Resolution};
///
/// let black = vec![0; 4 * 2 * 4];
/// let mut source = SyntheticSource::new("test", Resolution::new(4, 2), vec![black])
///     .with_script([Step::Frames(1), Step::Fail(Fault::Stalled), Step::Frames(1)]);
/// let pool = FramePool::default();
/// assert!(source.next_frame(&pool)?.is_some());
/// assert!(source.next_frame(&pool).is_err());
/// assert!(source.next_frame(&pool)?.is_some());
/// assert!(source.next_frame(&pool)?.is_none());
/// # Ok::<(), fervis::capture::CaptureError>(())
/// ```
#[derive(Debug)]
pub struct SyntheticSource {
    info: SourceInfo,
    images: Vec<Vec<u8>>,
    script: VecDeque<Step>,
    /// Between frames; `None` if they are delivered as fast as they are read.
    interval: Option<Duration>,
    next_due: Option<Instant>,
    n_frames: u64,
}

impl SyntheticSource {
    /// A file-like source that shows `images` once, as fast as they are read.
    ///
    /// Each is RGBA of the size `resolution`, rows top to bottom without padding.
    ///
    /// # Panics
    /// If there is no image, or one has another length: this is a tool for tests.
    pub fn new(name: &str, resolution: Resolution, images: Vec<Vec<u8>>) -> Self {
        assert!(!images.is_empty(), "a synthetic source has images");
        for image in &images {
            assert_eq!(image.len(), resolution.n_pixels() * RGBA_BYTES);
        }
        let n_images = images.len() as u64;
        Self {
            info: SourceInfo {
                name: name.to_owned(),
                kind: SourceKind::File,
                resolution,
                rate_hz: Some(NOMINAL_RATE_HZ),
                n_frames: Some(n_images),
                duration: None,
                format: "synthetic".to_owned(),
                mirror_by_default: false,
            },
            images,
            script: VecDeque::from([Step::Frames(n_images)]),
            interval: None,
            next_due: None,
            n_frames: 0,
        }
    }

    /// Takes these steps in turn, then ends. The images repeat as often as needed.
    #[must_use]
    pub fn with_script(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.script = steps.into_iter().collect();
        self.info.n_frames = self
            .script
            .iter()
            .try_fold(0, |n_frames: u64, step| match step {
                Step::Frames(more) => Some(n_frames + more),
                Step::FramesForever => None,
                Step::Fail(_) => Some(n_frames),
            });
        self
    }

    /// Turns it into a live source that delivers at this rate by the clock, and shows mirrored like a webcam.
    ///
    /// A late reader gets the next frame at once, and the pace continues from there; nothing is skipped.
    #[must_use]
    pub fn live_at(mut self, rate_hz: f64) -> Self {
        self.info.kind = SourceKind::Live;
        self.info.rate_hz = Some(rate_hz);
        self.info.mirror_by_default = true;
        self.interval = Some(Duration::from_secs_f64(1.0 / rate_hz));
        self
    }

    /// Turns it into a live source that does not wait, for tests without a clock.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.info.kind = SourceKind::Live;
        self.info.mirror_by_default = true;
        self
    }

    fn frame(&mut self, pool: &FramePool) -> Frame {
        if let Some(interval) = self.interval {
            let now = Instant::now();
            let due = self.next_due.map_or(now, |due| due.max(now));
            thread::sleep(due - now);
            self.next_due = Some(match self.next_due {
                Some(planned) if planned + interval > now => planned + interval,
                _ => now + interval,
            });
        }
        let image = &self.images[(self.n_frames % self.images.len() as u64) as usize];
        let mut rgba = pool.buffer(self.info.resolution);
        rgba.copy_from_slice(image);
        let id = FrameId(self.n_frames);
        let rate_hz = self.info.rate_hz.unwrap_or(NOMINAL_RATE_HZ);
        let time = Duration::from_secs_f64(self.n_frames as f64 / rate_hz);
        self.n_frames += 1;
        Frame::new(id, Instant::now(), time, self.info.resolution, rgba)
    }

    fn error(&self, fault: Fault) -> CaptureError {
        let name = self.info.name.clone();
        match fault {
            Fault::NoCamera => CaptureError::NoCamera,
            Fault::Disconnected => CaptureError::Disconnected { name },
            Fault::Stalled => CaptureError::Stalled {
                name,
                waited: Duration::from_secs(3),
            },
            Fault::Faulty => CaptureError::Faulty {
                name,
                reason: "a fault on purpose".to_owned(),
            },
            Fault::Busy | Fault::Unusable => CaptureError::OpenCamera {
                name,
                reason: "a fault on purpose".to_owned(),
                transient: fault == Fault::Busy,
            },
        }
    }
}

impl FrameSource for SyntheticSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        loop {
            match self.script.front_mut() {
                None => return Ok(None),
                Some(Step::FramesForever) => return Ok(Some(self.frame(pool))),
                Some(Step::Frames(0)) => drop(self.script.pop_front()),
                Some(Step::Frames(left)) => {
                    *left -= 1;
                    return Ok(Some(self.frame(pool)));
                }
                Some(Step::Fail(fault)) => {
                    let fault = *fault;
                    self.script.pop_front();
                    return Err(self.error(fault));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grays(grays: &[u8]) -> SyntheticSource {
        let images = grays.iter().map(|gray| vec![*gray; 4]).collect();
        SyntheticSource::new("test", Resolution::new(1, 1), images)
    }

    fn next(source: &mut SyntheticSource) -> Option<(u64, u8, u128)> {
        let frame = source.next_frame(&FramePool::default()).unwrap()?;
        Some((frame.id.0, frame.rgba()[0], frame.time.as_millis()))
    }

    #[test]
    fn images_are_shown_once() {
        let mut source = grays(&[5, 6]);
        assert_eq!(source.info().n_frames, Some(2));
        assert_eq!(next(&mut source), Some((0, 5, 0)));
        assert_eq!(next(&mut source), Some((1, 6, 33)));
        assert_eq!(next(&mut source), None);
    }

    #[test]
    fn a_script_repeats_images_and_fails_on_cue() {
        let faults = [
            Fault::NoCamera,
            Fault::Disconnected,
            Fault::Stalled,
            Fault::Faulty,
            Fault::Busy,
            Fault::Unusable,
        ];
        let steps = faults
            .into_iter()
            .flat_map(|fault| [Step::Fail(fault), Step::Frames(1)]);
        let mut source = grays(&[5, 6]).live().with_script(steps);
        assert_eq!(source.info().n_frames, Some(6));
        for (i, fault) in faults.into_iter().enumerate() {
            let err = source.next_frame(&FramePool::default()).unwrap_err();
            assert_eq!(
                err.is_transient(),
                fault != Fault::Unusable,
                "{fault:?}: {err}"
            );
            let (id, gray, _) = next(&mut source).unwrap();
            assert_eq!((id, gray), (i as u64, 5 + (i % 2) as u8));
        }
        assert_eq!(next(&mut source), None);
    }

    #[test]
    fn an_endless_script_has_no_length() {
        let mut source = grays(&[1]).with_script([Step::FramesForever]);
        assert_eq!(source.info().n_frames, None);
        for id in 0..1000 {
            assert_eq!(next(&mut source).unwrap().0, id);
        }
    }
}
