//! Which square around a detector's box shows a face as FER-2013 frames it.
//!
//! A network trained on FER-2013's crops sees a live face through the application's own detector. Here that detector
//! looks at FER-2013's images, enlarged and with their borders continued so that it has room, and the typical relation
//! between its box and the image is the answer.

use std::time::{Duration, Instant};

use fervis::{
    bounding_box::BoundingBox,
    detect::{DetectConfig, FaceFinder},
    frame::{Frame, FrameId, RGBA_BYTES, Resolution},
    model::preprocess::CropGeometry,
};

use crate::dataset::{Dataset, IMAGE_SIDE_PX};

/// An image is enlarged by this factor: faces of 192 px are well above the detector's smallest.
const ENLARGEMENT: usize = 4;
/// Side of the frame around it, px: the image in the middle and half its side all round.
const FRAME_SIDE_PX: usize = 2 * ENLARGEMENT * IMAGE_SIDE_PX;

/// What the detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// The medians over all images in which a face was found.
    pub crop: CropGeometry,
    /// Images looked at.
    pub n_images: usize,
    /// Images in which a face was found.
    pub n_found: usize,
}

/// Learns the crop from the images at `indices`; `None` if no face was found in any.
pub fn learn(dataset: &Dataset, indices: &[usize]) -> Option<Framing> {
    let mut finder = FaceFinder::new(DetectConfig::default());
    let (mut scales, mut shifts) = (Vec::new(), Vec::new());
    let image_side = (ENLARGEMENT * IMAGE_SIDE_PX) as f32;
    for index in indices {
        let Some((_, face)) = find_face(&mut finder, dataset.image(*index)) else {
            continue;
        };
        let side = face.width.max(face.height);
        scales.push(image_side / side);
        shifts.push((FRAME_SIDE_PX as f32 / 2.0 - face.center().1) / side);
    }
    let n_found = scales.len();
    let crop = CropGeometry {
        scale: median(scales)?,
        shift_y: median(shifts)?,
    };
    Some(Framing {
        crop,
        n_images: indices.len(),
        n_found,
    })
}

/// A frame with the image in its middle, and the box that the detector finds there; the clearest of several, `None` of
/// none.
pub(crate) fn find_face(finder: &mut FaceFinder, image: &[u8]) -> Option<(Frame, BoundingBox)> {
    finder.reset();
    let frame = frame_around(image);
    let faces = finder.find(&frame);
    let face = faces.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    let box_in_frame = face.box_in_frame;
    Some((frame, box_in_frame))
}

/// The image enlarged (bilinear) in the middle of a grey frame, its border pixels continued to the frame's border.
fn frame_around(image: &[u8]) -> Frame {
    let last = (IMAGE_SIDE_PX - 1) as f32;
    let margin = (FRAME_SIDE_PX - ENLARGEMENT * IMAGE_SIDE_PX) as f32 / 2.0;
    let place = |position: usize| {
        let source = (position as f32 + 0.5 - margin) / ENLARGEMENT as f32 - 0.5;
        let source = source.clamp(0.0, last);
        let first = (source as usize).min(IMAGE_SIDE_PX - 2);
        (first, source - first as f32)
    };
    let mut rgba = Vec::with_capacity(FRAME_SIDE_PX * FRAME_SIDE_PX * RGBA_BYTES);
    for y in 0..FRAME_SIDE_PX {
        let (top, weight_y) = place(y);
        for x in 0..FRAME_SIDE_PX {
            let (left, weight_x) = place(x);
            let at = |row: usize, column: usize| f32::from(image[row * IMAGE_SIDE_PX + column]);
            let mix = |a: f32, b: f32, weight: f32| a + (b - a) * weight;
            let upper = mix(at(top, left), at(top, left + 1), weight_x);
            let lower = mix(at(top + 1, left), at(top + 1, left + 1), weight_x);
            let luma = mix(upper, lower, weight_y).round() as u8;
            rgba.extend([luma, luma, luma, 255]);
        }
    }
    let size = Resolution::new(FRAME_SIDE_PX as u32, FRAME_SIDE_PX as u32);
    Frame::new(
        FrameId(0),
        Instant::now(),
        Duration::ZERO,
        size,
        rgba.into(),
    )
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::*;
    use crate::dataset::{IMAGE_LEN, Split};

    #[test]
    fn the_frame_continues_the_image() {
        let mut image = vec![100; IMAGE_LEN];
        image[..IMAGE_SIDE_PX].fill(7);
        let frame = frame_around(&image);
        let at = |x: usize, y: usize| frame.rgba()[(y * FRAME_SIDE_PX + x) * RGBA_BYTES];
        assert_eq!(at(0, 0), 7);
        assert_eq!(at(200, 96), 7);
        assert_eq!(at(200, 200), 100);
        assert_eq!(at(383, 383), 100);
    }

    #[test]
    fn nothing_is_learnt_without_faces() {
        let mut dataset = Dataset::new();
        dataset.push(Split::PublicTest, Expression::Happy, &[128; IMAGE_LEN]);
        assert_eq!(learn(&dataset, dataset.split(Split::PublicTest)), None);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    }
}
