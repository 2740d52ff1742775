//! What a container says about an H.264 stream: how packets are divided, and the parameter sets.
//!
//! Packets in MP4 and Matroska are NAL units, each after its length; the decoder wants them after start codes (Annex B),
//! with the parameter sets before each frame at which decoding can start.
//! Source: ISO/IEC 14496-15, clause 5.3.3 (`AVCDecoderConfigurationRecord`).

use super::sps::{self, VideoFormat};
use crate::capture::{
    limits,
    video::{
        container::{BadPacket, Packet},
        error::OpenError,
    },
};

/// Blocks of 16×16 pixels in a frame: the limit of level 5.2, the highest that the bundled decoder supports.
const MAX_BLOCKS: usize = 36_864;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The configuration of a stream that the bundled decoder supports.
#[derive(Debug)]
pub(super) struct H264Config {
    /// Bytes of the length before each NAL unit, 1 to 4.
    nal_length_bytes: usize,
    /// In Annex B form.
    parameter_sets: Vec<u8>,
    pub(super) format: VideoFormat,
}

impl H264Config {
    /// Reads the record, and refuses what would make the bundled decoder fail frame by frame.
    pub(super) fn parse(record: &[u8]) -> Result<Self, OpenError> {
        let config = Self::read(record)
            .ok_or_else(|| OpenError::damaged("its H.264 parameters are damaged"))?;
        if let Some(kind) = config.format.unsupported() {
            return Err(OpenError::Unsupported(format!("{kind} H.264 video")));
        }
        let resolution = config.format.resolution;
        limits::check_frame(resolution)?;
        let side_in_blocks = |side_px: u32| side_px.div_ceil(16) as usize;
        let n_blocks = side_in_blocks(resolution.width_px) * side_in_blocks(resolution.height_px);
        if n_blocks > MAX_BLOCKS {
            return Err(OpenError::Unsupported(format!(
                "H.264 video of {resolution} px"
            )));
        }
        Ok(config)
    }

    fn read(record: &[u8]) -> Option<Self> {
        let [1, _, _, _, lengths, n_sets, rest @ ..] = record else {
            return None;
        };
        let mut rest = rest;
        let mut parameter_sets = Vec::new();
        let mut format = None;
        for unit in take_units(&mut rest, n_sets & 0x1F)? {
            parameter_sets.extend(START_CODE);
            parameter_sets.extend(unit);
            format = format.or_else(|| sps::parse(unit));
        }
        let (n_picture_sets, mut rest) = rest.split_first()?;
        for unit in take_units(&mut rest, *n_picture_sets)? {
            parameter_sets.extend(START_CODE);
            parameter_sets.extend(unit);
        }
        Some(Self {
            nal_length_bytes: usize::from(lengths & 3) + 1,
            parameter_sets,
            format: format?,
        })
    }

    /// Writes a packet in Annex B form to `annex_b`.
    pub(super) fn to_annex_b(
        &self,
        packet: &Packet,
        annex_b: &mut Vec<u8>,
    ) -> Result<(), BadPacket> {
        annex_b.clear();
        if packet.is_sync {
            annex_b.extend(&self.parameter_sets);
        }
        let mut rest = &packet.data[..];
        while !rest.is_empty() {
            let (length, tail) = rest
                .split_at_checked(self.nal_length_bytes)
                .ok_or(BadPacket)?;
            let length = length
                .iter()
                .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
            let (unit, tail) = tail.split_at_checked(length).ok_or(BadPacket)?;
            annex_b.extend(START_CODE);
            annex_b.extend(unit);
            rest = tail;
        }
        Ok(())
    }
}

/// The next `n` units, each after a length of two bytes.
fn take_units<'a>(rest: &mut &'a [u8], n: u8) -> Option<Vec<&'a [u8]>> {
    (0..n)
        .map(|_| {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (unit, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into())?;
            *rest = tail;
            Some(unit)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Resolution;

    /// Baseline, 320×240, as x264 (core 164) writes it.
    const SPS: &[u8] = &[
        0x67, 0x42, 0xC0, 0x0D, 0xD9, 0x01, 0x41, 0xFB, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0x20, 0xF1, 0x42, 0xA4, 0x80,
    ];

    fn record() -> Vec<u8> {
        let mut record = vec![1, 0x42, 0xC0, 0x0D, 0xFD, 0xE1, 0, SPS.len() as u8];
        record.extend(SPS);
        record.extend([1, 0, 2, 0x68, 0xCE]);
        record
    }

    #[test]
    fn packets_get_start_codes_and_parameter_sets() {
        let config = H264Config::parse(&record()).unwrap();
        assert_eq!(config.nal_length_bytes, 2);
        let mut packet = Packet {
            data: vec![0, 1, 9, 0, 2, 5, 6],
            pts: 0,
            is_sync: false,
        };
        let mut annex_b = Vec::new();
        config.to_annex_b(&packet, &mut annex_b).unwrap();
        assert_eq!(annex_b, [0, 0, 0, 1, 9, 0, 0, 0, 1, 5, 6]);
        packet.is_sync = true;
        config.to_annex_b(&packet, &mut annex_b).unwrap();
        assert_eq!(annex_b.len(), 11 + 4 + SPS.len() + 4 + 2);
        // Lengths that point beyond the packet.
        for data in [vec![0], vec![0, 3, 1, 2], vec![0xFF, 0xFF]] {
            packet.data = data;
            assert_eq!(config.to_annex_b(&packet, &mut annex_b), Err(BadPacket));
        }
    }

    /// 13364×13364, from a damaged file; and 8192×4320, which only ffmpeg decodes.
    #[test]
    fn sizes_beyond_the_limits_are_refused() {
        let refusal = |width_in_blocks: u32, height_in_blocks: u32| {
            // Name, profile, constraints and level.
            let mut bits = String::from("01100111010000101100000000001101");
            let golomb = |n: u32| format!("{:0>1$b}", n + 1, 2 * (n + 1).ilog2() as usize + 1);
            // Three numbers of kinds, one of bits, and one reference frame.
            for n in [0, 0, 0, 0, 1] {
                bits += &golomb(n);
            }
            bits += "0";
            bits += &golomb(width_in_blocks - 1);
            bits += &golomb(height_in_blocks - 1);
            bits += "11001";
            let sps: Vec<u8> = bits
                .as_bytes()
                .chunks(8)
                .map(|bits| {
                    let bits = format!("{:0<8}", std::str::from_utf8(bits).unwrap());
                    u8::from_str_radix(&bits, 2).unwrap()
                })
                .collect();
            let mut record = vec![1, 0x42, 0xC0, 0x0D, 0xFD, 0xE1, 0, sps.len() as u8];
            record.extend(sps);
            record.extend([1, 0, 2, 0x68, 0xCE]);
            H264Config::parse(&record).map(|config| config.format.resolution)
        };
        assert_eq!(refusal(120, 68), Ok(Resolution::new(1920, 1088)));
        assert!(matches!(refusal(512, 270), Err(OpenError::Unsupported(_))));
        assert!(matches!(refusal(836, 836), Err(OpenError::Refused(_))));
        assert!(matches!(refusal(60_000, 1), Err(OpenError::Refused(_))));
    }

    #[test]
    fn records_that_end_early_are_refused() {
        let record = record();
        for length in 0..record.len() {
            let refusal = H264Config::parse(&record[..length]).unwrap_err();
            assert!(matches!(refusal, OpenError::Damaged(_)), "{length} bytes");
        }
    }
}
