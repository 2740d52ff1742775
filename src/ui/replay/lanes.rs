//! One lane for each face: its name at the left, its probabilities over time, and its values at the pointer.

use std::{ops::Range, time::Duration};

use egui::{
    Align2, Color32, ColorImage, Context, Pos2, Rangef, Rect, Response, Role, Sense, Stroke,
    TextStyle, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};

use super::{
    draw_thread::{Drawn, Lane, Request, Values},
    loaded_session::{LoadedSession, Readings, TrackRows},
    span::Span,
};
use crate::{
    detect::TrackId,
    expression::Probabilities,
    pipeline::{Shown, face_names::FaceNames},
    session::tables::FaceRow,
    time::clock,
    ui::{
        colors,
        who::who,
        words::{self, text},
    },
};

/// Height of a lane, points.
pub const LANE_HEIGHT: f32 = 58.0;
/// Space between lanes, points.
pub const LANE_GAP: f32 = 6.0;
/// Room for a lane's name, points.
pub const NAME_WIDTH: f32 = 84.0;

/// The lanes drawn last, on the graphics card.
#[derive(Default)]
pub struct LaneTextures {
    request: Option<Request>,
    textures: Vec<TextureHandle>,
    /// In each lane, the stretches of time without a name, s.
    not_named: Vec<Vec<Range<f64>>>,
}

impl LaneTextures {
    /// Uploads newly drawn lanes.
    pub fn set(&mut self, ctx: &Context, drawn: Drawn) {
        let Drawn { request, lanes } = drawn;
        self.textures.truncate(lanes.len());
        self.not_named.clear();
        for (i, lane) in lanes.into_iter().enumerate() {
            self.not_named.push(lane.not_named);
            // A texture cannot be empty.
            let lane = if lane.image.size.contains(&0) {
                ColorImage::filled([1, 1], Color32::TRANSPARENT)
            } else {
                lane.image
            };
            match self.textures.get_mut(i) {
                Some(texture) => texture.set(lane, TextureOptions::LINEAR),
                None => {
                    let name = format!("lane {i}");
                    let texture = ctx.load_texture(name, lane, TextureOptions::LINEAR);
                    self.textures.push(texture);
                }
            }
        }
        self.request = Some(request);
    }

    /// What was drawn of a lane.
    fn of(&self, lane: Lane) -> Option<LaneTexture<'_>> {
        let request = self.request.as_ref()?;
        let at = request.lanes.iter().position(|other| *other == lane)?;
        Some(LaneTexture {
            texture: self.textures.get(at)?,
            range: request.range.clone(),
            not_named: self.not_named.get(at)?,
        })
    }
}

/// A lane as it was drawn last.
struct LaneTexture<'a> {
    texture: &'a TextureHandle,
    /// The times at its edges, s.
    range: Range<f64>,
    /// The stretches without a name, s.
    not_named: &'a [Range<f64>],
}

/// What all lanes share.
#[derive(Clone, Copy)]
pub struct LaneData<'a> {
    /// The session.
    pub loaded: &'a LoadedSession,
    /// The visible time.
    pub span: Span,
    /// The playback position.
    pub position: Duration,
    /// Which probabilities are shown.
    pub values: Values,
    /// Below this probability, 0 to 1, a face is uncertain.
    pub uncertain_below: f32,
    /// What the faces are called, by their numbers.
    pub names: &'a FaceNames,
}

/// Draws a lane over the whole width; returns the response of its curve, right of the name, and where that is.
pub fn lane_ui(
    ui: &mut Ui,
    which: Lane,
    data: LaneData<'_>,
    textures: &LaneTextures,
) -> (Response, Rect) {
    let size = vec2(ui.available_width(), LANE_HEIGHT);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let (name_rect, lane) = rect.split_left_right_at_x(rect.left() + NAME_WIDTH);
    let response = ui.interact(
        lane,
        ui.scope_id().with(("lane", which.reading, which.track)),
        Sense::click_and_drag(),
    );
    let Some((readings, track)) = which.of(data.loaded) else {
        return (response, lane);
    };
    let spans = &data.loaded.spans;
    let now = readings.row_at(track, data.position, spans);
    // Another network's reading of a face stands below the recorded one, which shows the face's name.
    let face = who(data.names, TrackId(track.id), track.id);
    let (name, spoken) = match which.reading {
        0 => (face.clone(), face.clone()),
        _ => (
            readings.name.clone(),
            text!("replay-by", face = &face, network = &readings.name),
        ),
    };
    let now = now.map(|row| Now::of(row, data));
    let description = description(&spoken, readings, track, now);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &description));
    if ui.is_rect_visible(rect) {
        name_ui(ui, name_rect, &name, now);
        let palette = colors::palette(ui.ctx().theme());
        ui.painter().rect_filled(lane, 3.0, palette.track);
        if let Some(drawn) = textures.of(which) {
            let x = lane.x_range();
            let picture = Rect::from_x_y_ranges(
                data.span.x(drawn.range.start, x)..=data.span.x(drawn.range.end, x),
                lane.y_range(),
            );
            let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
            let painter = ui.painter().with_clip_rect(lane.intersect(ui.clip_rect()));
            painter.image(drawn.texture.id(), picture, uv, Color32::WHITE);
            for time in drawn.not_named {
                let left = data.span.x(time.start, x).max(lane.left());
                let right = data.span.x(time.end, x).min(lane.right());
                let stretch = Rect::from_x_y_ranges(left..=right, lane.y_range());
                colors::hatch(&painter, stretch, ui.ctx().theme());
            }
        }
    }
    let response = match response.hover_pos() {
        Some(pointer) if !response.is_pointer_button_down_on() => {
            let time = data.span.time(pointer.x, lane.x_range());
            let row = readings.row_at(track, time, spans);
            let title = format!("{face}, {:.1}", clock(time));
            response.on_hover_ui_at_pointer(|ui| hover_ui(ui, &title, row, data))
        }
        _ => response,
    };
    (response, lane)
}

/// The probabilities of a row that the timeline shows.
fn values(row: &FaceRow, values: Values) -> &Probabilities {
    match values {
        Values::Smoothed => &row.face.smoothed,
        Values::Raw => &row.face.raw,
    }
}

/// What stands beside a lane: what is shown of the face, and how probable its label is.
#[derive(Clone, Copy)]
struct Now {
    shown: Shown,
    probability: f32,
}

impl Now {
    fn of(row: &FaceRow, data: LaneData<'_>) -> Self {
        let face = &row.face;
        match (face.shown(data.uncertain_below), data.values) {
            (Shown::Label(_), Values::Raw) => {
                let (label, probability) = face.raw.top();
                let shown = Shown::Label(label);
                Self { shown, probability }
            }
            (shown, _) => Self {
                shown,
                probability: face.probability(),
            },
        }
    }

    /// The probability in words. Of a face that cannot be read, it would mean little.
    fn percent(self) -> String {
        match self.shown {
            Shown::TurnedAway => String::new(),
            _ => format!("{:.0} %", self.probability * 100.0),
        }
    }
}

fn name_ui(ui: &Ui, rect: Rect, name: &str, now: Option<Now>) {
    let theme = ui.ctx().theme();
    let palette = colors::palette(theme);
    let small = TextStyle::Small.resolve(ui.style());
    let body = TextStyle::Body.resolve(ui.style());
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let left = rect.left();
    let width = rect.width() - 8.0;
    let wrap = Some(egui::TextWrapMode::Truncate);
    let galley = egui::WidgetText::from(name).into_galley(ui, wrap, width, body);
    let top = rect.top() + 12.0 - galley.size().y / 2.0;
    painter.galley(pos2(left, top), galley, palette.text);
    let Some(now) = now else { return };
    let chip = Rect::from_min_size(pos2(left, rect.top() + 25.0), vec2(3.0, 26.0));
    painter.rect_filled(chip, 1.0, colors::shown(now.shown, theme));
    let lines = [words::label(now.shown.word()).to_owned(), now.percent()];
    for (line, text) in lines.into_iter().enumerate() {
        let y = rect.top() + 31.0 + 14.0 * line as f32;
        let at = pos2(left + 8.0, y);
        painter.text(
            at,
            Align2::LEFT_CENTER,
            text,
            small.clone(),
            palette.weak_text,
        );
    }
}

/// The values at the pointer, largest first.
fn hover_ui(ui: &mut Ui, title: &str, row: Option<&FaceRow>, data: LaneData<'_>) {
    let theme = ui.ctx().theme();
    ui.label(title);
    let Some(row) = row else {
        ui.label(egui::RichText::new(text!("replay-not-seen")).weak());
        return;
    };
    let shown = row.face.shown(data.uncertain_below);
    if !shown.is_named() {
        ui.label(egui::RichText::new(words::label(shown.word())).weak());
    }
    let values = values(row, data.values);
    let mut order: Vec<_> = values.iter().collect();
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    egui::Grid::new("values")
        .num_columns(2)
        .spacing(vec2(12.0, 1.0))
        .show(ui, |ui| {
            for (label, value) in order {
                ui.horizontal(|ui| {
                    chip_ui(ui, colors::label(label, theme));
                    ui.label(words::label(label.name()));
                });
                ui.label(format!("{:.0} %", value * 100.0));
                ui.end_row();
            }
        });
}

/// Draws a small colored square, and says where it is.
pub fn chip_ui(ui: &mut Ui, color: Color32) -> Rect {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, color);
    rect
}

/// What screen readers say about a lane.
fn description(name: &str, readings: &Readings, track: &TrackRows, now: Option<Now>) -> String {
    let time = |row: Option<&u32>| {
        let time = row.map_or(Duration::ZERO, |row| readings.row(*row).time.into());
        clock(time)
    };
    let (from, to) = (time(track.rows.first()), time(track.rows.last()));
    let now = match now {
        Some(now) => format!("{} {}", words::label(now.shown.word()), now.percent()),
        None => text!("replay-not-seen").to_owned(),
    };
    text!(
        "replay-lane",
        name = name,
        from = format!("{from:.1}"),
        to = format!("{to:.1}"),
        now = now.trim_end()
    )
}

/// Draws a vertical line through `rect` at `time`, if that is visible.
pub fn line(ui: &Ui, rect: Rect, span: Span, time: Duration, stroke: Stroke) {
    let x = span.x(time.as_secs_f64(), rect.x_range());
    let visible = Rangef::new(rect.left() - 0.5, rect.right() + 0.5);
    if visible.contains(x) {
        ui.painter().vline(x, rect.y_range(), stroke);
    }
}
