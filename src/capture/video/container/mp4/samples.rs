//! Where the frames of a track are and when they are shown: from its tables, and from the fragments after them.
//!
//! Tables state how many entries they have, and some take no bytes per frame; what they promise is believed only as far
//! as the file reaches.
//! Source: ISO/IEC 14496-12, clauses 8.6 to 8.8.

use super::{
    boxes::{boxes, entries, find, u32_at, u64_at, version_and_flags},
    tables::{Fields, Runs, Sizes},
};
use crate::capture::video::{
    container::{demuxer::MAX_PACKETS, indexed::Place},
    error::OpenError,
};

/// The frames of a track in decoding order, with times in units of the track's clock.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) places: Vec<Place>,
    /// Frames beyond the end of the file.
    pub(super) n_missing: usize,
    file_size: u64,
    n_seen: usize,
    /// Decoding times of the last frame and of the next one.
    last_dts: i64,
    next_dts: i64,
    /// Added to the times of fragments if those restart.
    restart_offset: i64,
}

/// What the tables or a fragment say about a frame.
#[derive(Debug, Clone, Copy)]
struct Sample {
    offset: u64,
    size: u32,
    duration: u32,
    /// From decoding to presentation.
    delay: i32,
    is_sync: bool,
}

fn damaged() -> OpenError {
    OpenError::damaged("its index is damaged")
}

impl Samples {
    pub(super) fn new(file_size: u64) -> Self {
        Self {
            places: Vec::new(),
            n_missing: 0,
            file_size,
            n_seen: 0,
            last_dts: i64::MIN,
            next_dts: 0,
            restart_offset: 0,
        }
    }

    fn add(&mut self, sample: Sample) -> Result<(), OpenError> {
        self.n_seen += 1;
        if self.n_seen > MAX_PACKETS {
            return Err(damaged());
        }
        let size = u64::from(sample.size);
        // An empty frame means that the one before stays on screen.
        if size > 0 {
            if sample.offset.saturating_add(size) <= self.file_size {
                self.places.push(Place {
                    offset: sample.offset,
                    size,
                    pts: self.next_dts.saturating_add(sample.delay.into()),
                    is_sync: sample.is_sync || self.places.is_empty(),
                    is_shown: true,
                });
            } else {
                self.n_missing += 1;
            }
        }
        self.last_dts = self.next_dts;
        self.next_dts = self.next_dts.saturating_add(sample.duration.into());
        Ok(())
    }

    /// Adds what the tables of a track list.
    pub(super) fn add_table(&mut self, table: &[u8]) -> Result<(), OpenError> {
        let content = |name| find(table, name).unwrap_or_default();
        let sizes = Sizes::new(table);
        if sizes.n > MAX_PACKETS {
            return Err(damaged());
        }
        let runs = entries::<12>(content(b"stsc"));
        let mut durations = Runs::new(content(b"stts"));
        let mut delays = Runs::new(content(b"ctts"));
        let sync_table = find(table, b"stss");
        let mut sync_numbers: Vec<u32> = entries::<4>(sync_table.unwrap_or_default())
            .iter()
            .map(|number| u32::from_be_bytes(*number))
            .collect();
        sync_numbers.sort_unstable();
        let short_offsets = entries::<4>(content(b"stco")).iter();
        let long_offsets = entries::<8>(content(b"co64")).iter();
        let offsets = short_offsets
            .map(|offset| u64::from(u32::from_be_bytes(*offset)))
            .chain(long_offsets.map(|offset| u64::from_be_bytes(*offset)));
        let (mut run, mut number, mut duration) = (0, 0, 0);
        for (chunk, mut offset) in (1..).zip(offsets) {
            let begins = |run: usize| runs.get(run).and_then(|run| u32_at(run, 0));
            while begins(run + 1).is_some_and(|first_chunk| first_chunk <= chunk) {
                run += 1;
            }
            let n_in_chunk = runs.get(run).and_then(|run| u32_at(run, 4)).unwrap_or(0);
            for _ in 0..n_in_chunk {
                let Some(size) = sizes.get(number) else {
                    return Ok(());
                };
                number += 1;
                // The last one holds for all that follow. Some files have negative ones, which mean nothing.
                duration = durations.next().map_or(duration, |duration| {
                    if duration > i32::MAX as u32 {
                        1
                    } else {
                        duration
                    }
                });
                self.add(Sample {
                    offset,
                    size,
                    duration,
                    delay: delays.next().unwrap_or(0).cast_signed(),
                    is_sync: sync_table.is_none()
                        || sync_numbers.binary_search(&(number as u32)).is_ok(),
                })?;
                offset = offset.saturating_add(size.into());
            }
        }
        Ok(())
    }

    /// Adds what a fragment (`moof`, which begins at `start` of the file) lists for a track.
    pub(super) fn add_fragment(
        &mut self,
        fragment: &[u8],
        start: u64,
        track: u32,
        extends: Defaults,
    ) -> Result<(), OpenError> {
        let mut data_end = start;
        for (_, part) in boxes(fragment).filter(|(name, _)| name == b"traf") {
            let header = find(part, b"tfhd").unwrap_or_default();
            let (_, flags) = version_and_flags(header);
            let mut fields = Fields::new(header.get(8..).unwrap_or_default());
            let base = match flags & 0x1 {
                0 if flags & 0x2_0000 != 0 => start,
                0 => data_end,
                _ => fields.u64().unwrap_or(start),
            };
            fields.u32_if(flags & 0x2);
            let defaults = Defaults {
                duration: fields.u32_if(flags & 0x8).unwrap_or(extends.duration),
                size: fields.u32_if(flags & 0x10).unwrap_or(extends.size),
                flags: fields.u32_if(flags & 0x20).unwrap_or(extends.flags),
            };
            let is_ours = u32_at(header, 4) == Some(track);
            if is_ours && let Some(time) = find(part, b"tfdt") {
                let time = match version_and_flags(time).0 {
                    1 => u64_at(time, 4),
                    _ => u32_at(time, 4).map(u64::from),
                };
                self.begin_at(time.and_then(|time| i64::try_from(time).ok()));
            }
            let mut offset = base;
            for (_, run) in boxes(part).filter(|(name, _)| name == b"trun") {
                offset = self.add_run(run, base, offset, defaults, is_ours)?;
            }
            data_end = offset;
        }
        Ok(())
    }

    /// Continues at the time of a fragment. In joined files, the second starts at 0 again.
    fn begin_at(&mut self, time: Option<i64>) {
        let Some(time) = time else { return };
        let dts = time.saturating_add(self.restart_offset);
        if dts < self.last_dts {
            self.restart_offset = self.next_dts.saturating_sub(time);
        } else {
            self.next_dts = dts;
        }
    }

    /// Adds the frames of a run if they are `ours`, and returns where they end.
    fn add_run(
        &mut self,
        run: &[u8],
        base: u64,
        follows_at: u64,
        defaults: Defaults,
        is_ours: bool,
    ) -> Result<u64, OpenError> {
        let (_, flags) = version_and_flags(run);
        let n_samples = u32_at(run, 4).unwrap_or(0);
        let mut fields = Fields::new(run.get(8..).unwrap_or_default());
        let mut offset = match fields.u32_if(flags & 0x1) {
            Some(distance) => base.saturating_add_signed(distance.cast_signed().into()),
            None => follows_at,
        };
        let first_flags = fields.u32_if(flags & 0x4);
        let n_fields = (flags & 0xF00).count_ones() as usize;
        for number in 0..n_samples {
            if fields.rest.len() < n_fields * 4 {
                break; // It promises more frames than it describes.
            }
            let duration = fields.u32_if(flags & 0x100).unwrap_or(defaults.duration);
            let size = fields.u32_if(flags & 0x200).unwrap_or(defaults.size);
            let own_flags = fields.u32_if(flags & 0x400);
            let delay = fields.u32_if(flags & 0x800).unwrap_or(0).cast_signed();
            let flags = match (number, first_flags) {
                (0, Some(first)) => first,
                _ => own_flags.unwrap_or(defaults.flags),
            };
            if is_ours {
                self.add(Sample {
                    offset,
                    size,
                    duration,
                    delay,
                    is_sync: flags & NEEDS_OTHERS == 0,
                })?;
            } else if n_fields == 0 {
                // Nothing limits these, and it may promise any number.
                let length = u64::from(size) * u64::from(n_samples);
                return Ok(offset.saturating_add(length));
            }
            offset = offset.saturating_add(size.into());
        }
        Ok(offset)
    }
}

/// Flags of a frame at which decoding cannot start: it is not a sync sample, or depends on others.
const NEEDS_OTHERS: u32 = 0x0101_0000;

/// What holds for frames of fragments that do not say otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    /// Those of a track, from the index; `None` if the file has no fragments.
    pub(super) fn read(index: &[u8], track: u32) -> Option<Self> {
        let extends = find(index, b"mvex")?;
        let of_track = boxes(extends)
            .find(|(name, content)| name == b"trex" && u32_at(content, 4) == Some(track))
            .map_or(&[][..], |(_, content)| content);
        Some(Self {
            duration: u32_at(of_track, 12).unwrap_or(0),
            size: u32_at(of_track, 16).unwrap_or(0),
            flags: u32_at(of_track, 20).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tables::tests::sized, *};

    fn nested(name: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
        let content = parts.concat();
        let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(name);
        bytes.extend(content);
        bytes
    }

    fn found(samples: &Samples) -> Vec<(u64, u64, i64, bool)> {
        let places = samples.places.iter();
        places
            .map(|place| (place.offset, place.size, place.pts, place.is_sync))
            .collect()
    }

    #[test]
    fn tables_are_read_together() {
        let table = [
            sized(b"stts", &[0, 2, 3, 10, 2, 20]),
            sized(b"ctts", &[0, 2, 1, 10, 1, -5_i32 as u32]),
            sized(b"stss", &[0, 2, 1, 4]),
            sized(b"stsz", &[0, 0, 5, 7, 0, 9, 1000, 4]),
            sized(b"stsc", &[0, 2, 1, 2, 1, 2, 3, 1]),
            sized(b"stco", &[0, 2, 100, 200]),
        ]
        .concat();
        let mut samples = Samples::new(600);
        samples.add_table(&table).unwrap();
        let expected = [(100, 7, 10, true), (200, 9, 20, false)];
        assert_eq!(found(&samples), expected, "an empty one takes its time");
        assert_eq!(
            samples.n_missing, 2,
            "one of 1000 bytes, and the one behind"
        );
    }

    /// A table of equal sizes, and a run without fields, need no room for their frames, and so can claim any number.
    #[test]
    fn numbers_of_frames_that_cannot_be_cost_nothing() {
        let table = |n: u32, size: u32| {
            [
                sized(b"stsz", &[0, size, n]),
                sized(b"stsc", &[0, 1, 1, n, 1]),
                sized(b"stco", &[0, 1, 0]),
            ]
            .concat()
        };
        let mut samples = Samples::new(1000);
        assert!(samples.add_table(&table(u32::MAX, 1)).is_err());
        samples.add_table(&table(4_000_000, 10)).unwrap();
        assert_eq!(samples.places.len(), 100);
        for size in [0, 100] {
            let run = sized(b"trun", &[0x0000_0000, u32::MAX]);
            let header = sized(b"tfhd", &[0x10, 1, size]);
            let fragment = nested(b"traf", &[header, run]);
            let mut samples = Samples::new(1000);
            let result = samples.add_fragment(&fragment, 0, 1, Defaults::default());
            assert!(
                result.is_err() && samples.places.len() <= 10,
                "{size} bytes"
            );
            // Of another track they are not even counted.
            let result = samples.add_fragment(&fragment, 0, 2, Defaults::default());
            assert_eq!(result, Ok(()));
        }
    }

    #[test]
    fn fragments_follow_each_other_also_where_times_start_again() {
        let fragment = |time: u32, n: u32| {
            let header = sized(b"tfhd", &[0x0002_0008, 7, 10]);
            let time = sized(b"tfdt", &[0, time]);
            let mut words = vec![0x0000_0205, n, 50, 0];
            words.extend((0..n).map(|i| 5 + i));
            nested(b"traf", &[header, time, sized(b"trun", &words)])
        };
        let mut samples = Samples::new(10_000);
        let defaults = Defaults {
            flags: 0x0001_0000,
            ..Defaults::default()
        };
        for (start, time, n) in [
            (0, 0, 2),
            (1000, 20, 2),
            (2000, 100, 1),
            (3000, 0, 2),
            (4000, 20, 1),
        ] {
            let content = fragment(time, n);
            samples.add_fragment(&content, start, 7, defaults).unwrap();
        }
        assert_eq!(
            found(&samples),
            [
                (50, 5, 0, true),
                (55, 6, 10, false),
                (1050, 5, 20, true),
                (1055, 6, 30, false),
                (2050, 5, 100, true),
                (3050, 5, 110, true),
                (3055, 6, 120, false),
                (4050, 5, 130, true),
            ]
        );
    }
}
