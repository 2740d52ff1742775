//! What people see on stderr while a long analysis runs.
//!
//! The bar appears only on a terminal; notes always, above the bar.

use std::io::{self, IsTerminal, Write};

use fervis::capture::SourceInfo;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar with notes.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Hidden until [`Progress::begin`].
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    /// Shows the bar, now that the source is known. `stdout_is_busy`: results scroll through this very terminal.
    pub fn begin(&mut self, info: &SourceInfo, stdout_is_busy: bool) {
        // A camera that came back continues its bar.
        let in_the_way = stdout_is_busy && io::stdout().is_terminal();
        if in_the_way || !io::stderr().is_terminal() || !self.bar.is_hidden() {
            return;
        }
        let (bar, template) = match info.n_frames {
            Some(n) => (
                ProgressBar::new(n),
                "{prefix} [{bar:32}] {pos} of {len} frames, {per_sec}, {eta} left",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{prefix} {pos} frames in {elapsed}, {per_sec}",
            ),
        };
        let style = ProgressStyle::with_template(template)
            .expect("our own template")
            .progress_chars("=> ");
        bar.set_style(style);
        bar.set_prefix(info.name.clone());
        bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar = bar;
    }

    /// One more frame is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// Tells something.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| {
            // Without stderr there is nobody to tell.
            writeln!(io::stderr(), "fervis: {text}").ok();
        });
    }
}

impl Drop for Progress {
    /// Removes the bar, so that what comes next, an error perhaps, stands on a line of its own.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
