//! Ten other people's opinions of each image: FER+ (Barsoum et al. 2016, arXiv:1608.01041).
//!
//! FER-2013's labels are what a search engine was asked for, and many are wrong. FER+ had ten people look at each image.
//! Its table goes with `fer2013.csv` row by row. What a newcomer gets wrong is to join by `Image name`: its numbers skip
//! the rows that FER+ leaves unnamed.

use std::{fmt, path::Path};

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;
use fervis::expression::{Expression, Logits, N_EXPRESSIONS};
use serde::Serialize;

use crate::dataset::{Dataset, Split};

/// The table's words for our expressions, in [`Expression::ALL`]'s order.
const COLUMNS: [&str; N_EXPRESSIONS] = [
    "anger",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
    "neutral",
];
/// Votes for something that is none of the seven.
const OTHER_COLUMNS: [&str; 3] = ["contempt", "unknown", "NF"];

/// The votes for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Votes {
    by_expression: [u32; N_EXPRESSIONS],
    others: u32,
}

impl Votes {
    fn n(&self) -> u32 {
        self.by_expression.iter().sum::<u32>() + self.others
    }

    /// What more than half of all voters chose, if it is one of the seven.
    fn majority(&self) -> Option<Expression> {
        let wins = |expression: &Expression| 2 * self.by_expression[expression.index()] > self.n();
        Expression::ALL.into_iter().find(wins)
    }
}

/// The votes for each image of a data set, by its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FerPlus(Vec<Votes>);

/// How far a network agrees with the voters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Images for which more than half of the ten voters chose the same one of the seven expressions.
    pub n: usize,
    /// The share of these in which the network says the same.
    pub accuracy: f64,
    /// The share of these in which FER-2013's own label says the same: what agreeing with the labels alone would give.
    pub label_accuracy: f64,
    /// Over all images: the mean share of the voters who chose what the network says.
    pub vote_share: f64,
}

impl FerPlus {
    /// Reads `fer2013new.csv` for a data set in the order of `fer2013.csv`.
    ///
    /// # Errors
    /// If it is no such table, or its rows are not those of the data set.
    pub fn load(path: &Path, dataset: &Dataset) -> Result<Self> {
        let name = path.display();
        let mut table = csv::Reader::from_path(path).with_context(|| format!("reading {name}"))?;
        let header = table
            .headers()
            .with_context(|| format!("reading {name}"))?
            .clone();
        let column = |wanted: &str| {
            let found = header
                .iter()
                .position(|title| title.trim().eq_ignore_ascii_case(wanted));
            found.with_context(|| {
                format!("{name} has no column “{wanted}”; it is not FER+'s fer2013new.csv")
            })
        };
        let usage = column("Usage")?;
        let columns = COLUMNS
            .map(column)
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        let others = OTHER_COLUMNS
            .map(column)
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        let mut votes = Vec::new();
        let mut splits = Vec::new();
        for (row, record) in table.records().enumerate() {
            let line = row + 2;
            let record = record.with_context(|| format!("{name}, line {line}"))?;
            let count = |column: &usize| count(&record, *column);
            let mut of_row = Votes::default();
            for (sum, column) in of_row.by_expression.iter_mut().zip(&columns) {
                *sum = count(column).with_context(|| format!("{name}, line {line}"))?;
            }
            for column in &others {
                of_row.others += count(column).with_context(|| format!("{name}, line {line}"))?;
            }
            votes.push(of_row);
            splits.push(record.get(usage).and_then(Split::from_name));
        }
        ensure!(
            votes.len() == dataset.len(),
            "{name} has {} rows and the data {} images; it goes with the whole fer2013.csv",
            votes.len(),
            dataset.len()
        );
        for split in Split::ALL {
            for &index in dataset.split(split) {
                ensure!(
                    splits[index] == Some(split),
                    "{name}, line {}, is not in {}, where the data has this image; it goes with fer2013.csv in its own order",
                    index + 2,
                    split.name()
                );
            }
        }
        Ok(Self(votes))
    }

    /// Compares the network's choices for the images at `indices` with the votes.
    ///
    /// # Panics
    /// If the lengths differ, or the votes belong to another data set.
    pub fn agreement(&self, dataset: &Dataset, indices: &[usize], logits: &[Logits]) -> Agreement {
        assert_eq!(indices.len(), logits.len(), "one prediction per image");
        let (mut n, mut n_agreeing, mut n_labels, mut share) = (0, 0, 0, 0.0);
        for (&index, logits) in indices.iter().zip(logits) {
            let votes = &self.0[index];
            let (choice, _) = logits.softmax(1.0).top();
            share += f64::from(votes.by_expression[choice.index()]) / f64::from(votes.n().max(1));
            if let Some(majority) = votes.majority() {
                n += 1;
                n_agreeing += usize::from(choice == majority);
                n_labels += usize::from(usize::from(dataset.label(index)) == majority.index());
            }
        }
        Agreement {
            n,
            accuracy: n_agreeing as f64 / n.max(1) as f64,
            label_accuracy: n_labels as f64 / n.max(1) as f64,
            vote_share: share / indices.len().max(1) as f64,
        }
    }
}

/// A number of votes. The largest that ten voters can give is 10, but nothing depends on there being ten.
fn count(record: &StringRecord, column: usize) -> Result<u32> {
    let text = record.get(column).unwrap_or_default().trim();
    match text.parse::<u16>() {
        Ok(count) => Ok(count.into()),
        Err(_) => bail!("“{text}” is no number of votes"),
    }
}

impl fmt::Display for Agreement {
    /// Lines for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "agreement with FER+     {:6.2} % of {} images with a majority (FER-2013's labels: {:.2} %); \
             on average {:.1} % of the voters agree",
            self.accuracy * 100.0,
            self.n,
            self.label_accuracy * 100.0,
            self.vote_share * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fervis::expression::Expression::{Happy, Neutral, Sad};

    use super::*;
    use crate::dataset::IMAGE_LEN;

    const HEADER: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF";

    fn dataset() -> Dataset {
        let mut dataset = Dataset::new();
        dataset.push(Split::Training, Happy, &[1; IMAGE_LEN]);
        dataset.push(Split::PublicTest, Happy, &[2; IMAGE_LEN]);
        dataset.push(Split::PublicTest, Sad, &[3; IMAGE_LEN]);
        dataset.push(Split::PublicTest, Neutral, &[4; IMAGE_LEN]);
        dataset
    }

    fn load(rows: &str) -> Result<FerPlus> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("votes.csv");
        fs::write(&path, format!("{HEADER}\n{rows}\n")).unwrap();
        FerPlus::load(&path, &dataset())
    }

    const ROWS: &str = "Training,a.png,10,0,0,0,0,0,0,0,0,0
PublicTest,,0,6,4,0,0,0,0,0,0,0
PublicTest,b.png,7,0,0,3,0,0,0,0,0,0
PublicTest,c.png,5,0,0,0,0,0,0,5,0,0";

    #[test]
    fn agreement_counts_majorities_and_shares() {
        let dataset = dataset();
        let votes = load(ROWS).unwrap();
        let says = |expression: Expression| {
            let mut logits = Logits::default();
            logits.0[expression.index()] = 1.0;
            logits
        };
        let logits = [says(Happy), says(Sad), says(Neutral)];
        let agreement = votes.agreement(&dataset, dataset.split(Split::PublicTest), &logits);
        // Majorities: happy, neutral, none. Shares: 6, 3 and 5 of 10.
        assert_eq!((agreement.n, agreement.accuracy), (2, 0.5));
        assert_eq!(agreement.label_accuracy, 0.5);
        assert!((agreement.vote_share - 14.0 / 30.0).abs() < 1e-12);
        assert!(agreement.to_string().contains("50.00 % of 2 images"));
    }

    #[test]
    fn other_tables_are_refused() {
        for (rows, words) in [
            (
                "Training,a.png,10,0,0,0,0,0,0,0,0,0",
                "has 1 rows and the data 4",
            ),
            (
                &ROWS.replace("Training,a", "PublicTest,a"),
                "line 2, is not in Training",
            ),
            (&ROWS.replace("7,0", "many,0"), "line 4"),
        ] {
            let error = load(rows).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.csv");
        fs::write(&path, "emotion,pixels,Usage\n").unwrap();
        let error = FerPlus::load(&path, &dataset()).unwrap_err();
        assert!(error.to_string().contains("no column “anger”"), "{error}");
    }
}
