//! The side panel: the probabilities of each face.
//!
//! Labels and faces keep their positions whatever the numbers do: people compare bars by position. A bar is the smoothed
//! value, the tick across it the latest frame's own.

use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, RichText, Role, ScrollArea, Sense, Stroke,
    TextStyle, TextWrapMode, Ui, Vec2, WidgetInfo, WidgetText, pos2, vec2,
};

use crate::{
    detect::{FaceShape, HeadPose, TrackId},
    expression::{Label, Labels, Probabilities},
    pipeline::FaceAnalysis,
    ui::{colors, commands::Command},
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
/// Width and overhang of the tick at the raw value, points.
const TICK: Vec2 = vec2(2.0, 3.0);

/// Why there are no faces to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaceHint {
    /// The first network is being loaded.
    Loading,
    /// There is no network.
    NoNetwork,
    /// The frame has no face.
    NoFace {
        /// Smaller faces are ignored, px.
        min_face_size_px: u32,
    },
    /// There is no frame.
    NoFrame,
    /// The session has no face at this time.
    NotSeen,
}

/// Draws the panel's content for the faces of one frame, in the given order.
///
/// `shown` are the tracks that stay visible while faces are covered; `None` if privacy is off. Below the probability
/// `uncertain_below`, 0 to 1, no label is named for a face; its bars do not change.
pub fn face_panel_ui(
    ui: &mut Ui,
    faces: &[FaceAnalysis],
    uncertain_below: f32,
    hint: FaceHint,
    shown: Option<&[TrackId]>,
) -> Option<Command> {
    let mut command = None;
    // Without this a short hint would make the panel shrink, and the frame jump.
    ui.take_available_width();
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Faces").heading().size(17.0));
        if !faces.is_empty() {
            ui.label(RichText::new(faces.len().to_string()).weak().size(17.0));
        }
    });
    ui.add_space(2.0);
    if faces.is_empty() {
        hint_ui(ui, hint);
        return None;
    }
    ui.label(
        RichText::new("Bar: average. Tick: latest frame.")
            .small()
            .weak(),
    );
    ui.add_space(4.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (face_idx, face) in faces.iter().enumerate() {
            if face_idx > 0 {
                ui.add_space(4.0);
                ui.separator();
            }
            let shown = shown.map(|shown| shown.contains(&face.track));
            command = face_ui(ui, face, uncertain_below, shown).or(command.take());
        }
        ui.add_space(8.0);
    });
    command
}

fn hint_ui(ui: &mut Ui, hint: FaceHint) {
    let (title, body) = match hint {
        FaceHint::Loading => (
            "Loading the network",
            "Probabilities appear as soon as it is ready.".to_owned(),
        ),
        FaceHint::NoNetwork => (
            "No network",
            "Choose a checkpoint in the Model menu to see probabilities.".to_owned(),
        ),
        FaceHint::NoFace { min_face_size_px } => (
            "No face in view",
            format!(
                "Look toward the camera, in even light. Faces smaller than {min_face_size_px} px \
                 are ignored; change this in the View menu."
            ),
        ),
        FaceHint::NotSeen => (
            "No face here",
            "The session has no face at this time.".to_owned(),
        ),
        FaceHint::NoFrame => (
            "No frame yet",
            "Faces and their probabilities appear here.".to_owned(),
        ),
    };
    ui.add_space(10.0);
    ui.label(title);
    ui.label(RichText::new(body).weak());
}

fn face_ui(
    ui: &mut Ui,
    face: &FaceAnalysis,
    uncertain_below: f32,
    shown: Option<bool>,
) -> Option<Command> {
    let label = face.label();
    let mut command = None;
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("Face {}", face.track.0)).weak());
        // Without an outline an unchecked box hardly shows on the panel.
        let outline = Stroke::new(1.0, colors::palette(ui.ctx().theme()).weak_text);
        ui.visuals_mut().widgets.inactive.bg_stroke = outline;
        if let Some(mut shown) = shown
            && ui
                .checkbox(&mut shown, RichText::new("Show face").small())
                .on_hover_text("Show this face until it leaves the frame")
                .clicked()
        {
            command = Some(Command::ShowFace(face.track, shown));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let shown = face.shown_label(uncertain_below);
            ui.label(RichText::new(shown).size(16.0));
        });
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let labels = face.smoothed.labels();
    let name_width = name_width(ui, labels);
    for class in labels.iter() {
        row_ui(ui, face, class, class == label, name_width);
    }
    if let Some(shape) = &face.shape {
        ui.add_space(2.0);
        ui.label(RichText::new(pose_text(shape)).small().weak())
            .on_hover_text(
                "Head pose in degrees: yaw toward the right of the frame, pitch up, roll clockwise. Eyes (right, left) and \
                 mouth: opening, height over width.",
            );
    }
    ui.add_space(4.0);
    command
}

/// Pose, eyes and mouth in two lines.
fn pose_text(shape: &FaceShape) -> String {
    // Adding zero turns -0 into 0.
    let whole = |deg: f32| deg.round() + 0.0;
    let HeadPose {
        yaw_deg,
        pitch_deg,
        roll_deg,
    } = shape.pose;
    let (yaw, pitch, roll) = (whole(yaw_deg), whole(pitch_deg), whole(roll_deg));
    let [right, left] = shape.eyes_open;
    format!(
        "yaw {yaw}°  pitch {pitch}°  roll {roll}°\neyes {right:.2} {left:.2}  mouth {:.2}",
        shape.mouth_open
    )
}

/// Room for the names of these labels.
fn name_width(ui: &Ui, labels: Labels) -> f32 {
    let widths = labels.names().map(|name| {
        let galley = ui
            .painter()
            .layout_no_wrap(name.to_owned(), name_font(ui), Color32::WHITE);
        galley.size().x + NAME_GAP
    });
    let max = (ui.available_width() * MAX_NAME_SHARE).max(NAME_WIDTH);
    widths.fold(NAME_WIDTH, f32::max).min(max)
}

fn name_font(ui: &Ui) -> FontId {
    FontId::proportional(TextStyle::Body.resolve(ui.style()).size - 1.0)
}

/// One label: its name, its bar, its percentage.
fn row_ui(ui: &mut Ui, face: &FaceAnalysis, class: Label, is_top: bool, name_width: f32) {
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let name = accessible_name(face, class);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
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
        let name = WidgetText::from(class.name()).into_galley(
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
        let radius = CornerRadius::same((BAR_HEIGHT / 2.0) as u8);
        painter.rect_filled(track, radius, palette.track);
        let color = colors::label(class, theme);
        let fill = bar_part(track, face.smoothed.of(class));
        // A fill narrower than its rounding would bulge out of the track; the clip cuts it to its width.
        painter.with_clip_rect(fill).rect_filled(
            Rect::from_min_size(track.min, vec2(fill.width().max(BAR_HEIGHT), BAR_HEIGHT)),
            radius,
            color,
        );
        let raw_x = bar_part(track, face.raw.of(class)).right();
        painter.vline(
            raw_x.clamp(track.left() + 1.0, track.right() - 1.0),
            track.y_range().expand(TICK.y),
            Stroke::new(TICK.x, palette.text),
        );
    }
    response.on_hover_text(format!(
        "{class}: average {}, latest frame {}",
        percent(&face.smoothed, class),
        percent(&face.raw, class)
    ));
}

/// What screen readers say for a row.
fn accessible_name(face: &FaceAnalysis, class: Label) -> String {
    format!(
        "Face {}: {class} {}",
        face.track.0,
        percent(&face.smoothed, class)
    )
}

fn percent(probabilities: &Probabilities, class: Label) -> String {
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
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::expression::Expression;
    use crate::ui::fixtures;

    fn harness(faces: Vec<FaceAnalysis>, hint: FaceHint) -> Harness<'static> {
        let mut harness = Harness::builder()
            .with_size([280.0, 700.0])
            .build_ui(move |ui| {
                face_panel_ui(ui, &faces, 0.4, hint, None);
            });
        harness.run_ok();
        harness
    }

    #[test]
    fn every_class_of_every_face_is_listed_and_accessible() {
        let faces = vec![
            fixtures::face(3, Expression::Happy, 0.87),
            fixtures::face(5, Expression::Fear, 0.5),
        ];
        let harness = harness(faces, FaceHint::NoFrame);
        harness.get_by_label("Face 3: happy 87 %");
        harness.get_by_label("Face 5: fear 50 %");
        for class in Expression::ALL {
            assert_eq!(
                harness
                    .query_all_by_label_contains(&format!(": {class} "))
                    .count(),
                2
            );
        }
    }

    /// Below the threshold no expression is named, and the bars stay.
    #[test]
    fn a_face_below_the_threshold_is_uncertain() {
        let faces = vec![
            fixtures::face(1, Expression::Sad, 0.41),
            fixtures::face(2, Expression::Sad, 0.39),
        ];
        let harness = harness(faces, FaceHint::NoFrame);
        harness.get_by_label("uncertain");
        harness.get_by_label("sad");
        harness.get_by_label("Face 2: sad 39 %");
    }

    #[test]
    fn faces_and_classes_keep_their_order() {
        let faces = vec![
            fixtures::face(9, Expression::Sad, 0.6),
            fixtures::face(2, Expression::Angry, 0.9),
        ];
        let harness = harness(faces, FaceHint::NoFrame);
        let top = |label: &str| harness.get_by_label_contains(label).rect().top();
        assert!(top("Face 9: angry") < top("Face 9: neutral"));
        assert!(top("Face 9: neutral") < top("Face 2: angry"));
    }

    #[test]
    fn while_faces_are_covered_each_can_be_shown() {
        let shown = [TrackId(2)];
        let click = |shown: Option<&'static [TrackId]>, idx: usize| {
            let faces = fixtures::faces(3);
            let mut harness = Harness::builder().with_size([280.0, 700.0]).build_ui_state(
                move |ui, sent: &mut Option<Command>| {
                    let command = face_panel_ui(ui, &faces, 0.0, FaceHint::NoFrame, shown);
                    *sent = command.or(sent.take());
                },
                None,
            );
            harness.run_ok();
            let boxes: Vec<_> = harness.query_all_by_label("Show face").collect();
            boxes.get(idx)?.click();
            drop(boxes);
            harness.run_ok();
            harness.into_state()
        };
        let shown: &'static [TrackId] = shown.to_vec().leak();
        assert_eq!(
            click(Some(shown), 1),
            Some(Command::ShowFace(TrackId(1), true))
        );
        assert_eq!(
            click(Some(shown), 2),
            Some(Command::ShowFace(TrackId(2), false))
        );
        assert_eq!(click(None, 0), None);
    }

    #[test]
    fn no_faces_say_why() {
        let check = |hint, words: &str| {
            harness(Vec::new(), hint).get_by_label_contains(words);
        };
        check(FaceHint::Loading, "Loading the network");
        check(FaceHint::NoNetwork, "Model menu");
        check(
            FaceHint::NoFace {
                min_face_size_px: 80,
            },
            "smaller than 80 px",
        );
        check(FaceHint::NoFrame, "No frame yet");
    }

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
