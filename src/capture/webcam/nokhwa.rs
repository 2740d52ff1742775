//! Cameras on Windows and macOS, through nokhwa: listing, opening in exactly one format, reading.
//!
//! nokhwa is used only for access to the drivers. Its choice of format, its decoders and its errors, which are plain text,
//! each fail in ways that a user would notice. So `camera_format` chooses, we decode, and the errors are explained here. A
//! read has no time limit: it blocks for good when a camera falls silent.
//!
//! nokhwa initializes COM and Media Foundation on the first thread that asks for cameras, and shuts both down when a camera
//! is closed, even while another thread is listing. `media_foundation` keeps them running for every thread.
//!
//! On Linux this is compiled for tests only, so that it keeps compiling.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::Mutex,
    time::{Duration, Instant},
};

use ::nokhwa::{
    NokhwaError,
    utils::{CameraFormat as NokhwaFormat, CameraIndex, CameraInfo},
};

use super::{
    camera::{
        Arrived, Camera, Hello, Listed, Opened, failed_to_open, faulty, find, listed, opened_info,
    },
    nokhwa_formats::{System, set_best},
};
use crate::{
    capture::{
        CameraChoice, CaptureError,
        devices::{CameraDevice, CameraId, CameraProblem},
    },
    panics::lock,
};

/// How long the first list of cameras waits for the user to answer macOS's question. Opening a camera is tried again, so a
/// later answer counts too.
const MAX_WAIT_FOR_PERMISSION: Duration = Duration::from_secs(30);

/// All cameras, in the system's order.
pub(super) fn list() -> Vec<Listed<CameraIndex>> {
    #[cfg(windows)]
    super::media_foundation::keep_running();
    let is_allowed = ask_for_permission();
    let infos = ::nokhwa::query(::nokhwa::utils::ApiBackend::Auto).unwrap_or_else(|err| {
        log::warn!("the cameras could not be listed: {err}");
        Vec::new()
    });
    let listed_info = |info: CameraInfo| Listed {
        device: CameraDevice {
            number: 0,
            name: info.human_name(),
            // The name that Windows and macOS give a device, which it keeps while it is plugged in there.
            id: CameraId {
                place: info.misc(),
                serial: None,
                name: info.human_name(),
            },
            formats: Vec::new(),
            problem: (!is_allowed).then_some(CameraProblem::NoPermission),
        },
        handle: info.index().clone(),
    };
    listed(infos.into_iter().map(listed_info))
}

/// All cameras, for telling them apart.
pub(super) fn present() -> BTreeSet<CameraId> {
    list().into_iter().map(|listed| listed.device.id).collect()
}

/// Whether this program may use cameras. macOS asks the user the first time; other systems do not ask.
fn ask_for_permission() -> bool {
    if ::nokhwa::nokhwa_check() {
        return true;
    }
    let (answer, answered) = crossbeam_channel::bounded(1);
    // Called at once if the user answered before.
    ::nokhwa::nokhwa_initialize(move |granted| {
        answer.try_send(granted).ok();
    });
    answered
        .recv_timeout(MAX_WAIT_FOR_PERMISSION)
        .unwrap_or(false)
}

/// Finds the camera that matches `choice`, opens it and starts it.
pub(super) fn open(choice: &CameraChoice) -> Result<Opened, CaptureError> {
    let list = list();
    let (Listed { device, handle }, name) = find(&list, choice)?;
    let claim = Claim::new(&name, handle)?;
    let mut camera = open_exactly(&name, handle, choice)?;
    camera
        .open_stream()
        .map_err(|err| explain(&name, &err.to_string()))?;
    // The rate may be another once it runs.
    let format = System::HERE.format(camera.camera_format());
    let format = format.ok_or_else(|| CameraProblem::Silent.of(&name))?;
    Ok(Opened {
        hello: Hello {
            info: opened_info(&name, format, format.rate, choice),
            id: device.id.clone(),
            pixel_format: format.pixel_format,
        },
        camera: Box::new(OpenCamera {
            camera,
            name,
            _claim: claim,
        }),
    })
}

/// Opens the camera in the best format for `choice`; only an open camera lists its formats.
fn open_exactly(
    name: &str,
    index: &CameraIndex,
    choice: &CameraChoice,
) -> Result<::nokhwa::Camera, CaptureError> {
    let failed = |err: NokhwaError| explain(name, &err.to_string());
    let mut camera =
        ::nokhwa::Camera::new(index.clone(), System::HERE.any_format()).map_err(failed)?;
    let formats = System::HERE.usable(&offered(&mut camera, index).map_err(failed)?);
    let set = |format| {
        let request = System::HERE.exactly(format);
        camera.set_camera_requset(request).map(drop)
    };
    let another_format_is_no_help = |err: &NokhwaError| is_known(&err.to_string());
    match set_best(formats, choice, set, another_format_is_no_help) {
        Some(result) => result.map_err(failed)?,
        None => return Err(CameraProblem::Silent.of(name)),
    };
    Ok(camera)
}

/// The formats of a camera. nokhwa's own list of all has only two kinds of pixels.
#[cfg(not(target_os = "macos"))]
fn offered(
    camera: &mut ::nokhwa::Camera,
    _: &CameraIndex,
) -> Result<Vec<NokhwaFormat>, NokhwaError> {
    let mut offered = Vec::new();
    for &(_, frame_format) in System::HERE.formats() {
        for (resolution, rates) in camera.compatible_list_by_resolution(frame_format)? {
            let format = |rate| NokhwaFormat::new(resolution, frame_format, rate);
            offered.extend(rates.into_iter().map(format));
        }
    }
    Ok(offered)
}

/// The formats of a camera, in its own order. nokhwa's own list of all has each size under the kinds of pixels that it does
/// not have, so it is empty if there is one kind.
#[cfg(target_os = "macos")]
fn offered(
    _: &mut ::nokhwa::Camera,
    index: &CameraIndex,
) -> Result<Vec<NokhwaFormat>, NokhwaError> {
    nokhwa_bindings_macos::AVCaptureDevice::new(index)?.supported_formats()
}

struct OpenCamera {
    camera: ::nokhwa::Camera, // Closed before the claim is released: fields are dropped in this order.
    name: String,
    _claim: Claim,
}

impl Camera for OpenCamera {
    fn read(&mut self, data: &mut Vec<u8>) -> Result<Option<Arrived>, CaptureError> {
        let raw: Cow<'_, [u8]> = self
            .camera
            .frame_raw()
            .map_err(|err| faulty(explain(&self.name, &err.to_string())))?;
        data.clear();
        data.extend_from_slice(&raw);
        // nokhwa reports neither when the frame was captured nor whether the driver found it damaged.
        Ok(Some(Arrived {
            captured_at: Instant::now(),
            is_marked_damaged: false,
        }))
    }
}

/// The cameras that a thread of this program has open.
static CLAIMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The exclusive right to one camera. nokhwa would return a second handle to an open device, even to one whose read is
/// blocked for good, and the errors after that say nothing.
struct Claim {
    key: String,
}

impl Claim {
    fn new(name: &str, index: &CameraIndex) -> Result<Self, CaptureError> {
        let key = index.to_string();
        if lock(&CLAIMED).insert(key.clone()) {
            Ok(Self { key })
        } else {
            let reason =
                "an earlier read of it is blocked in its driver; unplug it and plug it in again";
            Err(failed_to_open(name, reason.to_owned()))
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&CLAIMED).remove(&self.key);
    }
}

/// Makes the error about the camera of this name.
type ErrorOf = fn(&str) -> CaptureError;

/// What Media Foundation's error codes mean, from `mferror.h` and `winerror.h`. The sentences beside them are in the
/// system's language.
const CODES: [(&str, ErrorOf); 8] = [
    ("0xC00D3EA2", disconnected),  // MF_E_VIDEO_RECORDING_DEVICE_INVALIDATED
    ("0x80070037", disconnected),  // ERROR_DEV_NOT_EXIST
    ("0x8007048F", disconnected),  // ERROR_DEVICE_NOT_CONNECTED
    ("0x80070651", disconnected),  // ERROR_DEVICE_REMOVED
    ("0xC00D3EA3", busy),          // MF_E_VIDEO_RECORDING_DEVICE_PREEMPTED
    ("0xC00D3704", busy),          // MF_E_HW_MFT_FAILED_START_STREAMING
    ("0x80070020", busy),          // ERROR_SHARING_VIOLATION
    ("0x80070005", no_permission), // E_ACCESSDENIED
];

fn disconnected(name: &str) -> CaptureError {
    CaptureError::Disconnected {
        name: name.to_owned(),
    }
}

fn busy(name: &str) -> CaptureError {
    CameraProblem::Busy.of(name)
}

fn no_permission(name: &str) -> CaptureError {
    CameraProblem::NoPermission.of(name)
}

/// Whether the text has a code that we know.
fn is_known(text: &str) -> bool {
    CODES.iter().any(|(code, _)| text.contains(code))
}

/// Converts a driver's error text into our error.
fn explain(name: &str, text: &str) -> CaptureError {
    let is_in_text = |(code, _): &&(&str, _)| text.contains(code);
    if let Some((_, error)) = CODES.iter().find(is_in_text) {
        return error(name);
    }
    if text.contains("Failed to Fufill") {
        return CameraProblem::Silent.of(name);
    }
    // One such format in a Mac's list, and nokhwa opens the camera in none.
    if let Some((_, code)) = text.split_once("Unknown FourCharCode ")
        && let Ok(code) = code.trim().parse::<u32>()
    {
        let pixel_format = code.to_be_bytes().escape_ascii().to_string();
        let reason = format!("it offers frames in {pixel_format}, which fervis cannot read");
        return failed_to_open(name, reason);
    }
    failed_to_open(name, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as nokhwa 0.10.11 gives them.
    #[test]
    fn driver_texts_become_words() {
        for (text, words) in [
            (
                "Could not capture frame: Video-Aufnahmegerät fehlt. (0xC00D3EA2)",
                "camera “C” was disconnected",
            ),
            (
                "Could not open device stream: Hardware MFT failed to start streaming. (0xC00D3704)",
                "camera “C” could not be opened: another program is using it; close that program",
            ),
            (
                "Could not get device property CameraFormat: Failed to Fufill",
                "camera “C” could not be opened: it offers no video; start the program or device that feeds it",
            ),
            (
                "Could not generate required structure FourCharCode: Unknown FourCharCode 1111970369",
                "camera “C” could not be opened: it offers frames in BGRA, which fervis cannot read",
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
    }

    #[test]
    fn a_camera_is_opened_once_at_a_time() {
        let index = CameraIndex::Index(4_000_000_000); // No real device.
        let claim = Claim::new("C", &index).unwrap();
        assert!(Claim::new("C", &index).is_err());
        drop(claim);
        assert!(Claim::new("C", &index).is_ok());
    }

    #[test]
    fn a_camera_that_is_not_there_is_not_opened() {
        let choice = CameraChoice {
            camera: Some("no camera has this name".to_owned()),
            ..CameraChoice::default()
        };
        let result = open(&choice).map(|opened| opened.hello.info);
        assert!(
            matches!(result, Err(CaptureError::NoSuchCamera { .. })),
            "{result:?}"
        );
        assert!(present().iter().all(|id| !id.name.contains("no camera")));
    }
}
