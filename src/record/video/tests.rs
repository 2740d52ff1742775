//! Real frames through each encoder into a file and back.

use std::{fs, path::Path, time::Duration};

use re_mp4::Mp4;

use super::{
    test_support::{Folder, FullDisk, check_recovery, pixels, ticks_of, webcam_times},
    *,
};
use crate::{
    capture::{self, SourceSpec},
    frame::{FramePool, RGBA_BYTES, Resolution},
    time::Ticks,
};

const SIZE: Resolution = Resolution::new(96, 64);

/// Settings for each codec of this build.
fn all_settings(resolution: Resolution) -> Vec<VideoSettings> {
    let settings = |codec| VideoSettings {
        codec,
        ..VideoSettings::new(resolution, 30.0)
    };
    let mut all = vec![settings(VideoCodec::Mjpeg)];
    if VideoCodec::default() != VideoCodec::Mjpeg {
        all.push(settings(VideoCodec::default()));
    }
    all
}

/// Writes frames at these times; returns what became of each.
fn write_all(writer: &mut VideoWriter, resolution: Resolution, times: &[Duration]) -> Vec<Written> {
    times
        .iter()
        .enumerate()
        .map(|(number, time)| writer.write(&pixels(resolution, number), *time).unwrap())
        .collect()
}

/// Decodes the file; calls `see` with each frame's pixels and size. Returns the number of frames.
fn decode(path: &Path, mut see: impl FnMut(&[u8], Resolution)) -> usize {
    let mut source = capture::open(&SourceSpec::Path(path.to_owned())).unwrap();
    let pool = FramePool::default();
    let mut n_frames = 0;
    while let Some(frame) = source.next_frame(&pool).unwrap() {
        see(frame.rgba(), frame.resolution());
        n_frames += 1;
    }
    n_frames
}

#[test]
fn every_frame_is_in_the_file_at_its_time() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let times = webcam_times(130, 1);
        let mut writer = VideoWriter::create(&path, &settings).unwrap();
        let written = write_all(&mut writer, SIZE, &times);
        assert!(written.iter().all(|written| written.in_video));
        let ticks: Vec<Ticks> = written.iter().map(|written| written.time).collect();
        assert_eq!(ticks, ticks_of(&times));
        let summary = writer.finish().unwrap();
        assert_eq!((summary.n_frames, summary.n_lost_frames), (130, 0));
        assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
        assert_eq!(summary.duration, Duration::from(ticks[129] + Ticks(3000)));
        assert!(summary.encode_p50 > Duration::ZERO && summary.encode_p95 >= summary.encode_p50);

        let (mp4, _) = Mp4::read_file(&path).unwrap();
        let samples = &mp4.tracks().values().next().unwrap().samples;
        let found: Vec<Ticks> = samples
            .iter()
            .map(|sample| Ticks(sample.composition_timestamp as u64))
            .collect();
        assert_eq!(found, ticks);
        let keys: Vec<usize> = (0..130).filter(|number| samples[*number].is_sync).collect();
        // The encoder adds some where the frame changes as a whole.
        let longest = keys.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert_eq!(keys[0], 0);
        assert!(
            longest <= Some(60) && 130 - keys[keys.len() - 1] <= 60,
            "a key frame at least each two seconds at the nominal rate: {keys:?}"
        );
    }
}

#[test]
fn a_player_shows_what_was_recorded() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let mut writer = VideoWriter::create(&path, &settings).unwrap();
        write_all(&mut writer, SIZE, &webcam_times(20, 2));
        writer.finish().unwrap();
        let mut number = 0;
        let n_frames = decode(&path, |rgba, size| {
            assert_eq!(size, SIZE);
            let check = |x: usize, y: usize, wanted: [u8; 3], tolerance: u8| {
                let found = &rgba[(y * 96 + x) * RGBA_BYTES..][..3];
                let is_near = |(a, b): (&u8, u8)| a.abs_diff(b) < tolerance;
                assert!(
                    found.iter().zip(wanted).all(is_near),
                    "{}, frame {number}: {found:?} for {wanted:?}",
                    settings.codec.name()
                );
            };
            let (left, top) = (number * 3 % 96, number * 2 % 64);
            if left < 80 && top < 48 {
                check(left + 6, top + 6, [220, 200, 60], 16);
            }
            // The background, in the middle of its noise.
            check((left + 48) % 96, (top + 32) % 64, [52, 72, 102], 20);
            number += 1;
        });
        assert_eq!(n_frames, 20);
    }
}

#[test]
fn only_h264_cuts_an_odd_row_and_column() {
    let odd = Resolution::new(65, 49);
    for settings in all_settings(odd) {
        let wanted = match settings.codec {
            VideoCodec::Mjpeg => odd,
            #[cfg(feature = "h264-bundled")]
            VideoCodec::H264 => Resolution::new(64, 48),
        };
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let mut writer = VideoWriter::create(&path, &settings).unwrap();
        write_all(&mut writer, odd, &webcam_times(5, 3));
        assert_eq!(writer.finish().unwrap().resolution, wanted);
        assert_eq!(decode(&path, |_, size| assert_eq!(size, wanted)), 5);
    }
}

#[test]
fn a_recording_that_was_never_finished_is_recovered() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let times = webcam_times(60, 4);
        let mut writer = VideoWriter::create(&path, &settings).unwrap();
        write_all(&mut writer, SIZE, &times);
        let on_disk = frame_times(&path).unwrap();
        assert_eq!(writer.len_bytes(), fs::metadata(&path).unwrap().len());
        drop(writer);
        let n_found = check_recovery(&path, &ticks_of(&times), 30, "dropped");
        assert_eq!(n_found, on_disk.len());
        assert_eq!(decode(&path, |_, _| {}), n_found);
    }
}

#[test]
fn a_destroyed_description_is_made_up_for() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let times = webcam_times(60, 6);
        let mut writer = VideoWriter::create(&path, &settings).unwrap();
        write_all(&mut writer, SIZE, &times);
        drop(writer);
        let mut bytes = fs::read(&path).unwrap();
        bytes[80 + 4] ^= 1; // The name of the description's box.
        fs::write(&path, &bytes).unwrap();
        let n_found = check_recovery(&path, &ticks_of(&times), 30, "no description");
        assert_eq!(decode(&path, |_, _| {}), n_found);
    }
}

#[test]
fn a_full_disk_is_reported_once_and_nothing_is_lost() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let disk = FullDisk::new(&path, 60_000);
        let mut writer = VideoWriter::on(disk, &path, &settings).unwrap();
        let times = webcam_times(600, 5);
        let refused =
            (0..600).find_map(|number| writer.write(&pixels(SIZE, number), times[number]).err());
        let err = refused.expect("the disk is small");
        assert!(matches!(err, VideoError::DiskFull { .. }), "{err}");
        assert!(
            err.to_string().contains("disk is full") && err.to_string().contains("video.mp4"),
            "{err}"
        );
        let again = writer
            .write(&pixels(SIZE, 0), Duration::from_secs(60))
            .unwrap_err();
        assert!(matches!(again, VideoError::Stopped { .. }), "{again}");
        assert!(writer.sync().is_err());
        let on_disk = frame_times(&path).unwrap();
        assert!(on_disk.len() > 10);
        let summary = writer.finish().unwrap();
        assert_eq!(summary.n_frames as usize, on_disk.len());
        assert!(matches!(
            recover(&path).unwrap(),
            Recovered::Complete { .. }
        ));
        assert_eq!(decode(&path, |_, _| {}), on_disk.len());
    }
}

#[test]
fn a_recording_without_frames_leaves_an_empty_file() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let mut writer = VideoWriter::create(&path, &settings).unwrap();
        writer.sync().unwrap();
        assert_eq!(writer.finish().unwrap().n_frames, 0);
        assert_eq!(recover(&path).unwrap(), Recovered::Empty);
    }
}

#[test]
#[should_panic(expected = "the size that was announced")]
fn a_frame_of_another_size_is_our_own_mistake() {
    let folder = Folder::new();
    let settings = VideoSettings::new(SIZE, 30.0);
    let mut writer = VideoWriter::create(&folder.path("video.mp4"), &settings).unwrap();
    writer.write(&[0; 4], Duration::ZERO).ok();
}

#[test]
fn sizes_that_jpeg_does_not_take_are_refused_by_name() {
    for size in [Resolution::new(0, 9), Resolution::new(9, 65_536)] {
        let settings = VideoSettings {
            codec: VideoCodec::Mjpeg,
            ..VideoSettings::new(size, 30.0)
        };
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let err = VideoWriter::create(&path, &settings)
            .map(|_| ())
            .unwrap_err();
        assert!(err.to_string().contains("65535×65535"), "{err}");
        assert!(!path.exists());
    }
}

#[test]
fn recover_needs_a_file() {
    let folder = Folder::new();
    let err = recover(&folder.path("none.mp4")).unwrap_err();
    assert!(err.to_string().contains("none.mp4"), "{err}");
}

#[test]
fn nothing_is_overwritten() {
    for settings in all_settings(SIZE) {
        let folder = Folder::new();
        let path = folder.file("taken.mp4", b"mine");
        assert!(VideoWriter::create(&path, &settings).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}
