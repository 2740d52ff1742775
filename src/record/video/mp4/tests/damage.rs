//! Wrong bits and bytes, in headers and anywhere.

use std::fs;

use super::{Clip, FrameSyntax, frames_in, headers_in};
use crate::record::video::{
    Recovered, frame_times, recover,
    test_support::{Folder, Random, check_refusal},
};

#[test]
fn damage_anywhere_is_an_answer_and_no_panic() {
    for clip in Clip::both(20, 13) {
        let folder = Folder::new();
        let (killed, finished) = clip.files();
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
}

#[test]
fn one_wrong_bit_in_a_header_costs_no_frame() {
    for clip in [Clip::of_one_unit(70, 21), Clip::of_jpegs(70, 21)] {
        let folder = Folder::new();
        let (killed, finished) = clip.files();
        let headers = headers_in(&killed);
        assert!(headers.len() > 4);
        // Headers are the same for both; only what follows one in the middle differs.
        let probed = match clip.syntax {
            FrameSyntax::NalUnits => vec![headers[0], headers[2], headers[headers.len() - 1]],
            FrameSyntax::Jpeg => vec![headers[2]],
        };
        for (at, n_bytes) in probed {
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
                assert!(frames_in(&path) == clip.data, "{place:?}");
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
        assert!(frames_in(&path) == clip.data);
    }
}

/// Damages a recording in one of many ways; returns which frames may be lost by that.
fn damage(bytes: &mut Vec<u8>, clip: &Clip, random: &mut Random) -> (String, Vec<usize>) {
    let headers = headers_in(bytes);
    let first_of = |fragment: usize| {
        let (at, n_bytes) = headers[fragment];
        let data = &bytes[at + n_bytes..];
        clip.data
            .iter()
            .position(|frame| data.starts_with(frame))
            .unwrap()
    };
    let firsts: Vec<usize> = (0..headers.len())
        .map(first_of)
        .chain([clip.data.len()])
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
            // A block that never reached the disk.
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
            let lost = firsts[cut].min(firsts[fragment])..clip.data.len();
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
    for clip in [Clip::of_one_unit(90, 22), Clip::of_jpegs(90, 22)] {
        let folder = Folder::new();
        let (killed, _) = clip.files();
        let mut random = Random(23);
        for number in 0..400 {
            let mut bytes = killed.clone();
            let (what, may_be_lost) = damage(&mut bytes, &clip, &mut random);
            let path = folder.file(&format!("{number}.mp4"), &bytes);
            let Ok(recovered) = recover(&path) else {
                let is_all = may_be_lost.len() == clip.data.len();
                assert!(
                    is_all && fs::read(&path).unwrap() == bytes,
                    "{number}: {what}"
                );
                continue;
            };
            if recovered == Recovered::Empty {
                assert_eq!(may_be_lost.len(), clip.data.len(), "{number}: {what}");
                continue;
            }
            let found = frames_in(&path);
            for (nth, frame) in clip.data.iter().enumerate() {
                let is_there = found.contains(frame);
                assert!(
                    is_there || may_be_lost.contains(&nth),
                    "{number}: {what}: frame {nth}"
                );
            }
            // What is not in the video any more is beside it.
            let Recovered::Repaired { tail, .. } = recovered else {
                panic!("{number}: {what}: {recovered:?}")
            };
            let kept = tail.map(|tail| fs::read(tail).unwrap()).unwrap_or_default();
            for frame in &clip.data {
                let was_there = bytes.windows(frame.len()).any(|part| part == frame);
                let is_kept = kept.windows(frame.len()).any(|part| part == frame);
                assert!(
                    !was_there || found.contains(frame) || is_kept,
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
}

#[test]
fn a_list_of_millions_costs_no_memory() {
    let folder = Folder::new();
    let (killed, _) = Clip::new(30, 24).files();
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
