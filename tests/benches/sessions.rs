//! How long it takes to open an hour and to list a thousand sessions.
//!
//! Run it with `cargo bench --bench sessions`. It records a second of the bundled clip with the release binary, repeats its
//! rows until they fill an hour at 30 Hz, and copies the session a thousand times. Files are in the system's cache.

mod timing;

use std::{fs, path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, ensure};
use fervis::{
    session::{
        Session, catalog,
        manifest::Manifest,
        tables::{self, FaceRow, FrameRow, FrameStatus, Row},
    },
    time::Ticks,
};

use self::timing::Timing;

const BINARY: &str = env!("CARGO_BIN_EXE_fervis");
const N_RUNS: usize = 7;
const N_SESSIONS: usize = 1000;
/// Frames of an hour, and the time from one to the next.
const N_FRAMES: u64 = 30 * 3600;
const INTERVAL: Ticks = Ticks(3000);

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let second = folder.path().join("second");
    record(&second)?;
    let hour = folder.path().join("hour");
    let n_faces = repeat(&second, &hour)?;
    let many = folder.path().join("many");
    for number in 0..N_SESSIONS {
        copy(&second, &many.join(format!("session-{number}")))?;
    }
    println!("{:40} {:>9} {:>9}", "", "p50 ms", "p95 ms");
    let open = || {
        let session = Session::open(&hour)?;
        ensure!(session.faces.len() == n_faces);
        drop(session.frame_spans());
        Ok(())
    };
    println!("{:40} {}", "open an hour", times(open)?);
    let list = || {
        let mut n_found = 0;
        catalog::list(&many, |_| {
            n_found += 1;
            true
        });
        ensure!(n_found == N_SESSIONS, "{n_found} were found");
        Ok(())
    };
    println!("{:40} {}", "list 1,000 sessions", times(list)?);
    Ok(())
}

fn times(work: impl Fn() -> Result<()>) -> Result<Timing> {
    work()?; // Brings the files into the cache.
    let time = |_| {
        let started = Instant::now();
        work()?;
        Ok(started.elapsed())
    };
    let times: Result<Vec<_>> = (0..N_RUNS).map(time).collect();
    Ok(Timing::of(times?))
}

fn record(folder: &Path) -> Result<()> {
    let status = Command::new(BINARY)
        .args([
            "record",
            "demo",
            "--seconds",
            "1",
            "--video",
            "none",
            "--out",
        ])
        .arg(folder)
        .status()
        .context("starting fervis")?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// Writes a session of an hour from the rows of another one. Returns how many rows of faces it has.
fn repeat(from: &Path, to: &Path) -> Result<usize> {
    let session = Session::open(from)?;
    let mut source = session.frames.iter();
    let analyzed: Vec<&FrameRow> = source
        .by_ref()
        .filter(|row| row.status == FrameStatus::Analyzed)
        .collect();
    let (mut frames, mut faces) = (Vec::new(), Vec::new());
    for (number, row) in (0..N_FRAMES).zip(analyzed.iter().cycle()) {
        let time = Ticks(INTERVAL.0 * number);
        frames.push(FrameRow {
            frame: number,
            time,
            source_s: time.as_secs_f64(),
            unix_s: session.manifest.clock.zero_unix_s + time.as_secs_f64(),
            ..(*row).clone()
        });
        let of_frame = &session.faces[session.face_range(row.frame)];
        faces.extend(of_frame.iter().map(|face| FaceRow {
            frame: number,
            time,
            ..face.clone()
        }));
    }
    fs::create_dir(to)?;
    let labels = session.labels();
    fs::write(to.join(FrameRow::FILE), tables::table(labels, &frames))?;
    fs::write(to.join(FaceRow::FILE), tables::table(labels, &faces))?;
    Manifest::read(from)?.write(to)?;
    Ok(faces.len())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
