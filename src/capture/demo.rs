//! The bundled clip, as a camera that everyone has.
//!
//! It loops in real time, and like a camera it does not wait for a slow reader: frames whose time has passed are skipped,
//! which shows in the frame numbers. Read to its end instead, it is an ordinary file.
//! `assets/README.md` says who it shows and how the clip was made.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{CaptureError, FrameSource, SourceInfo, SourceKind, video};
use crate::frame::{Frame, FramePool};

/// The clip: MP4, H.264 without B-frames, 640×480, 30 frames a second, nine seconds, no sound.
pub(super) const CLIP: &[u8] = include_bytes!("../../assets/demo.mp4");

/// Name of the source.
const NAME: &str = "demo";

/// From the start of one round to that of the next.
const LENGTH: Duration = Duration::from_secs(9);

/// From one frame to the next.
const INTERVAL: Duration = Duration::from_nanos(33_333_333);

/// A reader that is later than this was asleep (a suspended laptop, a debugger); the clip then waits for it.
const MAX_LATENESS: Duration = Duration::from_secs(1);

/// The clip once, as a file.
///
/// # Errors
/// [`CaptureError::Unsupported`] in a build without the feature `h264-bundled`, if ffmpeg is missing.
pub(super) fn open_once() -> Result<Box<dyn FrameSource>, CaptureError> {
    video::open_clip(CLIP, NAME).map_err(|reason| CaptureError::unsupported(NAME, reason))
}

/// The clip as a live camera.
pub struct DemoSource {
    info: SourceInfo,
    clip: Box<dyn FrameSource>,
    /// When the frame with time 0 is due; known from the first read on.
    started_at: Option<Instant>,
    /// Media time at the start of the current round.
    round_starts_at: Duration,
    /// Number of the round's first frame.
    round_starts_with: u64,
    /// Media time of the next frame.
    next_time: Duration,
    next_id: u64,
}

impl DemoSource {
    /// Opens the clip; its clock starts with the first frame that is read.
    ///
    /// # Errors
    /// [`CaptureError::Unsupported`] in a build without the feature `h264-bundled`, if ffmpeg is missing.
    pub fn open() -> Result<Self, CaptureError> {
        let clip = open_once()?;
        Ok(Self {
            info: SourceInfo {
                kind: SourceKind::Live,
                n_frames: None,
                duration: None,
                ..clip.info().clone()
            },
            clip,
            started_at: None,
            round_starts_at: Duration::ZERO,
            round_starts_with: 0,
            next_time: Duration::ZERO,
            next_id: 0,
        })
    }

    /// The frame to show at `now`, or the next one after it, and when it is due.
    fn frame_at(
        &mut self,
        now: Instant,
        pool: &FramePool,
    ) -> Result<(Frame, Instant), CaptureError> {
        let mut started_at = *self.started_at.get_or_insert(now);
        let lateness = now.saturating_duration_since(started_at + self.next_time);
        if lateness > MAX_LATENESS {
            started_at += lateness;
            self.started_at = Some(started_at);
        }
        loop {
            let mut frame = self.next_in_turn(pool)?;
            // A frame is worth showing while the next one is not yet due.
            if started_at + frame.time + INTERVAL > now {
                let due = started_at + frame.time;
                frame.captured_at = due.max(now);
                return Ok((frame, due));
            }
        }
    }

    /// The next frame of the endless clip.
    fn next_in_turn(&mut self, pool: &FramePool) -> Result<Frame, CaptureError> {
        let mut frame = match self.clip.next_frame(pool)? {
            Some(frame) => frame,
            None => {
                self.round_starts_at += LENGTH;
                self.round_starts_with = self.next_id;
                self.clip = open_once()?;
                self.clip
                    .next_frame(pool)?
                    .ok_or_else(|| CaptureError::unsupported(NAME, "the clip is empty"))?
            }
        };
        frame.id.0 += self.round_starts_with;
        frame.time += self.round_starts_at;
        self.next_id = frame.id.0 + 1;
        self.next_time = frame.time + INTERVAL;
        Ok(frame)
    }
}

impl FrameSource for DemoSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let (frame, due) = self.frame_at(Instant::now(), pool)?;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        Ok(Some(frame))
    }
}

#[cfg(all(test, feature = "h264-bundled"))]
mod tests {
    use super::*;

    #[test]
    fn time_and_numbers_grow_as_it_loops() {
        let mut demo = DemoSource::open().unwrap();
        assert_eq!(demo.info().kind, SourceKind::Live);
        let pool = FramePool::default();
        let start = Instant::now();
        let mut now = start;
        for number in 0..600 {
            let (frame, due) = demo.frame_at(now, &pool).unwrap();
            assert_eq!(frame.id.0, number);
            let expected = number as f64 / 30.0;
            assert!(
                (frame.time.as_secs_f64() - expected).abs() < 1e-3,
                "{number}: {:?}",
                frame.time
            );
            assert_eq!(due, start + frame.time);
            now = due + INTERVAL / 2;
        }
    }

    #[test]
    fn a_slow_reader_misses_frames_and_stays_in_time() {
        let mut demo = DemoSource::open().unwrap();
        let pool = FramePool::default();
        let start = Instant::now();
        for step in 0..40 {
            let now = start + Duration::from_millis(100) * step;
            let (frame, due) = demo.frame_at(now, &pool).unwrap();
            // Three frames pass in 100 ms; rounding may show the neighbor.
            assert!(
                frame.id.0.abs_diff(u64::from(step) * 3) <= 1,
                "{step}: {:?}",
                frame.id
            );
            assert!(due <= now + INTERVAL && now < due + INTERVAL);
        }
    }

    #[test]
    fn it_waits_for_a_reader_that_was_asleep() {
        let mut demo = DemoSource::open().unwrap();
        let pool = FramePool::default();
        let start = Instant::now();
        demo.frame_at(start, &pool).unwrap();
        let woken = start + Duration::from_secs(3600);
        let (frame, due) = demo.frame_at(woken, &pool).unwrap();
        assert_eq!(frame.id.0, 1);
        assert_eq!(due, woken);
        let (frame, due) = demo.frame_at(woken + INTERVAL, &pool).unwrap();
        assert_eq!(frame.id.0, 2);
        assert!(due.saturating_duration_since(woken + INTERVAL) < Duration::from_millis(1));
    }

    #[test]
    fn once_it_is_a_file_with_an_end() {
        let mut clip = open_once().unwrap();
        assert_eq!(clip.info().kind, SourceKind::File);
        assert_eq!(clip.info().name, "demo");
        let pool = FramePool::default();
        let n_frames = std::iter::from_fn(|| clip.next_frame(&pool).unwrap()).count();
        assert_eq!(n_frames as u64, clip.info().n_frames.unwrap());
        assert_eq!(
            n_frames as u32,
            (LENGTH.as_nanos() / INTERVAL.as_nanos()) as u32
        );
    }
}
