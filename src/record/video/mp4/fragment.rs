//! The boxes that only a file has that is being recorded.

use std::{io, time::SystemTime};

use shiguredo_mp4::{
    BoxSize, BoxType, Encode, Mp4FileTime, SampleFlags,
    bitstream::h264::{H264SampleEntryConfig, LengthSize, build_avc1_box},
    boxes::{
        MfhdBox, MoofBox, MvexBox, TfdtBox, TfhdBox, TrafBox, TrexBox, TrunBox, TrunSample,
        UnknownBox,
    },
};

use super::{
    index::SampleIndex,
    layout::{
        FRAGMENT_BYTES, FRAGMENT_BYTES_PER_SAMPLE, FTYP_RECORDING, HEAD_BYTES, KEY_FLAGS, MARKER,
        NO_MDAT, OTHER_FLAGS, TRACK_ID, Track, not_encoded,
    },
};

/// The head of a file while it is recorded.
pub(super) fn recording_head() -> [u8; HEAD_BYTES as usize] {
    let mut head = [0; HEAD_BYTES as usize];
    head[..32].copy_from_slice(&FTYP_RECORDING);
    head[32..64].copy_from_slice(&MARKER);
    head[64..].copy_from_slice(&NO_MDAT);
    head
}

impl Track {
    /// A track of H.264 with these parameter sets (without start codes), in BT.709 with limited range.
    ///
    /// # Errors
    /// If they cannot be understood.
    pub(in crate::record::video) fn new(
        sequence_parameters: &[u8],
        picture_parameters: &[u8],
        created: SystemTime,
    ) -> io::Result<Self> {
        let config = H264SampleEntryConfig {
            length_size: LengthSize::FourBytes,
        };
        let mut entry = build_avc1_box(
            &[sequence_parameters.to_vec()],
            &[picture_parameters.to_vec()],
            &config,
        )
        .map_err(not_encoded)?;
        // The parameter sets say it too, but QuickTime looks only here (ISO/IEC 14496-12, 12.1.5).
        let colours = b"nclx\0\x01\0\x01\0\x01\0".to_vec();
        entry.unknown_boxes.push(UnknownBox {
            box_type: BoxType::Normal(*b"colr"),
            box_size: BoxSize::U32(8 + colours.len() as u32),
            payload: colours,
        });
        let since_1970 = created
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            entry,
            created: Mp4FileTime::from_unix_time(since_1970),
        })
    }

    /// `moov` of a file that goes on in fragments.
    pub(super) fn fragmented_moov(&self) -> io::Result<Vec<u8>> {
        let mut moov = self.moov(&SampleIndex::default());
        moov.mvex_box = Some(MvexBox {
            mehd_box: None,
            trex_boxes: vec![TrexBox {
                track_id: TRACK_ID,
                default_sample_description_index: 1,
                default_sample_duration: 0,
                default_sample_size: 0,
                default_sample_flags: SampleFlags::empty(),
            }],
            unknown_boxes: Vec::new(),
        });
        moov.encode_to_vec().map_err(not_encoded)
    }
}

/// One picture of a fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct FragmentSample {
    pub(super) size: u32,
    pub(super) duration: u32,
    pub(super) is_key: bool,
}

/// `moof` and the header of `mdat` for pictures that follow; `sequence` counts fragments from 1.
pub(super) fn fragment_header(
    sequence: u32,
    start_ticks: u64,
    samples: impl ExactSizeIterator<Item = FragmentSample>,
) -> io::Result<Vec<u8>> {
    let header_bytes = FRAGMENT_BYTES + FRAGMENT_BYTES_PER_SAMPLE * samples.len() as u64;
    let mut payload_bytes: u64 = 0;
    let samples = samples
        .map(|sample| {
            payload_bytes += u64::from(sample.size);
            TrunSample {
                duration: Some(sample.duration),
                size: Some(sample.size),
                flags: Some(if sample.is_key {
                    KEY_FLAGS
                } else {
                    OTHER_FLAGS
                }),
                composition_time_offset: None,
            }
        })
        .collect();
    let too_large = || io::Error::other("half a second of video is larger than 4 GB");
    let data_offset = i32::try_from(header_bytes).map_err(|_| too_large())?;
    let mdat_bytes = u32::try_from(payload_bytes + 8).map_err(|_| too_large())?;
    let moof = MoofBox {
        mfhd_box: MfhdBox {
            sequence_number: sequence,
        },
        traf_boxes: vec![TrafBox {
            tfhd_box: TfhdBox {
                track_id: TRACK_ID,
                base_data_offset: None,
                sample_description_index: None,
                default_sample_duration: None,
                default_sample_size: None,
                default_sample_flags: None,
                duration_is_empty: false,
                default_base_is_moof: true,
            },
            tfdt_box: Some(TfdtBox {
                version: 1,
                base_media_decode_time: start_ticks,
            }),
            trun_boxes: vec![TrunBox {
                data_offset: Some(data_offset),
                first_sample_flags: None,
                samples,
            }],
            unknown_boxes: Vec::new(),
        }],
        unknown_boxes: Vec::new(),
    };
    let mut header = moof.encode_to_vec().map_err(not_encoded)?;
    header.extend(mdat_bytes.to_be_bytes());
    header.extend(b"mdat");
    assert_eq!(
        header.len() as u64,
        header_bytes,
        "the layout of a fragment is fixed"
    );
    Ok(header)
}
