//! Time from launch to the first analyzed frame, and the size of the binary.
//!
//! Run it with `cargo bench --bench startup`. It launches the release binary on the bundled clip and measures until its
//! first line of results. Files are in the system's cache, as after any first run.

mod timing;

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use self::timing::Timing;

const BINARY: &str = env!("CARGO_BIN_EXE_fervis");
const N_LAUNCHES: usize = 5;

fn main() -> Result<()> {
    launch()?; // Brings the files into the cache.
    let times = (0..N_LAUNCHES)
        .map(|_| launch())
        .collect::<Result<Vec<_>>>()?;
    println!("{:40} {:>9} {:>9}", "", "p50 ms", "p95 ms");
    println!(
        "{:40} {}",
        "launch to first analyzed frame",
        Timing::of(times)
    );
    let n_bytes = fs::metadata(BINARY).context("looking at the binary")?.len();
    println!("binary: {n_bytes} bytes ({:.1} MB)", n_bytes as f64 / 1e6);
    Ok(())
}

fn launch() -> Result<Duration> {
    let started = Instant::now();
    let mut child = Command::new(BINARY)
        .args(["analyze", "demo", "--json", "-", "--seconds", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .context("starting fervis")?;
    let stdout = child.stdout.take().context("it has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let first = lines.next().context("it printed nothing")??;
    let elapsed = started.elapsed();
    ensure!(first.starts_with(r#"{"frame":0,"#), "it printed {first}");
    let n_more = lines.map_while(Result::ok).count();
    let status = child.wait()?;
    ensure!(status.success() && n_more > 0, "it ended with {status}");
    Ok(elapsed)
}
