//! The layout: a title, a legend, the events, a panel for each face, and the shares of time.

use std::ops::Range;

use plotters::backend::DrawingBackend;

use super::{
    super::{Selection, on_one_line, summary::FaceSummary},
    axis,
    canvas::{Anchor, Canvas, Drawn},
    curve::{self, Point},
};
use crate::{
    expression::{Label, Labels},
    palette::{self, GRID, Ground, INK, PAPER, Rgb, WEAK_INK},
    pipeline::Shown,
    session::{
        about::About,
        tables::EventKind,
        timeline::{FaceTrack, Run},
    },
    time::Ticks,
};

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
const PLOT_WIDTH: f64 = WIDTH - LEFT - RIGHT;
/// Height of the title and the legend, if that has one row.
const HEAD: f64 = 84.0;
const LEGEND_ROW: f64 = 22.0;
/// Width of a label's color in the legend, with its gap, and the gap after its name.
const LEGEND_CHIP: f64 = 20.0;
const LEGEND_GAP: f64 = 22.0;
/// Room at the right of the legend for what the curves are.
const LEGEND_NOTE: f64 = 200.0;
/// Rows of event labels, and their height.
const EVENT_ROWS: usize = 3;
const EVENT_ROW: f64 = 18.0;
const PANEL: f64 = 150.0;
/// Space around a panel: its title with the band of expressions above, the time marks below.
const PANEL_TOP: f64 = 44.0;
const PANEL_BOTTOM: f64 = 30.0;
const BAND: f64 = 8.0;
/// Distance of the lines over what has no name.
const HATCH: f32 = 5.0;
const SHARE_HEAD: f64 = 40.0;
const SHARE_ROW: f64 = 30.0;
const FOOT: f64 = 34.0;

const TITLE: f64 = 22.0;
const HEADING: f64 = 18.0;
const SMALL: f64 = 15.0;

/// Maximum number of panels. More would make the plot too tall to open; the faces seen longest get one.
const MAX_PANELS: usize = 12;
/// Maximum length of an event label.
const MAX_EVENT_CHARS: usize = 28;
/// Maximum length of a face's name above its panel, and beside its shares.
const MAX_NAME_CHARS: usize = 40;
const MAX_SHORT_NAME_CHARS: usize = 8;

struct Panel {
    number: u64,
    /// What it is called.
    name: String,
    summary: FaceSummary,
    runs: Vec<Run<Shown>>,
    curves: Vec<Vec<Point>>,
}

struct Mark {
    time_s: f64,
    words: String,
}

/// A plot, laid out.
pub(super) struct Picture {
    title: String,
    length_s: f64,
    panels: Vec<Panel>,
    n_left_out: usize,
    marks: Vec<Mark>,
    /// Spans that do not count, s.
    excluded: Vec<Range<f64>>,
    labels: Labels,
    legend: Vec<Vec<Shown>>,
}

/// Who and what it is about, the source, and the date.
fn title(about: &About, source: &str, started: &str) -> String {
    let texts = [&about.participant, &about.name, &about.condition].map(|text| on_one_line(text));
    let texts = texts
        .into_iter()
        .chain([on_one_line(source), started.to_owned()]);
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    texts.join(", ")
}

impl Picture {
    pub fn new(selection: &Selection<'_>) -> Self {
        let session = selection.session;
        let spans = selection.tracks.iter().flat_map(|track| &track.spans);
        let events = session.events.iter().map(|event| event.time);
        let end = spans
            .map(|span| span.end)
            .chain(events)
            .fold(session.last_time(), Ticks::max);
        // The axis needs a length even if nothing was recorded.
        let length_s = end.as_secs_f64().max(0.1);
        let columns_per_s = PLOT_WIDTH / length_s;
        let mut by_length: Vec<(&FaceTrack<'_>, f64)> = selection
            .tracks
            .iter()
            .map(|track| (track, track.seen_s()))
            .collect();
        by_length.sort_by(|a, b| b.1.total_cmp(&a.1));
        let n_left_out = by_length.len().saturating_sub(MAX_PANELS);
        by_length.truncate(MAX_PANELS);
        let mut panels: Vec<Panel> = by_length
            .into_iter()
            .map(|(track, _)| Panel {
                number: track.number,
                name: shortened(&selection.names().words(track.number), MAX_NAME_CHARS),
                summary: FaceSummary::of(track),
                runs: track.shown_runs(),
                curves: curve::curves(track, columns_per_s),
            })
            .collect();
        panels.sort_by_key(|panel| panel.number);
        let mut runs = panels.iter().flat_map(|panel| &panel.runs);
        let has_unnamed = runs.any(|run| !run.what.is_named());
        let marks = session
            .events
            .iter()
            .filter(|event| is_worth_a_mark(event.kind))
            .map(|event| Mark {
                time_s: event.time.as_secs_f64(),
                words: match (event.kind, on_one_line(&event.detail)) {
                    (kind, note) if note.is_empty() => kind.name().replace('_', " "),
                    (EventKind::Marker | EventKind::Checkpoint, note) => {
                        shortened(&note, MAX_EVENT_CHARS)
                    }
                    (kind, _) => kind.name().replace('_', " "),
                },
            })
            .collect();
        let manifest = &session.manifest;
        // Date and time, without the offset that RFC 3339 adds.
        let started: String = manifest.started.chars().take(19).collect();
        Self {
            title: title(
                &manifest.about,
                &manifest.source.name,
                &started.replace('T', " "),
            ),
            length_s,
            panels,
            n_left_out,
            marks,
            excluded: session
                .left_out
                .spans
                .iter()
                .map(|span| span.time.start.as_secs_f64()..span.time.end.as_secs_f64())
                .collect(),
            labels: session.labels(),
            legend: legend_rows(session.labels(), has_unnamed),
        }
    }

    /// Width and height.
    pub fn size(&self) -> [u32; 2] {
        let height = self.shares_top() + self.shares_height() + FOOT;
        [WIDTH as u32, height as u32]
    }

    fn events_height(&self) -> f64 {
        if self.marks.is_empty() {
            0.0
        } else {
            EVENT_ROWS as f64 * EVENT_ROW
        }
    }

    /// Height of the title and the legend.
    fn head(&self) -> f64 {
        HEAD + (self.legend.len() - 1) as f64 * LEGEND_ROW
    }

    /// Top of a panel's curves.
    fn panel_top(&self, index: usize) -> f64 {
        let above = index as f64 * (PANEL_TOP + PANEL + PANEL_BOTTOM);
        self.head() + self.events_height() + above + PANEL_TOP
    }

    fn shares_top(&self) -> f64 {
        self.panel_top(self.panels.len().max(1)) - PANEL_TOP
    }

    fn shares_height(&self) -> f64 {
        if self.panels.is_empty() {
            0.0
        } else {
            SHARE_HEAD + self.panels.len() as f64 * SHARE_ROW
        }
    }

    fn x_of(&self, time_s: f64) -> f64 {
        LEFT + PLOT_WIDTH * (time_s / self.length_s).clamp(0.0, 1.0)
    }

    pub fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        canvas.text((LEFT, 26.0), &self.title, TITLE, INK, Anchor::Left)?;
        self.draw_legend(canvas)?;
        for index in 0..self.panels.len().max(1) {
            let top = self.panel_top(index);
            self.draw_axes(canvas, top)?;
            match self.panels.get(index) {
                Some(panel) => self.draw_panel(canvas, panel, top)?,
                None => {
                    let middle = (LEFT + PLOT_WIDTH / 2.0, top + PANEL / 2.0);
                    canvas.text(
                        middle,
                        "no face was seen",
                        HEADING,
                        WEAK_INK,
                        Anchor::Middle,
                    )?;
                }
            }
        }
        self.draw_events(canvas, self.head() + self.events_height())?;
        self.draw_shares(canvas)
    }

    fn draw_legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        for (row, labels) in self.legend.iter().enumerate() {
            let mut x = LEFT;
            let y = 60.0 + row as f64 * LEGEND_ROW;
            for label in labels {
                draw_band(canvas, (x, y - 6.0), (x + 14.0, y + 6.0), *label)?;
                x += LEGEND_CHIP;
                let words = legend_words(*label);
                canvas.text((x, y), words, SMALL, INK, Anchor::Left)?;
                x += canvas.text_width(words, SMALL) + LEGEND_GAP;
            }
        }
        let words = "smoothed probabilities";
        let at = (LEFT + PLOT_WIDTH, 60.0);
        canvas.text(at, words, SMALL, WEAK_INK, Anchor::Right)
    }

    fn draw_axes<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, top: f64) -> Drawn<DB> {
        let bottom = top + PANEL;
        for span in &self.excluded {
            let (from, to) = (self.x_of(span.start), self.x_of(span.end));
            canvas.fill((from, top), (to, bottom), GRID)?;
            let at = ((from + to) / 2.0, top + 12.0);
            if to - from > canvas.text_width("excluded", SMALL) {
                canvas.text(at, "excluded", SMALL, WEAK_INK, Anchor::Middle)?;
            }
        }
        for (share, words) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
            let y = bottom - PANEL * share;
            canvas.line(&[(LEFT, y), (LEFT + PLOT_WIDTH, y)], GRID, 1.0)?;
            canvas.text((LEFT - 8.0, y), words, SMALL, WEAK_INK, Anchor::Right)?;
        }
        for (time_s, words) in axis::marks(self.length_s) {
            let x = self.x_of(time_s);
            canvas.line(&[(x, top), (x, bottom + 4.0)], GRID, 1.0)?;
            canvas.text((x, bottom + 15.0), &words, SMALL, WEAK_INK, Anchor::Middle)?;
        }
        Ok(())
    }

    fn draw_panel<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        panel: &Panel,
        top: f64,
    ) -> Drawn<DB> {
        canvas.text((LEFT, top - 28.0), &panel.name, HEADING, INK, Anchor::Left)?;
        let seen = format!("seen for {:.1} s", panel.summary.seen_s);
        canvas.text(
            (LEFT + PLOT_WIDTH, top - 28.0),
            &seen,
            SMALL,
            WEAK_INK,
            Anchor::Right,
        )?;
        for run in &panel.runs {
            let (start, end) = (run.start.as_secs_f64(), run.end.as_secs_f64());
            let from = (self.x_of(start), top - BAND - 6.0);
            let to = (self.x_of(end), top - 6.0);
            draw_band(canvas, from, to, run.what)?;
        }
        for curve in &panel.curves {
            for label in self.labels.iter() {
                let points: Vec<(f64, f64)> = curve
                    .iter()
                    .map(|(time_s, values)| {
                        let share = f64::from(values.of(label)).clamp(0.0, 1.0);
                        (self.x_of(*time_s), top + PANEL * (1.0 - share))
                    })
                    .collect();
                canvas.line(&points, color(label), 1.5)?;
            }
        }
        Ok(())
    }

    /// A line through each panel for every event, with a label above the first panel where there is space.
    fn draw_events<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, bottom: f64) -> Drawn<DB> {
        let mut free_from = [f64::NEG_INFINITY; EVENT_ROWS];
        for mark in &self.marks {
            let x = self.x_of(mark.time_s);
            let width = canvas.text_width(&mark.words, SMALL);
            let left = x.min(LEFT + PLOT_WIDTH - width);
            let row = free_from.iter().position(|free| *free <= left);
            let mut top = bottom;
            if let Some(row) = row {
                free_from[row] = left + width + 10.0;
                let y = bottom - self.events_height() + (row as f64 + 0.5) * EVENT_ROW;
                canvas.text((left, y), &mark.words, SMALL, INK, Anchor::Left)?;
                top = y + EVENT_ROW / 2.0;
            }
            for index in 0..self.panels.len().max(1) {
                let panel = self.panel_top(index);
                canvas.line(&[(x, top), (x, panel + PANEL)], WEAK_INK, 1.0)?;
                // Between the panels are the time marks.
                top = self.panel_top(index + 1) - BAND - 6.0;
            }
        }
        Ok(())
    }

    fn draw_shares<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
        let top = self.shares_top();
        if !self.panels.is_empty() {
            canvas.text(
                (LEFT, top + 16.0),
                "share of time",
                HEADING,
                INK,
                Anchor::Left,
            )?;
        }
        for (index, panel) in self.panels.iter().enumerate() {
            let y = top + SHARE_HEAD + index as f64 * SHARE_ROW;
            let middle = y + SHARE_ROW / 2.0 - 3.0;
            let name = shortened(&panel.name, MAX_SHORT_NAME_CHARS);
            canvas.text((LEFT - 8.0, middle), &name, SMALL, INK, Anchor::Right)?;
            let mut x = LEFT;
            for (label, share) in panel.summary.shares.by_label() {
                if share.is_nan() || share <= 0.0 {
                    continue;
                }
                let end = x + PLOT_WIDTH * share;
                canvas.fill((x, y), (end, y + SHARE_ROW - 6.0), color(label))?;
                let words = format!("{label} {:.0} %", share * 100.0);
                if canvas.text_width(&words, SMALL) + 8.0 < end - x {
                    let at = ((x + end) / 2.0, middle);
                    canvas.text(at, &words, SMALL, PAPER, Anchor::Middle)?;
                }
                x = end;
            }
        }
        if self.n_left_out > 0 {
            let words = format!(
                "{} more faces were seen for a shorter time and are not shown",
                self.n_left_out
            );
            let y = top + self.shares_height() + 14.0;
            canvas.text((LEFT, y), &words, SMALL, WEAK_INK, Anchor::Left)?;
        }
        Ok(())
    }
}

/// The rows of the legend. Widths of names are estimated, with some room.
fn legend_rows(labels: Labels, has_unnamed: bool) -> Vec<Vec<Shown>> {
    let width = PLOT_WIDTH - LEGEND_NOTE;
    let mut rows = vec![Vec::new()];
    let mut x = 0.0;
    let unnamed = has_unnamed.then_some(Shown::Uncertain);
    for label in labels.iter().map(Shown::Label).chain(unnamed) {
        let n_chars = legend_words(label).chars().count() as f64;
        let entry = LEGEND_CHIP + n_chars * SMALL * 0.6 + LEGEND_GAP;
        if x + entry > width && x > 0.0 {
            rows.push(Vec::new());
            x = 0.0;
        }
        x += entry;
        rows.last_mut().expect("one row").push(label);
    }
    rows
}

/// What a color in the legend means.
fn legend_words(shown: Shown) -> &'static str {
    match shown {
        Shown::Label(label) => label.name(),
        Shown::Uncertain | Shown::TurnedAway => "uncertain or turned away",
    }
}

/// A rectangle in the color of what was shown; hatched if that has no name.
fn draw_band<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    from: (f64, f64),
    to: (f64, f64),
    shown: Shown,
) -> Drawn<DB> {
    canvas.fill(from, to, palette::shown(shown.label(), Ground::Light))?;
    if !shown.is_named() {
        let corner = |(x, y): (f64, f64)| [x as f32, y as f32];
        for line in palette::hatching(corner(from), corner(to), HATCH) {
            let line = line.map(|[x, y]| (f64::from(x), f64::from(y)));
            canvas.line(&line, PAPER, 1.0)?;
        }
    }
    Ok(())
}

/// Whether a kind of event is drawn. Start and end are the edges of the plot, and the time of a warning means little.
fn is_worth_a_mark(kind: EventKind) -> bool {
    match kind {
        EventKind::Marker
        | EventKind::Paused
        | EventKind::Resumed
        | EventKind::Checkpoint
        | EventKind::SourceLost
        | EventKind::SourceBack
        | EventKind::Settings
        | EventKind::Refused
        | EventKind::Error => true,
        EventKind::Started
        | EventKind::Part
        | EventKind::Privacy
        | EventKind::Blink
        | EventKind::Warning
        | EventKind::Stopped => false,
    }
}

fn shortened(words: &str, max_chars: usize) -> String {
    let mut short: String = words.chars().take(max_chars).collect();
    if short.len() < words.len() {
        short.push('…');
    }
    short
}

fn color(label: Label) -> Rgb {
    palette::label(label, Ground::Light)
}
