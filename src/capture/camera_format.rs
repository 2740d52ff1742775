//! Which of a camera's formats to use, as a pure function of the list and the user's request.
//!
//! We choose, and then request exactly that format: the capture library's own "closest" and "highest" requests pick
//! 320×180 at 1 Hz or 3840×2160 at 2 Hz on some cameras, and fail on others.

use std::fmt;

use super::{CameraChoice, frame_rate::FrameRate, limits::check_frame};
use crate::frame::Resolution;

/// The resolution to aim for without a request: enough pixels for a face at two meters, cheap enough for two cores.
const WANTED_RESOLUTION: Resolution = Resolution::new(1280, 720);

/// Frames per second to aim for: the usual full rate of cameras.
const WANTED_RATE: FrameRate = FrameRate::whole(30);

/// Below this, expressions are missed and the preview stutters; used only if nothing faster is offered. A little below
/// 15 Hz, which some cameras call 14.985.
const MIN_RATE_HZ: f64 = 14.9;

/// Frames larger than 1920×1080 are used only on request: detection runs on a small copy anyway, and decoding and
/// uploading 4K takes a core.
const MAX_PIXELS: usize = 1920 * 1080;

/// Up to this size a camera sends uncompressed frames at its full rate over USB 2, so JPEG only adds artifacts. Above it,
/// few uncompressed formats reach the same rate, and JPEG is the common choice.
const SMALL_PIXELS: usize = 640 * 480;

/// How the pixels of a camera frame are stored, by V4L2's four-character names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PixelFormat {
    /// `MJPG`: each frame is a JPEG image.
    Mjpg,
    /// `YUYV`: 4:2:2, two pixels in four bytes `Y U Y V`.
    Yuyv,
    /// `NV12`: 4:2:0, a luma plane followed by one of interleaved `U V`.
    Nv12,
    /// `RGB3`: three bytes a pixel, red first.
    Rgb24,
    /// `BGR3`: three bytes a pixel, blue first.
    Bgr24,
}

impl PixelFormat {
    /// All formats that can be decoded.
    pub const ALL: [Self; 5] = [Self::Mjpg, Self::Yuyv, Self::Nv12, Self::Rgb24, Self::Bgr24];

    /// The four-character name, as V4L2 and `CameraChoice::format` spell it.
    pub const fn fourcc(self) -> &'static str {
        match self {
            Self::Mjpg => "MJPG",
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Rgb24 => "RGB3",
            Self::Bgr24 => "BGR3",
        }
    }

    /// The format of a four-character name, in any case; `None` for one we cannot decode.
    pub fn from_fourcc(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.fourcc().eq_ignore_ascii_case(name.trim()))
    }

    /// Order of preference at the same size and rate, lowest first.
    fn rank(self, n_pixels: usize) -> u8 {
        match self {
            Self::Mjpg if n_pixels <= SMALL_PIXELS => 5,
            Self::Mjpg => 0,
            Self::Yuyv => 1, // Twice the color detail of NV12, and every webcam's native format.
            Self::Nv12 => 2,
            Self::Rgb24 => 3,
            Self::Bgr24 => 4,
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.fourcc())
    }
}

/// One format in which a camera can send frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CameraFormat {
    /// Frame size.
    pub resolution: Resolution,
    /// Frames per second according to the driver; dim light may halve it.
    pub rate: FrameRate,
    /// How the pixels are stored.
    pub pixel_format: PixelFormat,
}

impl fmt::Display for CameraFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {} Hz, {}",
            self.resolution, self.rate, self.pixel_format
        )
    }
}

/// The best of `formats` for `choice` within the limits for frames; `None` only if there are none.
///
/// A request that the camera cannot meet is met as closely as possible, in this order: pixel format, size, rate. Without a
/// request the aim is 1280×720 at 30 Hz: rates below 15 Hz and sizes above 1920×1080 are avoided, and smaller frames at
/// full rate are better than larger slow ones.
pub fn choose_format(formats: &[CameraFormat], choice: &CameraChoice) -> Option<CameraFormat> {
    formats
        .iter()
        .copied()
        .filter(|format| format.resolution.n_pixels() > 0)
        .filter(|format| check_frame(format.resolution).is_ok())
        .min_by(|a, b| {
            cost(a, choice)
                .partial_cmp(&cost(b, choice))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
}

/// The disadvantages of a format, the most important first; compared in order.
fn cost(format: &CameraFormat, choice: &CameraChoice) -> [f64; 8] {
    let flag = |is_bad: bool| f64::from(u8::from(is_bad));
    let n_pixels = format.resolution.n_pixels();
    let wanted_format = choice.format.as_deref().and_then(PixelFormat::from_fourcc);
    [
        flag(wanted_format.is_some_and(|wanted| wanted != format.pixel_format)),
        choice
            .resolution
            .map_or(0.0, |wanted| size_distance(format.resolution, wanted)),
        choice
            .rate
            .map_or(0.0, |wanted| rate_ratio(format.rate, wanted).abs()),
        flag(format.rate.hz() < MIN_RATE_HZ),
        flag(n_pixels > MAX_PIXELS),
        // A rate too low by a factor weighs twice a size too small by the same: 640×480 at 30 beats 1280×720 at 15.
        size_distance(
            format.resolution,
            choice.resolution.unwrap_or(WANTED_RESOLUTION),
        ) + match rate_ratio(format.rate, choice.rate.unwrap_or(WANTED_RATE)) {
            faster if faster >= 0.0 => 0.25 * faster,
            slower => -2.0 * slower,
        },
        f64::from(format.pixel_format.rank(n_pixels)),
        // The choice does not depend on the driver's order.
        n_pixels as f64,
    ]
}

/// Difference of two sizes as a sum of log ratios; too large counts double, since every pixel takes time.
fn size_distance(size: Resolution, wanted: Resolution) -> f64 {
    [
        ratio(size.width_px, wanted.width_px),
        ratio(size.height_px, wanted.height_px),
    ]
    .into_iter()
    .map(|side| if side > 0.0 { 2.0 * side } else { -side })
    .sum()
}

/// Natural logarithm of how much faster `rate` is than `wanted`.
fn rate_ratio(rate: FrameRate, wanted: FrameRate) -> f64 {
    (rate.hz() / wanted.hz()).ln()
}

/// Natural logarithm of `a / b`, with 0 read as 1 so that a request of 0 stays finite.
fn ratio(a: u32, b: u32) -> f64 {
    (f64::from(a.max(1)) / f64::from(b.max(1))).ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `WxH@RATE FOURCC`, with a rate such as `30` or `30000/1001`.
    fn format(text: &str) -> CameraFormat {
        let mut parts = text.split(['x', '@', ' ']);
        let mut number = || parts.next().unwrap().parse().unwrap();
        let resolution = Resolution::new(number(), number());
        let rate = parts.next().unwrap();
        let (n_frames, seconds) = rate.split_once('/').unwrap_or((rate, "1"));
        CameraFormat {
            resolution,
            rate: FrameRate::new(n_frames.parse().unwrap(), seconds.parse().unwrap()).unwrap(),
            pixel_format: PixelFormat::from_fourcc(parts.next().unwrap()).unwrap(),
        }
    }

    /// `request` is empty or any of `WxH`, `@RATE` and a four-character name.
    fn check(offered: &[&str], request: &str, expected: &str) {
        let formats: Vec<_> = offered.iter().map(|text| format(text)).collect();
        let mut choice = CameraChoice::default();
        for part in request.split_whitespace() {
            if let Some(rate) = part.strip_prefix('@') {
                choice.rate = Some(rate.parse().unwrap());
            } else if let Some((width, height)) = part.split_once('x') {
                choice.resolution = Some(Resolution::new(
                    width.parse().unwrap(),
                    height.parse().unwrap(),
                ));
            } else {
                choice.format = Some(part.to_owned());
            }
        }
        let chosen = choose_format(&formats, &choice);
        assert_eq!(
            chosen,
            Some(format(expected)),
            "“{request}” among {offered:?}"
        );
    }

    /// A usual USB 2 webcam: uncompressed only where the bus carries it.
    const WEBCAM: &[&str] = &[
        "640x480@30 YUYV",
        "640x480@15 YUYV",
        "1280x720@10 YUYV",
        "1920x1080@5 YUYV",
        "640x480@30 MJPG",
        "1280x720@30 MJPG",
        "1280x720@60 MJPG",
        "1920x1080@30 MJPG",
    ];

    /// A laptop on Windows, through Media Foundation: `YUY2` is YUYV, and its 24-bit RGB has blue first.
    const WINDOWS: &[&str] = &[
        "640x480@30 NV12",
        "1280x720@10 NV12",
        "640x480@30 YUYV",
        "1280x720@10 YUYV",
        "1280x720@30 MJPG",
        "1920x1080@30 MJPG",
        "640x480@30 BGR3",
    ];

    /// A laptop of Apple, through AVFoundation: `420v`, `420f` and `2vuy` all arrive as YUYV.
    const MAC: &[&str] = &[
        "640x480@30 YUYV",
        "1280x720@30 YUYV",
        "1760x1328@30 YUYV",
        "1920x1080@30 YUYV",
    ];

    #[test]
    fn formats_are_chosen_for_fluid_video() {
        for (offered, request, expected) in [
            (WEBCAM, "", "1280x720@30 MJPG"),
            (WEBCAM, "640x480", "640x480@30 YUYV"),
            (WEBCAM, "640x480 MJPG", "640x480@30 MJPG"),
            (WEBCAM, "1920x1080", "1920x1080@30 MJPG"),
            (WEBCAM, "yuyv", "640x480@30 YUYV"),
            (WEBCAM, "1280x720 YUYV", "1280x720@10 YUYV"),
            (WEBCAM, "@60", "1280x720@60 MJPG"),
            (WEBCAM, "@15", "640x480@15 YUYV"),
            (WEBCAM, "@1000", "1280x720@60 MJPG"),
            // Requests that cannot be met are met approximately, or not at all.
            (WEBCAM, "800x600", "640x480@30 YUYV"),
            (WEBCAM, "NV12", "1280x720@30 MJPG"),
            (WEBCAM, "H264", "1280x720@30 MJPG"),
            (WEBCAM, "0x0 @0.001", "640x480@15 YUYV"),
            // No JPEG: the rate matters more than the size.
            (
                &["1280x720@10 YUYV", "640x480@30 YUYV", "320x240@30 YUYV"],
                "",
                "640x480@30 YUYV",
            ),
            (
                &["1280x720@15 YUYV", "640x480@30 YUYV"],
                "",
                "640x480@30 YUYV",
            ),
            (
                &["1280x720@25 YUYV", "640x480@30 YUYV"],
                "",
                "1280x720@25 YUYV",
            ),
            // Nothing fast enough: the nearest size at the best rate.
            (
                &["1280x720@5 YUYV", "640x480@10 YUYV", "640x480@7 YUYV"],
                "",
                "640x480@10 YUYV",
            ),
            // Beyond the limits, whatever the request.
            (
                &["65535x65535@30 MJPG", "640x480@30 YUYV"],
                "65535x65535",
                "640x480@30 YUYV",
            ),
            // Never 4K, unless it is the only format or was requested.
            (
                &["3840x2160@30 MJPG", "320x240@30 YUYV"],
                "",
                "320x240@30 YUYV",
            ),
            (&["3840x2160@30 MJPG"], "", "3840x2160@30 MJPG"),
            (
                &["3840x2160@30 MJPG", "1280x720@30 MJPG"],
                "3840x2160",
                "3840x2160@30 MJPG",
            ),
            // Fractional rates are rates like all others.
            (
                &["640x480@15/2 YUYV", "640x480@30000/1001 YUYV"],
                "",
                "640x480@30000/1001 YUYV",
            ),
            (
                &["640x480@15/2 YUYV", "640x480@30000/1001 YUYV"],
                "@7.5",
                "640x480@15/2 YUYV",
            ),
            (
                &["640x480@30000/1001 YUYV", "640x480@30 YUYV"],
                "@30",
                "640x480@30 YUYV",
            ),
            (
                &["640x480@30000/1001 YUYV", "640x480@30 YUYV"],
                "@29.97",
                "640x480@30000/1001 YUYV",
            ),
            (
                &["1280x720@15000/1001 YUYV", "640x480@10 YUYV"],
                "",
                "1280x720@15000/1001 YUYV",
            ),
            // The same size and rate in many formats.
            (
                &["1280x720@30 BGR3", "1280x720@30 RGB3", "1280x720@30 NV12"],
                "",
                "1280x720@30 NV12",
            ),
            (
                &["1280x720@30 YUYV", "1280x720@30 MJPG"],
                "",
                "1280x720@30 MJPG",
            ),
            (
                &["640x360@30 MJPG", "640x360@30 YUYV"],
                "",
                "640x360@30 YUYV",
            ),
            (WINDOWS, "", "1280x720@30 MJPG"),
            (WINDOWS, "640x480", "640x480@30 YUYV"),
            (WINDOWS, "NV12", "640x480@30 NV12"),
            (WINDOWS, "BGR3", "640x480@30 BGR3"),
            // Some integrated cameras have nothing but NV12.
            (
                &["1920x1080@30 NV12", "1280x720@30 NV12", "640x360@30 NV12"],
                "",
                "1280x720@30 NV12",
            ),
            (MAC, "", "1280x720@30 YUYV"),
            (MAC, "MJPG", "1280x720@30 YUYV"),
            (MAC, "1920x1080", "1920x1080@30 YUYV"),
            (MAC, "640x480 @60", "640x480@30 YUYV"),
        ] {
            check(offered, request, expected);
        }
    }

    #[test]
    fn no_formats_no_choice() {
        assert_eq!(choose_format(&[], &CameraChoice::default()), None);
        assert_eq!(
            choose_format(
                &[format("0x480@30 YUYV"), format("640x0@30 YUYV")],
                &CameraChoice::default()
            ),
            None
        );
    }

    #[test]
    fn names_convert_both_ways() {
        for format in PixelFormat::ALL {
            assert_eq!(PixelFormat::from_fourcc(format.fourcc()), Some(format));
        }
        assert_eq!(PixelFormat::from_fourcc(" mjpg"), Some(PixelFormat::Mjpg));
        assert_eq!(PixelFormat::from_fourcc("GREY"), None);
    }

    prop_compose! {
        fn any_format()(
            width_px in 1..5000_u32,
            height_px in 1..3000_u32,
            rate in (1..24_000_u32, prop::sample::select(vec![1_u32, 2, 100, 1001])),
            kind in 0..5_usize,
        ) -> CameraFormat {
            CameraFormat {
                resolution: Resolution::new(width_px, height_px),
                rate: FrameRate::new(rate.0, rate.1).unwrap(),
                pixel_format: PixelFormat::ALL[kind],
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_list_does_not_matter(mut formats in prop::collection::vec(any_format(), 1..20)) {
            let choice = CameraChoice::default();
            let cost_of_best = |formats: &[CameraFormat]| choose_format(formats, &choice).map(|best| cost(&best, &choice));
            let forwards = cost_of_best(&formats);
            formats.reverse();
            prop_assert_eq!(forwards, cost_of_best(&formats));
        }

        #[test]
        fn a_fast_moderate_format_is_never_passed_over(formats in prop::collection::vec(any_format(), 1..20)) {
            let is_good = |format: &CameraFormat| format.rate.hz() >= MIN_RATE_HZ && format.resolution.n_pixels() <= MAX_PIXELS;
            let chosen = choose_format(&formats, &CameraChoice::default()).unwrap();
            prop_assert_eq!(formats.iter().any(is_good), is_good(&chosen));
        }
    }
}
