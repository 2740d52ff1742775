//! All other videos, through the program `ffmpeg` if the user has it.
//!
//! Raw pictures come on its standard output; their sizes and presentation times on its standard error, from the
//! filter `showinfo`. Counting frames at a nominal rate instead is what goes wrong with phone videos.

use std::{
    io::{BufRead, BufReader, Read},
    time::{Duration, Instant},
};

use crossbeam_channel::{RecvTimeoutError, Sender};

use super::{
    ffmpeg_process::{Input, Process},
    numbering::Numbering,
};
use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind},
    frame::{Frame, FrameId, FramePool, PooledBuffer, RGBA_BYTES, Resolution},
};

/// A file on which ffmpeg spends longer without a picture is given up: it may be reading a dead network drive.
const MOST_SILENCE: Duration = Duration::from_secs(30);

/// No frame is larger: 16384×16384.
const MOST_PIXELS: usize = 1 << 28;

/// How far before the wanted time ffmpeg is to start, one after the other until that was far enough: the frame to
/// find is the last one *before* that time, and only the file knows how long each is shown. The last means the
/// whole file.
const STARTS_BEFORE: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(10),
    Duration::MAX,
];

/// Why there is no picture, in words.
#[derive(Debug)]
pub(super) enum FfmpegError {
    NotInstalled,
    Refused(String),
}

/// A video that ffmpeg decodes while it is read.
pub(super) struct FfmpegSource {
    info: SourceInfo,
    input: Input,
    /// Arguments that keep ffmpeg from repeating and dropping frames.
    timing: &'static [&'static str],
    process: Process,
    /// What the container's clock shows at its start, s.
    container_start_s: f64,
    /// Whether the file says when its frames are shown.
    has_times: bool,
    first_time: Duration,
    /// The next frame, where it had to be read to find it.
    ahead: Option<(PictureReport, PooledBuffer)>,
    /// Of the frame after `ahead`, whose pixels are yet to be read.
    next: Option<PictureReport>,
    numbering: Numbering,
    n_frames: u64,
    is_over: bool,
}

/// A line of ffmpeg's, as far as it matters.
#[derive(Debug, PartialEq)]
pub(super) enum Report {
    /// The next picture on standard output.
    Picture(PictureReport),
    /// Codec and rate of the stream.
    Stream { codec: String, rate_hz: Option<f64> },
    /// Length of the file, and what its clock shows at the start, s.
    Container {
        duration: Option<Duration>,
        start_s: f64,
    },
    /// Anything else, among it what went wrong.
    Words(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PictureReport {
    /// `None` if the container does not know it.
    time: Option<Duration>,
    resolution: Resolution,
}

impl FfmpegSource {
    /// Starts ffmpeg and waits for its first picture.
    pub(super) fn open(input: Input, name: String) -> Result<Self, FfmpegError> {
        match Self::open_with(input.clone(), &name, &["-fps_mode", "passthrough"]) {
            // ffmpeg before 5.1 has the same under another name.
            Err(FfmpegError::Refused(reason)) if reason.contains("fps_mode") => {
                Self::open_with(input, &name, &["-vsync", "passthrough"])
            }
            result => result,
        }
    }

    fn open_with(
        input: Input,
        name: &str,
        timing: &'static [&'static str],
    ) -> Result<Self, FfmpegError> {
        let process = Process::start(&input, timing, 0.0)?;
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
            timing,
            process,
            container_start_s: 0.0,
            has_times: false,
            first_time: Duration::ZERO,
            ahead: None,
            next: None,
            numbering: Numbering::default(),
            n_frames: 0,
            is_over: false,
        };
        match source.next_report() {
            Ok(Some(first)) => {
                source.info.resolution = first.resolution;
                source.has_times = first.time.is_some();
                source.first_time = first.time.unwrap_or_default();
                source.next = Some(first);
                Ok(source)
            }
            Ok(None) => Err(FfmpegError::Refused(
                "it holds no video pictures".to_owned(),
            )),
            Err(reason) => Err(FfmpegError::Refused(reason)),
        }
    }

    /// The report of the next picture; `None` at the end. An error is what ffmpeg said last.
    fn next_report(&mut self) -> Result<Option<PictureReport>, String> {
        let mut words = String::new();
        loop {
            match self.process.reports.recv_timeout(MOST_SILENCE) {
                Ok(Report::Picture(report)) => {
                    let n_pixels = report.resolution.n_pixels();
                    if n_pixels == 0 || n_pixels > MOST_PIXELS {
                        return Err(format!("a picture of {} cannot be", report.resolution));
                    }
                    return Ok(Some(report));
                }
                Ok(Report::Stream { codec, rate_hz }) => {
                    self.info.format = codec;
                    self.info.rate_hz = rate_hz;
                }
                Ok(Report::Container { duration, start_s }) => {
                    self.info.duration = duration;
                    self.container_start_s = start_s;
                }
                Ok(Report::Words(line)) => {
                    // The first complaint is the cause, the later ones its consequences; but only at the end is it
                    // known which lines were complaints.
                    log::debug!("ffmpeg: {line}");
                    words = line;
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("it sent nothing for {} s", MOST_SILENCE.as_secs()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.child.wait().map_err(|err| err.to_string())?;
                    return if status.success() {
                        Ok(None)
                    } else if words.is_empty() {
                        Err(format!("it ended with {status}"))
                    } else {
                        Err(words)
                    };
                }
            }
        }
    }
}

impl FfmpegSource {
    /// The next picture in a buffer that `buffer` makes; `None` at the end.
    fn read(
        &mut self,
        buffer: impl FnOnce(Resolution) -> PooledBuffer,
    ) -> Option<(PictureReport, PooledBuffer)> {
        if self.is_over {
            return None;
        }
        let report = match self.next.take() {
            Some(next) => Ok(Some(next)),
            None => self.next_report(),
        };
        let read = report.and_then(|report| {
            let Some(report) = report else {
                return Ok(None);
            };
            let mut rgba = buffer(report.resolution);
            let pictures = &mut self.process.pictures;
            pictures
                .read_exact(&mut rgba)
                .map_err(|err| err.to_string())?;
            for pixel in rgba.chunks_exact_mut(RGBA_BYTES) {
                pixel[3] = 255; // Some codecs have an alpha channel.
            }
            Ok(Some((report, rgba)))
        });
        match read {
            Ok(Some(read)) => return Some(read),
            Ok(None) => {}
            Err(reason) => log::warn!(
                "{}: ends after {} pictures: {reason}",
                self.info.name,
                self.n_frames
            ),
        }
        self.is_over = true;
        None
    }

    /// Reads anew from `start` on, by the file's clock.
    fn restart(&mut self, start: Duration) -> Result<(), CaptureError> {
        // ffmpeg counts from the container's start, which may be that of the sound.
        let start_s = if start <= self.first_time {
            0.0
        } else {
            start.as_secs_f64() - self.container_start_s
        };
        self.process = Process::start(&self.input, self.timing, start_s).map_err(|err| {
            CaptureError::Unsupported {
                path: self.info.name.clone().into(),
                reason: match err {
                    FfmpegError::NotInstalled => "the program ffmpeg is gone".to_owned(),
                    FfmpegError::Refused(reason) => format!("ffmpeg says: {reason}"),
                },
            }
        })?;
        self.ahead = None;
        self.next = None;
        self.is_over = false;
        Ok(())
    }

    /// Reads on until `ahead` is the last frame at or before `wanted`, by the file's clock; `false` if there is none.
    fn go_on_to(&mut self, wanted: Duration) -> bool {
        let is_too_late = |report: &PictureReport| report.time.is_none_or(|time| time > wanted);
        // One buffer serves for all that are passed over.
        let mut spare: Option<PooledBuffer> = None;
        loop {
            let kept = spare.take();
            let read = self.read(|resolution| match kept {
                Some(kept) if kept.len() == resolution.n_pixels() * RGBA_BYTES => kept,
                _ => vec![0; resolution.n_pixels() * RGBA_BYTES].into(),
            });
            let Some((report, rgba)) = read else {
                return self.ahead.is_some();
            };
            let starts_too_late = is_too_late(&report);
            let passed = self.ahead.replace((report, rgba));
            if starts_too_late {
                return false;
            }
            spare = passed.map(|(_, rgba)| rgba);
            // At the end the last frame is the one.
            self.next = self.next_report().unwrap_or_default();
            match &self.next {
                Some(next) if !is_too_late(next) => {}
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
        let Some((report, rgba)) = read else {
            return Ok(None);
        };
        let rate_hz = self.info.rate_hz;
        let time = match report.time {
            Some(time) => time.saturating_sub(self.first_time),
            None => {
                Duration::from_secs_f64(self.n_frames as f64 / rate_hz.unwrap_or(25.0).max(1.0))
            }
        };
        let number = self.numbering.number(time, rate_hz);
        self.n_frames += 1;
        Ok(Some(Frame::new(
            FrameId(number),
            Instant::now(),
            time,
            report.resolution,
            rgba,
        )))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        if !self.has_times {
            return Ok(false);
        }
        let last = self.info.duration.unwrap_or(Duration::MAX);
        let wanted = time.min(last).saturating_add(self.first_time);
        for before in STARTS_BEFORE {
            let start = wanted.saturating_sub(before);
            self.restart(start)?;
            if self.go_on_to(wanted) || start <= self.first_time {
                break;
            }
        }
        self.numbering.jump();
        Ok(true)
    }
}

pub(super) fn read_reports(words: impl Read, sender: &Sender<Report>) {
    let mut words = BufReader::new(words);
    let mut line = Vec::new();
    loop {
        line.clear();
        match words.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        if let Some(report) = parse(line.trim())
            && sender.send(report).is_err()
        {
            return;
        }
    }
}

/// What a line says; `None` for lines about nothing.
fn parse(line: &str) -> Option<Report> {
    if let Some((_, rest)) = line.split_once("showinfo") {
        let value = |key: &str| {
            let (_, rest) = rest.split_once(key)?;
            rest.trim_start().split(' ').next()
        };
        // Lines about the stream and about side data have no such field.
        let (width, height) = value(" s:")?.split_once('x')?;
        let seconds: Option<f64> = value(" pts_time:")?.parse().ok();
        return Some(Report::Picture(PictureReport {
            time: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
            resolution: Resolution::new(width.parse().ok()?, height.parse().ok()?),
        }));
    }
    if let Some((_, rest)) = line.split_once("Video: ")
        && line.starts_with("Stream #0:")
    {
        let codec = rest.split([' ', ',']).next()?;
        let is_of_output =
            codec == "rawvideo" && rest.contains("rgba") && line.contains("Stream #0:0: ");
        let rate_hz = rest
            .split(',')
            .find_map(|part| part.trim().strip_suffix(" fps")?.parse().ok());
        return (!is_of_output).then(|| Report::Stream {
            codec: codec.to_uppercase(),
            rate_hz,
        });
    }
    if let Some(rest) = line.strip_prefix("Duration: ") {
        let (duration, rest) = rest.split_once(',')?;
        let start = rest.trim_start().strip_prefix("start: ");
        let start_s = start.and_then(|start| start.split(',').next()?.parse().ok());
        return Some(Report::Container {
            duration: clock(duration),
            start_s: start_s.unwrap_or(0.0),
        });
    }
    let is_chatter = line.is_empty()
        || [
            "Input #",
            "Output #",
            "Stream ",
            "Metadata:",
            "Press [",
            "frame=",
            "video:",
            "To ignore",
        ]
        .iter()
        .any(|start| line.starts_with(start))
        || line.contains(" : ");
    if is_chatter && !line.contains("matches no streams") {
        return None;
    }
    let words = if line.contains("matches no streams") {
        "it holds no video"
    } else if line.contains("file:") {
        // The file is named by who shows this.
        line.rsplit(": ").next().unwrap_or(line)
    } else {
        line
    };
    Some(Report::Words(words.to_owned()))
}

/// Reads `01:02:03.45`.
fn clock(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let hours: u32 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next()?.parse().ok()?;
    Duration::try_from_secs_f64(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds)
        .ok()
}

#[cfg(test)]
mod tests;
