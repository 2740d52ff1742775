//! The cameras of this machine, for `fervis devices`, the Source menu and the choice of one to open.
//!
//! One webcam is several device nodes, some of which carry no video and come first in the system's list, so this
//! is a filtered list with numbers of its own. Numbers and nodes change when a camera is unplugged and comes back, and
//! two cameras may have the same name: a [`CameraId`] is what one is recognized by.

use std::{collections::BTreeSet, fmt};

use super::{CaptureError, camera_format::CameraFormat};

/// A camera as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraDevice {
    /// Place in the list, from 0: valid until the next camera is plugged in or out.
    pub number: usize,
    /// The camera's own name; a second camera of the same name gets “ (2)”.
    pub name: String,
    /// Which of all cameras it is.
    pub id: CameraId,
    /// Formats that can be used, sorted and without doubles. Where the system tells them only of an open camera
    /// (macOS, Windows) the list is empty.
    pub formats: Vec<CameraFormat>,
    /// Why it cannot be used at the moment, or ever.
    pub problem: Option<CameraProblem>,
}

/// What tells a camera from all others, also from those of the same make.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CameraId {
    /// Where it is plugged in, as the system names the place; empty if it does not.
    pub place: String,
    /// Its maker's, model's and own number; `None` for the many cameras that have none.
    pub serial: Option<String>,
    /// Its name as the system tells it, which a second one may share.
    pub name: String,
}

/// A camera that was open, to find it again after it was unplugged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KnownCamera {
    /// The name it was opened under, which it keeps.
    pub name: String,
    /// Which one it is.
    pub id: CameraId,
    /// Cameras that were there at the same time, or right after it had gone: whatever they look like, they are others.
    pub others: BTreeSet<CameraId>,
}

impl KnownCamera {
    /// Whether `id` can be this camera, by the weakest sign that counts here, the name.
    fn may_be(&self, id: &CameraId) -> bool {
        let is_other = self.others.contains(id) && *id != self.id;
        !is_other && id.name == self.id.name && id.serial == self.id.serial
    }
}

/// Why a listed camera cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CameraProblem {
    /// The user may not read the device.
    NoPermission,
    /// Its driver lets in one program at a time, and another one was first.
    Busy,
    /// It sends none of the formats that can be decoded.
    UnknownFormats {
        /// Four-character names of what it does send.
        formats: Vec<String>,
    },
    /// It offers no video: a virtual camera whose source is off.
    Silent,
}

impl CameraProblem {
    /// Whether it may go away by itself. Permission counts as such, since the system grants it some moments after a
    /// camera is plugged in.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::UnknownFormats { .. })
    }
}

impl fmt::Display for CameraProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPermission => f.write_str(
                "permission denied; join the group that may use cameras with “sudo usermod -aG video $USER” and log in again",
            ),
            Self::Busy => f.write_str("another program is using it; close that program"),
            Self::UnknownFormats { formats } => {
                let names = formats.join(", ");
                if formats.iter().all(|name| is_grey_or_depth(name)) {
                    write!(f, "it is an infrared or depth camera ({names}); choose one that sends color")
                } else {
                    write!(f, "it sends only {names}; MJPG, YUYV, NV12, RGB3 and BGR3 can be decoded")
                }
            }
            Self::Silent => f.write_str("it offers no video; start the program or device that feeds it"),
        }
    }
}

/// V4L2's names of grey and depth formats, as face-unlock cameras send them: `GREY`, `Y10 `, `Y16 `, `Z16 `, `INZI`, ….
fn is_grey_or_depth(fourcc: &str) -> bool {
    let fourcc = fourcc.trim();
    let is_luma = fourcc.starts_with('Y')
        && fourcc.len() > 1
        && fourcc[1..].chars().all(|c| c.is_ascii_digit() || c == 'P');
    is_luma || fourcc.starts_with("GR") || fourcc.starts_with('Z') || fourcc.starts_with("IN")
}

/// All cameras, in the order of their device nodes, the usable and the hindered.
///
/// It neither starts a camera nor disturbs one that is in use; on Linux it takes some milliseconds. Empty in a build
/// without the feature `camera`.
pub fn list() -> Vec<CameraDevice> {
    #[cfg(feature = "camera")]
    {
        super::webcam::list()
            .into_iter()
            .map(|listed| listed.device)
            .collect()
    }
    #[cfg(not(feature = "camera"))]
    Vec::new()
}

/// The place in `devices` of the camera that `wanted` names; of the first usable one if nothing is asked for.
///
/// `wanted` is a full name, a number of the list, or a part of a name in any case. A number is not looked for in names:
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

/// The place in `devices` of the very camera that was open before: the one of its name at its place, or else with its
/// serial number, or else with its name, if there is only one such.
///
/// # Errors
/// [`CaptureError::NoSuchCamera`] with what is there instead, or [`CaptureError::OpenCamera`] if it has a
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

/// `place`, if the camera there can be used.
fn usable(devices: &[CameraDevice], place: usize) -> Result<usize, CaptureError> {
    let device = &devices[place];
    match &device.problem {
        None => Ok(place),
        Some(problem) => Err(CaptureError::OpenCamera {
            name: device.name.clone(),
            reason: problem.to_string(),
            transient: problem.is_transient(),
        }),
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

/// What there is, for a message. One of the name `missed` is said to be another.
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
