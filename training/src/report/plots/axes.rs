//! A diagram's area, with scales along its sides.

use fervis::{
    export::plots::canvas::{Anchor, Backend, Canvas, Drawn},
    palette::{GRID, INK, Rgb, WEAK_INK},
};

/// Size of the labels, in units of the plot.
pub(super) const SMALL: f64 = 12.0;
/// Size of the titles.
pub(super) const TITLE: f64 = 14.0;

/// Side of a square diagram, and its position.
pub(super) const PLOT: f64 = 360.0;
pub(super) const LEFT: f64 = 64.0;
pub(super) const TOP: f64 = 56.0;
/// The bars and curves of a network.
pub(super) const OWN: Rgb = [0x3B, 0x76, 0xAF];
/// What is marked.
pub(super) const MARKED: Rgb = [0xD1, 0x49, 0x5B];

/// The position of a diagram in the plot, and the values at its sides.
pub(super) struct Axes {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    /// The values at the left and right side.
    pub x: [f64; 2],
    /// The values at the lower and upper side.
    pub y: [f64; 2],
}

/// A value on an axis and its label.
pub(super) type Tick = (f64, String);

impl Axes {
    /// A square diagram of shares: x from 0 to 1, y from 0 to `top_share`.
    pub fn of_shares(top_share: f64) -> Self {
        Self {
            left: LEFT,
            top: TOP,
            width: PLOT,
            height: PLOT,
            x: [0.0, 1.0],
            y: [0.0, top_share],
        }
    }

    /// The position of a point in the plot.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = |value: f64, [from, to]: [f64; 2]| (value - from) / (to - from);
        (
            self.left + self.width * share(x, self.x),
            self.top + self.height * (1.0 - share(y, self.y)),
        )
    }

    /// Draws the grid and the labels. Those of x lie at the distance `below` under the diagram.
    pub fn grid<B: Backend>(
        &self,
        canvas: &Canvas<'_, B>,
        x: &[Tick],
        y: &[Tick],
        below: f64,
    ) -> Drawn<B> {
        for (value, words) in y {
            let (left, y) = self.at((self.x[0], *value));
            canvas.line(&[(left, y), (left + self.width, y)], GRID, 1.0)?;
            canvas.text((left - 8.0, y), words, SMALL, WEAK_INK, Anchor::Right)?;
        }
        for (value, words) in x {
            let (x, bottom) = self.at((*value, self.y[0]));
            canvas.line(&[(x, bottom), (x, bottom - self.height)], GRID, 1.0)?;
            let at = (x, bottom + below + 12.0);
            canvas.text(at, words, SMALL, WEAK_INK, Anchor::Middle)?;
        }
        Ok(())
    }

    /// Draws the left and the lower side.
    pub fn frame<B: Backend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let bottom = self.top + self.height;
        let corner = (self.left, bottom);
        let points = [
            (self.left, self.top),
            corner,
            (self.left + self.width, bottom),
        ];
        canvas.line(&points, INK, 1.0)
    }
}

/// Ticks at every fifth of the range from 0 to `end`, in percent.
pub(super) fn percent_ticks(end: f64) -> Vec<Tick> {
    let tick = |fifth: u32| {
        let share = end * f64::from(fifth) / 5.0;
        (share, format!("{:.0} %", share * 100.0))
    };
    (0..=5).map(tick).collect()
}

/// A color blended over another one with this opacity, 0 to 1.
pub(super) fn over(color: Rgb, ground: Rgb, share: f64) -> Rgb {
    let mix = |(color, ground): (u8, u8)| {
        (f64::from(ground) + share * (f64::from(color) - f64::from(ground))).round() as u8
    };
    [0, 1, 2].map(|channel| mix((color[channel], ground[channel])))
}
