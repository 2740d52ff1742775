//! The Sessions window: a list of recorded sessions to search, sort, open, name, export and remove.

use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
    time::Duration,
};

use egui::{
    Align, Align2, Context, Label, Layout, Modifiers, RichText, Role, ScrollArea, Sense, Shape,
    Stroke, TextEdit, TextStyle, TextWrapMode, Ui, WidgetInfo, WidgetText, Window, pos2, vec2,
};

use super::{
    menu_item::menu_style,
    network_choice::{Networks, networks_ui},
};
use crate::{
    export::Format,
    session::{catalog::Entry, manifest::Status},
    time::clock,
    ui::{
        colors,
        commands::Command,
        sessions::Sessions,
        words::{self, text},
    },
};

const ROW_HEIGHT: f32 = 24.0;

/// What the list is sorted by; a column each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Participant,
    Date,
    Length,
    Faces,
    Markers,
    Size,
}

impl Column {
    const ALL: [Self; 7] = [
        Self::Name,
        Self::Participant,
        Self::Date,
        Self::Length,
        Self::Faces,
        Self::Markers,
        Self::Size,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Name => text!("sessions-name"),
            Self::Participant => text!("field-participant"),
            Self::Date => text!("sessions-date"),
            Self::Length => text!("sessions-length"),
            Self::Faces => text!("sessions-faces"),
            Self::Markers => text!("sessions-markers"),
            Self::Size => text!("sessions-size"),
        }
    }

    /// Points; the name takes what is left.
    const fn width(self) -> f32 {
        match self {
            Self::Name => 0.0,
            Self::Participant => 110.0,
            Self::Date => 140.0,
            Self::Length => 70.0,
            Self::Faces => 72.0,
            Self::Markers => 72.0,
            Self::Size => 82.0,
        }
    }

    const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Length | Self::Faces | Self::Markers | Self::Size
        )
    }

    fn text(self, entry: &Entry) -> String {
        match self {
            Self::Name if entry.status == Status::Recording => {
                text!("sessions-unfinished", name = entry.name())
            }
            Self::Name => entry.name(),
            Self::Participant => entry.about.participant.clone(),
            // Without seconds and offset.
            Self::Date => entry
                .started
                .chars()
                .take(16)
                .collect::<String>()
                .replace('T', " "),
            Self::Length => entry.length_s.map_or_else(String::new, |length_s| {
                clock(Duration::try_from_secs_f64(length_s).unwrap_or_default()).to_string()
            }),
            Self::Faces => entry.n_faces.map_or_else(String::new, |n| n.to_string()),
            Self::Markers if entry.n_markers == 0 => String::new(),
            Self::Markers => entry.n_markers.to_string(),
            Self::Size => size(entry.n_bytes),
        }
    }

    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let lower = |text: &str| text.to_lowercase();
        match self {
            Self::Name => lower(&a.name()).cmp(&lower(&b.name())),
            Self::Participant => lower(&a.about.participant).cmp(&lower(&b.about.participant)),
            Self::Date => a.started.cmp(&b.started),
            Self::Length => a
                .length_s
                .unwrap_or(-1.0)
                .total_cmp(&b.length_s.unwrap_or(-1.0)),
            Self::Faces => a.n_faces.cmp(&b.n_faces),
            Self::Markers => a.n_markers.cmp(&b.n_markers),
            Self::Size => a.n_bytes.cmp(&b.n_bytes),
        }
    }
}

/// What the window shows.
#[derive(Clone, Copy)]
pub struct SessionsData<'a> {
    /// The sessions.
    pub sessions: &'a Sessions,
    /// Where they are.
    pub root: &'a Path,
    /// The networks that can read them.
    pub networks: Networks<'a>,
}

/// The window's state.
pub struct SessionsPanel {
    search: String,
    sort: (Column, bool),
    /// Folders of the selected sessions.
    selected: Vec<PathBuf>,
    /// Where a range that is selected with Shift begins.
    anchor: Option<PathBuf>,
    /// Whether the selected session is about to be removed.
    is_removing: bool,
    shown: Vec<usize>,
    /// What `shown` was made for.
    shown_for: Option<(u64, String, Column, bool)>,
}

impl Default for SessionsPanel {
    fn default() -> Self {
        Self {
            search: String::new(),
            sort: (Column::Date, false),
            selected: Vec::new(),
            anchor: None,
            is_removing: false,
            shown: Vec::new(),
            shown_for: None,
        }
    }
}

impl SessionsPanel {
    /// Draws the window while it is `open`.
    pub fn ui(
        &mut self,
        ctx: &Context,
        open: &mut bool,
        data: SessionsData<'_>,
    ) -> Option<Command> {
        let mut command = None;
        Window::new(text!("sessions-title"))
            .open(open)
            .collapsible(false)
            .default_pos(pos2(60.0, 70.0))
            .default_size(vec2(760.0, 420.0))
            .min_size(vec2(620.0, 240.0))
            .show(ctx, |ui| command = self.content_ui(ui, data));
        command
    }

    fn content_ui(&mut self, ui: &mut Ui, data: SessionsData<'_>) -> Option<Command> {
        let sessions = data.sessions;
        let mut command = None;
        self.update_shown(sessions);
        ui.horizontal(|ui| {
            let label = ui.label(text!("sessions-search"));
            let search = TextEdit::singleline(&mut self.search)
                .hint_text(text!("sessions-search-hint"))
                .desired_width(280.0);
            ui.add(search).labelled_by(label.id);
            let n_all = sessions.entries().len();
            let count = match (self.shown.len(), sessions.is_reading()) {
                (_, true) => text!("sessions-so-far", count = n_all),
                (n, false) if n == n_all => text!("sessions-count", count = n),
                (n, false) => text!("sessions-shown", shown = n, all = n_all),
            };
            ui.label(count);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button(text!("sessions-refresh")).clicked() {
                    command = Some(Command::RefreshSessions);
                }
            });
        });
        ui.add_space(4.0);
        self.header_ui(ui);
        let bottom = 106.0;
        ScrollArea::vertical()
            .max_height((ui.available_height() - bottom).max(ROW_HEIGHT * 3.0))
            .auto_shrink([false, false])
            .show_rows(ui, ROW_HEIGHT, self.shown.len(), |ui, rows| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for row in rows {
                    let entry = &sessions.entries()[self.shown[row]];
                    let is_selected = self.selected.contains(&entry.folder);
                    let response = row_ui(ui, entry, is_selected);
                    if response.clicked() {
                        let modifiers = ui.input(|input| input.modifiers);
                        self.select(sessions.entries(), row, modifiers);
                    }
                    if response.double_clicked() {
                        command = Some(Command::OpenFolder(entry.folder.clone()));
                    }
                }
            });
        if self.shown.is_empty() && !sessions.is_reading() {
            ui.weak(match self.search.is_empty() {
                true => text!("sessions-none", folder = data.root.display().to_string()),
                false => text!("sessions-no-match").to_owned(),
            });
        }
        ui.separator();
        self.actions_ui(ui, data).or(command)
    }

    /// Selects a row: alone, with Ctrl beside the others, with Shift and all from the last one on.
    fn select(&mut self, entries: &[Entry], row: usize, modifiers: Modifiers) {
        self.is_removing = false;
        let folder_in = |row: usize| &entries[self.shown[row]].folder;
        let folder = folder_in(row).clone();
        let is_anchor = |at: &usize| Some(folder_in(*at)) == self.anchor.as_ref();
        let anchor = (0..self.shown.len()).find(is_anchor);
        match anchor.filter(|_| modifiers.shift) {
            Some(anchor) => {
                let rows = anchor.min(row)..=anchor.max(row);
                self.selected = rows.map(|row| folder_in(row).clone()).collect();
            }
            None if modifiers.command => {
                match self.selected.iter().position(|other| *other == folder) {
                    Some(at) => drop(self.selected.remove(at)),
                    None => self.selected.push(folder.clone()),
                }
                self.anchor = Some(folder);
            }
            None => {
                self.selected = vec![folder.clone()];
                self.anchor = Some(folder);
            }
        }
    }

    fn header_ui(&mut self, ui: &mut Ui) {
        let (rect, _) =
            ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::hover());
        for (column, cell) in cells(rect) {
            let (sorted, ascending) = self.sort;
            let response = ui.interact(cell, ui.scope_id().with(column.title()), Sense::click());
            response.widget_info(|| {
                WidgetInfo::labeled(
                    Role::Button,
                    true,
                    text!("sessions-sort", column = column.title()),
                )
            });
            let color = ui.style().interact(&response).text_color();
            let inner = cell.shrink2(vec2(5.0, 0.0));
            let (at, align) = match column.is_number() {
                true => (inner.right_center(), Align2::RIGHT_CENTER),
                false => (inner.left_center(), Align2::LEFT_CENTER),
            };
            let font = TextStyle::Body.resolve(ui.style());
            let text = ui.painter().text(at, align, column.title(), font, color);
            if sorted == column {
                // A triangle on the free side of the title.
                let x = match column.is_number() {
                    true => text.left() - 9.0,
                    false => text.right() + 9.0,
                };
                let up = if ascending { -3.0 } else { 3.0 };
                let point = |dx: f32, dy: f32| pos2(x + dx, text.center().y + dy);
                let triangle = vec![point(-4.0, -up), point(4.0, -up), point(0.0, up)];
                ui.painter()
                    .add(Shape::convex_polygon(triangle, color, Stroke::NONE));
            }
            if response.clicked() {
                self.sort = match self.sort {
                    (sorted, ascending) if sorted == column => (column, !ascending),
                    // Numbers and dates: the largest first.
                    _ => (column, !(column.is_number() || column == Column::Date)),
                };
            }
        }
    }

    fn actions_ui(&mut self, ui: &mut Ui, data: SessionsData<'_>) -> Option<Command> {
        let entries = data.sessions.entries().iter();
        let chosen: Vec<&Entry> = entries
            .filter(|entry| self.selected.contains(&entry.folder))
            .collect();
        match chosen[..] {
            [] => {
                ui.weak(text!("sessions-choose"));
                ui.weak(text!("sessions-choose-several"));
                None
            }
            [entry] if self.is_removing => self.removal_ui(ui, entry),
            [entry] => self.one_ui(ui, entry, data.networks),
            _ => several_ui(ui, &chosen, data.networks),
        }
    }

    /// What can be done with one session.
    fn one_ui(&mut self, ui: &mut Ui, entry: &Entry, networks: Networks<'_>) -> Option<Command> {
        let mut command = None;
        let folder = || entry.folder.clone();
        let path = RichText::new(entry.folder.display().to_string()).weak();
        ui.add(Label::new(path).truncate());
        ui.horizontal_wrapped(|ui| {
            if ui.button(text!("sessions-open")).clicked() {
                command = Some(Command::OpenFolder(folder()));
            }
            if ui.button(text!("sessions-rename")).clicked() {
                command = Some(Command::BeginRename(folder()));
            }
            if ui.button(text!("show-folder")).clicked() {
                command = Some(Command::ShowFolder(folder()));
            }
            ui.menu_button(text!("sessions-export"), |ui| {
                let built = Format::ALL
                    .into_iter()
                    .filter(|format| format.missing_feature().is_none());
                for format in built {
                    if ui.button(format!("{}…", words::format(format))).clicked() {
                        command = Some(Command::ExportSession(folder(), format));
                        ui.close();
                    }
                }
            });
            let asked = reader_ui(ui, networks, &[folder()]);
            command = asked.or(command.take());
            if ui.button(text!("sessions-share")).clicked() {
                command = Some(Command::BeginShare(folder()));
            }
            if ui.button(text!("sessions-trash-ask")).clicked() {
                self.is_removing = true;
            }
        });
        command
    }

    fn removal_ui(&mut self, ui: &mut Ui, entry: &Entry) -> Option<Command> {
        let mut command = None;
        ui.label(text!("sessions-trash-question", name = entry.name()));
        ui.horizontal(|ui| {
            if ui.button(text!("sessions-trash")).clicked() {
                self.is_removing = false;
                self.selected.clear();
                command = Some(Command::TrashSession(entry.folder.clone()));
            }
            if ui.button(text!("sessions-keep")).clicked() {
                self.is_removing = false;
            }
        });
        command
    }

    /// Searches and sorts again if anything has changed.
    fn update_shown(&mut self, sessions: &Sessions) {
        let (column, ascending) = self.sort;
        let wanted = (sessions.version(), self.search.clone(), column, ascending);
        if self.shown_for.as_ref() == Some(&wanted) {
            return;
        }
        let entries = sessions.entries();
        self.shown = (0..entries.len())
            .filter(|&at| entries[at].matches(&self.search))
            .collect();
        // Stable: equal ones stay in the order of time.
        self.shown.sort_by(|&a, &b| {
            let order = column.compare(&entries[a], &entries[b]);
            if ascending { order } else { order.reverse() }
        });
        self.shown_for = Some(wanted);
    }
}

/// What can be done with several sessions.
fn several_ui(ui: &mut Ui, chosen: &[&Entry], networks: Networks<'_>) -> Option<Command> {
    let mut command = None;
    let folders: Vec<PathBuf> = chosen.iter().map(|entry| entry.folder.clone()).collect();
    ui.weak(text!("sessions-chosen", count = folders.len()));
    ui.horizontal_wrapped(|ui| {
        if ui.button(text!("sessions-compare")).clicked() {
            command = Some(Command::CompareSessions(folders.clone()));
        }
        command = reader_ui(ui, networks, &folders).or(command.take());
    });
    command
}

/// The menu of networks that can read sessions.
fn reader_ui(ui: &mut Ui, networks: Networks<'_>, folders: &[PathBuf]) -> Option<Command> {
    let mut command = None;
    ui.menu_button(text!("file-read-again"), |ui| {
        menu_style(ui);
        command = networks_ui(ui, networks, folders);
    });
    command
}

/// The cells of a row, left to right.
fn cells(row: egui::Rect) -> impl Iterator<Item = (Column, egui::Rect)> {
    let fixed: f32 = Column::ALL.iter().map(|column| column.width()).sum();
    let name_width = (row.width() - fixed - 14.0).max(120.0);
    let mut left = row.left();
    Column::ALL.into_iter().map(move |column| {
        let width = match column {
            Column::Name => name_width,
            _ => column.width(),
        };
        let cell = egui::Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        left += width;
        (column, cell)
    })
}

fn row_ui(ui: &mut Ui, entry: &Entry, is_selected: bool) -> egui::Response {
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let name = entry.name();
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &name));
    let palette = colors::palette(ui.ctx().theme());
    if is_selected {
        ui.painter()
            .rect_filled(rect, 4.0, ui.visuals().selection.bg_fill);
    } else if response.hovered() {
        ui.painter()
            .rect_filled(rect, 4.0, ui.visuals().widgets.hovered.weak_bg_fill);
    }
    for (column, cell) in cells(rect) {
        let inner = cell.shrink2(vec2(5.0, 0.0));
        let text = WidgetText::from(column.text(entry));
        let galley = text.into_galley(
            ui,
            Some(TextWrapMode::Truncate),
            inner.width(),
            TextStyle::Body,
        );
        let top = inner.center().y - galley.size().y / 2.0;
        let left = match column.is_number() {
            true => inner.right() - galley.size().x,
            false => inner.left(),
        };
        let color = match column {
            Column::Name => ui.visuals().text_color(),
            _ => palette.weak_text,
        };
        let color = if is_selected {
            palette.on_accent
        } else {
            color
        };
        ui.painter().galley(pos2(left, top), galley, color);
    }
    let note = &entry.about.note;
    let about = [&entry.about.condition, note].map(String::as_str);
    let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
    if about.is_empty() {
        return response;
    }
    response.on_hover_text(about.join("\n"))
}

/// "340 kB", "3.4 MB" or "1.2 GB".
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
