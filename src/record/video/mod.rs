//! The video file of a recording: pictures in, a file out that survives a crash.
//!
//! The best this build has is chosen by [`VideoCodec::default`]: H.264 in MP4, and without the feature `h264-bundled`
//! JPEG pictures in AVI. Both files can be read at every moment of the recording: what was written stays readable when
//! the program is killed or the disk fills up, [`recover`] turns it into a plain file, and [`VideoWriter::finish`] does
//! the same at the usual end.
//!
//! What a newcomer would get wrong: a picture's time is not its number divided by a rate. Cameras jitter and pictures are
//! dropped under load, so times are kept in ticks of 1/90000 s, and [`Written::pts_90k`] is exactly what the file
//! says about this picture. It is the key by which the rows of a table find their picture.

mod avi;
mod error;
mod file;
#[cfg(feature = "h264-bundled")]
mod h264;
mod mp4;
mod stats;
#[cfg(test)]
mod test_support;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

pub use self::error::{RecoverError, VideoError};
use crate::{frame::Resolution, time::TICKS_PER_SECOND};

/// One recorded video file being written.
///
/// Dropping it instead of calling [`VideoWriter::finish`] leaves the file as a crash would: [`recover`] repairs it.
pub trait VideoWriter: Send {
    /// Encodes one picture and writes it, at the latest with the next [`VideoWriter::sync`] or half a second later.
    ///
    /// `rgba` has the size of [`VideoSettings::resolution`], rows top to bottom without padding. `time` is since the
    /// recording's first frame and grows with each picture; one that does not is taken for a tick later than the
    /// last. The first picture starts the video, so its own time is subtracted from all.
    ///
    /// # Errors
    /// When the picture cannot be encoded or the disk refuses. After a refusal every further picture is refused
    /// ([`VideoError::Stopped`]); call [`VideoWriter::finish`], which keeps what is on the disk.
    ///
    /// # Panics
    /// If `rgba` has another size.
    fn write(&mut self, rgba: &[u8], time: Duration) -> Result<Written, VideoError>;

    /// Makes what was written so far survive a power cut. Takes a few milliseconds of waiting for the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    fn sync(&mut self) -> Result<(), VideoError>;

    /// Size of the file so far, bytes.
    fn len_bytes(&self) -> u64;

    /// Turns the file into a plain one that plays everywhere.
    ///
    /// A recording without a single picture leaves a file that [`recover`] calls [`Recovered::Empty`] and no player
    /// opens; delete it.
    ///
    /// # Errors
    /// When the disk refuses. The file is then left as a crash would have left it, with all pictures, and [`recover`]
    /// finishes the work once there is room.
    fn finish(self: Box<Self>) -> Result<VideoSummary, VideoError>;
}

/// Where a picture went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its presentation time in the file, in ticks of 1/90000 s since the video's first picture.
    pub pts_90k: u64,
    /// Whether it has a picture of its own there. If not, the encoder gave none and the one before is shown longer.
    pub in_video: bool,
}

/// How a video is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoSettings {
    /// Size of the pictures that will come. H.264 needs even sides: an odd column or row at the end is cut off.
    pub resolution: Resolution,
    /// The rate at which pictures are expected, per second. It sets the bit rate and the distance of key frames, and
    /// does not touch the times of pictures.
    pub nominal_rate_hz: f64,
    /// What encodes them.
    pub codec: VideoCodec,
    /// The date that the file bears.
    pub created: SystemTime,
}

impl VideoSettings {
    /// Settings with the best codec that this build has, and today's date.
    pub fn new(resolution: Resolution, nominal_rate_hz: f64) -> Self {
        Self {
            resolution,
            nominal_rate_hz,
            codec: VideoCodec::default(),
            created: SystemTime::now(),
        }
    }

    /// The nominal rate, with something sensible in the place of none or nonsense.
    fn rate_hz(&self) -> f64 {
        if self.nominal_rate_hz.is_finite() && self.nominal_rate_hz > 0.0 {
            self.nominal_rate_hz.clamp(1.0, 240.0)
        } else {
            30.0
        }
    }
}

/// What encodes the pictures of a video, and the file that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VideoCodec {
    /// H.264 by OpenH264 in an MP4 file.
    #[cfg(feature = "h264-bundled")]
    #[default]
    H264,
    /// JPEG pictures in an AVI file: about five times as large, and free of patents.
    #[cfg_attr(not(feature = "h264-bundled"), default)]
    Mjpeg,
}

impl VideoCodec {
    /// The ending of its files' names, without a dot.
    pub const fn extension(self) -> &'static str {
        match self {
            #[cfg(feature = "h264-bundled")]
            Self::H264 => "mp4",
            Self::Mjpeg => "avi",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "h264-bundled")]
            Self::H264 => "H.264",
            Self::Mjpeg => "Motion JPEG",
        }
    }
}

/// What became of a recording's video.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoSummary {
    /// Name of the file without its folder.
    pub file_name: String,
    /// Name of the codec.
    pub codec: &'static str,
    /// Name and version of the encoder.
    pub encoder: String,
    /// Size of the pictures in the file; H.264 cuts odd sides.
    pub resolution: Resolution,
    /// Pictures in the file.
    pub n_frames: u64,
    /// Pictures that [`VideoWriter::write`] had accepted and the disk then refused.
    pub n_lost_frames: u64,
    /// From the first picture to the end of the last.
    pub duration: Duration,
    /// Size of the file.
    pub bytes: u64,
    /// Median time to encode one picture, conversion of colours included.
    pub encode_p50: Duration,
    /// 95th percentile of the same.
    pub encode_p95: Duration,
}

/// What [`recover`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// The file was finished; it was not touched.
    Complete {
        /// Pictures in it.
        n_frames: u64,
        /// From the first picture to the end of the last.
        duration: Duration,
    },
    /// The file was made a plain one.
    Repaired {
        /// Pictures in it.
        n_frames: u64,
        /// From the first picture to the end of the last.
        duration: Duration,
        /// When its first picture was shown, in ticks since the recording's first: not 0 if those before it are lost.
        first_pts_90k: u64,
        /// Bytes that belong to no whole picture.
        lost_bytes: u64,
        /// Where a copy of these bytes is now; `None` if they were only zeros or the beginning of a picture.
        tail: Option<PathBuf>,
    },
    /// The recording ended before its first picture reached the disk. The file was not touched.
    Empty,
}

/// Starts a video file with the codec of the settings. Nothing is overwritten.
///
/// # Errors
/// If the file is there already or cannot be made, or if the codec takes no pictures of this size.
pub fn create(path: &Path, settings: &VideoSettings) -> Result<Box<dyn VideoWriter>, VideoError> {
    match settings.codec {
        #[cfg(feature = "h264-bundled")]
        VideoCodec::H264 => Ok(Box::new(h264::H264Writer::create(path, settings)?)),
        VideoCodec::Mjpeg => Ok(Box::new(avi::MjpegWriter::create(path, settings)?)),
    }
}

/// Finishes in place what a crash, a power cut or a full disk left of a video.
///
/// Damage costs the pictures that it hides, and no others. Bytes that are neither pictures nor the beginning of one are
/// kept in a file beside it (`video.mp4.tail`). It can be interrupted and run again at any point.
///
/// # Errors
/// If the file is none of ours or damaged at its start ([`RecoverError::Foreign`], [`RecoverError::Damaged`]; it was not
/// touched), or if the disk refuses ([`RecoverError::Io`]; nothing is lost then either).
pub fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    if avi::is_avi(path)? {
        avi::recover(path)
    } else {
        mp4::recover(path)
    }
}

/// The presentation time of each picture in a finished, killed or recovered file of ours, in ticks of 1/90000 s.
///
/// # Errors
/// If the file is none of ours or cannot be read. One without pictures gives an empty list.
pub fn frame_times(path: &Path) -> Result<Vec<u64>, RecoverError> {
    if avi::is_avi(path)? {
        avi::frame_times(path)
    } else {
        mp4::frame_times(path)
    }
}

/// Ticks to time, rounded down.
fn duration_of(ticks: u64) -> Duration {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(TICKS_PER_SECOND);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Gives each picture its time in the file: strictly growing ticks from 0.
#[derive(Debug, Default)]
struct Clock {
    /// Time of the first picture.
    first: Duration,
    /// Tick of the last picture.
    last: Option<u64>,
}

impl Clock {
    /// MP4 stores the distance of two pictures in 32 bits, and some players read them as signed: no gap is longer than
    /// this, 6.6 hours. What a longer one lacks is caught up by the pictures after it.
    const LONGEST_GAP: u64 = i32::MAX as u64;

    /// The tick of a picture of this time; it counts as given only after [`Clock::commit`].
    fn tick(&mut self, time: Duration) -> u64 {
        let Some(last) = self.last else {
            self.first = time;
            return 0;
        };
        let nanos = time.saturating_sub(self.first).as_nanos();
        let ticks = (nanos * u128::from(TICKS_PER_SECOND) + 500_000_000) / 1_000_000_000;
        u64::try_from(ticks)
            .unwrap_or(u64::MAX)
            .clamp(last + 1, last + Self::LONGEST_GAP)
    }

    fn commit(&mut self, tick: u64) {
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
        assert_eq!(given, [0, 3000, 3001, 3002, 90_000]);
    }

    #[test]
    fn a_gap_of_many_hours_is_caught_up() {
        let mut clock = Clock::default();
        let day = Duration::from_secs(86_400);
        let mut ticks = Vec::new();
        for picture in 0..6 {
            let tick = clock.tick(if picture == 0 { Duration::ZERO } else { day });
            clock.commit(tick);
            ticks.push(tick);
        }
        assert!(
            ticks
                .windows(2)
                .all(|pair| pair[1] - pair[0] <= Clock::LONGEST_GAP)
        );
        assert!(ticks.contains(&(86_400 * 90_000)), "{ticks:?}");
    }

    #[test]
    fn recover_needs_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let err = recover(&folder.path().join("none.mp4")).unwrap_err();
        assert!(err.to_string().contains("none.mp4"), "{err}");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let codecs = [VideoCodec::default(), VideoCodec::Mjpeg];
        for codec in codecs {
            let path = folder.path().join(format!("taken.{}", codec.extension()));
            std::fs::write(&path, "mine").unwrap();
            let settings = VideoSettings {
                codec,
                ..VideoSettings::new(Resolution::new(64, 48), 30.0)
            };
            assert!(create(&path, &settings).is_err());
            assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        }
    }
}
