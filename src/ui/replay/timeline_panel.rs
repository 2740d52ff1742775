//! The panel below a session: every face's probabilities over time, and the events.
//!
//! A click seeks, and the line through the lanes is the playback position. The lanes are drawn on a [`DrawThread`].

use std::{sync::Arc, time::Duration};

use egui::{
    Align, Align2, Button, Layout, Rect, Response, RichText, ScrollArea, Sense, Stroke, TextStyle,
    Ui, containers::menu::MenuButton, pos2, vec2,
};

use super::{
    draw_thread::{DrawThread, Lane, Request, Values},
    event_list,
    lanes::{self, LANE_GAP, LANE_HEIGHT, LaneData, LaneTextures, NAME_WIDTH},
    legend,
    loaded_session::LoadedSession,
    marks::{self, EventMark},
    raster::LaneStyle,
    span::Span,
};
use crate::{
    detect::TrackId,
    expression::Label,
    overlay,
    pipeline::face_names::FaceNames,
    session::annotations::Place,
    time::clock,
    ui::{
        colors,
        commands::{Command, PlayCommand},
        panels::menu_item::{self, action_ui},
        who::who,
        words::text,
    },
};

/// Height of the row of buttons, points.
const HEADER_HEIGHT: f32 = 28.0;
/// Room for its buttons, about, points.
const BUTTONS_WIDTH: f32 = 680.0;
/// Height of the ruler, points.
const RULER_HEIGHT: f32 = 22.0;
/// Minimum distance between two times on the ruler, points.
const TICK_GAP: f32 = 76.0;
/// Width of the list of events, points.
const EVENTS_WIDTH: f32 = 220.0;
/// Narrower panels have no room for the list of events, points.
const MIN_WIDTH_WITH_EVENTS: f32 = 620.0;
/// Zoom factor of one press of a zoom button.
const ZOOM_STEP: f64 = 2.0;

/// The state of the panel.
pub struct TimelinePanel {
    loaded: Arc<LoadedSession>,
    marks: Vec<EventMark>,
    /// Where an excluded span has begun that has no end yet.
    excluding_from: Option<Duration>,
    /// The chosen marker or excluded span.
    selected: Option<Place>,
    span: Span,
    values: Values,
    style: LaneStyle,
    /// The number of the only track shown; all if `None`.
    chosen: Option<u64>,
    /// Index of the other reading shown; only the recorded one if `None`.
    other: Option<usize>,
    events: bool,
    drawer: Option<DrawThread>,
    requested: Option<Request>,
    textures: LaneTextures,
    /// The time at which the pointer is held.
    held: Option<Duration>,
    last_position: Duration,
    uncertain_below: f32,
}

impl TimelinePanel {
    /// A panel that shows the whole session. `drawer` draws its lanes; without one they stay blank.
    pub fn new(loaded: Arc<LoadedSession>, drawer: Option<DrawThread>) -> Self {
        let marks = marks::marks(&loaded, &loaded.session.annotations);
        Self {
            span: Span::whole(loaded.duration),
            events: !marks.is_empty(),
            marks,
            excluding_from: None,
            selected: None,
            values: Values::default(),
            style: LaneStyle::default(),
            chosen: None,
            other: (loaded.readings.len() > 1).then_some(1),
            drawer,
            requested: None,
            textures: LaneTextures::default(),
            held: None,
            last_position: Duration::ZERO,
            uncertain_below: 0.0,
            loaded,
        }
    }

    /// The reading that is shown beside the recorded one, by its position in [`LoadedSession::readings`].
    pub fn other(&self) -> Option<usize> {
        self.other
    }

    /// Shows these marks from now on.
    pub fn set_marks(&mut self, marks: Vec<EventMark>, excluding_from: Option<Duration>) {
        self.events |= self.marks.is_empty() && !marks.is_empty();
        // Places may have changed, unless it is the same mark.
        let chosen = self.selected.and_then(|place| {
            let is_it = |mark: &&EventMark| mark.place == Some(place);
            let before = self.marks.iter().find(is_it)?;
            marks
                .iter()
                .find(is_it)
                .filter(|mark| mark.kind == before.kind)?;
            (self.marks.len() == marks.len()).then_some(place)
        });
        self.selected = chosen;
        self.marks = marks;
        self.excluding_from = excluding_from;
    }

    /// Height that fits up to three lanes in a panel of all of `ui`'s width, points.
    pub fn default_height(&self, ui: &Ui) -> f32 {
        let n_lanes = self.lanes().len().clamp(1, 3) as f32;
        let has_room = legend::width(ui, &self.legend()) + BUTTONS_WIDTH <= ui.available_width();
        let legend = if has_room { 0.0 } else { legend::HEIGHT };
        HEADER_HEIGHT + legend + RULER_HEIGHT + n_lanes * (LANE_HEIGHT + LANE_GAP) + 18.0
    }

    /// Draws the panel with the playback at `position`. Below the probability `uncertain_below`, 0 to 1, a face is
    /// uncertain; `names` are those of faces by their numbers.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        position: Duration,
        uncertain_below: f32,
        names: &FaceNames,
    ) -> Option<Command> {
        self.uncertain_below = uncertain_below;
        if let Some(drawn) = self.drawer.as_ref().and_then(DrawThread::take) {
            self.textures.set(ui.ctx(), drawn);
        }
        if std::mem::replace(&mut self.last_position, position) != position && self.held.is_none() {
            self.span.follow(position.as_secs_f64());
        }
        self.header_ui(ui, names);
        ui.add_space(2.0);
        let mut command = None;
        let area = ui.available_rect_before_wrap();
        let has_events = self.events && area.width() >= MIN_WIDTH_WITH_EVENTS;
        let right = if has_events {
            area.right() - EVENTS_WIDTH
        } else {
            area.right()
        };
        let (lanes, list) = area.split_left_right_at_x(right);
        ui.scope_builder(egui::UiBuilder::new().max_rect(lanes), |ui| {
            command = self.lanes_ui(ui, position, names).map(Command::from);
        });
        if has_events {
            let list = list.with_min_x(list.left() + 10.0);
            ui.scope_builder(egui::UiBuilder::new().max_rect(list), |ui| {
                let selected = &mut self.selected;
                let asked = event_list::event_list_ui(ui, &self.marks, position, selected);
                command = asked.or(command.take());
            });
        }
        command
    }

    /// The labels of the lanes: the session's, then others of the reading beside it.
    fn legend(&self) -> Vec<Label> {
        let own = self.loaded.session.labels();
        let beside = self.other.and_then(|other| self.loaded.readings.get(other));
        let beside = beside.and_then(|readings| readings.faces.first());
        let others = beside.map_or(own, |row| row.face.smoothed.labels());
        let further = others.iter().filter(|label| own.like(*label).is_none());
        own.iter().chain(further).collect()
    }

    /// Draws the row of buttons, and the legend in it or below.
    fn header_ui(&mut self, ui: &mut Ui, names: &FaceNames) {
        let labels = self.legend();
        let mut has_legend = false;
        let size = vec2(ui.available_width(), HEADER_HEIGHT);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.spacing_mut().button_padding = vec2(9.0, 3.0);
            self.choices_ui(ui, names);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui
                    .selectable_label(self.events, text!("replay-events"))
                    .clicked()
                {
                    self.events = !self.events;
                }
                self.zoom_ui(ui);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    has_legend = legend::width(ui, &labels) <= ui.available_width();
                    if has_legend {
                        legend::legend_ui(ui, &labels);
                    }
                });
            });
        });
        if !has_legend {
            let line = vec2(ui.available_width(), legend::HEIGHT);
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(line, layout, |ui| legend::legend_ui(ui, &labels));
        }
    }

    fn choices_ui(&mut self, ui: &mut Ui, names: &FaceNames) {
        let name = |id: Option<u64>| match id {
            None => text!("replay-all-faces").to_owned(),
            Some(id) => who(names, TrackId(id), id),
        };
        let ids = self.loaded.recorded().tracks.iter().map(|t| Some(t.id));
        let choices = std::iter::once(None).chain(ids);
        MenuButton::from_button(Button::new(name(self.chosen)).min_size(vec2(84.0, 0.0))).ui(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                    for id in choices {
                        if action_ui(
                            ui,
                            menu_item::Mark::Choice(id == self.chosen),
                            &name(id),
                            "",
                        ) {
                            self.chosen = id;
                        }
                    }
                });
            },
        );
        self.compare_ui(ui);
        for (values, label) in [
            (Values::Smoothed, text!("replay-smoothed")),
            (Values::Raw, text!("replay-raw")),
        ] {
            if ui.selectable_label(self.values == values, label).clicked() {
                self.values = values;
            }
        }
        ui.separator();
        for (style, label) in [
            (LaneStyle::Areas, text!("replay-areas")),
            (LaneStyle::Lines, text!("replay-lines")),
        ] {
            if ui.selectable_label(self.style == style, label).clicked() {
                self.style = style;
            }
        }
    }

    /// The choice of the other reading, if there is one.
    fn compare_ui(&mut self, ui: &mut Ui) {
        let readings = &self.loaded.readings;
        if readings.len() < 2 {
            return;
        }
        let name = |other: Option<usize>| match other.and_then(|other| readings.get(other)) {
            None => text!("replay-recorded-only").to_owned(),
            Some(readings) => match readings.agreement {
                Some(share) => text!(
                    "replay-with-agreement",
                    network = &readings.name,
                    percent = format!("{:.0}", share * 100.0)
                ),
                None => text!("replay-with", network = &readings.name),
            },
        };
        let mut chosen = self.other;
        MenuButton::new(name(self.other)).ui(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            for other in std::iter::once(None).chain((1..readings.len()).map(Some)) {
                if action_ui(
                    ui,
                    menu_item::Mark::Choice(other == chosen),
                    &name(other),
                    "",
                ) {
                    chosen = other;
                }
            }
        });
        self.other = chosen;
    }

    /// The lanes shown: each chosen track, with the other reading of it below.
    fn lanes(&self) -> Vec<Lane> {
        let loaded = &self.loaded;
        let tracks = loaded.recorded().tracks.iter().enumerate();
        let mut lanes = Vec::new();
        for (track, own) in tracks {
            if self.chosen.is_some_and(|chosen| chosen != own.id) {
                continue;
            }
            lanes.push(Lane { reading: 0, track });
            let other = self.other.and_then(|reading| {
                let track = loaded.readings.get(reading)?.track(own.id)?;
                Some(Lane { reading, track })
            });
            lanes.extend(other);
        }
        lanes
    }

    /// The zoom buttons, laid out from right to left.
    fn zoom_ui(&mut self, ui: &mut Ui) {
        let middle_s = self.span.start_s + self.span.length_s / 2.0;
        // Around the playback position, if it is visible.
        let position_s = self.last_position.as_secs_f64();
        let around_s = if self.span.range().contains(&position_s) {
            position_s
        } else {
            middle_s
        };
        let zoomed = !self.span.is_whole();
        if ui.button(text!("replay-zoom-in")).clicked() {
            self.span.zoom(ZOOM_STEP, around_s);
        }
        if ui
            .add_enabled(zoomed, Button::new(text!("replay-zoom-out")))
            .clicked()
        {
            self.span.zoom(1.0 / ZOOM_STEP, around_s);
        }
        if ui
            .add_enabled(zoomed, Button::new(text!("replay-zoom-fit")))
            .clicked()
        {
            self.span = Span::whole(self.loaded.duration);
        }
    }

    fn lanes_ui(
        &mut self,
        ui: &mut Ui,
        position: Duration,
        names: &FaceNames,
    ) -> Option<PlayCommand> {
        let area = ui.available_rect_before_wrap();
        let (ruler, below) = area.split_top_bottom_at_y(area.top() + RULER_HEIGHT);
        let ruler = ruler.with_min_x(ruler.left() + NAME_WIDTH);
        let ruler_response =
            ui.interact(ruler, ui.scope_id().with("ruler"), Sense::click_and_drag());
        self.ruler_ui(ui, ruler);
        let lanes = self.lanes();
        let mut touched = vec![(ruler_response, ruler)];
        let mut visible = Vec::new();
        ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| {
            if lanes.is_empty() {
                ui.add_space(14.0);
                ui.vertical_centered(|ui| {
                    let words = if self.loaded.session.frames.is_empty() {
                        text!("replay-nothing")
                    } else {
                        text!("replay-no-face")
                    };
                    ui.label(RichText::new(words).weak());
                });
                return;
            }
            ui.spacing_mut().item_spacing.y = LANE_GAP;
            let loaded = Arc::clone(&self.loaded);
            let data = LaneData {
                loaded: &loaded,
                span: self.span,
                position,
                values: self.values,
                uncertain_below: self.uncertain_below,
                names,
            };
            ScrollArea::vertical()
                .id_salt("lanes")
                .auto_shrink(false)
                .show_rows(ui, LANE_HEIGHT, lanes.len(), |ui, rows| {
                    visible = lanes[rows].to_vec();
                    for lane in &visible {
                        touched.push(lanes::lane_ui(ui, *lane, data, &self.textures));
                    }
                });
        });
        let width = touched
            .last()
            .map_or(ruler.width(), |(_, lane)| lane.width());
        self.request_lanes(ui, visible, width);
        self.lines_ui(ui, &touched, position);
        self.navigate(ui, &touched);
        self.take_pointer(&touched)
    }

    /// Requests the visible lanes, unless they were requested already.
    fn request_lanes(&mut self, ui: &Ui, lanes: Vec<Lane>, width: f32) {
        let scale = ui.ctx().pixels_per_point();
        let px = |points: f32| (points * scale).round().max(1.0) as usize;
        let request = Request {
            range: self.span.range(),
            size_px: [px(width), px(LANE_HEIGHT)],
            lanes,
            values: self.values,
            style: self.style,
            theme: ui.ctx().theme(),
            uncertain_below: self.uncertain_below,
        };
        if self.requested.as_ref() != Some(&request) {
            if let Some(drawer) = &self.drawer {
                drawer.request(request.clone());
            }
            self.requested = Some(request);
        }
    }

    /// Draws the times along the top.
    fn ruler_ui(&self, ui: &Ui, ruler: Rect) {
        let palette = colors::palette(ui.ctx().theme());
        let (ticks, step_s) = self.span.ticks(ruler.width(), TICK_GAP);
        let font = TextStyle::Small.resolve(ui.style());
        for tick_s in ticks {
            let x = self.span.x(tick_s, ruler.x_range());
            let top = pos2(x, ruler.bottom() - 5.0);
            ui.painter()
                .line_segment([top, pos2(x, ruler.bottom())], (1.0, palette.weak_text));
            let time = clock(Duration::try_from_secs_f64(tick_s + 0.05).unwrap_or_default());
            let decimals = usize::from(step_s < 1.0);
            let text = format!("{time:.decimals$}");
            // Keep the first and the last label inside, and beside the playback position at the start.
            let mut at = pos2(x, ruler.top() + 8.0);
            let align = if x < ruler.left() + 16.0 {
                at.x += 4.0;
                Align2::LEFT_CENTER
            } else if x > ruler.right() - 16.0 {
                Align2::RIGHT_CENTER
            } else {
                Align2::CENTER_CENTER
            };
            ui.painter()
                .text(at, align, text, font.clone(), palette.weak_text);
        }
    }

    /// Draws the lines through all lanes: the events and the playback position.
    fn lines_ui(&self, ui: &mut Ui, touched: &[(Response, Rect)], position: Duration) {
        let Some(all) = touched
            .iter()
            .map(|(_, rect)| *rect)
            .reduce(|all, rect| all.union(rect))
        else {
            return;
        };
        let theme = ui.ctx().theme();
        let all = all.intersect(ui.clip_rect());
        let body = all.with_min_y(all.top() + RULER_HEIGHT - 6.0);
        let begun = self.excluding_from.map(|from| {
            let (start, end) = (from.min(position), from.max(position));
            (start, end)
        });
        let spans = self.marks.iter();
        let spans = spans.filter_map(|mark| Some((mark.time, mark.end?)));
        for (start, end) in spans.chain(begun) {
            self.excluded_ui(ui, body, start, end);
        }
        for mark in self.marks.iter().filter(|mark| mark.end.is_none()) {
            let color = marks::color(mark.kind, theme);
            lanes::line(ui, body, self.span, mark.time, Stroke::new(1.0, color));
        }
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let near = pointer.filter(|pointer| all.contains(*pointer)).map(|at| {
            let distance = |mark: &&EventMark| {
                let x = self.span.x(mark.time.as_secs_f64(), all.x_range());
                (x - at.x).abs()
            };
            let near = self.marks.iter().filter(|mark| distance(mark) <= 4.0);
            near.map(EventMark::line).collect::<Vec<_>>()
        });
        let palette = colors::palette(theme);
        let stroke = Stroke::new(2.0, palette.text);
        lanes::line(
            ui,
            all.with_min_y(all.top() + 2.0),
            self.span,
            position,
            stroke,
        );
        let (ruler, _) = &touched[0];
        if let Some(lines) = near.filter(|lines| !lines.is_empty() && ruler.hovered()) {
            ruler.clone().on_hover_text_at_pointer(lines.join("\n"));
        }
    }

    /// Covers a span that does not count.
    fn excluded_ui(&self, ui: &Ui, body: Rect, start: Duration, end: Duration) {
        let palette = colors::palette(ui.ctx().theme());
        let x = body.x_range();
        let left = self.span.x(start.as_secs_f64(), x).max(body.left());
        let right = self.span.x(end.as_secs_f64(), x).min(body.right());
        if left >= right {
            return;
        }
        let rect = Rect::from_x_y_ranges(left..=right, body.y_range());
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        painter.rect_filled(rect, 0.0, palette.card.gamma_multiply(0.72));
        // Slanted lines say that it does not count, whatever the colors below.
        let stroke = Stroke::new(1.0, palette.weak_text.gamma_multiply(0.6));
        overlay::hatch(&painter, rect, stroke, 9.0);
        let edge = Stroke::new(1.0, palette.weak_text);
        painter.vline(left + 0.5, rect.y_range(), edge);
        painter.vline(right - 0.5, rect.y_range(), edge);
    }

    /// Scrolls and zooms with the wheel or touchpad.
    fn navigate(&mut self, ui: &Ui, touched: &[(Response, Rect)]) {
        let Some(pointer) = ui.input(|input| input.pointer.hover_pos()) else {
            return;
        };
        let Some((_, rect)) = touched
            .iter()
            .find(|(_, rect)| rect.intersect(ui.clip_rect()).contains(pointer))
        else {
            return;
        };
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta().x));
        if zoom != 1.0 {
            let around = self.span.time(pointer.x, rect.x_range());
            self.span.zoom(f64::from(zoom), around.as_secs_f64());
        }
        if scroll != 0.0 {
            let per_point = self.span.length_s / f64::from(rect.width().max(1.0));
            self.span.scroll(-f64::from(scroll) * per_point);
        }
    }

    /// Seeks to a pressed pointer.
    fn take_pointer(&mut self, touched: &[(Response, Rect)]) -> Option<PlayCommand> {
        let pressed = touched
            .iter()
            .find(|(response, _)| response.is_pointer_button_down_on());
        match pressed {
            Some((response, rect)) => {
                let pointer = response.interact_pointer_pos()?;
                let place = self.span.time(pointer.x, rect.x_range());
                let is_new = self.held.replace(place) != Some(place);
                is_new.then_some(PlayCommand::Drag(place))
            }
            None if self.held.take().is_some() => Some(PlayCommand::EndDrag),
            // Pressed and released between two frames of the window.
            None => {
                let (response, rect) = touched.iter().find(|(response, _)| response.clicked())?;
                let pointer = response.interact_pointer_pos()?;
                Some(PlayCommand::Seek(self.span.time(pointer.x, rect.x_range())))
            }
        }
    }
}
