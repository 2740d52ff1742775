//! The side panel: the probabilities of each face.
//!
//! Faces keep their positions whatever the numbers do. More than a few are folded to a line each, which opens with a click.

use egui::{RichText, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

use super::face_rows::{name_width, percent, row_ui};
use crate::{
    detect::{FaceShape, HeadPose, TrackId},
    overlay,
    pipeline::{FaceAnalysis, Shown},
    ui::{colors, commands::Command, strips::Strips, words::text},
};

/// Side of the square in the label's color, points.
const CHIP_SIDE: f32 = 10.0;
/// Height of the strip with a face's last minute, points.
const STRIP_HEIGHT: f32 = 44.0;
/// More faces than this are folded to a line each. Three are as many as fit a window of 800 points.
const MAX_UNFOLDED: usize = 3;

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

/// What the panel shows.
pub struct FacePanelData<'a> {
    /// The faces of one frame, in the order in which they are listed.
    pub faces: &'a [FaceAnalysis],
    /// Below this probability, 0 to 1, no label is named for a face; its bars do not change.
    pub uncertain_below: f32,
    /// Why there are no faces.
    pub hint: FaceHint,
    /// The tracks that stay visible while faces are covered; `None` if privacy is off.
    pub shown: Option<&'a [TrackId]>,
    /// The last minute of each face; `None` where a timeline shows it.
    pub strips: Option<&'a mut Strips>,
    /// The two networks that read the faces, if there are two.
    pub networks: Option<NetworkPair<'a>>,
}

/// Two networks that read the same faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkPair<'a> {
    /// The name of the current one.
    pub first: &'a str,
    /// The name of the one beside it.
    pub second: &'a str,
    /// The share of faces that both gave the same label over the last minute, 0 to 1, if known.
    pub agreement: Option<f32>,
}

/// Draws the panel's content.
pub fn face_panel_ui(ui: &mut Ui, data: FacePanelData<'_>) -> Option<Command> {
    let FacePanelData {
        faces,
        uncertain_below,
        hint,
        shown,
        mut strips,
        networks,
    } = data;
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
        RichText::new(match faces.iter().any(|face| face.corrected.is_some()) {
            true => "Bar: average. Tick: latest frame. Thin bar: corrected by the resting face.",
            false => "Bar: average. Tick: latest frame.",
        })
        .small()
        .weak(),
    );
    if let Some(networks) = networks {
        networks_ui(ui, networks);
    }
    ui.add_space(4.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (face_idx, face) in faces.iter().enumerate() {
            if face_idx > 0 {
                ui.add_space(4.0);
                ui.separator();
            }
            let card = Card {
                face,
                label: face.shown(uncertain_below),
                is_open: shown.map(|shown| shown.contains(&face.track)),
                second: networks.map(|networks| networks.second),
            };
            let asked = if faces.len() > MAX_UNFOLDED {
                card.folded_ui(ui, strips.as_deref_mut())
            } else {
                card.ui(ui, strips.as_deref_mut())
            };
            command = asked.or(command.take());
        }
        ui.add_space(8.0);
    });
    command
}

/// Which bar is whose, and how often the networks agree.
fn networks_ui(ui: &mut Ui, networks: NetworkPair<'_>) {
    let NetworkPair {
        first,
        second,
        agreement,
    } = networks;
    let mut words = text!("second-bars", first = first, second = second);
    if let Some(share) = agreement {
        let percent = format!("{:.0}", share * 100.0);
        words.push(' ');
        words.push_str(&text!("second-agreement", percent = percent));
    }
    ui.label(RichText::new(words).small().weak())
        .on_hover_text(text!("second-agreement-hint"));
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

/// One face of the panel.
struct Card<'a> {
    face: &'a FaceAnalysis,
    /// The label, or why there is none.
    label: Shown,
    /// Whether the face stays visible while others are covered; `None` if none are covered.
    is_open: Option<bool>,
    /// The name of the second network, if there is one.
    second: Option<&'a str>,
}

impl Card<'_> {
    /// Draws the name, the label, and the bars.
    fn ui(&self, ui: &mut Ui, strips: Option<&mut Strips>) -> Option<Command> {
        let mut command = None;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new(self.name()).weak());
            command = self.show_face_ui(ui);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.label(RichText::new(self.label.word()).size(16.0));
                self.chip_ui(ui);
            });
        });
        self.bars_ui(ui, strips);
        command
    }

    /// Draws a line with the name and the label, which shows the bars once it is clicked.
    fn folded_ui(&self, ui: &mut Ui, strips: Option<&mut Strips>) -> Option<Command> {
        let mut command = None;
        let mut title = format!("{}: {}", self.name(), self.label.word());
        if let Some(label) = self.label.label() {
            title.push(' ');
            title.push_str(&percent(&self.face.smoothed, label));
        }
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.vertical(|ui| {
                ui.add_space(5.0);
                self.chip_ui(ui);
            });
            ui.vertical(|ui| {
                egui::CollapsingHeader::new(title)
                    .id_salt(("face", self.face.track.0))
                    .show_unindented(ui, |ui| {
                        command = self.show_face_ui(ui);
                        self.bars_ui(ui, strips);
                    });
            });
        });
        command
    }

    fn name(&self) -> String {
        format!("Face {}", self.face.track.0)
    }

    /// The square in the label's color, or only the outline of one if there is no label.
    fn chip_ui(&self, ui: &mut Ui) {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(CHIP_SIDE), Sense::hover());
        let theme = ui.ctx().theme();
        match self.label.label() {
            Some(label) => {
                let color = colors::label(label, theme);
                ui.painter().rect_filled(rect, 2.0, color);
            }
            None => {
                let stroke = Stroke::new(1.5, colors::palette(theme).weak_text);
                overlay::dashed_rect(ui.painter(), rect.shrink(1.0), stroke, 2.5, 2.0);
            }
        }
    }

    /// The box that shows a face while others are covered.
    fn show_face_ui(&self, ui: &mut Ui) -> Option<Command> {
        let mut shown = self.is_open?;
        // Without an outline an unchecked box hardly shows on the panel.
        let outline = Stroke::new(1.0, colors::palette(ui.ctx().theme()).weak_text);
        ui.visuals_mut().widgets.inactive.bg_stroke = outline;
        ui.checkbox(&mut shown, RichText::new("Show face").small())
            .on_hover_text("Show this face until it leaves the frame")
            .clicked()
            .then_some(Command::ShowFace(self.face.track, shown))
    }

    fn bars_ui(&self, ui: &mut Ui, strips: Option<&mut Strips>) {
        let face = self.face;
        ui.spacing_mut().item_spacing.y = 0.0;
        let labels = face.smoothed.labels();
        let name_width = name_width(ui, labels);
        if let (Some(name), Some(second)) = (self.second, &face.second) {
            ui.label(
                RichText::new(format!("{name}: {}", second.label))
                    .small()
                    .weak(),
            );
            ui.add_space(2.0);
        }
        for class in labels.iter() {
            let is_top = self.label.is_named() && class == face.label;
            row_ui(ui, face, class, is_top, name_width);
        }
        if let Some(shape) = &face.shape {
            ui.add_space(2.0);
            ui.label(RichText::new(pose_text(shape)).small().weak())
                .on_hover_text(
                    "Head pose in degrees: yaw toward the right of the frame, pitch up, roll clockwise. Eyes (right, \
                     left) and mouth: opening, height over width.",
                );
        }
        if let Some(strips) = strips {
            ui.add_space(4.0);
            strip_ui(ui, face.track, strips, STRIP_HEIGHT);
        }
        ui.add_space(4.0);
    }
}

/// Draws the last minute of a face over the whole width.
pub fn strip_ui(ui: &mut Ui, track: TrackId, strips: &mut Strips, height: f32) {
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, strips.description(track)));
    if ui.is_rect_visible(rect) {
        strips.paint(ui, track, rect);
    }
    response.on_hover_text("The last minute. Short lines at the bottom are blinks.");
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
                let data = FacePanelData {
                    faces: &faces,
                    uncertain_below: 0.4,
                    hint,
                    shown: None,
                    strips: None,
                    networks: None,
                };
                face_panel_ui(ui, data);
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

    /// In an auditorium, everybody has a line; a click shows the bars of one face.
    #[test]
    fn many_faces_are_folded_to_a_line_each() {
        let faces = fixtures::faces(12);
        let label = faces[4].label;
        let mut harness = harness(faces, FaceHint::NoFrame);
        for number in 0..12 {
            let name = format!("Face {number}: ");
            let line = harness.get_by_label_contains(&name);
            assert!(line.rect().bottom() < 700.0, "{number}");
        }
        harness
            .get_by_label_contains(&format!("Face 4: {label}"))
            .click();
        harness.run_ok();
        for class in Expression::ALL {
            let name = format!("Face 4: {class} ");
            let rows = harness.query_all_by_label_contains(&name);
            let n_lines = usize::from(label == class);
            assert_eq!(rows.count(), 1 + n_lines, "{class}");
        }
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
                    let data = FacePanelData {
                        faces: &faces,
                        uncertain_below: 0.0,
                        hint: FaceHint::NoFrame,
                        shown,
                        strips: None,
                        networks: None,
                    };
                    let command = face_panel_ui(ui, data);
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
}
