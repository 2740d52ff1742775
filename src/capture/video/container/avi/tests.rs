//! AVI files assembled byte by byte, as recorders leave them.

use std::io::Cursor;

use super::*;
use crate::capture::video::container::{Codec, Demuxer, Packet};

/// A chunk with its padding.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    if content.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn list(kind: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut content = kind.to_vec();
    content.extend(parts.concat());
    chunk(b"LIST", &content)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A list of headers: sound as track 0, video at 10 frames a second as track 1.
fn headers(super_index: &[u8]) -> Vec<u8> {
    let mut sound = b"auds\0\0\0\0".to_vec();
    sound.extend([0; 48]);
    let mut video = b"vidsMJPG".to_vec();
    video.extend(words(&[0, 0, 0, 100, 1000, 0, 0, 0, 0, 0, 0]));
    let mut format = words(&[40, 64, 48, 0x0018_0001]);
    format.extend(b"MJPG");
    format.extend([0; 20]);
    let mut parts = vec![chunk(b"strh", &video), chunk(b"strf", &format)];
    if !super_index.is_empty() {
        parts.push(chunk(b"indx", super_index));
    }
    list(
        b"hdrl",
        &[
            chunk(b"avih", &[0; 56]),
            list(b"strl", &[chunk(b"strh", &sound), chunk(b"strf", &[0; 18])]),
            list(b"strl", &parts),
        ],
    )
}

fn riff(kind: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut content = kind.to_vec();
    content.extend(parts.concat());
    chunk(b"RIFF", &content)
}

/// Frames of odd and even lengths, with any content, and sound between them.
fn packets(first: u8, n: u8) -> Vec<Vec<u8>> {
    (first..first + n)
        .flat_map(|number| {
            let content = vec![number; 5 + usize::from(number)];
            [chunk(b"01dc", &content), chunk(b"00wb", b"sound")]
        })
        .collect()
}

/// The number in the first byte and the time in ms of each packet.
fn read(bytes: &[u8]) -> Vec<(u8, i64)> {
    let mut file = open(Cursor::new(bytes)).unwrap();
    assert_eq!(file.track().codec, Codec::Mjpeg);
    let mut packet = Packet::default();
    let mut found = Vec::new();
    while file.next_packet(&mut packet).unwrap() {
        let number = packet.data[0];
        assert_eq!(packet.data, vec![number; 5 + usize::from(number)]);
        assert!(packet.is_sync);
        found.push((number, packet.pts / 1_000_000));
    }
    found
}

fn expected(n: u8) -> Vec<(u8, i64)> {
    (0..n)
        .map(|number| (number, i64::from(number) * 100))
        .collect()
}

/// An `idx1` for `packets(0, n)`, whose offsets count from `origin` bytes before the first chunk.
fn old_index(packets: &[Vec<u8>], origin: u32) -> Vec<u8> {
    let mut at = origin;
    let mut index = Vec::new();
    for packet in packets {
        index.extend(&packet[..4]);
        index.extend(words(&[0x10, at]));
        index.extend(&packet[4..8]);
        at += packet.len() as u32;
    }
    chunk(b"idx1", &index)
}

#[test]
fn files_with_and_without_an_index_are_the_same() {
    let packets = packets(0, 6);
    let movie = list(b"movi", &packets);
    let bare = riff(b"AVI ", &[headers(&[]), movie.clone()]);
    assert_eq!(read(&bare), expected(6));
    let first_chunk = (12 + headers(&[]).len() + 12) as u32;
    for origin in [4, first_chunk, 77] {
        let index = old_index(&packets, origin);
        let file = riff(b"AVI ", &[headers(&[]), movie.clone(), index]);
        assert_eq!(read(&file), expected(6), "from {origin}");
    }
}

#[test]
fn an_interleaved_file_with_groups_of_records_is_read() {
    let groups: Vec<Vec<u8>> = packets(0, 6)
        .chunks(2)
        .map(|group| list(b"rec ", group))
        .collect();
    let file = riff(
        b"AVI ",
        &[
            headers(&[]),
            chunk(b"JUNK", &[0; 99]),
            list(b"movi", &groups),
        ],
    );
    assert_eq!(read(&file), expected(6));
}

/// A large file: two parts, each with its own index, and an index of those.
#[test]
fn open_dml_files_in_several_parts_are_read() {
    let build = |super_index: &[u8]| {
        let mut file = Vec::new();
        let mut indexes = Vec::new();
        for (kind, first) in [(b"AVI ", 0), (b"AVIX", 3)] {
            let header = if first == 0 {
                headers(super_index)
            } else {
                Vec::new()
            };
            let packets = packets(first, 3);
            let origin = file.len() + 12 + header.len() + 12;
            let mut index = vec![2, 0, 0, 1];
            index.extend(words(&[3]));
            index.extend(b"01dc");
            index.extend((origin as u64).to_le_bytes());
            index.extend([0; 4]);
            let mut at = 0;
            for packet in &packets {
                if packet.starts_with(b"01dc") {
                    index.extend(words(&[at + 8]));
                    index.extend(&packet[4..8]);
                }
                at += packet.len() as u32;
            }
            indexes.push((origin + at as usize) as u64);
            let movie = list(b"movi", &[packets.concat(), chunk(b"ix01", &index)]);
            file.extend(riff(kind, &[header, movie]));
        }
        (file, indexes)
    };
    let super_index = |n: u32, offsets: &[u64]| {
        let mut index = vec![4, 0, 0, 0];
        index.extend(words(&[n]));
        index.extend(b"01dc");
        index.extend([0; 12]);
        for offset in offsets {
            index.extend(offset.to_le_bytes());
            index.extend(words(&[0, 3]));
        }
        index
    };
    let (_, offsets) = build(&super_index(2, &[0, 0]));
    let whole = build(&super_index(2, &offsets)).0;
    assert_eq!(read(&whole), expected(6));
    // The index lists the first part only, as after a crash, or points nowhere, or is missing.
    for (n, offsets) in [
        (1, [offsets[0], 0]),
        (2, [0, 0]),
        (2, [u64::MAX, offsets[1]]),
        (9, [offsets[0], offsets[1]]),
    ] {
        let file = build(&super_index(n, &offsets)).0;
        assert_eq!(read(&file), expected(6), "{n} {offsets:?}");
    }
}

/// A recorder that was killed: lengths are 0, there is no index, and the last chunk is half there.
#[test]
fn a_recording_that_was_killed_plays_to_its_last_whole_frame() {
    let mut file = b"RIFF\0\0\0\0AVI ".to_vec();
    file.extend(headers(&[]));
    file.extend(b"LIST\0\0\0\0movi");
    let whole = packets(0, 5).concat();
    let last = chunk(b"01dc", &[5; 10]);
    for n_bytes in 0..last.len() {
        let bytes = [&file[..], &whole, &last[..n_bytes]].concat();
        assert_eq!(read(&bytes), expected(5), "{n_bytes} bytes of the last");
    }
    // After a power cut, the rest may be zeros.
    let bytes = [&file[..], &whole, &[0; 500]].concat();
    assert_eq!(read(&bytes), expected(5));
}

#[test]
fn damage_in_the_middle_costs_only_what_is_damaged() {
    let packets = packets(0, 6);
    let mut file = riff(b"AVI ", &[headers(&[]), list(b"movi", &packets)]);
    let third = file.windows(5).position(|w| w == [2; 5]).unwrap();
    file[third - 8..third].fill(0xEE);
    let numbers: Vec<u8> = read(&file).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [0, 1, 3, 4, 5]);
}

/// A camera that dropped a frame leaves an empty chunk in its place.
#[test]
fn an_empty_chunk_takes_its_time() {
    let mut packets = packets(0, 3);
    packets.insert(2, chunk(b"01dc", &[]));
    let file = riff(b"AVI ", &[headers(&[]), list(b"movi", &packets)]);
    assert_eq!(read(&file), [(0, 0), (1, 200), (2, 300)]);
}

#[test]
fn files_without_frames_are_refused() {
    let sound = list(
        b"hdrl",
        &[list(b"strl", &[chunk(b"strh", b"auds\0\0\0\0")])],
    );
    for (file, words) in [
        (b"RIFF\x04\0\0\0AVI ".to_vec(), "no video"),
        (riff(b"AVI ", &[sound]), "no video"),
        (riff(b"AVI ", &[headers(&[])]), "cut short"),
        (
            riff(b"AVI ", &[headers(&[]), list(b"movi", &[])]),
            "no frames",
        ),
    ] {
        match open(Cursor::new(file)) {
            Err(OpenError::Damaged(reason)) => assert!(reason.contains(words), "{reason}"),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("{words} was opened"),
        }
    }
}
