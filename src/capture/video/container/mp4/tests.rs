//! The demo clip, intact and damaged.

use std::io::Cursor;

use super::*;
use crate::capture::{
    demo::CLIP,
    video::container::{Codec, Demuxer},
};

fn read(bytes: &[u8]) -> Result<Indexed<Cursor<&[u8]>>, OpenError> {
    open(Cursor::new(bytes))
}

fn at(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|w| w == name).unwrap()
}

/// The clip with each box on a path longer by `n` bytes.
fn grown(mut bytes: Vec<u8>, path: &[&[u8; 4]], n: usize) -> Vec<u8> {
    for name in path {
        let at = at(&bytes, name) - 4;
        let size = u32_at(&bytes, at).unwrap() + n as u32;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    bytes
}

#[test]
fn the_demo_clip_is_read() {
    let file = read(CLIP).unwrap();
    assert_eq!(file.places().len(), 270);
    assert!(file.places()[0].is_sync);
    assert_eq!(file.times().unwrap().len(), 270);
    assert_eq!(file.track().orientation, Orientation::default());
    assert!(matches!(file.track().codec, Codec::H264(_)));
    let times = file.times().unwrap();
    let seconds = (times[269] - times[0]) as f64 / 1e9;
    assert!((seconds - 269.0 / 30.0).abs() < 1e-3);
}

#[test]
fn an_index_that_is_cut_is_an_error() {
    let index_end = at(CLIP, b"mdat") - 4;
    for length in (0..index_end).step_by(50) {
        let result = read(&CLIP[..length]);
        assert!(
            matches!(result, Err(OpenError::Damaged(_))),
            "{length} bytes"
        );
    }
    // After the index only frames are missing.
    match read(&CLIP[..index_end + 100]) {
        Err(OpenError::Damaged(reason)) => assert!(reason.contains("cut short"), "{reason}"),
        other => panic!("{other:?}"),
    }
    let file = read(&CLIP[..CLIP.len() / 2]).unwrap();
    assert!((50..220).contains(&file.places().len()));
}

/// Damages every byte of the index in turn; any result but a panic will do.
#[test]
fn damage_anywhere_in_the_index_does_no_harm() {
    for place in (0..at(CLIP, b"mdat")).step_by(7) {
        for value in [0x55, 0xFF] {
            let mut bytes = CLIP.to_vec();
            bytes[place] ^= value;
            drop(read(&bytes));
        }
    }
}

/// Each box in turn claims impossible sizes; reading always ends.
#[test]
fn reading_ends_whatever_size_a_box_claims() {
    let names: [&[u8; 4]; 12] = [
        b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"hdlr", b"minf", b"stbl", b"stsd", b"avcC",
        b"stts", b"stsz",
    ];
    for name in names {
        for size in [0, 1, 4, 7, 8, 9, 0x7FFF_FFFF, u32::MAX] {
            let mut bytes = CLIP.to_vec();
            let place = at(&bytes, name) - 4;
            bytes[place..place + 4].copy_from_slice(&size.to_be_bytes());
            drop(read(&bytes));
        }
    }
}

#[test]
fn impossible_numbers_of_frames_are_refused() {
    let mut bytes = CLIP.to_vec();
    let table = at(&bytes, b"stsz") + 8;
    bytes[table..table + 8].copy_from_slice(&[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xF0]);
    match read(&bytes) {
        Err(OpenError::Damaged(reason)) => assert!(reason.contains("damaged"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// The clip with a copy of its track, changed in some places, before the original.
fn with_track_before(changes: &[(&[u8; 4], usize, &[u8])]) -> Vec<u8> {
    let trak = at(CLIP, b"trak") - 4;
    let length = u32_at(CLIP, trak).unwrap() as usize;
    let mut other = CLIP[trak..trak + length].to_vec();
    for (name, offset, change) in changes {
        let place = at(&other, name) + 4 + offset;
        other[place..place + change.len()].copy_from_slice(change);
    }
    let mut bytes = grown(CLIP.to_vec(), &[b"moov"], other.len());
    bytes.splice(trak..trak, other);
    bytes
}

#[test]
fn the_right_one_of_several_tracks_is_read() {
    let sound = with_track_before(&[
        (b"hdlr", 8, b"soun"),
        (b"stsz", 4, &[0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF]),
        (b"tkhd", 12, &[0, 0, 0, 9]),
    ]);
    let disabled = with_track_before(&[(b"tkhd", 0, &[0, 0, 0, 2]), (b"tkhd", 12, &[0, 0, 0, 9])]);
    // One frame only: a cover.
    let cover = with_track_before(&[
        (b"stsz", 4, &[0, 0, 0, 4, 0, 0, 0, 1]),
        (b"tkhd", 12, &[0, 0, 0, 9]),
    ]);
    let number = read(CLIP).unwrap().track().ffmpeg_stream.clone();
    for bytes in [sound, disabled, cover] {
        let file = read(&bytes).unwrap();
        assert_eq!(file.track().ffmpeg_stream, number);
    }
    let equal = with_track_before(&[(b"tkhd", 12, &[0, 0, 0, 9])]);
    assert_eq!(
        read(&equal).unwrap().track().ffmpeg_stream,
        "i:9",
        "the first"
    );
}

/// What the video does not need cannot make it unreadable: covers of unknown kinds, for example.
#[test]
fn boxes_that_the_video_does_not_need_may_hold_anything() {
    for junk in [
        &b"\0\0\0\x10udta\0\0\0\0ABCD"[..],
        b"\0\0\0\x18meta\0\0\0\0\0\0\0\x0Cilst\0\0\0\0",
        b"\0\0\0\x10\0\0\0\0\xFF\xFF\xFF\xFF\0\0\0\x01",
    ] {
        let mut bytes = grown(CLIP.to_vec(), &[b"moov"], junk.len());
        let place = at(&bytes, b"moov") + 4;
        bytes.splice(place..place, junk.iter().copied());
        assert_eq!(read(&bytes).unwrap().track(), read(CLIP).unwrap().track());
    }
}

#[test]
fn the_matrices_of_track_and_movie_are_combined() {
    let with = |track: [i32; 4], movie: [i32; 4]| {
        let mut bytes = CLIP.to_vec();
        for (name, offset, matrix) in [(b"tkhd", 44, track), (b"mvhd", 40, movie)] {
            for (i, value) in [0, 4, 12, 16].into_iter().zip(matrix) {
                let place = at(&bytes, name) + offset + i;
                bytes[place..place + 4].copy_from_slice(&(value << 16).to_be_bytes());
            }
        }
        read(&bytes).unwrap().track().orientation
    };
    let (upright, right, mirrored) = ([1, 0, 0, 1], [0, 1, -1, 0], [-1, 0, 0, 1]);
    let orientation = |is_transposed, flips_x, flips_y| Orientation {
        is_transposed,
        flips_x,
        flips_y,
    };
    for (track, movie, expected) in [
        (upright, upright, orientation(false, false, false)),
        (right, upright, orientation(true, true, false)),
        (upright, right, orientation(true, true, false)),
        (right, right, orientation(false, true, true)),
        (right, mirrored, orientation(true, false, false)),
        (mirrored, right, orientation(true, true, true)),
        (mirrored, [0; 4], orientation(false, true, false)),
    ] {
        assert_eq!(with(track, movie), expected, "{track:?} {movie:?}");
    }
}
