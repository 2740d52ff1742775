//! What nokhwa says about a camera's formats, as pure functions for Windows and macOS.
//!
//! The faults that these work around were found by reading nokhwa 0.10.11 and its bindings, and reports about them. None was
//! seen on a real Windows or Mac.

use ::nokhwa::utils::{
    CameraFormat as NokhwaFormat, FrameFormat, RequestedFormat, RequestedFormatType,
    Resolution as NokhwaResolution,
};

use crate::{
    capture::{
        CameraChoice,
        camera_format::{CameraFormat, PixelFormat, choose_format},
        frame_rate::FrameRate,
    },
    frame::Resolution,
};

/// The system whose cameras nokhwa opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Media Foundation hands over what the camera sends.
    Windows,
    /// AVFoundation converts to a pixel format that nokhwa asks for.
    Mac,
}

impl System {
    pub(super) const HERE: Self = if cfg!(target_os = "macos") {
        Self::Mac
    } else {
        Self::Windows
    };

    /// The formats that we can decode, by nokhwa's names.
    pub(super) const fn formats(self) -> &'static [(PixelFormat, FrameFormat)] {
        match self {
            Self::Windows => &[
                (PixelFormat::Mjpg, FrameFormat::MJPEG),
                (PixelFormat::Yuyv, FrameFormat::YUYV),
                (PixelFormat::Nv12, FrameFormat::NV12),
                (PixelFormat::Rgb24, FrameFormat::RAWRGB),
                (PixelFormat::Bgr24, FrameFormat::RAWBGR),
            ],
            // Every 4:2:0 and 4:2:2 format of a camera is called YUYV, and delivered as that. AVFoundation raises an exception
            // when it is asked for JPEG or for RGB of 24 bits.
            Self::Mac => &[(PixelFormat::Yuyv, FrameFormat::YUYV)],
        }
    }

    /// The formats in `listed` that can be requested and read.
    pub(super) fn usable(self, listed: &[NokhwaFormat]) -> Vec<CameraFormat> {
        let mut listed = listed.to_vec();
        if self == Self::Mac {
            listed = last_of_each_size(&listed);
            // AVFoundation begins each row at a multiple of 64 bytes, and nokhwa does not say where.
            listed.retain(|format| format.width().is_multiple_of(32));
        }
        let mut usable: Vec<CameraFormat> = listed
            .into_iter()
            .filter_map(|format| self.format(format))
            .collect();
        usable.sort_unstable();
        usable.dedup();
        usable
    }

    /// Our name of nokhwa's format; `None` for one that we cannot read.
    pub(super) fn format(self, format: NokhwaFormat) -> Option<CameraFormat> {
        let is_it = |(_, theirs): &&(_, FrameFormat)| *theirs == format.format();
        let (pixel_format, _) = self.formats().iter().find(is_it)?;
        Some(CameraFormat {
            resolution: Resolution::new(format.width(), format.height()),
            rate: FrameRate::new(format.frame_rate(), 1)?,
            pixel_format: *pixel_format,
        })
    }

    /// Asks for exactly `format`: the one kind of request that nokhwa takes literally.
    pub(super) fn exactly(self, format: CameraFormat) -> RequestedFormat<'static> {
        let is_it = |(ours, _): &&(PixelFormat, _)| *ours == format.pixel_format;
        let frame_format = self.formats().iter().find(is_it);
        let frame_format = frame_format.map_or(FrameFormat::YUYV, |(_, theirs)| *theirs);
        let resolution =
            NokhwaResolution::new(format.resolution.width_px, format.resolution.height_px);
        // Every format here came from nokhwa, which has whole rates only.
        let rate = format.rate.n_frames();
        let format = NokhwaFormat::new(resolution, frame_format, rate);
        RequestedFormat::with_formats(RequestedFormatType::Exact(format), ANY)
    }

    /// The request to open a camera with, before its formats are known.
    pub(super) fn any_format(self) -> RequestedFormat<'static> {
        let kind = match self {
            Self::Windows => RequestedFormatType::None,
            // nokhwa lists the lowest rates as well, and refuses them.
            Self::Mac => RequestedFormatType::AbsoluteHighestFrameRate,
        };
        RequestedFormat::with_formats(kind, ANY)
    }
}

/// Every format that nokhwa can name and we can decode.
const ANY: &[FrameFormat] = &[
    FrameFormat::MJPEG,
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
];

/// Of each size the format that a Mac's camera lists last, at its highest rate, which comes last too.
///
/// nokhwa selects the last format of a size whatever its pixels are, but takes the rate from any of them, and AVFoundation
/// raises an exception if the two do not fit. Once the camera runs, nokhwa sets the highest rate of the format.
fn last_of_each_size(listed: &[NokhwaFormat]) -> Vec<NokhwaFormat> {
    let mut last: Vec<NokhwaFormat> = Vec::new();
    for format in listed.iter().rev() {
        let is_new = |other: &NokhwaFormat| other.resolution() != format.resolution();
        if last.iter().all(is_new) {
            last.push(*format);
        }
    }
    last
}

/// How many formats are tried if the driver refuses them.
const MAX_TRIES: usize = 4;

/// Sets the best of `formats` for `choice` that the driver accepts. `None` if there are no formats, and the last error if all
/// that were tried are refused. `is_final` tells errors after which no other format would help.
pub(super) fn set_best<E: std::fmt::Display>(
    mut formats: Vec<CameraFormat>,
    choice: &CameraChoice,
    mut set: impl FnMut(CameraFormat) -> Result<(), E>,
    is_final: impl Fn(&E) -> bool,
) -> Option<Result<CameraFormat, E>> {
    let mut refused = None;
    for _ in 0..MAX_TRIES {
        let Some(format) = choose_format(&formats, choice) else {
            break;
        };
        match set(format) {
            Ok(()) => return Some(Ok(format)),
            Err(err) if is_final(&err) => return Some(Err(err)),
            Err(err) => {
                log::warn!("the camera refused {format}: {err}");
                refused = Some(err);
                formats.retain(|other| *other != format);
            }
        }
    }
    refused.map(Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `WxH@RATE FORMAT`, with nokhwa's name of the format.
    fn listed(texts: &[&str]) -> Vec<NokhwaFormat> {
        let one = |text: &&str| {
            let mut parts = text.split(['x', '@', ' ']);
            let mut number = || parts.next().unwrap().parse().unwrap();
            let (width, height, rate) = (number(), number(), number());
            let format = parts.next().unwrap().parse().unwrap();
            NokhwaFormat::new(NokhwaResolution::new(width, height), format, rate)
        };
        texts.iter().map(one).collect()
    }

    fn usable(system: System, texts: &[&str]) -> Vec<String> {
        let formats = system.usable(&listed(texts));
        formats.iter().map(ToString::to_string).collect()
    }

    /// A laptop's camera as Media Foundation lists it: YUY2 and NV12 small, MJPG large; what its RGB24 is called, blue first.
    #[test]
    fn windows_formats_are_taken_as_they_are() {
        let found = usable(
            System::Windows,
            &[
                "640x480@30 NV12",
                "640x480@30 YUYV",
                "640x480@30 YUYV",
                "1280x720@10 YUYV",
                "1280x720@30 MJPEG",
                "640x480@30 RAWBGR",
                "640x480@30 GRAY",
            ],
        );
        assert_eq!(
            found,
            [
                "640×480 at 30 Hz, YUYV",
                "640×480 at 30 Hz, NV12",
                "640×480 at 30 Hz, BGR3",
                "1280×720 at 10 Hz, YUYV",
                "1280×720 at 30 Hz, MJPG",
            ]
        );
    }

    /// AVFoundation's 420v, 420f and 2vuy are all “YUYV” to nokhwa; each format of the camera has a run of rates.
    #[test]
    fn a_mac_offers_each_size_once_and_nothing_that_raises_an_exception() {
        let found = usable(
            System::Mac,
            &[
                "1280x720@15 YUYV",
                "1280x720@30 YUYV",
                "640x480@30 YUYV",
                // A square, whose rows are padded.
                "1552x1552@30 YUYV",
                "1920x1080@30 YUYV",
                "1920x1080@60 MJPEG",
                "1280x720@15 YUYV",
                "1280x720@25 YUYV",
                "800x600@30 RAWRGB",
            ],
        );
        assert_eq!(
            found,
            ["640×480 at 30 Hz, YUYV", "1280×720 at 25 Hz, YUYV"],
            "the last format of 1920×1080 is JPEG"
        );
    }

    #[test]
    fn requests_name_what_was_listed() {
        for system in [System::Windows, System::Mac] {
            for &(pixel_format, theirs) in system.formats() {
                let format = CameraFormat {
                    resolution: Resolution::new(640, 480),
                    rate: FrameRate::new(30, 1).unwrap(),
                    pixel_format,
                };
                let fulfilled = system.exactly(format).fulfill(&[]).unwrap();
                assert_eq!(fulfilled.format(), theirs);
                assert_eq!(system.format(fulfilled), Some(format));
            }
        }
    }

    #[test]
    fn a_format_that_the_driver_refuses_is_passed_over() {
        let formats = System::Windows.usable(&listed(&[
            "1280x720@30 MJPEG",
            "1280x720@30 NV12",
            "640x480@30 YUYV",
        ]));
        let set = |refused: &[&str], is_final: bool| {
            let mut tried = Vec::new();
            let result = set_best(
                formats.clone(),
                &CameraChoice::default(),
                |format| {
                    tried.push(format.to_string());
                    if refused.contains(&tried.last().unwrap().as_str()) {
                        Err("refused")
                    } else {
                        Ok(())
                    }
                },
                |_| is_final,
            );
            (
                result.map(|result| result.map(|format| format.to_string())),
                tried.len(),
            )
        };
        let [first, second, third] = [
            "1280×720 at 30 Hz, MJPG",
            "1280×720 at 30 Hz, NV12",
            "640×480 at 30 Hz, YUYV",
        ];
        assert_eq!(set(&[], false), (Some(Ok(first.to_owned())), 1));
        assert_eq!(set(&[first], false), (Some(Ok(second.to_owned())), 2));
        assert_eq!(
            set(&[first, second, third], false),
            (Some(Err("refused")), 3)
        );
        // Another program uses the camera, say.
        assert_eq!(set(&[first], true), (Some(Err("refused")), 1));
        let nothing = set_best(
            Vec::new(),
            &CameraChoice::default(),
            |_| Err("never"),
            |_| true,
        );
        assert!(nothing.is_none());
    }
}
