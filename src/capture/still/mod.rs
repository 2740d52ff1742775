//! Picture files: their bytes in, an upright and opaque image out.
//!
//! Application and training both decode pictures here, so they see the same pixels. A picture is first turned the way
//! its camera was held (EXIF orientation): phones store portraits lying on their side, and the face detector finds
//! upright faces only.

mod ffmpeg;
mod heif;

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbaImage,
    metadata::Orientation,
};

pub(super) use self::heif::is_heif;
use super::{
    CaptureError,
    jpeg::{self, Flaw},
    limits,
};
use crate::{frame::Resolution, panics};

/// Pixels of the largest frame: 256 MiB of RGBA. Larger pictures are reduced to it; those of cameras up to 64
/// megapixels are not.
const MAX_FRAME_PIXELS: usize = 1 << 26;

/// The largest file that is read, as a whole, into memory.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Extensions by which a folder's files count as pictures, lowercase. What a file is, its content decides.
pub const EXTENSIONS: [&str; 13] = [
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff",
    "webp",
];

/// A decoded picture, ready to show.
#[derive(Debug, Clone)]
pub struct Still {
    /// Upright, alpha 255 everywhere, at most 2²⁶ pixels.
    pub rgba: RgbaImage,
    /// The size of the picture in the file, upright; larger than `rgba` if that had to be reduced.
    pub full_resolution: Resolution,
    /// `JPEG`, `PNG`, ….
    pub format: String,
}

/// Why a picture cannot be read, in the words that users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StillError {
    /// Its data ends early.
    #[error("the picture is cut short")]
    Cut,
    /// Its data is invalid.
    #[error("the picture is damaged ({0})")]
    Damaged(String),
    /// More pixels than the limits allow.
    #[error(transparent)]
    BeyondLimits(#[from] limits::TooLarge),
    /// More bytes than the limits allow, in the file or for its decoder.
    #[error("the picture is too large to be held in memory")]
    TooLarge,
    /// No pixels.
    #[error("the picture has no pixels")]
    Empty,
    /// Not a picture, or of an unknown kind.
    #[error(
        "it is not a picture that fervis can read (BMP, GIF, JPEG, PNG, TIFF or WebP; HEIC and AVIF with ffmpeg)"
    )]
    Unknown,
    /// A kind that only ffmpeg decodes, and ffmpeg is missing.
    #[error(
        "{kind} pictures need the program ffmpeg: install it, or save the picture as JPEG or PNG"
    )]
    NeedsFfmpeg {
        /// `HEIC` or `AVIF`.
        kind: &'static str,
    },
    /// ffmpeg cannot read it.
    #[error("ffmpeg cannot read this {kind} picture ({reason}); save it as JPEG or PNG")]
    Ffmpeg {
        /// `HEIC` or `AVIF`.
        kind: &'static str,
        /// What it says.
        reason: String,
    },
    /// A variant of a known kind that no decoder of ours can read.
    #[error("the picture is {0}, which cannot be read; save it as JPEG or PNG")]
    Unsupported(String),
}

impl From<Flaw> for StillError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Cut => Self::Cut,
            Flaw::Damaged(what) => Self::Damaged(what.to_owned()),
        }
    }
}

/// Whether a file of this name, without its folder, counts as a picture. Hidden files do not: macOS puts a `._name`
/// of its own beside each file that it copies.
pub fn is_picture_name(name: &str) -> bool {
    let is_known = |extension: &str| {
        EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    };
    match name.rsplit_once('.') {
        Some((stem, extension)) => {
            !stem.is_empty() && !name.starts_with('.') && is_known(extension)
        }
        None => false,
    }
}

/// Reads a picture file; see [`decode`].
///
/// # Errors
/// [`CaptureError::Unsupported`] with the words of a [`StillError`], or [`CaptureError::Read`].
pub fn read(path: &Path) -> Result<Still, CaptureError> {
    let read_error = |err| CaptureError::read(path, err);
    let mut file = File::open(path).map_err(read_error)?;
    let mut bytes = Vec::new();
    let limited = file
        .by_ref()
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes);
    let decoded = match limited {
        Ok(n_read) if n_read as u64 > MAX_FILE_BYTES => Err(StillError::TooLarge),
        Ok(_) => decode(&bytes),
        Err(err) => return Err(read_error(err)),
    };
    decoded.map_err(|err| CaptureError::unsupported(path, err.to_string()))
}

/// Decodes a BMP, GIF (its first frame), JPEG, PNG, TIFF (its first page) or WebP file and, through an installed
/// ffmpeg, HEIC and AVIF.
///
/// Transparent parts are laid over white. A picture of more than 2²⁶ pixels is reduced to that.
///
/// # Errors
/// [`StillError`].
pub fn decode(bytes: &[u8]) -> Result<Still, StillError> {
    decode_within(bytes, MAX_FRAME_PIXELS)
}

fn decode_within(bytes: &[u8], max_pixels: usize) -> Result<Still, StillError> {
    let (mut picture, orientation, format) = if is_heif(bytes) {
        let coded = heif::parse(bytes)?;
        let format = coded.codec.name().to_owned();
        let picture = DynamicImage::ImageRgba8(ffmpeg::decode(&coded)?);
        // HEIF stores its own turns instead of EXIF's.
        (picture, coded.orientation(), format)
    } else {
        decode_ours(bytes)?
    };
    let mut full_resolution = Resolution::new(picture.width(), picture.height());
    if full_resolution.n_pixels() > max_pixels {
        let scale = (max_pixels as f64 / full_resolution.n_pixels() as f64).sqrt();
        let reduced = |side: u32| ((f64::from(side) * scale) as u32).max(1);
        picture = picture.thumbnail_exact(reduced(picture.width()), reduced(picture.height()));
    }
    if swaps_sides(orientation) {
        full_resolution = Resolution::new(full_resolution.height_px, full_resolution.width_px);
    }
    picture.apply_orientation(orientation);
    let mut rgba = picture.into_rgba8();
    lay_over_white(&mut rgba);
    Ok(Still {
        rgba,
        full_resolution,
        format,
    })
}

/// Decodes what does not need ffmpeg.
fn decode_ours(bytes: &[u8]) -> Result<(DynamicImage, Orientation, String), StillError> {
    // Some programs store webcam frames as they arrive, without tables.
    let with_tables = jpeg::with_standard_tables(bytes);
    let bytes = with_tables.as_deref().unwrap_or(bytes);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|err| explain(ImageError::IoError(err)))?;
    reader.limits(limits::for_decoders());
    let format = reader.format().ok_or(StillError::Unknown)?;
    if format == ImageFormat::Jpeg {
        jpeg::check(bytes)?;
    }
    let mut decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    let resolution = Resolution::new(width, height);
    if resolution.n_pixels() == 0 {
        return Err(StillError::Empty);
    }
    limits::check_image(Some(format), resolution, decoder.color_type())?;
    // Damage in the metadata does not matter.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = panics::catch(|| DynamicImage::from_decoder(decoder))
        .ok_or_else(|| StillError::Damaged("its decoder failed".to_owned()))?
        .map_err(explain)?;
    Ok((picture, orientation, format!("{format:?}").to_uppercase()))
}

fn explain(err: ImageError) -> StillError {
    match err {
        ImageError::IoError(err) if err.kind() == io::ErrorKind::UnexpectedEof => StillError::Cut,
        ImageError::Limits(_) => StillError::TooLarge,
        ImageError::Unsupported(err) => StillError::Unsupported(err.to_string()),
        err => StillError::Damaged(err.to_string()),
    }
}

fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Makes a picture opaque, as frames are.
pub(super) fn lay_over_white(rgba: &mut [u8]) {
    for pixel in rgba.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        if alpha < 255 {
            for channel in &mut pixel[..3] {
                *channel = ((u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            }
            pixel[3] = 255;
        }
    }
}

#[cfg(test)]
mod tests;
