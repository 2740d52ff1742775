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

/// The canvas of a plot that is drawn as SVG.
pub type SvgCanvas<'a, 'svg> = Canvas<'a, SVGBackend<'svg>>;

/// Draws a plot of `width` by `height` units as SVG.
///
/// # Errors
/// If the built-in font cannot be read, or `draw` fails.
pub fn svg(
    width: u32,
    height: u32,
    draw: impl FnOnce(&SvgCanvas<'_, '_>) -> Drawn,
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

pub(super) fn write_svg(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::new(selection);
    let svg = svg(picture.width(), picture.height(), |canvas| {
        picture.draw(canvas)
    })?;
    out.write_all(svg.as_bytes())
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
