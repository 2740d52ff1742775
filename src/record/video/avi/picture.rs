//! One picture as JPEG, with its time inside.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::{
    frame::Resolution,
    record::video::{VideoCodec, VideoError},
};

/// What encodes.
pub(super) const ENCODER: &str = "jpeg-encoder 0.7";
/// Camera pictures have about 44 dB PSNR and 1 bit a pixel with it; more shows the sensor's noise, not the face.
const QUALITY: u8 = 85;
/// Number of the application segment that holds the time, and how its content starts; eight bytes of ticks follow.
const SEGMENT: u8 = 15;
const SEGMENT_NAME: &[u8] = b"fervis\0";
/// So far into a picture the time lies at most: after the start and the JFIF segment.
pub(super) const TIME_WITHIN_BYTES: usize = 64;

/// Encodes a picture into `jpeg`, which is emptied before.
pub(super) fn encode(
    rgba: &[u8],
    resolution: Resolution,
    ticks: u64,
    jpeg: &mut Vec<u8>,
) -> Result<(), VideoError> {
    let failed = |reason: String| VideoError::Encoder {
        codec: VideoCodec::Mjpeg.name(),
        reason,
    };
    // Checked when the file was made.
    let [Ok(width), Ok(height)] = [resolution.width_px, resolution.height_px].map(u16::try_from)
    else {
        return Err(failed(format!("{resolution} is too large")));
    };
    jpeg.clear();
    let mut encoder = Encoder::new(jpeg, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .add_app_segment(SEGMENT, [SEGMENT_NAME, &ticks.to_be_bytes()].concat())
        .and_then(|()| encoder.encode(rgba, width, height, ColorType::Rgba))
        .map_err(|err| failed(err.to_string()))
}

/// The time inside a picture of ours, ticks; `start` may hold just its first [`TIME_WITHIN_BYTES`].
pub(super) fn time(start: &[u8]) -> Option<u64> {
    let mut rest = start.strip_prefix(&[0xFF, 0xD8])?;
    while let [0xFF, marker @ 0xE0..=0xEF, high, low, ..] = *rest {
        let (segment, after) = rest
            .get(2..)?
            .split_at_checked(u16::from_be_bytes([high, low]).into())?;
        if marker == 0xE0 + SEGMENT
            && let Some(ticks) = segment.get(2..)?.strip_prefix(SEGMENT_NAME)
        {
            return Some(u64::from_be_bytes(ticks.try_into().ok()?));
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_knows_its_time_and_shows_what_was_given() {
        let size = Resolution::new(17, 9);
        let rgba: Vec<u8> = (0..size.n_pixels())
            .flat_map(|at| {
                if at % 17 < 8 {
                    [200, 30, 30, 255]
                } else {
                    [20, 40, 180, 255]
                }
            })
            .collect();
        let mut jpeg = b"old".to_vec();
        encode(&rgba, size, 123_456_789_012, &mut jpeg).unwrap();
        assert_eq!(time(&jpeg[..TIME_WITHIN_BYTES]), Some(123_456_789_012));
        let picture = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (17, 9));
        for (x, wanted) in [(1, [200u8, 30, 30]), (15, [20, 40, 180])] {
            for (found, wanted) in picture.get_pixel(x, 4).0.iter().zip(wanted) {
                assert!(found.abs_diff(wanted) < 12, "{:?}", picture.get_pixel(x, 4));
            }
        }
    }

    #[test]
    fn other_pictures_have_no_time() {
        let mut jpeg = Vec::new();
        Encoder::new(&mut jpeg, 80)
            .encode(&[0; 64], 4, 4, ColorType::Rgba)
            .unwrap();
        assert_eq!(time(&jpeg), None);
        assert_eq!(time(b"\xFF\xD8\xFF\xEF"), None);
        assert_eq!(time(b"\xFF\xD8\xFF\xEF\0\0fervis\0"), None);
        assert_eq!(time(b""), None);
    }
}
