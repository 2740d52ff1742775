//! Compares several checkpoints on the same images.
//!
//! Most images are easy or hard for both of two networks, so the difference of their accuracies is far more certain than
//! the standard errors of the accuracies suggest. Each difference from the first checkpoint therefore comes with its own
//! standard error, over pairs of answers.

use std::fmt;

use fervis::expression::Logits;
use serde::Serialize;

use crate::{
    evaluate::evaluation::{Evaluation, Measured},
    table::MarkdownTable,
};

/// One checkpoint of a comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Contestant {
    /// Its file, as the user gave it.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// Number of weights.
    pub n_parameters: usize,
    /// Accuracy minus that of the first, single view, over the same images.
    pub difference: f64,
    /// Standard error of this difference; 0 for the first.
    pub difference_standard_error: f64,
    /// All figures.
    pub evaluation: Evaluation,
}

/// Checkpoints in the order in which they were added.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CheckpointComparison {
    /// One per checkpoint.
    pub contestants: Vec<Contestant>,
    /// Whether the first was right, for each image.
    #[serde(skip)]
    first_right: Vec<bool>,
}

impl CheckpointComparison {
    /// Adds the measurement of another checkpoint on the same images.
    ///
    /// # Panics
    /// If the number of images differs from that of the first.
    pub fn add(
        &mut self,
        name: String,
        architecture: String,
        n_parameters: usize,
        measured: Measured,
        labels: &[u32],
    ) {
        let right = right_answers(&measured.logits, labels);
        if self.contestants.is_empty() {
            self.first_right.clone_from(&right);
        }
        let (difference, difference_standard_error) = paired_difference(&right, &self.first_right);
        self.contestants.push(Contestant {
            name,
            architecture,
            n_parameters,
            difference,
            difference_standard_error,
            evaluation: measured.evaluation,
        });
    }
}

fn right_answers(logits: &[Logits], labels: &[u32]) -> Vec<bool> {
    let pairs = logits.iter().zip(labels);
    pairs
        .map(|(logits, label)| logits.softmax(1.0).top().0.index() == *label as usize)
        .collect()
}

/// Mean of `a - b` over the images, with its standard error.
fn paired_difference(a: &[bool], b: &[bool]) -> (f64, f64) {
    assert_eq!(a.len(), b.len(), "both on the same images");
    let n = a.len().max(1) as f64;
    let differences = a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let mean = differences.clone().sum::<f64>() / n;
    let variance = differences.map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    (mean, (variance / n).sqrt())
}

impl fmt::Display for CheckpointComparison {
    /// A Markdown table, which also reads well in a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = MarkdownTable::new(&[
            "checkpoint",
            "architecture",
            "weights",
            "accuracy",
            "difference",
            "flip",
            "ten-crop",
            "deduplicated",
            "macro-F1",
            "ECE",
            "NLL",
        ]);
        let percent = |value: f64| format!("{:.2} %", value * 100.0);
        for (position, contestant) in self.contestants.iter().enumerate() {
            let figures = &contestant.evaluation;
            let difference = match position {
                0 => String::new(),
                _ => format!(
                    "{:+.2} ± {:.2}",
                    contestant.difference * 100.0,
                    contestant.difference_standard_error * 100.0
                ),
            };
            table.push(vec![
                contestant.name.clone(),
                contestant.architecture.clone(),
                format!("{:.2} M", contestant.n_parameters as f64 / 1e6),
                format!(
                    "{:.2} ± {:.2} %",
                    figures.accuracy * 100.0,
                    figures.accuracy_standard_error * 100.0
                ),
                difference,
                percent(figures.accuracy_flip),
                percent(figures.accuracy_ten_crop),
                percent(figures.accuracy_deduplicated),
                percent(figures.macro_f1),
                percent(figures.ece),
                format!("{:.4}", figures.negative_log_likelihood),
            ]);
        }
        write!(f, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::{DType, Device, Tensor};
    use fervis::{
        expression::Expression,
        model::{
            Classifier,
            checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
            net::{Architecture, ThreeBlockConfig},
            preprocess::InputSpec,
        },
    };

    use super::*;
    use crate::{
        data::dataset::{Dataset, Split},
        fer2013::IMAGE_LEN,
    };

    /// A network that always answers `expression`.
    fn stubborn(expression: Expression) -> Classifier {
        let config = ThreeBlockConfig {
            channels: [1, 1, 1],
            hidden: 1,
            dropout2d: 0.0,
            dropout: 0.0,
        };
        let architecture = Architecture::ThreeBlock(config);
        let shapes = architecture.weight_shapes(&InputSpec::FER_2013, 7);
        let mut weights: std::collections::HashMap<String, Tensor> = shapes
            .into_iter()
            .map(|(name, shape)| {
                (
                    name,
                    Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap(),
                )
            })
            .collect();
        let mut bias = [0.0_f32; 7];
        bias[expression.index()] = 1.0;
        let bias = Tensor::from_slice(&bias, 7, &Device::Cpu).unwrap();
        weights.insert("fc2.bias".to_owned(), bias);
        let checkpoint = Checkpoint {
            metadata: Metadata {
                format_version: FORMAT_VERSION,
                name: "stubborn".to_owned(),
                architecture,
                labels: Expression::ALL.map(|e| e.name().to_owned()).to_vec(),
                input: InputSpec::FER_2013,
                temperature: 1.0,
                uncertain_below: 0.0,
                training: serde_json::Value::Null,
                metrics: std::collections::BTreeMap::new(),
                license: String::new(),
            },
            weights,
            sha256: String::new(),
            assumed: None,
        };
        Classifier::new(checkpoint, "stubborn".to_owned(), None, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_table_has_one_row_per_checkpoint_and_paired_differences() {
        let mut dataset = Dataset::default();
        for (shade, expression) in [
            Expression::Happy,
            Expression::Happy,
            Expression::Sad,
            Expression::Fear,
        ]
        .into_iter()
        .enumerate()
        {
            dataset.push(Split::PublicTest, expression, &[shade as u8; IMAGE_LEN]);
        }
        let dataset = Arc::new(dataset);
        let labels = dataset.labels_of(dataset.split(Split::PublicTest));
        let mut comparison = CheckpointComparison::default();
        for expression in [Expression::Happy, Expression::Sad] {
            let mut classifier = stubborn(expression);
            let measured =
                Evaluation::measure(&mut classifier, &dataset, Split::PublicTest, None).unwrap();
            assert_eq!(measured.evaluation.per_class_recall[expression.name()], 1.0);
            let name = expression.name().to_owned();
            comparison.add(name, "three-block".to_owned(), 31, measured, &labels);
        }
        let [first, second] = comparison.contestants.as_slice() else {
            panic!("two were added");
        };
        assert_eq!(
            (first.evaluation.accuracy, second.evaluation.accuracy),
            (0.5, 0.25)
        );
        assert_eq!(
            (first.difference, first.difference_standard_error),
            (0.0, 0.0)
        );
        // Answers differ by -1, -1, +1 and 0: variance 0.6875.
        assert_eq!(second.difference, -0.25);
        assert!((second.difference_standard_error - (0.6875_f64 / 4.0).sqrt()).abs() < 1e-12);
        let table = comparison.to_string();
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("| -25.00 ± 41.46 "), "{table}");
        let json: serde_json::Value = serde_json::to_value(&comparison).unwrap();
        // Scripts rely on these names, also in `evaluate --json`.
        let figures = json["contestants"][1]["evaluation"].as_object().unwrap();
        for key in [
            "n",
            "accuracy",
            "accuracy_flip",
            "accuracy_ten_crop",
            "accuracy_deduplicated",
            "macro_f1",
            "per_class_f1",
            "ece",
        ] {
            assert!(figures.contains_key(key), "{key}");
        }
        let f1 = figures["per_class_f1"].as_object().unwrap();
        assert!(Expression::ALL.iter().all(|e| f1.contains_key(e.name())));
        assert_eq!(json["contestants"][1]["evaluation"]["accuracy"], 0.25);
    }
}
