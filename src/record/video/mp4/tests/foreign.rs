//! Bytes and files of other programs.

use std::{fs, path::Path};

use super::Clip;
use crate::record::video::{
    Recovered, recover,
    test_support::{Folder, check_refusal},
};

#[test]
fn foreign_bytes_are_moved_not_lost() {
    for clip in Clip::both(30, 8) {
        let folder = Folder::new();
        let (killed, finished) = clip.files();
        let notes = b"notes that an editor wrote to the wrong file".as_slice();
        let killed_with_notes = [killed.as_slice(), notes].concat();
        for tail_name in ["video.mp4.tail", "video.mp4.tail-2"] {
            let path = folder.file("video.mp4", &killed_with_notes);
            match recover(&path).unwrap() {
                Recovered::Repaired {
                    n_frames: 30,
                    lost_bytes,
                    tail: Some(tail),
                    ..
                } => {
                    assert_eq!(lost_bytes, notes.len() as u64);
                    assert_eq!(tail, folder.path(tail_name));
                    assert_eq!(fs::read(tail).unwrap(), notes);
                }
                other => panic!("{other:?}"),
            }
            clip.check_by_other_reader(&path, 30);
        }
        // Programs that tag videos append to finished ones.
        let tagged = [finished.as_slice(), b"\0\0\0\x10free tagged "].concat();
        let path = folder.file("tagged.mp4", &tagged);
        assert!(matches!(
            recover(&path).unwrap(),
            Recovered::Complete { n_frames: 30, .. }
        ));
        assert_eq!(fs::read(&path).unwrap(), tagged);
    }
}

#[test]
fn foreign_files_are_left_alone() {
    let folder = Folder::new();
    let (killed, finished) = Clip::new(30, 10).files();
    let demo = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.mp4")).unwrap();
    let mut unmarked = killed.clone();
    unmarked[45] ^= 1;
    let mut faststart = finished.clone();
    faststart[64..72].copy_from_slice(b"\0\0\0\x10moov");
    let mut no_description = killed.clone();
    no_description[84..700].fill(b'x');
    for (name, bytes) in [
        ("demo.mp4", demo.as_slice()),
        ("text.mp4", b"a text that is rather longer than the first eighty bytes of a video of ours, so that it is read"),
        ("short.mp4", b"short"),
        ("unmarked.mp4", &unmarked),
        ("rearranged.mp4", &faststart),
        ("no_description.mp4", &no_description),
    ] {
        check_refusal(&folder, name, bytes);
    }
}
