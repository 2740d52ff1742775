//! FER+: how ten people labelled each image of FER-2013 (Barsoum et al. 2016, arXiv:1608.01041).
//!
//! `fer2013new.csv` has a row for every row of `fer2013.csv`, in the same order, and that is the only way to join them:
//! its `Image name` is missing for 173 rows. The votes for contempt, unknown and "not a face" are left out, since
//! FER-2013 has no such class.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::Trim;
use fervis::expression::N_EXPRESSIONS;

use crate::{
    dataset::{Dataset, Split},
    loss::Target,
};

/// FER+'s columns for FER-2013's classes, in FER-2013's order.
const COLUMNS: [&str; N_EXPRESSIONS] = [
    "anger",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
    "neutral",
];

/// The votes of a data set, by image.
#[derive(Debug, Clone, PartialEq)]
pub struct Votes(Vec<Option<Target>>);

impl Votes {
    /// Votes by image, as distributions; `None` where nobody saw one of the seven expressions.
    pub fn new(by_image: Vec<Option<Target>>) -> Self {
        Self(by_image)
    }

    /// Reads `fer2013new.csv` for a data set that was read from `fer2013.csv`.
    ///
    /// # Errors
    /// If the file cannot be read, is not FER+, or its rows are not those of the data set.
    pub fn load(path: &Path, dataset: &Dataset) -> Result<Self> {
        let file = path.display();
        let mut reader = csv::ReaderBuilder::new()
            .trim(Trim::All)
            .from_path(path)
            .with_context(|| format!("reading {file}"))?;
        let header = reader
            .headers()
            .with_context(|| format!("reading {file}"))?;
        let column = |name: &str| {
            let position = header
                .iter()
                .position(|field| field.eq_ignore_ascii_case(name));
            position.with_context(|| {
                format!("{file} has no column “{name}”; give FER+'s fer2013new.csv")
            })
        };
        let usage = column("Usage")?;
        let columns = COLUMNS
            .map(column)
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        let mut usages = vec![None; dataset.len()];
        for split in Split::ALL {
            dataset
                .split(split)
                .iter()
                .for_each(|&index| usages[index] = Some(split));
        }
        let mut by_image = Vec::new();
        for (row, record) in reader.records().enumerate() {
            let record = record.with_context(|| format!("reading {file}"))?;
            let line = row + 2;
            let votes = columns.iter().map(|&at| record[at].parse::<u16>().ok());
            let Some(votes) = votes.collect::<Option<Vec<_>>>() else {
                bail!("{file}, line {line}: a number of votes is not a number")
            };
            let split = Split::from_name(&record[usage]);
            ensure!(
                row >= dataset.len() || split == usages[row],
                "{file}, line {line}: the row is for {}, but that image is in another split; FER+ fits fer2013.csv \
                 in its original order only",
                &record[usage]
            );
            by_image.push(distribution(&votes));
        }
        ensure!(
            by_image.len() == dataset.len(),
            "{file} has {} rows and the data {} images; FER+ fits fer2013.csv in its original order only",
            by_image.len(),
            dataset.len()
        );
        Ok(Self(by_image))
    }

    /// The distribution of an image's votes.
    pub fn of(&self, index: usize) -> Option<&Target> {
        self.0.get(index)?.as_ref()
    }
}

fn distribution(votes: &[u16]) -> Option<Target> {
    let sum: f32 = votes.iter().map(|&n| f32::from(n)).sum();
    (sum > 0.0).then(|| std::array::from_fn(|class| f32::from(votes[class]) / sum))
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::*;
    use crate::dataset::IMAGE_LEN;

    const HEADER: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF";

    fn dataset() -> Dataset {
        let mut dataset = Dataset::new();
        for split in [Split::Training, Split::Training, Split::PublicTest] {
            dataset.push(split, Expression::ALL[0], &[1; IMAGE_LEN]);
        }
        dataset
    }

    fn load(rows: &[&str]) -> Result<Votes> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fer2013new.csv");
        std::fs::write(&path, rows.join("\n")).unwrap();
        Votes::load(&path, &dataset())
    }

    #[test]
    fn rows_become_distributions() {
        let votes = load(&[
            HEADER,
            "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
            "Training,,0,0,0,0,0,0,0,0,0,10",
            "PublicTest,fer0000002.png,0,5,0,0,0,0,0,5,0,0",
        ])
        .unwrap();
        assert_eq!(votes.of(0), Some(&[0.3, 0.2, 0.0, 0.0, 0.1, 0.0, 0.4]));
        assert_eq!(votes.of(1), None);
        assert_eq!(votes.of(2).unwrap()[3], 1.0);
        assert_eq!(votes.of(3), None);
    }

    #[test]
    fn rows_of_other_data_are_refused() {
        let row = "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0";
        for (rows, reason) in [
            (vec![HEADER, row], "1 rows and the data 3 images"),
            (vec![HEADER, row, row, row], "line 4"),
            (vec!["a,b", "1,2"], "no column “Usage”"),
            (vec![HEADER, "Training,x,a,0,0,0,0,0,0,0,0,0"], "line 2"),
        ] {
            let error = format!("{:#}", load(&rows).unwrap_err());
            assert!(error.contains(reason), "{error}");
        }
    }
}
