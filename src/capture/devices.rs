//! The cameras of this machine, for `fervis devices`, the Source menu and the choice of one to open.
//!
//! One webcam is several device nodes, some of which carry no pictures and come first in the system's list, so this
//! is a filtered list with numbers of its own. Numbers and nodes change when a camera is unplugged and comes back;
//! names do not, and are what a camera is remembered by.

use std::fmt;

use super::{CaptureError, camera_format::CameraFormat};

/// A camera as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraDevice {
    /// Place in the list, from 0: valid until the next camera is plugged in or out.
    pub number: usize,
    /// The camera's own name; a second camera of the same name gets “ (2)”.
    pub name: String,
    /// Formats that can be used, sorted and without doubles. Where the system tells them only of an open camera
    /// (macOS, Windows) the list is empty.
    pub formats: Vec<CameraFormat>,
    /// Why it cannot be used at the moment, or ever.
    pub problem: Option<CameraProblem>,
}

/// Why a listed camera cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CameraProblem {
    /// The user may not read the device.
    NoPermission,
    /// Its driver lets in one program at a time, and another one was first.
    Busy,
    /// It sends pictures in none of the formats that can be decoded.
    UnknownFormats {
        /// Four-character names of what it does send.
        formats: Vec<String>,
    },
    /// It offers no picture: a virtual camera whose source is off.
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
                    write!(f, "it is an infrared or depth camera ({names}); choose one that sends colour pictures")
                } else {
                    write!(f, "it sends only {names}; MJPG, YUYV, NV12, RGB3 and BGR3 can be decoded")
                }
            }
            Self::Silent => f.write_str("it offers no picture; start the program or device that feeds it"),
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

/// The place in `devices` of the camera that `wanted` names; without a wish, of the first usable one.
///
/// A wish is a full name, a number of the list, or a part of a name in any case, tried in that order.
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
    devices
        .iter()
        .position(|device| device.name == wanted)
        .or_else(|| number.filter(|number| *number < devices.len()))
        .or_else(|| {
            devices
                .iter()
                .position(|device| !lower.is_empty() && device.name.to_lowercase().contains(&lower))
        })
        .ok_or_else(|| match (devices, number) {
            ([], Some(_)) => CaptureError::NoCamera,
            ([], None) => CaptureError::NoSuchCamera {
                wanted: wanted.to_owned(),
                found: "none".to_owned(),
            },
            _ => CaptureError::NoSuchCamera {
                wanted: wanted.to_owned(),
                found: devices
                    .iter()
                    .map(|device| format!("{} “{}”", device.number, device.name))
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        })
}

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
mod tests {
    use super::*;

    fn device(number: usize, name: &str, problem: Option<CameraProblem>) -> CameraDevice {
        CameraDevice {
            number,
            name: name.to_owned(),
            formats: Vec::new(),
            problem,
        }
    }

    fn infrared() -> CameraProblem {
        CameraProblem::UnknownFormats {
            formats: vec!["GREY".to_owned(), "Y16 ".to_owned()],
        }
    }

    #[test]
    fn cameras_are_found_by_name_number_and_part_of_a_name() {
        let devices = [
            device(0, "Laptop IR", Some(infrared())),
            device(1, "Laptop", None),
            device(2, "Logi C920", None),
            device(3, "1", None),
        ];
        for (wanted, place) in [
            (None, 1),
            (Some("Laptop"), 1),
            (Some("2"), 2),
            (Some("logi"), 2),
            (Some(" Logi C920 "), 2),
            // A camera may be called “1”; a full name comes before a number.
            (Some("1"), 3),
        ] {
            assert_eq!(find(&devices, wanted).unwrap(), place, "{wanted:?}");
        }
    }

    #[test]
    fn a_missing_camera_is_told_in_words() {
        let check =
            |devices: &[CameraDevice], wanted: Option<&str>, words: &str, transient: bool| {
                let err = find(devices, wanted).unwrap_err();
                assert_eq!(err.to_string(), words);
                assert_eq!(err.is_transient(), transient);
            };
        check(&[], None, "no camera found", true);
        check(&[], Some("0"), "no camera found", true);
        check(
            &[],
            Some("C920"),
            "camera “C920” is not connected (found: none)",
            true,
        );
        let devices = [device(0, "IR", Some(infrared()))];
        check(
            &devices,
            Some("7"),
            "camera “7” is not connected (found: 0 “IR”)",
            true,
        );
        check(
            &devices,
            Some(""),
            "camera “” is not connected (found: 0 “IR”)",
            true,
        );
        check(
            &devices,
            None,
            "camera “IR” could not be opened: it is an infrared or depth camera (GREY, Y16 ); choose one that sends colour pictures",
            false,
        );
        let devices = [device(
            0,
            "H",
            Some(CameraProblem::UnknownFormats {
                formats: vec!["H264".to_owned()],
            }),
        )];
        check(
            &devices,
            None,
            "camera “H” could not be opened: it sends only H264; MJPG, YUYV, NV12, RGB3 and BGR3 can be decoded",
            false,
        );
        let devices = [device(0, "A", Some(CameraProblem::NoPermission))];
        assert!(
            find(&devices, None)
                .unwrap_err()
                .to_string()
                .contains("usermod")
        );
    }

    #[test]
    fn twins_get_numbers() {
        assert_eq!(unique_name("Cam", &[]), "Cam");
        assert_eq!(unique_name("Cam", &["Cam"]), "Cam (2)");
        assert_eq!(unique_name("Cam", &["Cam", "Other", "Cam (2)"]), "Cam (3)");
    }
}
