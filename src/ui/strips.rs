//! The last minute of each face in the live view.
//!
//! A strip advances four times a second, and is drawn only then: between, it is a texture. Nothing is kept of a face that
//! has not been in view for a minute.

use std::{collections::VecDeque, time::Duration};

use egui::{
    Color32, ColorImage, Context, Pos2, Rect, Stroke, TextureHandle, TextureOptions, Theme, Ui,
    pos2,
};

use super::{
    colors,
    replay::raster::{self, LaneStyle},
};
use crate::{
    detect::{Blinks, TrackId},
    expression::PerLabel,
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
    /// Finished columns with their numbers, in order; those without the face are left out.
    columns: VecDeque<(u64, Column)>,
    /// Columns in which the face blinked.
    blinks: VecDeque<u64>,
    /// The column that is being filled: its number, the sum of its values, and how many there are.
    open: (u64, PerLabel<f32>, u32),
    /// As it was drawn last, when its newest column was this, in this theme.
    drawn: Option<(TextureHandle, u64, Theme)>,
}

impl Strips {
    /// Takes in a result of the open source. Nothing is kept from before a time that has gone back.
    pub fn see(&mut self, analysis: &Analysis) {
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
            if found {
                strip.add(now, face);
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
            Some(index) if self.strips[index].open.1.labels() == labels => index,
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

    /// The faces that have a strip, in the order in which they appeared.
    pub fn tracks(&self) -> impl Iterator<Item = TrackId> + '_ {
        self.strips.iter().map(|strip| strip.track)
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
        let texture = strip.texture(ui.ctx(), now, theme);
        let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        painter.image(texture.id(), rect, whole, Color32::WHITE);
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
    pub fn description(&self, track: TrackId) -> String {
        let strip = self.strips.iter().find(|strip| strip.track == track);
        let seconds = strip.map_or(0.0, |strip| {
            strip.columns.len() as f32 * COLUMN.as_secs_f32()
        });
        format!("Last minute of face {}: {seconds:.0} s in view", track.0)
    }
}

impl Strip {
    fn new(face: &FaceAnalysis, now: u64) -> Self {
        Self {
            track: face.track,
            columns: VecDeque::new(),
            blinks: VecDeque::new(),
            open: (now, PerLabel::new(face.smoothed.labels()), 0),
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
        !self.columns.is_empty() || self.open.0 >= oldest
    }

    fn add(&mut self, now: u64, face: &FaceAnalysis) {
        let (number, sum, n) = &mut self.open;
        if *number != now {
            if *n > 0 {
                let column = Column {
                    mean: sum.map(|sum| sum / *n as f32),
                    share: 1.0,
                };
                // A result holds for half a second, as everywhere, if the next one takes longer than a column.
                for held in *number..now.min(*number + MAX_HELD) {
                    self.columns.push_back((held, column));
                }
            }
            (*number, *sum, *n) = (now, PerLabel::new(sum.labels()), 0);
        }
        for (sum, value) in sum.iter_mut().zip(face.smoothed.0.iter()) {
            *sum += value;
        }
        *n += 1;
    }

    /// The texture of the minute that ends with column `now`.
    fn texture(&mut self, ctx: &Context, now: u64, theme: Theme) -> &TextureHandle {
        let is_current = self
            .drawn
            .as_ref()
            .is_some_and(|(_, at, in_theme)| (*at, *in_theme) == (now, theme));
        if !is_current {
            let image = self.image(now, theme);
            let texture = match self.drawn.take() {
                Some((mut texture, ..)) => {
                    texture.set(image, TextureOptions::LINEAR);
                    texture
                }
                None => ctx.load_texture("strip", image, TextureOptions::LINEAR),
            };
            self.drawn = Some((texture, now, theme));
        }
        let (texture, ..) = self.drawn.as_ref().expect("it was set above");
        texture
    }

    fn image(&self, now: u64, theme: Theme) -> ColorImage {
        let mut columns = vec![Column::default(); N_COLUMNS];
        for (number, column) in &self.columns {
            let ago = now.saturating_sub(*number) as usize;
            // The column that is being filled is not drawn.
            if (1..=N_COLUMNS).contains(&ago) {
                columns[N_COLUMNS - ago] = *column;
            }
        }
        raster::lane(&columns, HEIGHT_PX, LaneStyle::Areas, theme)
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
            strips.see(&analysis(ms, vec![face]));
        }
        let columns = &strips.strips[0].columns;
        let numbers: Vec<u64> = columns.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1, 2], "the last one is being filled");
        for (_, column) in columns {
            let happy = column.mean[Expression::Happy.index()];
            assert!((0.77..0.83).contains(&happy), "{happy}");
        }
    }

    /// On a slow computer results are rarer than columns; a face that is in view has no gaps.
    #[test]
    fn a_result_holds_until_the_next_one_but_not_for_long() {
        let mut strips = Strips::default();
        for ms in [0, 400, 800, 3000] {
            strips.see(&analysis(ms, vec![happy(1)]));
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
            strips.see(&analysis(1000 * second, faces));
        }
        assert_eq!(strips.tracks().collect::<Vec<_>>(), [TrackId(2)]);
        assert!(strips.strips[0].columns.len() <= 120);
        // At the right edge is now; between the columns with values are empty ones.
        let image = strips.strips[0].image(strips.now, Theme::Dark);
        assert_eq!(image.size, [N_COLUMNS, HEIGHT_PX]);
        let is_filled = |x: usize| image[(x, HEIGHT_PX - 1)] != Color32::TRANSPARENT;
        assert!(is_filled(N_COLUMNS - 4) && !is_filled(N_COLUMNS - 2));
    }

    #[test]
    fn time_that_goes_back_begins_anew() {
        let mut strips = Strips::default();
        strips.see(&analysis(5000, vec![happy(1)]));
        strips.see(&analysis(9000, vec![happy(1)]));
        strips.mark();
        strips.see(&analysis(1000, vec![happy(4)]));
        assert_eq!(strips.tracks().collect::<Vec<_>>(), [TrackId(4)]);
        assert!(strips.marks.is_empty());
    }

    #[test]
    fn a_crowd_does_not_take_a_texture_for_each() {
        let mut strips = Strips::default();
        strips.see(&analysis(0, (1..=60).map(happy).collect()));
        assert_eq!(strips.tracks().count(), MAX_STRIPS);
    }
}
