//! How large pictures and frames may be, for every decoder and every format.
//!
//! A size in a file is only a claim: a GIF of 480 bytes can claim 65535×65535 pixels, for which a decoder asks for 17 GB.
//! So the size is compared with these limits before anything is decoded, and whatever exceeds them is refused. They are
//! generous: the largest frames that cameras film and the largest photos that phones take fit.
//! A process that reads a hostile file still stays near 1 GB.

use image::{ColorType, ImageFormat, Limits};

use crate::frame::Resolution;

/// No side of a video frame is longer.
pub const MAX_FRAME_SIDE_PX: u32 = 16_384;

/// No video frame has more pixels: 8192×4608, above the 8K of phones (7680×4320) and of cinema cameras (8192×4320). One
/// such frame takes 144 MiB as RGBA, and a handful of them are in flight at a time.
pub const MAX_FRAME_PIXELS: usize = 8192 * 4608;

/// No frame of an animation has more pixels: 4096×4096. Its decoder holds about five copies at a time.
pub const MAX_ANIMATION_PIXELS: usize = 4096 * 4096;

/// No side of a picture is longer; a JPEG cannot be larger anyway.
pub const MAX_IMAGE_SIDE_PX: u32 = 65_535;

/// No decoded picture takes more memory: the 200 megapixels of the largest phone cameras, at three bytes each, need 572 MiB.
pub const MAX_IMAGE_BYTES: u64 = 640 << 20;

/// A size beyond the limits. The message follows the file's name and a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooLarge {
    /// A video.
    #[error("its frames of {0} px are too large; the limit is {limit}", limit = frame_limit())]
    Frame(Resolution),
    /// An animation.
    #[error("the animation of {0} px is too large; the limit is {limit}", limit = animation_limit())]
    Animation(Resolution),
    /// A picture.
    #[error("the picture of {0} px is too large; the limit is {limit}", limit = image_limit())]
    Image(Resolution),
}

fn frame_limit() -> String {
    let megapixels = MAX_FRAME_PIXELS / 1_000_000;
    format!("{megapixels} megapixels and {MAX_FRAME_SIDE_PX} px a side")
}

fn animation_limit() -> String {
    format!("{} megapixels", MAX_ANIMATION_PIXELS / 1_000_000)
}

fn image_limit() -> String {
    let mib = MAX_IMAGE_BYTES >> 20;
    format!("{mib} MiB in memory and {MAX_IMAGE_SIDE_PX} px a side")
}

/// Checks the size of a video's frames.
///
/// # Errors
/// [`TooLarge::Frame`].
pub fn check_frame(resolution: Resolution) -> Result<(), TooLarge> {
    let side = resolution.width_px.max(resolution.height_px);
    if side > MAX_FRAME_SIDE_PX || resolution.n_pixels() > MAX_FRAME_PIXELS {
        return Err(TooLarge::Frame(resolution));
    }
    Ok(())
}

/// Checks the canvas of an animation.
///
/// # Errors
/// [`TooLarge::Animation`].
pub fn check_animation(resolution: Resolution) -> Result<(), TooLarge> {
    if resolution.n_pixels() > MAX_ANIMATION_PIXELS {
        return Err(TooLarge::Animation(resolution));
    }
    Ok(())
}

/// Checks a picture that decodes to pixels of the kind `color`.
///
/// # Errors
/// [`TooLarge::Image`].
pub fn check_image(
    format: Option<ImageFormat>,
    resolution: Resolution,
    color: ColorType,
) -> Result<(), TooLarge> {
    // The decoders of these two make a copy first.
    let n_copies = match format {
        Some(ImageFormat::Gif | ImageFormat::WebP) => 2,
        _ => 1,
    };
    let n_bytes = resolution.n_pixels() as u64 * u64::from(color.bytes_per_pixel()) * n_copies;
    let side = resolution.width_px.max(resolution.height_px);
    if side > MAX_IMAGE_SIDE_PX || n_bytes > MAX_IMAGE_BYTES {
        return Err(TooLarge::Image(resolution));
    }
    Ok(())
}

/// The same limits for the decoders of `image`, which also apply them to their own buffers.
pub fn for_decoders() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_IMAGE_SIDE_PX);
    limits.max_image_height = Some(MAX_IMAGE_SIDE_PX);
    limits.max_alloc = Some(MAX_IMAGE_BYTES);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cameras_produce_is_within_the_limits() {
        for (width, height) in [(7680, 4320), (8192, 4320), (4320, 7680), (16_384, 2_000)] {
            assert_eq!(check_frame(Resolution::new(width, height)), Ok(()));
        }
        for (format, width, height, color) in [
            (ImageFormat::Jpeg, 16_320, 12_240, ColorType::Rgb8),
            (ImageFormat::Png, 11_648, 8_736, ColorType::Rgb16),
            (ImageFormat::WebP, 9_000, 8_000, ColorType::Rgba8),
        ] {
            let resolution = Resolution::new(width, height);
            assert_eq!(check_image(Some(format), resolution, color), Ok(()));
        }
    }

    #[test]
    fn what_only_a_hostile_file_claims_is_refused() {
        let huge = Resolution::new(65_535, 65_535);
        let refusals = [
            check_frame(huge),
            check_frame(Resolution::new(1 << 20, 2)),
            check_animation(huge),
            check_image(Some(ImageFormat::Png), huge, ColorType::L8),
            check_image(None, Resolution::new(70_000, 1), ColorType::L8),
        ];
        for refusal in refusals {
            let words = refusal.unwrap_err().to_string();
            assert!(words.contains("too large; the limit is"), "{words}");
        }
    }
}
