//! The part of a session's time that the timeline shows, and how it maps to the window.
//!
//! Zooming keeps the time under the pointer where it is, and nothing outside the session is ever shown.

use std::{ops::Range, time::Duration};

use egui::Rangef;

/// Shortest visible time, s: a few frames.
const MIN_LENGTH_S: f64 = 0.2;

/// Distances between ticks, s.
const TICK_STEPS_S: [f64; 15] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
];

/// The visible part of a session's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Time at the left edge, s.
    pub start_s: f64,
    /// Length of the visible part, s.
    pub length_s: f64,
    /// Length of the session, s.
    pub whole_s: f64,
}

impl Span {
    /// All of a session of this length.
    pub fn whole(duration: Duration) -> Self {
        let whole_s = duration.as_secs_f64().max(MIN_LENGTH_S);
        Self {
            start_s: 0.0,
            length_s: whole_s,
            whole_s,
        }
    }

    /// Whether everything is visible.
    pub fn is_whole(&self) -> bool {
        self.length_s >= self.whole_s
    }

    /// Times at both edges, s.
    pub fn range(&self) -> Range<f64> {
        self.start_s..self.start_s + self.length_s
    }

    /// Shows `factor` times as much detail; the time `around_s` stays in place.
    pub fn zoom(&mut self, factor: f64, around_s: f64) {
        if !(factor.is_finite() && factor > 0.0) {
            return;
        }
        let share = (around_s - self.start_s) / self.length_s;
        self.length_s = (self.length_s / factor).clamp(MIN_LENGTH_S, self.whole_s);
        self.start_s = around_s - share * self.length_s;
        self.scroll(0.0);
    }

    /// Scrolls by `seconds`, within the session.
    pub fn scroll(&mut self, seconds: f64) {
        let last = (self.whole_s - self.length_s).max(0.0);
        self.start_s = (self.start_s + seconds).clamp(0.0, last);
    }

    /// Scrolls to `time_s`, almost a page at a time, if it is not visible.
    pub fn follow(&mut self, time_s: f64) {
        if !self.range().contains(&time_s) {
            self.start_s = time_s - 0.05 * self.length_s;
            self.scroll(0.0);
        }
    }

    /// The x coordinate of a time, if the visible part spans `x`.
    pub fn x(&self, time_s: f64, x: Rangef) -> f32 {
        let share = (time_s - self.start_s) / self.length_s;
        x.min + share as f32 * x.span()
    }

    /// The time at an x coordinate, within the session.
    pub fn time(&self, at: f32, x: Rangef) -> Duration {
        let share = f64::from((at - x.min) / x.span().max(1.0));
        let seconds = (self.start_s + share * self.length_s).clamp(0.0, self.whole_s);
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// Times of ticks that are at least `min_gap` points apart in a width of `width`, and their distance, s.
    pub fn ticks(&self, width: f32, min_gap: f32) -> (Vec<f64>, f64) {
        let min_step_s = self.length_s * f64::from(min_gap / width.max(1.0));
        let fits = TICK_STEPS_S.into_iter().find(|step| *step >= min_step_s);
        let step = fits.unwrap_or_else(|| (min_step_s / 3600.0).ceil() * 3600.0);
        let first = (self.start_s / step).ceil() as u64;
        let last = ((self.start_s + self.length_s) / step).floor() as u64;
        let times = (first..=last).map(|n| n as f64 * step).collect();
        (times, step)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const X: Rangef = Rangef {
        min: 100.0,
        max: 1100.0,
    };

    fn minute() -> Span {
        Span::whole(Duration::from_secs(60))
    }

    #[test]
    fn zooming_keeps_the_time_under_the_pointer() {
        let mut span = minute();
        span.zoom(4.0, 30.0);
        assert_eq!(span.length_s, 15.0);
        assert!((span.x(30.0, X) - 600.0).abs() < 1e-3);
        span.zoom(0.001, 30.0);
        assert!(span.is_whole());
        assert_eq!(span.range(), 0.0..60.0);
    }

    #[test]
    fn following_a_time_scrolls_by_pages() {
        let mut span = minute();
        span.zoom(6.0, 0.0);
        span.follow(9.0);
        assert_eq!(span.start_s, 0.0);
        span.follow(11.0);
        assert_eq!(span.range(), 10.5..20.5);
        span.follow(59.5);
        assert_eq!(span.range(), 50.0..60.0);
    }

    #[test]
    fn ticks_have_room_for_their_labels() {
        let (ticks, step) = minute().ticks(1000.0, 80.0);
        assert_eq!(step, 5.0);
        assert_eq!(ticks.len(), 13);
        let (ticks, _) = Span::whole(Duration::ZERO).ticks(1000.0, 80.0);
        assert_eq!(ticks, [0.0, 0.1, 0.2]);
        let (ticks, step) = Span::whole(Duration::from_secs(86_400)).ticks(400.0, 80.0);
        assert_eq!((ticks.len(), step), (5, 18_000.0));
    }

    proptest! {
        #[test]
        fn nothing_outside_the_session_is_ever_shown(
            moves in prop::collection::vec((-2.0f64..2.0, 0.0f64..60.0, -100.0f64..100.0), 1..40),
        ) {
            let mut span = minute();
            for (zoom, around, scroll) in moves {
                span.zoom(zoom.exp2(), around);
                span.scroll(scroll);
                prop_assert!(span.start_s >= 0.0);
                prop_assert!(span.start_s + span.length_s <= span.whole_s + 1e-9);
                prop_assert!(span.length_s >= MIN_LENGTH_S);
            }
        }

        #[test]
        fn coordinates_and_times_are_inverse(x in 100.0f32..1100.0, zoom in 1.0f64..100.0) {
            let mut span = minute();
            span.zoom(zoom, 20.0);
            let back = span.x(span.time(x, X).as_secs_f64(), X);
            prop_assert!((back - x).abs() < 0.01, "{back} instead of {x}");
        }
    }
}
