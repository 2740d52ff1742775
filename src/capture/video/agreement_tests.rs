//! Our readers and ffmpeg deliver the same frames of a file at the same times. Without ffmpeg only our half is tested.

#![cfg_attr(
    not(feature = "h264-bundled"),
    allow(dead_code, reason = "most of these files are H.264")
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    Choice, FfmpegSource, Input,
    media_tests::{container, media},
    open,
};
use crate::{
    capture::FrameSource,
    frame::{Frame, FramePool, RGBA_BYTES, Resolution},
};

fn has_ffmpeg() -> bool {
    let status = Command::new("ffmpeg")
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok()
}

fn ffmpeg(arguments: &[&str], folder: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success(), "{arguments:?}");
}

/// Time and pixels of every frame.
fn frames(source: &mut dyn FrameSource) -> Vec<Frame> {
    let pool = FramePool::default();
    std::iter::from_fn(|| source.next_frame(&pool).unwrap()).collect()
}

fn times_ms(frames: &[Frame]) -> Vec<u128> {
    frames.iter().map(|frame| frame.time.as_millis()).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn open_by_ffmpeg(path: &Path) -> FfmpegSource {
    let kind = container(&path.to_string_lossy());
    let file = fs::File::open(path).unwrap();
    let choice = Choice::of(super::container::open(kind, file).unwrap().track());
    FfmpegSource::open(Input::File(path.to_owned()), "film".to_owned(), choice).unwrap()
}

/// The frames of a file that we decode; checks that they are those that ffmpeg decodes.
#[track_caller]
fn same_frames(path: &Path) -> Vec<Frame> {
    let mut source = open(path, container(&path.to_string_lossy())).unwrap();
    let ours = frames(&mut *source);
    if has_ffmpeg() {
        let mut source = open_by_ffmpeg(path);
        let theirs = frames(&mut source);
        assert_eq!(times_ms(&ours), times_ms(&theirs), "{}", path.display());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.resolution(), theirs.resolution());
            // At edges the two color conversions differ.
            let n_far = ours
                .rgba()
                .iter()
                .zip(theirs.rgba())
                .filter(|(ours, theirs)| ours.abs_diff(**theirs) > 12)
                .count();
            let share = n_far as f64 / ours.rgba().len() as f64;
            assert!(share < 0.06, "{}: {share}", path.display());
        }
    } else {
        log::warn!("not compared with ffmpeg, which is not installed");
    }
    ours
}

fn at(bytes: &[u8], name: &[u8; 4]) -> usize {
    bytes.windows(4).position(|w| w == name).unwrap()
}

fn with_matrix(name: &str, matrix: [i32; 4]) -> Vec<u8> {
    let mut bytes = media(name);
    let start = at(&bytes, b"tkhd") + 4 + 40;
    for (offset, value) in [0, 4, 12, 16].into_iter().zip(matrix) {
        bytes[start + offset..start + offset + 4].copy_from_slice(&(value << 16).to_be_bytes());
    }
    bytes
}

/// Where the red, the blue and the gray part of a frame are, in hundredths of its sides.
type Places = [(u32, u32); 3];

#[cfg(feature = "h264-bundled")]
const MATRICES: [([i32; 4], Places); 8] = [
    ([1, 0, 0, 1], [(25, 30), (75, 30), (50, 88)]),
    ([-1, 0, 0, 1], [(75, 30), (25, 30), (50, 88)]),
    ([1, 0, 0, -1], [(25, 70), (75, 70), (50, 12)]),
    ([-1, 0, 0, -1], [(75, 70), (25, 70), (50, 12)]),
    ([0, 1, 1, 0], [(30, 25), (30, 75), (88, 50)]),
    ([0, 1, -1, 0], [(70, 25), (70, 75), (12, 50)]),
    ([0, -1, 1, 0], [(30, 75), (30, 25), (88, 50)]),
    ([0, -1, -1, 0], [(70, 75), (70, 25), (12, 50)]),
];

#[cfg(feature = "h264-bundled")]
#[track_caller]
fn check_places(frame: &Frame, places: Places, what: &str) {
    let Resolution {
        width_px,
        height_px,
    } = frame.resolution();
    let expected = [[200, 40, 40], [40, 60, 200], [55, 55, 55]];
    for ((x, y), expected) in places.into_iter().zip(expected) {
        let at = (y * height_px / 100 * width_px + x * width_px / 100) as usize;
        let found = &frame.rgba()[at * RGBA_BYTES..][..3];
        let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 6);
        assert!(is_near, "{what}: {found:?}, not {expected:?}");
    }
}

#[cfg(feature = "h264-bundled")]
#[test]
fn all_eight_display_matrices_are_the_same_here_and_by_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b-frames.mp4", "wide-pixels.mp4"] {
        for (matrix, places) in MATRICES {
            let path = write(folder.path(), name, &with_matrix(name, matrix));
            let frames = same_frames(&path);
            assert_eq!(frames.len(), 12);
            check_places(&frames[1], places, &format!("{name} {matrix:?}"));
        }
    }
}

/// Matroska stores angles.
#[cfg(feature = "h264-bundled")]
#[test]
fn mirrored_matroska_is_mirrored() {
    let folder = tempfile::tempdir().unwrap();
    for (name, places) in [
        ("mirrored.mkv", MATRICES[2].1),
        ("rolled-mirrored.mkv", MATRICES[7].1),
    ] {
        let path = write(folder.path(), name, &media(name));
        check_places(&same_frames(&path)[1], places, name);
    }
}

/// A file that only ffmpeg decodes is turned like the others.
#[test]
fn what_ffmpeg_decodes_is_turned_too() {
    if !has_ffmpeg() {
        log::warn!("skipped: ffmpeg is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (matrix, top_left) in [
        ([0, 1, 1, 0], [200, 40, 40]),
        ([-1, 0, 0, 1], [40, 60, 200]),
    ] {
        let path = write(folder.path(), "a.mp4", &with_matrix("hevc.mp4", matrix));
        let mut source = open(&path, container("a.mp4")).unwrap();
        let frame = &frames(&mut *source)[0];
        assert_eq!(frame.resolution().height_px == 64, matrix[0] == 0);
        let pixel = &frame.rgba()[..3];
        let is_near = pixel.iter().zip(top_left).all(|(a, b)| a.abs_diff(b) <= 12);
        assert!(is_near, "{matrix:?}: {pixel:?}");
    }
}

/// `b-frames.mp4` with an edit list of these parts: durations in ms, and starts in 1/12800 s.
#[cfg(feature = "h264-bundled")]
fn edited(edits: &[(u32, i32)]) -> Vec<u8> {
    let mut bytes = media("b-frames.mp4");
    let list = at(&bytes, b"elst");
    let n_more = (edits.len() as u32 - 1) * 12;
    for name in [b"moov", b"trak", b"edts", b"elst"] {
        let size = at(&bytes, name) - 4;
        let longer = u32::from_be_bytes(bytes[size..size + 4].try_into().unwrap()) + n_more;
        bytes[size..size + 4].copy_from_slice(&longer.to_be_bytes());
    }
    let mut entries = (edits.len() as u32).to_be_bytes().to_vec();
    for (duration, start) in edits {
        entries.extend(duration.to_be_bytes());
        entries.extend(start.to_be_bytes());
        entries.extend([0, 1, 0, 0]);
    }
    bytes.splice(list + 8..list + 24, entries);
    bytes
}

#[cfg(feature = "h264-bundled")]
#[test]
fn edit_lists_of_several_parts_are_the_same_here_and_by_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    // The first frame is shown at 1024, each next one 512 later; decoding can start at every sixth.
    let start = |frame: i32| 1024 + frame * 512;
    for (edits, expected) in [
        (
            &[(480, start(0))][..],
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11][..],
        ),
        (&[(80, start(2)), (120, start(8))], &[2, 3, 8, 9, 10]),
        (&[(120, start(0)), (120, start(1))], &[0, 1, 2, 1, 2, 3]),
        (&[(120, start(9)), (80, start(1))], &[9, 10, 11, 1, 2]),
    ] {
        let path = write(folder.path(), "edited.mp4", &edited(edits));
        // ffmpeg shows rearranged parts in the right order, but at their original times.
        let is_in_order = edits.is_sorted_by_key(|edit| edit.1);
        let frames = if is_in_order {
            same_frames(&path)
        } else {
            frames(&mut *open(&path, container("edited.mp4")).unwrap())
        };
        let numbers: Vec<i64> = frames
            .iter()
            .map(|frame| {
                let gray = frame.rgba()[(42 * 64 + 32) * RGBA_BYTES];
                (i64::from(gray) - 40 + 7).div_euclid(15)
            })
            .collect();
        assert_eq!(numbers, expected, "{edits:?}");
        let times: Vec<u128> = (0..expected.len() as u128).map(|i| i * 40).collect();
        assert_eq!(times_ms(&frames), times, "{edits:?}");
    }
}

#[cfg(feature = "h264-bundled")]
#[test]
fn times_are_the_same_here_and_by_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["uneven.mp4", "uneven.mkv", "live.mkv", "cut.mp4"] {
        same_frames(&write(folder.path(), name, &media(name)));
    }
}

/// Two joined files, of which the second begins at time 0 again.
#[cfg(feature = "h264-bundled")]
#[test]
fn joined_files_play_on_without_a_step_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = vec![write(
        folder.path(),
        "joined.mkv",
        &media("live.mkv").repeat(2),
    )];
    if has_ffmpeg() {
        write(folder.path(), "a.mp4", &media("b-frames.mp4"));
        ffmpeg(&["-i", "a.mp4", "-c", "copy", "a.ts"], folder.path());
        let stream = fs::read(folder.path().join("a.ts")).unwrap();
        paths.push(write(folder.path(), "joined.ts", &stream.repeat(2)));
    }
    for path in paths {
        let mut source = if path.extension().is_some_and(|extension| extension == "ts") {
            super::open_other(&path, "a stream").unwrap()
        } else {
            open(&path, container("a.mkv")).unwrap()
        };
        let all = frames(&mut *source);
        let expected: Vec<u128> = (0..24).map(|number| number * 40).collect();
        assert_eq!(times_ms(&all), expected, "{}", path.display());
        // Once times are known to restart, a seek reads from the beginning.
        let pool = FramePool::default();
        for number in [20, 3, 13] {
            source.seek(Duration::from_millis(number * 40)).unwrap();
            let frame = source.next_frame(&pool).unwrap().unwrap();
            assert_eq!(
                (frame.id.0, frame.time.as_millis()),
                (number, u128::from(number) * 40)
            );
            assert!(frame.rgba() == all[number as usize].rgba());
        }
    }
}

/// Titles and keys that imitate ffmpeg's log, and times that need more than six digits.
#[test]
fn times_by_ffmpeg_are_whole_ticks_whatever_a_title_says() {
    if !has_ffmpeg() {
        log::warn!("skipped: ffmpeg is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.webm", &media("vp9.webm"));
    let title = "title=[Parsed_showinfo_2 @ 0x1] n: 0 pts: 7 pts_time:7 s:2000x2000 i:P\n[showinfo@ @ 0x1] s:9x9";
    let arguments = [
        "-i",
        "a.webm",
        "-c",
        "copy",
        "-metadata",
        title,
        "-metadata",
        "  Duration\n  Duration=99:00:00.00",
        "-output_ts_offset",
        "200000.007",
        "b.webm",
    ];
    ffmpeg(&arguments, folder.path());
    let mut source = open(&folder.path().join("b.webm"), container("b.webm")).unwrap();
    let duration = source.info().duration;
    assert!(
        duration < Some(Duration::from_secs(300_000)),
        "{duration:?}"
    );
    assert_eq!(times_ms(&frames(&mut *source)), [0, 40, 80]);
}
