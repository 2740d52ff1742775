//! The last minute of each face in the live view.
//!
//! A strip advances four times a second, and is drawn only then: between, it is a texture. Nothing is kept of a face that
//! has not been in view for a minute.

use std::{collections::VecDeque, ops::Range, time::Duration};

use egui::{Color32, Context, Pos2, Rect, Stroke, TextureHandle, TextureOptions, Theme, Ui, pos2};

use super::{
    colors,
    replay::raster::{self, LaneStyle},
    words::text,
};
use crate::{
    detect::{Blinks, TrackId},
    expression::{Labels, PerLabel},
    pipeline::{Analysis, FaceAnalysis},
    session::columns::Column,
};

/// Length of a strip.
pub const LENGTH: Duration = Duration::from_secs(60);
/// What one column of a strip stands for.
const COLUMN: Duration = Duration::from_millis(250);
/// Columns of a strip.
const N_COLUMNS: usize = (LENGTH.as_millis() / COLUMN.as_millis()) as usize;
/// Columns for which a result holds until the next one.
const MAX_HELD: u64 = 2;
/// Rows of a strip's texture; it is stretched to where it is shown.
const HEIGHT_PX: usize = 44;
/// More faces than this have no strip: a crowd would take a texture for each.
const MAX_STRIPS: usize = 24;
/// Height of the line at a blink, points.
const BLINK_HEIGHT: f32 = 6.0;

/// The strips of all faces.
#[derive(Default)]
pub struct Strips {
    strips: Vec<Strip>,
    blinks: Blinks,
    /// Columns at which a marker was set.
    marks: VecDeque<u64>,
    /// The column of the latest result.
    now: u64,
}

/// The strip of one face.
struct Strip {
    track: TrackId,
    number: u64,
    /// Finished columns with their numbers, in order; those without the face are left out.
    columns: VecDeque<(u64, Column)>,
    /// Columns in which the face blinked.
    blinks: VecDeque<u64>,
    /// The column that is being filled.
    open: Open,
    /// As it was drawn last.
    drawn: Option<DrawnStrip>,
}

/// A strip as it was drawn.
struct DrawnStrip {
    texture: TextureHandle,
    /// The columns without a name, counted from the left edge.
    not_named: Vec<Range<usize>>,
    /// Its newest column.
    now: u64,
    theme: Theme,
}

/// A column that is being filled.
struct Open {
    number: u64,
    /// The sum of its values, how many there are, and how many of them had a name.
    sum: PerLabel<f32>,
    n: u32,
    n_named: u32,
}

impl Open {
    fn new(number: u64, labels: Labels) -> Self {
        Self {
            number,
            sum: PerLabel::new(labels),
            n: 0,
            n_named: 0,
        }
    }
}

impl Strips {
    /// Takes in a result of the open source. Nothing is kept from before a time that has gone back. Below the probability
    /// `uncertain_below`, 0 to 1, a face is uncertain.
    pub fn see(&mut self, analysis: &Analysis, uncertain_below: f32) {
        let time = analysis.frame.time;
        let now = (time.as_nanos() / COLUMN.as_nanos()) as u64;
        if now < self.now {
            self.clear();
        }
        self.now = now;
        let oldest = now.saturating_sub(N_COLUMNS as u64);
        self.strips.retain_mut(|strip| strip.is_kept(oldest));
        while self.marks.front().is_some_and(|mark| *mark < oldest) {
            self.marks.pop_front();
        }
        for face in &analysis.faces {
            let found = face.unseen_for.is_zero();
            let blink = face
                .shape
                .as_ref()
                .filter(|_| found)
                .and_then(|shape| self.blinks.see(time, face.track, shape));
            let Some(strip) = self.strip_of(face) else {
                continue;
            };
            strip.number = face.number;
            if found {
                strip.add(now, face, face.shown(uncertain_below).is_named());
            }
            if blink.is_some() {
                strip.blinks.push_back(now);
            }
        }
    }

    /// The strip of a face, which gets one if there is room; labels that change begin a new one.
    fn strip_of(&mut self, face: &FaceAnalysis) -> Option<&mut Strip> {
        let labels = face.smoothed.labels();
        let known = self
            .strips
            .iter()
            .position(|strip| strip.track == face.track);
        let index = match known {
            Some(index) if self.strips[index].open.sum.labels() == labels => index,
            Some(index) => {
                self.strips[index] = Strip::new(face, self.now);
                index
            }
            None if self.strips.len() < MAX_STRIPS => {
                self.strips.push(Strip::new(face, self.now));
                self.strips.len() - 1
            }
            None => return None,
        };
        self.strips.get_mut(index)
    }

    /// Notes that a marker was set now.
    pub fn mark(&mut self) {
        self.marks.push_back(self.now);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The faces that have a strip, with their numbers, in the order in which they appeared.
    pub fn faces(&self) -> impl Iterator<Item = (TrackId, u64)> + '_ {
        self.strips.iter().map(|strip| (strip.track, strip.number))
    }

    /// Draws the strip of a face into `rect`, its newest values at the right edge. False if the face has none.
    pub fn paint(&mut self, ui: &Ui, track: TrackId, rect: Rect) -> bool {
        let now = self.now;
        let Some(strip) = self.strips.iter_mut().find(|strip| strip.track == track) else {
            return false;
        };
        let theme = ui.ctx().theme();
        let palette = colors::palette(theme);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        painter.rect_filled(rect, 3.0, palette.track);
        let drawn = strip.drawn(ui.ctx(), now, theme);
        let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        painter.image(drawn.texture.id(), rect, whole, Color32::WHITE);
        let width = rect.width() / N_COLUMNS as f32;
        for stretch in &drawn.not_named {
            let left = rect.left() + width * stretch.start as f32;
            let right = rect.left() + width * stretch.end as f32;
            let stretch = Rect::from_x_y_ranges(left..=right, rect.y_range());
            colors::hatch(&painter, stretch, theme);
        }
        let x = |column: u64| {
            let ago = now.saturating_sub(column) as f32;
            rect.right() - ago * rect.width() / N_COLUMNS as f32
        };
        let stroke = Stroke::new(1.5, palette.text);
        for blink in &strip.blinks {
            let range = rect.bottom() - BLINK_HEIGHT..=rect.bottom();
            painter.vline(x(*blink), range, stroke);
        }
        for mark in &self.marks {
            painter.vline(x(*mark), rect.y_range(), Stroke::new(1.5, palette.accent));
        }
        true
    }

    /// In words, for screen readers: how long the face has been in view during the last minute.
    pub fn description(&self, track: TrackId, who: &str) -> String {
        let strip = self.strips.iter().find(|strip| strip.track == track);
        let seconds = strip.map_or(0.0, |strip| {
            strip.columns.len() as f32 * COLUMN.as_secs_f32()
        });
        text!(
            "face-last-minute",
            who = who,
            seconds = format!("{seconds:.0}")
        )
    }
}

impl Strip {
    fn new(face: &FaceAnalysis, now: u64) -> Self {
        Self {
            track: face.track,
            number: face.number,
            columns: VecDeque::new(),
            blinks: VecDeque::new(),
            open: Open::new(now, face.smoothed.labels()),
            drawn: None,
        }
    }

    /// Forgets what is older than `oldest`. False if nothing is left.
    fn is_kept(&mut self, oldest: u64) -> bool {
        while self.columns.front().is_some_and(|(at, _)| *at < oldest) {
            self.columns.pop_front();
        }
        while self.blinks.front().is_some_and(|at| *at < oldest) {
            self.blinks.pop_front();
        }
        !self.columns.is_empty() || self.open.number >= oldest
    }

    fn add(&mut self, now: u64, face: &FaceAnalysis, is_named: bool) {
        let open = &mut self.open;
        if open.number != now {
            if open.n > 0 {
                let n = open.n as f32;
                let column = Column {
                    mean: open.sum.map(|sum| sum / n),
                    share: 1.0,
                    named: open.n_named as f32 / n,
                };
                // A result holds for half a second, as everywhere, if the next one takes longer than a column.
                for held in open.number..now.min(open.number + MAX_HELD) {
                    self.columns.push_back((held, column));
                }
            }
            *open = Open::new(now, open.sum.labels());
        }
        for (sum, value) in open.sum.iter_mut().zip(face.smoothed.0.iter()) {
            *sum += value;
        }
        open.n += 1;
        open.n_named += u32::from(is_named);
    }

    /// The minute that ends with column `now`, drawn.
    fn drawn(&mut self, ctx: &Context, now: u64, theme: Theme) -> &DrawnStrip {
        let before = self.drawn.take();
        let drawn = match before {
            Some(drawn) if (drawn.now, drawn.theme) == (now, theme) => drawn,
            before => {
                let columns = self.columns(now);
                let image = raster::lane(&columns, HEIGHT_PX, LaneStyle::Areas, theme);
                let texture = match before {
                    Some(DrawnStrip { mut texture, .. }) => {
                        texture.set(image, TextureOptions::LINEAR);
                        texture
                    }
                    None => ctx.load_texture("strip", image, TextureOptions::LINEAR),
                };
                DrawnStrip {
                    texture,
                    not_named: raster::not_named(&columns).collect(),
                    now,
                    theme,
                }
            }
        };
        self.drawn.insert(drawn)
    }

    /// The columns of the minute that ends with column `now`.
    fn columns(&self, now: u64) -> Vec<Column> {
        let mut columns = vec![Column::default(); N_COLUMNS];
        for (number, column) in &self.columns {
            let ago = now.saturating_sub(*number) as usize;
            // The column that is being filled is not drawn.
            if (1..=N_COLUMNS).contains(&ago) {
                columns[N_COLUMNS - ago] = *column;
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{
        expression::Expression,
        frame::{Frame, FrameId, Resolution},
        ui::fixtures,
    };

    /// A result at this time, in ms, with these faces.
    fn analysis(ms: u64, faces: Vec<FaceAnalysis>) -> Analysis {
        let size = Resolution::new(1, 1);
        let time = Duration::from_millis(ms);
        let frame = Frame::new(FrameId(ms), Instant::now(), time, size, vec![255; 4].into());
        fixtures::analysis(&frame.into(), faces)
    }

    fn happy(track: u64) -> FaceAnalysis {
        fixtures::face(track, Expression::Happy, 0.9)
    }

    #[test]
    fn a_column_is_the_mean_of_a_quarter_of_a_second() {
        let mut strips = Strips::default();
        for ms in (0..1000).step_by(50) {
            let probability = if ms % 100 == 0 { 0.9 } else { 0.7 };
            let face = fixtures::face(1, Expression::Happy, probability);
            strips.see(&analysis(ms, vec![face]), 0.8);
        }
        let columns = &strips.strips[0].columns;
        let numbers: Vec<u64> = columns.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1, 2], "the last one is being filled");
        for (_, column) in columns {
            let happy = column.mean[Expression::Happy.index()];
            assert!((0.77..0.83).contains(&happy), "{happy}");
            // Every other result is uncertain.
            assert!((0.3..0.7).contains(&column.named), "{}", column.named);
        }
    }

    /// On a slow computer results are rarer than columns; a face that is in view has no gaps.
    #[test]
    fn a_result_holds_until_the_next_one_but_not_for_long() {
        let mut strips = Strips::default();
        for ms in [0, 400, 800, 3000] {
            strips.see(&analysis(ms, vec![happy(1)]), 0.0);
        }
        let columns = &strips.strips[0].columns;
        let numbers: Vec<u64> = columns.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn only_the_last_minute_is_kept() {
        let mut strips = Strips::default();
        for second in 0..200 {
            let mut faces = vec![happy(2)];
            if second < 30 {
                faces.insert(0, happy(1));
            }
            strips.see(&analysis(1000 * second, faces), 0.0);
        }
        assert_eq!(strips.faces().collect::<Vec<_>>(), [(TrackId(2), 2)]);
        assert!(strips.strips[0].columns.len() <= 120);
        // At the right edge is now; between the columns with values are empty ones.
        let columns = strips.strips[0].columns(strips.now);
        assert_eq!(columns.len(), N_COLUMNS);
        let is_filled = |x: usize| columns[x].share > 0.0;
        assert!(is_filled(N_COLUMNS - 4) && !is_filled(N_COLUMNS - 2));
    }

    #[test]
    fn time_that_goes_back_begins_anew() {
        let mut strips = Strips::default();
        strips.see(&analysis(5000, vec![happy(1)]), 0.0);
        strips.see(&analysis(9000, vec![happy(1)]), 0.0);
        strips.mark();
        strips.see(&analysis(1000, vec![happy(4)]), 0.0);
        assert_eq!(strips.faces().collect::<Vec<_>>(), [(TrackId(4), 4)]);
        assert!(strips.marks.is_empty());
    }

    #[test]
    fn a_crowd_does_not_take_a_texture_for_each() {
        let mut strips = Strips::default();
        strips.see(&analysis(0, (1..=60).map(happy).collect()), 0.0);
        assert_eq!(strips.faces().count(), MAX_STRIPS);
    }
}
