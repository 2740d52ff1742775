//! One face of the panel: portrait, name, label, bars.

use egui::{
    CollapsingHeader, Color32, CornerRadius, Frame, Id, Image, Layout, Margin, RichText, Role,
    Sense, Stroke, TextEdit, TextStyle, TextureHandle, Ui, Vec2, WidgetInfo, WidgetText, vec2,
};

use super::rows::{percent, rows_ui};
use crate::{
    detect::{FaceShape, HeadPose, TrackId},
    overlay,
    pipeline::{FaceAnalysis, Shown, face_names},
    ui::{
        colors,
        commands::Command,
        panels::geometry,
        strips::Strips,
        words::{self, text},
    },
};

/// Side of the square in the label's color, points.
const CHIP_SIDE: f32 = 10.0;
/// Side of a portrait, and of one in a folded line, points.
const PORTRAIT_SIDE: f32 = 36.0;
const SMALL_PORTRAIT_SIDE: f32 = 22.0;
/// Room for a name, points: at least for "Face 88" in the body font, and at most for a first and a last name.
const MIN_NAME_WIDTH: f32 = 56.0;
/// See [`MIN_NAME_WIDTH`].
pub const MAX_NAME_WIDTH: f32 = 170.0;
/// Size of the label's text, points.
const LABEL_SIZE: f32 = 16.0;
/// Space between the parts of the first line, points.
const GAP: f32 = 6.0;
/// Height of the strip with a face's last minute, points.
const STRIP_HEIGHT: f32 = 44.0;

/// The name that is being written.
#[derive(Debug)]
pub struct Naming {
    /// Whose.
    pub track: TrackId,
    /// The number of that face.
    pub number: u64,
    /// The name so far.
    pub text: String,
}

impl Naming {
    /// Keeps the name.
    pub fn command(self) -> Command {
        Command::NameFace(self.track, self.text)
    }
}

/// One face of the panel.
pub struct Card<'a> {
    /// The face.
    pub face: &'a FaceAnalysis,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// Its name, or else its number.
    pub who: String,
    /// The label, or why there is none.
    pub label: Shown,
    /// Whether the face stays visible while others are covered; `None` if none are covered.
    pub is_open: Option<bool>,
    /// The name of the second network, if there is one.
    pub second: Option<&'a str>,
    /// What it looks like; `None` while faces are covered.
    pub portrait: Option<&'a TextureHandle>,
    /// Whether the portrait is flipped left to right.
    pub mirror: bool,
    /// Whether a folded card opens now.
    pub opens: bool,
}

impl Card<'_> {
    /// Draws the portrait, the name, the label, and the bars.
    pub fn ui(
        &self,
        ui: &mut Ui,
        naming: &mut Option<Naming>,
        strips: Option<&mut Strips>,
    ) -> Option<Command> {
        let mut command = None;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            self.portrait_ui(ui, PORTRAIT_SIDE);
            let label =
                WidgetText::from(RichText::new(words::label(self.label.word())).size(LABEL_SIZE));
            let label = label.into_galley(ui, None, f32::INFINITY, TextStyle::Body);
            let rest = ui.available_width() - label.size().x - CHIP_SIDE - 4.0 * GAP;
            command = self.name_ui(ui, rest.clamp(MIN_NAME_WIDTH, MAX_NAME_WIDTH), naming);
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(label);
                self.chip_ui(ui);
            });
        });
        command = self.show_face_ui(ui).or(command);
        self.body_ui(ui, strips);
        command
    }

    /// Draws a line with the name and the label, which shows the rest once it is clicked.
    pub fn folded_ui(
        &self,
        ui: &mut Ui,
        naming: &mut Option<Naming>,
        strips: Option<&mut Strips>,
    ) -> Option<Command> {
        let mut command = None;
        let mut title = format!("{}: {}", self.who, words::label(self.label.word()));
        if let Some(label) = self.label.label() {
            title.push(' ');
            title.push_str(&percent(&self.face.smoothed, label));
        }
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            self.portrait_ui(ui, SMALL_PORTRAIT_SIDE);
            ui.vertical(|ui| {
                ui.add_space(5.0);
                self.chip_ui(ui);
            });
            ui.vertical(|ui| {
                CollapsingHeader::new(title)
                    .id_salt(("face", self.face.track.0))
                    .open(self.opens.then_some(true))
                    .show_unindented(ui, |ui| {
                        command = self.name_ui(ui, ui.available_width(), naming);
                        command = self.show_face_ui(ui).or(command.take());
                        self.body_ui(ui, strips);
                    });
            });
        });
        command
    }

    fn name_ui(&self, ui: &mut Ui, width: f32, naming: &mut Option<Naming>) -> Option<Command> {
        let (track, number) = (self.face.track, self.face.number);
        name_ui(ui, width, track, number, self.name, naming)
    }

    fn portrait_ui(&self, ui: &mut Ui, side: f32) {
        let Some(portrait) = self.portrait else {
            return;
        };
        let image = Image::new(portrait)
            .fit_to_exact_size(Vec2::splat(side))
            .uv(geometry::uv(self.mirror))
            .corner_radius(CornerRadius::same(4))
            .alt_text(text!("face-portrait", who = &self.who));
        ui.add(image);
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
        colors::outline_boxes(ui);
        ui.checkbox(&mut shown, RichText::new(text!("face-show")).small())
            .on_hover_text(text!("face-show-hint"))
            .clicked()
            .then_some(Command::ShowFace(self.face.track, shown))
    }

    fn body_ui(&self, ui: &mut Ui, strips: Option<&mut Strips>) {
        // The next face has its own spacing.
        ui.scope(|ui| {
            let face = self.face;
            ui.spacing_mut().item_spacing.y = 0.0;
            if let (Some(name), Some(second)) = (self.second, &face.second) {
                ui.label(
                    RichText::new(format!("{name}: {}", words::label(second.label.name())))
                        .small()
                        .weak(),
                );
                ui.add_space(2.0);
            }
            rows_ui(ui, face, &self.who, self.label.label());
            if let Some(shape) = &face.shape {
                ui.add_space(2.0);
                ui.label(RichText::new(pose_text(shape)).small().weak())
                    .on_hover_text(text!("face-pose-hint"));
            }
            if let Some(strips) = strips {
                ui.add_space(4.0);
                strip_ui(ui, face.track, &self.who, strips, STRIP_HEIGHT);
            }
            ui.add_space(4.0);
        });
    }
}

/// The field with a face's name.
pub fn name_id(track: TrackId) -> Id {
    Id::unique(("name of face", track.0))
}

/// Draws the field with a face's name, `width` points wide. Returns the name that was being written elsewhere, if this
/// field has taken the focus from it.
pub fn name_ui(
    ui: &mut Ui,
    width: f32,
    track: TrackId,
    number: u64,
    name: Option<&str>,
    naming: &mut Option<Naming>,
) -> Option<Command> {
    let id = name_id(track);
    let is_own = naming.as_ref().is_some_and(|naming| naming.track == track);
    let mut shown = name.unwrap_or_default().to_owned();
    let text = match naming.as_mut().filter(|_| is_own) {
        Some(naming) => &mut naming.text,
        None => &mut shown,
    };
    let palette = colors::palette(ui.ctx().theme());
    // The outline says that it can be written in, without a box around each name.
    let line = match ui.memory(|memory| memory.has_focus(id)) {
        true => palette.accent,
        false => Color32::TRANSPARENT,
    };
    let edit = TextEdit::singleline(text)
        .id(id)
        .hint_text(text!("face-number", number = number))
        .char_limit(face_names::MAX_CHARS)
        .font(TextStyle::Body)
        .frame(
            Frame::new()
                .stroke(Stroke::new(1.0, line))
                .inner_margin(Margin::symmetric(4, 1))
                .corner_radius(3),
        )
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(width);
    let response = ui.add(edit).on_hover_text(text!("face-name-hint"));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_label(text!("face-name-of", number = number));
    });
    if !response.has_focus() || is_own {
        return None;
    }
    response.scroll_to_me(None);
    let before = naming.replace(Naming {
        track,
        number,
        text: shown,
    });
    before.map(Naming::command)
}

/// Draws the last minute of a face over the whole width.
pub fn strip_ui(ui: &mut Ui, track: TrackId, who: &str, strips: &mut Strips, height: f32) {
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, strips.description(track, who)));
    if ui.is_rect_visible(rect) {
        strips.paint(ui, track, rect);
    }
    response.on_hover_text(text!("face-strip-hint"));
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
    let pose = text!(
        "face-pose",
        yaw = yaw.to_string(),
        pitch = pitch.to_string(),
        roll = roll.to_string()
    );
    let openings = text!(
        "face-eyes",
        right = format!("{right:.2}"),
        left = format!("{left:.2}"),
        mouth = format!("{:.2}", shape.mouth_open)
    );
    format!("{pose}\n{openings}")
}
