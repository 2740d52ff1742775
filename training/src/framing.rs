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

/// An image is enlarged to this side, px: well above the detector's smallest face.
const ENLARGED_SIDE_PX: usize = 192;

/// Side of the frame around an image of this side, px: the enlarged image in the middle and half its side all round.
fn frame_side(image_side: usize) -> usize {
    2 * image_side.max(ENLARGED_SIDE_PX)
}

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
    let frame_side = frame_side(IMAGE_SIDE_PX) as f32;
    for index in indices {
        let Some((_, face)) = find_face(&mut finder, dataset.image(*index)) else {
            continue;
        };
        let side = face.width.max(face.height);
        scales.push(frame_side / 2.0 / side);
        shifts.push((frame_side / 2.0 - face.center().1) / side);
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

/// A frame with a square image in its middle, and the box that the detector finds there; the clearest of several, `None` of
/// none.
pub(crate) fn find_face(finder: &mut FaceFinder, image: &[u8]) -> Option<(Frame, BoundingBox)> {
    finder.reset();
    let frame = frame_around(image);
    let faces = finder.find(&frame);
    let face = faces.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    let box_in_frame = face.box_in_frame;
    Some((frame, box_in_frame))
}

/// A square image enlarged (bilinear) in the middle of a grey frame, its border pixels continued to the frame's border.
fn frame_around(image: &[u8]) -> Frame {
    let image_side = image.len().isqrt();
    let frame_side = frame_side(image_side);
    let enlargement = (frame_side / 2) as f32 / image_side as f32;
    let last = (image_side - 1) as f32;
    let margin = frame_side as f32 / 4.0;
    let place = |position: usize| {
        let source = (position as f32 + 0.5 - margin) / enlargement - 0.5;
        let source = source.clamp(0.0, last);
        let first = (source as usize).min(image_side - 2);
        (first, source - first as f32)
    };
    let mut rgba = Vec::with_capacity(frame_side * frame_side * RGBA_BYTES);
    for y in 0..frame_side {
        let (top, weight_y) = place(y);
        for x in 0..frame_side {
            let (left, weight_x) = place(x);
            let at = |row: usize, column: usize| f32::from(image[row * image_side + column]);
            let mix = |a: f32, b: f32, weight: f32| a + (b - a) * weight;
            let upper = mix(at(top, left), at(top, left + 1), weight_x);
            let lower = mix(at(top + 1, left), at(top + 1, left + 1), weight_x);
            let luma = mix(upper, lower, weight_y).round() as u8;
            rgba.extend([luma, luma, luma, 255]);
        }
    }
    let size = Resolution::new(frame_side as u32, frame_side as u32);
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
        let at = |x: usize, y: usize| frame.rgba()[(y * 384 + x) * RGBA_BYTES];
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
