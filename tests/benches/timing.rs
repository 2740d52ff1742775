//! Repeats work and measures how long it takes, as median and 95th percentile.
//!
//! Percentiles and not means: a viewer notices the slow frame, and a mean hides it.

#![allow(dead_code, reason = "each bench uses a part of this")]

use std::{
    fmt,
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use fervis::percentiles::percentile;

/// Repetitions continue for this long …
const BUDGET: Duration = Duration::from_secs(2);
/// … but there are at least this many …
const MIN_REPETITIONS: usize = 5;
/// … and at most this many.
const MAX_REPETITIONS: usize = 300;

/// How long repetitions of one thing took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub p50: Duration,
    pub p95: Duration,
}

impl Timing {
    /// Summarizes measurements in any order; at least one.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent| percentile(&times, percent).expect("there is a measurement");
        Self {
            p50: at(50),
            p95: at(95),
        }
    }
}

impl fmt::Display for Timing {
    /// Both in milliseconds, right-aligned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p95] = [self.p50, self.p95].map(|time| time.as_secs_f64() * 1e3);
        write!(f, "{p50:9.3} {p95:9.3}")
    }
}

/// `--seconds N`, or the default; cargo adds `--bench`, which is ignored.
pub fn seconds_from(args: impl Iterator<Item = String>, default: u64) -> Result<Duration> {
    let mut args = args.filter(|arg| arg != "--bench");
    let mut seconds = default;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let value = args.next().context("--seconds needs a number")?;
                seconds = value.parse().context("--seconds needs a whole number")?;
            }
            other => bail!("unknown argument {other}; there is only --seconds N"),
        }
    }
    ensure!(seconds > 0, "--seconds needs a number above 0");
    Ok(Duration::from_secs(seconds))
}

/// Does the work once without measuring, to fill caches and start threads, then repeatedly.
pub fn measure<T>(mut work: impl FnMut() -> T) -> Timing {
    black_box(work());
    let started = Instant::now();
    let mut times = Vec::new();
    while times.len() < MIN_REPETITIONS
        || (times.len() < MAX_REPETITIONS && started.elapsed() < BUDGET)
    {
        let start = Instant::now();
        let result = black_box(work());
        times.push(start.elapsed());
        drop(result); // Freeing the result is not part of the work.
    }
    Timing::of(times)
}
