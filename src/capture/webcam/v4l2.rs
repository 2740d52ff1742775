//! Linux's camera nodes and their formats, asked of the kernel directly.
//!
//! A webcam appears as several `/dev/video*` nodes; those that carry metadata or encode video for other programs are
//! left out here. Everything is asked without starting a stream, which the kernel allows while another program has
//! the camera in use.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use v4l::{
    Device, Format, FourCC,
    capability::Flags,
    frameinterval::FrameIntervalEnum,
    framesize::FrameSizeEnum,
    video::{Capture, capture::Parameters},
};

use crate::{
    capture::{
        camera_format::{CameraFormat, PixelFormat},
        devices::CameraProblem,
    },
    frame::Resolution,
};

/// Sizes that are offered of a camera that takes any within bounds.
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

/// Rates that are offered of a camera that takes any within bounds.
const USUAL_RATES_HZ: [u32; 5] = [60, 30, 25, 15, 10];

/// Offered for a camera that does not tell its rates; it then takes its own.
const UNTOLD_RATE_HZ: u32 = 30;

/// A camera's node.
pub(super) struct Node {
    /// The N of `/dev/videoN`.
    pub(super) number: u32,
    pub(super) name: String,
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
            catch_unwind(AssertUnwindSafe(|| node(number))).unwrap_or_else(|_| {
                log::warn!("/dev/video{number} is left out: it gave an answer that makes no sense");
                None
            })
        })
        .collect()
}

/// What a node is, or `None` if it is no camera or has gone.
fn node(number: u32) -> Option<Node> {
    let device = match open(number) {
        Ok(device) => device,
        Err(err) => {
            let problem = match err.kind() {
                io::ErrorKind::PermissionDenied => CameraProblem::NoPermission,
                io::ErrorKind::ResourceBusy => CameraProblem::Busy,
                _ => return None,
            };
            // Unasked, the node cannot say what it is for; the pictures' node is the first of its device.
            return (from_sysfs(number, "index").as_deref() == Some("0")).then(|| Node {
                number,
                name: from_sysfs(number, "name").map_or_else(
                    || format!("/dev/video{number}"),
                    |name| plain_name(&name).to_owned(),
                ),
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
        formats,
        problem,
    })
}

/// A USB camera's name as people know it: the kernel says it twice, as “HD Camera: HD Camera”, and may cut the second.
fn plain_name(card: &str) -> &str {
    let card = card.trim();
    match card.split_once(": ") {
        Some((name, again)) if name.starts_with(again) => name,
        _ => card,
    }
}

fn open(number: u32) -> io::Result<Device> {
    Device::new(number as usize)
}

fn from_sysfs(number: u32, attribute: &str) -> Option<String> {
    let path = format!("/sys/class/video4linux/video{number}/{attribute}");
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// The formats we can decode, at sizes and rates that nokhwa can be asked for, sorted.
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
                    vec![UNTOLD_RATE_HZ]
                } else {
                    intervals
                        .iter()
                        .flat_map(|interval| whole_rates(&interval.interval))
                        .collect()
                };
                formats.extend(rates.into_iter().map(|rate_hz| CameraFormat {
                    resolution,
                    rate_hz,
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

/// Whole numbers of frames per second; nokhwa refuses all others, such as 7.5 and 29.97.
fn whole_rates(interval: &FrameIntervalEnum) -> Vec<u32> {
    match interval {
        FrameIntervalEnum::Discrete(interval) if interval.numerator == 1 => {
            vec![interval.denominator]
        }
        FrameIntervalEnum::Discrete(_) => Vec::new(),
        FrameIntervalEnum::Stepwise(range) => {
            let is_within = |rate_hz: u32| {
                // 1 / rate between numerator / denominator of both ends, multiplied out.
                let rate = u64::from(rate_hz);
                u64::from(range.min.numerator) * rate <= u64::from(range.min.denominator)
                    && u64::from(range.max.numerator) * rate >= u64::from(range.max.denominator)
            };
            USUAL_RATES_HZ
                .into_iter()
                .filter(|rate| is_within(*rate))
                .collect()
        }
    }
}

/// Sets size, pixel format and rate of a camera that nobody is using.
///
/// The driver may choose others; the caller finds out when it opens the camera.
pub(super) fn set_format(number: u32, format: CameraFormat) -> io::Result<()> {
    let device = open(number)?;
    let mut fourcc = [b' '; 4];
    fourcc.copy_from_slice(format.pixel_format.fourcc().as_bytes());
    device.set_format(&Format::new(
        format.resolution.width_px,
        format.resolution.height_px,
        FourCC::new(&fourcc),
    ))?;
    match device.set_params(&Parameters::with_fps(format.rate_hz)) {
        // Drivers without a choice of rate refuse this; nokhwa will tell if it matters.
        Err(err) if err.kind() != io::ErrorKind::ResourceBusy => {
            log::debug!("/dev/video{number} does not take a frame rate: {err}");
            Ok(())
        }
        result => result.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use v4l::{Fraction, frameinterval, framesize};

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
    fn only_whole_rates_are_offered() {
        let discrete = |numerator, denominator| {
            whole_rates(&FrameIntervalEnum::Discrete(Fraction::new(
                numerator,
                denominator,
            )))
        };
        assert_eq!(discrete(1, 30), [30]);
        assert!(discrete(2, 15).is_empty(), "7.5 Hz");
        assert!(discrete(1001, 30000).is_empty(), "29.97 Hz");
        let range = FrameIntervalEnum::Stepwise(frameinterval::Stepwise {
            min: Fraction::new(1, 30),
            max: Fraction::new(1, 12),
            step: Fraction::new(1, 1),
        });
        assert_eq!(whole_rates(&range), [30, 25, 15]);
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
