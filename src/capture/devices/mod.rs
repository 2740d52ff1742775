//! The cameras of this computer, for `fervis devices`, the Source menu and the choice of one to open.
//!
//! One webcam has several device nodes, some of which carry no video and come first in the system's list, so this is a
//! filtered list with its own numbers. Numbers and nodes change when a camera is unplugged and plugged in again, and two
//! cameras may have the same name: a [`CameraId`] tells them apart.

use std::{collections::BTreeSet, fmt};

use super::{CaptureError, camera_format::CameraFormat};

/// A camera as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraDevice {
    /// Position in the list, from 0: valid until a camera is plugged in or unplugged.
    pub number: usize,
    /// The camera's own name; a second camera with the same name gets “ (2)”.
    pub name: String,
    /// Identifies the camera.
    pub id: CameraId,
    /// Usable formats, sorted, without duplicates. Empty where the system lists formats only for an open camera (macOS,
    /// Windows).
    pub formats: Vec<CameraFormat>,
    /// Why it cannot be used at the moment, or ever.
    pub problem: Option<CameraProblem>,
}

/// Tells a camera from all others, even of the same model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CameraId {
    /// The system's name for where it is plugged in; empty if there is none.
    pub place: String,
    /// Vendor, product and serial number; `None` for the many cameras without one.
    pub serial: Option<String>,
    /// The system's name for it, which a second camera may share.
    pub name: String,
}

/// A camera that was open, for finding it again after it was unplugged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KnownCamera {
    /// The name it was opened with, which it keeps.
    pub name: String,
    /// Identifies the camera.
    pub id: CameraId,
    /// Cameras that were connected at the same time, or right after it was unplugged: whatever they look like, they are
    /// other cameras.
    pub others: BTreeSet<CameraId>,
}

impl KnownCamera {
    /// Whether `id` can be this camera: the name, the weakest criterion, must match.
    fn may_be(&self, id: &CameraId) -> bool {
        let is_other = self.others.contains(id) && *id != self.id;
        !is_other && id.name == self.id.name && id.serial == self.id.serial
    }
}

/// Why a listed camera cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CameraProblem {
    /// The user has no permission to read the device.
    NoPermission,
    /// Another program is using it, and its driver allows only one.
    Busy,
    /// It sends no format that can be decoded.
    UnknownFormats {
        /// Four-character names of the formats that it sends.
        formats: Vec<String>,
    },
    /// It offers no video: a virtual camera whose source is off.
    Silent,
}

impl CameraProblem {
    /// The error of opening the camera `name` that has it.
    pub(super) fn of(&self, name: &str) -> CaptureError {
        CaptureError::OpenCamera {
            name: name.to_owned(),
            reason: self.to_string(),
            transient: self.is_transient(),
        }
    }

    /// Whether the problem may resolve by itself. Missing permission counts, since the system grants it a moment after a
    /// camera is plugged in.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::UnknownFormats { .. })
    }
}

/// How people let a program use cameras.
#[cfg(windows)]
const HOW_TO_PERMIT: &str =
    "let desktop apps use the camera under Settings → Privacy & security → Camera";
#[cfg(target_os = "macos")]
const HOW_TO_PERMIT: &str = "allow fervis, or the terminal it was started from, under System Settings → Privacy & Security → Camera";
#[cfg(not(any(windows, target_os = "macos")))]
const HOW_TO_PERMIT: &str =
    "join the group that may use cameras with “sudo usermod -aG video $USER” and log in again";

impl fmt::Display for CameraProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPermission => write!(f, "permission denied; {HOW_TO_PERMIT}"),
            Self::Busy => f.write_str("another program is using it; close that program"),
            Self::UnknownFormats { formats } => {
                let names = formats.join(", ");
                if formats.iter().all(|name| is_gray_or_depth(name)) {
                    write!(
                        f,
                        "it is an infrared or depth camera ({names}); choose one that sends color"
                    )
                } else {
                    write!(
                        f,
                        "it sends only {names}; MJPG, YUYV, NV12, RGB3 and BGR3 can be decoded"
                    )
                }
            }
            Self::Silent => {
                f.write_str("it offers no video; start the program or device that feeds it")
            }
        }
    }
}

/// V4L2's names of gray and depth formats, as face-unlock cameras send them: `GREY`, `Y10 `, `Y16 `, `Z16 `, `INZI`, ….
fn is_gray_or_depth(fourcc: &str) -> bool {
    let fourcc = fourcc.trim();
    let is_luma = fourcc.starts_with('Y')
        && fourcc.len() > 1
        && fourcc[1..].chars().all(|c| c.is_ascii_digit() || c == 'P');
    is_luma || fourcc.starts_with("GR") || fourcc.starts_with('Z') || fourcc.starts_with("IN")
}

/// The index in `devices` of the camera that `wanted` names, or of the first usable one without a request.
///
/// `wanted` is a full name, a number of the list, or a part of a name in any case. A number is not searched for in names:
/// whoever asks for camera 2 of two does not mean the C920.
///
/// # Errors
/// [`CaptureError::NoCamera`] or [`CaptureError::NoSuchCamera`] if there is none, [`CaptureError::OpenCamera`] if it
/// has a [`CameraProblem`].
pub fn find(devices: &[CameraDevice], wanted: Option<&str>) -> Result<usize, CaptureError> {
    let place = match wanted {
        None => devices
            .iter()
            .position(|device| device.problem.is_none())
            .or((!devices.is_empty()).then_some(0))
            .ok_or(CaptureError::NoCamera)?,
        Some(wanted) => place_of(devices, wanted)?,
    };
    usable(devices, place)
}

/// The index in `devices` of the same camera that was open before: the one with its name in the same socket, or else with
/// its serial number, or else with its name, if there is only one such.
///
/// # Errors
/// [`CaptureError::NoSuchCamera`] with the cameras that are connected instead, or [`CaptureError::OpenCamera`] if it has a
/// [`CameraProblem`].
pub fn find_again(devices: &[CameraDevice], known: &KnownCamera) -> Result<usize, CaptureError> {
    let only = |is_it: &dyn Fn(&CameraId) -> bool| {
        let mut places = (0..devices.len()).filter(|place| {
            let id = &devices[*place].id;
            known.may_be(id) && is_it(id)
        });
        places.next().filter(|_| places.next().is_none())
    };
    let place = only(&|id| !id.place.is_empty() && id.place == known.id.place)
        .or_else(|| only(&|id| id.serial.is_some()))
        .or_else(|| only(&|_| true));
    match place {
        Some(place) => usable(devices, place),
        None => Err(CaptureError::NoSuchCamera {
            wanted: known.name.clone(),
            found: found(devices, Some(&known.name)),
        }),
    }
}

/// `place`, if the camera there is usable.
fn usable(devices: &[CameraDevice], place: usize) -> Result<usize, CaptureError> {
    let device = &devices[place];
    match &device.problem {
        None => Ok(place),
        Some(problem) => Err(problem.of(&device.name)),
    }
}

fn place_of(devices: &[CameraDevice], wanted: &str) -> Result<usize, CaptureError> {
    let wanted = wanted.trim();
    let number: Option<usize> = wanted.parse().ok();
    let lower = wanted.to_lowercase();
    let by_part = || {
        let contains = |device: &CameraDevice| device.name.to_lowercase().contains(&lower);
        devices.iter().position(contains)
    };
    devices
        .iter()
        .position(|device| device.name == wanted)
        .or_else(|| match number {
            Some(number) => (number < devices.len()).then_some(number),
            None if lower.is_empty() => None,
            None => by_part(),
        })
        .ok_or_else(|| match (devices, number) {
            ([], Some(_)) => CaptureError::NoCamera,
            _ => CaptureError::NoSuchCamera {
                wanted: wanted.to_owned(),
                found: found(devices, None),
            },
        })
}

/// The connected cameras, for a message. One with the name `missed` is said to be another one.
fn found(devices: &[CameraDevice], missed: Option<&str>) -> String {
    if devices.is_empty() {
        return NONE.to_owned();
    }
    let entry = |device: &CameraDevice| {
        let CameraDevice { number, name, .. } = device;
        if Some(name.as_str()) == missed {
            format!("{number} “{name}”, which is another one")
        } else {
            format!("{number} “{name}”")
        }
    };
    devices.iter().map(entry).collect::<Vec<_>>().join(", ")
}

/// What [`CaptureError::NoSuchCamera`] says was found where there is no camera at all.
pub(crate) const NONE: &str = "none";

/// Makes names unique by “ (2)”, “ (3)”, … in list order.
#[cfg(any(test, feature = "camera"))]
pub(super) fn unique_name(name: &str, earlier: &[&str]) -> String {
    let mut unique = name.to_owned();
    let mut n_same = 1;
    while earlier.contains(&unique.as_str()) {
        n_same += 1;
        unique = format!("{name} ({n_same})");
    }
    unique
}

#[cfg(test)]
mod tests;
