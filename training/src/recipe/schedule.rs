//! Schedules of the learning rate.
//!
//! All except the plateau are functions of the progress of the run, so a run with a time budget ends at the right rate.
//! Progress is a share of the run, not a number of steps.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// A schedule. Rates are relative to the optimizer's learning rate, which is the highest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateSchedule {
    /// Always the same rate.
    Constant,
    /// Falls when the loss on PublicTest stops falling (PyTorch's `ReduceLROnPlateau`).
    Plateau(Plateau),
    /// Falls every few epochs (PyTorch's `StepLR`).
    Step(StepDecay),
    /// Rises linearly, then falls along half a cosine, with every step (Loshchilov and Hutter 2017, arXiv:1608.03983).
    Cosine(Cosine),
    /// Rises and falls along cosines, with every step (Smith and Topin 2018, arXiv:1708.07120; PyTorch's `OneCycleLR`
    /// without the change of momentum).
    OneCycle(OneCycle),
}

/// Constants of [`RateSchedule::Plateau`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// Multiplies the rate.
    pub factor: f64,
    /// After more than this many epochs without a lower loss.
    pub patience: usize,
}

/// Constants of [`RateSchedule::Step`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDecay {
    /// Multiplies the rate.
    pub factor: f64,
    /// Each time this many epochs are done.
    pub every_epochs: usize,
}

/// Constants of [`RateSchedule::Cosine`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// Share of the run in which the rate rises, at least 0 and below 1.
    #[serde(default)]
    pub warmup: f64,
    /// Rate at the end, relative to the highest.
    #[serde(default)]
    pub final_factor: f64,
}

fervis::with_defaults! {
    /// Constants of [`RateSchedule::OneCycle`]; the defaults are PyTorch's.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct OneCycle {
        /// Share of the run in which the rate rises, above 0 and below 1.
        pub rise: f64 = 0.3,
        /// The first rate is the highest divided by this.
        pub initial_divisor: f64 = 25.0,
        /// The last rate is the first divided by this.
        pub final_divisor: f64 = 1e4,
    }
}

/// The position of a step in the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SchedulePosition {
    /// Number of finished epochs.
    pub epoch: usize,
    /// Share of the run before this step, at least 0 and below 1.
    pub done: f64,
    /// Share of the run that this step is.
    pub step: f64,
}

impl RateSchedule {
    /// Whether the schedule ends with the run, because the rate is a function of progress.
    pub fn ends_with_the_run(&self) -> bool {
        matches!(self, Self::Cosine(_) | Self::OneCycle(_))
    }

    /// The learning rate of a step. `base` is the optimizer's rate, reduced by the plateau schedule if that is used.
    pub fn rate(&self, base: f64, at: SchedulePosition) -> f64 {
        match *self {
            Self::Constant | Self::Plateau(_) => base,
            Self::Step(StepDecay {
                factor,
                every_epochs,
            }) => {
                let n_falls = i32::try_from(at.epoch / every_epochs).unwrap_or(i32::MAX);
                base * factor.powi(n_falls)
            }
            Self::Cosine(Cosine {
                warmup,
                final_factor,
            }) => {
                if at.done < warmup {
                    // The rate of the first step is not 0.
                    return base * ((at.done + at.step) / warmup).min(1.0);
                }
                let share = (at.done - warmup) / (1.0 - warmup);
                between(base, base * final_factor, share)
            }
            Self::OneCycle(OneCycle {
                rise,
                initial_divisor,
                final_divisor,
            }) => {
                let first = base / initial_divisor;
                if at.done < rise {
                    between(first, base, at.done / rise)
                } else {
                    let share = (at.done - rise) / (1.0 - rise);
                    between(base, first / final_divisor, share)
                }
            }
        }
    }
}

/// From `start` to `end` along half a cosine, as `share` goes from 0 to 1.
fn between(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * share.clamp(0.0, 1.0)).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates at the beginning of step `t` of 100, with ten steps per epoch.
    #[track_caller]
    fn check(schedule: RateSchedule, base: f64, expected: &[(usize, f64)]) {
        for &(t, expected) in expected {
            let at = SchedulePosition {
                epoch: t / 10,
                done: t as f64 / 100.0,
                step: 0.01,
            };
            let rate = schedule.rate(base, at);
            let error = (rate - expected).abs();
            assert!(
                error < 1e-9 * base,
                "{rate} instead of {expected} at step {t}"
            );
        }
    }

    /// PyTorch: `CosineAnnealingLR` gives η_min + (η_max − η_min) (1 + cos(π t / T)) / 2.
    #[test]
    fn cosine_is_pytorchs() {
        let cosine = Cosine {
            warmup: 0.0,
            final_factor: 0.01,
        };
        check(
            RateSchedule::Cosine(cosine),
            0.1,
            &[
                (0, 0.1),
                (25, 0.085_501_785_668_734), // 0.001 + 0.099 · (1 + √½) / 2
                (50, 0.050_5),
                (75, 0.015_498_214_331_266),
            ],
        );
    }

    #[test]
    fn warmup_is_linear_from_the_first_step() {
        let cosine = Cosine {
            warmup: 0.1,
            final_factor: 0.0,
        };
        check(
            RateSchedule::Cosine(cosine),
            0.1,
            &[(0, 0.01), (4, 0.05), (9, 0.1), (10, 0.1), (55, 0.05)],
        );
    }

    /// PyTorch: `StepLR(step_size=3, gamma=0.5)` gives η · 0.5^⌊epoch / 3⌋.
    #[test]
    fn steps_are_pytorchs() {
        let step = StepDecay {
            factor: 0.5,
            every_epochs: 3,
        };
        check(
            RateSchedule::Step(step),
            5e-4,
            &[
                (0, 5e-4),
                (29, 5e-4),
                (30, 2.5e-4),
                (60, 1.25e-4),
                (99, 6.25e-5),
            ],
        );
    }

    /// PyTorch: `OneCycleLR` goes from max / 25 to max in the first 30 % and on to max / 250,000, by cosines.
    #[test]
    fn one_cycle_has_pytorchs_corners() {
        check(
            RateSchedule::OneCycle(OneCycle::default()),
            0.1,
            &[
                (0, 0.004),
                (15, 0.052),
                (30, 0.1),
                (65, 0.050_000_2), // Half way between 0.1 and 4e-7.
            ],
        );
        let end = SchedulePosition {
            epoch: 10,
            done: 1.0,
            step: 0.01,
        };
        let rate = RateSchedule::OneCycle(OneCycle::default()).rate(0.1, end);
        assert!((rate - 4e-7).abs() < 1e-15);
    }

    #[test]
    fn constant_and_plateau_take_the_rate_they_are_given() {
        let plateau = Plateau {
            factor: 0.3,
            patience: 1,
        };
        for schedule in [RateSchedule::Constant, RateSchedule::Plateau(plateau)] {
            check(schedule, 3e-4, &[(0, 3e-4), (99, 3e-4)]);
        }
    }
}
