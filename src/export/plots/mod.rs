//! Plots of a session: probabilities over time for each face, with the events, and shares of time.
//!
//! `picture` computes the layout; `canvas` draws it with plotters, which makes vectors and pixels from the same calls.
//! Text uses the window's font, which is part of the program, so that a PNG looks the same on every machine. An SVG
//! names the font and falls back to the viewer's own.

mod axis;
mod canvas;
mod curve;
mod picture;

use std::io::{self, Write};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use plotters::{
    backend::{BitMapBackend, SVGBackend},
    drawing::IntoDrawingArea,
};

use self::{
    canvas::{Canvas, Letters},
    picture::Picture,
};
use super::Selection;

/// Pixels of the PNG per unit of the layout, so that it is sharp on high-resolution screens and in print. An SVG's
/// coordinates are integers too, with the same scale.
const SCALE: u32 = 2;

pub(super) fn write_svg(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    canvas::install_font()?;
    let picture = Picture::new(selection);
    let (width, height) = (picture.width(), picture.height());
    let (wide, high) = (width * SCALE, height * SCALE);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (wide, high)).into_drawing_area();
        picture
            .draw(&Canvas::new(&root, SCALE, Letters::Words))
            .map_err(io::Error::other)?;
        root.present().map_err(io::Error::other)?;
    }
    // The SVG is shown at the size of the layout; the finer coordinates stay in the view box.
    let fine = format!("width=\"{wide}\" height=\"{high}\"");
    let shown = format!("width=\"{width}\" height=\"{height}\"");
    out.write_all(svg.replacen(&fine, &shown, 1).as_bytes())
}

pub(super) fn write_png(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    canvas::install_font()?;
    let picture = Picture::new(selection);
    let (wide, high) = (picture.width() * SCALE, picture.height() * SCALE);
    let mut rgb = vec![255; wide as usize * high as usize * 3];
    {
        let root = BitMapBackend::with_buffer(&mut rgb, (wide, high)).into_drawing_area();
        picture
            .draw(&Canvas::new(&root, SCALE, Letters::Pixels))
            .map_err(io::Error::other)?;
        root.present().map_err(io::Error::other)?;
    }
    let encoder = PngEncoder::new(out);
    let encoded = encoder.write_image(&rgb, wide, high, ExtendedColorType::Rgb8);
    encoded.map_err(io::Error::other)
}
