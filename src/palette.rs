//! Colors that several parts share: those of expressions, and of text and grid in the light theme.
//!
//! The window, the overlay and exported plots all draw with them. The seven expression colors were searched for so that
//! people with the usual color-vision deficiencies can tell them apart too; a test in `overlay::colors` measures it. The
//! light theme takes darker shades, for contrast on white.

use crate::expression::Expression;

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// What the color stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The window's dark theme, or a frame.
    Dark,
    /// The window's light theme, or paper.
    Light,
}

/// Behind everything, in the light theme.
pub const PAPER: Rgb = [0xFF, 0xFF, 0xFF];
/// Main text in the light theme.
pub const INK: Rgb = [0x1C, 0x20, 0x26];
/// Labels and hints in the light theme.
pub const WEAK_INK: Rgb = [0x5A, 0x63, 0x70];
/// Grid lines and the empty part of a bar in the light theme.
pub const GRID: Rgb = [0xE3, 0xE6, 0xEB];

/// The color of an expression's bars, boxes and curves.
pub const fn expression(expression: Expression, ground: Ground) -> Rgb {
    match (expression, ground) {
        (Expression::Angry, Ground::Dark) => [0xDB, 0x4A, 0x2B],
        (Expression::Angry, Ground::Light) => [0xA3, 0x12, 0x2F],
        (Expression::Disgust, Ground::Dark) => [0x1F, 0xC9, 0x87],
        (Expression::Disgust, Ground::Light) => [0x09, 0x9E, 0x5D],
        (Expression::Fear, Ground::Dark) => [0xB9, 0x5F, 0xB4],
        (Expression::Fear, Ground::Light) => [0x5E, 0x31, 0x72],
        (Expression::Happy, Ground::Dark) => [0xF4, 0xE8, 0x3C],
        (Expression::Happy, Ground::Light) => [0xA9, 0x86, 0x00],
        (Expression::Sad, Ground::Dark) => [0x46, 0x90, 0xEC],
        (Expression::Sad, Ground::Light) => [0x1C, 0x63, 0xBA],
        (Expression::Surprise, Ground::Dark) => [0xF0, 0x93, 0x0E],
        (Expression::Surprise, Ground::Light) => [0xA0, 0x40, 0x00],
        (Expression::Neutral, Ground::Dark) => [0xC0, 0xC5, 0xCC],
        (Expression::Neutral, Ground::Light) => [0x6B, 0x72, 0x7C],
    }
}
