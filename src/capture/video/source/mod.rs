//! The pictures of a file as frames, in time, and from any place on.
//!
//! Opening decodes the beginning: only then is it known whether the file can be decoded, how well, and how large its
//! frames are; and a refusal while opening can still lead to another reader.

use std::time::{Duration, Instant};

use super::{
    Refusal,
    clock::Clock,
    codec::Decoder,
    container::{Codec, Demuxer, HIDDEN},
    numbering::Numbering,
    picture::Presentation,
    stream::{Step, Stream},
};
use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind, limits},
    frame::{Frame, FrameId, FramePool, PooledBuffer, Resolution},
};

/// How many packets are decoded on trial. Enough for pictures that lean on others to both sides: a decoder that cannot
/// do those gets the first one right. At 1920×1080 they take a third of a second.
const TRIAL_PACKETS: u64 = 16;

/// How many packets may fail before the first picture until the file is given up: two seconds' worth.
const MAX_FAILURES_AT_START: u64 = 60;

/// Of this share of failed packets on, another decoder is worth a try. Below it they are damage, not a kind of stream
/// that the decoder does not know.
const DOUBTFUL_SHARE: f64 = 0.02;

/// Before all times.
const FIRST: i64 = i64::MIN + 1;

/// How carefully a file is looked at while opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// For files of people.
    Beginning,
    /// For the clip of our own.
    #[cfg_attr(
        not(feature = "h264-bundled"),
        expect(dead_code, reason = "the clip is then left to ffmpeg")
    )]
    FirstPicture,
}

/// A playing video.
pub(super) struct VideoSource {
    info: SourceInfo,
    stream: Stream,
    presentation: Presentation,
    /// Makes times rise where the file has no index of them.
    clock: Clock,
    first_pts: i64,
    /// Decoded on the way to the one before it.
    ahead: Option<Shown>,
    target: Option<Target>,
    /// The last picture that was decoded.
    last_pts: Option<i64>,
    numbering: Numbering,
    /// The least number the next frame may have.
    next_number: u64,
    /// Packets of the beginning that failed, and all of them, if it is too many.
    doubt: Option<(u64, u64)>,
}

/// A picture ready for delivery.
struct Shown {
    pts: i64,
    resolution: Resolution,
    rgba: PooledBuffer,
}

/// Where a seek goes.
#[derive(Debug, Clone, Copy)]
struct Target {
    pts: i64,
    /// Whether there is a picture at just this time; otherwise the last one before is meant.
    is_exact: bool,
    /// Whether decoding has started anew for it.
    is_restarted: bool,
}

impl VideoSource {
    /// Starts to play; otherwise says in words what cannot be decoded.
    pub(super) fn new(
        demuxer: Box<dyn Demuxer>,
        decoder: Box<dyn Decoder>,
        name: String,
        check: Check,
    ) -> Result<Self, Refusal> {
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
            presentation: Presentation::new(track.orientation, pixel_aspect, track.colours),
            clock: Clock::default(),
            stream: Stream::new(demuxer, decoder),
            first_pts: 0,
            ahead: None,
            target: None,
            last_pts: None,
            numbering: Numbering::default(),
            next_number: 0,
            doubt: None,
        };
        let beginning = source.stream.demuxer.sync_before(FIRST);
        source.stream.go_to(beginning)?;
        let stored = source.try_beginning(check)?;
        let is_half = stored.height_px * 2 == track.resolution.height_px;
        if track.codec == Codec::Mjpeg && is_half {
            return Err(Refusal::Foreign("interlaced Motion JPEG video".to_owned()));
        }
        limits::check_frame(stored)?;
        source.info.resolution = source.presentation.resolution(stored);
        source.stream.go_to(beginning)?;
        Ok(source)
    }

    /// Decodes the beginning, and returns the size of its first picture.
    fn try_beginning(&mut self, check: Check) -> Result<Resolution, Refusal> {
        let pool = FramePool::default();
        let mut first = None;
        let mut n_groups = 0;
        loop {
            let n_packets = self.stream.n_packets;
            match self.stream.step(&pool) {
                Step::Picture(picture) if first.is_none() && picture.pts != HIDDEN => {
                    first = Some((picture.pts, picture.resolution));
                }
                Step::End => break,
                _ => {}
            }
            if self.stream.n_packets > n_packets && self.stream.is_at_sync() {
                n_groups += 1;
            }
            let is_enough = match check {
                Check::FirstPicture => true,
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
            return Err(Refusal::Foreign(format!(
                "{codec} video that is damaged or of a kind that cannot be decoded here"
            )));
        };
        self.first_pts = pts;
        if n_bad as f64 > n_packets as f64 * DOUBTFUL_SHARE {
            self.doubt = Some((n_bad, n_packets));
        }
        Ok(stored)
    }

    /// What makes another decoder worth a try, in words.
    pub(super) fn doubt(&self) -> Option<String> {
        self.doubt.map(|(n_bad, n_packets)| {
            format!("{n_bad} of its first {n_packets} pictures cannot be decoded here")
        })
    }

    /// Decodes on to a picture that is shown and not before `from`; `None` at the end.
    fn next_picture(&mut self, from: i64, pool: &FramePool) -> Option<Shown> {
        let has_index = self.stream.demuxer.times().is_some();
        loop {
            match self.stream.step(pool) {
                Step::Picture(picture) if picture.pts != HIDDEN => {
                    let pts = if has_index {
                        picture.pts
                    } else {
                        self.clock.tick(Some(picture.pts))
                    };
                    self.last_pts = Some(pts);
                    if pts >= from {
                        let (resolution, rgba) = self.presentation.show(picture, pool);
                        return Some(Shown {
                            pts,
                            resolution,
                            rgba,
                        });
                    }
                }
                Step::Picture(_) | Step::Nothing | Step::Bad => {}
                Step::End => break,
            }
        }
        if self.stream.n_bad > 0 {
            log::warn!(
                "{}: {} of {} pictures could not be decoded; the file is damaged or cut short",
                self.info.name,
                self.stream.n_bad,
                self.stream.n_packets
            );
            self.stream.n_bad = 0; // Told once.
        }
        None
    }

    /// The picture that a seek goes to.
    fn picture_at(
        &mut self,
        target: Target,
        pool: &FramePool,
    ) -> Result<Option<Shown>, CaptureError> {
        if target.is_exact {
            let picture = self.next_picture(target.pts, pool);
            // Of a file that is cut short or damaged, the place to go to may be missing.
            return match (picture, self.last_pts) {
                (None, Some(last)) => {
                    self.start_for(last, true)?;
                    Ok(self.next_picture(last, pool))
                }
                (picture, _) => Ok(picture),
            };
        }
        let mut before = None;
        while let Some(picture) = self.next_picture(i64::MIN, pool) {
            if picture.pts <= target.pts {
                before = Some(picture);
            } else if before.is_some() {
                self.ahead = Some(picture);
                break;
            } else if target.is_restarted {
                return Ok(Some(picture)); // There is none before.
            } else {
                // The one meant is the one that was delivered last.
                self.start_for(target.pts, true)?;
                let target = Target {
                    is_restarted: true,
                    ..target
                };
                return self.picture_at(target, pool);
            }
        }
        Ok(before)
    }

    /// Makes sure that decoding comes to the picture at `pts`, and returns whether it starts anew for that.
    ///
    /// Decoding can start at marked packets only. If the one before `pts` was passed already, decoding just goes on:
    /// a step forward costs one picture, not all since the mark.
    fn start_for(&mut self, pts: i64, must_restart: bool) -> Result<bool, CaptureError> {
        // Where times start again, they do not lead to a place.
        let from = if self.clock.has_restarted() {
            FIRST
        } else {
            pts
        };
        let position = self.stream.demuxer.sync_before(from);
        if !must_restart && self.stream.is_on_the_way_to(position, self.last_pts, pts) {
            return Ok(false);
        }
        self.stream
            .go_to(position)
            .map_err(|refusal| CaptureError::Unsupported {
                path: self.info.name.clone().into(),
                reason: refusal.into_words(),
            })?;
        self.clock.jump();
        self.last_pts = None;
        Ok(true)
    }

    /// A picture's number is its place in the file.
    fn number(&mut self, pts: i64, time: Duration) -> u64 {
        let number = match self.stream.demuxer.times() {
            Some(times) => times.partition_point(|shown| *shown < pts) as u64,
            None => self.numbering.number(time, self.info.rate_hz),
        };
        // Numbers grow even where a damaged file gives two pictures the same time.
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
            (None, Some(target)) => self.picture_at(target, pool)?,
            (None, None) => self.next_picture(i64::MIN, pool),
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
        self.numbering.jump();
        self.next_number = 0;
        Ok(true)
    }
}

#[cfg(all(test, feature = "h264-bundled"))]
mod tests;
