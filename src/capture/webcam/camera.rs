//! The trait of an open camera, and what the cameras of all systems share.

use std::time::Instant;

use crate::capture::{
    CameraChoice, CaptureError, SourceInfo, SourceKind,
    camera_format::{CameraFormat, PixelFormat},
    devices::{self, CameraDevice, CameraId},
    frame_rate::FrameRate,
};

/// An open camera, for the thread that reads it; a trait so that tests can silence, damage and unplug one.
///
/// It is created and used on that thread only, since real ones are not `Send`.
pub(super) trait Camera {
    /// Waits for the next frame and replaces the content of `data` by its raw bytes. `None` if no frame came for a moment, so
    /// that the caller can check whether to stop; a driver may also block for good.
    fn read(&mut self, data: &mut Vec<u8>) -> Result<Option<Arrived>, CaptureError>;
}

/// What is known about a frame besides its bytes.
pub(super) struct Arrived {
    /// When it was captured, as far as the driver tells.
    pub(super) captured_at: Instant,
    /// Whether the driver says that a part of it was lost.
    pub(super) is_marked_damaged: bool,
}

/// An open camera, with what it will deliver.
pub(super) struct Opened {
    pub(super) camera: Box<dyn Camera>,
    pub(super) hello: Hello,
}

/// The part of [`Opened`] that leaves the thread.
pub(super) struct Hello {
    pub(super) info: SourceInfo,
    pub(super) id: CameraId,
    pub(super) pixel_format: PixelFormat,
}

/// A camera of the list, with the system's handle for it.
pub(super) struct Listed<H> {
    pub(super) device: CameraDevice,
    pub(super) handle: H,
}

/// Numbers cameras in the system's order, and gives each a name of its own.
pub(super) fn listed<H>(found: impl IntoIterator<Item = Listed<H>>) -> Vec<Listed<H>> {
    let mut list: Vec<Listed<H>> = Vec::new();
    for mut listed in found {
        let earlier = list.iter().map(|listed| listed.device.name.as_str());
        let earlier: Vec<&str> = earlier.collect();
        listed.device.name = devices::unique_name(&listed.device.name, &earlier);
        listed.device.number = list.len();
        list.push(listed);
    }
    list
}

/// The camera of the list that `choice` means, and the name to show for it.
pub(super) fn find<'a, H>(
    list: &'a [Listed<H>],
    choice: &CameraChoice,
) -> Result<(&'a Listed<H>, String), CaptureError> {
    let devices: Vec<CameraDevice> = list.iter().map(|listed| listed.device.clone()).collect();
    match &choice.known {
        Some(known) => {
            let place = devices::find_again(&devices, known)?;
            Ok((&list[place], known.name.clone()))
        }
        None => {
            let place = devices::find(&devices, choice.camera.as_deref())?;
            Ok((&list[place], devices[place].name.clone()))
        }
    }
}

/// What a camera that was opened in `format` delivers. Logs a warning if that is not the requested format.
pub(super) fn opened_info(
    name: &str,
    format: CameraFormat,
    rate: FrameRate,
    choice: &CameraChoice,
) -> SourceInfo {
    if let Some(wanted) = &choice.format
        && PixelFormat::from_fourcc(wanted) != Some(format.pixel_format)
    {
        log::warn!("camera “{name}” has no usable format {wanted}; {format} is used");
    }
    log::info!("camera “{name}” opened: {format}");
    SourceInfo {
        name: name.to_owned(),
        kind: SourceKind::Live,
        resolution: format.resolution,
        rate_hz: Some(rate.hz()),
        n_frames: None,
        duration: None,
        format: format.pixel_format.to_string(),
        mirror_by_default: true,
    }
}

/// The same error for a camera that is already open.
pub(super) fn faulty(err: CaptureError) -> CaptureError {
    match err {
        CaptureError::OpenCamera { name, reason, .. } => CaptureError::Faulty { name, reason },
        other => other,
    }
}

/// A transient error.
pub(super) fn failed_to_open(label: &str, reason: String) -> CaptureError {
    CaptureError::OpenCamera {
        name: label.to_owned(),
        reason,
        transient: true,
    }
}
