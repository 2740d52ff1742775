//! Whole files, and a disk that fills up.

use std::{fs, io};

use shiguredo_mp4::{Decode, Either, boxes::MoovBox};

use super::{
    super::{
        fragment::{FragmentSample, fragment_header},
        index::{Sample, SampleIndex},
        layout,
    },
    Clip, NOMINAL_DURATION,
};
use crate::{
    record::video::{
        Recovered,
        file::create_new,
        frame_times, recover,
        test_support::{Folder, FullDisk, check_recovery},
    },
    time::Ticks,
};

#[test]
fn a_finished_file_has_every_frame_at_its_time() {
    for clip in Clip::both(200, 1) {
        let folder = Folder::new();
        let path = folder.path("video.mp4");
        let finished = clip
            .record(create_new(&path).unwrap())
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!((finished.n_samples, finished.n_lost), (200, 0));
        assert_eq!(finished.bytes, fs::metadata(&path).unwrap().len());
        assert_eq!(
            finished.end,
            clip.ticks[199] + Ticks(NOMINAL_DURATION.into())
        );
        clip.check_by_other_reader(&path, 200);
        assert_eq!(frame_times(&path).unwrap(), clip.ticks);
        let duration = finished.end.into();
        assert_eq!(
            recover(&path).unwrap(),
            Recovered::Complete {
                n_frames: 200,
                duration
            }
        );
        assert_eq!(check_recovery(&path, &clip.ticks, 200, "finished"), 200);
    }
}

#[test]
fn what_is_synced_is_in_the_file() {
    let folder = Folder::new();
    let path = folder.path("video.mp4");
    let clip = Clip::new(8, 3);
    let mut mp4 = clip.start(create_new(&path).unwrap()).unwrap();
    for number in 0..8 {
        clip.push(&mut mp4, number).unwrap();
        mp4.sync().unwrap();
        assert_eq!(frame_times(&path).unwrap(), clip.ticks[..=number]);
    }
    assert_eq!(mp4.finish().unwrap().n_samples, 8);
    clip.check_by_other_reader(&path, 8);
}

#[test]
fn a_recording_without_frames_is_empty() {
    for clip in Clip::both(30, 11) {
        let folder = Folder::new();
        let (killed, _) = clip.files();
        let fragments_at = killed.windows(4).position(|word| word == b"moof").unwrap() - 4;
        for (name, bytes) in [
            ("nothing", &[] as &[u8]),
            ("a part of the head", &killed[..50]),
            ("the head", &killed[..80]),
            ("a part of the description", &killed[..200]),
            ("the description", &killed[..fragments_at]),
            ("zeros", &[0; 5000]),
            ("a head and zeros", &[&killed[..80], &[0; 500]].concat()),
        ] {
            let path = folder.file("video.mp4", bytes);
            assert_eq!(recover(&path).unwrap(), Recovered::Empty, "{name}");
            assert_eq!(frame_times(&path).unwrap(), [Ticks::ZERO; 0], "{name}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
        }
        let path = folder.path("finished.mp4");
        let finished = clip
            .start(create_new(&path).unwrap())
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(finished.n_samples, 0);
        assert_eq!(recover(&path).unwrap(), Recovered::Empty);
    }
}

#[test]
fn a_full_disk_keeps_what_fits() {
    let folder = Folder::new();
    let clip = Clip::new(90, 12);
    let (killed, finished) = clip.files();
    let mut n_finished = 0;
    for (number, room) in (0..finished.len()).step_by(401).enumerate() {
        let path = folder.path(&format!("{number}.mp4"));
        let what = format!("room for {room} of {} bytes", finished.len());
        let Ok(mut mp4) = clip.start(FullDisk::new(&path, room as u64)) else {
            assert_eq!(recover(&path).unwrap(), Recovered::Empty, "{what}");
            continue;
        };
        let refused = (0..90).find(|number| clip.push(&mut mp4, *number).is_err());
        if room < killed.len() / 2 {
            assert!(refused.is_some(), "{what}");
        }
        let in_file = frame_times(&path).unwrap();
        match mp4.finish() {
            Ok(finished) => {
                n_finished += 1;
                assert!(finished.n_samples as usize >= in_file.len(), "{what}");
                let n_frames = refused.unwrap_or(90);
                assert!(
                    finished.n_samples as usize + finished.n_lost as usize <= n_frames,
                    "{what}"
                );
            }
            Err(err) => assert_eq!(err.kind(), io::ErrorKind::StorageFull, "{what}"),
        }
        let n_found = check_recovery(&path, &clip.ticks, in_file.len(), &what);
        assert!(!in_file.is_empty() || n_found == 0, "{what}");
    }
    assert!(
        n_finished > 5,
        "the room that frames leave is used for the index"
    );
}

#[test]
fn places_beyond_4_gigabytes_are_stored() {
    let track = Clip::new(0, 0).track();
    for (offset, is_long) in [
        (u64::from(u32::MAX), false),
        (u64::from(u32::MAX) + 1, true),
    ] {
        let mut index = SampleIndex::default();
        for (chunk, offset) in [1000, offset].into_iter().enumerate() {
            assert!(index.start_chunk(offset, chunk as u64 * 3000));
            index.push(
                Sample {
                    size: 10,
                    duration: 3000,
                },
                true,
            );
        }
        let (moov, _) = MoovBox::decode(&track.plain_moov(&index).unwrap()).unwrap();
        let table = &moov.trak_boxes[0].mdia_box.minf_box.stbl_box;
        match &table.stco_or_co64_box {
            Either::A(short) => assert!(!is_long && short.chunk_offsets[1] == u32::MAX),
            Either::B(long) => assert!(is_long && long.chunk_offsets == [1000, offset]),
        }
        assert_eq!(
            layout::mdat_header(offset)[8..],
            (offset - 64).to_be_bytes()
        );
    }
}

#[test]
fn a_fragment_too_large_for_its_header_is_refused() {
    let sample = FragmentSample {
        size: u32::MAX,
        duration: 1,
        is_key: true,
    };
    assert!(fragment_header(1, 0, [sample; 2].into_iter()).is_err());
}
