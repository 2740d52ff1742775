//! The frames of a file with their times, from any position on.
//!
//! Opening decodes the beginning. Only that shows whether the file can be decoded, how well, and how large its frames
//! are; and an error while opening can still lead to another reader.

use std::time::{Duration, Instant};

use super::{
    clock::Clock,
    codec::Decoder,
    container::{Codec, Demuxer, HIDDEN},
    decoded::Presentation,
    error::OpenError,
    numbering::Numbering,
    stream::{Step, Stream},
};
use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind, limits},
    frame::{Frame, FrameId, FramePool, PooledBuffer, Resolution},
};

/// How many packets are decoded on trial. Enough for frames that depend on others before and after them: a decoder that
/// cannot do those still gets the first one right. At 1920×1080 the trial takes a third of a second.
const TRIAL_PACKETS: u64 = 16;

/// How many packets may fail before the first frame until we give up: two seconds' worth.
const MAX_FAILURES_AT_START: u64 = 60;

/// If a larger share of packets fails, another decoder is worth a try. Below it the failures are damage, not a kind of
/// stream that the decoder does not know.
const MAX_FAILED_SHARE: f64 = 0.02;

/// Before all times.
const FIRST: i64 = i64::MIN + 1;

/// How carefully a file is looked at while opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// For users' files.
    Beginning,
    /// For our own clip.
    #[cfg_attr(
        not(feature = "h264-bundled"),
        expect(dead_code, reason = "ffmpeg then decodes the clip")
    )]
    FirstFrame,
}

/// A playing video.
pub(super) struct VideoSource {
    info: SourceInfo,
    stream: Stream,
    presentation: Presentation,
    /// Makes times rise where the file has no index of them.
    clock: Clock,
    first_pts: i64,
    /// Already decoded: the frame after the one that a seek was for.
    ahead: Option<Shown>,
    target: Option<Target>,
    /// The last frame that was decoded.
    last_pts: Option<i64>,
    numbering: Numbering,
    /// The next frame has at least this number.
    next_number: u64,
    /// Packets of the beginning that failed, and how many it had, if that is too large a share.
    decode_failures: Option<(u64, u64)>,
}

/// A frame ready for delivery.
struct Shown {
    pts: i64,
    resolution: Resolution,
    rgba: PooledBuffer,
}

/// Where a seek goes.
#[derive(Debug, Clone, Copy)]
struct Target {
    pts: i64,
    /// Whether there is a frame at exactly this time; otherwise the last one before it is meant.
    is_exact: bool,
    /// Whether decoding was restarted for it.
    is_restarted: bool,
}

impl VideoSource {
    /// Starts to play, or says what cannot be decoded.
    pub(super) fn new(
        demuxer: Box<dyn Demuxer>,
        decoder: Box<dyn Decoder>,
        name: String,
        check: Check,
    ) -> Result<Self, OpenError> {
        let track = demuxer.track().clone();
        let pixel_aspect = if track.pixel_aspect.is_square() {
            decoder.pixel_aspect()
        } else {
            track.pixel_aspect
        };
        let mut source = Self {
            info: SourceInfo {
                name,
                kind: SourceKind::File,
                resolution: Resolution::default(),
                rate_hz: track.rate_hz,
                n_frames: demuxer.times().map(|times| times.len() as u64),
                duration: track.duration,
                format: decoder.name().to_owned(),
                mirror_by_default: false,
            },
            presentation: Presentation::new(track.orientation, pixel_aspect, track.colors),
            clock: Clock::default(),
            stream: Stream::new(demuxer, decoder),
            first_pts: 0,
            ahead: None,
            target: None,
            last_pts: None,
            numbering: Numbering::default(),
            next_number: 0,
            decode_failures: None,
        };
        let beginning = source.stream.demuxer.sync_before(FIRST);
        source.stream.restart_at(beginning)?;
        let stored = source.try_beginning(check)?;
        let is_half = stored.height_px * 2 == track.resolution.height_px;
        if track.codec == Codec::Mjpeg && is_half {
            return Err(OpenError::unsupported("interlaced Motion JPEG video"));
        }
        limits::check_frame(stored)?;
        source.info.resolution = source.presentation.resolution(stored);
        source.stream.restart_at(beginning)?;
        Ok(source)
    }

    /// Decodes the beginning, and returns the size of its first frame.
    fn try_beginning(&mut self, check: Check) -> Result<Resolution, OpenError> {
        let pool = FramePool::default();
        let mut first = None;
        let mut n_groups = 0;
        loop {
            let n_packets = self.stream.n_packets;
            match self.stream.step(&pool) {
                Step::Frame(frame) if first.is_none() && frame.pts != HIDDEN => {
                    first = Some((frame.pts, frame.resolution));
                }
                Step::End => break,
                _ => {}
            }
            if self.stream.n_packets > n_packets && self.stream.is_at_sync() {
                n_groups += 1;
            }
            let is_enough = match check {
                Check::FirstFrame => true,
                Check::Beginning => self.stream.n_packets >= TRIAL_PACKETS,
            };
            let is_hopeless = self.stream.n_bad > MAX_FAILURES_AT_START
                || (n_groups > 1 && self.stream.n_bad + 1 >= self.stream.n_packets);
            if (first.is_some() && is_enough) || (first.is_none() && is_hopeless) {
                break;
            }
        }
        let (n_bad, n_packets) = (self.stream.n_bad, self.stream.n_packets);
        (self.stream.n_bad, self.stream.n_packets) = (0, 0);
        let Some((pts, stored)) = first else {
            limits::check_frame(self.stream.demuxer.track().resolution)?;
            if let Some(err) = self.stream.decoder.too_large() {
                return Err(err.into());
            }
            let codec = &self.info.format;
            return Err(OpenError::Unsupported(format!(
                "{codec} video that is damaged or of a kind that cannot be decoded here"
            )));
        };
        self.first_pts = pts;
        if n_bad as f64 > n_packets as f64 * MAX_FAILED_SHARE {
            self.decode_failures = Some((n_bad, n_packets));
        }
        Ok(stored)
    }

    /// Why another decoder is worth a try, as a clause.
    pub(super) fn decode_failures(&self) -> Option<String> {
        self.decode_failures.map(|(n_bad, n_packets)| {
            format!("{n_bad} of its first {n_packets} frames cannot be decoded here")
        })
    }

    /// Decodes on to a frame that is shown and not before `from`; `None` at the end.
    fn next_shown(&mut self, from: i64, pool: &FramePool) -> Option<Shown> {
        let has_index = self.stream.demuxer.times().is_some();
        loop {
            match self.stream.step(pool) {
                Step::Frame(frame) if frame.pts != HIDDEN => {
                    let pts = if has_index {
                        frame.pts
                    } else {
                        self.clock.tick(Some(frame.pts))
                    };
                    self.last_pts = Some(pts);
                    if pts >= from {
                        let (resolution, rgba) = self.presentation.show(frame, pool);
                        return Some(Shown {
                            pts,
                            resolution,
                            rgba,
                        });
                    }
                }
                Step::Frame(_) | Step::Nothing | Step::Bad => {}
                Step::End => break,
            }
        }
        if self.stream.n_bad > 0 {
            log::warn!(
                "{}: {} of {} frames could not be decoded; the file is damaged or cut short",
                self.info.name,
                self.stream.n_bad,
                self.stream.n_packets
            );
            self.stream.n_bad = 0; // Reported once.
        }
        None
    }

    /// The frame that a seek is for.
    fn frame_at(
        &mut self,
        target: Target,
        pool: &FramePool,
    ) -> Result<Option<Shown>, CaptureError> {
        if target.is_exact {
            let frame = self.next_shown(target.pts, pool);
            // In a file that is cut short or damaged, the frame may be missing.
            return match (frame, self.last_pts) {
                (None, Some(last)) => {
                    self.start_for(last, true)?;
                    Ok(self.next_shown(last, pool))
                }
                (frame, _) => Ok(frame),
            };
        }
        let mut before = None;
        while let Some(frame) = self.next_shown(i64::MIN, pool) {
            if frame.pts <= target.pts {
                before = Some(frame);
            } else if before.is_some() {
                self.ahead = Some(frame);
                break;
            } else if target.is_restarted {
                return Ok(Some(frame)); // There is none before.
            } else {
                // The frame meant is the one that was delivered last.
                self.start_for(target.pts, true)?;
                let target = Target {
                    is_restarted: true,
                    ..target
                };
                return self.frame_at(target, pool);
            }
        }
        Ok(before)
    }

    /// Makes sure that decoding reaches the frame at `pts`, and returns whether it was restarted for that.
    ///
    /// Decoding can start at marked packets only. If the one before `pts` was passed already, decoding just continues:
    /// a step forward costs one frame, not all since the mark.
    fn start_for(&mut self, pts: i64, must_restart: bool) -> Result<bool, CaptureError> {
        // Where times restart, they do not lead to a position.
        let from = if self.clock.has_restarted() {
            FIRST
        } else {
            pts
        };
        let position = self.stream.demuxer.sync_before(from);
        if !must_restart && self.stream.leads_to(position, self.last_pts, pts) {
            return Ok(false);
        }
        self.stream
            .restart_at(position)
            .map_err(|err| CaptureError::unsupported(&self.info.name, err.into_message()))?;
        self.clock.seek();
        self.last_pts = None;
        Ok(true)
    }

    /// A frame's number is its place in the file.
    fn number(&mut self, pts: i64, time: Duration) -> u64 {
        let number = match self.stream.demuxer.times() {
            Some(times) => times.partition_point(|shown| *shown < pts) as u64,
            None => self.numbering.number(time, self.info.rate_hz),
        };
        // Numbers grow even where a damaged file gives two frames the same time.
        let number = number.max(self.next_number);
        self.next_number = number + 1;
        number
    }
}

impl FrameSource for VideoSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let shown = match (self.ahead.take(), self.target.take()) {
            (Some(ahead), _) => Some(ahead),
            (None, Some(target)) => self.frame_at(target, pool)?,
            (None, None) => self.next_shown(i64::MIN, pool),
        };
        let Some(shown) = shown else {
            return Ok(None);
        };
        let nanos = i128::from(shown.pts) - i128::from(self.first_pts);
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(0));
        Ok(Some(Frame::new(
            FrameId(self.number(shown.pts, time)),
            Instant::now(),
            time,
            shown.resolution,
            shown.rgba,
        )))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let wanted = self.first_pts.saturating_add(nanos);
        let exact = self.stream.demuxer.times().and_then(|times| {
            let n_before = times.partition_point(|pts| *pts <= wanted);
            times.get(n_before.saturating_sub(1)).copied()
        });
        let pts = exact.unwrap_or(wanted);
        let is_restarted = self.start_for(pts, false)?;
        self.ahead = None;
        self.target = Some(Target {
            pts,
            is_exact: exact.is_some(),
            is_restarted,
        });
        self.numbering.seek();
        self.next_number = 0;
        Ok(true)
    }
}

#[cfg(all(test, feature = "h264-bundled"))]
mod tests;
