//! No detail of a face remains, and nothing else changes.

use proptest::prelude::*;

use super::*;

const SIZE: Resolution = Resolution::new(120, 90);
const FACE: BoundingBox = BoundingBox::new(40.0, 30.0, 36.0, 36.0);

/// Stripes two pixels wide: detail that must not survive.
fn stripes(resolution: Resolution) -> Vec<u8> {
    let width = resolution.width_px as usize;
    (0..resolution.n_pixels())
        .flat_map(|at| {
            let bright = (at % width / 2 + at / width / 2).is_multiple_of(2);
            let light = if bright { 230 } else { 20 };
            [light, light, light, 255]
        })
        .collect()
}

fn privacy(effect: Effect) -> FacePrivacy {
    FacePrivacy {
        effect,
        who: Who::All,
    }
}

fn red(rgba: &[u8], x: usize, y: usize) -> u8 {
    rgba[(y * SIZE.width_px as usize + x) * RGBA_BYTES]
}

#[test]
fn detail_is_gone_where_the_face_is_and_around_it() {
    for effect in [Effect::Pixelate, Effect::Blur] {
        let original = stripes(SIZE);
        let mut rgba = original.clone();
        privacy(effect).apply(&mut rgba, SIZE, [(TrackId(1), FACE)]);
        // 36 px and a quarter on each side, a third more on top.
        let (columns, rows) = (31..85, 17..75);
        for y in 0..90 {
            for x in 0..120 {
                let is_covered = columns.contains(&x) && rows.contains(&y);
                let value = red(&rgba, x, y);
                if is_covered {
                    // Means of blocks of 6 px, of which 2 px are cut off at the edge: far from both stripes.
                    assert!(
                        (60..200).contains(&value),
                        "{effect:?}: {value} at {x}, {y}"
                    );
                } else {
                    assert_eq!(value, red(&original, x, y), "{effect:?}: {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn blocks_are_a_sixth_of_the_face_or_larger() {
    let n_colors_across = |side: f32| {
        let size = Resolution::new(800, 600);
        // A different color in each column.
        let mut rgba: Vec<u8> = (0..size.n_pixels())
            .flat_map(|at| [(at % 800 % 256) as u8, (at % 800 / 4) as u8, 0, 255])
            .collect();
        let face = BoundingBox::new(300.0, 250.0, side, side);
        privacy(Effect::Pixelate).apply(&mut rgba, size, [(TrackId(1), face)]);
        let row = &rgba[(260 * 800 + 300) * 4..][..side as usize * 4];
        let mut colors: Vec<&[u8]> = row.chunks(4).collect();
        colors.dedup();
        colors.len()
    };
    for side in [30.0, 64.0, 100.0, 180.0, 250.0] {
        // Seven where the enlarged box begins in the middle of a block.
        assert!(n_colors_across(side) <= 7, "{side}");
    }
    // A face of 12 px has three blocks.
    assert!(n_colors_across(12.0) <= 4);
}

#[test]
fn a_face_that_may_be_shown_does_not_change() {
    let who = Who::AllBut(vec![TrackId(2)]);
    let privacy = FacePrivacy {
        effect: Effect::Blur,
        who,
    };
    let original = stripes(SIZE);
    let mut rgba = original.clone();
    privacy.apply(&mut rgba, SIZE, [(TrackId(2), FACE)]);
    assert!(rgba == original);
    privacy.apply(&mut rgba, SIZE, [(TrackId(3), FACE)]);
    assert!(rgba != original);
}

#[test]
fn a_frame_that_was_not_searched_is_covered_whole() {
    for effect in [Effect::Pixelate, Effect::Blur] {
        let mut rgba = stripes(SIZE);
        privacy(effect).cover_everything(&mut rgba, SIZE);
        let is_between = |value: &u8| (60..200).contains(value);
        assert!(
            rgba.iter().step_by(RGBA_BYTES).all(is_between),
            "{effect:?}"
        );
        // So is one with an invalid box.
        let mut same = stripes(SIZE);
        let nowhere = BoundingBox::new(f32::NAN, 3.0, 20.0, 20.0);
        privacy(effect).apply(&mut same, SIZE, [(TrackId(1), nowhere)]);
        assert!(same == rgba, "{effect:?}");
    }
    privacy(Effect::Blur).cover_everything(&mut [], Resolution::new(0, 0));
}

#[test]
fn effects_have_names_in_files() {
    let name = |effect| serde_json::to_string(&effect).unwrap();
    assert_eq!(name(Effect::Pixelate), "\"pixelate\"");
    assert_eq!(name(Effect::Blur), "\"blur\"");
}

fn coordinate() -> impl Strategy<Value = f32> {
    prop_oneof![-60.0f32..160.0, any::<f32>()]
}

proptest! {
    #[test]
    fn no_box_makes_it_panic_or_change_anything_else(
        edges in prop::array::uniform4(coordinate()),
        width in 1u32..100, height in 1u32..100, blur in any::<bool>(),
    ) {
        let resolution = Resolution::new(width, height);
        let original = stripes(resolution);
        let mut rgba = original.clone();
        let [x, y, box_width, box_height] = edges;
        let face = BoundingBox::new(x, y, box_width, box_height);
        let effect = if blur { Effect::Blur } else { Effect::Pixelate };
        privacy(effect).apply(&mut rgba, resolution, [(TrackId(1), face)]);
        prop_assert!(rgba.iter().skip(3).step_by(RGBA_BYTES).all(|&alpha| alpha == 255));
        let covered = with_margins(&face);
        for (at, (new, old)) in rgba.chunks(4).zip(original.chunks(4)).enumerate() {
            let (x, y) = ((at as u32 % width) as f32, (at as u32 / width) as f32);
            let is_outside = x + 1.0 <= covered.x
                || y + 1.0 <= covered.y
                || x >= covered.right()
                || y >= covered.bottom();
            if is_valid(&face) && is_outside {
                prop_assert_eq!(new, old, "{}, {}", x, y);
            }
        }
    }
}
