//! AVI files: whole, killed at every step, cut, on a full disk, and of other people.

use std::{fs, path::Path, time::Duration};

use super::{
    layout::{self, HEAD_BYTES, PICTURE},
    *,
};
use crate::record::video::{
    VideoCodec, frame_times, recover,
    test_support::{
        Folder, FullDisk, Journal, check_recovery, check_refusal, picture as pixels, ticks_of,
        webcam_times,
    },
};

const SIZE: Resolution = Resolution::new(33, 17);

fn settings() -> VideoSettings {
    VideoSettings {
        codec: VideoCodec::Mjpeg,
        ..VideoSettings::new(SIZE, 30.0)
    }
}

fn write_all(writer: &mut dyn VideoWriter, times: &[Duration]) {
    for (number, time) in times.iter().enumerate() {
        let written = writer.write(&pixels(SIZE, number), *time).unwrap();
        assert!(written.in_video);
    }
}

/// The steps of a whole recording of pictures at these times.
fn journal(times: &[Duration]) -> (Journal, usize) {
    let journal = Journal::default();
    let mut writer =
        Box::new(MjpegWriter::start(journal.clone(), Path::new("video.avi"), &settings()).unwrap());
    write_all(writer.as_mut(), times);
    let n_while_recording = journal.n_steps();
    writer.finish().unwrap();
    (journal, n_while_recording)
}

/// Reads a file by its old index, as a player would: for each slot the picture, or none.
fn read_by_index(bytes: &[u8]) -> Vec<Option<&[u8]>> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(
        (&bytes[..4], &bytes[8..12]),
        (b"RIFF".as_slice(), b"AVI ".as_slice())
    );
    assert_eq!(number(4) + 8, bytes.len(), "there is one segment");
    let movi_at = HEAD_BYTES as usize - 4;
    assert_eq!(&bytes[movi_at..movi_at + 4], b"movi");
    let index_at = movi_at + number(movi_at - 4);
    assert_eq!(&bytes[index_at..index_at + 4], b"idx1");
    let n_slots = number(index_at + 4) / 16;
    assert_eq!(n_slots, number(140), "the length in the stream's header");
    (0..n_slots)
        .map(|slot| {
            let entry = index_at + 8 + slot * 16;
            let chunk_at = movi_at + number(entry + 8);
            assert_eq!(&bytes[chunk_at..chunk_at + 4], PICTURE);
            let size = number(entry + 12);
            assert_eq!(number(chunk_at + 4), size);
            (size > 0).then(|| &bytes[chunk_at + 8..chunk_at + 8 + size])
        })
        .collect()
}

#[test]
fn pictures_stand_on_the_grid_and_know_their_true_times() {
    let folder = Folder::new();
    let path = folder.path("video.avi");
    let times = webcam_times(150, 1);
    let mut writer = Box::new(MjpegWriter::create(&path, &settings()).unwrap());
    write_all(writer.as_mut(), &times);
    let summary = writer.finish().unwrap();
    assert_eq!((summary.n_frames, summary.codec), (150, "Motion JPEG"));
    assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
    let ticks = ticks_of(&times);
    assert_eq!(summary.duration, duration_of(ticks[149] + 3000));
    assert_eq!(frame_times(&path).unwrap(), ticks);

    let bytes = fs::read(&path).unwrap();
    let slots = read_by_index(&bytes);
    let mut number = 0;
    for (slot, jpeg) in slots.iter().enumerate() {
        let Some(jpeg) = jpeg else {
            continue;
        };
        assert_eq!(picture::time(jpeg), Some(ticks[number]));
        let shown_at = slot as f64 / 30.0;
        let true_time = ticks[number] as f64 / 90_000.0;
        assert!(
            (shown_at - true_time).abs() < 1.5 / 30.0,
            "picture {number}: {shown_at} for {true_time}"
        );
        let decoded = image::load_from_memory(jpeg).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (33, 17));
        number += 1;
    }
    assert_eq!(number, 150);
    assert!(slots.len() > 150, "the gaps of this camera are in the film");
}

#[test]
fn pictures_that_come_faster_than_announced_are_shown_faster() {
    let folder = Folder::new();
    let path = folder.path("video.avi");
    let times: Vec<Duration> = (0..120)
        .map(|number| Duration::from_millis(number * 10))
        .collect();
    let mut writer = Box::new(MjpegWriter::create(&path, &settings()).unwrap());
    write_all(writer.as_mut(), &times);
    writer.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let format = layout::read_head(&bytes).unwrap();
    let rate_hz = f64::from(format.rate) / f64::from(format.scale);
    assert!((rate_hz - 100.0).abs() < 0.1, "{rate_hz}");
    assert_eq!(read_by_index(&bytes).len(), 120);
    assert_eq!(check_recovery(&path, &ticks_of(&times), 120, "fast"), 120);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_crash_at_any_step_costs_no_picture_that_was_written() {
    let folder = Folder::new();
    let times = webcam_times(12, 2);
    let ticks = ticks_of(&times);
    let (journal, n_while_recording) = journal(&times);
    for n_steps in 0..=journal.n_steps() {
        for part in [0.0, 0.01, 0.5, 0.99] {
            let what = format!("after {n_steps} steps and {part} of the next");
            let path = folder.file("video.avi", &journal.file_after(n_steps, part));
            let at_least = n_steps.min(n_while_recording).saturating_sub(1);
            let n_found = check_recovery(&path, &ticks, at_least, &what);
            if n_found > 0 {
                let bytes = fs::read(&path).unwrap();
                assert_eq!(
                    read_by_index(&bytes).iter().flatten().count(),
                    n_found,
                    "{what}"
                );
            }
            let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
            assert_eq!(files, 1, "{what}: pieces of our own need no file beside it");
        }
    }
}

#[test]
fn a_file_cut_anywhere_keeps_every_whole_picture() {
    let folder = Folder::new();
    let times = webcam_times(12, 3);
    let (journal, _) = journal(&times);
    let finished = journal.file_after(journal.n_steps(), 0.0);
    let slots = read_by_index(&finished);
    let ends: Vec<usize> = slots
        .iter()
        .flatten()
        .map(|jpeg| jpeg.as_ptr_range().end as usize - finished.as_ptr() as usize)
        .collect();
    for length in (0..finished.len()).step_by(83).chain([finished.len() - 1]) {
        let what = format!("{length} of {} bytes", finished.len());
        let path = folder.file("video.avi", &finished[..length]);
        // Odd pictures are followed by a byte that belongs to them.
        let whole = ends
            .iter()
            .filter(|end| **end + **end % 2 <= length)
            .count();
        assert_eq!(
            check_recovery(&path, &ticks_of(&times), whole, &what),
            whole,
            "{what}"
        );
        assert!(!folder.path("video.avi.tail").exists(), "{what}");
    }
}

#[test]
fn pictures_that_never_reached_the_disk_are_not_counted() {
    let folder = Folder::new();
    let times = webcam_times(20, 4);
    let (journal, n_while_recording) = journal(&times);
    let mut bytes = journal.file_after(n_while_recording, 0.0);
    let n_bytes = bytes.len();
    bytes[n_bytes - 200..].fill(0);
    let path = folder.file("video.avi", &bytes);
    let n_found = check_recovery(&path, &ticks_of(&times), 15, "zeros at the end");
    assert!(n_found < 20, "{n_found}");
}

#[test]
fn bytes_of_somebody_else_are_moved_not_lost() {
    let folder = Folder::new();
    let times = webcam_times(10, 5);
    let (journal, n_while_recording) = journal(&times);
    let killed = journal.file_after(n_while_recording, 0.0);
    let notes = b"notes that an editor wrote to the wrong file".as_slice();
    let path = folder.file("video.avi", &[killed.as_slice(), notes].concat());
    match recover(&path).unwrap() {
        Recovered::Repaired {
            n_frames: 10,
            lost_bytes,
            tail: Some(tail),
            ..
        } => {
            assert_eq!(lost_bytes, notes.len() as u64);
            assert_eq!(fs::read(tail).unwrap(), notes);
        }
        other => panic!("{other:?}"),
    }
    let finished = journal.file_after(journal.n_steps(), 0.0);
    assert!(
        fs::read(&path).unwrap() == finished,
        "recovery writes what the usual end writes"
    );
    let tagged = [finished.as_slice(), notes].concat();
    let path = folder.file("tagged.avi", &tagged);
    assert!(matches!(
        recover(&path).unwrap(),
        Recovered::Complete { n_frames: 10, .. }
    ));
    assert!(fs::read(&path).unwrap() == tagged);
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = Folder::new();
    let (journal, _) = journal(&webcam_times(5, 6));
    let finished = journal.file_after(journal.n_steps(), 0.0);
    let mut unmarked = finished.clone();
    let marker_at = finished
        .windows(8)
        .position(|word| word == b"fervis c")
        .unwrap();
    unmarked[marker_at] = b'F';
    let wav = [b"RIFF\x24\0\0\0WAVEfmt ".as_slice(), &[0; 6000]].concat();
    for (name, bytes) in [
        ("unmarked.avi", unmarked.as_slice()),
        ("sound.avi", &wav),
        ("other.avi", b"RIFF\0\0\0\0AVI JUNK\0\0\0\0 and so on"),
    ] {
        check_refusal(&folder, name, bytes);
    }
}

#[test]
fn a_recording_without_pictures_is_empty() {
    let folder = Folder::new();
    let (journal, _) = journal(&[]);
    let head = journal.file_after(journal.n_steps(), 0.0);
    for length in [0, 3, 8, 12, 100, 5000, head.len()] {
        let path = folder.file("video.avi", &head[..length]);
        assert_eq!(recover(&path).unwrap(), Recovered::Empty, "{length} bytes");
        assert_eq!(frame_times(&path).unwrap(), [0u64; 0], "{length} bytes");
        assert_eq!(fs::read(&path).unwrap(), head[..length]);
    }
}

#[test]
fn a_full_disk_keeps_what_fits() {
    let folder = Folder::new();
    let times = webcam_times(20, 7);
    let (journal, n_while_recording) = journal(&times);
    let n_bytes = journal.file_after(n_while_recording, 0.0).len();
    for (number, room) in (HEAD_BYTES as usize..n_bytes + 300)
        .step_by(499)
        .enumerate()
    {
        let what = format!("room for {room} of {n_bytes} bytes");
        let path = folder.path(&format!("{number}.avi"));
        let disk = FullDisk::new(&path, room as u64);
        let mut writer = Box::new(MjpegWriter::start(disk, &path, &settings()).unwrap());
        let mut n_written = 0;
        let err = loop {
            if n_written == 20 {
                break None;
            }
            match writer.write(&pixels(SIZE, n_written), times[n_written]) {
                Ok(_) => n_written += 1,
                Err(err) => break Some(err),
            }
        };
        assert_eq!(err.is_some(), room < n_bytes, "{what}");
        if let Some(err) = err {
            assert!(matches!(err, VideoError::DiskFull { .. }), "{what}: {err}");
            let again = writer
                .write(&pixels(SIZE, 0), Duration::from_secs(9))
                .unwrap_err();
            assert!(
                matches!(again, VideoError::Stopped { .. }),
                "{what}: {again}"
            );
        }
        if let Ok(summary) = writer.finish() {
            assert_eq!(summary.n_frames as usize, n_written, "{what}");
        }
        assert_eq!(
            check_recovery(&path, &ticks_of(&times), n_written, &what),
            n_written,
            "{what}"
        );
    }
}

#[test]
fn segments_follow_each_other_and_survive_a_crash_at_any_step() {
    let folder = Folder::new();
    let times = webcam_times(24, 8);
    let ticks = ticks_of(&times);
    let journal = Journal::default();
    let mut writer =
        Box::new(MjpegWriter::start(journal.clone(), Path::new("video.avi"), &settings()).unwrap());
    writer.avi.most_segment_bytes = 10_000;
    let mut written_after = vec![0; journal.n_steps() + 1];
    for (number, time) in times.iter().enumerate() {
        writer.write(&pixels(SIZE, number), *time).unwrap();
        written_after.resize(journal.n_steps(), number);
        written_after.push(number + 1);
    }
    writer.finish().unwrap();
    for n_steps in 0..=journal.n_steps() {
        for part in [0.0, 0.4, 0.99] {
            let what = format!("after {n_steps} steps and {part} of the next");
            let path = folder.file("video.avi", &journal.file_after(n_steps, part));
            let at_least = written_after.get(n_steps).copied().unwrap_or(24);
            check_recovery(&path, &ticks, at_least, &what);
            assert!(!folder.path("video.avi.tail").exists(), "{what}");
        }
    }
    // As OpenDML says: the index of indexes leads to each segment's own, and that to the pictures.
    let bytes = journal.file_after(journal.n_steps(), 0.0);
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let n_segments = number(212 + 8 + 4);
    assert!(n_segments > 2, "{n_segments}");
    let mut found = Vec::new();
    for segment in 0..n_segments {
        let index_at = number(212 + 32 + 16 * segment);
        assert_eq!(&bytes[index_at..index_at + 4], b"ix00");
        let start = number(index_at + 20);
        assert_eq!(&bytes[start..start + 4], b"RIFF");
        let end = start + 8 + number(start + 4);
        assert!(
            end == bytes.len() || &bytes[end..end + 4] == b"RIFF",
            "{segment}"
        );
        for slot in 0..number(index_at + 12) {
            let (offset, size) = (
                number(index_at + 32 + 8 * slot),
                number(index_at + 36 + 8 * slot),
            );
            found.extend(picture::time(&bytes[start + offset..][..size]));
        }
    }
    assert_eq!(found, ticks);
}

#[test]
fn a_damaged_chunk_costs_its_own_picture_and_no_other() {
    let folder = Folder::new();
    let times = webcam_times(20, 9);
    let ticks = ticks_of(&times);
    let (journal, n_while_recording) = journal(&times);
    for n_steps in [n_while_recording, journal.n_steps()] {
        let bytes = journal.file_after(n_steps, 0.0);
        let picture_at = |nth: usize| {
            bytes
                .windows(10)
                .enumerate()
                .filter(|(_, start)| start.starts_with(PICTURE) && start[8..] == [0xFF, 0xD8])
                .nth(nth)
                .unwrap()
                .0
        };
        for (what, at, mask) in [
            ("a size far too large", picture_at(7) + 7, 0x40),
            ("a size a little too large", picture_at(7) + 5, 0x08),
            ("a size too small", picture_at(7) + 5, 0x01),
            ("a name", picture_at(7) + 2, 0x20),
        ] {
            let mut damaged = bytes.clone();
            damaged[at] ^= mask;
            let path = folder.file("video.avi", &damaged);
            let recovered = recover(&path).unwrap();
            assert!(
                matches!(
                    recovered,
                    Recovered::Repaired {
                        n_frames: 19,
                        tail: Some(_),
                        ..
                    }
                ),
                "{what}: {recovered:?}"
            );
            let mut expected = ticks.clone();
            expected.remove(7);
            assert_eq!(frame_times(&path).unwrap(), expected, "{what}");
            let again = recover(&path).unwrap();
            assert!(
                matches!(again, Recovered::Complete { n_frames: 19, .. }),
                "{what}: {again:?}"
            );
            let repaired = fs::read(&path).unwrap();
            let slots = read_by_index(&repaired);
            assert_eq!(slots.iter().flatten().count(), 19, "{what}");
            let (n_slots, whole) = (slots.len(), journal.file_after(journal.n_steps(), 0.0));
            assert_eq!(
                n_slots,
                read_by_index(&whole).len(),
                "{what}: the film keeps its time"
            );
        }
    }
}
