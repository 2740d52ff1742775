//! Images for the tests of this module: drawn ones, and a photograph put into a frame at any place and size.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use image::{RgbImage, imageops};

use crate::frame::{Frame, FrameId, Resolution};

/// Eileen Collins' face in `assets/faces/astronaut.png`, as `(center x, center y, side)` in px, marked by eye: from
/// the hairline to the chin.
pub const ASTRONAUT_FACE: (f32, f32, f32) = (222.0, 112.0, 105.0);

/// A frame at time zero whose pixels are `color(x, y)`.
pub fn frame_of(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
    frame_from(
        &RgbImage::from_fn(width, height, |x, y| image::Rgb(color(x, y))),
        Duration::ZERO,
    )
}

/// A frame from a image.
pub fn frame_from(image: &RgbImage, time: Duration) -> Frame {
    let rgba: Vec<u8> = image
        .pixels()
        .flat_map(|&image::Rgb([r, g, b])| [r, g, b, 255])
        .collect();
    Frame::new(
        FrameId(0),
        Instant::now(),
        time,
        Resolution::new(image.width(), image.height()),
        rgba.into(),
    )
}

/// The photograph of the astronaut Eileen Collins (NASA, public domain), 512×512.
pub fn astronaut() -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/faces/astronaut.png");
    image::open(&path)
        .unwrap_or_else(|err| panic!("{}: {err}", path.display()))
        .to_rgb8()
}

/// A plain gray canvas with the photograph's head and shoulders at `(x, y)`, scaled by `scale`.
pub fn canvas_with_astronaut((width, height): (u32, u32), places: &[(i64, i64, f32)]) -> RgbImage {
    let mut canvas = RgbImage::from_pixel(width, height, image::Rgb([80, 96, 112]));
    let photo = astronaut();
    for &(x, y, scale) in places {
        let side = (512.0 * scale) as u32;
        let scaled = imageops::resize(&photo, side, side, imageops::FilterType::Triangle);
        imageops::overlay(&mut canvas, &scaled, x, y);
    }
    canvas
}

/// The image turned clockwise about its middle by `degrees`, on plain gray, with its size kept.
pub fn turned(image: &RgbImage, degrees: f32) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = image.dimensions();
    let middle = (width as f32 / 2.0, height as f32 / 2.0);
    RgbImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - middle.0, y as f32 + 0.5 - middle.1);
        let (from_x, from_y) = (
            middle.0 + cos * dx + sin * dy,
            middle.1 + cos * dy - sin * dx,
        );
        imageops::interpolate_bilinear(image, from_x - 0.5, from_y - 0.5)
            .unwrap_or(image::Rgb([110; 3]))
    })
}
