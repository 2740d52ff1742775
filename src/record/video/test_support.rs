//! Seeded frames and times, a disk that fills up, and one that remembers each step, for crashes at every one.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    RecoverError, Recovered,
    file::{Storage, create_new},
    frame_times, recover,
};
use crate::{
    frame::{RGBA_BYTES, Resolution},
    time::Ticks,
};

/// A seeded generator (Knuth's MMIX).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Times like a webcam's at 30 Hz: jitter of ±8 ms, and now and then a gap.
pub(super) fn webcam_times(n_frames: usize, seed: u64) -> Vec<Duration> {
    let mut random = Random(seed);
    let mut nominal = Duration::from_millis(20);
    let mut times = Vec::new();
    for _ in 0..n_frames {
        times.push(nominal + Duration::from_micros(random.below(16_000)));
        let is_gap = random.below(12) == 0;
        nominal += Duration::from_micros(33_333);
        nominal += Duration::from_millis(if is_gap { random.below(250) } else { 0 });
    }
    times
}

/// The ticks that a file must show for these times.
pub(super) fn ticks_of(times: &[Duration]) -> Vec<Ticks> {
    times
        .iter()
        .map(|time| {
            let micros = (*time - times[0]).as_micros() as u64;
            Ticks((micros * 9 + 50) / 100) // 90000 ticks are a million microseconds.
        })
        .collect()
}

/// A frame with a bright square that wanders over a noisy background.
pub(super) fn pixels(resolution: Resolution, number: usize) -> Vec<u8> {
    let mut random = Random(number as u64);
    let (width, height) = (resolution.width_px as usize, resolution.height_px as usize);
    let (left, top) = (number * 3 % width, number * 2 % height);
    let mut rgba = Vec::with_capacity(resolution.n_pixels() * RGBA_BYTES);
    for y in 0..height {
        for x in 0..width {
            let is_square = (left..left + 12).contains(&x) && (top..top + 12).contains(&y);
            let noise = random.below(24) as u8;
            let background = [40 + noise, 60 + noise, 90 + noise, 255];
            rgba.extend(if is_square {
                [220, 200, 60, 255]
            } else {
                background
            });
        }
    }
    rgba
}

/// A disk with little room.
pub(super) struct FullDisk {
    file: File,
    max_bytes: u64,
}

impl FullDisk {
    pub(super) fn new(path: &Path, max_bytes: u64) -> Self {
        let file = create_new(path).unwrap();
        Self { file, max_bytes }
    }
}

impl Storage for FullDisk {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let room = self.max_bytes.saturating_sub(offset);
        if room >= bytes.len() as u64 {
            return self.file.write_at(offset, bytes);
        }
        self.file.write_at(offset, &bytes[..room as usize])?; // Like real disks.
        Err(io::ErrorKind::StorageFull.into())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.truncate(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One change to a file.
#[derive(Clone)]
enum Step {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

/// A file in memory that remembers every step.
#[derive(Clone, Default)]
pub(super) struct Journal(Arc<Mutex<Vec<Step>>>);

impl Storage for Journal {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0
            .lock()
            .unwrap()
            .push(Step::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().push(Step::Truncate(length));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Journal {
    pub(super) fn n_steps(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The file after `n_steps` and the share `part` of the bytes of the next step. A few adjacent bytes reach a
    /// disk together or not at all.
    pub(super) fn file_after(&self, n_steps: usize, part: f64) -> Vec<u8> {
        let steps = self.0.lock().unwrap();
        let mut bytes = Vec::new();
        for step in &steps[..n_steps] {
            apply(&mut bytes, step);
        }
        if let Some(Step::Write(offset, data)) = steps.get(n_steps) {
            let n_written = (data.len() as f64 * part) as usize;
            if n_written > 0 && data.len() > 64 {
                apply(
                    &mut bytes,
                    &Step::Write(*offset, data[..n_written].to_vec()),
                );
            }
        }
        bytes
    }
}

fn apply(bytes: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(offset, data) => {
            let end = *offset as usize + data.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[*offset as usize..end].copy_from_slice(data);
        }
        Step::Truncate(length) => bytes.resize(*length as usize, 0),
    }
}

/// A folder that lasts as long as the test.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file with this content; replaces an existing one.
    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Recovers the file, and checks what holds for every file: frames are a beginning of `ticks` (with at least
/// `at_least` of them), the same before and after, and doing it again changes nothing. Returns their number.
#[track_caller]
pub(super) fn check_recovery(path: &Path, ticks: &[Ticks], at_least: usize, what: &str) -> usize {
    let before = frame_times(path).unwrap();
    assert!(ticks.starts_with(&before), "{what}: {before:?}");
    assert!(
        before.len() >= at_least,
        "{what}: only {} frames of {at_least}",
        before.len()
    );
    let recovered = recover(path).unwrap();
    let n_found = match &recovered {
        Recovered::Complete { n_frames, .. } | Recovered::Repaired { n_frames, .. } => {
            *n_frames as usize
        }
        Recovered::Empty => 0,
    };
    assert_eq!(n_found, before.len(), "{what}: {recovered:?}");
    assert_eq!(frame_times(path).unwrap(), before, "{what}");
    let bytes = std::fs::read(path).unwrap();
    let again = recover(path).unwrap();
    match (&recovered, &again) {
        (Recovered::Empty, Recovered::Empty) => {}
        (_, Recovered::Complete { n_frames, .. }) => {
            assert_eq!(*n_frames as usize, n_found, "{what}")
        }
        other => panic!("{what}: {other:?}"),
    }
    assert!(
        bytes == std::fs::read(path).unwrap(),
        "{what}: the second time changed the file"
    );
    n_found
}

/// Checks that recovery refuses a file that is not ours and leaves it as it was.
#[track_caller]
pub(super) fn check_refusal(folder: &Folder, name: &str, bytes: &[u8]) {
    let path = folder.file(name, bytes);
    let err = recover(&path).unwrap_err();
    assert!(
        matches!(
            err,
            RecoverError::Foreign { .. } | RecoverError::Damaged { .. }
        ),
        "{name}: {err}"
    );
    assert!(err.to_string().contains(name), "{err}");
    assert!(frame_times(&path).is_err(), "{name}");
    assert!(bytes == std::fs::read(&path).unwrap(), "{name} was changed");
}
