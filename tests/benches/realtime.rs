//! The real-time contract: a 1280×720 camera at 30 frames per second, with nobody, one and three people in view.
//!
//! `cargo bench --bench realtime -- --seconds 600` runs each case for ten minutes (20 s by default), without and with a
//! recording of the annotated video to the temporary folder (`TMPDIR`). The camera is a loop of JPEG images, decoded like
//! a webcam's; detection, classification and the threads are the application's own. The reader takes frames and results
//! as the window does, and copies each frame as for a texture. Drawing on the graphics card is not included.

mod scene;
mod timing;

use std::{
    env, fs,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use crossbeam_channel::Receiver;
use fervis::{
    capture::{
        CameraChoice, CaptureError, FrameSource, SourceInfo, SourceKind, SourceSpec,
        camera_format::PixelFormat, decode::decode,
    },
    frame::{Frame, FrameId, FramePool, RGBA_BYTES},
    model::{CheckpointChoice, DeviceChoice},
    pipeline::{Event, Pacing, Parts, Pipeline, PipelineConfig, Settings, face_names::FaceNames},
    record::{Recorder, RecordingConfig, VideoChoice},
    session::{about::About, marker_keys::MarkerKeys},
};

use self::{
    scene::{SIZE, Scene},
    timing::{Timing, seconds_from},
};

const RATE_HZ: u32 = 30;
/// Images in the loop.
const N_IMAGES: u64 = 90;
/// Memory is first measured when everything has been in use for a while.
const SETTLED_AFTER: Duration = Duration::from_secs(10);
/// Longest wait for the first result.
const START_LIMIT: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let seconds = seconds_from(env::args().skip(1), 20)?;
    let scene = Scene::load()?;
    println!("{SIZE} MJPG at {RATE_HZ} Hz, {} s each", seconds.as_secs());
    println!(
        "faces  shown/s  analyzed/s  latency p50, p95 ms  dropped  refused  CPU cores  memory MB at {} s, at the end",
        SETTLED_AFTER.min(seconds / 2).as_secs()
    );
    for n_faces in [0, 1, 3] {
        let images = (0..N_IMAGES)
            .map(|number| scene.jpeg(n_faces, number))
            .collect::<Result<_>>()?;
        let images = Arc::new(images);
        for recorded in [false, true] {
            let figures = run(Arc::clone(&images), n_faces, seconds, recorded)?;
            println!("{n_faces:5}  {figures}");
        }
    }
    Ok(())
}

/// A camera that sends the same images over and over, by the clock. As with a real one, an image that nobody takes in time
/// is lost.
struct LoopingCamera {
    info: SourceInfo,
    images: Arc<Vec<Vec<u8>>>,
    started_at: Instant,
    next: u64,
}

impl LoopingCamera {
    fn open(images: Arc<Vec<Vec<u8>>>) -> Self {
        Self {
            info: SourceInfo {
                name: "Loop".to_owned(),
                kind: SourceKind::Live,
                resolution: SIZE,
                rate_hz: Some(RATE_HZ.into()),
                n_frames: None,
                duration: None,
                format: "MJPG".to_owned(),
                mirror_by_default: true,
            },
            images,
            started_at: Instant::now(),
            next: 0,
        }
    }
}

impl FrameSource for LoopingCamera {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let rate_hz = f64::from(RATE_HZ);
        let newest = (self.started_at.elapsed().as_secs_f64() * rate_hz) as u64;
        let number = self.next.max(newest);
        self.next = number + 1;
        let time = Duration::from_secs_f64(number as f64 / rate_hz);
        thread::sleep(time.saturating_sub(self.started_at.elapsed()));
        let captured_at = Instant::now();
        let mut rgba = pool.buffer(SIZE);
        let image = &self.images[(number % self.images.len() as u64) as usize];
        decode(PixelFormat::Mjpg, SIZE, image, &mut rgba).expect("the images are whole");
        let frame = Frame::new(FrameId(number), captured_at, time, SIZE, rgba);
        Ok(Some(frame))
    }
}

/// One line of the table.
struct Figures {
    shown_per_s: f64,
    analyzed_per_s: f64,
    latency: Timing,
    n_dropped: u64,
    /// `None` without a recording.
    n_refused: Option<u64>,
    cores: Option<f64>,
    settled_bytes: Option<u64>,
    final_bytes: Option<u64>,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mega = |bytes: Option<u64>| bytes.map_or(f64::NAN, |bytes| bytes as f64 / 1e6);
        write!(
            f,
            "{:7.1} {:11.1} {} {:9} {:8} {:10.2} {:17.1}, {:.1}",
            self.shown_per_s,
            self.analyzed_per_s,
            self.latency,
            self.n_dropped,
            self.n_refused.map_or("–".to_owned(), |n| n.to_string()),
            self.cores.unwrap_or(f64::NAN),
            mega(self.settled_bytes),
            mega(self.final_bytes),
        )
    }
}

fn run(
    images: Arc<Vec<Vec<u8>>>,
    n_faces: usize,
    seconds: Duration,
    recorded: bool,
) -> Result<Figures> {
    let config = PipelineConfig {
        source: Some(SourceSpec::Camera(CameraChoice::default())),
        checkpoint: CheckpointChoice::default(),
        second: None,
        device: DeviceChoice::Auto,
        settings: Settings::default(),
        pacing: Pacing::Realtime,
    };
    let parts = Parts {
        open_source: Arc::new(move |_| Ok(Box::new(LoopingCamera::open(Arc::clone(&images))))),
        ..Parts::real(Pacing::Realtime)
    };
    // One pending wake-up is enough, as for a window.
    let (wake, woken) = crossbeam_channel::bounded(1);
    let wake = move || {
        wake.try_send(()).ok();
    };
    let pipeline = Pipeline::start_with(config, parts, wake)?;
    await_faces(&pipeline, &woken, n_faces)?;
    let folder = tempfile::tempdir()?;
    let recorder = recorded
        .then(|| start_recorder(folder.path().join("session")))
        .transpose()?;
    let tap = recorder
        .as_ref()
        .map(|recorder| pipeline.attach(recorder.tap()));
    let mut texture = vec![0; SIZE.n_pixels() * RGBA_BYTES];
    let (mut n_shown, mut latencies) = (0u32, Vec::new());
    let before = pipeline.stats();
    let cpu_before = cpu_time();
    let started = Instant::now();
    let settled_after = SETTLED_AFTER.min(seconds / 2);
    let mut settled_bytes = None;
    while started.elapsed() < seconds {
        woken.recv_timeout(Duration::from_millis(100)).ok();
        if let Some(frame) = pipeline.take_preview() {
            texture.copy_from_slice(frame.rgba());
            n_shown += 1;
        }
        if let Some(analysis) = pipeline.take_analysis() {
            let latency = analysis.completed_at - analysis.frame.captured_at;
            latencies.push(latency);
        }
        complain(&pipeline)?;
        if settled_bytes.is_none() && started.elapsed() >= settled_after {
            settled_bytes = resident_bytes();
        }
    }
    let elapsed_s = started.elapsed().as_secs_f64();
    let (cpu_after, final_bytes) = (cpu_time(), resident_bytes());
    let n_dropped = pipeline.stats().n_dropped - before.n_dropped;
    drop(tap);
    let n_refused = recorder.map(end_recorder).transpose()?;
    ensure!(!latencies.is_empty(), "nothing was analyzed");
    Ok(Figures {
        shown_per_s: f64::from(n_shown) / elapsed_s,
        analyzed_per_s: latencies.len() as f64 / elapsed_s,
        latency: Timing::of(latencies),
        n_dropped,
        n_refused,
        cores: cpu_after
            .zip(cpu_before)
            .map(|(now, before)| (now - before).as_secs_f64() / elapsed_s),
        settled_bytes,
        final_bytes,
    })
}

fn start_recorder(folder: PathBuf) -> Result<Recorder> {
    let config = RecordingConfig {
        folder,
        video: VideoChoice::Annotated,
        source: SourceSpec::Camera(CameraChoice::default()),
        info: None,
        settings: Settings::default(),
        device: None,
        privacy: None,
        uncertain_below: None,
        pacing: Pacing::Realtime,
        limit: None,
        about: About::default(),
        marker_keys: MarkerKeys::default(),
        face_names: FaceNames::default(),
    };
    Ok(Recorder::start(&config, || {})?)
}

/// Ends a recording; returns how many frames were refused.
fn end_recorder(recorder: Recorder) -> Result<u64> {
    recorder.stop("time limit reached");
    let (ending, status) = recorder.wait();
    ensure!(!ending.failed, ending.reason);
    Ok(status.counts.refused)
}

/// Waits until all faces are found, so that the figures do not include the start.
fn await_faces(pipeline: &Pipeline, woken: &Receiver<()>, n_faces: usize) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < START_LIMIT {
        woken.recv_timeout(Duration::from_millis(100)).ok();
        pipeline.take_preview();
        complain(pipeline)?;
        let analysis = pipeline.take_analysis();
        if analysis.is_some_and(|analysis| analysis.faces.len() == n_faces) {
            return Ok(());
        }
    }
    bail!("{n_faces} faces were not found within {START_LIMIT:?}")
}

/// Ends the bench if the pipeline reports a failure.
fn complain(pipeline: &Pipeline) -> Result<()> {
    while let Some(event) = pipeline.take_event() {
        if let Event::CheckpointFailed { reason, .. } | Event::Warning(reason) = event {
            bail!(reason);
        }
    }
    Ok(())
}

/// Processor time of all threads so far; `None` except on Linux.
fn cpu_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold spaces; user and system time are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = |place: usize| fields.split_whitespace().nth(place)?.parse::<u64>().ok();
    // In the kernel's interface a tick is 1/100 s on all common computers.
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// Memory in use; `None` except on Linux.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
