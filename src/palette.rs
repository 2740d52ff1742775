//! Colors that several parts share: those of labels, and of text and grid in the light theme; and the hatching of what
//! has none.
//!
//! The window, the overlay and exported plots all draw with them. The colors of labels were searched for so that people
//! with the usual color-vision deficiencies can tell them apart too; a test in `overlay::colors` measures it. The light
//! theme takes darker shades, for contrast on white.

use crate::expression::{Label, MAX_LABELS};

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

/// The color of a label's bars, boxes and curves.
pub fn label(label: Label, ground: Ground) -> Rgb {
    let [dark, light] = LABELS[label.color()];
    match ground {
        Ground::Dark => dark,
        Ground::Light => light,
    }
}

/// The color of what shows this label, or none: an uncertain face, or one that is turned away.
pub fn shown(shown: Option<Label>, ground: Ground) -> Rgb {
    match (shown, ground) {
        (Some(shown), _) => label(shown, ground),
        (None, Ground::Dark) => [150; 3],
        (None, Ground::Light) => [128; 3],
    }
}

/// Slanted lines over the rectangle between two corners, the upper left and the lower right one, as the ends of each. They
/// stand at the same places whatever rectangle they are cut from, `step` apart.
pub fn hatching(
    [left, top]: [f32; 2],
    [right, bottom]: [f32; 2],
    step: f32,
) -> impl Iterator<Item = [[f32; 2]; 2]> {
    let height = (bottom - top).max(0.0);
    let first = ((left - height) / step).floor() as i64;
    let starts = (first..).map(move |at| at as f32 * step);
    starts
        .take_while(move |start| *start < right)
        .map(move |start| {
            let (from, to) = (start.max(left), (start + height).min(right));
            [[from, bottom - (from - start)], [to, bottom - (to - start)]]
        })
        .filter(|[from, to]| from[0] < to[0])
}

/// Colors of labels on both grounds, by [`Label::color`]: first those of FER-2013's expressions. Each of the others is as
/// different as can be from all before it, however people see colors.
const LABELS: [[Rgb; 2]; MAX_LABELS] = [
    [[0xDB, 0x4A, 0x2B], [0xA3, 0x12, 0x2F]], // angry
    [[0x1F, 0xC9, 0x87], [0x09, 0x9E, 0x5D]], // disgust
    [[0xB9, 0x5F, 0xB4], [0x5E, 0x31, 0x72]], // fear
    [[0xF4, 0xE8, 0x3C], [0xA9, 0x86, 0x00]], // happy
    [[0x46, 0x90, 0xEC], [0x1C, 0x63, 0xBA]], // sad
    [[0xF0, 0x93, 0x0E], [0xA0, 0x40, 0x00]], // surprise
    [[0xC0, 0xC5, 0xCC], [0x6B, 0x72, 0x7C]], // neutral
    [[0xC0, 0xFF, 0x90], [0x00, 0x48, 0x18]],
    [[0x48, 0x60, 0xFF], [0x60, 0x60, 0xFF]],
    [[0x78, 0x78, 0x78], [0x60, 0x30, 0x48]],
    [[0xC0, 0xC0, 0xFF], [0x60, 0x78, 0xC0]],
    [[0xFF, 0xF0, 0xD8], [0x60, 0x78, 0xA8]],
    [[0x90, 0xC0, 0x60], [0xF0, 0x30, 0x48]],
    [[0xD8, 0x30, 0x48], [0xD8, 0x18, 0x78]],
    [[0x48, 0x90, 0x60], [0x18, 0x30, 0x90]],
    [[0x90, 0xD8, 0x48], [0x60, 0x78, 0xF0]],
    [[0x30, 0xFF, 0xFF], [0x30, 0x48, 0xC0]],
    [[0xA8, 0x48, 0xC0], [0x18, 0x18, 0xA8]],
    [[0xC0, 0xF0, 0xA8], [0x00, 0x30, 0xD8]],
    [[0xC0, 0x78, 0xA8], [0x00, 0x00, 0xFF]],
    [[0x48, 0x78, 0xF0], [0x60, 0x78, 0xD8]],
    [[0xA8, 0xA8, 0xFF], [0x00, 0x48, 0x90]],
    [[0x78, 0xA8, 0x90], [0x30, 0x60, 0x30]],
    [[0xF0, 0x48, 0x00], [0x78, 0x00, 0x00]],
    [[0xD8, 0xFF, 0x78], [0x78, 0x78, 0x30]],
    [[0x78, 0xC0, 0xD8], [0x48, 0x78, 0x90]],
    [[0x60, 0xA8, 0xD8], [0x00, 0x60, 0x90]],
    [[0x48, 0xA8, 0x60], [0x90, 0x48, 0x60]],
    [[0x30, 0xD8, 0xA8], [0x60, 0x30, 0x60]],
    [[0xFF, 0x60, 0x48], [0x60, 0x18, 0x78]],
    [[0x00, 0x90, 0x18], [0x30, 0x48, 0xD8]],
    [[0xA8, 0xFF, 0xF0], [0x48, 0x48, 0xFF]],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hatching_stays_in_its_rectangle() {
        let lines: Vec<_> = hatching([10.0, 5.0], [40.0, 15.0], 8.0).collect();
        // They begin at 0, 8, 16, 24 and 32 on the lower edge; the first one ends where the rectangle begins.
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], [[10.0, 13.0], [18.0, 5.0]]);
        assert_eq!(lines[3], [[32.0, 15.0], [40.0, 7.0]]);
        assert_eq!(hatching([10.0, 5.0], [10.0, 15.0], 8.0).count(), 0);
        assert_eq!(hatching([10.0, 5.0], [40.0, 5.0], 8.0).count(), 0);
    }
}
