//! The agreement of a network with FER+'s voters.

use std::{collections::BTreeMap, fmt};

use fervis::expression::Logits;
use serde::Serialize;

use crate::{
    data::{dataset::Dataset, ferplus::FerPlus},
    evaluate::metrics::Metrics,
};

/// How well a network agrees with the voters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Images for which more than half of the ten voters chose the same of the seven expressions.
    pub n: usize,
    /// Share of these on which the network agrees.
    pub accuracy: f64,
    /// Standard error of the accuracy.
    pub accuracy_standard_error: f64,
    /// Mean F1 of the seven classes on these images, with the majority as truth.
    pub macro_f1: f64,
    /// F1 by class, with the majority as truth.
    pub per_class_f1: BTreeMap<String, f64>,
    /// Recall by class.
    pub per_class_recall: BTreeMap<String, f64>,
    /// Precision by class.
    pub per_class_precision: BTreeMap<String, f64>,
    /// Expected calibration error on these images, 15 bins.
    pub ece: f64,
    /// Share of these on which FER-2013's label agrees with the majority: what a perfect copy of the labels would reach.
    pub label_accuracy: f64,
    /// Mean share of the voters who chose the network's answer, over all images.
    pub vote_share: f64,
}

impl Agreement {
    /// Compares the network's answers for the images at `indices` with the votes. The confidence is that of the logits
    /// divided by `temperature`.
    ///
    /// # Panics
    /// If the lengths differ, or the votes belong to another dataset.
    pub fn measure(
        votes: &FerPlus,
        dataset: &Dataset,
        indices: &[usize],
        logits: &[Logits],
        temperature: f32,
    ) -> Self {
        assert_eq!(indices.len(), logits.len(), "one prediction per image");
        let (mut n_labels, mut share) = (0, 0.0);
        let (mut clear, mut majorities) = (Vec::new(), Vec::new());
        for (&index, logits) in indices.iter().zip(logits) {
            let votes = votes.of(index);
            let (choice, _) = logits.softmax(1.0).top();
            share += f64::from(votes.by_expression[choice.index()]) / f64::from(votes.n().max(1));
            if let Some(majority) = votes.majority() {
                clear.push(*logits);
                majorities.push(majority.index() as u32);
                n_labels += usize::from(usize::from(dataset.label(index)) == majority.index());
            }
        }
        let metrics = Metrics::from_logits(&clear, &majorities, temperature);
        Self {
            n: clear.len(),
            accuracy: metrics.accuracy,
            accuracy_standard_error: metrics.accuracy_standard_error,
            macro_f1: metrics.macro_f1,
            per_class_f1: metrics.by_class(|class| class.f1),
            per_class_recall: metrics.by_class(|class| class.recall),
            per_class_precision: metrics.by_class(|class| class.precision),
            ece: metrics.calibration_error,
            label_accuracy: n_labels as f64 / clear.len().max(1) as f64,
            vote_share: share / indices.len().max(1) as f64,
        }
    }
}

impl fmt::Display for Agreement {
    /// Lines for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "agreement with FER+     {:6.2} % (standard error {:.2}) of {} images with a majority (FER-2013's labels: \
             {:.2} %)",
            self.accuracy * 100.0,
            self.accuracy_standard_error * 100.0,
            self.n,
            self.label_accuracy * 100.0,
        )?;
        writeln!(
            f,
            "  macro-F1              {:6.2} %, calibration error {:.2} %",
            self.macro_f1 * 100.0,
            self.ece * 100.0
        )?;
        for (title, figures) in [
            ("F1", &self.per_class_f1),
            ("recall", &self.per_class_recall),
            ("precision", &self.per_class_precision),
        ] {
            write!(f, "  {title:<21}")?;
            for (name, figure) in figures {
                write!(f, " {name} {:.1}", figure * 100.0)?;
            }
            writeln!(f)?;
        }
        write!(
            f,
            "  on average {:.1} % of the voters agree, over all images",
            self.vote_share * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression::{self, Happy, Neutral, Sad};

    use super::*;
    use crate::{
        data::{dataset::Split, ferplus::Votes},
        fer2013::IMAGE_LEN,
    };

    #[test]
    fn agreement_counts_majorities_and_shares() {
        let mut dataset = Dataset::default();
        for expression in [Happy, Sad, Neutral] {
            dataset.push(Split::PublicTest, expression, &[1; IMAGE_LEN]);
        }
        let votes = |by_expression: [u32; 7], contempt: u32| Votes {
            by_expression,
            contempt,
            ..Votes::default()
        };
        let votes = FerPlus::new(vec![
            votes([0, 0, 0, 6, 0, 4, 0], 0),
            votes([0, 0, 0, 0, 3, 0, 7], 0),
            votes([0, 0, 0, 0, 0, 0, 5], 5),
        ]);
        let says = |expression: Expression| {
            let mut logits = Logits::default();
            logits.0[expression.index()] = 1.0;
            logits
        };
        let logits = [says(Happy), says(Sad), says(Neutral)];
        let agreement = Agreement::measure(
            &votes,
            &dataset,
            dataset.split(Split::PublicTest),
            &logits,
            1.0,
        );
        // Majorities: happy, neutral, none. Shares: 6, 3 and 5 of 10.
        assert_eq!((agreement.n, agreement.accuracy), (2, 0.5));
        assert_eq!(agreement.label_accuracy, 0.5);
        assert!((agreement.vote_share - 14.0 / 30.0).abs() < 1e-12);
        let text = agreement.to_string();
        assert!(
            text.contains("50.00 % (standard error 35.36) of 2 images"),
            "{text}"
        );
        assert_eq!(agreement.per_class_f1["happy"], 1.0);
        assert_eq!(agreement.per_class_f1["neutral"], 0.0);
        // The network calls the only neutral face sad.
        assert_eq!(agreement.per_class_recall["neutral"], 0.0);
        assert_eq!(agreement.per_class_recall["happy"], 1.0);
        assert_eq!(agreement.per_class_precision["sad"], 0.0);
        assert!(
            text.contains("recall                angry 0.0 disgust 0.0 fear 0.0 happy 100.0"),
            "{text}"
        );
    }
}
