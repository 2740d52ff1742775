//! Whole JPEGs, cut ones and damaged ones.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;

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
    let mut storages = vec![Storage {
        is_progressive: true,
        ..AS_CAMERAS_DO
    }];
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
        SamplingFactor::F_4_1,
    ] {
        // The encoder's own tables have no codes for what restart markers make of an image.
        for (restart_interval, has_own_tables) in [(0, false), (1, false), (3, false), (0, true)] {
            storages.push(Storage {
                sampling,
                restart_interval,
                has_own_tables,
                ..AS_CAMERAS_DO
            });
        }
    }
    storages
}

#[test]
fn whole_images_are_whole() {
    for storage in storages() {
        for (width, height) in [(1, 1), (16, 16), (17, 9), (40, 64), (131, 77)] {
            let data = image(width, height, storage);
            assert_eq!(check(&data), Ok(()), "{width}×{height} {storage:?}");
            // Nor does it matter what a driver leaves behind them.
            let followed = [&data[..], &[0xA5; 1000]].concat();
            assert_eq!(check(&followed), Ok(()), "{width}×{height} {storage:?}");
        }
    }
}

#[test]
fn every_cut_is_found() {
    for storage in storages() {
        let data = image(40, 48, storage);
        let end = data.len() - 2; // The end marker.
        if !storage.is_progressive {
            assert_eq!(check(&data[..end]), Ok(()), "the end marker may be missing");
        }
        for length in 0..end {
            let cut = &data[..length];
            assert!(check(cut).is_err(), "{length} of {end}: {storage:?}");
            if !storage.is_progressive {
                // Some cameras end also a frame that was cut.
                let ended = [cut, &data[end..]].concat();
                assert!(check(&ended).is_err(), "{length} of {end}: {storage:?}");
            }
        }
    }
}

/// Damage as a bad cable does it, in every 97th byte.
#[test]
fn a_frame_full_of_errors_is_found() {
    for seed in 0..97 {
        let mut data = image(320, 240, AS_CAMERAS_DO);
        for byte in data.iter_mut().skip(200 + seed).step_by(97) {
            *byte ^= 0x5A;
        }
        assert!(check(&data).is_err(), "{seed}");
    }
}

#[test]
fn restart_markers_keep_their_order_and_allow_for_stray_bytes() {
    let storage = Storage {
        restart_interval: 2,
        ..AS_CAMERAS_DO
    };
    let data = image(64, 64, storage);
    let markers: Vec<usize> = (0..data.len() - 1)
        .filter(|&at| data[at] == 0xFF && (FIRST_RESTART..=LAST_RESTART).contains(&data[at + 1]))
        .collect();
    assert!(markers.len() > 8);
    let without_a_part = [&data[..markers[2]], &data[markers[3]..]].concat();
    assert_eq!(
        check(&without_a_part),
        Err(Flaw::Corrupt("a part is missing"))
    );
    let with_stray = [&data[..markers[2]], &[1, 2, 3, 4], &data[markers[2]..]].concat();
    assert_eq!(check(&with_stray), Ok(()));
}

#[test]
fn bytes_without_end_before_the_end_marker_are_padding_or_damage() {
    let data = image(64, 64, AS_CAMERAS_DO);
    let (image, end_marker) = data.split_at(data.len() - 2);
    let padded = [image, &[0; 5000], end_marker].concat();
    assert_eq!(check(&padded), Ok(()));
    let other: Vec<u8> = (0..5000u32).map(|n| (n % 200) as u8).collect();
    let crowded = [image, &other, end_marker].concat();
    assert!(matches!(check(&crowded), Err(Flaw::Corrupt(_))));
}

#[test]
fn the_standard_tables_are_those_of_other_encoders() {
    let mut data = image(64, 48, AS_CAMERAS_DO);
    let mut at = 2;
    while data[at + 1] != START_OF_SCAN {
        let length = 2 + usize::from(be16(&data, at + 2).unwrap());
        if data[at + 1] == HUFFMAN_TABLES {
            data.drain(at..at + length);
        } else {
            at += length;
        }
    }
    assert_eq!(
        check(&data),
        Err(Flaw::Corrupt("a Huffman table is missing"))
    );
    let complete = with_standard_tables(&data).unwrap();
    assert_eq!(check(&complete), Ok(()));
    assert_eq!(with_standard_tables(&complete), None);
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(
        data in prop::collection::vec(any::<u8>(), 0..300),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
    ) {
        let _: Result<(), Flaw> = check(&[&[0xFF, 0xD8][..], &data].concat());
        let mut image = image(40, 24, AS_CAMERAS_DO);
        for (at, value) in hits {
            let at = at.index(image.len());
            image[at] = value;
        }
        let _: Result<(), Flaw> = check(&image);
    }
}
