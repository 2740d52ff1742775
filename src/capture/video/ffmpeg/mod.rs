//! All other videos, through the program `ffmpeg` if the user has it.
//!
//! Raw frames arrive on its standard output, their sizes and times on its standard error. Counting frames at a nominal
//! rate instead goes wrong with phone videos.

mod process;
mod report;

use std::{
    io::Read,
    time::{Duration, Instant},
};

use crossbeam_channel::RecvTimeoutError;

pub(super) use self::process::{Choice, FfmpegError, Input};
use self::{
    process::Process,
    report::{FrameReport, Report},
};
use super::{clock::Clock, numbering::Numbering};
use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind, limits::check_frame},
    frame::{Frame, FrameId, FramePool, PooledBuffer, RGBA_BYTES, Resolution},
};

/// If ffmpeg sends nothing for this long, we give up: it may be reading from a dead network drive.
const MAX_SILENCE: Duration = Duration::from_secs(15);

/// How far before the requested time ffmpeg starts, in turn until that was far enough: the frame to find is the last
/// one *before* that time, and only the file knows how long each is shown. The last entry means the whole file.
const STARTS_BEFORE_NS: [i64; 3] = [500_000_000, 10_000_000_000, i64::MAX];

/// A video that ffmpeg decodes while it is read.
pub(super) struct FfmpegSource {
    info: SourceInfo,
    input: Input,
    choice: Choice,
    /// Arguments that keep ffmpeg from repeating and dropping frames.
    timing: &'static [&'static str],
    process: Process,
    /// Whether the file says when its frames are shown.
    has_times: bool,
    /// Makes the file's times rise.
    clock: Clock,
    /// On the file's own clock, ns.
    first_ns: i64,
    /// The next frame, if a seek had to read it.
    ahead: Option<Timed>,
    /// The report of the frame after `ahead`, whose pixels are yet to be read, with its time.
    next: Option<(FrameReport, i64)>,
    numbering: Numbering,
    n_frames: u64,
    is_over: bool,
}

/// A frame with its time, ns.
struct Timed {
    time_ns: i64,
    resolution: Resolution,
    rgba: PooledBuffer,
}

impl FfmpegSource {
    /// Starts ffmpeg and waits for its first frame.
    pub(super) fn open(input: Input, name: String, choice: Choice) -> Result<Self, FfmpegError> {
        const TIMING: &[&str] = &["-fps_mode", "passthrough"];
        match Self::open_with(input.clone(), &name, choice.clone(), TIMING) {
            // Before ffmpeg 5.1 the option has another name.
            Err(FfmpegError::Refused(reason)) if reason.contains("fps_mode") => {
                Self::open_with(input, &name, choice, &["-vsync", "passthrough"])
            }
            result => result,
        }
    }

    fn open_with(
        input: Input,
        name: &str,
        choice: Choice,
        timing: &'static [&'static str],
    ) -> Result<Self, FfmpegError> {
        let process = Process::start(&input, &choice, timing, None)?;
        let mut source = Self {
            info: SourceInfo {
                name: name.to_owned(),
                kind: SourceKind::File,
                resolution: Resolution::default(),
                rate_hz: None,
                n_frames: None,
                duration: None,
                format: "video".to_owned(),
                mirror_by_default: false,
            },
            input,
            choice,
            timing,
            process,
            has_times: false,
            clock: Clock::default(),
            first_ns: 0,
            ahead: None,
            next: None,
            numbering: Numbering::default(),
            n_frames: 0,
            is_over: false,
        };
        match source.next_report()? {
            Some((first, time_ns)) => {
                source.info.resolution = first.resolution;
                source.has_times = first.time_ns.is_some();
                source.first_ns = time_ns;
                source.next = Some((first, time_ns));
                Ok(source)
            }
            None => Err(FfmpegError::Refused("it holds no video frames".to_owned())),
        }
    }

    /// The report of the next frame, with its time; `None` at the end. An error holds the last thing that ffmpeg said.
    fn next_report(&mut self) -> Result<Option<(FrameReport, i64)>, FfmpegError> {
        let refused = |reason: String| Err(FfmpegError::Refused(reason));
        let mut words = String::new();
        let mut too_large = None;
        loop {
            match self.process.reports.recv_timeout(MAX_SILENCE) {
                Ok(Report::Frame(report)) => {
                    check_frame(report.resolution).map_err(FfmpegError::TooLarge)?;
                    if report.resolution.n_pixels() == 0 {
                        return refused(format!("invalid frame size {}", report.resolution));
                    }
                    let time_ns = self.clock.tick(report.time_ns);
                    return Ok(Some((report, time_ns)));
                }
                Ok(Report::Rate(rate_hz)) => self.info.rate_hz = rate_hz,
                Ok(Report::Codec(codec)) => self.info.format = codec,
                Ok(Report::Duration(duration)) => self.info.duration = duration,
                Ok(Report::TooLarge(err)) => too_large = Some(err),
                Ok(Report::Words(line)) => {
                    // The first complaint is the cause and later ones its consequences, but only at the end is it
                    // known which lines were complaints.
                    log::debug!("ffmpeg: {line}");
                    words = line;
                }
                Err(RecvTimeoutError::Timeout) => {
                    return refused(format!("it sent nothing for {} s", MAX_SILENCE.as_secs()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.child.wait();
                    let status = status.map_err(|err| FfmpegError::Refused(err.to_string()))?;
                    return match too_large {
                        Some(err) => Err(FfmpegError::TooLarge(err)),
                        None if status.success() => Ok(None),
                        None if words.is_empty() => refused(format!("it ended with {status}")),
                        None => refused(words),
                    };
                }
            }
        }
    }

    /// The next frame in a buffer that `buffer` makes; `None` at the end.
    fn read(&mut self, buffer: impl FnOnce(Resolution) -> PooledBuffer) -> Option<Timed> {
        if self.is_over {
            return None;
        }
        let report = match self.next.take() {
            Some(next) => Ok(Some(next)),
            None => self.next_report(),
        };
        let read = report.and_then(|report| {
            let Some((FrameReport { resolution, .. }, time_ns)) = report else {
                return Ok(None);
            };
            let mut rgba = buffer(resolution);
            let frames = &mut self.process.frames;
            frames
                .read_exact(&mut rgba)
                .map_err(|err| FfmpegError::Refused(err.to_string()))?;
            for pixel in rgba.chunks_exact_mut(RGBA_BYTES) {
                pixel[3] = 255; // Some codecs have an alpha channel.
            }
            Ok(Some(Timed {
                time_ns,
                resolution,
                rgba,
            }))
        });
        match read {
            Ok(Some(read)) => return Some(read),
            Ok(None) => {}
            Err(reason) => log::warn!(
                "{}: ends after {} frames: {reason}",
                self.info.name,
                self.n_frames
            ),
        }
        self.is_over = true;
        None
    }

    /// Restarts at `start_ns`, or at the beginning.
    fn restart(&mut self, start_ns: Option<i64>) -> Result<(), CaptureError> {
        let process = Process::start(&self.input, &self.choice, self.timing, start_ns);
        self.process = process.map_err(|err| CaptureError::Unsupported {
            path: self.info.name.clone().into(),
            reason: match err {
                FfmpegError::NotInstalled => "the program ffmpeg is no longer installed".to_owned(),
                err => format!("ffmpeg says: {err}"),
            },
        })?;
        self.clock.seek();
        self.ahead = None;
        self.next = None;
        self.is_over = false;
        Ok(())
    }

    /// Reads until `ahead` is the last frame at or before `wanted_ns`; `false` if there is none.
    fn read_until(&mut self, wanted_ns: i64) -> bool {
        // One buffer serves for all skipped frames.
        let mut spare: Option<PooledBuffer> = None;
        loop {
            let kept = spare.take();
            let read = self.read(|resolution| match kept {
                Some(kept) if kept.len() == resolution.n_pixels() * RGBA_BYTES => kept,
                _ => vec![0; resolution.n_pixels() * RGBA_BYTES].into(),
            });
            let Some(read) = read else {
                return self.ahead.is_some();
            };
            let starts_too_late = read.time_ns > wanted_ns;
            let passed = self.ahead.replace(read);
            if starts_too_late {
                return false;
            }
            spare = passed.map(|passed| passed.rgba);
            // At the end, the last frame is the one.
            self.next = self.next_report().unwrap_or_default();
            match &self.next {
                Some((_, next_ns)) if *next_ns <= wanted_ns => {}
                Some(_) => return true,
                None => {
                    self.is_over = true;
                    return true;
                }
            }
        }
    }
}

impl FrameSource for FfmpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let read = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.read(|resolution| pool.buffer(resolution)),
        };
        let Some(timed) = read else {
            return Ok(None);
        };
        let rate_hz = self.info.rate_hz;
        let time = if self.has_times {
            let nanos = i128::from(timed.time_ns) - i128::from(self.first_ns);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
        } else {
            Duration::from_secs_f64(self.n_frames as f64 / rate_hz.unwrap_or(25.0).max(1.0))
        };
        let number = self.numbering.number(time, rate_hz);
        self.n_frames += 1;
        Ok(Some(Frame::new(
            FrameId(number),
            Instant::now(),
            time,
            timed.resolution,
            timed.rgba,
        )))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        if !self.has_times {
            return Ok(false);
        }
        let nanos = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        // Where times restart, they do not lead to a position, and the duration is not that of the whole.
        let leads_to_position = !self.clock.has_restarted();
        let last = self.info.duration.filter(|_| leads_to_position);
        let wanted_ns = self
            .first_ns
            .saturating_add(nanos(time.min(last.unwrap_or(Duration::MAX))));
        for before_ns in STARTS_BEFORE_NS {
            let start_ns = Some(wanted_ns.saturating_sub(before_ns))
                .filter(|start_ns| *start_ns > self.first_ns && leads_to_position);
            self.restart(start_ns)?;
            if self.read_until(wanted_ns) || start_ns.is_none() {
                break;
            }
        }
        self.numbering.seek();
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
