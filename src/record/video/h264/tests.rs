//! Real pictures through the encoder into a file and back.

use std::{fs, path::Path, time::Duration};

use openh264::{decoder::Decoder, formats::YUVSource};
use re_mp4::{Mp4, StsdBoxContent};

use super::*;
use crate::record::video::{
    Recovered, frame_times, recover,
    test_support::{Folder, FullDisk, check_recovery, picture, ticks_of, webcam_times},
};

const SIZE: Resolution = Resolution::new(96, 64);

fn settings(resolution: Resolution) -> VideoSettings {
    VideoSettings::new(resolution, 30.0)
}

/// Writes pictures at these times; returns what became of each.
fn write_all(
    writer: &mut dyn VideoWriter,
    resolution: Resolution,
    times: &[Duration],
) -> Vec<Written> {
    times
        .iter()
        .enumerate()
        .map(|(number, time)| writer.write(&picture(resolution, number), *time).unwrap())
        .collect()
}

/// Decodes the file; calls `see` with each picture's luma plane, its stride, and its size.
fn decode(path: &Path, mut see: impl FnMut(&[u8], usize, (usize, usize))) -> usize {
    let bytes = fs::read(path).unwrap();
    let mp4 = Mp4::read_bytes(&bytes).unwrap();
    let (_, track) = mp4.tracks().first_key_value().unwrap();
    let StsdBoxContent::Avc1(avc1) = &track.trak(&mp4).mdia.minf.stbl.stsd.contents else {
        panic!("H.264");
    };
    let mut decoder = Decoder::new().unwrap();
    let mut n_pictures = 0;
    for sample in &track.samples {
        let mut packet = Vec::new();
        if sample.is_sync {
            for set in avc1
                .avcc
                .sequence_parameter_sets
                .iter()
                .chain(&avc1.avcc.picture_parameter_sets)
            {
                packet.extend([0, 0, 0, 1]);
                packet.extend(&set.bytes);
            }
        }
        let mut rest = &bytes[sample.byte_range()];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            packet.extend([0, 0, 0, 1]);
            packet.extend(unit);
            rest = after;
        }
        if let Some(shown) = decoder.decode(&packet).unwrap() {
            n_pictures += 1;
            see(shown.y(), shown.strides().0, shown.dimensions());
        }
    }
    n_pictures
}

#[test]
fn every_picture_is_in_the_file_at_its_time() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let times = webcam_times(130, 1);
    let mut writer = Box::new(H264Writer::create(&path, &settings(SIZE)).unwrap());
    let written = write_all(writer.as_mut(), SIZE, &times);
    assert!(written.iter().all(|written| written.in_video));
    let ticks: Vec<u64> = written.iter().map(|written| written.pts_90k).collect();
    assert_eq!(ticks, ticks_of(&times));
    let summary = writer.finish().unwrap();
    assert_eq!((summary.n_frames, summary.n_lost_frames), (130, 0));
    assert_eq!(
        (summary.file_name.as_str(), summary.codec),
        ("video.mp4", "H.264")
    );
    assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(summary.duration, duration_of(ticks[129] + 3000));
    assert!(summary.encode_p50 > Duration::ZERO && summary.encode_p95 >= summary.encode_p50);

    let (mp4, _) = Mp4::read_file(&path).unwrap();
    let samples = &mp4.tracks().values().next().unwrap().samples;
    let found: Vec<u64> = samples
        .iter()
        .map(|sample| sample.composition_timestamp as u64)
        .collect();
    assert_eq!(found, ticks);
    let keys: Vec<usize> = (0..130).filter(|number| samples[*number].is_sync).collect();
    // The encoder adds some where the picture changes as a whole.
    let longest = keys.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert_eq!(keys[0], 0);
    assert!(
        longest <= Some(60) && 130 - keys[keys.len() - 1] <= 60,
        "a key frame at least each two seconds at the nominal rate: {keys:?}"
    );
}

#[test]
fn what_was_given_is_what_is_seen() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let mut writer = Box::new(H264Writer::create(&path, &settings(SIZE)).unwrap());
    write_all(writer.as_mut(), SIZE, &webcam_times(20, 2));
    writer.finish().unwrap();
    let mut number = 0;
    let n_pictures = decode(&path, |luma, stride, size| {
        assert_eq!(size, (96, 64));
        // BT.709 with limited range: the square is (220, 200, 60), the ground about (52, 72, 102).
        let (left, top) = (number * 3 % 96, number * 2 % 64);
        if left < 80 && top < 48 {
            let square = luma[(top + 6) * stride + left + 6];
            assert!(square.abs_diff(183) < 12, "picture {number}: {square}");
        }
        let (x, y) = ((left + 48) % 96, (top + 32) % 64);
        let ground = luma[y * stride + x];
        assert!(ground.abs_diff(76) < 16, "picture {number}: {ground}");
        number += 1;
    });
    assert_eq!(n_pictures, 20);
}

#[test]
fn an_odd_row_and_column_are_cut() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let odd = Resolution::new(65, 49);
    let mut writer = Box::new(H264Writer::create(&path, &settings(odd)).unwrap());
    write_all(writer.as_mut(), odd, &webcam_times(5, 3));
    assert_eq!(writer.finish().unwrap().resolution, Resolution::new(64, 48));
    assert_eq!(decode(&path, |_, _, size| assert_eq!(size, (64, 48))), 5);
}

#[test]
fn a_recording_that_was_never_finished_is_recovered() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let times = webcam_times(60, 4);
    let mut writer = H264Writer::create(&path, &settings(SIZE)).unwrap();
    write_all(&mut writer, SIZE, &times);
    let on_disk = frame_times(&path).unwrap();
    assert_eq!(writer.len_bytes(), fs::metadata(&path).unwrap().len());
    drop(writer);
    let n_found = check_recovery(&path, &ticks_of(&times), 30, "dropped");
    assert_eq!(n_found, on_disk.len());
    assert_eq!(decode(&path, |_, _, _| {}), n_found);
}

#[test]
fn a_full_disk_is_told_once_and_nothing_is_lost() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let settings = settings(SIZE);
    let disk = FullDisk::new(&path, 60_000);
    let encoder = Encoder::new(&settings).unwrap();
    let mut writer = Box::new(H264Writer::start(disk, &path, &settings, encoder).unwrap());
    let times = webcam_times(600, 5);
    let refused =
        (0..600).find_map(|number| writer.write(&picture(SIZE, number), times[number]).err());
    let err = refused.expect("the disk is small");
    assert!(matches!(err, VideoError::DiskFull { .. }), "{err}");
    assert!(
        err.to_string().contains("disk is full") && err.to_string().contains("video.mp4"),
        "{err}"
    );
    let again = writer
        .write(&picture(SIZE, 0), Duration::from_secs(60))
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
    assert_eq!(decode(&path, |_, _, _| {}), on_disk.len());
}

#[test]
fn no_picture_gives_an_empty_file() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let mut writer = Box::new(H264Writer::create(&path, &settings(SIZE)).unwrap());
    writer.sync().unwrap();
    assert_eq!(writer.finish().unwrap().n_frames, 0);
    assert_eq!(recover(&path).unwrap(), Recovered::Empty);
}

#[test]
#[should_panic(expected = "the size that was announced")]
fn a_picture_of_another_size_is_our_own_mistake() {
    let folder = Folder::new();
    let mut writer = H264Writer::create(&folder.path("video.mp4"), &settings(SIZE)).unwrap();
    writer.write(&[0; 4], Duration::ZERO).ok();
}
