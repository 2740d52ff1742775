//! Whole, cut and damaged JPEGs of every kind, compared with what the decoder shows.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::{
    markers::{FIRST_RESTART, LAST_RESTART},
    *,
};

/// How a test image is stored.
#[derive(Debug, Clone, Copy)]
struct Storage {
    sampling: SamplingFactor,
    restart_interval: u16,
    is_progressive: bool,
    has_own_tables: bool,
}

const AS_CAMERAS_DO: Storage = Storage {
    sampling: SamplingFactor::F_2_1,
    restart_interval: 0,
    is_progressive: false,
    has_own_tables: false,
};

const PROGRESSIVE: Storage = Storage {
    is_progressive: true,
    ..AS_CAMERAS_DO
};

const END: &[u8] = b"\xFF\xD9";

/// An image in which no two blocks are alike.
fn image(width: u16, height: u16, storage: Storage) -> Vec<u8> {
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * 3)
        .map(|n| (n * n / 7 + n / 50 * 31) as u8)
        .collect();
    let mut data = Vec::new();
    let mut encoder = Encoder::new(&mut data, 80);
    encoder.set_sampling_factor(storage.sampling);
    encoder.set_restart_interval(storage.restart_interval);
    encoder.set_progressive(storage.is_progressive);
    encoder.set_optimized_huffman_tables(storage.has_own_tables);
    encoder
        .encode(&pixels, width, height, ColorType::Rgb)
        .unwrap();
    data
}

fn storages() -> Vec<Storage> {
    let mut storages = Vec::new();
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
    ] {
        // The encoder's optimized tables have no codes for some blocks after a restart marker.
        for (restart_interval, has_own_tables) in [(0, false), (1, false), (3, false), (0, true)] {
            storages.push(Storage {
                sampling,
                restart_interval,
                has_own_tables,
                ..AS_CAMERAS_DO
            });
        }
    }
    for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_2] {
        for restart_interval in [0, 4] {
            storages.push(Storage {
                sampling,
                restart_interval,
                ..PROGRESSIVE
            });
        }
    }
    storages
}

fn pixels(jpeg: &[u8]) -> Option<Vec<u8>> {
    let picture = ::image::load_from_memory(jpeg).ok()?;
    Some(picture.into_rgb8().into_raw())
}

#[test]
fn whole_images_are_whole_with_or_without_their_end() {
    for storage in storages() {
        for (width, height) in [(1, 1), (16, 16), (17, 9), (40, 64), (131, 77)] {
            let place = format!("{width}×{height} {storage:?}");
            let data = image(width, height, storage);
            assert_eq!(check(&data), Ok(()), "{place}");
            let (coded, _) = data.split_at(data.len() - 2);
            assert_eq!(check(coded), Ok(()), "{place} without its end");
            // What follows does not matter: a driver's old data, or another image.
            for more in [&[0xA5; 1000][..], b"\xFF\xD8\xFF\xE1 a second picture"] {
                assert_eq!(check(&[&data, more].concat()), Ok(()), "{place} and more");
            }
            let with_zeros = [coded, &[0; 999]].concat();
            assert_eq!(check(&with_zeros), Ok(()), "{place}, zeros for its end");
        }
    }
}

/// Whatever passes, the decoder shows all of it but one MCU, or refuses it.
#[test]
fn every_visible_cut_is_found() {
    for storage in storages() {
        let data = image(75, 53, storage);
        let whole = pixels(&data).unwrap();
        for length in 0..data.len() {
            let cut = &data[..length];
            let mut cuts = vec![cut.to_vec()];
            // A progressive file may end after any scan, if an end marker says so.
            if !storage.is_progressive {
                cuts.push([cut, END].concat());
            }
            for cut in cuts.into_iter().filter(|cut| check(cut).is_ok()) {
                let place = format!("{length} of {} bytes, {storage:?}", data.len());
                let Some(shown) = pixels(&cut) else {
                    continue; // The decoder reports it itself.
                };
                let n_other = shown.iter().zip(&whole).filter(|(a, b)| a != b).count();
                assert!(n_other <= 20 * 20 * 3, "{place}: {n_other} values differ");
            }
        }
    }
}

#[test]
fn a_hole_in_the_middle_is_found() {
    for storage in storages() {
        let data = image(150, 100, storage);
        let middle = data.len() / 2;
        let with_hole = [&data[..middle], &data[middle + data.len() / 4..]].concat();
        if !storage.is_progressive {
            assert!(check(&with_hole).is_err(), "{storage:?}");
        }
    }
}

/// Damage like a bad cable's, in every 97th byte.
#[test]
fn an_image_full_of_errors_is_found() {
    for storage in [AS_CAMERAS_DO, PROGRESSIVE] {
        for seed in 0..97 {
            let mut data = image(320, 240, storage);
            for byte in data.iter_mut().skip(200 + seed).step_by(97) {
                *byte ^= 0x5A;
            }
            assert!(check(&data).is_err(), "{storage:?} {seed}");
        }
    }
}

#[test]
fn restart_markers_keep_their_order_and_allow_for_stray_bytes() {
    for storage in [AS_CAMERAS_DO, PROGRESSIVE] {
        let storage = Storage {
            restart_interval: 2,
            ..storage
        };
        let data = image(64, 64, storage);
        let markers: Vec<usize> = (0..data.len() - 1)
            .filter(|&at| {
                data[at] == 0xFF && (FIRST_RESTART..=LAST_RESTART).contains(&data[at + 1])
            })
            .collect();
        assert!(markers.len() > 8);
        let without_a_part = [&data[..markers[2]], &data[markers[3]..]].concat();
        assert_eq!(
            check(&without_a_part),
            Err(Flaw::Damaged("a part is missing"))
        );
        let with_stray = [&data[..markers[2]], &[1, 2, 3, 4], &data[markers[2]..]].concat();
        assert_eq!(check(&with_stray), Ok(()), "{storage:?}");
    }
}

#[test]
fn a_long_tail_before_the_end_marker_is_padding_or_damage() {
    let data = image(64, 64, AS_CAMERAS_DO);
    let (coded, end_marker) = data.split_at(data.len() - 2);
    let padded = [coded, &[0; 5000], end_marker].concat();
    assert_eq!(check(&padded), Ok(()));
    let other: Vec<u8> = (0..5000u32).map(|n| (n % 200) as u8).collect();
    let crowded = [coded, &other, end_marker].concat();
    assert!(matches!(check(&crowded), Err(Flaw::Damaged(_))));
}

/// The positions of all segments with this marker, with their lengths.
fn segments(data: &[u8], marker: u8) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(segment) = next_segment(data, at) {
        if segment.marker == marker {
            let length = segment.content.len() + 4;
            found.push((segment.end - length, length));
        }
        at = segment.end;
    }
    found
}

#[test]
fn the_standard_tables_are_those_of_other_encoders() {
    let mut data = image(64, 48, AS_CAMERAS_DO);
    let own = with_standard_tables(&data);
    assert_eq!(own, None, "it has tables");
    for (at, length) in segments(&data, HUFFMAN_TABLES).into_iter().rev() {
        data.drain(at..at + length);
    }
    let missing = Flaw::Damaged("a Huffman table is missing");
    assert_eq!(check(&data), Err(missing));
    let complete = with_standard_tables(&data).unwrap();
    assert_eq!(check(&complete), Ok(()));
    assert_eq!(with_standard_tables(&complete), None);
}

#[test]
fn endless_scans_are_refused() {
    let data = image(16, 16, PROGRESSIVE);
    let (first, _) = segments(&data, START_OF_SCAN)[0];
    let (second, _) = segments(&data, START_OF_SCAN)[1];
    // Repeats the first scan.
    let with = |n_scans: usize| {
        let scans = data[first..second].repeat(n_scans);
        [&data[..first], &scans[..], &data[first..]].concat()
    };
    assert_eq!(check(&with(9)), Ok(()));
    assert!(matches!(check(&with(MAX_SCANS)), Err(Flaw::Damaged(_))));
}

#[test]
fn other_kinds_are_left_to_the_decoder() {
    let data = image(64, 48, AS_CAMERAS_DO);
    let (header, _) = segments(&data, 0xC0)[0];
    let mut arithmetic = data.clone();
    arithmetic[header + 1] = 0xC9;
    assert_eq!(check(&arithmetic[..data.len() / 2]), Ok(()));
    let mut huge = data.clone();
    huge[header + 5..header + 9].fill(0xFF);
    assert_eq!(check(&huge), Ok(()), "65535×65535 px");
}

#[test]
fn data_without_an_image_is_an_error() {
    assert_eq!(check(b"\xFF\xD8\xFF\xD9"), Err(Flaw::Cut));
    for other in [&b""[..], b"\xFF", b"no JPEG"] {
        assert!(matches!(check(other), Err(Flaw::Damaged(_))));
    }
}

#[test]
fn no_changed_byte_causes_a_panic() {
    for storage in storages() {
        let data = image(75, 53, storage);
        for at in (0..data.len()).step_by(7) {
            for value in [0x00, 0x7F, 0xFF, data[at] ^ 0x10] {
                let mut changed = data.clone();
                changed[at] = value;
                check(&changed).ok();
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(
        data in prop::collection::vec(any::<u8>(), 0..300),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        is_progressive in any::<bool>(),
    ) {
        check(&[&[0xFF, 0xD8][..], &data].concat()).ok();
        let mut image = image(40, 24, Storage { is_progressive, ..AS_CAMERAS_DO });
        for (at, value) in hits {
            let at = at.index(image.len());
            image[at] = value;
        }
        check(&image).ok();
    }
}
