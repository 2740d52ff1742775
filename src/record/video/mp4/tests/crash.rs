//! Killed at every step, cut anywhere, and after a power cut.

use std::fs;

use re_mp4::Mp4;

use super::Clip;
use crate::{
    record::video::{
        Recovered,
        file::create_new,
        frame_times, recover,
        test_support::{Folder, Journal, check_recovery},
    },
    time::Ticks,
};

#[test]
fn a_dropped_recording_keeps_all_but_the_last_half_second() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let clip = Clip::new(100, 2);
    drop(clip.record(create_new(&path).unwrap()).unwrap());
    let end = clip.ticks[99];
    let at_least = clip
        .ticks
        .iter()
        .filter(|ticks| **ticks + Ticks(45_000) <= end)
        .count();
    let n_found = check_recovery(&path, &clip.ticks, at_least - 1, "dropped");
    clip.check_by_other_reader(&path, n_found);
}

#[test]
fn a_crash_at_any_step_costs_no_frame_that_was_written() {
    for clip in Clip::both(40, 4) {
        let journal = Journal::default();
        let mut mp4 = clip.start(journal.clone()).unwrap();
        let mut written_after = vec![0; journal.n_steps() + 1];
        for number in 0..40 {
            clip.push(&mut mp4, number).unwrap();
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
                let n_found = check_recovery(&path, &clip.ticks, at_least, &what);
                if n_found > 0 {
                    clip.check_by_other_reader(&path, n_found);
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
}

#[test]
fn a_file_cut_anywhere_keeps_every_whole_frame() {
    for clip in Clip::both(36, 5) {
        let folder = Folder::new();
        let (killed, finished) = clip.files();
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
                let n_found = check_recovery(&path, &clip.ticks, whole, &what);
                assert_eq!(n_found, whole, "{what}");
                assert!(!folder.path("video.mp4.tail").exists(), "{what}");
            }
        }
    }
}

#[test]
fn zeros_after_a_power_cut_are_dropped() {
    let folder = Folder::new();
    let clip = Clip::new(60, 6);
    let (killed, _) = clip.files();
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
        clip.check_by_other_reader(&path, 60);
    }
}

#[test]
fn frames_that_never_reached_the_disk_are_not_counted() {
    for clip in Clip::both(60, 7) {
        let folder = Folder::new();
        let (mut killed, finished) = clip.files();
        let path = folder.file("whole.mp4", &finished);
        let mp4 = Mp4::read_file(&path).unwrap().0;
        let sample = &mp4.tracks().values().next().unwrap().samples[59];
        killed[sample.byte_range()].fill(0);
        let path = folder.file("video.mp4", &killed);
        let n_found = check_recovery(&path, &clip.ticks, 59, "zeros in the last fragment");
        assert_eq!(n_found, 59);
        assert!(!folder.path("video.mp4.tail").exists(), "zeros are nothing");
    }
}

#[test]
fn a_finished_file_is_believed_whatever_became_of_its_fragments() {
    for clip in Clip::both(60, 9) {
        let folder = Folder::new();
        let (_, finished) = clip.files();
        let moof_at = finished
            .windows(4)
            .rposition(|word| word == b"moof")
            .unwrap();
        let mut damaged = finished.clone();
        damaged[moof_at] = b'x';
        let path = folder.file("video.mp4", &damaged);
        assert_eq!(
            check_recovery(&path, &clip.ticks, 60, "damaged header of a fragment"),
            60
        );
        assert_eq!(fs::read(&path).unwrap(), damaged);
        // And the reverse: without its index, the fragments tell.
        let moov_at = finished
            .windows(4)
            .rposition(|word| word == b"moov")
            .unwrap();
        let path = folder.file("video.mp4", &finished[..moov_at + 50]);
        assert_eq!(check_recovery(&path, &clip.ticks, 60, "index cut off"), 60);
        clip.check_by_other_reader(&path, 60);
    }
}
