//! The two networks of the face chain, one square at a time on one thread.
//!
//! `cargo bench --bench face_networks -- --seconds 2`. `training/compare_face_networks.py` runs it beside LiteRT. The
//! minimum is the most reliable figure on a busy machine, so it is printed too.

mod timing;

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::Result;
use fervis::model::face::{FaceMesh, ShortRange};

use self::timing::{Timing, seconds_from};

fn main() -> Result<()> {
    let budget = seconds_from(env::args().skip(1), 2)?;
    println!(
        "{:24} {:>9} {:>9} {:>9}",
        "one thread", "min ms", "p50 ms", "p95 ms"
    );
    let mut mesh = FaceMesh::default();
    let square = noise(FaceMesh::SIDE_PX, 0.0, 1.0);
    row("mesh", budget, || mesh.run(&square));
    let mut short_range = ShortRange::default();
    let square = noise(ShortRange::SIDE_PX, -1.0, 1.0);
    row("short-range", budget, || short_range.detect(&square, 0.5));
    Ok(())
}

/// As `training/compare_face_networks.py` makes it.
fn noise(side: usize, low: f32, high: f32) -> Vec<f32> {
    let numbers = (0..side * side * 3).map(|i| (i * 7919 + i / 64 * 104_729) % 1009);
    numbers
        .map(|number| low + (high - low) * number as f32 / 1008.0)
        .collect()
}

fn row<T>(name: &str, budget: Duration, mut work: impl FnMut() -> T) {
    work(); // Buffers grow to their sizes.
    let started = Instant::now();
    let mut times = Vec::new();
    while started.elapsed() < budget {
        let start = Instant::now();
        std::hint::black_box(work());
        times.push(start.elapsed());
    }
    let min = times.iter().min().copied().unwrap_or_default();
    println!(
        "{name:24} {:9.3} {}",
        min.as_secs_f64() * 1e3,
        Timing::of(times)
    );
}
