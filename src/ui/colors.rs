//! Every color of the window, light and dark, and the style built from them.
//!
//! Those of expressions come from `crate::overlay::colors`, since recordings have them too. Color is never the only
//! carrier: each colored thing has its name beside it.

use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Painter, Rect, Shadow, Stroke, Style,
    TextStyle, Theme, Ui, Visuals, vec2,
};

pub use crate::overlay::colors::{label, shown};
use crate::{
    overlay::{self, colors::color},
    palette,
};

/// Colors that egui's own visuals have no place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Behind and around the frame.
    pub canvas: Color32,
    /// The empty part of a bar.
    pub track: Color32,
    /// Marks, focus and the main button.
    pub accent: Color32,
    /// Text on `accent`.
    pub on_accent: Color32,
    /// Works.
    pub good: Color32,
    /// Needs attention.
    pub warning: Color32,
    /// Does not work.
    pub error: Color32,
    /// Main text.
    pub text: Color32,
    /// Labels and hints.
    pub weak_text: Color32,
    /// Cards and messages on the canvas.
    pub card: Color32,
    /// Lines between areas.
    pub line: Color32,
}

/// The palette of a theme.
pub const fn palette(theme: Theme) -> Palette {
    match theme {
        Theme::Dark => Palette {
            canvas: Color32::from_rgb(0x10, 0x12, 0x15),
            track: Color32::from_rgb(0x2C, 0x31, 0x38),
            accent: Color32::from_rgb(0x4C, 0x9F, 0xF0),
            on_accent: Color32::from_rgb(0x06, 0x12, 0x1F),
            good: Color32::from_rgb(0x3F, 0xC3, 0x80),
            warning: Color32::from_rgb(0xF2, 0xB1, 0x34),
            error: Color32::from_rgb(0xFF, 0x7B, 0x72),
            text: Color32::from_rgb(0xE4, 0xE7, 0xEB),
            weak_text: Color32::from_rgb(0x9A, 0xA3, 0xAF),
            card: Color32::from_rgb(0x22, 0x26, 0x2C),
            line: Color32::from_rgb(0x2F, 0x34, 0x3C),
        },
        Theme::Light => Palette {
            canvas: Color32::from_rgb(0xE6, 0xE9, 0xED),
            track: color(palette::GRID),
            accent: Color32::from_rgb(0x1A, 0x63, 0xC0),
            on_accent: Color32::WHITE,
            good: Color32::from_rgb(0x1A, 0x7F, 0x4B),
            warning: Color32::from_rgb(0x8F, 0x53, 0x00),
            error: Color32::from_rgb(0xB4, 0x23, 0x18),
            text: color(palette::INK),
            weak_text: color(palette::WEAK_INK),
            card: color(palette::PAPER),
            line: Color32::from_rgb(0xD3, 0xD8, 0xDF),
        },
    }
}

/// Draws slanted lines over what has no name in a timeline: a face that is uncertain or turned away.
pub fn hatch(painter: &Painter, rect: Rect, theme: Theme) {
    let stroke = Stroke::new(1.0, palette(theme).track);
    overlay::hatch(painter, rect, stroke, 7.0);
}

/// Black or white, whichever is easier to read on a color.
pub fn ink_on(ground: Color32) -> Color32 {
    let [red, green, blue, _] = ground.to_array().map(f32::from);
    let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    if luma > 140.0 {
        Color32::BLACK
    } else {
        Color32::WHITE
    }
}

/// Gives check boxes and radio buttons an outline, without which unchecked ones hardly show on a panel.
pub fn outline_boxes(ui: &mut Ui) {
    let outline = Stroke::new(1.0, palette(ui.ctx().theme()).weak_text);
    ui.visuals_mut().widgets.inactive.bg_stroke = outline;
}

/// Installs colors, fonts and spacing of both themes.
pub fn install(ctx: &egui::Context) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| style_for(style, theme));
    }
}

fn style_for(style: &mut Style, theme: Theme) {
    style.visuals = visuals(theme);
    style.spacing.item_spacing = vec2(8.0, 6.0);
    style.spacing.button_padding = vec2(12.0, 5.0);
    style.spacing.menu_margin = Margin::same(5);
    style.spacing.window_margin = Margin::symmetric(16, 12);
    style.spacing.interact_size.y = 24.0;
    style.spacing.slider_width = 150.0;
    style.spacing.slider_rail_height = 6.0;
    style.animation_time = 0.1;
    let font = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles.insert(TextStyle::Heading, font(20.0));
    style.text_styles.insert(TextStyle::Body, font(14.0));
    style.text_styles.insert(TextStyle::Button, font(14.0));
    style.text_styles.insert(TextStyle::Small, font(12.0));
}

fn visuals(theme: Theme) -> Visuals {
    let palette = palette(theme);
    let (mut visuals, panel, rest, hovered, pressed) = match theme {
        Theme::Dark => (
            Visuals::dark(),
            Color32::from_rgb(0x1A, 0x1D, 0x21),
            Color32::from_rgb(0x2E, 0x33, 0x3B),
            Color32::from_rgb(0x3A, 0x41, 0x4B),
            Color32::from_rgb(0x47, 0x50, 0x5C),
        ),
        Theme::Light => (
            Visuals::light(),
            Color32::from_rgb(0xF8, 0xF9, 0xFA),
            Color32::from_rgb(0xE6, 0xE9, 0xED),
            Color32::from_rgb(0xDA, 0xDF, 0xE5),
            Color32::from_rgb(0xC8, 0xCF, 0xD8),
        ),
    };
    visuals.panel_fill = panel;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.weak_text_color = Some(palette.weak_text);
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.hyperlink_color = palette.accent;
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    // A white field would have no edge on a white window.
    visuals.text_edit_bg_color =
        (theme == Theme::Light).then_some(Color32::from_rgb(0xEC, 0xEF, 0xF3));
    visuals.selection.bg_fill = palette.accent;
    visuals.selection.stroke = Stroke::new(1.5, palette.on_accent);
    let shadow = |blur, offset, alpha| Shadow {
        offset: [0, offset],
        blur,
        spread: 0,
        color: Color32::from_black_alpha(alpha),
    };
    let alpha = if visuals.dark_mode { 110 } else { 36 };
    visuals.window_shadow = shadow(28, 10, alpha);
    visuals.popup_shadow = shadow(16, 6, alpha);

    let widgets = &mut visuals.widgets;
    widgets.noninteractive.fg_stroke.color = palette.text;
    widgets.noninteractive.bg_stroke.color = palette.line;
    widgets.noninteractive.bg_fill = panel;
    widgets.noninteractive.weak_bg_fill = panel;
    for (widget, fill) in [
        (&mut widgets.inactive, rest),
        (&mut widgets.hovered, hovered),
        (&mut widgets.active, pressed),
        (&mut widgets.open, hovered),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.5, palette.text);
        widget.corner_radius = CornerRadius::same(6);
    }
    // egui also draws what has the keyboard's focus as `active`, so it needs a visible outline.
    widgets.active.bg_stroke = Stroke::new(1.5, palette.accent);
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        expression::{Labels, MAX_LABELS},
        overlay::colors::tests::contrast,
    };

    #[test]
    fn text_and_bars_meet_wcag_contrast() {
        for theme in [Theme::Dark, Theme::Light] {
            let palette = palette(theme);
            let panel = visuals(theme).panel_fill;
            for ground in [panel, palette.card, palette.canvas] {
                for text in [
                    palette.text,
                    palette.weak_text,
                    palette.warning,
                    palette.error,
                ] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{theme:?}: {text:?} on {ground:?}: {ratio}");
                }
            }
            assert!(contrast(palette.on_accent, palette.accent) >= 4.5);
            let names: Vec<String> = (0..MAX_LABELS).map(|i| format!("label {i}")).collect();
            for class in Labels::new(&names).unwrap().iter() {
                let ratio = contrast(label(class, theme), panel);
                assert!(ratio >= 3.0, "{theme:?}: {class}: {ratio}");
            }
        }
    }
}
