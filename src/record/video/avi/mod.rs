//! JPEG pictures in an AVI file, for builds without an H.264 encoder.
//!
//! AVI knows one constant rate and no times. What cameras deliver is put on the grid of that rate: where a picture is
//! missing, an empty one says "show the last one longer", so that the film stays within half a frame of the
//! truth when it plays. The true time of each picture, in ticks, is inside the picture, in an `APP15` segment that
//! decoders skip; [`frame_times`] reads it there, and it survives what other programs do to the container.
//!
//! Every picture is written at once, so a crash costs the one that was being written. What is missing then are sizes
//! in headers and the index, which ffmpeg and VLC do without and others not; [`recover`] adds them. Files grow beyond
//! AVI's old 2 GB in segments of 1 GB with an index each (OpenDML, 1996).
//!
//! What a newcomer would get wrong: a chunk of length 0 is a picture in this count. Readers that skip it are early by
//! a frame from there on.

mod layout;
mod picture;
mod scan;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use self::{layout::Format, scan::Found, writer::AviFile};
use super::{
    Clock, RecoverError, Recovered, VideoCodec, VideoError, VideoSettings, VideoSummary,
    VideoWriter, Written, duration_of,
    file::{self, Storage},
    stats::Durations,
};
use crate::{
    frame::{RGBA_BYTES, Resolution},
    session::files,
};

/// An AVI file with its encoder.
pub(super) struct MjpegWriter<S> {
    path: PathBuf,
    resolution: Resolution,
    clock: Clock,
    encode_times: Durations,
    jpeg: Vec<u8>,
    avi: AviFile<S>,
    is_stopped: bool,
}

impl MjpegWriter<File> {
    /// Makes the file.
    ///
    /// # Errors
    /// If it is there already or cannot be made, or if JPEG takes no pictures of this size.
    pub(super) fn create(path: &Path, settings: &VideoSettings) -> Result<Self, VideoError> {
        let Resolution {
            width_px,
            height_px,
        } = settings.resolution;
        if [width_px, height_px]
            .iter()
            .any(|side| !(1..=65_535).contains(side))
        {
            return Err(VideoError::Size {
                resolution: settings.resolution,
                codec: VideoCodec::Mjpeg.name(),
                range: "1×1 to 65535×65535",
            });
        }
        let file = file::create_new(path).map_err(|source| VideoError::Create {
            path: path.to_owned(),
            source,
        })?;
        Self::start(file, path, settings).inspect_err(|_| file::remove_new(path))
    }
}

impl<S: Storage> MjpegWriter<S> {
    fn start(storage: S, path: &Path, settings: &VideoSettings) -> Result<Self, VideoError> {
        let format = Format::new(settings.resolution, settings.rate_hz());
        Ok(Self {
            path: path.to_owned(),
            resolution: settings.resolution,
            clock: Clock::default(),
            encode_times: Durations::default(),
            jpeg: Vec::new(),
            avi: AviFile::start(storage, format).map_err(|err| VideoError::write(path, err))?,
            is_stopped: false,
        })
    }

    fn check_running(&self) -> Result<(), VideoError> {
        if self.is_stopped {
            return Err(VideoError::Stopped {
                path: self.path.clone(),
            });
        }
        Ok(())
    }
}

impl<S: Storage> VideoWriter for MjpegWriter<S> {
    fn write(&mut self, rgba: &[u8], time: Duration) -> Result<Written, VideoError> {
        assert_eq!(
            rgba.len(),
            self.resolution.n_pixels() * RGBA_BYTES,
            "pictures have the size that was announced"
        );
        self.check_running()?;
        let ticks = self.clock.tick(time);
        let started = Instant::now();
        picture::encode(rgba, self.resolution, ticks, &mut self.jpeg)?;
        self.encode_times.add(started.elapsed());
        self.avi.push(&self.jpeg, ticks).map_err(|err| {
            self.is_stopped = true;
            VideoError::write(&self.path, err)
        })?;
        self.clock.commit(ticks);
        Ok(Written {
            pts_90k: ticks,
            in_video: true,
        })
    }

    fn sync(&mut self) -> Result<(), VideoError> {
        self.check_running()?;
        self.avi.sync().map_err(|err| {
            self.is_stopped = true;
            VideoError::write(&self.path, err)
        })
    }

    fn len_bytes(&self) -> u64 {
        self.avi.contents().end
    }

    fn finish(self: Box<Self>) -> Result<VideoSummary, VideoError> {
        let finished = self
            .avi
            .finish()
            .map_err(|err| VideoError::write(&self.path, err))?;
        Ok(VideoSummary {
            file_name: self
                .path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            codec: VideoCodec::Mjpeg.name(),
            encoder: picture::ENCODER.to_owned(),
            resolution: self.resolution,
            n_frames: finished.n_frames,
            n_lost_frames: 0,
            duration: duration_of(finished.end_ticks()),
            bytes: finished.end,
            encode_p50: self.encode_times.quantile(0.5),
            encode_p95: self.encode_times.quantile(0.95),
        })
    }
}

/// Whether the file starts as AVI files do.
pub(super) fn is_avi(path: &Path) -> Result<bool, RecoverError> {
    let mut start = [0; 12];
    let n_read = files::open(path)
        .and_then(|mut file| file::read_at(&mut file, 0, &mut start))
        .map_err(RecoverError::io(path))?;
    let start = &start[..n_read];
    let kind = start.get(8..).unwrap_or_default();
    Ok(n_read > 0 && b"RIFF".starts_with(&start[..n_read.min(4)]) && b"AVI ".starts_with(kind))
}

/// See [`super::recover`].
pub(super) fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    let io_error = RecoverError::io(path);
    let scan = match scan_file(path)? {
        Found::Video(scan) => scan,
        Found::Empty => return Ok(Recovered::Empty),
        Found::Foreign => return Err(RecoverError::foreign(path)),
    };
    let n_frames = scan.contents.n_frames;
    let duration = duration_of(scan.contents.end_ticks());
    if scan.is_finished {
        return Ok(Recovered::Complete { n_frames, duration });
    }
    let lost_bytes = scan.lost_bytes;
    let repair = |mut file: File| {
        let tail = if scan.unexplained.is_empty() {
            None
        } else {
            Some(file::save_beside(&mut file, path, &scan.unexplained)?)
        };
        for gap in &scan.gaps {
            file.write_at(gap.part.start, &gap.filler())?;
        }
        AviFile::resume(file, scan.contents).finish()?;
        Ok(tail)
    };
    let tail = files::open_to_change(path)
        .and_then(repair)
        .map_err(io_error)?;
    Ok(Recovered::Repaired {
        n_frames,
        duration,
        first_pts_90k: 0, // Pictures keep their times in themselves.
        lost_bytes,
        tail,
    })
}

/// See [`super::frame_times`].
pub(super) fn frame_times(path: &Path) -> Result<Vec<u64>, RecoverError> {
    match scan_file(path)? {
        Found::Video(scan) => Ok(scan.times),
        Found::Empty => Ok(Vec::new()),
        Found::Foreign => Err(RecoverError::foreign(path)),
    }
}

fn scan_file(path: &Path) -> Result<Found, RecoverError> {
    files::open(path)
        .and_then(|mut file| scan::scan(&mut file))
        .map_err(RecoverError::io(path))
}
