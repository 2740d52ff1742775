//! FER+: the votes of ten people on each image (Barsoum et al. 2016, arXiv:1608.01041).
//!
//! FER-2013's labels are search terms, and many are wrong; for FER+ ten people looked at each image. Its table matches
//! `fer2013.csv` row by row. Never join the two by `Image name`: those numbers skip the rows that FER+ leaves unnamed.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;
use fervis::{
    expression::{Expression, Labels, N_EXPRESSIONS},
    read,
};

use crate::data::{
    bounded_rows::bounded_rows,
    dataset::{Dataset, Split},
    target::Target,
};

/// The table's names for our expressions, in the order of [`Expression::ALL`].
const COLUMNS: [&str; N_EXPRESSIONS] = [
    "anger",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
    "neutral",
];
/// Votes for something other than the seven expressions; the last is for images without a face.
const OTHER_COLUMNS: [&str; 3] = ["contempt", "unknown", "NF"];

/// The votes for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Votes {
    /// For each of the seven expressions, in the order of [`Expression::ALL`].
    pub by_expression: [u32; N_EXPRESSIONS],
    /// For contempt, which FER-2013 does not have.
    pub contempt: u32,
    /// For "unknown".
    pub unknown: u32,
    /// For "not a face".
    pub not_a_face: u32,
}

impl Votes {
    /// How many voters there were.
    pub fn n(&self) -> u32 {
        self.n_for_expressions() + self.contempt + self.unknown + self.not_a_face
    }

    /// How many voters saw one of the seven expressions.
    pub fn n_for_expressions(&self) -> u32 {
        self.by_expression.iter().sum()
    }

    /// Whether "not a face" has more votes than anything else.
    pub fn shows_no_face(&self) -> bool {
        let others = [self.contempt, self.unknown];
        let most = self.by_expression.into_iter().chain(others).max();
        most.is_some_and(|most| self.not_a_face > most)
    }

    /// The expression that more than half of all voters chose, if it is one of the seven.
    pub fn majority(&self) -> Option<Expression> {
        let wins = |expression: &Expression| 2 * self.by_expression[expression.index()] > self.n();
        Expression::ALL.into_iter().find(wins)
    }

    /// The distribution of the votes for the seven expressions; `None` if there are no such votes. Votes for contempt,
    /// "unknown" and "not a face" are ignored, since the networks have no such outputs.
    pub fn distribution(&self) -> Option<Target> {
        let sum = self.n_for_expressions() as f32;
        (sum > 0.0).then(|| self.by_expression.map(|n| n as f32 / sum).into())
    }
}

/// The votes for each image of a dataset, by its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FerPlus(Vec<Votes>);

impl FerPlus {
    /// The votes for each image, by its index.
    pub fn new(by_image: Vec<Votes>) -> Self {
        Self(by_image)
    }

    /// The votes for an image.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn of(&self, index: usize) -> &Votes {
        &self.0[index]
    }

    /// Reads `fer2013new.csv` for a dataset in the order of `fer2013.csv`.
    ///
    /// # Errors
    /// If the file is not such a table, or its rows do not match the dataset.
    pub fn load(path: &Path, dataset: &Dataset) -> Result<Self> {
        let name = path.display();
        ensure!(
            dataset.classes() == Labels::FER_2013,
            "{name} has votes for FER-2013's seven expressions, but the classes are {}",
            dataset.classes().list()
        );
        let file = read::open(path).with_context(|| format!("reading {name}"))?;
        let (reader, budget) = bounded_rows(file);
        let mut table = csv::Reader::from_reader(reader);
        let header = table
            .headers()
            .with_context(|| format!("reading {name}"))?
            .clone();
        let column = |wanted: &str| {
            let found = header
                .iter()
                .position(|title| title.trim().eq_ignore_ascii_case(wanted));
            found.with_context(|| {
                format!("{name}: no column “{wanted}”, so it is not FER+'s fer2013new.csv")
            })
        };
        let usage = column("Usage")?;
        let columns = COLUMNS.iter().chain(&OTHER_COLUMNS).copied().map(column);
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut votes = Vec::new();
        let mut splits = Vec::new();
        budget.begin_row();
        for (row, record) in table.records().enumerate() {
            budget.begin_row();
            let line = row + 2;
            let record = record.with_context(|| format!("{name}, line {line}"))?;
            let mut of_row = Votes::default();
            let others = [
                &mut of_row.contempt,
                &mut of_row.unknown,
                &mut of_row.not_a_face,
            ];
            let counts = of_row.by_expression.iter_mut().chain(others);
            for (sum, column) in counts.zip(&columns) {
                *sum = count(&record, *column).with_context(|| format!("{name}, line {line}"))?;
            }
            votes.push(of_row);
            splits.push(record.get(usage).and_then(Split::of_usage));
        }
        ensure!(
            votes.len() == dataset.len(),
            "{name}: {} rows, but the data has {} images. FER+ belongs to the complete fer2013.csv; give that with --data",
            votes.len(),
            dataset.len()
        );
        for split in Split::ALL {
            for &index in dataset.split(split) {
                ensure!(
                    splits[index] == Some(split),
                    "{name}, line {}: not in {}, where the data has this image. FER+ belongs to fer2013.csv in its original \
                     order; give that with --data",
                    index + 2,
                    split.name()
                );
            }
        }
        Ok(Self(votes))
    }

    /// The images among `indices` that have a vote for one of the seven expressions and in which "not a face" does not
    /// lead, with the distributions of their votes.
    ///
    /// # Panics
    /// If the votes belong to another dataset.
    pub fn judged(&self, indices: &[usize]) -> (Vec<usize>, Vec<Target>) {
        let judged = indices.iter().filter_map(|&index| {
            let votes = self.of(index);
            let distribution = votes.distribution().filter(|_| !votes.shows_no_face())?;
            Some((index, distribution))
        });
        judged.unzip()
    }
}

/// A number of votes. Nothing depends on there being ten voters.
fn count(record: &StringRecord, column: usize) -> Result<u32> {
    let text = record.get(column).unwrap_or_default().trim();
    match text.parse::<u16>() {
        Ok(count) => Ok(count.into()),
        Err(_) => bail!("“{text}” is not a number of votes"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fervis::expression::Expression::{Happy, Neutral, Sad};

    use super::*;
    use crate::fer2013::IMAGE_LEN;

    const HEADER: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF";

    fn dataset() -> Dataset {
        let mut dataset = Dataset::default();
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
    fn images_are_judged_by_their_votes() {
        let votes = load(ROWS).unwrap();
        let (judged, targets) = votes.judged(&[0, 1, 3]);
        assert_eq!(judged, [0, 1, 3]);
        assert_eq!(targets[2][Neutral.index()], 1.0);
    }

    #[test]
    fn votes_become_distributions_over_the_seven() {
        let votes = |happy: u32, sad: u32, not_a_face: u32| {
            let mut votes = Votes {
                contempt: 1,
                unknown: 1,
                not_a_face,
                ..Votes::default()
            };
            votes.by_expression[Happy.index()] = happy;
            votes.by_expression[Sad.index()] = sad;
            votes
        };
        let target = votes(3, 1, 4).distribution().unwrap();
        assert_eq!((target[Happy.index()], target[Sad.index()]), (0.75, 0.25));
        assert_eq!(target.iter().sum::<f32>(), 1.0);
        assert!(votes(3, 1, 4).shows_no_face());
        assert!(!votes(4, 0, 4).shows_no_face(), "a tie counts as a face");
        assert_eq!(votes(0, 0, 8).distribution(), None);
        assert_eq!(load(ROWS).unwrap().of(3).contempt, 5);
        let all = FerPlus::new(vec![votes(0, 0, 8), votes(1, 1, 0), votes(3, 1, 4)]);
        assert_eq!(all.judged(&[0, 1, 2]).0, [1]);
    }

    #[test]
    fn other_tables_are_refused() {
        for (rows, words) in [
            (
                "Training,a.png,10,0,0,0,0,0,0,0,0,0",
                "1 rows, but the data has 4",
            ),
            (
                &ROWS.replace("Training,a", "PublicTest,a"),
                "line 2: not in Training",
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
