//! Where frames come from: cameras, video files, still images, folders and the bundled demo clip.
//!
//! All of them are a [`FrameSource`], opened from a [`SourceSpec`] on the thread that reads it
//! (a camera is not `Send`). Sources only read; pacing, retries and states belong to `pipeline`. The exception is
//! what is live by nature: the demo clip keeps its own pace, as a camera does.

#[doc(hidden)] // Hidden modules are for our own programs, benches and tests.
pub mod camera_format;
#[doc(hidden)]
pub mod decode;
#[doc(hidden)]
pub mod demo;
pub mod devices;
mod file;
pub mod frame_rate;
#[doc(hidden)]
pub mod images;
mod jpeg;
#[doc(hidden)]
pub mod limits;
mod natural_order;
#[doc(hidden)]
pub mod still;
#[doc(hidden)]
pub mod synthetic;
mod video;
#[cfg(feature = "camera")]
#[doc(hidden)]
pub mod webcam;
#[cfg_attr(
    not(feature = "h264-bundled"),
    allow(dead_code, reason = "cameras need only part of it")
)]
mod yuv;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use self::video::read_packets;

use self::{
    devices::{CameraDevice, KnownCamera},
    frame_rate::FrameRate,
};
use crate::frame::{Frame, FramePool, Resolution};

/// What the user asked to look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceSpec {
    /// A webcam.
    Camera(CameraChoice),
    /// The bundled clip, looping at its own pace like a camera.
    Demo,
    /// A video file, an image, or a folder of images.
    Path(PathBuf),
}

/// Which camera, and what to request from it. `None` leaves the choice to us.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CameraChoice {
    /// Name as listed, or its number in the list; the first usable camera if `None`.
    pub camera: Option<String>,
    /// The very camera to open again; takes precedence over [`Self::camera`].
    pub known: Option<KnownCamera>,
    /// Requested frame size.
    pub resolution: Option<Resolution>,
    /// Requested frames per second.
    pub rate: Option<FrameRate>,
    /// Requested pixel format: `MJPG`, `YUYV`, `NV12`, `RGB3` or `BGR3`.
    pub format: Option<String>,
}

impl SourceSpec {
    /// Reads a source as written on the command line: `camera`, `camera:NAME-OR-NUMBER`, `demo` or a path.
    pub fn parse(text: &str) -> Self {
        match text {
            "demo" => Self::Demo,
            "camera" => Self::Camera(CameraChoice::default()),
            _ => match text.strip_prefix("camera:") {
                Some(camera) => Self::Camera(CameraChoice {
                    camera: Some(camera.to_owned()),
                    ..CameraChoice::default()
                }),
                None => Self::Path(PathBuf::from(text)),
            },
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Camera(CameraChoice { camera: None, .. }) => f.write_str("camera"),
            Self::Camera(CameraChoice {
                camera: Some(camera),
                ..
            }) => write!(f, "camera:{camera}"),
            Self::Demo => f.write_str("demo"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// How the frames of a source arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// In real time, endlessly; late readers miss frames.
    Live,
    /// From storage, as fast as they are read, until the end.
    File,
}

/// What an open source delivers.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// Name to show: the camera's, or the file's.
    pub name: String,
    /// Live or stored.
    pub kind: SourceKind,
    /// Size of the next frames; a file may change it midway.
    pub resolution: Resolution,
    /// Nominal frames per second, if the source states it.
    pub rate_hz: Option<f64>,
    /// Number of frames, if known in advance.
    pub n_frames: Option<u64>,
    /// How long a file plays, from its first frame to the end of its last, if known in advance.
    pub duration: Option<Duration>,
    /// Pixel format or codec, for the status bar: `MJPG`, `H.264`, `PNG`, ….
    pub format: String,
    /// Whether people expect to see themselves mirrored: a webcam, not a file.
    pub mirror_by_default: bool,
}

/// A stream of frames, read from one thread.
pub trait FrameSource {
    /// What this source delivers.
    fn info(&self) -> &SourceInfo;

    /// The next frame, filled into a buffer of `pool`; `None` at the end of a file.
    ///
    /// A live source blocks until a frame arrives, but never longer than a few seconds. A file returns at
    /// once: the caller paces playback by [`Frame::time`]. Pictures and animations bring buffers of their own.
    ///
    /// # Errors
    /// Any [`CaptureError`]; [`CaptureError::is_transient`] tells whether opening it again may help. After
    /// [`CaptureError::Stalled`] and [`CaptureError::Faulty`] the caller should keep calling: the source is still
    /// open, and returns frames again as soon as the camera sends them. Opening it again meanwhile
    /// fails, because a read that is blocked in the driver holds the camera.
    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError>;

    /// Frames that arrived damaged and were skipped since the source was opened.
    fn n_damaged(&self) -> u64 {
        0
    }

    /// How to open the same source again; `spec` is what it was opened by. For a camera this names the very device,
    /// because its number and its node may belong to another by then. Call it after opening, and again when the camera
    /// is gone: whatever else is connected at these moments is known to be another camera.
    fn pinned(&self, spec: &SourceSpec) -> SourceSpec {
        spec.clone()
    }

    /// Seeks to the last frame at or before the media time `time`, so that the next [`FrameSource::next_frame`] returns
    /// it; to the first frame if there is none. Works after the end too. Returns `false` and changes nothing if this
    /// source cannot seek: live ones never can.
    ///
    /// Numbers and times of frames stay those of the file: a seek back repeats them. The work may be left to
    /// the next `next_frame`, which then takes longer.
    ///
    /// # Errors
    /// Any [`CaptureError`] that is not transient, if the file can no longer be read.
    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let _ = time;
        Ok(false)
    }

    /// What users should know about the frames delivered since the last call: which files of a folder were skipped, and
    /// why. One sentence each.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Why there are no frames, in the words that users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Nothing to choose from.
    #[error("no camera found")]
    NoCamera,
    /// The requested camera is not in the list.
    #[error("camera “{wanted}” is not connected (found: {found})")]
    NoSuchCamera {
        /// The request.
        wanted: String,
        /// The cameras there are, for the message.
        found: String,
    },
    /// The camera exists but cannot be used now or at all.
    #[error("camera “{name}” could not be opened: {reason}")]
    OpenCamera {
        /// The camera's name.
        name: String,
        /// Cause and remedy in words.
        reason: String,
        /// Whether trying again later may help (busy, for example).
        transient: bool,
    },
    /// The camera was disconnected while it was read.
    #[error("camera “{name}” was disconnected")]
    Disconnected {
        /// The camera's name.
        name: String,
    },
    /// The camera is connected but sends nothing.
    #[error("camera “{name}” has sent no frame for {} s", waited.as_secs())]
    Stalled {
        /// The camera's name.
        name: String,
        /// How long nothing came.
        waited: Duration,
    },
    /// The camera is connected, but nothing it sends can be used.
    #[error("camera “{name}” does not work at the moment: {reason}")]
    Faulty {
        /// The camera's name.
        name: String,
        /// Cause and remedy in words.
        reason: String,
    },
    /// This build has no camera support.
    #[error("this build has no camera support (feature `camera`)")]
    CameraNotBuilt,
    /// A file or folder that could not be read.
    #[error("{} could not be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file that is not a picture or video we can decode.
    #[error("{} cannot be opened: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is and what to do.
        reason: String,
    },
}

impl CaptureError {
    /// Whether the same source may work when opened again later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoCamera
            | Self::NoSuchCamera { .. }
            | Self::Disconnected { .. }
            | Self::Stalled { .. }
            | Self::Faulty { .. } => true,
            Self::OpenCamera { transient, .. } => *transient,
            Self::CameraNotBuilt | Self::Read { .. } | Self::Unsupported { .. } => false,
        }
    }

    /// [`Self::Unsupported`].
    pub(crate) fn unsupported(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Unsupported {
            path: path.into(),
            reason: reason.into(),
        }
    }

    /// An I/O error with its file.
    pub fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }
}

/// Opens a source. Call it on the thread that will read it.
///
/// Files are identified by their content, so this reads some of the file; a camera gets ten seconds to answer.
///
/// # Errors
/// A [`CaptureError`].
pub fn open(spec: &SourceSpec) -> Result<Box<dyn FrameSource>, CaptureError> {
    match spec {
        #[cfg(feature = "camera")]
        SourceSpec::Camera(choice) => Ok(Box::new(webcam::WebcamSource::open(choice)?)),
        #[cfg(not(feature = "camera"))]
        SourceSpec::Camera(_) => Err(CaptureError::CameraNotBuilt),
        SourceSpec::Demo => Ok(Box::new(demo::DemoSource::open()?)),
        SourceSpec::Path(path) => file::open(path),
    }
}

/// All cameras, in the order of their device nodes, the usable and the hindered.
///
/// It neither starts a camera nor disturbs one that is in use; on Linux it takes some milliseconds. Empty in a build
/// without the feature `camera`.
pub fn cameras() -> Vec<CameraDevice> {
    #[cfg(feature = "camera")]
    {
        webcam::list()
    }
    #[cfg(not(feature = "camera"))]
    Vec::new()
}

/// Opens a source to read all of it: as [`open`], but the demo clip is a [`SourceKind::File`] that ends.
///
/// # Errors
/// As [`open`].
pub fn open_to_end(spec: &SourceSpec) -> Result<Box<dyn FrameSource>, CaptureError> {
    match spec {
        SourceSpec::Demo => demo::open_once(),
        _ => open(spec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_and_printing_a_source_are_inverse() {
        let camera = |camera: Option<&str>| {
            SourceSpec::Camera(CameraChoice {
                camera: camera.map(str::to_owned),
                ..CameraChoice::default()
            })
        };
        for (text, spec) in [
            ("camera", camera(None)),
            ("camera:2", camera(Some("2"))),
            ("camera:HD Webcam: front", camera(Some("HD Webcam: front"))),
            ("demo", SourceSpec::Demo),
            ("./demo", SourceSpec::Path("./demo".into())),
            ("clip.mp4", SourceSpec::Path("clip.mp4".into())),
        ] {
            assert_eq!(SourceSpec::parse(text), spec);
            assert_eq!(spec.to_string(), text);
        }
    }

    #[cfg(feature = "h264-bundled")]
    #[test]
    fn the_demo_is_live_or_has_an_end() {
        assert_eq!(
            open(&SourceSpec::Demo).unwrap().info().kind,
            SourceKind::Live
        );
        assert_eq!(
            open_to_end(&SourceSpec::Demo).unwrap().info().kind,
            SourceKind::File
        );
    }
}
