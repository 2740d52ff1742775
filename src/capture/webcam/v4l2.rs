//! The camera nodes of Linux and their formats, from the kernel directly.
//!
//! A webcam appears as several `/dev/video*` nodes; those that carry metadata or encode video for other programs are left
//! out. Nothing here starts a stream, so it works while another program is using the camera.

use std::{collections::BTreeSet, fs, io, path::Path};

use v4l::{
    Device, Format, FourCC, Fraction,
    capability::Flags,
    frameinterval::FrameIntervalEnum,
    framesize::FrameSizeEnum,
    video::{Capture, capture::Parameters},
};

use crate::{
    capture::{
        camera_format::{CameraFormat, PixelFormat},
        devices::{CameraId, CameraProblem},
        frame_rate::FrameRate,
    },
    frame::Resolution,
    panics,
};

/// Sizes offered for a camera that accepts any size within bounds.
const USUAL_SIZES: [Resolution; 8] = [
    Resolution::new(320, 240),
    Resolution::new(640, 360),
    Resolution::new(640, 480),
    Resolution::new(800, 600),
    Resolution::new(960, 540),
    Resolution::new(1280, 720),
    Resolution::new(1280, 960),
    Resolution::new(1920, 1080),
];

/// Rates offered for a camera that accepts any rate within bounds.
const USUAL_RATES: [FrameRate; 5] = [
    FrameRate::whole(60),
    FrameRate::whole(30),
    FrameRate::whole(25),
    FrameRate::whole(15),
    FrameRate::whole(10),
];

/// Offered for a camera that does not list its rates; it then uses its own.
const UNKNOWN_RATE: FrameRate = FrameRate::whole(30);

/// What the kernel says about each node without opening it.
const SYSFS: &str = "/sys/class/video4linux";

/// A camera's node.
pub(super) struct Node {
    /// The N of `/dev/videoN`.
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) id: CameraId,
    pub(super) formats: Vec<CameraFormat>,
    pub(super) problem: Option<CameraProblem>,
}

/// All nodes that are cameras, by number.
pub(super) fn nodes() -> Vec<Node> {
    let mut numbers: Vec<u32> = fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            name.to_str()?.strip_prefix("video")?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers
        .into_iter()
        .filter_map(|number| {
            // The bindings panic on a camera name that is not UTF-8.
            panics::catch(|| node(number)).unwrap_or_else(|| {
                log::warn!("/dev/video{number} is left out: its answers are invalid");
                None
            })
        })
        .collect()
}

/// The devices of all nodes, whether they are cameras or not.
pub(super) fn present() -> BTreeSet<CameraId> {
    let sysfs = Path::new(SYSFS);
    let nodes = fs::read_dir(sysfs).into_iter().flatten().flatten();
    nodes
        .filter_map(|entry| camera_id(sysfs, entry.file_name().to_str()?))
        .collect()
}

/// Which device a node such as `video0` belongs to.
///
/// The place is that of the USB interface, which tells the two cameras of one device apart; the kernel gives it the same
/// name each time something is plugged in there. A camera fed by a program has no device, so its node is its place.
fn camera_id(sysfs: &Path, node: &str) -> Option<CameraId> {
    let read = |path: &Path| Some(fs::read_to_string(path).ok()?.trim().to_owned());
    let node = sysfs.join(node);
    let interface = node.join("device").canonicalize();
    let interface = interface.or_else(|_| node.canonicalize()).ok()?;
    let usb_device = interface
        .ancestors()
        .find(|folder| folder.join("idVendor").exists());
    let serial = usb_device.and_then(|device| {
        let own = read(&device.join("serial")).filter(|serial| !serial.is_empty())?;
        let maker = read(&device.join("idVendor"))?;
        let model = read(&device.join("idProduct"))?;
        let interface = interface.file_name()?.to_string_lossy();
        let (_, number) = interface.split_once(':').unwrap_or_default();
        Some(format!("{maker}:{model}:{own}:{number}"))
    });
    Some(CameraId {
        place: interface.to_string_lossy().into_owned(),
        serial,
        name: read(&node.join("name"))?,
    })
}

/// The camera of a node; `None` if it is not a camera or is gone.
fn node(number: u32) -> Option<Node> {
    let id = camera_id(Path::new(SYSFS), &format!("video{number}")).unwrap_or_default();
    let device = match open(number) {
        Ok(device) => device,
        Err(err) => {
            let problem = match err.kind() {
                io::ErrorKind::PermissionDenied => CameraProblem::NoPermission,
                io::ErrorKind::ResourceBusy => CameraProblem::Busy,
                _ => return None,
            };
            // A node that cannot be opened does not tell its purpose; the one for video is the first of its device.
            return (from_sysfs(number, "index").as_deref() == Some("0")).then(|| Node {
                number,
                name: from_sysfs(number, "name").map_or_else(
                    || format!("/dev/video{number}"),
                    |name| plain_name(&name).to_owned(),
                ),
                id,
                formats: Vec::new(),
                problem: Some(problem),
            });
        }
    };
    let capabilities = device.query_caps().ok()?;
    if !capabilities
        .capabilities
        .contains(Flags::VIDEO_CAPTURE | Flags::STREAMING)
    {
        return None;
    }
    let offered = device.enum_formats().unwrap_or_default();
    let formats = usable_formats(
        &device,
        offered.iter().map(|description| description.fourcc),
    );
    let problem = formats.is_empty().then(|| {
        let mut names: Vec<String> = offered
            .iter()
            .map(|description| String::from_utf8_lossy(&description.fourcc.repr).into_owned())
            .collect();
        names.dedup();
        let all_unknown = names
            .iter()
            .all(|name| PixelFormat::from_fourcc(name).is_none());
        if !names.is_empty() && all_unknown {
            CameraProblem::UnknownFormats { formats: names }
        } else {
            CameraProblem::Silent
        }
    });
    Some(Node {
        number,
        name: match plain_name(&capabilities.card) {
            "" => format!("/dev/video{number}"),
            name => name.to_owned(),
        },
        id,
        formats,
        problem,
    })
}

/// A USB camera's name as people know it: the kernel repeats it, as in “HD Camera: HD Camera”, and may cut the second one.
fn plain_name(card: &str) -> &str {
    let card = card.trim();
    match card.split_once(": ") {
        Some((name, again)) if name.starts_with(again) => name,
        _ => card,
    }
}

/// Opens a node.
pub(super) fn open(number: u32) -> io::Result<Device> {
    Device::new(number as usize)
}

fn from_sysfs(number: u32, attribute: &str) -> Option<String> {
    let path = format!("{SYSFS}/video{number}/{attribute}");
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// The formats we can decode, sorted.
fn usable_formats(device: &Device, fourccs: impl Iterator<Item = FourCC>) -> Vec<CameraFormat> {
    let mut formats = Vec::new();
    for fourcc in fourccs {
        let Some(pixel_format) = fourcc.str().ok().and_then(PixelFormat::from_fourcc) else {
            continue;
        };
        for size in device.enum_framesizes(fourcc).unwrap_or_default() {
            for resolution in sizes(&size.size) {
                let intervals = device
                    .enum_frameintervals(fourcc, resolution.width_px, resolution.height_px)
                    .unwrap_or_default();
                let rates = if intervals.is_empty() {
                    vec![UNKNOWN_RATE]
                } else {
                    intervals
                        .iter()
                        .flat_map(|interval| rates_of(&interval.interval))
                        .collect()
                };
                formats.extend(rates.into_iter().map(|rate| CameraFormat {
                    resolution,
                    rate,
                    pixel_format,
                }));
            }
        }
    }
    formats.sort_unstable();
    formats.dedup();
    formats
}

fn sizes(size: &FrameSizeEnum) -> Vec<Resolution> {
    match size {
        FrameSizeEnum::Discrete(size) => vec![Resolution::new(size.width, size.height)],
        FrameSizeEnum::Stepwise(range) => {
            let fits = |value: u32, min: u32, max: u32, step: u32| {
                (min..=max).contains(&value) && (value - min).is_multiple_of(step.max(1))
            };
            USUAL_SIZES
                .into_iter()
                .filter(|size| {
                    fits(
                        size.width_px,
                        range.min_width,
                        range.max_width,
                        range.step_width,
                    ) && fits(
                        size.height_px,
                        range.min_height,
                        range.max_height,
                        range.step_height,
                    )
                })
                .collect()
        }
    }
}

/// The rates of an interval between frames, or of a range of them.
fn rates_of(interval: &FrameIntervalEnum) -> Vec<FrameRate> {
    match interval {
        FrameIntervalEnum::Discrete(interval) => rate_of(*interval).into_iter().collect(),
        FrameIntervalEnum::Stepwise(range) => {
            let (Some(fastest), Some(slowest)) = (rate_of(range.min), rate_of(range.max)) else {
                return Vec::new();
            };
            let mut rates: Vec<FrameRate> = USUAL_RATES
                .into_iter()
                .filter(|rate| (slowest..=fastest).contains(rate))
                .collect();
            if rates.is_empty() {
                rates.push(fastest);
            }
            rates
        }
    }
}

fn rate_of(interval: Fraction) -> Option<FrameRate> {
    FrameRate::new(interval.denominator, interval.numerator)
}

/// Sets size, pixel format and rate of a camera that nobody is using. Returns the rate that its driver chose.
///
/// # Errors
/// The kernel's error, or that the driver does not set a format that it offers.
pub(super) fn set_format(device: &Device, format: CameraFormat) -> io::Result<FrameRate> {
    let mut fourcc = [b' '; 4];
    fourcc.copy_from_slice(format.pixel_format.fourcc().as_bytes());
    let fourcc = FourCC::new(&fourcc);
    let wanted = format.resolution;
    let got = device.set_format(&Format::new(wanted.width_px, wanted.height_px, fourcc))?;
    if (got.width, got.height, got.fourcc.repr) != (wanted.width_px, wanted.height_px, fourcc.repr)
    {
        let got_size = Resolution::new(got.width, got.height);
        return Err(io::Error::other(format!(
            "{format} was requested, its driver set {got_size}, {}; choose another format",
            String::from_utf8_lossy(&got.fourcc.repr)
        )));
    }
    let interval = Fraction::new(format.rate.seconds(), format.rate.n_frames());
    match device.set_params(&Parameters::new(interval)) {
        Ok(chosen) => Ok(rate_of(chosen.interval).unwrap_or(format.rate)),
        Err(err) if err.kind() == io::ErrorKind::ResourceBusy => Err(err),
        // Drivers without a choice of rate refuse this.
        Err(err) => {
            log::debug!("the camera does not accept a frame rate: {err}");
            Ok(format.rate)
        }
    }
}

#[cfg(test)]
mod tests {
    use v4l::{frameinterval, framesize};

    use super::*;

    #[test]
    fn names_are_said_once() {
        for (card, name) in [
            ("Rig USB Camera: Rig USB Camera", "Rig USB Camera"),
            ("Integrated Camera: Integrated C", "Integrated Camera"),
            ("HD Webcam: Infrared", "HD Webcam: Infrared"),
            (" vivid ", "vivid"),
            ("", ""),
        ] {
            assert_eq!(plain_name(card), name);
        }
    }

    #[test]
    fn all_rates_are_offered_even_fractional_ones() {
        let rates = |interval| {
            let rates = rates_of(&interval);
            rates.iter().map(FrameRate::to_string).collect::<Vec<_>>()
        };
        let discrete = |numerator, denominator| {
            rates(FrameIntervalEnum::Discrete(Fraction::new(
                numerator,
                denominator,
            )))
        };
        assert_eq!(discrete(1, 30), ["30"]);
        assert_eq!(discrete(2, 15), ["7.5"]);
        assert_eq!(discrete(1001, 30000), ["29.97"]);
        assert!(discrete(0, 30).is_empty() && discrete(1, 0).is_empty());
        let range = |min, max| {
            rates(FrameIntervalEnum::Stepwise(frameinterval::Stepwise {
                min,
                max,
                step: Fraction::new(1, 1),
            }))
        };
        let range_of_rates = range(Fraction::new(1, 30), Fraction::new(1, 12));
        assert_eq!(range_of_rates, ["30", "25", "15"]);
        let slow = range(Fraction::new(2, 15), Fraction::new(1, 2));
        assert_eq!(slow, ["7.5"], "it contains no usual rate");
    }

    #[test]
    fn a_camera_is_recognized_by_its_place_and_its_serial_number() {
        let folder = tempfile::tempdir().unwrap();
        let sysfs = folder.path().join("class");
        let write = |path: std::path::PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let devices = folder.path().join("devices");
        let plug = |node: &str, device: &str, name: &str| {
            fs::create_dir_all(devices.join(device)).unwrap();
            write(sysfs.join(node).join("name"), name);
            std::os::unix::fs::symlink(devices.join(device), sysfs.join(node).join("device"))
                .unwrap();
            camera_id(&sysfs, node).unwrap()
        };
        write(devices.join("usb1/1-2/idVendor"), "046d\n");
        write(devices.join("usb1/1-2/idProduct"), "0825\n");
        write(devices.join("usb1/1-2/serial"), "A1\n");
        write(devices.join("usb1/1-3/idVendor"), "046d\n");
        let color = plug("video0", "usb1/1-2/1-2:1.0", "Cam: Cam\n");
        let infrared = plug("video2", "usb1/1-2/1-2:1.2", "Cam: IR\n");
        let nameless = plug("video4", "usb1/1-3/1-3:1.0", "Other\n");
        let fixed = plug("video6", "platform/vivid.0", "vivid-000-vid-cap\n");
        assert!(color.place.ends_with("usb1/1-2/1-2:1.0"), "{color:?}");
        assert_eq!(color.serial.as_deref(), Some("046d:0825:A1:1.0"));
        assert_eq!(color.name, "Cam: Cam");
        assert_eq!(infrared.serial.as_deref(), Some("046d:0825:A1:1.2"));
        assert_eq!((&nameless.serial, &fixed.serial), (&None, &None));
        write(sysfs.join("video8/name"), "Virtual\n");
        let fed = camera_id(&sysfs, "video8").unwrap();
        assert!(fed.place.ends_with("class/video8"), "{fed:?}");
        assert_eq!((fed.serial, fed.name.as_str()), (None, "Virtual"));
        assert_eq!(camera_id(&sysfs, "video9"), None);
    }

    #[test]
    fn a_camera_of_any_size_offers_the_usual_ones() {
        let range = |max_width, step| {
            sizes(&FrameSizeEnum::Stepwise(framesize::Stepwise {
                min_width: 16,
                max_width,
                step_width: step,
                min_height: 16,
                max_height: 720,
                step_height: 2,
            }))
        };
        assert_eq!(range(640, 2), USUAL_SIZES[..3]);
        assert!(range(1280, 2).contains(&Resolution::new(1280, 720)));
        assert!(range(640, 7).is_empty());
        assert!(range(640, 0).contains(&Resolution::new(640, 480)));
    }
}
