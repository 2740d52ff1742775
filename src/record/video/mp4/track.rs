//! The video track: what its frames are, and its description (`moov`) from the structures of `shiguredo_mp4`
//! (ISO/IEC 14496-12 and -15).

use std::{io, num::NonZeroU32, time::SystemTime};

#[cfg(any(feature = "h264-bundled", test))]
use shiguredo_mp4::bitstream::h264::{H264SampleEntryConfig, LengthSize, build_avc1_box};
use shiguredo_mp4::{
    BoxSize, BoxType, Decode, Either, Encode, FixedPointNumber, LanguageCode, Mp4FileTime,
    SampleFlags,
    boxes::{
        Co64Box, DinfBox, HdlrBox, MdhdBox, MdiaBox, MediaHeader, MinfBox, MoovBox, MvexBox,
        MvhdBox, SampleEntry, StblBox, StcoBox, StscBox, StscEntry, StsdBox, StssBox, StszBox,
        SttsBox, TkhdBox, TrakBox, TrexBox, UnknownBox, VisualSampleEntryFields, VmhdBox,
    },
};

use super::{
    frames::FrameSyntax,
    index::SampleIndex,
    layout::{TRACK_ID, not_encoded},
};
use crate::{frame::Resolution, time::Ticks};

/// The sample entry of JPEG frames (QuickTime File Format Specification, "Video sample descriptions").
const JPEG: BoxType = BoxType::Normal(*b"jpeg");
/// Length of a sample entry that holds no boxes, without its header.
const VISUAL_FIELDS_BYTES: usize = 78;

/// What the file says once about all frames.
#[derive(Debug, Clone)]
pub(in crate::record::video) struct Track {
    pub(super) syntax: FrameSyntax,
    resolution: Resolution,
    entry: SampleEntry,
    created: Mp4FileTime,
}

impl Track {
    /// H.264 with these parameter sets (without start codes), in BT.709 with limited range.
    ///
    /// # Errors
    /// If they cannot be parsed.
    #[cfg(any(feature = "h264-bundled", test))]
    pub(in crate::record::video) fn h264(
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
        let colors = b"nclx\0\x01\0\x01\0\x01\0".to_vec();
        entry.unknown_boxes.push(UnknownBox {
            box_type: BoxType::Normal(*b"colr"),
            box_size: BoxSize::U32(8 + colors.len() as u32),
            payload: colors,
        });
        Self::from_entry(SampleEntry::Avc1(entry), file_time(created))
            .ok_or_else(|| io::Error::other("the encoder's frames have no size"))
    }

    /// JPEG frames of this size.
    ///
    /// # Errors
    /// If a side is 0.
    pub(in crate::record::video) fn jpeg(
        width: u16,
        height: u16,
        created: SystemTime,
    ) -> io::Result<Self> {
        let fields = VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            width,
            height,
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        };
        let payload = fields.encode_to_vec().map_err(not_encoded)?;
        let entry = SampleEntry::Unknown(UnknownBox {
            box_type: JPEG,
            box_size: BoxSize::U32(8 + payload.len() as u32),
            payload,
        });
        Self::from_entry(entry, file_time(created))
            .ok_or_else(|| io::Error::other("JPEG frames have no size"))
    }

    /// The track of a sample entry; `None` if it is not ours.
    fn from_entry(entry: SampleEntry, created: Mp4FileTime) -> Option<Self> {
        let (syntax, fields) = match &entry {
            SampleEntry::Avc1(avc1) => (FrameSyntax::NalUnits, avc1.visual.clone()),
            SampleEntry::Unknown(other)
                if other.box_type == JPEG && other.payload.len() == VISUAL_FIELDS_BYTES =>
            {
                let (fields, _) = VisualSampleEntryFields::decode(&other.payload).ok()?;
                (FrameSyntax::Jpeg, fields)
            }
            _ => return None,
        };
        let resolution = Resolution::new(fields.width.into(), fields.height.into());
        (resolution.n_pixels() > 0).then_some(Self {
            syntax,
            resolution,
            entry,
            created,
        })
    }

    /// The track that a file describes; `None` if it is not ours.
    pub(super) fn from_moov(moov: &MoovBox) -> Option<Self> {
        let media = &moov.trak_boxes.first()?.mdia_box;
        let entry = media.minf_box.stbl_box.stsd_box.entries.first()?;
        Self::from_entry(entry.clone(), moov.mvhd_box.creation_time)
    }

    /// What decoders need, from a description that is damaged elsewhere; the date is lost.
    pub(super) fn from_damaged(description: &[u8]) -> Option<Self> {
        let names = description.windows(4).enumerate();
        names
            .filter(|(at, name)| *at >= 4 && (*name == b"avc1" || *name == b"jpeg"))
            .find_map(|(at, _)| {
                let (entry, _) = SampleEntry::decode(&description[at - 4..]).ok()?;
                Self::from_entry(entry, Mp4FileTime::default())
            })
    }

    /// No NAL unit of a frame, and no JPEG, is larger.
    pub(super) fn max_unit_bytes(&self) -> u64 {
        // Uncompressed 4:2:0 has 1.5 bytes a pixel and JPEG begins with 3; no encoder makes that much larger.
        let bytes_per_pixel = match self.syntax {
            FrameSyntax::NalUnits => 2,
            FrameSyntax::Jpeg => 4,
        };
        self.resolution.n_pixels() as u64 * bytes_per_pixel + (1 << 16)
    }

    /// `moov` of a file that continues in fragments.
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

    /// `moov` of a plain file with these frames.
    pub(super) fn plain_moov(&self, index: &SampleIndex) -> io::Result<Vec<u8>> {
        self.moov(index).encode_to_vec().map_err(not_encoded)
    }

    /// `moov` with these frames, to which boxes can be added.
    fn moov(&self, index: &SampleIndex) -> MoovBox {
        let timescale = NonZeroU32::MIN.saturating_add(Ticks::PER_SECOND as u32 - 1);
        let duration = index.end_ticks();
        let side = |px: u32| FixedPointNumber::new(i16::try_from(px).unwrap_or(i16::MAX), 0);
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
                    width: side(self.resolution.width_px),
                    height: side(self.resolution.height_px),
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
                entries: vec![self.entry.clone()],
            },
            stts_box: SttsBox::from_sample_deltas(
                index.samples().iter().map(|sample| sample.duration),
            )
            .unwrap_or(SttsBox {
                entries: Vec::new(),
            }), // Fails after u32::MAX frames.
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

fn file_time(created: SystemTime) -> Mp4FileTime {
    let since_1970 = created
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Mp4FileTime::from_unix_time(since_1970)
}
