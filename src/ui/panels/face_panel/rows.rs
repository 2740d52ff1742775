//! The rows of a face: a name, a bar and a percentage for each label.
//!
//! Labels keep their positions whatever the numbers do: people compare bars by position. A bar is the smoothed value, the
//! tick across it the latest frame's own where the two differ visibly. With a second network, each has half of the bar.

use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Role, Sense, Stroke, TextStyle, TextWrapMode, Ui,
    Vec2, WidgetInfo, WidgetText, pos2, vec2,
};

use crate::{
    expression::{Label, Labels, Probabilities},
    pipeline::FaceAnalysis,
    ui::{
        colors,
        words::{self, text},
    },
};

/// Height of one label's row, points.
const ROW_HEIGHT: f32 = 20.0;
/// Height of a bar, points.
const BAR_HEIGHT: f32 = 10.0;
/// Room for the names of labels, points, if all are short: fits "surprise" in the body font.
const NAME_WIDTH: f32 = 62.0;
/// Room after the longest name, points.
const NAME_GAP: f32 = 6.0;
/// The largest share of a row for names. Longer ones are cut.
const MAX_NAME_SHARE: f32 = 0.45;
/// Room for "100 %", points.
const PERCENT_WIDTH: f32 = 44.0;
/// Height of each bar where two networks read the face, points.
const HALF_BAR_HEIGHT: f32 = 4.5;
/// How much of its color the second network's bar has.
const SECOND_STRENGTH: f32 = 0.6;
/// Height of the bar of a corrected value, points.
const CORRECTED_HEIGHT: f32 = 2.5;
/// Width and overhang of the tick at the raw value, points.
const TICK: Vec2 = vec2(2.0, 3.0);
/// The tick is drawn where raw and smoothed value differ by this much. A tick at every bar's end says nothing.
const MIN_TICK_DIFFERENCE: f32 = 0.03;
/// Room for the names of these labels, points.
fn name_width(ui: &Ui, labels: Labels) -> f32 {
    let widths = labels.names().map(|name| {
        let name = words::label(name).to_owned();
        let galley = ui
            .painter()
            .layout_no_wrap(name, name_font(ui), Color32::WHITE);
        galley.size().x + NAME_GAP
    });
    let max = (ui.available_width() * MAX_NAME_SHARE).max(NAME_WIDTH);
    widths.fold(NAME_WIDTH, f32::max).min(max)
}

fn name_font(ui: &Ui) -> FontId {
    FontId::proportional(TextStyle::Body.resolve(ui.style()).size - 1.0)
}

/// Draws a row for each label of a face, which is called `who`: the label's name, its bar, its percentage. `shown` is the
/// label that is named.
pub fn rows_ui(ui: &mut Ui, face: &FaceAnalysis, who: &str, shown: Option<Label>) {
    let labels = face.smoothed.labels();
    let name_width = name_width(ui, labels);
    for class in labels.iter() {
        row_ui(ui, face, who, class, shown == Some(class), name_width);
    }
}

fn row_ui(
    ui: &mut Ui,
    face: &FaceAnalysis,
    who: &str,
    class: Label,
    is_top: bool,
    name_width: f32,
) {
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response
        .widget_info(|| WidgetInfo::labeled(Role::Label, true, accessible_name(face, who, class)));
    if ui.is_rect_visible(rect) {
        let theme = ui.ctx().theme();
        let palette = colors::palette(theme);
        let text_color = if is_top {
            palette.text
        } else {
            palette.weak_text
        };
        let font = name_font(ui);
        let painter = ui.painter();
        let name = WidgetText::from(words::label(class.name())).into_galley(
            ui,
            Some(TextWrapMode::Truncate),
            name_width - NAME_GAP / 2.0,
            font.clone(),
        );
        let top = rect.center().y - name.size().y / 2.0;
        painter.galley(pos2(rect.left(), top), name, text_color);
        painter.text(
            pos2(rect.right(), rect.center().y),
            Align2::RIGHT_CENTER,
            percent(&face.smoothed, class),
            font,
            text_color,
        );
        let track = bar_track(rect, name_width);
        let color = colors::label(class, theme);
        let first = face.smoothed.of(class);
        match &face.second {
            None => bar_ui(ui, track, first, color),
            Some(second) => {
                let half = vec2(track.width(), HALF_BAR_HEIGHT);
                let lower = pos2(track.left(), track.bottom() - HALF_BAR_HEIGHT);
                bar_ui(ui, Rect::from_min_size(track.min, half), first, color);
                let color = color.gamma_multiply(SECOND_STRENGTH);
                let value = second.smoothed.of(class);
                bar_ui(ui, Rect::from_min_size(lower, half), value, color);
            }
        }
        if let Some(corrected) = &face.corrected {
            let below = Rect::from_min_size(
                pos2(track.left(), track.bottom() + 1.5),
                vec2(track.width(), CORRECTED_HEIGHT),
            );
            painter.rect_filled(
                bar_part(below, corrected.probabilities.of(class)),
                0.0,
                palette.text,
            );
        }
        let (raw, smoothed) = (face.raw.of(class), face.smoothed.of(class));
        if (raw - smoothed).abs() >= MIN_TICK_DIFFERENCE {
            let raw_x = bar_part(track, raw).right();
            painter.vline(
                raw_x.clamp(track.left() + 1.0, track.right() - 1.0),
                track.y_range().expand(TICK.y),
                Stroke::new(TICK.x, palette.text),
            );
        }
    }
    response.on_hover_ui(|ui| {
        let values = text!(
            "face-values",
            label = words::label(class.name()),
            average = percent(&face.smoothed, class),
            latest = percent(&face.raw, class)
        );
        ui.label(with_others(values, face, class));
    });
}

/// What screen readers say for a row.
fn accessible_name(face: &FaceAnalysis, who: &str, class: Label) -> String {
    let label = words::label(class.name());
    let name = format!("{who}: {label} {}", percent(&face.smoothed, class));
    with_others(name, face, class)
}

/// `values`, and what else is known of a label: the corrected value, and the second network's.
fn with_others(mut values: String, face: &FaceAnalysis, class: Label) -> String {
    if let Some(corrected) = &face.corrected {
        let corrected = percent(&corrected.probabilities, class);
        values = text!("face-corrected", values = values, corrected = corrected);
    }
    if let Some(second) = &face.second {
        let second = percent(&second.smoothed, class);
        values = text!("face-second", values = values, second = second);
    }
    values
}

/// Draws a bar filled by `probability`.
fn bar_ui(ui: &Ui, track: Rect, probability: f32, color: Color32) {
    let palette = colors::palette(ui.ctx().theme());
    let radius = CornerRadius::same((track.height() / 2.0) as u8);
    ui.painter().rect_filled(track, radius, palette.track);
    let fill = bar_part(track, probability);
    // A fill narrower than its rounding would bulge out of the track; the clip cuts it to its width.
    let width = fill.width().max(track.height());
    ui.painter().with_clip_rect(fill).rect_filled(
        Rect::from_min_size(track.min, vec2(width, track.height())),
        radius,
        color,
    );
}

/// A label's probability in words.
pub fn percent(probabilities: &Probabilities, class: Label) -> String {
    format!("{:.0} %", probabilities.of(class) * 100.0)
}

/// The part of a row that a probability of 1 fills.
fn bar_track(row: Rect, name_width: f32) -> Rect {
    let left = row.left() + name_width;
    let right = (row.right() - PERCENT_WIDTH).max(left);
    Rect::from_min_max(
        pos2(left, row.center().y - BAR_HEIGHT / 2.0),
        pos2(right, row.center().y + BAR_HEIGHT / 2.0),
    )
}

/// The part of `track` that `probability` fills.
fn bar_part(track: Rect, probability: f32) -> Rect {
    // Drawing must survive any output of a damaged network.
    let share = if probability.is_nan() {
        0.0
    } else {
        probability.clamp(0.0, 1.0)
    };
    Rect::from_min_size(track.min, vec2(track.width() * share, track.height()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_their_probability_and_stay_in_their_track() {
        let track = Rect::from_min_size(pos2(10.0, 0.0), vec2(200.0, BAR_HEIGHT));
        let check = |probability, width| {
            let part = bar_part(track, probability);
            assert_eq!(part.width(), width, "{probability}");
            assert_eq!(part.left(), track.left());
        };
        check(0.0, 0.0);
        check(0.25, 50.0);
        check(1.0, 200.0);
        check(1.5, 200.0);
        check(-1.0, 0.0);
        check(f32::NAN, 0.0);
    }
}
