//! Smoothing of probabilities over time, one filter per track.
//!
//! The filter runs on log-probabilities, where evidence adds up: averaging the probabilities themselves would let
//! one confident frame outweigh many doubtful ones. It is a first-order low-pass with a time constant τ: each
//! value moves by `1 − exp(−Δt/τ)` of the way, Δt being media time, so the result does not depend on how many
//! frames were analyzed in between.
//!
//! The label of a face is held: where two labels are about equally probable, the larger one changes with every frame, and
//! a name that flickers can neither be read nor counted.

use std::{collections::HashMap, time::Duration};

use crate::{
    detect::TrackId,
    expression::{Label, Logits, Probabilities},
};

/// Smaller probabilities are raised to this. Without a floor a single frame with a probability of zero would hold an
/// expression down for good (its logarithm is −∞). 1e-5 distorts a distribution by less than 1e-4 and is far below
/// anything shown.
const PROBABILITY_FLOOR: f32 = 1e-5;
/// Another label takes over at once if it is more probable than the held one by this much.
const CLEAR_LEAD: f32 = 0.05;
/// It takes over with a smaller lead once it has been the most probable for this long: about as long as people take to
/// read a word.
const MAX_HELD: Duration = Duration::from_millis(300);

/// Values of one track, as of the last frame in which its face was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceValues {
    /// Of the last classified frame alone.
    pub raw: Probabilities,
    /// Smoothed over time.
    pub smoothed: Probabilities,
    /// The held label.
    pub label: Label,
}

/// The filters of all tracks of a source.
#[derive(Debug, Default)]
pub(super) struct Smoother {
    tracks: HashMap<TrackId, Filter>,
}

#[derive(Debug)]
struct Filter {
    held: FaceValues,
    /// Media time since which the most probable label is another than the held one.
    challenged_at: Option<Duration>,
    /// Filter state, normalized only when read: a common offset does not change the softmax.
    log_probabilities: Logits,
    /// Media time of the last value.
    time: Duration,
}

impl Smoother {
    /// Takes in the probabilities of a face seen at media time `time` and returns them with the smoothed ones.
    ///
    /// The first value of a track passes unchanged, as does every value if `time_constant` is zero; its label is the most
    /// probable one.
    /// Time that does not advance changes nothing.
    pub fn update(
        &mut self,
        track: TrackId,
        raw: Probabilities,
        time: Duration,
        time_constant: Duration,
    ) -> FaceValues {
        let log_raw = log_probabilities(raw);
        let filter = self.tracks.entry(track).or_insert(Filter {
            held: FaceValues::unsmoothed(raw),
            challenged_at: None,
            log_probabilities: log_raw,
            time,
        });
        if time_constant.is_zero() {
            filter.log_probabilities = log_raw;
            filter.held = FaceValues::unsmoothed(raw);
            filter.challenged_at = None;
        } else if let Some(elapsed) = time.checked_sub(filter.time).filter(|dt| !dt.is_zero()) {
            let weight = 1.0 - (-elapsed.as_secs_f32() / time_constant.as_secs_f32()).exp();
            for (state, value) in filter.log_probabilities.0.iter_mut().zip(log_raw.0.iter()) {
                *state += weight * (value - *state);
            }
            let smoothed = filter.log_probabilities.softmax(1.0);
            filter.held.raw = raw;
            filter.held.smoothed = smoothed;
            filter.choose_label(time);
        } else {
            filter.held.raw = raw;
        }
        filter.time = time;
        filter.held
    }

    /// The last values of a track; `None` if it never had any.
    pub fn held(&self, track: TrackId) -> Option<FaceValues> {
        self.tracks.get(&track).map(|filter| filter.held)
    }

    /// Forgets the tracks for which `alive` is false.
    pub fn retain(&mut self, alive: impl Fn(TrackId) -> bool) {
        self.tracks.retain(|&track, _| alive(track));
    }

    /// Forgets all tracks.
    pub fn clear(&mut self) {
        self.tracks.clear();
    }
}

impl FaceValues {
    /// Values that are not smoothed.
    fn unsmoothed(raw: Probabilities) -> Self {
        Self {
            raw,
            smoothed: raw,
            label: raw.top().0,
        }
    }
}

impl Filter {
    /// Holds the label, or lets another take over.
    fn choose_label(&mut self, time: Duration) {
        let FaceValues {
            smoothed, label, ..
        } = &mut self.held;
        let (top, probability) = smoothed.top();
        if top == *label {
            self.challenged_at = None;
            return;
        }
        let since = *self.challenged_at.get_or_insert(time);
        let is_clear = probability - smoothed.of(*label) >= CLEAR_LEAD;
        if is_clear || time.saturating_sub(since) >= MAX_HELD {
            *label = top;
            self.challenged_at = None;
        }
    }
}

fn log_probabilities(probabilities: Probabilities) -> Logits {
    Logits(probabilities.0.map(|p| p.max(PROBABILITY_FLOOR).ln()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::expression::{Expression, N_EXPRESSIONS};

    const FACE: TrackId = TrackId(1);
    const TAU: Duration = Duration::from_millis(300);

    fn sure_of(expression: Expression) -> Probabilities {
        let mut logits = Logits::default();
        logits.0[expression.index()] = 6.0;
        logits.softmax(1.0)
    }

    fn largest_difference(a: Probabilities, b: Probabilities) -> f32 {
        a.0.iter()
            .zip(b.0.iter())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
    }

    fn distributions() -> impl Strategy<Value = Probabilities> {
        prop::array::uniform7(-30.0f32..30.0).prop_map(|logits| Logits::from(logits).softmax(1.0))
    }

    /// The smoothed value at 2 s of a face that is sad until 1 s and happy from then on.
    fn at_two_seconds(rate_hz: u32, tau: Duration) -> Probabilities {
        let mut smoother = Smoother::default();
        let mut last = Probabilities::default();
        for frame in 0..=2 * rate_hz {
            let raw = sure_of(if frame <= rate_hz {
                Expression::Sad
            } else {
                Expression::Happy
            });
            let time = Duration::from_secs_f64(f64::from(frame) / f64::from(rate_hz));
            last = smoother.update(FACE, raw, time, tau).smoothed;
        }
        last
    }

    #[test]
    fn does_not_depend_on_the_frame_rate() {
        for tau in [100, 300, 1000, 3000].map(Duration::from_millis) {
            let (slow, fast) = (at_two_seconds(10, tau), at_two_seconds(60, tau));
            assert!(
                largest_difference(slow, fast) < 1e-4,
                "{tau:?}: {slow:?} and {fast:?}"
            );
        }
    }

    /// After τ·ln 2 two mirrored distributions have met halfway.
    #[test]
    fn has_the_time_constant_it_says() {
        let mut smoother = Smoother::default();
        smoother.update(FACE, sure_of(Expression::Sad), Duration::ZERO, TAU);
        let half = TAU.mul_f64(std::f64::consts::LN_2);
        let held = smoother.update(FACE, sure_of(Expression::Happy), half, TAU);
        let (sad, happy) = (
            held.smoothed.of(Expression::Sad),
            held.smoothed.of(Expression::Happy),
        );
        assert!((sad - happy).abs() < 1e-3, "{sad} and {happy}");
        assert_eq!(held.raw, sure_of(Expression::Happy));
    }

    /// Two labels that take turns at being a little more probable: the name stays. One that leads clearly, or for long,
    /// takes over.
    #[test]
    fn a_label_is_held_against_small_and_short_leads() {
        let between = |happy: f32| {
            let mut values = [0.0; N_EXPRESSIONS];
            values[Expression::Happy.index()] = happy;
            values[Expression::Sad.index()] = 1.0 - happy;
            Probabilities::from(values)
        };
        let mut smoother = Smoother::default();
        // Follows within a millisecond, so what is smoothed is what goes in.
        let fast = Duration::from_millis(1);
        let mut label = |happy, ms| {
            let time = Duration::from_millis(ms);
            smoother.update(FACE, between(happy), time, fast).label
        };
        assert_eq!(label(0.52, 0), Expression::Happy);
        for frame in 1..40 {
            let happy = if frame % 2 == 0 { 0.51 } else { 0.49 };
            assert_eq!(label(happy, 100 * frame), Expression::Happy, "{frame}");
        }
        assert_eq!(label(0.45, 4000), Expression::Sad, "a clear lead");
        for ms in (4033..4333).step_by(33) {
            assert_eq!(label(0.51, ms), Expression::Sad, "{ms}");
        }
        assert_eq!(label(0.51, 4366), Expression::Happy, "for long enough");
    }

    #[test]
    fn without_smoothing_the_label_is_the_most_probable_one() {
        let mut smoother = Smoother::default();
        for (frame, expression) in [Expression::Sad, Expression::Happy, Expression::Sad]
            .into_iter()
            .enumerate()
        {
            let mut values = [0.0; N_EXPRESSIONS];
            values[Expression::Fear.index()] = 0.49;
            values[expression.index()] = 0.51;
            let time = Duration::from_millis(10 * frame as u64);
            let held = smoother.update(FACE, values.into(), time, Duration::ZERO);
            assert_eq!(held.label, expression);
        }
    }

    #[test]
    fn forgets_ended_tracks_and_keeps_the_others() {
        let mut smoother = Smoother::default();
        let first = smoother.update(FACE, sure_of(Expression::Fear), Duration::ZERO, TAU);
        smoother.update(
            TrackId(2),
            sure_of(Expression::Happy),
            Duration::from_secs(9),
            TAU,
        );
        assert_eq!(smoother.held(FACE), Some(first));
        smoother.retain(|track| track == TrackId(2));
        assert_eq!(smoother.held(FACE), None);
        assert!(smoother.held(TrackId(2)).is_some());
        smoother.clear();
        assert_eq!(smoother.held(TrackId(2)), None);
    }

    #[test]
    fn recovers_from_a_certainty_of_zero() {
        let mut smoother = Smoother::default();
        let mut certain = [0.0; N_EXPRESSIONS];
        certain[Expression::Angry.index()] = 1.0;
        smoother.update(FACE, Probabilities::from(certain), Duration::ZERO, TAU);
        let later = smoother.update(FACE, sure_of(Expression::Happy), TAU * 3, TAU);
        assert_eq!(later.smoothed.top().0, Expression::Happy);
    }

    proptest! {
        #[test]
        fn stays_a_distribution(
            values in prop::collection::vec((distributions(), 0u64..2000, 0u64..3000), 1..40),
        ) {
            let mut smoother = Smoother::default();
            let mut time = Duration::ZERO;
            for (raw, step_ms, tau_ms) in values {
                time += Duration::from_millis(step_ms);
                let tau = Duration::from_millis(tau_ms); // Changes while it runs, zero included.
                let held = smoother.update(FACE, raw, time, tau);
                let sum: f32 = held.smoothed.0.iter().sum();
                prop_assert!((sum - 1.0).abs() < 1e-4, "sum {sum}");
                prop_assert!(held.smoothed.0.iter().all(|p| (0.0..=1.0 + 1e-6).contains(p)));
                if tau.is_zero() {
                    prop_assert_eq!(held.smoothed, raw);
                }
            }
        }

        #[test]
        fn converges_to_a_steady_value(start in distributions(), target in distributions()) {
            let mut smoother = Smoother::default();
            prop_assert_eq!(smoother.update(FACE, start, Duration::ZERO, TAU).smoothed, start);
            let mut last = start;
            for frame in 1..=150u32 {
                let time = Duration::from_millis(33) * frame; // 5 s, 16 time constants.
                last = smoother.update(FACE, target, time, TAU).smoothed;
            }
            prop_assert!(largest_difference(last, target) < 1e-3, "{last:?} for {target:?}");
        }

        #[test]
        fn time_that_stands_still_or_runs_back_changes_nothing(
            start in distributions(), other in distributions(), back_ms in 0u64..5000,
        ) {
            let mut smoother = Smoother::default();
            let time = Duration::from_secs(5);
            let before = smoother.update(FACE, start, time, TAU).smoothed;
            let after = smoother.update(FACE, other, time - Duration::from_millis(back_ms), TAU);
            prop_assert_eq!(after.smoothed, before);
            prop_assert_eq!(after.raw, other);
        }
    }
}
