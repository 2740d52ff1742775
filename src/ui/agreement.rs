//! How often two networks give a face the same label, over the last minute.

use std::{collections::VecDeque, time::Duration};

use crate::pipeline::Analysis;

/// What is counted.
const WINDOW: Duration = Duration::from_secs(60);
/// The counts are kept in steps of this.
const STEP: Duration = Duration::from_secs(1);

/// The results of the last minute of the open source.
#[derive(Debug, Default)]
pub struct Agreement {
    steps: VecDeque<Step>,
}

#[derive(Debug)]
struct Step {
    number: u64,
    n_same: u32,
    n: u32,
}

impl Agreement {
    /// Takes in a result. Faces that were not found in the frame, and those turned away, do not count. Nothing is kept from
    /// before a time that has gone back, or from a time without a second network.
    pub fn see(&mut self, analysis: &Analysis) {
        if analysis.second.is_none() {
            self.clear();
            return;
        }
        let number = (analysis.frame.time.as_nanos() / STEP.as_nanos()) as u64;
        if self.steps.back().is_some_and(|last| number < last.number) {
            self.clear();
        }
        let oldest = (number + 1).saturating_sub(WINDOW.as_secs() / STEP.as_secs());
        while self.steps.front().is_some_and(|step| step.number < oldest) {
            self.steps.pop_front();
        }
        let faces = analysis.faces.iter();
        let faces = faces.filter(|face| face.unseen_for.is_zero() && !face.is_turned_away());
        for (first, second) in faces.filter_map(|face| Some((face.label, face.second?.label))) {
            if self.steps.back().is_none_or(|last| last.number < number) {
                self.steps.push_back(Step {
                    number,
                    n_same: 0,
                    n: 0,
                });
            }
            if let Some(step) = self.steps.back_mut() {
                step.n_same += u32::from(first == second);
                step.n += 1;
            }
        }
    }

    /// The share of faces with the same label, 0 to 1, counted in every frame; `None` before there are any.
    pub fn share(&self) -> Option<f32> {
        let sum = |of: fn(&Step) -> u32| self.steps.iter().map(of).sum::<u32>();
        let n = sum(|step| step.n);
        (n > 0).then(|| sum(|step| step.n_same) as f32 / n as f32)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.steps.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        expression::Expression::{self, Happy, Sad},
        pipeline::FaceValues,
        ui::fixtures::{self, checkpoint, frame},
    };

    /// A result at `time_s` in which the first network says happy, and the second this.
    fn result(time_s: u64, second: Option<Expression>) -> Analysis {
        let resolution = crate::frame::Resolution::new(4, 4);
        let mut frame = frame(0, resolution, std::time::Instant::now());
        Arc::get_mut(&mut frame).unwrap().time = Duration::from_secs(time_s);
        let mut face = fixtures::face(1, Happy, 0.9);
        face.second = second.map(|label| FaceValues {
            raw: face.raw,
            smoothed: face.smoothed,
            label: label.into(),
        });
        let mut analysis = fixtures::analysis(&frame, vec![face]);
        analysis.second = Some(checkpoint());
        analysis
    }

    #[test]
    fn counts_the_last_minute() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.share(), None);
        for second in [Happy, Sad, Sad, Sad] {
            agreement.see(&result(0, Some(second)));
        }
        assert_eq!(agreement.share(), Some(0.25));
        agreement.see(&result(30, Some(Happy)));
        assert_eq!(agreement.share(), Some(0.4));
        agreement.see(&result(59, None));
        assert_eq!(agreement.share(), Some(0.4));
        agreement.see(&result(60, Some(Happy)));
        assert_eq!(agreement.share(), Some(1.0), "the first second is over");
        agreement.see(&result(5, Some(Sad)));
        assert_eq!(agreement.share(), Some(0.0), "time has gone back");
        let mut alone = result(6, None);
        alone.second = None;
        agreement.see(&alone);
        assert_eq!(agreement.share(), None);
    }
}
