//! Lines, areas and text on one of plotters' backends, in units of the layout.
//!
//! plotters' own charts are not used, because their axes have no minutes and no color bands.

use std::{io, sync::OnceLock};

pub use plotters::backend::DrawingBackend as Backend;
use plotters::{
    backend::DrawingBackend,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind},
    element::{Circle, PathElement, Rectangle},
    style::{
        Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::palette::{INK, Rgb};

/// Name of the font. In an SVG, the viewer uses its own font if it has none of this name.
const FONT: &str = "Ubuntu, sans-serif";

/// Which point of a text is at its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Left,
    /// The text is centered there.
    Middle,
    /// The text ends there.
    Right,
}

/// What drawing gives: nothing, or the backend's error.
pub type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Registers the font with plotters, once.
pub(super) fn install_font() -> io::Result<()> {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let bytes = epaint_default_fonts::UBUNTU_LIGHT;
    let is_installed =
        INSTALLED.get_or_init(|| register_font(FONT, FontStyle::Normal, bytes).is_ok());
    if *is_installed {
        Ok(())
    } else {
        Err(io::Error::other("the built-in font could not be read"))
    }
}

/// How text is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    /// By the viewer.
    Words,
    /// By plotters, slightly too high.
    Pixels,
}

impl Letters {
    /// How far the text must be moved down to be centered, in font sizes; measured.
    fn sink(self) -> f64 {
        match self {
            Self::Words => 0.0,
            Self::Pixels => 0.16,
        }
    }
}

/// A drawing area with a scale.
pub struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    letters: Letters,
}

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    pub(super) fn new(area: &'a DrawingArea<DB, Shift>, scale: u32, letters: Letters) -> Self {
        Self {
            area,
            scale: f64::from(scale),
            letters,
        }
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (
            (x * self.scale).round() as i32,
            (y * self.scale).round() as i32,
        )
    }

    /// A line through two or more points.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn line(&self, points: &[(f64, f64)], color: Rgb, width: f64) -> Drawn<DB> {
        let points: Vec<(i32, i32)> = points.iter().map(|&point| self.at(point)).collect();
        let stroke_width = (width * self.scale).round().max(1.0) as u32;
        let style = ShapeStyle {
            color: rgb(color).to_rgba(),
            filled: false,
            stroke_width,
        };
        self.area.draw(&PathElement::new(points, style))
    }

    /// A rectangle between two corners.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn fill(&self, from: (f64, f64), to: (f64, f64), color: Rgb) -> Drawn<DB> {
        let corners = [self.at(from), self.at(to)];
        self.area
            .draw(&Rectangle::new(corners, rgb(color).filled()))
    }

    /// A filled circle.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn dot(&self, center: (f64, f64), radius: f64, color: Rgb) -> Drawn<DB> {
        let radius = (radius * self.scale).round() as i32;
        let style = rgb(color).filled();
        self.area.draw(&Circle::new(self.at(center), radius, style))
    }

    /// A line of text, vertically centered on the given position.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn text(
        &self,
        (x, y): (f64, f64),
        words: &str,
        size: f64,
        color: Rgb,
        anchor: Anchor,
    ) -> Drawn<DB> {
        let at = (x, y + self.letters.sink() * size);
        let style = self.style(size, color, anchor);
        self.area.draw_text(words, &style, self.at(at))
    }

    /// The width of a line of text.
    pub fn text_width(&self, words: &str, size: f64) -> f64 {
        let style = self.style(size, INK, Anchor::Left);
        let width = self.area.estimate_text_size(words, &style);
        width.map_or(0.0, |(width, _)| f64::from(width) / self.scale)
    }

    fn style(&self, size: f64, color: Rgb, anchor: Anchor) -> TextStyle<'static> {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let font = (FONT, size * self.scale).into_font();
        let mut style = TextStyle::from(font).pos(Pos::new(horizontal, VPos::Center));
        style.color = rgb(color).to_backend_color();
        style
    }
}

fn rgb([red, green, blue]: Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}
