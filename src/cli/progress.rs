//! Progress of a long analysis, on stderr.
//!
//! The bar appears only on a terminal. Notes always appear, above the bar. The bar counts frames where their number is
//! known, and media time otherwise: a Matroska file has its duration, but not its number of frames.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use fervis::capture::SourceInfo;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar with notes.
pub struct Progress {
    bar: ProgressBar,
    counts: Counts,
}

/// What the bar's position counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    Frames,
    /// Milliseconds of media time.
    Time,
}

/// The length of the bar, what it counts, and how it looks.
fn scale(info: &SourceInfo) -> (Option<u64>, Counts, &'static str) {
    match (info.n_frames, info.duration) {
        (Some(n), _) => (
            Some(n),
            Counts::Frames,
            "{prefix} [{bar:32}] {pos} of {len} frames, {per_sec}, {eta} left",
        ),
        (None, Some(duration)) => (
            Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
            Counts::Time,
            "{prefix} [{bar:32}] {percent} %, {elapsed} so far, {eta} left",
        ),
        (None, None) => (
            None,
            Counts::Frames,
            "{prefix} {pos} frames in {elapsed}, {per_sec}",
        ),
    }
}

impl Progress {
    /// Hidden until [`Progress::begin`].
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            counts: Counts::Frames,
        }
    }

    /// Shows the bar, now that the source is known. `stdout_is_busy`: results may scroll through the same terminal.
    pub fn begin(&mut self, info: &SourceInfo, stdout_is_busy: bool) {
        // A camera that returned continues its bar.
        let in_the_way = stdout_is_busy && io::stdout().is_terminal();
        if in_the_way || !io::stderr().is_terminal() || !self.bar.is_hidden() {
            return;
        }
        let (length, counts, template) = scale(info);
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_style(style_of(template));
        bar.set_prefix(info.name.clone());
        bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar = bar;
        self.counts = counts;
    }

    /// The frame at the media time `time` is done.
    pub fn advance(&self, time: Duration) {
        match self.counts {
            Counts::Frames => self.bar.inc(1),
            Counts::Time => {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                self.bar.set_position(millis);
            }
        }
    }

    /// Prints a note above the bar.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| {
            // Nothing to do if stderr is closed.
            writeln!(io::stderr(), "fervis: {text}").ok();
        });
    }
}

impl Drop for Progress {
    /// Removes the bar, so that what is printed next has a line of its own.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Progress of many files: a bar for all, and one for each file that is being analyzed.
///
/// Without a terminal there are no bars, and a line says when a file is done.
pub struct ManyProgress {
    bars: MultiProgress,
    all: ProgressBar,
    /// By job.
    jobs: Vec<(ProgressBar, Counts)>,
    n_done: usize,
    n_files: usize,
    is_terminal: bool,
}

impl ManyProgress {
    /// Hidden until [`ManyProgress::begin`].
    pub fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            bars: MultiProgress::with_draw_target(target),
            all: ProgressBar::hidden(),
            jobs: Vec::new(),
            n_done: 0,
            n_files: 0,
            is_terminal,
        }
    }

    /// Shows the bar of all files, now that their number is known.
    pub fn begin(&mut self, n_files: usize) {
        self.n_files = n_files;
        let bar = ProgressBar::new(n_files as u64);
        let style = "all files [{bar:32}] {pos} of {len}, {elapsed} so far, {eta} left";
        bar.set_style(style_of(style));
        self.all = self.bars.add(bar);
        self.all.tick();
    }

    /// A job begins a file.
    pub fn begin_file(&mut self, job: usize, file: &str) {
        while self.jobs.len() <= job {
            let bar = self
                .bars
                .insert_before(&self.all, ProgressBar::new_spinner());
            self.jobs.push((bar, Counts::Frames));
        }
        let (bar, _) = &self.jobs[job];
        bar.reset();
        bar.set_style(style_of("{prefix}"));
        bar.set_prefix(file.to_owned());
    }

    /// The file of a job is open.
    pub fn open_file(&mut self, job: usize, info: &SourceInfo) {
        if let Some((bar, counts)) = self.jobs.get_mut(job) {
            let (length, counted, template) = scale(info);
            bar.set_style(style_of(template));
            if let Some(length) = length {
                bar.set_length(length);
            }
            *counts = counted;
        }
    }

    /// A job is further in its file.
    pub fn advance(&self, job: usize, n_frames: u64, time: Duration) {
        if let Some((bar, counts)) = self.jobs.get(job) {
            bar.set_position(match counts {
                Counts::Frames => n_frames,
                Counts::Time => u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            });
        }
    }

    /// A file is done, in these words.
    pub fn end_file(&mut self, job: usize, words: &str) {
        self.n_done += 1;
        self.all.set_position(self.n_done as u64);
        if let Some((bar, _)) = self.jobs.get(job) {
            bar.set_style(style_of(""));
        }
        if !self.is_terminal {
            self.note(&format!("{} of {}: {words}", self.n_done, self.n_files));
        }
    }

    /// Prints a note above the bars.
    pub fn note(&self, text: &str) {
        self.bars.suspend(|| {
            // Nothing to do if stderr is closed.
            writeln!(io::stderr(), "fervis: {text}").ok();
        });
    }
}

impl Drop for ManyProgress {
    /// Removes the bars, so that what is printed next has a line of its own.
    fn drop(&mut self) {
        self.bars.clear().ok();
    }
}

fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("a valid template")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use fervis::{capture::SourceKind, frame::Resolution};

    use super::*;

    #[test]
    fn the_bar_counts_what_is_known() {
        let info = |n_frames, duration_s| SourceInfo {
            name: "clip.mkv".to_owned(),
            kind: SourceKind::File,
            resolution: Resolution::new(64, 48),
            rate_hz: None,
            n_frames,
            duration: Option::map(duration_s, Duration::from_secs),
            format: "H.264".to_owned(),
            mirror_by_default: false,
        };
        let scale_of = |n_frames, duration_s| {
            let (length, counts, _) = scale(&info(n_frames, duration_s));
            (length, counts)
        };
        assert_eq!(scale_of(Some(250), Some(10)), (Some(250), Counts::Frames));
        assert_eq!(scale_of(None, Some(10)), (Some(10_000), Counts::Time));
        assert_eq!(scale_of(None, None), (None, Counts::Frames));
    }
}
