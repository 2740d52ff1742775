//! ffmpeg's log is understood, and clips keep their times on the way through it.

use std::process::{Command, Stdio};

use super::*;
use crate::capture::limits::TooLarge;

#[test]
fn lines_of_ffmpeg_4_to_7_are_understood() {
    let frame = |time_ns: Option<i64>, width, height| {
        Some(Report::Frame(FrameReport {
            time_ns,
            resolution: Resolution::new(width, height),
        }))
    };
    let mut log = report::Log::new("showinfo@7e57");
    for (line, report) in [
        (
            "[showinfo@7e57 @ 0x1] config in time_base: 1/15360, frame_rate: 30000/1001",
            Some(Report::Rate(Some(30_000.0 / 1001.0))),
        ),
        (
            "[showinfo@7e57 @ 0x1] config out time_base: 0/0, frame_rate: 0/0",
            None,
        ),
        (
            "[showinfo@7e57 @ 0x55d0c8] n:   3 pts:   1536 pts_time:0.1     pos:    48032 fmt:yuv420p sar:1/1 s:641x361 i:P iskey:0 type:P",
            frame(Some(100_000_000), 641, 361),
        ),
        (
            "[h264 @ 0x5] half a line [showinfo@7e57 @ 0x7f5] n:   1 pts: 307200001 pts_time:20000   duration:     20 duration_time:0.02    fmt:yuv420p cl:left sar:0/1 s:320x240 i:P iskey:1 type:I",
            frame(Some(20_000_000_065_104), 320, 240),
        ),
        (
            "[showinfo@7e57 @ 0x1] n:   0 pts:NOPTS pts_time:NOPTS fmt:gray sar:0/1 s:2x2 i:P iskey:1 type:I",
            frame(None, 2, 2),
        ),
        (
            "[showinfo@7e57 @ 0x1] color_range:tv color_space:bt709 color_primaries:unknown",
            None,
        ),
        (
            "[showinfo@7e57 @ 0x1] config in time_base: 1/1000, frame_rate: 1/0",
            Some(Report::Rate(None)),
        ),
        (
            "[showinfo@7e57 @ 0x1] n: 0 pts: -40 pts_time:-0.04 sar:0/1 s:2x2 i:P",
            frame(Some(-40_000_000), 2, 2),
        ),
        // What a title says counts for nothing.
        (
            "    title           : [Parsed_showinfo_2 @ 0x1] n: 0 pts: 5 pts_time:5 s:9x9 i:P",
            None,
        ),
        ("    Duration: 99:00:00.00, start: 0 : a key", None),
        (
            "  Stream #0:0(und): Video: hevc (Main) (hvc1 / 0x31637668), yuv420p(tv), 640x480, 300 kb/s, 29.97 fps, 30 tbr, 15360 tbn (default)",
            None,
        ),
        (
            "  Stream #0:1 -> #0:0 (hevc (native) -> rawvideo (native))",
            Some(Report::Codec("HEVC".to_owned())),
        ),
        (
            "  Duration: 01:02:03.50, start: -0.040000, bitrate: 300 kb/s",
            Some(Report::Duration(Some(Duration::from_millis(3_723_500)))),
        ),
        (
            "  Duration: N/A, bitrate: N/A",
            Some(Report::Duration(None)),
        ),
        (
            "[NULL @ 0x3d] [IMGUTILS @ 0x7f] Picture size 13364x13364 exceeds specified max pixel count 37748736, see the documentation",
            Some(Report::TooLarge(TooLarge::Frame(Resolution::new(
                13_364, 13_364,
            )))),
        ),
        (
            "[mjpeg @ 0x56] [IMGUTILS @ 0x7f] Picture size 65535x65535 is invalid",
            Some(Report::TooLarge(TooLarge::Frame(Resolution::new(
                65_535, 65_535,
            )))),
        ),
        ("", None),
        ("      encoder         : Lavf59.27.100", None),
        (
            "file:/tmp/a.mkv: Invalid data found when processing input",
            Some(Report::Words(
                "Invalid data found when processing input".to_owned(),
            )),
        ),
        (
            "[mov,mp4 @ 0x55] moov atom not found",
            Some(Report::Words("moov atom not found".to_owned())),
        ),
        (
            "Stream map '0:v:0' matches no streams.",
            Some(Report::Words("it holds no video".to_owned())),
        ),
        ("To ignore this, add a trailing '?' to the map.", None),
        ("[out#0/rawvideo @ 0x1] Conversion failed!", None),
    ] {
        assert_eq!(log.parse(line), report, "{line}");
    }
}

fn is_installed() -> bool {
    Command::new("ffmpeg")
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

fn open_file(path: &std::path::Path) -> Result<FfmpegSource, FfmpegError> {
    let input = Input::File(path.to_owned());
    FfmpegSource::open(input, "clip".to_owned(), Choice::default())
}

/// Without ffmpeg, this tests the error.
#[test]
fn a_clip_keeps_its_times_through_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("-y clip.bin");
    std::fs::write(&path, crate::capture::demo::CLIP).unwrap();
    let result = open_file(&path);
    if !is_installed() {
        assert!(matches!(result.err(), Some(FfmpegError::NotInstalled)));
        return;
    }
    let mut source = result.unwrap_or_else(|err| panic!("{err:?}"));
    assert_eq!(source.info().resolution, Resolution::new(640, 480));
    assert_eq!(source.info().format, "H264");
    assert_eq!(source.info().rate_hz, Some(30.0));
    let pool = FramePool::default();
    let mut n_frames = 0;
    while let Some(frame) = source.next_frame(&pool).unwrap() {
        assert_eq!(frame.id.0, n_frames);
        assert!((frame.time.as_secs_f64() - n_frames as f64 / 30.0).abs() < 1e-3);
        n_frames += 1;
    }
    assert_eq!(n_frames, 270);
    assert!(source.next_frame(&pool).unwrap().is_none());
}

#[test]
fn a_seek_reaches_any_frame_through_ffmpeg() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    std::fs::write(&path, crate::capture::demo::CLIP).unwrap();
    let mut source = open_file(&path).unwrap_or_else(|err| panic!("{err:?}"));
    assert_eq!(source.info().duration, Some(Duration::from_secs(9)));
    let pool = FramePool::default();
    let mut next = || {
        let frame = source.next_frame(&pool).unwrap()?;
        let pixels: Vec<u8> = frame.rgba().iter().copied().step_by(997).collect();
        Some((frame.id.0, frame.time, pixels))
    };
    let all: Vec<_> = std::iter::from_fn(&mut next).collect();
    assert_eq!(all.len(), 270);
    for (time_s, place) in [(5.0, 150), (0.0, 0), (8.99, 269), (99.0, 269), (0.05, 1)] {
        assert!(source.seek(Duration::from_secs_f64(time_s)).unwrap());
        for expected in all.iter().skip(place).take(3) {
            let frame = source.next_frame(&pool).unwrap().unwrap();
            assert_eq!(
                (frame.id.0, frame.time),
                (expected.0, expected.1),
                "{time_s} s"
            );
            assert!(
                frame
                    .rgba()
                    .iter()
                    .copied()
                    .step_by(997)
                    .eq(expected.2.iter().copied())
            );
        }
    }
}

/// As builds without an H.264 decoder play the demo clip.
#[test]
fn a_clip_in_memory_is_piped_in() {
    if !is_installed() {
        return;
    }
    let input = Input::Bytes(crate::capture::demo::CLIP);
    let mut source = FfmpegSource::open(input, "clip".to_owned(), Choice::default())
        .unwrap_or_else(|err| panic!("{err:?}"));
    let pool = FramePool::default();
    let n_frames = std::iter::from_fn(|| source.next_frame(&pool).unwrap()).count();
    assert_eq!(n_frames, 270);
}

#[test]
fn a_dropped_source_ends_ffmpeg() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    std::fs::write(&path, crate::capture::demo::CLIP).unwrap();
    let mut source = open_file(&path).unwrap_or_else(|err| panic!("{err:?}"));
    source.next_frame(&FramePool::default()).unwrap().unwrap();
    let reports = source.process.reports.clone();
    drop(source); // Must not wait for the rest of the clip.
    assert!(
        reports.iter().count() < 270,
        "the channel closes as ffmpeg ends"
    );
}

#[test]
fn noise_is_refused_with_ffmpegs_message() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.mkv");
    let noise: Vec<u8> = (0..20_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    std::fs::write(&path, noise).unwrap();
    match open_file(&path).err() {
        Some(FfmpegError::Refused(words)) => assert!(!words.is_empty(), "{words}"),
        other => panic!("{other:?}"),
    }
}
