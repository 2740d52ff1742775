//! What ffmpeg says about the frames that it sends, and what else it says.
//!
//! The filter `showinfo` writes a line for each frame, with its time as a whole number of ticks. It writes into the same
//! log as everything else, where a file's title may say anything. So the filter has a name made up for this run, and only
//! lines under that name count.

use std::{
    io::{BufRead, BufReader, Read},
    time::Duration,
};

use crossbeam_channel::Sender;

use crate::{
    capture::{
        limits::{TooLarge, check_frame},
        video::container::nanos,
    },
    frame::Resolution,
};

/// How many reports may wait; beyond that, plain messages are dropped. A damaged file produces thousands of them.
const MAX_WORDS_WAITING: usize = 1000;

/// A line of ffmpeg's log, as far as it matters.
#[derive(Debug, PartialEq)]
pub(super) enum Report {
    /// The next frame on standard output.
    Frame(FrameReport),
    /// Frames per second.
    Rate(Option<f64>),
    Codec(String),
    /// Length of the file.
    Duration(Option<Duration>),
    TooLarge(TooLarge),
    /// Anything else, including what went wrong.
    Words(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameReport {
    /// On the file's own clock, ns; `None` if the container does not know it.
    pub(super) time_ns: Option<i64>,
    pub(super) resolution: Resolution,
}

/// The reporting filter, under its own name.
pub(super) fn reporter(token: &str) -> String {
    format!("showinfo@{token}")
}

/// Reads ffmpeg's log to its end. `reporter` is the name of the filter.
pub(super) fn read(words: impl Read, reporter: &str, sender: &Sender<Report>) {
    let mut words = BufReader::new(words);
    let mut line = Vec::new();
    let mut log = Log::new(reporter);
    loop {
        line.clear();
        match words.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        let Some(report) = log.parse(line.trim_end()) else {
            continue;
        };
        let is_too_much = matches!(report, Report::Words(_)) && sender.len() > MAX_WORDS_WAITING;
        if !is_too_much && sender.send(report).is_err() {
            return;
        }
    }
}

/// A log, and the state of reading it.
#[derive(Debug)]
pub(super) struct Log {
    /// The beginning of each line of the filter.
    mark: String,
    /// Seconds in a tick, as a ratio.
    time_base: (i64, u64),
}

impl Log {
    pub(super) fn new(reporter: &str) -> Self {
        Self {
            mark: format!("[{reporter} @ "),
            time_base: (0, 1),
        }
    }

    /// What a line says; `None` for lines that do not matter.
    pub(super) fn parse(&mut self, line: &str) -> Option<Report> {
        if let Some((_, rest)) = line.split_once(&self.mark) {
            return self.parse_frame(rest);
        }
        // Metadata is indented further, even where one of its keys contains a line break.
        if let Some(rest) = line.strip_prefix("  Duration: ") {
            return Some(Report::Duration(clock(rest.split(',').next()?)));
        }
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("Stream #0:") {
            // This line says which of the streams is used.
            let (_, codec) = rest.split_once(" -> #0:0 (")?;
            return Some(Report::Codec(codec.split(' ').next()?.to_uppercase()));
        }
        if let Some((_, rest)) = line.split_once("Picture size ")
            && let Some((size, complaint)) = rest.split_once(' ')
            && (complaint.starts_with("exceeds") || complaint.starts_with("is invalid"))
            && let Err(err) = check_frame(resolution(size)?)
        {
            return Some(Report::TooLarge(err));
        }
        words(line).map(Report::Words)
    }

    fn parse_frame(&mut self, rest: &str) -> Option<Report> {
        let value = |key: &str| {
            let (_, rest) = rest.split_once(key)?;
            rest.trim_start().split([' ', ',']).next()
        };
        if rest.contains("config in time_base:") {
            let (numerator, denominator) = value("time_base:")?.split_once('/')?;
            self.time_base = (numerator.parse().ok()?, denominator.parse().ok()?);
            return Some(Report::Rate(value("frame_rate:").and_then(rate)));
        }
        // Lines about side data have no such field.
        let resolution = resolution(value(" s:")?)?;
        let ticks: Option<i64> = value(" pts:")?.parse().ok();
        let (numerator, denominator) = self.time_base;
        let time_ns = ticks.map(|ticks| nanos(ticks.saturating_mul(numerator), denominator));
        Some(Report::Frame(FrameReport {
            time_ns,
            resolution,
        }))
    }
}

/// Reads `641x361`.
fn resolution(text: &str) -> Option<Resolution> {
    let (width, height) = text.split_once('x')?;
    Some(Resolution::new(width.parse().ok()?, height.parse().ok()?))
}

/// Reads `30000/1001`; `None` if the rate is implausible.
fn rate(text: &str) -> Option<f64> {
    let (numerator, denominator) = text.split_once('/')?;
    let (numerator, denominator): (f64, f64) = (numerator.parse().ok()?, denominator.parse().ok()?);
    let rate = numerator / denominator;
    (rate > 0.0 && rate <= 1000.0).then_some(rate)
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

/// A line that may be the reason why ffmpeg gives up.
fn words(line: &str) -> Option<String> {
    const CHATTER: [&str; 17] = [
        "Input #",
        "Output #",
        "Metadata:",
        "Chapter",
        "Side data:",
        "Press [",
        "frame=",
        "video:",
        "To ignore",
        "Consider increasing",
        // Consequences of the reason, reported after it.
        "Conversion failed",
        "Error marking filters",
        "Could not open encoder before EOF",
        "Task finished with error",
        "Terminating thread with return code",
        "Nothing was written into output file",
        "Output file is empty",
    ];
    if line.contains("matches no streams") {
        return Some("it holds no video".to_owned());
    }
    // “[h264 @ 0x55d0c8] ” means nothing to users.
    let mut line = line;
    while line.starts_with('[')
        && let Some((_, rest)) = line.split_once("] ")
    {
        line = rest;
    }
    let is_chatter = line.is_empty()
        || line.contains(" : ")
        || line.starts_with('[')
        || CHATTER.iter().any(|start| line.starts_with(start));
    if is_chatter {
        return None;
    }
    // The caller names the file.
    let words = match line.contains("file:") {
        true => line.rsplit(": ").next().unwrap_or(line),
        false => line,
    };
    Some(words.to_owned())
}
