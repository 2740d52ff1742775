//! Joins an encoder and an MP4 file.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

#[cfg(feature = "h264-bundled")]
use super::h264::H264Encoder;
use super::{
    encoder::{Encoded, Encoder},
    error::VideoError,
    file::{self, Storage},
    jpeg::JpegEncoder,
    mp4::HybridMp4,
    settings::{VideoCodec, VideoSettings},
};
use crate::{
    frame::{RGBA_BYTES, Resolution},
    percentiles::DurationHistogram,
    time::Ticks,
};

/// A video file that is being recorded.
///
/// Dropping it instead of calling [`VideoWriter::finish`] leaves the file as a crash would: [`recover`](super::recover)
/// repairs it.
pub struct VideoWriter {
    path: PathBuf,
    /// Of the frames that come.
    resolution: Resolution,
    encoder: Box<dyn Encoder>,
    created: SystemTime,
    clock: Clock,
    encode_times: DurationHistogram,
    mp4: HybridMp4,
    /// Whether the disk has refused something.
    is_stopped: bool,
}

/// Where a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its presentation time in the file, since the video's first frame.
    pub time: Ticks,
    /// Whether it is in the file. If not, the encoder left it out and the frame before is shown longer.
    pub in_video: bool,
}

/// A finished video.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoSummary {
    /// Name and version of the encoder.
    pub encoder: String,
    /// Size of the frames in the file; H.264 cuts odd sides.
    pub resolution: Resolution,
    /// Frames in the file.
    pub n_frames: u64,
    /// Frames that [`VideoWriter::write`] had accepted and the disk then refused.
    pub n_lost_frames: u64,
    /// From the first frame to the end of the last.
    pub duration: Duration,
    /// Size of the file.
    pub bytes: u64,
    /// Median time to encode a frame, color conversion included.
    pub encode_p50: Duration,
    /// 95th percentile of the same.
    pub encode_p95: Duration,
}

/// The encoder of the settings.
///
/// # Errors
/// [`VideoError::Size`].
fn encoder(settings: &VideoSettings) -> Result<Box<dyn Encoder>, VideoError> {
    Ok(match settings.codec {
        #[cfg(feature = "h264-bundled")]
        VideoCodec::H264 => Box::new(H264Encoder::new(settings)?),
        VideoCodec::Mjpeg => Box::new(JpegEncoder::new(settings)?),
    })
}

impl VideoWriter {
    /// Starts a video file. Nothing is overwritten.
    ///
    /// # Errors
    /// If the file exists or cannot be created, or if the codec does not take frames of this size.
    pub fn create(path: &Path, settings: &VideoSettings) -> Result<Self, VideoError> {
        // First of all, so that a refusal leaves no file.
        let encoder = encoder(settings)?;
        let file = file::create_new(path).map_err(|source| VideoError::Create {
            path: path.to_owned(),
            source,
        })?;
        Self::start(Box::new(file), encoder, path, settings).inspect_err(|_| file::remove_new(path))
    }

    /// Starts a video in any storage.
    #[cfg(test)]
    pub(super) fn on(
        storage: impl Storage + 'static,
        path: &Path,
        settings: &VideoSettings,
    ) -> Result<Self, VideoError> {
        Self::start(Box::new(storage), encoder(settings)?, path, settings)
    }

    fn start(
        storage: Box<dyn Storage>,
        encoder: Box<dyn Encoder>,
        path: &Path,
        settings: &VideoSettings,
    ) -> Result<Self, VideoError> {
        let nominal_duration = (Ticks::PER_SECOND as f64 / settings.rate_hz()).round() as u32;
        let mp4 = HybridMp4::start(storage, nominal_duration)
            .map_err(|err| VideoError::write(path, err))?;
        Ok(Self {
            path: path.to_owned(),
            resolution: settings.resolution,
            encoder,
            created: settings.created,
            clock: Clock::default(),
            encode_times: DurationHistogram::default(),
            mp4,
            is_stopped: false,
        })
    }

    /// Encodes a frame and writes it, at the latest with the next [`VideoWriter::sync`] or half a second later.
    ///
    /// `rgba` has the size of [`VideoSettings::resolution`], rows top to bottom without padding. `time` counts from the
    /// recording's first frame and grows with each frame; a time that does not grow becomes one tick after the last. The
    /// first frame starts the video, so its own time is subtracted from all.
    ///
    /// # Errors
    /// If the frame cannot be encoded or the disk refuses it. After the disk has refused one, every further frame fails
    /// with [`VideoError::Stopped`]; call [`VideoWriter::finish`], which keeps what is on the disk.
    ///
    /// # Panics
    /// If `rgba` has another size.
    pub fn write(&mut self, rgba: &[u8], time: Duration) -> Result<Written, VideoError> {
        assert_eq!(
            rgba.len(),
            self.resolution.n_pixels() * RGBA_BYTES,
            "frames have the size that was announced"
        );
        self.check_running()?;
        let ticks = self.clock.tick(time);
        let started = Instant::now();
        let encoded = self.encoder.encode(rgba, ticks)?;
        self.encode_times.count(started.elapsed());
        let is_key = match encoded {
            Encoded::Key => true,
            #[cfg(feature = "h264-bundled")]
            Encoded::Delta => false,
            // The frame before stays until the next one comes: nothing is written, and no time is lost.
            #[cfg(feature = "h264-bundled")]
            Encoded::Skipped => {
                return Ok(Written {
                    time: ticks,
                    in_video: false,
                });
            }
        };
        self.add(is_key, ticks).map_err(|err| self.stop(err))?;
        self.clock.commit(ticks);
        Ok(Written {
            time: ticks,
            in_video: true,
        })
    }

    /// Adds the frame that was encoded last. The first one makes the file say what it holds: only then does H.264 know
    /// its parameters.
    fn add(&mut self, is_key: bool, ticks: Ticks) -> io::Result<()> {
        if !self.mp4.has_track() {
            let track = self.encoder.track(self.created)?;
            self.mp4.set_track(track)?;
        }
        self.mp4.push(self.encoder.data(), is_key, ticks)
    }

    /// Makes what was written so far survive a power cut. Waits a few milliseconds for the disk.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&mut self) -> Result<(), VideoError> {
        self.check_running()?;
        self.mp4.sync().map_err(|err| self.stop(err))
    }

    fn check_running(&self) -> Result<(), VideoError> {
        if self.is_stopped {
            return Err(VideoError::Stopped {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    /// Notes that the disk refused something.
    fn stop(&mut self, err: io::Error) -> VideoError {
        self.is_stopped = true;
        VideoError::write(&self.path, err)
    }

    /// Size of the file so far, bytes.
    pub fn len_bytes(&self) -> u64 {
        self.mp4.len_bytes()
    }

    /// Turns the file into a plain one that plays everywhere.
    ///
    /// A recording without a single frame leaves a file that [`recover`](super::recover) calls
    /// [`Recovered::Empty`](super::Recovered::Empty) and no player opens; delete it.
    ///
    /// # Errors
    /// If the disk refuses. The file then stays as a crash would have left it, with all frames, and
    /// [`recover`](super::recover) finishes the work once there is room.
    pub fn finish(self) -> Result<VideoSummary, VideoError> {
        let finished = self
            .mp4
            .finish()
            .map_err(|err| VideoError::write(&self.path, err))?;
        Ok(VideoSummary {
            encoder: self.encoder.name(),
            resolution: self.encoder.resolution(),
            n_frames: finished.n_samples.into(),
            n_lost_frames: finished.n_lost.into(),
            duration: finished.end.into(),
            bytes: finished.bytes,
            encode_p50: self.encode_times.percentile(50).unwrap_or_default(),
            encode_p95: self.encode_times.percentile(95).unwrap_or_default(),
        })
    }
}

/// Gives each frame its time in the file: strictly growing ticks from 0.
#[derive(Debug, Default)]
struct Clock {
    /// Time of the first frame.
    first: Duration,
    /// Tick of the last frame.
    last: Option<Ticks>,
}

impl Clock {
    /// MP4 stores the distance of two frames in 32 bits, and some players read them as signed: no gap is longer than
    /// this, 6.6 hours. What a longer one lacks is caught up by the frames after it.
    const MAX_GAP: Ticks = Ticks(i32::MAX as u64);

    /// The tick of a frame of this time; it counts as given only after [`Clock::commit`].
    fn tick(&mut self, time: Duration) -> Ticks {
        let Some(last) = self.last else {
            self.first = time;
            return Ticks::ZERO;
        };
        let ticks = Ticks::from(time.saturating_sub(self.first));
        ticks.clamp(last + Ticks(1), last + Self::MAX_GAP)
    }

    fn commit(&mut self, tick: Ticks) {
        self.last = Some(tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_grow_and_start_at_zero() {
        let mut clock = Clock::default();
        let mut given = Vec::new();
        for micros in [500_000, 533_333, 533_333, 400_000, 1_500_000] {
            let tick = clock.tick(Duration::from_micros(micros));
            clock.commit(tick);
            given.push(tick);
        }
        assert_eq!(given, [0, 3000, 3001, 3002, 90_000].map(Ticks));
    }

    #[test]
    fn a_gap_of_many_hours_is_caught_up() {
        let mut clock = Clock::default();
        let day = Duration::from_secs(86_400);
        let mut ticks = Vec::new();
        for frame in 0..6 {
            let tick = clock.tick(if frame == 0 { Duration::ZERO } else { day });
            clock.commit(tick);
            ticks.push(tick);
        }
        assert!(
            ticks
                .windows(2)
                .all(|pair| pair[1] - pair[0] <= Clock::MAX_GAP)
        );
        assert!(ticks.contains(&Ticks(86_400 * 90_000)), "{ticks:?}");
    }
}
