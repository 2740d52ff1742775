//! Files with made-up pictures: whole, killed at every step, cut, on a full disk, and of other people.

use std::{fs, io, path::Path, time::SystemTime};

use re_mp4::Mp4;
use shiguredo_mp4::{Decode, Either, boxes::MoovBox};

use super::{
    fragment::{FragmentSample, fragment_header},
    index::{Sample, SampleIndex},
    layout::{self, Track},
    writer::{HybridMp4, write_head},
};
use crate::record::video::{
    Recovered, duration_of,
    file::{Storage, create_new},
    frame_times, recover,
    test_support::{
        Folder, FullDisk, Journal, Random, check_recovery, check_refusal, ticks_of, webcam_times,
    },
};

/// Parameters of H.264 at 64×48 (Constrained Baseline, level 1), made by hand after ITU-T H.264, 7.3.2.1.1.
const SPS: [u8; 7] = [0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x11, 0xE4];
const PPS: [u8; 4] = [0x68, 0xCE, 0x3C, 0x80];
/// 30 per second.
const USUAL_DURATION: u32 = 3000;

/// Pictures with their ticks; every tenth is a key frame.
struct Pictures {
    data: Vec<Vec<u8>>,
    ticks: Vec<u64>,
}

impl Pictures {
    fn new(n_pictures: usize, seed: u64) -> Self {
        Self::of_units(n_pictures, seed, 2)
    }

    /// As our encoder makes them, with one NAL unit each.
    fn of_one_unit(n_pictures: usize, seed: u64) -> Self {
        Self::of_units(n_pictures, seed, 1)
    }

    fn of_units(n_pictures: usize, seed: u64, max_units: u64) -> Self {
        let mut random = Random(seed);
        let data = (0..n_pictures)
            .map(|number| {
                let mut picture = Vec::new();
                for _ in 0..=random.below(max_units) {
                    let length = 2 + random.below(120) as u32;
                    picture.extend(length.to_be_bytes());
                    picture.push(if number.is_multiple_of(10) {
                        0x65
                    } else {
                        0x41
                    });
                    picture.extend((1..length).map(|_| random.below(256) as u8));
                }
                picture
            })
            .collect();
        Self {
            data,
            ticks: ticks_of(&webcam_times(n_pictures, seed)),
        }
    }

    fn start<S: Storage>(mut storage: S) -> io::Result<HybridMp4<S>> {
        write_head(&mut storage)?;
        let track = Track::new(&SPS, &PPS, SystemTime::UNIX_EPOCH)?;
        HybridMp4::start(storage, track, USUAL_DURATION)
    }

    fn push<S: Storage>(&self, mp4: &mut HybridMp4<S>, number: usize) -> io::Result<()> {
        mp4.push(
            &self.data[number],
            number.is_multiple_of(10),
            self.ticks[number],
        )
    }

    /// A file with all of them, not finished.
    fn record<S: Storage>(&self, storage: S) -> io::Result<HybridMp4<S>> {
        let mut mp4 = Self::start(storage)?;
        for number in 0..self.data.len() {
            self.push(&mut mp4, number)?;
        }
        Ok(mp4)
    }

    /// The bytes of a recording that ran out of power, and of a finished one.
    fn files(&self) -> (Vec<u8>, Vec<u8>) {
        let journal = Journal::default();
        let mut mp4 = self.record(journal.clone()).unwrap();
        mp4.sync().unwrap();
        let killed = journal.file_after(journal.n_steps(), 0.0);
        mp4.finish().unwrap();
        (killed, journal.file_after(journal.n_steps(), 0.0))
    }

    /// Checks that another reader finds the first `n_pictures` in the file, byte by byte.
    #[track_caller]
    fn check_by_other_reader(&self, path: &Path, n_pictures: usize) {
        let bytes = fs::read(path).unwrap();
        let mp4 = Mp4::read_bytes(&bytes).unwrap();
        let track = mp4.tracks().values().next().unwrap();
        assert_eq!(
            (track.timescale, track.width, track.height),
            (90_000, 64, 48)
        );
        assert_eq!(track.samples.len(), n_pictures);
        for (number, sample) in track.samples.iter().enumerate() {
            assert_eq!(
                sample.composition_timestamp as u64, self.ticks[number],
                "picture {number}"
            );
            assert_eq!(
                sample.is_sync,
                number.is_multiple_of(10),
                "picture {number}"
            );
            assert!(
                bytes[sample.byte_range()] == self.data[number],
                "picture {number}"
            );
            if number + 1 < n_pictures {
                assert_eq!(sample.duration, self.ticks[number + 1] - self.ticks[number]);
            }
        }
    }
}

#[test]
fn a_finished_file_has_every_picture_at_its_time() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let pictures = Pictures::new(200, 1);
    let finished = pictures
        .record(create_new(&path).unwrap())
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!((finished.n_samples, finished.n_lost), (200, 0));
    assert_eq!(finished.bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(
        finished.end_ticks,
        pictures.ticks[199] + u64::from(USUAL_DURATION)
    );
    pictures.check_by_other_reader(&path, 200);
    assert_eq!(frame_times(&path).unwrap(), pictures.ticks);
    let duration = duration_of(finished.end_ticks);
    assert_eq!(
        recover(&path).unwrap(),
        Recovered::Complete {
            n_frames: 200,
            duration
        }
    );
    assert_eq!(check_recovery(&path, &pictures.ticks, 200, "finished"), 200);
}

#[test]
fn a_dropped_recording_keeps_all_but_the_last_half_second() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let pictures = Pictures::new(100, 2);
    drop(pictures.record(create_new(&path).unwrap()).unwrap());
    let end = pictures.ticks[99];
    let at_least = pictures
        .ticks
        .iter()
        .filter(|ticks| **ticks + 45_000 <= end)
        .count();
    let n_found = check_recovery(&path, &pictures.ticks, at_least - 1, "dropped");
    pictures.check_by_other_reader(&path, n_found);
}

#[test]
fn what_is_synced_is_in_the_file() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let pictures = Pictures::new(8, 3);
    let mut mp4 = Pictures::start(create_new(&path).unwrap()).unwrap();
    for number in 0..8 {
        pictures.push(&mut mp4, number).unwrap();
        mp4.sync().unwrap();
        assert_eq!(frame_times(&path).unwrap(), pictures.ticks[..=number]);
    }
    assert_eq!(mp4.finish().unwrap().n_samples, 8);
    pictures.check_by_other_reader(&path, 8);
}

#[test]
fn a_crash_at_any_step_costs_no_picture_that_was_written() {
    let pictures = Pictures::new(40, 4);
    let journal = Journal::default();
    let mut mp4 = Pictures::start(journal.clone()).unwrap();
    let mut written_after = vec![0; journal.n_steps() + 1];
    for number in 0..40 {
        pictures.push(&mut mp4, number).unwrap();
        let n_written = number + 1 - mp4.n_waiting() as usize;
        let before = *written_after.last().unwrap();
        written_after.resize(journal.n_steps(), before);
        written_after.push(n_written);
    }
    mp4.finish().unwrap();
    let mut n_tails = 0;
    for n_steps in 0..=journal.n_steps() {
        for part in [0.0, 0.3, 0.97] {
            let folder = Folder::new();
            let what = format!("after {n_steps} steps and {part} of the next");
            let path = folder.file("video.mp4", &journal.file_after(n_steps, part));
            let at_least = *written_after
                .get(n_steps)
                .unwrap_or(&written_after[written_after.len() - 1]);
            if at_least == 0 && frame_times(&path).is_err() {
                // The first frames, without their header: nothing is made of them, and nothing is lost.
                n_tails += usize::from(part == 0.0);
                assert!(recover(&path).is_err(), "{what}");
                continue;
            }
            let n_found = check_recovery(&path, &pictures.ticks, at_least, &what);
            if n_found > 0 {
                pictures.check_by_other_reader(&path, n_found);
            }
            if part == 0.0 && folder.path("video.mp4.tail").exists() {
                n_tails += 1;
            }
        }
    }
    let n_fragments = journal
        .file_after(journal.n_steps(), 0.0)
        .windows(4)
        .filter(|word| *word == b"moof")
        .count();
    assert_eq!(
        n_tails, n_fragments,
        "frames whose header did not follow are kept, other pieces of our own are not"
    );
}

#[test]
fn a_file_cut_anywhere_keeps_every_whole_picture() {
    let folder = Folder::new();
    let pictures = Pictures::new(36, 5);
    let (killed, finished) = pictures.files();
    let path = folder.file("whole.mp4", &finished);
    let mp4 = Mp4::read_file(&path).unwrap().0;
    let samples = &mp4.tracks().values().next().unwrap().samples;
    for (name, bytes) in [("killed", &killed), ("finished", &finished)] {
        for length in (0..bytes.len()).step_by(61).chain([bytes.len() - 1]) {
            let what = format!("{name}, {length} of {} bytes", bytes.len());
            let path = folder.file("video.mp4", &bytes[..length]);
            let whole = samples
                .iter()
                .filter(|sample| sample.offset + sample.size <= length as u64)
                .count();
            let n_found = check_recovery(&path, &pictures.ticks, whole, &what);
            assert_eq!(n_found, whole, "{what}");
            assert!(!folder.path("video.mp4.tail").exists(), "{what}");
        }
    }
}

#[test]
fn zeros_after_a_power_cut_are_dropped() {
    let folder = Folder::new();
    let pictures = Pictures::new(60, 6);
    let (killed, _) = pictures.files();
    for n_zeros in [1, 7, 8, 100, 5000, 70_000] {
        let path = folder.file(
            "video.mp4",
            &[killed.as_slice(), &vec![0; n_zeros]].concat(),
        );
        match recover(&path).unwrap() {
            Recovered::Repaired {
                n_frames: 60,
                lost_bytes,
                tail: None,
                ..
            } => assert_eq!(lost_bytes, n_zeros as u64),
            other => panic!("{n_zeros} zeros: {other:?}"),
        }
        pictures.check_by_other_reader(&path, 60);
    }
}

#[test]
fn pictures_that_never_reached_the_disk_are_not_counted() {
    let folder = Folder::new();
    let pictures = Pictures::new(60, 7);
    let (mut killed, finished) = pictures.files();
    let path = folder.file("whole.mp4", &finished);
    let mp4 = Mp4::read_file(&path).unwrap().0;
    let sample = &mp4.tracks().values().next().unwrap().samples[59];
    killed[sample.byte_range()].fill(0);
    let path = folder.file("video.mp4", &killed);
    let n_found = check_recovery(&path, &pictures.ticks, 59, "zeros in the last fragment");
    assert_eq!(n_found, 59);
    assert!(!folder.path("video.mp4.tail").exists(), "zeros are nothing");
}

#[test]
fn bytes_of_somebody_else_are_moved_not_lost() {
    let folder = Folder::new();
    let pictures = Pictures::new(30, 8);
    let (killed, finished) = pictures.files();
    let notes = b"notes that an editor wrote to the wrong file".as_slice();
    let killed_with_notes = [killed.as_slice(), notes].concat();
    for tail_name in ["video.mp4.tail", "video.mp4.tail-2"] {
        let path = folder.file("video.mp4", &killed_with_notes);
        match recover(&path).unwrap() {
            Recovered::Repaired {
                n_frames: 30,
                lost_bytes,
                tail: Some(tail),
                ..
            } => {
                assert_eq!(lost_bytes, notes.len() as u64);
                assert_eq!(tail, folder.path(tail_name));
                assert_eq!(fs::read(tail).unwrap(), notes);
            }
            other => panic!("{other:?}"),
        }
        pictures.check_by_other_reader(&path, 30);
    }
    // Programs that tag videos append to finished ones.
    let tagged = [finished.as_slice(), b"\0\0\0\x10free tagged "].concat();
    let path = folder.file("tagged.mp4", &tagged);
    assert!(matches!(
        recover(&path).unwrap(),
        Recovered::Complete { n_frames: 30, .. }
    ));
    assert_eq!(fs::read(&path).unwrap(), tagged);
}

#[test]
fn a_finished_file_is_believed_whatever_became_of_its_fragments() {
    let folder = Folder::new();
    let pictures = Pictures::new(60, 9);
    let (_, finished) = pictures.files();
    let moof_at = finished
        .windows(4)
        .rposition(|word| word == b"moof")
        .unwrap();
    let mut damaged = finished.clone();
    damaged[moof_at] = b'x';
    let path = folder.file("video.mp4", &damaged);
    assert_eq!(
        check_recovery(&path, &pictures.ticks, 60, "damaged header of a fragment"),
        60
    );
    assert_eq!(fs::read(&path).unwrap(), damaged);
    // And the other way round: without its index, the fragments tell.
    let moov_at = finished
        .windows(4)
        .rposition(|word| word == b"moov")
        .unwrap();
    let path = folder.file("video.mp4", &finished[..moov_at + 50]);
    assert_eq!(
        check_recovery(&path, &pictures.ticks, 60, "index cut off"),
        60
    );
    pictures.check_by_other_reader(&path, 60);
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = Folder::new();
    let (killed, finished) = Pictures::new(30, 10).files();
    let demo = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.mp4")).unwrap();
    let mut unmarked = killed.clone();
    unmarked[45] ^= 1;
    let mut faststart = finished.clone();
    faststart[64..72].copy_from_slice(b"\0\0\0\x10moov");
    let mut no_description = killed.clone();
    no_description[84..700].fill(b'x');
    for (name, bytes) in [
        ("demo.mp4", demo.as_slice()),
        ("text.mp4", b"a text that is rather longer than the first eighty bytes of a video of ours, so that it is read"),
        ("short.mp4", b"short"),
        ("unmarked.mp4", &unmarked),
        ("rearranged.mp4", &faststart),
        ("no_description.mp4", &no_description),
    ] {
        check_refusal(&folder, name, bytes);
    }
}

#[test]
fn damage_anywhere_is_an_answer_and_no_panic() {
    let folder = Folder::new();
    let (killed, finished) = Pictures::new(20, 13).files();
    let mut random = Random(14);
    for number in 0..200 {
        let mut bytes = if number % 2 == 0 {
            killed.clone()
        } else {
            finished.clone()
        };
        for _ in 0..=random.below(4) {
            // Headers are in few places, so half of the damage is done at the start.
            let limit = if random.below(2) == 0 {
                800
            } else {
                bytes.len() as u64
            };
            bytes[random.below(limit) as usize] = random.below(256) as u8;
        }
        let path = folder.file("video.mp4", &bytes);
        frame_times(&path).ok();
        if recover(&path).is_err() {
            assert!(
                bytes == fs::read(&path).unwrap(),
                "file {number} was changed"
            );
        }
    }
}

#[test]
fn a_recording_without_pictures_is_empty() {
    let folder = Folder::new();
    let (killed, _) = Pictures::new(30, 11).files();
    let fragments_at = killed.windows(4).position(|word| word == b"moof").unwrap() - 4;
    for (name, bytes) in [
        ("nothing", &[] as &[u8]),
        ("a part of the head", &killed[..50]),
        ("the head", &killed[..80]),
        ("a part of the description", &killed[..200]),
        ("the description", &killed[..fragments_at]),
        ("zeros", &[0; 5000]),
        ("a head and zeros", &[&killed[..80], &[0; 500]].concat()),
    ] {
        let path = folder.file("video.mp4", bytes);
        assert_eq!(recover(&path).unwrap(), Recovered::Empty, "{name}");
        assert_eq!(frame_times(&path).unwrap(), [0u64; 0], "{name}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
    }
    let path = folder.path("finished.mp4");
    let finished = Pictures::start(create_new(&path).unwrap())
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(finished.n_samples, 0);
    assert_eq!(recover(&path).unwrap(), Recovered::Empty);
}

#[test]
fn a_full_disk_keeps_what_fits() {
    let folder = Folder::new();
    let pictures = Pictures::new(90, 12);
    let (killed, finished) = pictures.files();
    let mut n_finished = 0;
    for (number, room) in (0..finished.len()).step_by(401).enumerate() {
        let path = folder.path(&format!("{number}.mp4"));
        let what = format!("room for {room} of {} bytes", finished.len());
        let Ok(mut mp4) = Pictures::start(FullDisk::new(&path, room as u64)) else {
            assert_eq!(recover(&path).unwrap(), Recovered::Empty, "{what}");
            continue;
        };
        let refused = (0..90).find(|number| pictures.push(&mut mp4, *number).is_err());
        if room < killed.len() / 2 {
            assert!(refused.is_some(), "{what}");
        }
        let in_file = frame_times(&path).unwrap();
        match mp4.finish() {
            Ok(finished) => {
                n_finished += 1;
                assert!(finished.n_samples as usize >= in_file.len(), "{what}");
                let n_pictures = refused.unwrap_or(90);
                assert!(
                    finished.n_samples as usize + finished.n_lost as usize <= n_pictures,
                    "{what}"
                );
            }
            Err(err) => assert_eq!(err.kind(), io::ErrorKind::StorageFull, "{what}"),
        }
        let n_found = check_recovery(&path, &pictures.ticks, in_file.len(), &what);
        assert!(!in_file.is_empty() || n_found == 0, "{what}");
    }
    assert!(
        n_finished > 5,
        "the room that pictures leave is used for the index"
    );
}

#[test]
fn places_beyond_4_gigabytes_are_stored() {
    let track = Track::new(&SPS, &PPS, SystemTime::UNIX_EPOCH).unwrap();
    for (offset, is_long) in [
        (u64::from(u32::MAX), false),
        (u64::from(u32::MAX) + 1, true),
    ] {
        let mut index = SampleIndex::default();
        for (chunk, offset) in [1000, offset].into_iter().enumerate() {
            assert!(index.start_chunk(offset, chunk as u64 * 3000));
            index.push(
                Sample {
                    size: 10,
                    duration: 3000,
                },
                true,
            );
        }
        let (moov, _) = MoovBox::decode(&track.plain_moov(&index).unwrap()).unwrap();
        let table = &moov.trak_boxes[0].mdia_box.minf_box.stbl_box;
        match &table.stco_or_co64_box {
            Either::A(short) => assert!(!is_long && short.chunk_offsets[1] == u32::MAX),
            Either::B(long) => assert!(is_long && long.chunk_offsets == [1000, offset]),
        }
        assert_eq!(
            layout::mdat_header(offset)[8..],
            (offset - 64).to_be_bytes()
        );
    }
}

#[test]
fn a_fragment_too_large_for_its_header_is_refused() {
    let sample = FragmentSample {
        size: u32::MAX,
        duration: 1,
        is_key: true,
    };
    assert!(fragment_header(1, 0, [sample; 2].into_iter()).is_err());
}

/// The frames that another reader finds in a file, byte by byte.
fn frames_in(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let mp4 = Mp4::read_bytes(&bytes).unwrap();
    let track = mp4.tracks().values().next().unwrap();
    let frames = track.samples.iter();
    frames
        .map(|sample| bytes[sample.byte_range()].to_vec())
        .collect()
}

/// Where the headers of fragments are, with the lengths of `moof` and the header of `mdat`.
fn headers_in(bytes: &[u8]) -> Vec<(usize, usize)> {
    let words = bytes.windows(4).enumerate();
    let moofs = words.filter(|(_, word)| *word == b"moof");
    moofs
        .map(|(at, _)| {
            let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap());
            (at - 4, size as usize + 8)
        })
        .collect()
}

#[test]
fn one_wrong_bit_in_a_header_costs_no_frame() {
    let folder = Folder::new();
    let pictures = Pictures::of_one_unit(70, 21);
    let (killed, finished) = pictures.files();
    let headers = headers_in(&killed);
    assert!(headers.len() > 4);
    for (at, n_bytes) in [headers[0], headers[2], headers[headers.len() - 1]] {
        for bit in at * 8..(at + n_bytes) * 8 {
            let mut damaged = killed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let path = folder.file("video.mp4", &damaged);
            let recovered = recover(&path).unwrap();
            let place = (bit / 8 - at, bit % 8);
            assert!(
                matches!(
                    recovered,
                    Recovered::Repaired {
                        n_frames: 70,
                        tail: None,
                        ..
                    }
                ),
                "{place:?}: {recovered:?}"
            );
            assert!(frames_in(&path) == pictures.data, "{place:?}");
        }
    }
    // And where nothing but a bit of the head's places tells a finished file from another.
    let mut damaged = finished;
    damaged[80 - 8] ^= 0x80;
    let path = folder.file("video.mp4", &damaged);
    assert!(matches!(
        recover(&path).unwrap(),
        Recovered::Repaired { n_frames: 70, .. }
    ));
    assert!(frames_in(&path) == pictures.data);
}

/// Damages a recording in one of many ways; returns which frames may be lost by that.
fn damage(bytes: &mut Vec<u8>, pictures: &Pictures, random: &mut Random) -> (String, Vec<usize>) {
    let headers = headers_in(bytes);
    let first_of = |fragment: usize| {
        let (at, n_bytes) = headers[fragment];
        let data = &bytes[at + n_bytes..];
        pictures
            .data
            .iter()
            .position(|picture| data.starts_with(picture))
            .unwrap()
    };
    let firsts: Vec<usize> = (0..headers.len())
        .map(first_of)
        .chain([pictures.data.len()])
        .collect();
    let fragment = random.below(headers.len() as u64) as usize;
    let (at, n_bytes) = headers[fragment];
    let frames: Vec<usize> = (firsts[fragment]..firsts[fragment + 1]).collect();
    let within = |random: &mut Random| at + random.below(n_bytes as u64) as usize;
    match random.below(6) {
        0 | 1 => {
            let bit = random.below(8);
            let place = within(random);
            bytes[place] ^= 1 << bit;
            (
                format!("bit {bit} at {} of header {fragment}", place - at),
                Vec::new(),
            )
        }
        2 => {
            for _ in 0..1 + random.below(6) {
                let place = within(random);
                bytes[place] = random.below(256) as u8;
            }
            (format!("some bytes of header {fragment}"), frames)
        }
        3 => {
            bytes[at..at + n_bytes].fill(0);
            (format!("header {fragment} zeroed"), frames)
        }
        4 => {
            // A block that never reached the disk, over whatever lies there.
            let start = headers[0].0 + random.below((bytes.len() - headers[0].0) as u64) as usize;
            let end = (start + 512).min(bytes.len());
            bytes[start..end].fill(0);
            let touched = |fragment: &usize| {
                let (at, n_bytes) = headers[*fragment];
                let data_end = headers.get(fragment + 1).map_or(bytes.len(), |next| next.0);
                let is_header_hit = start < at + n_bytes && at < end;
                is_header_hit || (start < data_end && at < end)
            };
            let lost = (0..headers.len())
                .filter(touched)
                .flat_map(|hit| firsts[hit]..firsts[hit + 1]);
            (format!("zeros from {start}"), lost.collect())
        }
        _ => {
            let bit = random.below(8);
            let place = within(random);
            bytes[place] ^= 1 << bit;
            let length = at + random.below((bytes.len() - at) as u64) as usize;
            bytes.truncate(length);
            // The fragment that is cut, and all after it.
            let cut = headers
                .iter()
                .rposition(|(at, _)| *at <= length)
                .unwrap_or(0);
            let lost = firsts[cut].min(firsts[fragment])..pictures.data.len();
            (
                format!(
                    "bit {bit} at {} of header {fragment}, cut at {length}",
                    place - at
                ),
                lost.collect(),
            )
        }
    }
}

#[test]
fn damage_costs_the_frames_that_it_hides_and_no_others() {
    let folder = Folder::new();
    let pictures = Pictures::of_one_unit(90, 22);
    let (killed, _) = pictures.files();
    let mut random = Random(23);
    for number in 0..400 {
        let mut bytes = killed.clone();
        let (what, may_be_lost) = damage(&mut bytes, &pictures, &mut random);
        let path = folder.file(&format!("{number}.mp4"), &bytes);
        let Ok(recovered) = recover(&path) else {
            let is_all = may_be_lost.len() == pictures.data.len();
            assert!(
                is_all && fs::read(&path).unwrap() == bytes,
                "{number}: {what}"
            );
            continue;
        };
        if recovered == Recovered::Empty {
            assert_eq!(may_be_lost.len(), pictures.data.len(), "{number}: {what}");
            continue;
        }
        let found = frames_in(&path);
        for (frame, picture) in pictures.data.iter().enumerate() {
            let is_there = found.contains(picture);
            assert!(
                is_there || may_be_lost.contains(&frame),
                "{number}: {what}: frame {frame}"
            );
        }
        // What is not in the video any more is beside it.
        let Recovered::Repaired { tail, .. } = recovered else {
            panic!("{number}: {what}: {recovered:?}")
        };
        let kept = tail.map(|tail| fs::read(tail).unwrap()).unwrap_or_default();
        for picture in &pictures.data {
            let was_there = bytes.windows(picture.len()).any(|part| part == picture);
            let is_kept = kept.windows(picture.len()).any(|part| part == picture);
            assert!(
                !was_there || found.contains(picture) || is_kept,
                "{number}: {what}"
            );
        }
        let times = frame_times(&path).unwrap();
        assert!(
            times.windows(2).all(|pair| pair[0] < pair[1]),
            "{number}: {what}"
        );
        let again = recover(&path).unwrap();
        assert!(
            matches!(again, Recovered::Complete { .. }),
            "{number}: {what}: {again:?}"
        );
    }
}

#[test]
fn a_list_of_millions_costs_no_memory() {
    let folder = Folder::new();
    let (killed, _) = Pictures::new(30, 24).files();
    let (at, _) = headers_in(&killed)[0];
    let mut bytes = killed[..at].to_vec();
    // A fragment whose frames have neither size nor duration of their own: nothing says that there are too many.
    let trun = [
        b"\0\0\0\x14trun\0\0\0\x01".as_slice(),
        &(1u32 << 24).to_be_bytes(),
        &[0; 4],
    ]
    .concat();
    let traf = [
        &(8 + 16 + 20 + trun.len() as u32).to_be_bytes(),
        b"traf".as_slice(),
        &killed[at + 32..at + 68],
        &trun,
    ]
    .concat();
    bytes.extend((8 + 16 + traf.len() as u32).to_be_bytes());
    bytes.extend(&killed[at + 4..at + 24]);
    bytes.extend(traf);
    bytes.extend(b"\0\0\0\x08mdat");
    check_refusal(&folder, "video.mp4", &bytes);
}
