//! The bytes of the boxes, from the structures of `shiguredo_mp4` (ISO/IEC 14496-12 and -15).
//!
//! The first 80 bytes have the same places in every state of a file, so that its state is told by reading them, and
//! changed by overwriting 16 or 32 of them.

use std::{io, num::NonZeroU32};

use shiguredo_mp4::{
    Either, Encode, FixedPointNumber, LanguageCode, Mp4FileTime, SampleFlags,
    boxes::{
        Avc1Box, Co64Box, DinfBox, HdlrBox, MdhdBox, MdiaBox, MediaHeader, MinfBox, MoovBox,
        MvhdBox, SampleEntry, StblBox, StcoBox, StscBox, StscEntry, StsdBox, StssBox, StszBox,
        SttsBox, TkhdBox, TrakBox, VmhdBox,
    },
};

use super::index::SampleIndex;
use crate::time::TICKS_PER_SECOND;

/// `ftyp` while recording.
pub(super) const FTYP_RECORDING: [u8; 32] = *b"\0\0\0\x20ftypiso5\0\0\0\0iso5iso6avc1mp41";
/// `ftyp` of the plain file.
pub(super) const FTYP_FINISHED: [u8; 32] = *b"\0\0\0\x20ftypisom\0\0\0\0isomiso2avc1mp41";
/// A box that players skip; by it we know our own files.
pub(super) const MARKER: [u8; 32] = *b"\0\0\0\x20freefervis crash-safe MP4, 1";
/// Where the marker lies.
pub(super) const MARKER_AT: u64 = 32;
/// While recording, in the place of the `mdat` header.
pub(super) const NO_MDAT: [u8; 16] = *b"\0\0\0\x10free\0\0\0\0\0\0\0\0";
/// Where the `mdat` box of the plain file starts.
pub(super) const MDAT_AT: u64 = 64;
/// Length of all that; here the first `moov` starts.
pub(super) const HEAD_BYTES: u64 = 80;

/// Bytes of a fragment's header without its list of pictures: `moof`, `mfhd`, `traf`, `tfhd`, `tfdt`, `trun` and the
/// header of `mdat`.
pub(super) const FRAGMENT_BYTES: u64 = 8 + 16 + 8 + 16 + 20 + 20 + 8;
/// Bytes of each picture in that list.
pub(super) const FRAGMENT_BYTES_PER_SAMPLE: u64 = 12;

/// Flags of a frame that needs no other one (ISO/IEC 14496-12, 8.8.3.1: `sample_depends_on` = 2).
pub(super) const KEY_FLAGS: SampleFlags = SampleFlags::from_fields(0, 2, 0, 0, 0, false, 0);
/// Flags of one that does.
pub(super) const OTHER_FLAGS: SampleFlags = SampleFlags::from_fields(0, 1, 0, 0, 0, true, 0);

/// There is one track; its number.
pub(super) const TRACK_ID: u32 = 1;
/// The header of the `mdat` box that goes up to `end`.
pub(super) fn mdat_header(end: u64) -> [u8; 16] {
    let mut header = *b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
    header[8..].copy_from_slice(&(end - MDAT_AT).to_be_bytes());
    header
}

/// What is said once about the video.
#[derive(Debug, Clone)]
pub(in crate::record::video) struct Track {
    pub(super) entry: Avc1Box,
    pub(super) created: Mp4FileTime,
}

impl Track {
    /// `moov` of a plain file with these pictures.
    pub(super) fn plain_moov(&self, index: &SampleIndex) -> io::Result<Vec<u8>> {
        self.moov(index).encode_to_vec().map_err(not_encoded)
    }

    /// `moov` with these pictures, to which boxes can be added.
    pub(super) fn moov(&self, index: &SampleIndex) -> MoovBox {
        let timescale = NonZeroU32::MIN.saturating_add(TICKS_PER_SECOND as u32 - 1);
        let duration = index.end_ticks();
        let side = |px: u16| FixedPointNumber::new(i16::try_from(px).unwrap_or(i16::MAX), 0);
        MoovBox {
            mvhd_box: MvhdBox {
                creation_time: self.created,
                modification_time: self.created,
                timescale,
                duration,
                rate: MvhdBox::DEFAULT_RATE,
                volume: MvhdBox::DEFAULT_VOLUME,
                matrix: MvhdBox::DEFAULT_MATRIX,
                next_track_id: TRACK_ID + 1,
            },
            trak_boxes: vec![TrakBox {
                tkhd_box: TkhdBox {
                    flag_track_enabled: true,
                    flag_track_in_movie: true,
                    flag_track_in_preview: false,
                    flag_track_size_is_aspect_ratio: false,
                    creation_time: self.created,
                    modification_time: self.created,
                    track_id: TRACK_ID,
                    duration,
                    layer: TkhdBox::DEFAULT_LAYER,
                    alternate_group: TkhdBox::DEFAULT_ALTERNATE_GROUP,
                    volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
                    matrix: TkhdBox::DEFAULT_MATRIX,
                    width: side(self.entry.visual.width),
                    height: side(self.entry.visual.height),
                },
                edts_box: None,
                mdia_box: MdiaBox {
                    mdhd_box: MdhdBox {
                        creation_time: self.created,
                        modification_time: self.created,
                        timescale,
                        duration,
                        language: LanguageCode::UNDEFINED,
                    },
                    hdlr_box: HdlrBox {
                        handler_type: HdlrBox::HANDLER_TYPE_VIDE,
                        name: b"fervis\0".to_vec(),
                    },
                    minf_box: MinfBox {
                        media_header: Some(MediaHeader::Vmhd(VmhdBox::default())),
                        dinf_box: DinfBox::LOCAL_FILE,
                        stbl_box: self.sample_table(index),
                        unknown_boxes: Vec::new(),
                    },
                    unknown_boxes: Vec::new(),
                },
                unknown_boxes: Vec::new(),
            }],
            mvex_box: None,
            unknown_boxes: Vec::new(),
        }
    }

    fn sample_table(&self, index: &SampleIndex) -> StblBox {
        let one_based = |at: usize| NonZeroU32::MIN.saturating_add(at as u32);
        let mut runs: Vec<StscEntry> = Vec::new();
        for chunk_idx in 0..index.chunks().len() {
            let sample_per_chunk = index.samples_of(chunk_idx).len() as u32;
            // An entry holds until the next one, so equal ones need not be repeated.
            if runs
                .last()
                .is_none_or(|run| run.sample_per_chunk != sample_per_chunk)
            {
                runs.push(StscEntry {
                    first_chunk: one_based(chunk_idx),
                    sample_per_chunk,
                    sample_description_index: NonZeroU32::MIN,
                });
            }
        }
        let offsets = || index.chunks().iter().map(|chunk| chunk.offset);
        let short_offsets: Option<Vec<u32>> =
            offsets().map(|offset| u32::try_from(offset).ok()).collect();
        let n_samples = index.n_samples() as usize;
        StblBox {
            stsd_box: StsdBox {
                entries: vec![SampleEntry::Avc1(self.entry.clone())],
            },
            stts_box: SttsBox::from_sample_deltas(
                index.samples().iter().map(|sample| sample.duration),
            )
            .unwrap_or(SttsBox {
                entries: Vec::new(),
            }), // Fails after u32::MAX pictures.
            ctts_box: None,
            cslg_box: None,
            stsc_box: StscBox { entries: runs },
            stsz_box: StszBox::Variable {
                entry_sizes: index.samples().iter().map(|sample| sample.size).collect(),
            },
            stco_or_co64_box: match short_offsets {
                Some(chunk_offsets) => Either::A(StcoBox { chunk_offsets }),
                None => Either::B(Co64Box {
                    chunk_offsets: offsets().collect(),
                }),
            },
            // No list means that decoding can start at all of them.
            stss_box: (index.key_samples().len() < n_samples).then(|| StssBox {
                sample_numbers: index
                    .key_samples()
                    .iter()
                    .map(|key| one_based(*key as usize))
                    .collect(),
            }),
            sdtp_box: None,
            unknown_boxes: Vec::new(),
        }
    }
}

/// A box that could not be made, as an error of writing.
pub(super) fn not_encoded(err: shiguredo_mp4::Error) -> io::Error {
    io::Error::other(err.to_string())
}
