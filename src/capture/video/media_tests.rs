//! The small files in `tests/media`, each with its times, colors and sizes, or why it is refused.

use std::{fs, io::Cursor, path::PathBuf, time::Duration};

use super::{Check, Container, OpenError, VideoSource, play};
use crate::{
    capture::FrameSource,
    frame::{Frame, FramePool, RGBA_BYTES, Resolution},
};

/// Frames in most of the files, and milliseconds from one to the next.
const N_FRAMES: u64 = 12;
const INTERVAL_MS: u64 = 40;

pub(super) fn media(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/media");
    fs::read(path.join(name)).unwrap()
}

pub(super) fn container(name: &str) -> Container {
    match name.rsplit('.').next() {
        Some("mkv" | "webm") => Container::Matroska,
        Some("avi") => Container::Avi,
        _ => Container::Mp4,
    }
}

fn open_bytes(name: &str, bytes: Vec<u8>) -> Result<VideoSource, OpenError> {
    let reader = Cursor::new(bytes);
    play(container(name), reader, name.to_owned(), Check::Beginning)
}

fn open(name: &str) -> VideoSource {
    let source = open_bytes(name, media(name)).unwrap_or_else(|err| panic!("{name}: {err:?}"));
    assert_eq!(source.decode_failures(), None, "{name}");
    source
}

fn frames(source: &mut VideoSource) -> Vec<Frame> {
    let pool = FramePool::default();
    std::iter::from_fn(|| source.next_frame(&pool).unwrap()).collect()
}

/// The color at a position in hundredths of the frame's sides.
fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let Resolution {
        width_px,
        height_px,
    } = frame.resolution();
    let at = (y * height_px / 100 * width_px + x * width_px / 100) as usize * RGBA_BYTES;
    frame.rgba()[at..at + 3].try_into().unwrap()
}

#[track_caller]
fn assert_color(found: [u8; 3], expected: [u8; 3], what: &str) {
    let is_near = found
        .iter()
        .zip(expected)
        .all(|(found, expected)| found.abs_diff(expected) <= 6);
    assert!(is_near, "{what}: {found:?} instead of {expected:?}");
}

const RED: [u8; 3] = [200, 40, 40];
const BLUE: [u8; 3] = [40, 60, 200];

fn gray(number: u64) -> [u8; 3] {
    [40 + 15 * number as u8; 3]
}

/// Checks numbers, times and colors of an upright file.
#[track_caller]
fn check(name: &str, size: (u32, u32), times_ms: &[u64]) {
    let mut source = open(name);
    assert_eq!(
        source.info().resolution,
        Resolution::new(size.0, size.1),
        "{name}"
    );
    let frames = frames(&mut source);
    let found_ms: Vec<u64> = frames
        .iter()
        .map(|frame| frame.time.as_millis() as u64)
        .collect();
    assert_eq!(found_ms, times_ms, "{name}");
    for (number, frame) in (0..).zip(&frames) {
        let what = format!("{name}, frame {number}");
        assert_eq!(frame.id.0, number, "{what}");
        assert_eq!(frame.resolution(), source.info().resolution, "{what}");
        assert_color(pixel(frame, 25, 30), RED, &what);
        assert_color(pixel(frame, 75, 30), BLUE, &what);
        assert_color(pixel(frame, 50, 88), gray(number), &what);
    }
}

fn even() -> Vec<u64> {
    (0..N_FRAMES).map(|number| number * INTERVAL_MS).collect()
}

fn uneven() -> Vec<u64> {
    (0..N_FRAMES).map(|number| 10 * number * number).collect()
}

#[cfg(feature = "h264-bundled")]
#[test]
fn h264_plays_in_true_time_and_color_from_every_container() {
    check("b-frames.mp4", (64, 48), &even());
    check("uneven.mp4", (64, 48), &uneven());
    check("wide-pixels.mp4", (85, 48), &even());
    check("bt709-full.mp4", (64, 48), &even());
    check("h264.mkv", (64, 48), &even());
    check("live.mkv", (64, 48), &even());
    check("uneven.mkv", (64, 48), &uneven());
    check("wide-pixels.mkv", (85, 48), &even());
}

#[cfg(feature = "av1")]
#[test]
fn av1_plays_in_true_time_and_color_from_every_container() {
    check("av1.mp4", (64, 48), &even());
    check("av1.webm", (64, 48), &even());
    check("av1-bt709-full.mkv", (64, 48), &even());
}

#[cfg(feature = "av1")]
#[test]
fn av1_without_colors_is_gray() {
    let mut source = open("av1-gray.mp4");
    let frames = frames(&mut source);
    assert_eq!(frames.len() as u64, N_FRAMES);
    let [r, g, b] = pixel(&frames[3], 25, 30);
    assert!(r == g && g == b && r > 20, "{r} {g} {b}");
    assert_color(pixel(&frames[3], 50, 88), gray(3), "gray");
}

#[test]
fn motion_jpeg_plays_in_true_time_and_color_from_every_container() {
    check("mjpeg.avi", (64, 48), &even());
    check("mjpeg.mkv", (64, 48), &even());
    check("mjpeg.mov", (64, 48), &even());
}

#[cfg(feature = "h264-bundled")]
#[test]
fn frames_that_lie_on_their_side_are_turned() {
    for name in ["turned.mp4", "rolled.mkv"] {
        let mut source = open(name);
        assert_eq!(source.info().resolution, Resolution::new(48, 64), "{name}");
        let frames = frames(&mut source);
        assert_eq!(frames.len() as u64, N_FRAMES, "{name}");
        for (number, frame) in (0..).zip(&frames) {
            // Turned clockwise: left is now top, bottom is now left.
            assert_color(pixel(frame, 70, 25), RED, name);
            assert_color(pixel(frame, 70, 75), BLUE, name);
            assert_color(pixel(frame, 12, 50), gray(number), name);
        }
    }
}

#[cfg(feature = "h264-bundled")]
#[test]
fn an_edit_list_shows_a_part() {
    let mut source = open("cut.mp4");
    assert_eq!(source.info().n_frames, Some(3));
    let frames = frames(&mut source);
    assert_eq!(frames.len(), 3);
    for (number, frame) in (0..).zip(&frames) {
        assert_eq!(frame.id.0, number);
        assert_eq!(frame.time.as_millis() as u64, number * INTERVAL_MS);
        assert_color(pixel(frame, 50, 88), gray(9 + number), "cut");
    }
}

/// In every file, a seek reaches any frame from any other.
#[test]
fn a_seek_reaches_every_frame() {
    let mut names = vec!["mjpeg.avi", "mjpeg.mkv"];
    if cfg!(feature = "h264-bundled") {
        names.extend([
            "b-frames.mp4",
            "uneven.mp4",
            "h264.mkv",
            "live.mkv",
            "uneven.mkv",
        ]);
    }
    if cfg!(feature = "av1") {
        names.extend(["av1.mp4", "av1.webm"]);
    }
    let pool = FramePool::default();
    for name in names {
        let mut source = open(name);
        let all = frames(&mut source);
        let next = |source: &mut VideoSource| source.next_frame(&pool).unwrap();
        for number in [11, 0, 7, 8, 8, 3, 4, 10, 5, 11] {
            let what = format!("{name}, frame {number}");
            assert!(source.seek(all[number].time).unwrap(), "{what}");
            let frame = next(&mut source).unwrap();
            assert_eq!(frame.time, all[number].time, "{what}");
            assert!(frame.rgba() == all[number].rgba(), "{what}");
            assert_eq!(frame.id.0, number as u64, "{what}");
            let after = next(&mut source).map(|frame| frame.time);
            assert_eq!(after, all.get(number + 1).map(|frame| frame.time), "{what}");
        }
        // Between two frames the earlier one is meant, even if it was delivered just now.
        source.seek(all[6].time).unwrap();
        next(&mut source);
        source.seek(all[6].time + Duration::from_millis(3)).unwrap();
        assert_eq!(next(&mut source).unwrap().time, all[6].time, "{name}");
        source.seek(Duration::MAX).unwrap();
        assert_eq!(next(&mut source).unwrap().time, all[11].time, "{name}");
        assert!(next(&mut source).is_none(), "{name}");
        source.seek(Duration::ZERO).unwrap();
        assert_eq!(frames(&mut source).len() as u64, N_FRAMES, "{name}");
    }
}

#[test]
fn the_duration_is_known_if_the_file_states_it() {
    let mut cases = vec![
        ("mjpeg.avi", Some(N_FRAMES), true),
        ("mjpeg.mov", Some(N_FRAMES), true),
        ("mjpeg.mkv", None, true),
    ];
    if cfg!(feature = "h264-bundled") {
        cases.push(("live.mkv", None, false));
    }
    for (name, n_frames, is_known) in cases {
        let source = open(name);
        assert_eq!(source.info().n_frames, n_frames, "{name}");
        let duration = source.info().duration.map(|duration| duration.as_millis());
        assert_eq!(duration, is_known.then_some(480), "{name}");
        assert!(
            (source.info().rate_hz.unwrap() - 25.0).abs() < 0.01,
            "{name}"
        );
    }
}

#[test]
fn what_is_left_to_ffmpeg_has_a_name() {
    for (name, words) in [
        ("hevc.mp4", "HEVC (H.265) video"),
        ("10-bit.mp4", "10-bit H.264 video"),
        ("422.mkv", "4:2:2 H.264 video"),
        ("interlaced.mp4", "interlaced H.264 video"),
        ("vp8.webm", "VP8 video"),
        ("vp9.webm", "VP9 video"),
        ("mpeg4.avi", "MPEG-4 video"),
        ("av1-10-bit.mp4", "10-bit AV1 video"),
    ] {
        match open_bytes(name, media(name)) {
            Err(OpenError::Unsupported(what)) => assert_eq!(what, words, "{name}"),
            Err(other) => panic!("{name}: {other:?}"),
            Ok(_) => panic!("{name} was opened"),
        }
    }
}

/// Each frame of `mjpeg.avi` claims 65535×65535 pixels.
#[test]
fn frames_beyond_the_limits_are_refused() {
    let mut bytes = media("mjpeg.avi");
    let sizes: Vec<usize> = (0..bytes.len() - 9)
        .filter(|at| bytes[*at..*at + 2] == [0xFF, 0xC0])
        .collect();
    for at in sizes {
        bytes[at + 5..at + 9].fill(0xFF);
    }
    match open_bytes("mjpeg.avi", bytes) {
        Err(OpenError::Refused(reason)) => assert!(reason.contains("65535×65535"), "{reason}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was opened"),
    }
}

/// Files that we decode, one of each kind.
const KINDS: [&str; 8] = [
    "mjpeg.avi",
    "mjpeg.mkv",
    "mjpeg.mov",
    "b-frames.mp4",
    "h264.mkv",
    "live.mkv",
    "av1.mp4",
    "av1.webm",
];

/// Plays what can be played, with a seek back on the way. Any outcome will do, as long as it ends.
fn play_anyhow(name: &str, bytes: Vec<u8>) -> usize {
    let Ok(mut source) = open_bytes(name, bytes) else {
        return 0;
    };
    let pool = FramePool::default();
    let mut n_frames = 0;
    while let Some(frame) = source.next_frame(&pool).unwrap() {
        assert!(frame.resolution().n_pixels() > 0);
        n_frames += 1;
        if n_frames == 5 {
            source.seek(Duration::from_millis(80)).unwrap();
        }
        assert!(n_frames < 500, "{name} does not end");
    }
    n_frames
}

#[test]
fn files_cut_anywhere_play_what_is_there() {
    for name in KINDS {
        let whole = media(name);
        let mut n_played = 0;
        for length in (0..whole.len()).step_by(whole.len() / 40) {
            n_played += usize::from(play_anyhow(name, whole[..length].to_vec()) > 0);
        }
        // The index of an MP4 file is at its end; without it nothing can be played.
        let has_index_first = !matches!(container(name), Container::Mp4);
        let is_decoded = match name {
            "b-frames.mp4" | "h264.mkv" | "live.mkv" => cfg!(feature = "h264-bundled"),
            "av1.mp4" | "av1.webm" => cfg!(feature = "av1"),
            _ => true,
        };
        if has_index_first && is_decoded {
            assert!(n_played > 5, "{name} played {n_played} times");
        }
    }
}

/// Flips seeded bits: no panic, no endless loop, no failing allocation.
#[test]
fn wrong_bits_do_no_harm() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        // Marsaglia's xorshift.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for name in KINDS {
        let whole = media(name);
        for round in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..1 + round % 8 {
                // Headers are small, so they get half of the damage.
                let reach = if round % 2 == 0 { 600 } else { bytes.len() };
                let at = random(reach.min(bytes.len()));
                bytes[at] ^= 1 << random(8);
            }
            play_anyhow(name, bytes);
        }
    }
}

/// Noise after the first bytes of each kind.
#[test]
fn noise_after_the_first_bytes_does_no_harm() {
    for name in KINDS {
        let whole = media(name);
        for kept in [4, 12, 40, 100, 200] {
            let mut bytes = whole[..kept].to_vec();
            bytes.extend((0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8));
            play_anyhow(name, bytes);
        }
    }
}
