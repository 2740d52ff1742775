//! The bundled clip, intact and damaged in several ways.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests themselves do"
)]

use std::io::Cursor;

use super::*;
use crate::capture::{
    demo::CLIP,
    video::{
        Container, codec,
        container::{
            Track,
            indexed::{Indexed, Place},
            mp4,
        },
        decoded::PixelAspect,
        orientation::Orientation,
        play,
    },
};

fn open(bytes: Vec<u8>) -> Result<VideoSource, OpenError> {
    let name = "clip".to_owned();
    play(Container::Mp4, Cursor::new(bytes), name, Check::Beginning)
}

/// What the clip's index says.
fn clip() -> (Track, Vec<Place>) {
    let file = mp4::open(Cursor::new(CLIP)).unwrap();
    (file.track().clone(), file.places().to_vec())
}

/// The clip, with another description.
fn open_with(track: Track, places: Vec<Place>) -> VideoSource {
    let decoder = codec::open(&track).unwrap();
    let demuxer = Box::new(Indexed::new(Cursor::new(CLIP), track, places, 0).unwrap());
    VideoSource::new(demuxer, decoder, "clip".to_owned(), Check::Beginning)
        .unwrap_or_else(|err| panic!("{err:?}"))
}

fn times(source: &mut impl FrameSource) -> Vec<Duration> {
    let pool = FramePool::default();
    std::iter::from_fn(|| source.next_frame(&pool).unwrap())
        .map(|frame| frame.time)
        .collect()
}

#[test]
fn a_clip_plays_to_its_end_in_true_time() {
    let mut source = open(CLIP.to_vec()).unwrap();
    assert_eq!(source.info().resolution, Resolution::new(640, 480));
    assert_eq!(source.info().n_frames, Some(270));
    assert!((source.info().rate_hz.unwrap() - 30.0).abs() < 0.01);
    let times = times(&mut source);
    assert_eq!(times.len(), 270);
    for (i, time) in times.iter().enumerate() {
        assert!(
            (time.as_secs_f64() - i as f64 / 30.0).abs() < 1e-4,
            "frame {i}: {time:?}"
        );
    }
    assert!(source.next_frame(&FramePool::default()).unwrap().is_none());
}

/// Number, time and a few pixels of the next frame.
fn next(source: &mut impl FrameSource) -> Option<(u64, Duration, Vec<u8>)> {
    let frame = source.next_frame(&FramePool::default()).unwrap()?;
    let pixels = frame.rgba().iter().copied().step_by(997).collect();
    Some((frame.id.0, frame.time, pixels))
}

#[test]
fn a_seek_reaches_any_frame_and_it_is_the_same_as_before() {
    let mut source = open(CLIP.to_vec()).unwrap();
    let all: Vec<_> = std::iter::from_fn(|| next(&mut source)).collect();
    let length = source.info().duration.unwrap();
    assert!((length.as_secs_f64() - 9.0).abs() < 1e-3, "{length:?}");
    // Back from the end, on in small and large steps, to the same frame again, and back.
    for place in [269, 0, 1, 5, 4, 130, 131, 131, 260, 259, 30] {
        assert!(source.seek(all[place].1).unwrap());
        assert_eq!(next(&mut source).as_ref(), Some(&all[place]));
        assert_eq!(next(&mut source).as_ref(), all.get(place + 1));
    }
    // Between two frames the earlier one is meant.
    source.seek(all[50].1 - Duration::from_millis(1)).unwrap();
    assert_eq!(next(&mut source).as_ref(), Some(&all[49]));
    source.seek(Duration::MAX).unwrap();
    assert_eq!(next(&mut source).as_ref(), Some(&all[269]));
    assert!(next(&mut source).is_none());
}

#[test]
fn a_seek_past_the_end_of_a_cut_file_reaches_its_last_frame() {
    let mut source = open(CLIP[..CLIP.len() / 2].to_vec()).unwrap();
    let last = std::iter::from_fn(|| next(&mut source)).last();
    assert!(last.is_some());
    source.seek(Duration::from_secs(8)).unwrap();
    assert_eq!(next(&mut source), last);
    assert_eq!(next(&mut source), None);
}

#[test]
fn the_colors_are_right() {
    let mut source = open(CLIP.to_vec()).unwrap();
    let frame = source.next_frame(&FramePool::default()).unwrap().unwrap();
    // The background at the top left: Y 70, U 133, V 124 less the vignette, in BT.601.
    let [r, g, b] = [frame.rgba()[0], frame.rgba()[1], frame.rgba()[2]].map(i32::from);
    assert!(b > g && g > r && (20..60).contains(&g), "{r} {g} {b}");
}

#[test]
fn a_file_cut_short_plays_what_is_there() {
    let mut source = open(CLIP[..CLIP.len() / 2].to_vec()).unwrap();
    let n_frames = times(&mut source).len();
    assert!((50..220).contains(&n_frames), "{n_frames}");
}

#[test]
fn damaged_packets_do_not_stop_it_or_shift_the_times() {
    let mut bytes = CLIP.to_vec();
    for place in &clip().1[20..25] {
        let start = place.offset as usize;
        bytes[start + 4..start + place.size as usize].fill(0xA5);
    }
    let mut source = open(bytes).unwrap();
    let times = times(&mut source);
    assert!(times.len() < 270 && times.len() > 150, "{}", times.len());
    assert!((times.last().unwrap().as_secs_f64() - 269.0 / 30.0).abs() < 1e-4);
    assert!(times.is_sorted());
}

#[test]
fn a_file_of_damaged_packets_is_refused() {
    let mut bytes = CLIP.to_vec();
    let start = clip().1[0].offset as usize;
    bytes[start..].fill(0x3C);
    match open(bytes).err() {
        Some(OpenError::Unsupported(what)) => assert!(what.contains("damaged"), "{what}"),
        other => panic!("{other:?}"),
    }
}

/// Failures at the beginning call for another decoder; a few later on do not.
#[test]
fn a_bad_beginning_is_reported() {
    let damaged = |range: std::ops::Range<usize>| {
        let mut bytes = CLIP.to_vec();
        for place in &clip().1[range] {
            let start = place.offset as usize;
            bytes[start + 4..start + place.size as usize].fill(0xA5);
        }
        open(bytes).unwrap().decode_failures()
    };
    let failures = damaged(3..6).unwrap();
    assert!(failures.contains("of its first 16 frames"), "{failures}");
    assert_eq!(damaged(100..110), None);
}

#[test]
fn an_edit_list_cuts_both_ends() {
    let (track, mut places) = clip();
    for (number, place) in places.iter_mut().enumerate() {
        place.is_shown = (100..103).contains(&number);
    }
    let mut source = open_with(track, places);
    assert_eq!(source.info().n_frames, Some(3));
    let times = times(&mut source);
    assert_eq!(times.len(), 3);
    assert_eq!(times[0], Duration::ZERO);
}

/// A part that is shown a second time, from the middle of a group of frames.
#[test]
fn a_part_that_is_repeated_is_the_same_again() {
    let (track, places) = clip();
    let mut source = open_with(track.clone(), places.clone());
    let all: Vec<_> = std::iter::from_fn(|| next(&mut source)).collect();
    let shown = |from: usize, shown: std::ops::Range<usize>, later_ns: i64| {
        let part: Vec<Place> = (from..shown.end)
            .map(|number| Place {
                pts: places[number].pts + later_ns,
                is_shown: shown.contains(&number),
                ..places[number]
            })
            .collect();
        part
    };
    let sync = (0..=40).rfind(|number| places[*number].is_sync).unwrap();
    let mut edited = shown(0, 0..20, 0);
    edited.extend(shown(sync, 40..45, 0));
    edited.extend(shown(0, 0..5, 9_000_000_000));
    let mut source = open_with(track, edited);
    let found: Vec<_> = std::iter::from_fn(|| next(&mut source)).collect();
    let expected: Vec<usize> = (0..20).chain(40..45).chain(0..5).collect();
    assert_eq!(found.len(), expected.len());
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found.0, number as u64);
        assert!(found.2 == all[*expected].2, "frame {number}");
    }
    assert!(found.is_sorted_by(|a, b| a.1 < b.1));
    // A seek reaches any of them, also where it is shown the second time.
    for number in [22, 27, 3] {
        source.seek(found[number].1).unwrap();
        assert_eq!(next(&mut source).as_ref(), Some(&found[number]));
    }
}

#[test]
fn a_turned_video_is_as_high_as_it_was_wide() {
    let (mut track, places) = clip();
    track.orientation = Orientation::from_angle(90.0, false);
    let source = open_with(track, places);
    assert_eq!(source.info().resolution, Resolution::new(480, 640));
}

#[test]
fn a_video_with_wide_pixels_is_stretched() {
    let (mut track, places) = clip();
    track.pixel_aspect = PixelAspect::new(4, 3);
    let mut source = open_with(track, places);
    assert_eq!(source.info().resolution, Resolution::new(853, 480));
    let frame = source.next_frame(&FramePool::default()).unwrap().unwrap();
    assert_eq!(frame.resolution(), source.info().resolution);
}
