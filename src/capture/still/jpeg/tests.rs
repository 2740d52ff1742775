//! Every cut of every kind of JPEG, against what the decoder makes of it.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::*;

const SIZE: (u16, u16) = (75, 53);

/// Noise upon a ramp, so that every block has code words of many kinds.
fn encode(set_up: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let (width, height) = SIZE;
    let pixels: Vec<u8> = (0..u32::from(width) * u32::from(height) * 3)
        .map(|i| (i / 60).wrapping_add(i.wrapping_mul(2_654_435_761) >> 27) as u8)
        .collect();
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 90);
    set_up(&mut encoder);
    encoder
        .encode(&pixels, width, height, ColorType::Rgb)
        .unwrap();
    jpeg
}

fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "4:4:4",
            encode(|encoder| encoder.set_sampling_factor(SamplingFactor::R_4_4_4)),
        ),
        (
            "4:2:0",
            encode(|encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_0)),
        ),
        (
            "4:2:2",
            encode(|encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_2)),
        ),
        (
            "own tables",
            encode(|encoder| encoder.set_optimized_huffman_tables(true)),
        ),
        (
            "restarts",
            encode(|encoder| encoder.set_restart_interval(3)),
        ),
        (
            "progressive",
            encode(|encoder| {
                encoder.set_progressive(true);
                encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
            }),
        ),
        (
            "progressive with restarts",
            encode(|encoder| {
                encoder.set_progressive(true);
                encoder.set_restart_interval(4);
            }),
        ),
    ]
}

fn pixels(jpeg: &[u8]) -> Option<Vec<u8>> {
    let picture = image::load_from_memory(jpeg).ok()?;
    Some(picture.into_rgb8().into_raw())
}

#[test]
fn whole_files_pass_with_or_without_their_end() {
    for (kind, jpeg) in kinds() {
        assert_eq!(check(&jpeg), Ok(()), "{kind}");
        assert_eq!(
            check(&jpeg[..jpeg.len() - 2]),
            Ok(()),
            "{kind} without its end"
        );
        let with_more = [&jpeg[..], b"\xFF\xD8\xFF\xE1 a second picture"].concat();
        assert_eq!(check(&with_more), Ok(()), "{kind} and more");
        let with_zeros = [&jpeg[..jpeg.len() - 2], &[0; 999]].concat();
        assert_eq!(
            check(&with_zeros),
            Ok(()),
            "{kind}, zeros in place of its end"
        );
    }
}

/// Whatever passes looks like the whole, but for the last block; and nearly every cut is told.
#[test]
fn every_cut_that_can_be_seen_is_told() {
    for (kind, jpeg) in kinds() {
        let whole = pixels(&jpeg).unwrap();
        let near_the_end = jpeg.len() - 200;
        for length in (2..near_the_end)
            .step_by(11)
            .chain(near_the_end..jpeg.len())
        {
            let cut = &jpeg[..length];
            let place = format!("{kind}, {length} of {} bytes", jpeg.len());
            // The last block of 16×16 pixels may be missing.
            if length < jpeg.len() - 150 {
                assert!(check(cut).is_err(), "{place}");
            }
            // A progressive file may end after any scan, if it says so.
            let with_end = [cut, b"\xFF\xD9"].concat();
            let cuts = [
                cut,
                if kind.starts_with("prog") {
                    cut
                } else {
                    &with_end
                },
            ];
            for cut in cuts.into_iter().filter(|cut| check(cut).is_ok()) {
                let found = pixels(cut).unwrap_or_default();
                let n_other = found.iter().zip(&whole).filter(|(a, b)| a != b).count();
                assert!(n_other <= 20 * 20 * 3, "{place}: {n_other} values differ");
            }
        }
    }
}

#[test]
fn a_hole_in_the_middle_is_told() {
    let sequential = |(kind, _): &(&str, Vec<u8>)| !kind.starts_with("prog");
    for (kind, jpeg) in kinds().into_iter().filter(sequential) {
        let middle = jpeg.len() / 2;
        let with_hole = [&jpeg[..middle], &jpeg[middle + jpeg.len() / 4..]].concat();
        assert!(check(&with_hole).is_err(), "{kind}");
    }
}

#[test]
fn what_is_no_jpeg_of_these_kinds_is_left_to_the_decoder() {
    let (_, jpeg) = &kinds()[0];
    let at = jpeg
        .windows(2)
        .position(|bytes| bytes == [0xFF, 0xC0])
        .unwrap();
    let mut arithmetic = jpeg.clone();
    arithmetic[at + 1] = 0xC9;
    assert_eq!(check(&arithmetic[..jpeg.len() / 2]), Ok(()));
    assert_eq!(check(b""), Err(Fault::Cut));
    assert_eq!(
        check(b"\xFF\xD8\xFF\xD9"),
        Ok(()),
        "the decoder says that there is nothing"
    );
}

#[test]
fn no_change_of_a_byte_makes_it_fail() {
    for (_, jpeg) in kinds() {
        for at in (0..jpeg.len()).step_by(3) {
            for value in [0x00, 0x7F, 0xFF, jpeg[at] ^ 0x10] {
                let mut changed = jpeg.clone();
                changed[at] = value;
                check(&changed).ok();
            }
        }
    }
}
