//! Learns which square around a detector's box shows a face in FER-2013's framing.
//!
//! In live use, a network trained on FER-2013's crops sees faces through the application's detector. Here that detector
//! searches FER-2013's images, enlarged and with repeated borders so that it has room, and the median relation between its
//! box and the image is the result.

use std::time::{Duration, Instant};

use fervis::{
    detect::{DetectConfig, Detector, FaceFinder, TrackedFace},
    frame::{Frame, FrameId, RGBA_BYTES, Resolution},
    model::preprocess::{CropGeometry, FaceRegion},
    oriented_box::OrientedBox,
};

use crate::{data::dataset::Dataset, fer2013::IMAGE_SIDE_PX};

/// Images are enlarged to this side, px, well above the detectors' smallest face.
const ENLARGED_SIDE_PX: usize = 192;

/// Side of the frame around an image of this side, px: the enlarged image with a border of half its side.
fn frame_side(image_side: usize) -> usize {
    2 * image_side.max(ENLARGED_SIDE_PX)
}

/// The crops, and how many faces they were learned from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// From rustface's box to the image: medians over the images in which rustface found a face.
    pub crop: CropGeometry,
    /// From the square around the face mesh to the image: medians over the images with a mesh.
    pub upright_crop: CropGeometry,
    /// From the square around the mesh to rustface's box: medians over the images with both.
    pub box_from_mesh: CropGeometry,
    /// Images searched.
    pub n_images: usize,
    /// Images in which rustface found a face.
    pub n_found: usize,
    /// Images with a face mesh.
    pub n_meshes: usize,
}

/// Learns the crops from the images at `indices`; `None` if no face was found.
pub fn learn(dataset: &Dataset, indices: &[usize]) -> Option<Framing> {
    let finder = |detector| {
        FaceFinder::new(DetectConfig {
            detector,
            ..DetectConfig::default()
        })
    };
    let (mut rustface, mut chain) = (finder(Detector::Rustface), finder(Detector::Both));
    let (mut by_box, mut by_mesh, mut between) = (
        Relations::default(),
        Relations::default(),
        Relations::default(),
    );
    let middle = frame_side(IMAGE_SIDE_PX) as f32 / 2.0;
    let image = OrientedBox::upright((middle, middle), middle);
    for index in indices {
        let pixels = dataset.image(*index);
        let boxed = find_face(&mut rustface, pixels).map(|(_, face)| {
            let side = face.box_in_frame.width.max(face.box_in_frame.height);
            OrientedBox::upright(face.box_in_frame.center(), side)
        });
        let mesh = find_face(&mut chain, pixels).and_then(|(_, face)| face.shape);
        if let Some(boxed) = &boxed {
            by_box.push(boxed, &image);
        }
        if let Some(mesh) = &mesh {
            by_mesh.push(&mesh.upright, &image);
        }
        if let (Some(boxed), Some(mesh)) = (&boxed, &mesh) {
            between.push(&mesh.upright, boxed);
        }
    }
    Some(Framing {
        n_images: indices.len(),
        n_found: by_box.scales.len(),
        n_meshes: by_mesh.scales.len(),
        crop: by_box.medians()?,
        upright_crop: by_mesh.medians()?,
        box_from_mesh: between.medians()?,
    })
}

/// The relations between pairs of squares.
#[derive(Default)]
struct Relations {
    scales: Vec<f32>,
    shifts: Vec<f32>,
}

impl Relations {
    /// Adds a pair: the side of `to`, and how far its center lies below that of `from` along the face, both in sides of
    /// `from`.
    fn push(&mut self, from: &OrientedBox, to: &OrientedBox) {
        let (_, down) = from.axes();
        let shift = (to.x - from.x) * down[0] + (to.y - from.y) * down[1];
        self.scales.push(to.side / from.side);
        self.shifts.push(shift / from.side);
    }

    fn medians(self) -> Option<CropGeometry> {
        Some(CropGeometry {
            scale: median(self.scales)?,
            shift_y: median(self.shifts)?,
        })
    }
}

/// A frame with the image in its center, and the face found there: the one with the highest score, `None` without any.
pub(crate) fn find_face(finder: &mut FaceFinder, image: &[u8]) -> Option<(Frame, TrackedFace)> {
    finder.reset();
    let frame = frame_around(image, 0.0);
    let faces = finder.find(&frame);
    let face = faces.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    let face = *face;
    Some((frame, face))
}

/// The region of the frame that is cut out for a face.
pub(crate) fn region_of(face: &TrackedFace) -> FaceRegion {
    FaceRegion {
        box_in_frame: face.box_in_frame,
        upright: face.shape.map(|shape| shape.upright),
    }
}

/// A frame with a square image in its center, enlarged bilinearly and rolled clockwise; its border pixels are repeated up
/// to the border of the frame.
pub(crate) fn frame_around(image: &[u8], roll_deg: f32) -> Frame {
    let image_side = image.len().isqrt();
    let frame_side = frame_side(image_side);
    let enlargement = (frame_side / 2) as f32 / image_side as f32;
    let last = (image_side - 1) as f32;
    let (sin, cos) = roll_deg.to_radians().sin_cos();
    let middle = frame_side as f32 / 2.0;
    let place = |from_middle: f32| {
        let source = from_middle / enlargement + (last + 1.0) / 2.0 - 0.5;
        let source = source.clamp(0.0, last);
        let first = (source as usize).min(image_side - 2);
        (first, source - first as f32)
    };
    let mut rgba = Vec::with_capacity(frame_side * frame_side * RGBA_BYTES);
    for y in 0..frame_side {
        for x in 0..frame_side {
            let (dx, dy) = (x as f32 + 0.5 - middle, y as f32 + 0.5 - middle);
            let (left, weight_x) = place(cos * dx + sin * dy);
            let (top, weight_y) = place(cos * dy - sin * dx);
            let at = |row: usize, column: usize| f32::from(image[row * image_side + column]);
            let mix = |a: f32, b: f32, weight: f32| a + (b - a) * weight;
            let upper = mix(at(top, left), at(top, left + 1), weight_x);
            let lower = mix(at(top + 1, left), at(top + 1, left + 1), weight_x);
            let luma = mix(upper, lower, weight_y).round() as u8;
            rgba.extend([luma, luma, luma, 255]);
        }
    }
    let size = Resolution::new(frame_side as u32, frame_side as u32);
    still(size, rgba)
}

/// A frame of a still image.
pub(crate) fn still(size: Resolution, rgba: Vec<u8>) -> Frame {
    Frame::new(
        FrameId(0),
        Instant::now(),
        Duration::ZERO,
        size,
        rgba.into(),
    )
    .into_still()
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::*;
    use crate::{data::dataset::Split, fer2013::IMAGE_LEN};

    #[test]
    fn the_frame_repeats_the_border_of_the_image() {
        let mut image = vec![100; IMAGE_LEN];
        image[..IMAGE_SIDE_PX].fill(7);
        let frame = frame_around(&image, 0.0);
        let at = |x: usize, y: usize| frame.rgba()[(y * 384 + x) * RGBA_BYTES];
        assert_eq!(at(0, 0), 7);
        assert_eq!(at(200, 96), 7);
        assert_eq!(at(200, 200), 100);
        assert_eq!(at(383, 383), 100);
        // A quarter turn clockwise brings the top edge to the right.
        let rolled = frame_around(&image, 90.0);
        let at = |x: usize, y: usize| rolled.rgba()[(y * 384 + x) * RGBA_BYTES];
        assert_eq!((at(383, 200), at(200, 0), at(200, 200)), (7, 100, 100));
    }

    #[test]
    fn nothing_is_learned_without_faces() {
        let mut dataset = Dataset::default();
        dataset.push(Split::PublicTest, Expression::Happy, &[128; IMAGE_LEN]);
        assert_eq!(learn(&dataset, dataset.split(Split::PublicTest)), None);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    }
}
