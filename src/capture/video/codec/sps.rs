//! What an H.264 sequence parameter set says about colors, and about whether the bundled decoder supports the stream.
//!
//! The decoder does not pass these on, and what it does not support makes it fail only frame by frame.
//! Source: ITU-T H.264 (08/2021), clauses 7.3.2.1.1 and E.1.1.

use super::bits::Bits;
use crate::{
    capture::video::decoded::{Colors, PixelAspect},
    frame::Resolution,
};

/// The kind of frames in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VideoFormat {
    /// 0 gray, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub(super) chroma_format: u32,
    /// Bits of a luma sample.
    pub(super) bit_depth: u32,
    pub(super) is_interlaced: bool,
    pub(super) colors: Colors,
    pub(super) pixel_aspect: PixelAspect,
    /// Size of the frames after cropping.
    pub(super) resolution: Resolution,
}

impl VideoFormat {
    /// What the bundled decoder does not support about it, if anything.
    pub(super) fn unsupported(self) -> Option<String> {
        if self.bit_depth != 8 {
            Some(format!("{}-bit", self.bit_depth))
        } else if self.is_interlaced {
            Some("interlaced".to_owned())
        } else {
            match self.chroma_format {
                1 => None,
                0 => Some("gray".to_owned()),
                2 => Some("4:2:2".to_owned()),
                _ => Some("4:4:4".to_owned()),
            }
        }
    }
}

/// Profiles whose parameter sets name the chroma format and bit depth.
const HIGH_PROFILES: [u32; 13] = [44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244];

/// Reads a parameter set, a NAL unit without its start code; `None` if it is another kind of unit or ends early.
pub(super) fn parse(unit: &[u8]) -> Option<VideoFormat> {
    if unit.first()? & 0x1F != 7 {
        return None;
    }
    let payload = without_emulation_prevention(&unit[1..]);
    let mut bits = Bits::new(&payload);
    let profile = bits.take(8)?;
    bits.take(16)?; // Constraints and level.
    bits.exp_golomb()?; // Id.
    let (mut chroma_format, mut bit_depth) = (1, 8);
    if HIGH_PROFILES.contains(&profile) {
        chroma_format = bits.exp_golomb()?;
        if chroma_format == 3 {
            bits.take(1)?; // Separate planes.
        }
        let luma_depth = bits.exp_golomb()?.checked_add(8)?;
        let chroma_depth = bits.exp_golomb()?.checked_add(8)?;
        bit_depth = luma_depth.max(chroma_depth);
        bits.take(1)?; // Lossless.
        if bits.flag()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.exp_golomb()?; // Bits of the frame number.
    match bits.exp_golomb()? {
        0 => drop(bits.exp_golomb()?),
        1 => {
            bits.take(1)?;
            bits.exp_golomb()?; // Signed, but only its length counts here and below.
            bits.exp_golomb()?;
            for _ in 0..bits.exp_golomb()?.min(255) {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    bits.exp_golomb()?; // Reference frames.
    bits.take(1)?;
    let width_in_blocks = bits.exp_golomb()?.checked_add(1)?;
    let height_in_blocks = bits.exp_golomb()?.checked_add(1)?;
    let is_interlaced = !bits.flag()?;
    if is_interlaced {
        bits.take(1)?;
    }
    bits.take(1)?;
    let mut crop = [0; 4]; // Left, right, top, bottom, in units of chroma samples.
    if bits.flag()? {
        for side in &mut crop {
            *side = bits.exp_golomb()?;
        }
    }
    let (unit_x, unit_y) = match chroma_format {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let fields = if is_interlaced { 2 } else { 1 };
    let side = |n_blocks: u32, fields: u32, unit: u32, crop: [u32; 2]| {
        let cropped = crop[0].checked_add(crop[1])?.checked_mul(unit * fields)?;
        n_blocks.checked_mul(16 * fields)?.checked_sub(cropped)
    };
    let resolution = Resolution::new(
        side(width_in_blocks, 1, unit_x, [crop[0], crop[1]])?,
        side(height_in_blocks, fields, unit_y, [crop[2], crop[3]])?,
    );
    // The rest is optional; a set that ends here is complete.
    let mut usability = Usability::default();
    let _whole: Option<()> = usability.read(&mut bits);
    Some(VideoFormat {
        chroma_format,
        bit_depth,
        is_interlaced,
        colors: usability.colors,
        pixel_aspect: usability.pixel_aspect,
        resolution,
    })
}

/// Pixel aspects by their number, table E-1.
const PIXEL_ASPECTS: [(u64, u64); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// The beginning of the usability information.
#[derive(Default)]
struct Usability {
    colors: Colors,
    pixel_aspect: PixelAspect,
}

impl Usability {
    /// Keeps what was read if the end comes early.
    fn read(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if !bits.flag()? {
            return None;
        }
        if bits.flag()? {
            let (horizontal, vertical) = match bits.take(8)? {
                255 => (bits.take(16)?.into(), bits.take(16)?.into()),
                number => (number.checked_sub(1))
                    .and_then(|i| PIXEL_ASPECTS.get(i as usize).copied())
                    .unwrap_or((1, 1)),
            };
            self.pixel_aspect = PixelAspect::new(horizontal, vertical);
        }
        if bits.flag()? {
            bits.take(1)?; // Overscan.
        }
        if !bits.flag()? {
            return None;
        }
        bits.take(3)?;
        let is_full_range = bits.flag()?;
        let matrix = if bits.flag()? {
            bits.take(16)?; // Primaries and transfer.
            u8::try_from(bits.take(8)?).ok()
        } else {
            None
        };
        self.colors = Colors::new(matrix, Some(is_full_range));
        Some(())
    }
}

/// Drops the 3 of each `0 0 3`, which encoders insert so that no start code appears by chance.
fn without_emulation_prevention(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut n_zeros = 0;
    for &byte in bytes {
        if n_zeros >= 2 && byte == 3 {
            n_zeros = 0;
            continue;
        }
        n_zeros = if byte == 0 { n_zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

fn skip_scaling_list(bits: &mut Bits<'_>, length: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..length {
        if next != 0 {
            let code = i64::from(bits.exp_golomb()?);
            let delta = if code % 2 == 1 {
                (code + 1) / 2
            } else {
                -code / 2
            };
            next = (last + delta).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_hex(hex: &str) -> VideoFormat {
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        parse(&bytes).unwrap()
    }

    const PLAIN: VideoFormat = VideoFormat {
        chroma_format: 1,
        bit_depth: 8,
        is_interlaced: false,
        colors: UNDECLARED,
        pixel_aspect: SQUARE,
        resolution: Resolution::new(320, 240),
    };

    const UNDECLARED: Colors = Colors {
        matrix: None,
        is_full_range: None,
    };

    const SQUARE: PixelAspect = PixelAspect {
        horizontal: 1,
        vertical: 1,
    };

    fn declared(matrix: u8, is_full_range: bool) -> Colors {
        Colors::new(Some(matrix), Some(is_full_range))
    }

    /// Parameter sets that x264 (core 164) wrote for 320×240 video with these settings.
    #[test]
    fn real_parameter_sets_are_read() {
        for (hex, expected) in [
            ("6742c00dd90141fb011000000300100000030320f142a480", PLAIN), // Baseline.
            (
                "6764000dacd94141fb016a020202800000030080000019078a14cb",
                VideoFormat {
                    colors: declared(1, false),
                    ..PLAIN
                },
            ),
            (
                "6764000dacd94141fb016e04040c800000030080000019078a14cb",
                VideoFormat {
                    colors: declared(6, true),
                    ..PLAIN
                },
            ),
            (
                "676e000da6cd94141fb011000003000100000300320f142996",
                VideoFormat {
                    bit_depth: 10,
                    ..PLAIN
                },
            ),
            (
                "677a000dbcd94141fb011000000300100000030320f1429960",
                VideoFormat {
                    chroma_format: 2,
                    ..PLAIN
                },
            ),
            (
                "67f4000d919b28283f6022000003000200000300641e28532c",
                VideoFormat {
                    chroma_format: 3,
                    ..PLAIN
                },
            ),
            (
                "67640015acd941410fcb808800000300080000030190f8a14cb0",
                VideoFormat {
                    is_interlaced: true,
                    ..PLAIN
                },
            ),
            // With a sample aspect ratio of 17:13 before the colors.
            (
                "6764000dacd94141fbff0011000d6a040402800000030080000019078a14cb",
                VideoFormat {
                    colors: declared(1, false),
                    pixel_aspect: PixelAspect::new(17, 13),
                    ..PLAIN
                },
            ),
        ] {
            assert_eq!(parse_hex(hex), expected, "{hex}");
        }
    }

    #[test]
    fn unsupported_formats_have_a_name() {
        for (format, name) in [
            (PLAIN, None),
            (
                VideoFormat {
                    bit_depth: 10,
                    ..PLAIN
                },
                Some("10-bit"),
            ),
            (
                VideoFormat {
                    is_interlaced: true,
                    ..PLAIN
                },
                Some("interlaced"),
            ),
            (
                VideoFormat {
                    chroma_format: 3,
                    ..PLAIN
                },
                Some("4:4:4"),
            ),
        ] {
            assert_eq!(format.unsupported().as_deref(), name);
        }
    }

    #[test]
    fn other_units_are_refused() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0x67]), None);
        assert_eq!(parse(&[0x68, 0xCE, 0x3C, 0x80]), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut unit = vec![0x67];
            unit.extend(bytes);
            let _: Option<VideoFormat> = parse(&unit);
        }
    }
}
