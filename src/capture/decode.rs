//! Converts a camera's bytes to RGBA, straight into a frame's buffer.
//!
//! The data may be longer than the frame: some drivers hand over their whole buffer, with old data at the end. So each
//! decoder reads just the bytes it needs, and the length only matters if it is too short.
//! Damaged JPEG data is common on a bad cable; it is a [`DecodeError`] for one frame, never a panic and never a frame.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    camera_format::PixelFormat,
    jpeg::{self, Flaw},
    yuv::{YuvMatrix, nv12_row, yuyv_row},
};
use crate::{
    frame::{PooledBuffer, RGBA_BYTES, Resolution},
    panics,
};

/// Why a frame could not be decoded. The next one may be fine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Fewer bytes than the frame needs.
    #[error("{got} bytes, where {needed} are needed")]
    Truncated {
        /// Bytes of a frame of this size and format.
        needed: usize,
        /// Bytes that arrived.
        got: usize,
    },
    /// A JPEG of another size than the camera announced.
    #[error("a frame of {got} instead of {expected}")]
    OtherSize {
        /// What the camera announced.
        expected: Resolution,
        /// What arrived.
        got: Resolution,
    },
    /// JPEG data that ends before the image does.
    #[error("JPEG data that is cut short")]
    Cut,
    /// Invalid JPEG data.
    #[error("damaged JPEG data: {0}")]
    Damaged(String),
    /// The driver reports that it lost part of the frame.
    #[error("the driver marks it as damaged")]
    Marked,
}

impl From<Flaw> for DecodeError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Cut => Self::Cut,
            Flaw::Damaged(what) => Self::Damaged(what.to_owned()),
        }
    }
}

/// Decodes one camera frame into `rgba`, which holds exactly `resolution.n_pixels() * 4` bytes.
///
/// YUYV and NV12 are read as BT.601, luma 16 to 235, which USB cameras send; JPEG follows JFIF, BT.601 with the full
/// range. Alpha becomes 255. After an error the content of `rgba` is unspecified.
///
/// # Errors
/// A [`DecodeError`] for data that is cut, damaged or of the wrong size.
///
/// # Panics
/// If `rgba` has another length.
pub fn decode(
    format: PixelFormat,
    resolution: Resolution,
    data: &[u8],
    rgba: &mut [u8],
) -> Result<(), DecodeError> {
    assert_eq!(rgba.len(), resolution.n_pixels() * RGBA_BYTES);
    match format {
        PixelFormat::Mjpg => decode_jpeg(resolution, data, rgba),
        PixelFormat::Yuyv => decode_yuyv(resolution, data, rgba),
        PixelFormat::Nv12 => decode_nv12(resolution, data, rgba),
        PixelFormat::Rgb24 => decode_rgb24(data, rgba, |[r, g, b]| [r, g, b, 255]),
        PixelFormat::Bgr24 => decode_rgb24(data, rgba, |[b, g, r]| [r, g, b, 255]),
    }
}

fn decode_jpeg(resolution: Resolution, data: &[u8], rgba: &mut [u8]) -> Result<(), DecodeError> {
    let mut got = Resolution::default();
    let place = |found: Resolution| {
        got = found;
        (found == resolution).then_some(rgba)
    };
    match decode_jpeg_into(data, place) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(DecodeError::OtherSize {
            expected: resolution,
            got,
        }),
        Err(err) => Err(err),
    }
}

/// Decodes a JPEG of any size, into the buffer that `buffer` provides for that size.
///
/// # Errors
/// A [`DecodeError`] for data that is cut or damaged, or if there is no buffer for that size.
pub(super) fn decode_jpeg_of_any_size(
    data: &[u8],
    buffer: impl FnOnce(Resolution) -> Option<PooledBuffer>,
) -> Result<(Resolution, PooledBuffer), DecodeError> {
    let mut resolution = Resolution::default();
    let place = |found: Resolution| {
        resolution = found;
        buffer(found)
    };
    match decode_jpeg_into(data, place)? {
        Some(rgba) => Ok((resolution, rgba)),
        None => Err(DecodeError::Damaged(format!(
            "a frame of {resolution} is too large"
        ))),
    }
}

/// Decodes into what `place` provides for the size found, and returns that; `None` if it provides nothing.
fn decode_jpeg_into<B: std::ops::DerefMut<Target = [u8]>>(
    data: &[u8],
    place: impl FnOnce(Resolution) -> Option<B>,
) -> Result<Option<B>, DecodeError> {
    // The decoder reports errors, and no damage tried so far made it panic. But it reads bytes from a cable or a file,
    // and a panic would take the capture thread with it.
    panics::catch(|| {
        let with_tables = jpeg::with_standard_tables(data);
        let data = with_tables.as_deref().unwrap_or(data);
        // `place` judges the size.
        let options = DecoderOptions::default()
            .jpeg_set_out_colorspace(ColorSpace::RGBA)
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX));
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
        let damaged = |err| DecodeError::Damaged(format!("{err}"));
        // Data that is cut within its headers is called cut.
        decoder
            .decode_headers()
            .map_err(|err| match jpeg::check(data) {
                Err(flaw) => flaw.into(),
                Ok(()) => damaged(err),
            })?;
        let resolution = decoder.info().map_or(Resolution::default(), |info| {
            Resolution::new(info.width.into(), info.height.into())
        });
        if resolution.n_pixels() == 0 {
            return Err(DecodeError::Damaged("no pixels".to_owned()));
        }
        let Some(mut rgba) = place(resolution) else {
            return Ok(None);
        };
        jpeg::check(data)?;
        decoder.decode_into(&mut rgba).map_err(damaged)?;
        Ok(Some(rgba))
    })
    .unwrap_or_else(|| Err(DecodeError::Damaged("the decoder failed".to_owned())))
}

fn decode_yuyv(resolution: Resolution, data: &[u8], rgba: &mut [u8]) -> Result<(), DecodeError> {
    let width = resolution.width_px as usize;
    let row_bytes = width.div_ceil(2) * 4;
    let data = needed(data, row_bytes * resolution.height_px as usize)?;
    for (yuyv, rgba) in data
        .chunks_exact(row_bytes)
        .zip(rgba.chunks_exact_mut(width * RGBA_BYTES))
    {
        yuyv_row(&YuvMatrix::BT601, yuyv, rgba);
    }
    Ok(())
}

fn decode_nv12(resolution: Resolution, data: &[u8], rgba: &mut [u8]) -> Result<(), DecodeError> {
    let (width, height) = (resolution.width_px as usize, resolution.height_px as usize);
    let uv_row_bytes = width.div_ceil(2) * 2;
    let n_luma = width * height;
    let data = needed(data, n_luma + uv_row_bytes * height.div_ceil(2))?;
    let (luma, uv) = data.split_at(n_luma);
    for (y, (luma, rgba)) in luma
        .chunks_exact(width)
        .zip(rgba.chunks_exact_mut(width * RGBA_BYTES))
        .enumerate()
    {
        let uv = &uv[y / 2 * uv_row_bytes..][..uv_row_bytes];
        nv12_row(&YuvMatrix::BT601, luma, uv, rgba);
    }
    Ok(())
}

fn decode_rgb24(
    data: &[u8],
    rgba: &mut [u8],
    to_rgba: impl Fn([u8; 3]) -> [u8; RGBA_BYTES],
) -> Result<(), DecodeError> {
    let data = needed(data, rgba.len() / RGBA_BYTES * 3)?;
    let (pixels, _) = data.as_chunks::<3>();
    let (rgba, _) = rgba.as_chunks_mut::<RGBA_BYTES>();
    for (pixel, rgba) in pixels.iter().zip(rgba) {
        *rgba = to_rgba(*pixel);
    }
    Ok(())
}

/// The first `n_bytes` of a frame.
fn needed(data: &[u8], n_bytes: usize) -> Result<&[u8], DecodeError> {
    data.get(..n_bytes).ok_or(DecodeError::Truncated {
        needed: n_bytes,
        got: data.len(),
    })
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};
    use proptest::prelude::*;

    use super::*;

    fn decode_to_vec(
        format: PixelFormat,
        resolution: Resolution,
        data: &[u8],
    ) -> Result<Vec<u8>, DecodeError> {
        let mut rgba = vec![7; resolution.n_pixels() * RGBA_BYTES];
        decode(format, resolution, data, &mut rgba).map(|()| rgba)
    }

    fn jpeg(resolution: Resolution, rgb: [u8; 3]) -> Vec<u8> {
        let mut data = Vec::new();
        JpegEncoder::new_with_quality(&mut data, 95)
            .write_image(
                &rgb.repeat(resolution.n_pixels()),
                resolution.width_px,
                resolution.height_px,
                ExtendedColorType::Rgb8,
            )
            .unwrap();
        data
    }

    /// A frame of one color in each format, followed by old data as drivers leave it.
    fn one_color(format: PixelFormat, resolution: Resolution) -> Vec<u8> {
        let half = |n: u32| n.div_ceil(2) as usize;
        // Red: 81, 90, 240 in BT.601.
        let mut data = match format {
            PixelFormat::Mjpg => jpeg(resolution, [255, 0, 0]),
            PixelFormat::Yuyv => {
                [81, 90, 81, 240].repeat(half(resolution.width_px) * resolution.height_px as usize)
            }
            PixelFormat::Nv12 => {
                let mut data = vec![81; resolution.n_pixels()];
                data.extend(
                    [90, 240].repeat(half(resolution.width_px) * half(resolution.height_px)),
                );
                data
            }
            PixelFormat::Rgb24 => [255, 0, 0].repeat(resolution.n_pixels()),
            PixelFormat::Bgr24 => [0, 0, 255].repeat(resolution.n_pixels()),
        };
        data.extend([0xA5; 1000]);
        data
    }

    #[test]
    fn every_format_gives_red_at_any_size() {
        for format in PixelFormat::ALL {
            for (width_px, height_px) in [(1, 1), (2, 2), (3, 5), (17, 9), (64, 48)] {
                let resolution = Resolution::new(width_px, height_px);
                let rgba =
                    decode_to_vec(format, resolution, &one_color(format, resolution)).unwrap();
                for pixel in rgba.chunks_exact(RGBA_BYTES) {
                    let [r, g, b, a] = [pixel[0], pixel[1], pixel[2], pixel[3]];
                    assert!(
                        r > 250 && g < 5 && b < 5 && a == 255,
                        "{format} {resolution}: {pixel:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn short_frames_are_errors() {
        let resolution = Resolution::new(6, 4);
        for (format, needed) in [
            (PixelFormat::Yuyv, 48),
            (PixelFormat::Nv12, 36),
            (PixelFormat::Rgb24, 72),
            (PixelFormat::Bgr24, 72),
        ] {
            assert!(decode_to_vec(format, resolution, &vec![0; needed]).is_ok());
            assert_eq!(
                decode_to_vec(format, resolution, &vec![0; needed - 1]),
                Err(DecodeError::Truncated {
                    needed,
                    got: needed - 1
                })
            );
            assert!(decode_to_vec(format, resolution, &[]).is_err());
        }
    }

    #[test]
    fn a_jpeg_of_another_size_is_refused() {
        let data = jpeg(Resolution::new(16, 16), [0, 0, 0]);
        assert_eq!(
            decode_to_vec(PixelFormat::Mjpg, Resolution::new(16, 8), &data),
            Err(DecodeError::OtherSize {
                expected: Resolution::new(16, 8),
                got: Resolution::new(16, 16)
            })
        );
    }

    /// Webcams omit the Huffman tables, which are always those of the standard.
    #[test]
    fn a_jpeg_without_huffman_tables_is_read_with_the_standard_ones() {
        let resolution = Resolution::new(32, 16);
        let mut data = jpeg(resolution, [255, 0, 0]);
        // Every segment after the start of image is `FF marker length…`; drop those with the marker C4.
        let mut at = 2;
        while data[at + 1] != 0xDA {
            let length = 2 + usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]));
            if data[at + 1] == 0xC4 {
                data.drain(at..at + length);
            } else {
                at += length;
            }
        }
        let rgba = decode_to_vec(PixelFormat::Mjpg, resolution, &data).unwrap();
        assert!(rgba[0] > 250 && rgba[1] < 5, "{:?}", &rgba[..4]);
    }

    #[test]
    fn a_gray_jpeg_is_decoded() {
        let mut data = Vec::new();
        JpegEncoder::new(&mut data)
            .write_image(&[200; 64], 8, 8, ExtendedColorType::L8)
            .unwrap();
        let rgba = decode_to_vec(PixelFormat::Mjpg, Resolution::new(8, 8), &data).unwrap();
        assert_eq!(&rgba[..4], &[200, 200, 200, 255]);
    }

    #[test]
    fn other_data_is_an_error() {
        let resolution = Resolution::new(16, 16);
        let whole = jpeg(resolution, [9, 200, 30]);
        for data in [
            &[][..],
            &[0; 5000],
            b"\xFF\xD8",
            &whole[..20],
            &whole[..whole.len() / 3],
        ] {
            let result = decode_to_vec(PixelFormat::Mjpg, resolution, data);
            assert!(
                matches!(result, Err(DecodeError::Damaged(_) | DecodeError::Cut)),
                "{result:?}"
            );
        }
    }

    /// The decoder itself returns a frame that is gray from the cut on.
    #[test]
    fn a_cut_jpeg_is_an_error() {
        let resolution = Resolution::new(64, 64);
        let whole = jpeg(resolution, [9, 200, 30]);
        for length in [whole.len() - 10, whole.len() - 40, whole.len() / 2] {
            for end in [&[][..], b"\xFF\xD9"] {
                let data = [&whole[..length], end].concat();
                let result = decode_to_vec(PixelFormat::Mjpg, resolution, &data);
                assert_eq!(result, Err(DecodeError::Cut), "{length}");
            }
        }
    }

    proptest! {
        /// Flipped bits lead to a frame or an error, nothing else.
        #[test]
        fn damaged_jpegs_never_panic(hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30)) {
            let resolution = Resolution::new(40, 24);
            let mut data = jpeg(resolution, [120, 90, 200]);
            for (at, value) in hits {
                let at = at.index(data.len());
                data[at] = value;
            }
            let _: Result<_, DecodeError> = decode_to_vec(PixelFormat::Mjpg, resolution, &data);
        }
    }
}
