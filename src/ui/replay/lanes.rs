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
    expression::{Label, Probabilities},
    session::tables::FaceRow,
    time::clock,
    ui::colors,
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
}

impl LaneTextures {
    /// Uploads newly drawn lanes.
    pub fn set(&mut self, ctx: &Context, drawn: Drawn) {
        let Drawn { request, lanes } = drawn;
        self.textures.truncate(lanes.len());
        for (i, lane) in lanes.into_iter().enumerate() {
            // A texture cannot be empty.
            let lane = if lane.size.contains(&0) {
                ColorImage::filled([1, 1], Color32::TRANSPARENT)
            } else {
                lane
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

    /// The texture of a lane, and the times at its edges, s.
    fn of(&self, lane: Lane) -> Option<(&TextureHandle, Range<f64>)> {
        let request = self.request.as_ref()?;
        let at = request.lanes.iter().position(|other| *other == lane)?;
        Some((self.textures.get(at)?, request.range.clone()))
    }
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
    let face = format!("Face {}", track.id);
    let (name, spoken) = match which.reading {
        0 => (face.clone(), face),
        _ => (
            readings.name.clone(),
            format!("{face} by {}", readings.name),
        ),
    };
    let description = description(data.values, &spoken, readings, track, now);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &description));
    if ui.is_rect_visible(rect) {
        name_ui(ui, name_rect, &name, now, data.values);
        let palette = colors::palette(ui.ctx().theme());
        ui.painter().rect_filled(lane, 3.0, palette.track);
        if let Some((texture, range)) = textures.of(which) {
            let x = lane.x_range();
            let picture = Rect::from_x_y_ranges(
                data.span.x(range.start, x)..=data.span.x(range.end, x),
                lane.y_range(),
            );
            let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
            ui.painter()
                .with_clip_rect(lane.intersect(ui.clip_rect()))
                .image(texture.id(), picture, uv, Color32::WHITE);
        }
    }
    let response = match response.hover_pos() {
        Some(pointer) if !response.is_pointer_button_down_on() => {
            let time = data.span.time(pointer.x, lane.x_range());
            let row = readings.row_at(track, time, spans);
            let title = format!("Face {}, {:.1}", track.id, clock(time));
            response.on_hover_ui_at_pointer(|ui| hover_ui(ui, &title, row, data.values))
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

/// The label of a row, and its probability.
fn label(row: &FaceRow, values: Values) -> (Label, f32) {
    match values {
        Values::Smoothed => (row.face.label, row.face.probability()),
        Values::Raw => row.face.raw.top(),
    }
}

fn name_ui(ui: &Ui, rect: Rect, name: &str, now: Option<&FaceRow>, shown: Values) {
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
    let Some(row) = now else { return };
    let (label, probability) = label(row, shown);
    let chip = Rect::from_min_size(pos2(left, rect.top() + 25.0), vec2(3.0, 26.0));
    painter.rect_filled(chip, 1.0, colors::label(label, theme));
    let percent = format!("{:.0} %", probability * 100.0);
    for (line, text) in [label.name().to_owned(), percent].into_iter().enumerate() {
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
fn hover_ui(ui: &mut Ui, title: &str, row: Option<&FaceRow>, shown: Values) {
    let theme = ui.ctx().theme();
    ui.label(title);
    let Some(row) = row else {
        ui.label(egui::RichText::new("not seen").weak());
        return;
    };
    let values = values(row, shown);
    let mut order: Vec<_> = values.iter().collect();
    order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    egui::Grid::new("values")
        .num_columns(2)
        .spacing(vec2(12.0, 1.0))
        .show(ui, |ui| {
            for (label, value) in order {
                ui.horizontal(|ui| {
                    chip_ui(ui, colors::label(label, theme));
                    ui.label(label.name());
                });
                ui.label(format!("{:.0} %", value * 100.0));
                ui.end_row();
            }
        });
}

/// Draws a small colored square.
pub fn chip_ui(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, color);
}

/// What screen readers say about a lane.
fn description(
    shown: Values,
    name: &str,
    readings: &Readings,
    track: &TrackRows,
    now: Option<&FaceRow>,
) -> String {
    let time = |row: Option<&u32>| {
        let time = row.map_or(Duration::ZERO, |row| readings.row(*row).time.into());
        clock(time)
    };
    let (from, to) = (time(track.rows.first()), time(track.rows.last()));
    let now = match now.map(|row| label(row, shown)) {
        Some((label, probability)) => format!("{label} {:.0} %", probability * 100.0),
        None => "not seen".to_owned(),
    };
    format!("{name} from {from:.1} to {to:.1}, now {now}")
}

/// Draws a vertical line through `rect` at `time`, if that is visible.
pub fn line(ui: &Ui, rect: Rect, span: Span, time: Duration, stroke: Stroke) {
    let x = span.x(time.as_secs_f64(), rect.x_range());
    let visible = Rangef::new(rect.left() - 0.5, rect.right() + 0.5);
    if visible.contains(x) {
        ui.painter().vline(x, rect.y_range(), stroke);
    }
}
