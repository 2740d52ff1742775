//! Measures robustness to images worse than those of a benchmark: rotated, blurred, noisy, dark, covered.
//!
//! Each image of a split is damaged in fourteen ways ([`CORRUPTIONS`]), always the same way for the same image. A high
//! accuracy on clean images says little about a camera: networks that are equal there may differ by thirty points under
//! noise.

use std::fmt;

use anyhow::Result;
use fervis::{
    expression::{Expression, Logits},
    model::Classifier,
};
use serde::Serialize;

use crate::{
    augment::{CORRUPTIONS, Corruption, View},
    data::{dataset::Dataset, ferplus::FerPlus},
    evaluate::{agreement::Agreement, logits::square_input, metrics::Metrics},
    table::MarkdownTable,
};

/// Images classified at a time.
const BATCH_SIZE: usize = 64;

/// The figures for one kind of damage, or their means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CorruptionFigures {
    /// The kind of damage.
    pub name: &'static str,
    /// Accuracy by the data's labels.
    pub accuracy: f64,
    /// Agreement with FER+ on images with a majority for one of the seven expressions, if votes were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ferplus: Option<f64>,
    /// Share of all images that the network calls neutral, the usual answer if it sees too little.
    pub neutral: f64,
}

/// The figures of a split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Robustness {
    /// Images per row.
    pub n: usize,
    /// One row for each of [`CORRUPTIONS`]; the first is for undamaged images.
    pub rows: Vec<CorruptionFigures>,
    /// The mean of all rows but the first.
    pub mean: CorruptionFigures,
}

impl Robustness {
    /// Measures `classifier` on the images at `indices`.
    ///
    /// # Errors
    /// If the network fails, or its inputs are not square.
    pub fn measure(
        classifier: &mut Classifier,
        dataset: &Dataset,
        indices: &[usize],
        votes: Option<&FerPlus>,
    ) -> Result<Self> {
        let labels = dataset.labels_of(indices);
        let mut row = |corruption: &Corruption| -> Result<CorruptionFigures> {
            log::info!("{}: {} images", corruption.name, indices.len());
            let logits = logits_of_damaged(classifier, dataset, indices, corruption)?;
            let says_neutral = |logits: &&Logits| {
                logits.softmax(1.0).top().0.expression() == Some(Expression::Neutral)
            };
            let n_neutral = logits.iter().filter(says_neutral).count();
            Ok(CorruptionFigures {
                name: corruption.name,
                accuracy: Metrics::from_logits(&logits, &labels, 1.0).accuracy,
                ferplus: votes.map(|votes| {
                    Agreement::measure(votes, dataset, indices, &logits, 1.0).accuracy
                }),
                neutral: n_neutral as f64 / indices.len().max(1) as f64,
            })
        };
        let rows = CORRUPTIONS
            .iter()
            .map(&mut row)
            .collect::<Result<Vec<_>>>()?;
        let damaged = &rows[1..];
        let mean = |figure: fn(&CorruptionFigures) -> f64| {
            damaged.iter().map(figure).sum::<f64>() / damaged.len() as f64
        };
        let mean = CorruptionFigures {
            name: "mean without clean",
            accuracy: mean(|row| row.accuracy),
            ferplus: votes.map(|_| mean(|row| row.ferplus.unwrap_or_default())),
            neutral: mean(|row| row.neutral),
        };
        Ok(Self {
            n: indices.len(),
            rows,
            mean,
        })
    }
}

/// Logits of each image at `indices`, damaged.
fn logits_of_damaged(
    classifier: &mut Classifier,
    dataset: &Dataset,
    indices: &[usize],
    corruption: &Corruption,
) -> Result<Vec<Logits>> {
    let (side, normalization) = square_input(classifier)?;
    let mut all = Vec::with_capacity(indices.len());
    for batch in indices.chunks(BATCH_SIZE) {
        let mut inputs = vec![0.0; batch.len() * side * side];
        for (&index, input) in batch.iter().zip(inputs.chunks_exact_mut(side * side)) {
            let image = corruption.apply(dataset.image(index), index as u64);
            View::PLAIN.apply(&image, normalization, input);
        }
        all.extend(classifier.logits(inputs)?);
    }
    Ok(all)
}

impl fmt::Display for Robustness {
    /// A Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1}", share * 100.0);
        let mut table = MarkdownTable::new(&[
            "%",
            "accuracy by label",
            "agreement with FER+",
            "says neutral",
        ]);
        for row in self.rows.iter().chain([&self.mean]) {
            table.push(vec![
                row.name.to_owned(),
                percent(row.accuracy),
                row.ferplus.map_or("–".to_owned(), percent),
                percent(row.neutral),
            ]);
        }
        write!(f, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{dataset::Split, ferplus::Votes},
        evaluate::fixtures::teacher,
        fer2013::IMAGE_LEN,
    };

    /// A network that calls bright images neutral and dark ones angry.
    #[test]
    fn a_network_that_goes_by_brightness_fails_only_in_the_dark() {
        let mut dataset = Dataset::default();
        for level in [200, 210, 220] {
            dataset.push(Split::PublicTest, Expression::Neutral, &[level; IMAGE_LEN]);
        }
        let all_neutral = Votes {
            by_expression: [0, 0, 0, 0, 0, 0, 10],
            ..Votes::default()
        };
        let votes = FerPlus::new(vec![all_neutral; 3]);
        let mut network = teacher(0.5, 0.25, 1.0);
        let indices = dataset.split(Split::PublicTest);
        let found = Robustness::measure(&mut network, &dataset, indices, Some(&votes)).unwrap();
        assert_eq!((found.n, found.rows.len()), (3, CORRUPTIONS.len()));
        for row in &found.rows {
            let expected = if row.name == "brightness ×0.4" {
                0.0
            } else {
                1.0
            };
            let figures = (row.accuracy, row.ferplus, row.neutral);
            assert_eq!(
                figures,
                (expected, Some(expected), expected),
                "{}",
                row.name
            );
        }
        assert!((found.mean.accuracy - 13.0 / 14.0).abs() < 1e-12);
        let text = found.to_string();
        assert!(text.contains("| brightness ×0.4    | 0.0 "), "{text}");
        let without = Robustness::measure(&mut network, &dataset, indices, None).unwrap();
        assert!(without.to_string().contains("| –"), "{without}");
        assert_eq!(
            serde_json::to_value(without).unwrap()["mean"].get("ferplus"),
            None
        );
    }
}
