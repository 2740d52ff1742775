//! The header of a fragment, as the recorder writes it.

use std::io;

use shiguredo_mp4::{
    Encode,
    boxes::{MfhdBox, MoofBox, TfdtBox, TfhdBox, TrafBox, TrunBox, TrunSample},
};

use super::layout::{
    FRAGMENT_BYTES, FRAGMENT_BYTES_PER_SAMPLE, KEY_FLAGS, OTHER_FLAGS, TRACK_ID, not_encoded,
};

/// One frame of a fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct FragmentSample {
    pub(super) size: u32,
    pub(super) duration: u32,
    pub(super) is_key: bool,
}

/// `moof` and the header of `mdat` for frames that follow; `sequence` counts fragments from 1.
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
