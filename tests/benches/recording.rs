//! What recording costs per frame, and how an hour of it ends.
//!
//! `cargo bench --bench recording`; `cargo bench --bench recording -- hour` records an hour of small frames without
//! waiting, and prints the memory early and late, the time to finish and the drift. Videos go to the temporary folder
//! (`TMPDIR`).

mod scene;
mod timing;

use std::{
    env, fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use fervis::{
    frame::Resolution,
    record::video::{self, VideoCodec, VideoSettings, VideoSummary, VideoWriter},
};
use image::{DynamicImage, imageops::FilterType};

use self::{
    scene::{SIZE, Scene},
    timing::Timing,
};

/// Frames per second.
const RATE_HZ: f64 = 30.0;
/// Frames of a measurement: ten seconds.
const N_FRAMES: u32 = 300;
/// Different frames, which repeat to save memory.
const N_DIFFERENT: u64 = 30;
/// How often to wait for the disk, as in a recording.
const SYNC_INTERVAL: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let scene = Scene::load()?;
    if env::args().any(|argument| argument == "hour") {
        return hour(&scene);
    }
    println!(
        "{:58} {:>9} {:>9}",
        "one frame of a recording", "p50 ms", "p95 ms"
    );
    let mut codecs = vec![VideoCodec::default()];
    if !codecs.contains(&VideoCodec::Mjpeg) {
        codecs.push(VideoCodec::Mjpeg);
    }
    for codec in codecs {
        for size in [Resolution::new(640, 480), SIZE] {
            per_frame(&scene, size, codec)?;
        }
    }
    Ok(())
}

/// The scene in another size, with its sides cut to fit.
fn frames(scene: &Scene, size: Resolution) -> Vec<Vec<u8>> {
    (0..N_DIFFERENT)
        .map(|number| {
            let (image, _) = scene.image(3, number * 3);
            DynamicImage::from(image)
                .resize_to_fill(size.width_px, size.height_px, FilterType::Triangle)
                .to_rgba8()
                .into_raw()
        })
        .collect()
}

fn time_of(number: u32) -> Duration {
    Duration::from_secs_f64(f64::from(number) / RATE_HZ)
}

fn per_frame(scene: &Scene, size: Resolution, codec: VideoCodec) -> Result<()> {
    let frames = frames(scene, size);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(format!("video.{}", video::EXTENSION));
    let settings = VideoSettings {
        codec,
        ..VideoSettings::new(size, RATE_HZ)
    };
    let mut writer = VideoWriter::create(&path, &settings)?;
    let mut times = Vec::new();
    let mut sync_times = Vec::new();
    let mut next_sync = SYNC_INTERVAL;
    for (number, frame) in (0..N_FRAMES).zip(frames.iter().cycle()) {
        let started = Instant::now();
        writer.write(frame, time_of(number))?;
        times.push(started.elapsed());
        if time_of(number) >= next_sync {
            next_sync += SYNC_INTERVAL;
            let started = Instant::now();
            writer.sync()?;
            sync_times.push(started.elapsed());
        }
    }
    let started = Instant::now();
    let summary = writer.finish()?;
    let finish_time = started.elapsed();
    ensure!(
        summary.n_frames == u64::from(N_FRAMES),
        "{} frames are in the file",
        summary.n_frames
    );
    let VideoSummary {
        encoder,
        encode_p50: p50,
        encode_p95: p95,
        ..
    } = &summary;
    let name = format!("{} at {size}", codec.name());
    println!(
        "{:58} {}",
        format!("{name}: colors, encoder, file"),
        Timing::of(times)
    );
    let encoding = Timing {
        p50: *p50,
        p95: *p95,
    };
    println!("{:58} {encoding}", "  of this, colors and encoder");
    println!(
        "{:58} {}",
        "  waiting for the disk, every two seconds",
        Timing::of(sync_times)
    );
    let megabits = summary.bytes as f64 * 8e-6 / summary.duration.as_secs_f64();
    println!(
        "  ({encoder}: {megabits:.1} Mb/s; finished in {:.0} ms)",
        finish_time.as_secs_f64() * 1e3
    );
    Ok(())
}

/// An hour of frames with jitter.
fn hour(scene: &Scene) -> Result<()> {
    let size = Resolution::new(320, 240);
    let frames = frames(scene, size);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(format!("video.{}", video::EXTENSION));
    let mut writer = VideoWriter::create(&path, &VideoSettings::new(size, RATE_HZ))?;
    let n_frames = 3600 * RATE_HZ as u32;
    let jittery = |number: u32| {
        time_of(number)
            + Duration::from_micros(u64::from(number.wrapping_mul(2_654_435_761) % 8000))
    };
    let first_time = jittery(0);
    let mut memory_after_a_minute = None;
    for (number, frame) in (0..n_frames).zip(frames.iter().cycle()) {
        writer.write(frame, jittery(number))?;
        if number == 60 * RATE_HZ as u32 {
            memory_after_a_minute = resident_bytes();
        }
        if number % (2 * RATE_HZ as u32) == 0 {
            writer.sync()?;
        }
    }
    let memory_at_the_end = resident_bytes();
    let started = Instant::now();
    let summary = writer.finish()?;
    let finish_time = started.elapsed();
    let found = video::frame_times(&path)?;
    ensure!(
        found.len() == n_frames as usize,
        "{} frames are in the file",
        found.len()
    );
    let largest_error = (0..n_frames)
        .zip(&found)
        .map(|(number, time)| {
            let true_time = (jittery(number) - first_time).as_secs_f64();
            (time.as_secs_f64() - true_time).abs()
        })
        .fold(0.0, f64::max);
    println!("frames                       {:>10}", summary.n_frames);
    println!(
        "size, MB                     {:>10.1}",
        fs::metadata(&path).context("its size")?.len() as f64 * 1e-6
    );
    if let (Some(minute), Some(end)) = (memory_after_a_minute, memory_at_the_end) {
        println!(
            "memory after a minute, MB    {:>10.1}",
            minute as f64 * 1e-6
        );
        println!("memory after the hour, MB    {:>10.1}", end as f64 * 1e-6);
    }
    println!(
        "time to finish, s            {:>10.3}",
        finish_time.as_secs_f64()
    );
    println!("largest error of a time, µs  {:>10.1}", largest_error * 1e6);
    Ok(())
}

/// Memory in use, on Linux.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
