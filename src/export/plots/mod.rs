//! Plots of a session: probabilities over time for each face, with the events, and shares of time.
//!
//! `picture` computes the layout; `canvas` draws it with plotters, which makes vectors and pixels from the same calls.
//! Text uses the window's font, which is part of the program, so that a PNG looks the same on every machine. An SVG
//! names the font and falls back to the viewer's own.

mod axis;
pub mod canvas;
mod curve;
mod picture;

use std::io::{self, Write};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use plotters::{
    backend::{BitMapBackend, SVGBackend},
    drawing::IntoDrawingArea,
};

use self::{
    canvas::{Canvas, Drawn, Letters},
    picture::Picture,
};
use super::Selection;
use crate::palette::PAPER;

/// Pixels of the PNG per unit of the layout, so that it is sharp on high-resolution screens and in print. An SVG's
/// coordinates are integers too, with the same scale.
const SCALE: u32 = 2;

/// A plot in pixels: red, green and blue, row by row.
pub struct Pixels {
    /// Width and height, px.
    pub size: [u32; 2],
    /// `3 * width * height` bytes.
    pub rgb: Vec<u8>,
}

/// Draws a plot of this width and height, in units, as SVG.
///
/// # Errors
/// If the built-in font cannot be read, or `draw` fails.
pub fn svg(
    [width, height]: [u32; 2],
    draw: impl FnOnce(&Canvas<'_, SVGBackend<'_>>) -> Drawn<SVGBackend<'static>>,
) -> io::Result<String> {
    canvas::install_font()?;
    let (wide, high) = (width * SCALE, height * SCALE);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (wide, high)).into_drawing_area();
        let canvas = Canvas::new(&root, SCALE, Letters::Words);
        canvas
            .fill((0.0, 0.0), (width.into(), height.into()), PAPER)
            .and_then(|()| draw(&canvas))
            .and_then(|()| root.present())
            .map_err(io::Error::other)?;
    }
    // The SVG is shown at the size of the layout; the finer coordinates stay in the view box.
    let fine = format!("width=\"{wide}\" height=\"{high}\"");
    let shown = format!("width=\"{width}\" height=\"{height}\"");
    Ok(svg.replacen(&fine, &shown, 1))
}

/// Draws a plot of this width and height, in units, in pixels: some to each unit.
///
/// # Errors
/// As [`svg`].
pub fn pixels(
    [width, height]: [u32; 2],
    draw: impl FnOnce(&Canvas<'_, BitMapBackend<'_>>) -> Drawn<BitMapBackend<'static>>,
) -> io::Result<Pixels> {
    canvas::install_font()?;
    let (wide, high) = (width * SCALE, height * SCALE);
    // As white as the paper.
    let mut rgb = vec![255; wide as usize * high as usize * 3];
    {
        let root = BitMapBackend::with_buffer(&mut rgb, (wide, high)).into_drawing_area();
        draw(&Canvas::new(&root, SCALE, Letters::Pixels)).map_err(io::Error::other)?;
        root.present().map_err(io::Error::other)?;
    }
    let size = [wide, high];
    Ok(Pixels { size, rgb })
}

pub(super) fn write_svg(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::new(selection);
    let svg = svg(picture.size(), |canvas| picture.draw(canvas))?;
    out.write_all(svg.as_bytes())
}

pub(super) fn write_png(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::new(selection);
    let Pixels {
        size: [wide, high],
        rgb,
    } = pixels(picture.size(), |canvas| picture.draw(canvas))?;
    let encoder = PngEncoder::new(out);
    let encoded = encoder.write_image(&rgb, wide, high, ExtendedColorType::Rgb8);
    encoded.map_err(io::Error::other)
}
