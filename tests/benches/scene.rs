//! Camera images at 1280×720 with faces in them, drawn from the photograph in `assets/faces`.
//!
//! Everything has noise: without it, JPEG data would be smaller and faster to decode than any camera's.

#![allow(dead_code, reason = "each bench uses a part of this")]

use std::{
    f32::consts::TAU,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use fervis::{
    bounding_box::BoundingBox,
    frame::{Frame, FrameId, Resolution},
};
use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder, imageops};

/// The size of the real-time contract.
pub const SIZE: Resolution = Resolution::new(1280, 720);

/// Head and shoulders in the photograph: left, top and side, px.
const HEAD: (u32, u32, u32) = (97, 0, 250);
/// The face in it: center and side, px.
const FACE: (f32, f32, f32) = (125.0, 112.0, 105.0);
/// Frames in a round, after which all faces are back where they were.
const ROUND: f32 = 90.0;

/// The head from the photograph, to be drawn into images.
pub struct Scene {
    head: RgbImage,
}

impl Scene {
    /// Reads the photograph.
    ///
    /// # Errors
    /// If the file is missing.
    pub fn load() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/faces/astronaut.png");
        let photo = image::open(&path).context("reading the photograph")?;
        let (left, top, side) = HEAD;
        Ok(Self {
            head: photo.crop_imm(left, top, side, side).to_rgb8(),
        })
    }

    /// Image `number` of an endless round in which people move as in front of a camera, with the true boxes.
    pub fn image(&self, n_faces: usize, number: u64) -> (RgbImage, Vec<BoundingBox>) {
        let mut image = RgbImage::from_fn(SIZE.width_px, SIZE.height_px, |x, y| {
            let light = (70 + x / 16 + y / 12) as u8;
            image::Rgb([light, light + 6, light + 14])
        });
        let phase = TAU * number as f32 / ROUND;
        let spacing = SIZE.width_px as f32 / n_faces.max(1) as f32;
        let boxes: Vec<BoundingBox> = (0..n_faces)
            .map(|face_idx| {
                let phase = phase + face_idx as f32;
                let x = spacing * (face_idx as f32 + 0.5) + 40.0 * phase.sin();
                let y = 360.0 + 25.0 * (2.0 * phase).cos();
                let side = (190.0 - 15.0 * n_faces as f32) * (1.0 + 0.08 * phase.cos());
                BoundingBox::square_around((x, y), side)
            })
            .collect();
        for face in &boxes {
            let scale = face.width / FACE.2;
            let side = (HEAD.2 as f32 * scale).round() as u32;
            let head = imageops::resize(&self.head, side, side, imageops::FilterType::Triangle);
            let (x, y) = face.center();
            let (left, top) = (x - FACE.0 * scale, y - FACE.1 * scale);
            imageops::overlay(&mut image, &head, left as i64, top as i64);
        }
        add_noise(&mut image);
        (image, boxes)
    }

    /// The same as a frame.
    pub fn frame(&self, n_faces: usize) -> (Frame, Vec<BoundingBox>) {
        let (image, boxes) = self.image(n_faces, 0);
        let rgba: Vec<u8> = image
            .pixels()
            .flat_map(|&image::Rgb([red, green, blue])| [red, green, blue, 255])
            .collect();
        let frame = Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            SIZE,
            rgba.into(),
        );
        (frame, boxes)
    }

    /// The same as a camera sends it.
    ///
    /// # Errors
    /// None occur in memory.
    pub fn jpeg(&self, n_faces: usize, number: u64) -> Result<Vec<u8>> {
        let (image, _) = self.image(n_faces, number);
        let mut data = Vec::new();
        JpegEncoder::new_with_quality(&mut data, 85).write_image(
            &image,
            SIZE.width_px,
            SIZE.height_px,
            ExtendedColorType::Rgb8,
        )?;
        Ok(data)
    }
}

/// Adds the same noise each time, up to four steps up or down.
fn add_noise(image: &mut RgbImage) {
    let mut state = 1u32;
    for value in image.iter_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *value = value.saturating_add((state >> 29) as u8).saturating_sub(4);
    }
}
