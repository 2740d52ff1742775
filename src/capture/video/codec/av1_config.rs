//! What a container says about an AV1 stream: its kind, and the sequence header.
//!
//! Source: "AV1 Codec ISO Media File Format Binding", 2.3; Matroska stores the same record.

use crate::capture::video::error::OpenError;

/// The configuration of a stream that the bundled decoder supports.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Av1Config {
    /// The sequence header as OBUs, to insert before each packet at which decoding can start; empty if the packets have it.
    pub(super) sequence_header: Vec<u8>,
}

impl Av1Config {
    /// Reads the record, which some Matroska files lack, and refuses kinds that the bundled decoder cannot show.
    pub(super) fn parse(record: &[u8]) -> Result<Self, OpenError> {
        let (kind, sequence_header) = match record {
            [] => {
                return Ok(Self {
                    sequence_header: Vec::new(),
                });
            }
            [0x81, _profile_and_level, kind, _delay, sequence_header @ ..] => {
                (kind, sequence_header)
            }
            _ => {
                return Err(OpenError::damaged("its AV1 parameters are damaged"));
            }
        };
        let is = |bit: u8| kind >> bit & 1 == 1;
        let (is_high_depth, is_12_bit, is_gray) = (is(6), is(5), is(4));
        let (is_half_wide, is_half_high) = (is(3), is(2));
        let unsupported = if is_high_depth {
            Some(if is_12_bit { "12-bit" } else { "10-bit" })
        } else if is_gray || (is_half_wide && is_half_high) {
            None
        } else {
            Some(if is_half_wide { "4:2:2" } else { "4:4:4" })
        };
        match unsupported {
            Some(kind) => Err(OpenError::Unsupported(format!("{kind} AV1 video"))),
            None => Ok(Self {
                sequence_header: sequence_header.to_vec(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_av1_are_distinguished() {
        let refusal = |kind: u8| match Av1Config::parse(&[0x81, 0, kind, 0, 7, 8]) {
            Ok(config) => {
                assert_eq!(config.sequence_header, [7, 8]);
                None
            }
            Err(OpenError::Unsupported(what)) => Some(what),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(refusal(0b0000_1100), None);
        assert_eq!(refusal(0b0001_1100), None, "gray");
        assert_eq!(refusal(0b0100_1100).as_deref(), Some("10-bit AV1 video"));
        assert_eq!(refusal(0b0110_1100).as_deref(), Some("12-bit AV1 video"));
        assert_eq!(refusal(0b0000_1000).as_deref(), Some("4:2:2 AV1 video"));
        assert_eq!(refusal(0).as_deref(), Some("4:4:4 AV1 video"));
        assert!(Av1Config::parse(&[]).is_ok());
        for record in [&[0x81][..], &[0, 0, 0, 0], b"OBU!"] {
            assert!(matches!(
                Av1Config::parse(record),
                Err(OpenError::Damaged(_))
            ));
        }
    }
}
