//! The colors of labels, and of what is drawn on frames, as egui's.
//!
//! Color is never the only carrier: each colored thing has its name beside it.

use egui::{Color32, Theme};

use crate::{
    expression::Label,
    palette::{self, Ground, Rgb},
    pipeline::Shown,
};

/// Text on [`PLATE`].
pub const PLATE_TEXT: Color32 = Color32::WHITE;
/// Secondary text on [`PLATE`].
pub const PLATE_WEAK_TEXT: Color32 = Color32::from_gray(190);
/// Dark ground for text on frames; a bright frame shows through a little.
pub const PLATE: Color32 = Color32::from_rgba_premultiplied(14, 16, 19, 224);
/// Dark rim around lines on frames, so that they show on a bright ground too.
pub const RIM: Color32 = Color32::from_rgba_premultiplied(0, 0, 0, 130);

/// The color of a label's bars and boxes.
pub fn label(label: Label, theme: Theme) -> Color32 {
    color(palette::label(label, ground(theme)))
}

/// The color of a label, or of what has none: a face that is turned away or uncertain.
pub fn shown(shown: Shown, theme: Theme) -> Color32 {
    color(palette::shown(shown.label(), ground(theme)))
}

fn ground(theme: Theme) -> Ground {
    match theme {
        Theme::Dark => Ground::Dark,
        Theme::Light => Ground::Light,
    }
}

/// A shared color as egui's.
pub const fn color([red, green, blue]: Rgb) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::expression::{Labels, MAX_LABELS};

    fn linear(color: Color32) -> [f32; 3] {
        [color.r(), color.g(), color.b()].map(|value| {
            let value = f32::from(value) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    /// Contrast ratio of WCAG 2.1, 1 to 21.
    pub(crate) fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |color| {
            let [r, g, b] = linear(color);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// CIE L*a*b* (D65) of linear sRGB.
    fn lab([r, g, b]: [f32; 3]) -> [f32; 3] {
        let f = |t: f32| {
            if t > 0.008_856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Full protanopia and deuteranopia, Machado et al. 2009, table of severity 1.0.
    const DEFICIENCIES: [[[f32; 3]; 3]; 2] = [
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ];

    /// The smallest difference between any two of these labels' colors, however they are seen.
    fn smallest_difference(labels: Labels, theme: Theme) -> f32 {
        const IDENTITY: [[f32; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let mut smallest = f32::INFINITY;
        for matrix in DEFICIENCIES.into_iter().chain([IDENTITY]) {
            let seen: Vec<[f32; 3]> = labels
                .iter()
                .map(|class| {
                    let rgb = linear(label(class, theme));
                    lab(matrix.map(|row| {
                        let value: f32 = row.iter().zip(rgb).map(|(weight, c)| weight * c).sum();
                        value.clamp(0.0, 1.0)
                    }))
                })
                .collect();
            for (i, a) in seen.iter().enumerate() {
                for b in &seen[i + 1..] {
                    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
                    smallest = smallest.min(squares.sum::<f32>().sqrt());
                }
            }
        }
        smallest
    }

    #[test]
    fn labels_can_be_told_apart_with_common_color_vision_deficiencies() {
        let eight = Labels::new(&[
            "neutral",
            "happiness",
            "surprise",
            "sadness",
            "anger",
            "disgust",
            "fear",
            "contempt",
        ])
        .unwrap();
        let many: Vec<String> = (0..MAX_LABELS).map(|i| format!("label {i}")).collect();
        let many = Labels::new(&many).unwrap();
        for theme in [Theme::Dark, Theme::Light] {
            // About 2.3 is the smallest difference people see side by side.
            for (labels, expected) in [(Labels::FER_2013, 15.0), (eight, 15.0), (many, 9.0)] {
                let difference = smallest_difference(labels, theme);
                assert!(difference > expected, "{theme:?}, {labels:?}: {difference}");
            }
        }
    }

    #[test]
    fn text_on_plates_meets_wcag_contrast() {
        assert!(contrast(PLATE_TEXT, PLATE.to_opaque()) >= 7.0);
        assert!(contrast(PLATE_WEAK_TEXT, PLATE.to_opaque()) >= 7.0);
    }
}
