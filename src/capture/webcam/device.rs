//! The camera itself, through nokhwa: listing, opening in exactly one format, reading.
//!
//! nokhwa is used for its drivers' access alone. Its choice of format, its decoders and its errors, which are plain
//! text, each fail in ways that a user would notice, so the choice is made in `camera_format`, decoding is ours, and
//! the texts are turned into words here.

use std::{borrow::Cow, collections::BTreeSet, sync::Mutex};

use ::nokhwa::{
    NokhwaError,
    utils::{
        CameraFormat as NokhwaFormat, CameraIndex, FrameFormat, RequestedFormat,
        RequestedFormatType, Resolution as NokhwaResolution,
    },
};

use super::{Camera, Opened};
use crate::capture::{
    CameraChoice, CaptureError, SourceInfo, SourceKind,
    camera_format::{CameraFormat, PixelFormat, choose_format},
    devices::{self, CameraDevice, CameraProblem},
};

/// All that we can decode, for requests that must name a set.
const FRAME_FORMATS: [FrameFormat; 5] = [
    FrameFormat::MJPEG,
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
];

/// A camera of the list with nokhwa's handle for it.
pub(in crate::capture) struct Listed {
    pub(in crate::capture) device: CameraDevice,
    index: CameraIndex,
}

/// The cameras that [`devices::list`] shows.
#[cfg(target_os = "linux")]
pub(in crate::capture) fn list() -> Vec<Listed> {
    let mut list: Vec<Listed> = Vec::new();
    for node in super::v4l2::nodes() {
        let earlier: Vec<&str> = list
            .iter()
            .map(|listed| listed.device.name.as_str())
            .collect();
        let name = devices::unique_name(&node.name, &earlier);
        list.push(Listed {
            device: CameraDevice {
                number: list.len(),
                name,
                formats: node.formats,
                problem: node.problem,
            },
            index: CameraIndex::Index(node.number),
        });
    }
    list
}

/// The cameras that [`devices::list`] shows.
#[cfg(not(target_os = "linux"))]
pub(in crate::capture) fn list() -> Vec<Listed> {
    ask_for_permission();
    let infos = ::nokhwa::query(::nokhwa::utils::ApiBackend::Auto).unwrap_or_else(|err| {
        log::warn!("the cameras could not be listed: {err}");
        Vec::new()
    });
    let mut list: Vec<Listed> = Vec::new();
    for info in infos {
        let earlier: Vec<&str> = list
            .iter()
            .map(|listed| listed.device.name.as_str())
            .collect();
        let name = devices::unique_name(&info.human_name(), &earlier);
        list.push(Listed {
            device: CameraDevice {
                number: list.len(),
                name,
                formats: Vec::new(),
                problem: None,
            },
            index: info.index().clone(),
        });
    }
    list
}

/// macOS shows the user a question the first time; nothing happens elsewhere.
#[cfg(not(target_os = "linux"))]
fn ask_for_permission() {
    if !::nokhwa::nokhwa_check() {
        ::nokhwa::nokhwa_initialize(|granted| {
            if !granted {
                log::warn!(
                    "the system does not let this program use cameras; allow it in the privacy settings"
                );
            }
        });
    }
}

/// Finds the camera that fits `choice`, opens it and starts it.
pub(super) fn open(choice: &CameraChoice) -> Result<Opened, CaptureError> {
    let list = list();
    let devices: Vec<CameraDevice> = list.iter().map(|listed| listed.device.clone()).collect();
    let Listed { device, index } = &list[devices::find(&devices, choice.camera.as_deref())?];
    let name = &device.name;
    let claim = Claim::new(name, index)?;
    let (mut camera, format) = open_exactly(device, index, choice)?;
    if let Some(wanted) = &choice.format
        && PixelFormat::from_fourcc(wanted) != Some(format.pixel_format)
    {
        log::warn!("camera “{name}” has no usable format {wanted}; {format} is used");
    }
    camera
        .open_stream()
        .map_err(|err| explain(name, &err.to_string()))?;
    log::info!("camera “{name}” opened: {format}");
    Ok(Opened {
        info: SourceInfo {
            name: name.clone(),
            kind: SourceKind::Live,
            resolution: format.resolution,
            rate_hz: Some(f64::from(format.rate_hz)),
            n_frames: None,
            duration: None,
            format: format.pixel_format.to_string(),
            mirror_by_default: true,
        },
        pixel_format: format.pixel_format,
        camera: Box::new(OpenCamera {
            camera,
            name: name.clone(),
            _claim: claim,
        }),
    })
}

/// Opens the camera in the best format for `choice`.
#[cfg(target_os = "linux")]
fn open_exactly(
    device: &CameraDevice,
    index: &CameraIndex,
    choice: &CameraChoice,
) -> Result<(::nokhwa::Camera, CameraFormat), CaptureError> {
    let format = choose_format(&device.formats, choice)
        .ok_or_else(|| unusable(&device.name, &CameraProblem::Silent))?;
    let failed = |err: NokhwaError| explain(&device.name, &err.to_string());
    let node = index.as_index().map_err(failed)?;
    // nokhwa reads the present settings before it makes its own, and gives up on a rate such as 7.5 Hz or on a format
    // it does not know, whoever left it there. So its own settings are made beforehand.
    super::v4l2::set_format(node, format).map_err(|err| explain(&device.name, &err.to_string()))?;
    let camera = ::nokhwa::Camera::new(index.clone(), exactly(format)).map_err(failed)?;
    Ok((camera, format))
}

/// Opens the camera in the best format for `choice`, which only the open camera can tell.
#[cfg(not(target_os = "linux"))]
fn open_exactly(
    device: &CameraDevice,
    index: &CameraIndex,
    choice: &CameraChoice,
) -> Result<(::nokhwa::Camera, CameraFormat), CaptureError> {
    let failed = |err: NokhwaError| explain(&device.name, &err.to_string());
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &FRAME_FORMATS);
    let mut camera = ::nokhwa::Camera::new(index.clone(), any).map_err(failed)?;
    let mut formats: Vec<CameraFormat> = camera
        .compatible_camera_formats()
        .map_err(failed)?
        .into_iter()
        .filter_map(from_nokhwa)
        .collect();
    formats.sort_unstable();
    formats.dedup();
    let format = choose_format(&formats, choice)
        .ok_or_else(|| unusable(&device.name, &CameraProblem::Silent))?;
    camera.set_camera_requset(exactly(format)).map_err(failed)?;
    Ok((camera, format))
}

/// The one kind of request that is not interpreted.
fn exactly(format: CameraFormat) -> RequestedFormat<'static> {
    let frame_format = match format.pixel_format {
        PixelFormat::Mjpg => FrameFormat::MJPEG,
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Rgb24 => FrameFormat::RAWRGB,
        PixelFormat::Bgr24 => FrameFormat::RAWBGR,
    };
    let resolution = NokhwaResolution::new(format.resolution.width_px, format.resolution.height_px);
    RequestedFormat::with_formats(
        RequestedFormatType::Exact(NokhwaFormat::new(resolution, frame_format, format.rate_hz)),
        &FRAME_FORMATS,
    )
}

#[cfg(not(target_os = "linux"))]
fn from_nokhwa(format: NokhwaFormat) -> Option<CameraFormat> {
    let pixel_format = match format.format() {
        FrameFormat::MJPEG => PixelFormat::Mjpg,
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::RAWRGB => PixelFormat::Rgb24,
        FrameFormat::RAWBGR => PixelFormat::Bgr24,
        FrameFormat::GRAY => return None,
    };
    Some(CameraFormat {
        resolution: crate::frame::Resolution::new(format.width(), format.height()),
        rate_hz: format.frame_rate(),
        pixel_format,
    })
}

struct OpenCamera {
    camera: ::nokhwa::Camera, // Closed before the claim is given up: fields are dropped in this order.
    name: String,
    _claim: Claim,
}

impl Camera for OpenCamera {
    fn read(&mut self, data: &mut Vec<u8>) -> Result<(), CaptureError> {
        let raw: Cow<'_, [u8]> =
            self.camera
                .frame_raw()
                .map_err(|err| match explain(&self.name, &err.to_string()) {
                    CaptureError::OpenCamera { name, reason, .. } => {
                        CaptureError::Faulty { name, reason }
                    }
                    other => other,
                })?;
        data.clear();
        data.extend_from_slice(&raw);
        Ok(())
    }
}

/// The cameras that a thread of this program holds.
static CLAIMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The right to one camera. nokhwa would hand out a second handle to the same open device, also to one whose read is
/// blocked for ever, and the failures after that are unintelligible.
struct Claim {
    key: String,
}

impl Claim {
    fn new(name: &str, index: &CameraIndex) -> Result<Self, CaptureError> {
        let key = index.to_string();
        if lock_claimed().insert(key.clone()) {
            Ok(Self { key })
        } else {
            Err(CaptureError::OpenCamera {
                name: name.to_owned(),
                reason:
                    "an earlier read of it is blocked in its driver; unplug it and plug it in again"
                        .to_owned(),
                transient: true,
            })
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock_claimed().remove(&self.key);
    }
}

fn lock_claimed() -> std::sync::MutexGuard<'static, BTreeSet<String>> {
    // The set is whole after every statement, so a panic elsewhere cannot have spoilt it.
    CLAIMED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn unusable(name: &str, problem: &CameraProblem) -> CaptureError {
    CaptureError::OpenCamera {
        name: name.to_owned(),
        reason: problem.to_string(),
        transient: problem.is_transient(),
    }
}

/// Turns a driver's error text into ours. The texts end in the system's error number, which tells the cause.
fn explain(name: &str, text: &str) -> CaptureError {
    let has_number = |number: u8| text.contains(&format!("(os error {number})"));
    if [2, 6, 19].into_iter().any(has_number) {
        return CaptureError::Disconnected {
            name: name.to_owned(),
        };
    }
    if cfg!(target_os = "linux") {
        if has_number(13) || has_number(1) {
            return unusable(name, &CameraProblem::NoPermission);
        }
        if has_number(16) {
            return unusable(name, &CameraProblem::Busy);
        }
    }
    let reason = if text.contains("not whole number") {
        "its driver holds it at a fractional frame rate; choose another format or rate".to_owned()
    } else if text.contains("Failed to Fufill") {
        CameraProblem::Silent.to_string()
    } else {
        text.to_owned()
    };
    CaptureError::OpenCamera {
        name: name.to_owned(),
        reason,
        transient: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as nokhwa 0.10.11 gives them on Linux.
    #[cfg(target_os = "linux")]
    #[test]
    fn driver_texts_become_words() {
        for (text, words) in [
            (
                "Could not capture frame: No such device (os error 19)",
                "camera “C” was disconnected",
            ),
            (
                "Could not open device 0: V4L2 Error: No such file or directory (os error 2)",
                "camera “C” was disconnected",
            ),
            (
                "Could not set device property Frame rate with value 30: Device or resource busy (os error 16)",
                "camera “C” could not be opened: another program is using it; close that program",
            ),
            (
                "Could not get device property V4L2 FrameRate: Framerate not whole number: 15 / 2",
                "camera “C” could not be opened: its driver holds it at a fractional frame rate; choose another format or rate",
            ),
            (
                "Something new",
                "camera “C” could not be opened: Something new",
            ),
        ] {
            let err = explain("C", text);
            assert_eq!(err.to_string(), words);
            assert!(err.is_transient(), "{words}");
        }
        let err = explain("C", "Permission denied (os error 13)");
        assert!(
            err.to_string()
                .contains("permission denied; join the group"),
            "{err}"
        );
    }

    #[test]
    fn a_camera_is_opened_once_at_a_time() {
        let index = CameraIndex::Index(4_000_000_000); // No real device.
        let claim = Claim::new("C", &index).unwrap();
        assert!(Claim::new("C", &index).is_err());
        drop(claim);
        assert!(Claim::new("C", &index).is_ok());
    }
}
