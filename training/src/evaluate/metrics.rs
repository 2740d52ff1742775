//! Metrics of predictions, from probabilities or logits and the true labels.
//!
//! FER-2013 has sixteen times as many happy faces as disgusted ones, so accuracy alone can hide a class that is never
//! recognized; macro-F1 gives every class the same weight. All metrics are 0 to 1 except the negative log-likelihood.

use std::{collections::BTreeMap, fmt};

use fervis::expression::{Label, Labels, Logits};
use serde::{Deserialize, Serialize};

use crate::{
    data::target::{Target, one_hot},
    evaluate::{reliability::Reliability, risk},
};

/// Least width of a column with the names of the classes, characters.
const MIN_NAME_WIDTH: usize = 9;

/// How often each class was predicted as each: `counts[truth][prediction]`, in the order of the labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// Rows are the true classes, columns the predicted ones.
    pub counts: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// A matrix for these labels, without predictions.
    pub fn new(labels: Labels) -> Self {
        Self {
            counts: vec![vec![0; labels.len()]; labels.len()],
        }
    }

    /// Counts one prediction.
    pub fn add(&mut self, truth: Label, prediction: Label) {
        self.counts[truth.index()][prediction.index()] += 1;
    }

    /// How many predictions were counted.
    pub fn n(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// How many images are of a class, by its number.
    pub fn n_true(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    /// How often a class was predicted.
    pub fn n_predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// How often a class was predicted and true.
    pub fn n_right(&self, class: usize) -> u64 {
        self.counts[class][class]
    }

    /// The share of right predictions.
    pub fn accuracy(&self) -> f64 {
        let n_right = (0..self.counts.len()).map(|class| self.n_right(class));
        ratio(n_right.sum(), self.n())
    }

    /// Precision, recall and F1 of one class, against all others together.
    pub fn of_class(&self, label: Label) -> ClassMetrics {
        let class = label.index();
        let n_right = self.n_right(class);
        let n_true = self.n_true(class);
        let n_predicted = self.n_predicted(class);
        ClassMetrics {
            label: label.name().to_owned(),
            precision: ratio(n_right, n_predicted),
            recall: ratio(n_right, n_true),
            f1: ratio(2 * n_right, n_true + n_predicted),
            n_images: n_true,
        }
    }
}

/// Metrics of one class. A metric with the denominator 0 is 0, as with scikit-learn's `zero_division=0`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Its label.
    #[serde(rename = "expression")]
    pub label: String,
    /// The share of its predictions that are right.
    pub precision: f64,
    /// The share of its images that are recognized.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// Number of its images.
    pub n_images: u64,
}

/// The metrics of a set of images; all 0 without images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of images.
    pub n_images: u64,
    /// The share of images whose most probable class is the true one.
    pub accuracy: f64,
    /// Standard error of the accuracy, `√(a (1 - a) / n)`. Differences below about twice this may be chance.
    pub accuracy_standard_error: f64,
    /// Unweighted mean of the F1 of the classes that have images: scikit-learn's
    /// `f1_score(average="macro", labels=np.unique(y_true), zero_division=0)`. Data without a class is not penalized.
    pub macro_f1: f64,
    /// Unweighted mean of the recall of the classes that have images, also called balanced accuracy.
    pub macro_recall: f64,
    /// Mean of `-ln p(truth)`, in nats: the training loss without label smoothing.
    pub negative_log_likelihood: f64,
    /// Expected calibration error: the mean gap between confidence and accuracy in 15 equal bins of confidence, weighted
    /// by their images (Guo et al. 2017, arXiv:1706.04599). Confidence is the highest probability.
    pub calibration_error: f64,
    /// By class, in the order of the labels.
    pub classes: Vec<ClassMetrics>,
    /// Truth against prediction.
    pub confusion: ConfusionMatrix,
}

impl Metrics {
    /// The metrics of logits divided by `temperature`. `labels` are the numbers of the true classes, in the same order.
    ///
    /// # Panics
    /// If the lengths differ or there is no such class.
    pub fn from_logits(logits: &[Logits], labels: &[u32], temperature: f32) -> Self {
        let classes = logits
            .first()
            .map_or_else(Labels::default, |logits| logits.0.labels());
        let truths = one_hot(classes, labels);
        let answers = risk::answers(logits, &truths, temperature);
        let mut confusion = ConfusionMatrix::new(classes);
        for (logits, &label) in logits.iter().zip(labels) {
            let (prediction, _) = logits.softmax(temperature).top();
            confusion.add(classes.at(label as usize), prediction);
        }
        let n = confusion.n();
        let accuracy = confusion.accuracy();
        let classes: Vec<ClassMetrics> = classes
            .iter()
            .map(|label| confusion.of_class(label))
            .collect();
        let n_classes = classes.iter().filter(|class| class.n_images > 0).count();
        let macro_mean = |figure: fn(&ClassMetrics) -> f64| {
            let of_classes = classes
                .iter()
                .filter(|class| class.n_images > 0)
                .map(figure);
            of_classes.sum::<f64>() / n_classes.max(1) as f64
        };
        Self {
            n_images: n,
            accuracy,
            accuracy_standard_error: (accuracy * (1.0 - accuracy) / n.max(1) as f64).sqrt(),
            macro_f1: macro_mean(|class| class.f1),
            macro_recall: macro_mean(|class| class.recall),
            negative_log_likelihood: cross_entropy(logits, &truths, temperature.into()),
            calibration_error: Reliability::new(&answers).calibration_error(),
            classes,
            confusion,
        }
    }

    /// A figure of each class, by its name.
    pub(crate) fn by_class(&self, figure: fn(&ClassMetrics) -> f64) -> BTreeMap<String, f64> {
        let named = |class: &ClassMetrics| (class.label.clone(), figure(class));
        self.classes.iter().map(named).collect()
    }
}

/// The mean of `Σ t · -ln softmax(logits / temperature)` over images whose truths `t` are distributions or one-hot labels,
/// in nats; 0 without images. It is computed from the logits, because a probability that f32 rounds to 0 no longer tells
/// how wrong it was.
///
/// # Panics
/// If the lengths differ.
pub fn cross_entropy(logits: &[Logits], truths: &[Target], temperature: f64) -> f64 {
    assert_eq!(logits.len(), truths.len(), "one truth per prediction");
    let of_one = |(logits, truth): (&Logits, &Target)| {
        let scaled = logits.0.map(|logit| f64::from(logit) / temperature);
        let max = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scaled.iter().map(|logit| (logit - max).exp()).sum();
        let terms = scaled.iter().zip(truth.iter());
        let term = |(logit, t): (&f64, &f32)| (max + sum.ln() - logit) * f64::from(*t);
        terms.map(term).sum::<f64>()
    };
    let sum: f64 = logits.iter().zip(truths).map(of_one).sum();
    sum / logits.len().max(1) as f64
}

/// `part / whole`, or 0 if `whole` is 0.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

impl fmt::Display for Metrics {
    /// A table for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |value: f64| 100.0 * value;
        writeln!(
            f,
            "accuracy {:.2} % (standard error {:.2}), macro-F1 {:.2} %, macro recall {:.2} %",
            percent(self.accuracy),
            percent(self.accuracy_standard_error),
            percent(self.macro_f1),
            percent(self.macro_recall),
        )?;
        writeln!(
            f,
            "negative log-likelihood {:.4}, calibration error {:.2} %, {} images",
            self.negative_log_likelihood,
            percent(self.calibration_error),
            self.n_images,
        )?;
        let width = name_width(&self.classes);
        writeln!(
            f,
            "\n{:<width$}{:>10}{:>8}{:>8}{:>8}",
            "", "precision", "recall", "F1", "images"
        )?;
        for class in &self.classes {
            writeln!(
                f,
                "{:<width$}{:>10.1}{:>8.1}{:>8.1}{:>8}",
                class.label,
                percent(class.precision),
                percent(class.recall),
                percent(class.f1),
                class.n_images,
            )?;
        }
        writeln!(f)?;
        self.write_confusion(f)
    }
}

impl Metrics {
    /// The confusion matrix as a table for the terminal.
    fn write_confusion(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = name_width(&self.classes);
        writeln!(f, "rows: truth, columns: prediction")?;
        write!(f, "{:<width$}", "")?;
        for class in &self.classes {
            write!(f, "{:>width$}", class.label)?;
        }
        for (class, row) in self.classes.iter().zip(&self.confusion.counts) {
            write!(f, "\n{:<width$}", class.label)?;
            for count in row {
                write!(f, "{count:>width$}")?;
            }
        }
        writeln!(f)
    }
}

/// Width of a column with the names of the classes, characters.
fn name_width(classes: &[ClassMetrics]) -> usize {
    let widths = classes.iter().map(|class| class.label.chars().count() + 1);
    widths.max().unwrap_or_default().max(MIN_NAME_WIDTH)
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::*;

    /// Ten images as (truth, logits); disgust is never true and surprise never predicted.
    const EXAMPLES: [(u32, [f32; 7]); 10] = [
        (0, [2.0, 0.5, 0.0, -1.0, 0.3, 0.0, 1.0]),
        (0, [0.1, 0.0, 0.4, 0.0, 1.5, -0.5, 0.2]),
        (2, [0.0, 0.0, 1.0, 0.5, 0.9, 0.8, -0.3]),
        (2, [0.0, 2.5, 1.0, 0.5, 0.9, 0.8, -0.3]),
        (3, [-1.0, -2.0, 0.0, 6.0, 0.0, 0.5, 1.0]),
        (3, [0.0, -1.0, 0.0, 3.0, 0.2, 0.1, 0.4]),
        (4, [0.3, 0.0, 0.6, -0.2, 1.1, 0.0, 1.0]),
        (5, [0.0, 0.0, 2.0, 0.4, 0.0, 1.9, 0.0]),
        (6, [0.0, -0.7, 0.0, 0.2, 0.5, 0.0, 0.9]),
        (6, [0.0, 0.0, 0.0, 1.2, 0.8, 0.0, 1.1]),
    ];

    fn examples() -> (Vec<Logits>, Vec<u32>) {
        EXAMPLES
            .map(|(label, logits)| (Logits::from(logits), label))
            .into_iter()
            .unzip()
    }

    #[track_caller]
    fn check(value: f64, expected: f64) {
        assert!(
            (value - expected).abs() < 1e-6,
            "{value} instead of {expected}"
        );
    }

    /// The expected figures are scikit-learn's, with `z` and `y` the examples and `t` the temperature:
    ///
    /// ```python
    /// import numpy as np
    /// from sklearn.metrics import *
    /// p = np.exp(z / t); p /= p.sum(1, keepdims=True)
    /// c, hit, k = p.max(1), p.argmax(1) == y, dict(labels=range(7), zero_division=0)
    /// print(accuracy_score(y, p.argmax(1)), np.sqrt(hit.mean() * (1 - hit.mean()) / 10), log_loss(y, p, labels=range(7)))
    /// print(precision_recall_fscore_support(y, p.argmax(1), **k))
    /// k["labels"] = np.unique(y)
    /// print(f1_score(y, p.argmax(1), average="macro", **k), recall_score(y, p.argmax(1), average="macro", **k))
    /// bins = np.ceil(c * 15).astype(int)
    /// print(sum(abs(hit[bins == b].mean() - c[bins == b].mean()) * (bins == b).mean() for b in set(bins)))
    /// print(confusion_matrix(y, p.argmax(1), labels=range(7)))
    /// ```
    #[test]
    fn figures_agree_with_scikit_learn() {
        let (logits, labels) = examples();
        for (temperature, nll, calibration_error) in [
            (1.0, 1.205_782_020_788, 0.301_832_365_097),
            (2.0, 1.428_843_214_897, 0.289_935_352_580),
        ] {
            let metrics = Metrics::from_logits(&logits, &labels, temperature);
            check(metrics.accuracy, 0.6);
            check(metrics.accuracy_standard_error, 0.154_919_333_848);
            check(metrics.macro_f1, 0.55);
            check(metrics.macro_recall, 0.583_333_333_333);
            check(metrics.negative_log_likelihood, nll);
            check(metrics.calibration_error, calibration_error);
            let by_class = [
                (1.0, 0.5, 2.0 / 3.0, 2),
                (0.0, 0.0, 0.0, 0),
                (0.5, 0.5, 0.5, 2),
                (2.0 / 3.0, 1.0, 0.8, 2),
                (0.5, 1.0, 2.0 / 3.0, 1),
                (0.0, 0.0, 0.0, 1),
                (1.0, 0.5, 2.0 / 3.0, 2),
            ];
            for (class, (precision, recall, f1, n_images)) in metrics.classes.iter().zip(by_class) {
                check(class.precision, precision);
                check(class.recall, recall);
                check(class.f1, f1);
                assert_eq!(class.n_images, n_images);
            }
            assert_eq!(
                metrics.confusion.counts,
                [
                    [1, 0, 0, 0, 1, 0, 0],
                    [0, 0, 0, 0, 0, 0, 0],
                    [0, 1, 1, 0, 0, 0, 0],
                    [0, 0, 0, 2, 0, 0, 0],
                    [0, 0, 0, 0, 1, 0, 0],
                    [0, 0, 1, 0, 0, 0, 0],
                    [0, 0, 0, 1, 0, 0, 1],
                ]
            );
        }
    }

    #[test]
    fn no_images_give_zeros() {
        let metrics = Metrics::from_logits(&[], &[], 1.0);
        assert_eq!(metrics.n_images, 0);
        for figure in [
            metrics.accuracy,
            metrics.accuracy_standard_error,
            metrics.macro_f1,
            metrics.negative_log_likelihood,
            metrics.calibration_error,
        ] {
            assert_eq!(figure, 0.0);
        }
    }

    #[test]
    fn perfect_and_certain_predictions_have_perfect_figures() {
        let labels: Vec<u32> = (0..7).collect();
        let certain: Vec<Logits> = (0..7)
            .map(|label| Logits::from(std::array::from_fn(|i| 1000.0 * f32::from(i == label))))
            .collect();
        let metrics = Metrics::from_logits(&certain, &labels, 1.0);
        assert_eq!((metrics.accuracy, metrics.macro_f1), (1.0, 1.0));
        assert_eq!(metrics.accuracy_standard_error, 0.0);
        assert_eq!(metrics.negative_log_likelihood, 0.0);
        assert_eq!(metrics.calibration_error, 0.0);

        // Certain and wrong is as badly calibrated as can be, and still a finite likelihood.
        let wrong = Metrics::from_logits(&certain[..1], &[3], 1.0);
        assert_eq!(wrong.calibration_error, 1.0);
        check(wrong.negative_log_likelihood, 1000.0);
    }

    #[test]
    fn logits_too_large_for_probabilities_still_have_a_likelihood() {
        let logits = [Logits::from([0.0, 500.0, 0.0, 0.0, 0.0, 0.0, 0.0])];
        check(
            cross_entropy(&logits, &one_hot(Labels::FER_2013, &[0]), 1.0),
            500.0,
        );
        check(
            cross_entropy(&logits, &one_hot(Labels::FER_2013, &[0]), 5.0),
            100.0,
        );
        check(
            Metrics::from_logits(&logits, &[0], 5.0).negative_log_likelihood,
            100.0,
        );
    }

    #[test]
    fn the_report_survives_json_and_names_every_class() {
        let (logits, labels) = examples();
        let metrics = Metrics::from_logits(&logits, &labels, 1.0);
        let json = serde_json::to_string(&metrics).unwrap();
        let back: Metrics = serde_json::from_str(&json).unwrap();
        assert_eq!(back.confusion, metrics.confusion);
        check(back.macro_f1, metrics.macro_f1);

        let table = metrics.to_string();
        for expression in Expression::ALL {
            let n_mentions = table.matches(expression.name()).count();
            assert_eq!(n_mentions, 3, "{expression} in\n{table}");
        }
    }
}
