//! A table of the images to use, which people can read and edit.
//!
//! `fervis-train doctor --index FILE.csv` writes one, `fervis-train train --index FILE.csv` applies it. The file is CSV:
//!
//! ```text
//! # fervis index 1, data 0123456789abcdef
//! index,split,label,keep,reason
//! 0,Training,angry,1,
//! 1,Training,angry,0,copy of 0
//! ```
//!
//! For a folder or a zip, a last column `file` holds each image's path.
//!
//! The first line is always that comment: the version of the format and the fingerprint of the dataset
//! ([`Dataset::fingerprint`]), since image numbers mean nothing for other data. One row per image follows, in the order
//! of the dataset: its `index` from 0, its `split` and `label`, `keep` (1 or 0), and `reason` (free text). Training uses
//! the label in the table, so labels can be corrected there.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use fervis::{expression::Label, read};
use serde::{Deserialize, Serialize};

use crate::data::dataset::{Dataset, Split};

/// A million rows with a reason of 200 letters each.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// The start of the first line; 16 hexadecimal digits of the fingerprint follow.
const FIRST_LINE: &str = "# fervis index 1, data ";

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexRow {
    /// Number of the image in the dataset, from 0.
    pub index: usize,
    /// Its split.
    pub split: Split,
    /// The label to use.
    pub label: Label,
    /// Whether to use it at all: 1 or 0 in the file.
    #[serde(with = "as_number")]
    pub keep: bool,
    /// Why it is not used; empty if it is.
    pub reason: String,
    /// Its path in a folder or zip, for people to read; only the number counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A row as it is read.
#[derive(Deserialize)]
struct Record {
    index: usize,
    split: Split,
    label: String,
    #[serde(deserialize_with = "as_number::deserialize")]
    keep: bool,
    reason: String,
}

/// One row per image, in the order of the dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanIndex {
    /// The rows.
    pub rows: Vec<IndexRow>,
    fingerprint: u64,
}

impl CleanIndex {
    /// Every image is kept, with its own label.
    pub fn all(dataset: &Dataset) -> Self {
        let rows = Split::ALL.into_iter().flat_map(|split| {
            let indices = dataset.split(split).iter();
            indices.map(move |&index| IndexRow {
                index,
                split,
                label: dataset.classes().at(dataset.label(index).into()),
                keep: true,
                reason: String::new(),
                file: dataset.path(index).map(str::to_owned),
            })
        });
        let mut rows: Vec<IndexRow> = rows.collect();
        rows.sort_by_key(|row| row.index);
        Self {
            rows,
            fingerprint: dataset.fingerprint(),
        }
    }

    /// Excludes an image. If it is excluded already, the first reason stays.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn leave_out(&mut self, index: usize, reason: impl Into<String>) {
        let row = &mut self.rows[index];
        if row.keep {
            row.keep = false;
            row.reason = reason.into();
        }
    }

    /// Whether an image is used.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn keeps(&self, index: usize) -> bool {
        self.rows[index].keep
    }

    /// The images of a split that are used, ascending.
    pub fn split(&self, split: Split) -> Vec<usize> {
        let kept = self
            .rows
            .iter()
            .filter(|row| row.keep && row.split == split);
        kept.map(|row| row.index).collect()
    }

    /// Removes the excluded images from the dataset's splits and applies the labels. The images keep their numbers.
    ///
    /// # Panics
    /// If the table was made for another dataset.
    pub fn apply(&self, dataset: &mut Dataset) {
        assert_eq!(self.rows.len(), dataset.len(), "a row for each image");
        for split in Split::ALL {
            dataset.restrict(split, |index| self.keeps(index));
        }
        for row in &self.rows {
            dataset.relabel(row.index, row.label);
        }
    }

    /// The table as the text of a file.
    ///
    /// # Errors
    /// If a row cannot be written as CSV.
    pub fn to_csv(&self) -> Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(
            format!("{FIRST_LINE}{:016x}\n", self.fingerprint).into_bytes(),
        );
        for row in &self.rows {
            table.serialize(row)?;
        }
        Ok(table.into_inner().map_err(|error| error.into_error())?)
    }

    /// Reads a table that was made for this dataset.
    ///
    /// # Errors
    /// If the file is not such a table, was made for other data, or its rows do not match the data.
    pub fn load(path: &Path, dataset: &Dataset) -> Result<Self> {
        let name = path.display();
        let text = read::text(path, MAX_FILE_BYTES).with_context(|| format!("reading {name}"))?;
        let (first_line, rest) = text.split_once('\n').unwrap_or_default();
        let Some(fingerprint) = first_line.trim_end().strip_prefix(FIRST_LINE) else {
            bail!(
                "{name}: not an index, which begins with “{FIRST_LINE}…”. Write one with fervis-train doctor --index"
            );
        };
        let mut all = Self::all(dataset);
        ensure!(
            u64::from_str_radix(fingerprint, 16) == Ok(all.fingerprint),
            "{name}: made for other data. Write a new one with fervis-train doctor --index"
        );
        let mut n = 0;
        for (row, record) in csv::Reader::from_reader(rest.as_bytes())
            .deserialize()
            .enumerate()
        {
            let line = row + 3;
            let record: Record = record.with_context(|| format!("{name}, line {line}"))?;
            let Some(known) = all.rows.get_mut(row) else {
                bail!("{name}, line {line}: one row too many, the data has only {row} images");
            };
            ensure!(
                (record.index, record.split) == (known.index, known.split),
                "{name}, line {line}: image {} of {} instead of image {} of {}",
                record.index,
                record.split.name(),
                known.index,
                known.split.name()
            );
            let classes = dataset.classes();
            known.label = classes.named(&record.label).with_context(|| {
                format!(
                    "{name}, line {line}: “{}” is none of the classes {}",
                    record.label,
                    classes.list()
                )
            })?;
            known.keep = record.keep;
            known.reason = record.reason;
            n += 1;
        }
        ensure!(
            n == all.rows.len(),
            "{name}: {n} rows, but the data has {} images",
            all.rows.len()
        );
        Ok(all)
    }
}

mod as_number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for a reference"
    )]
    pub fn serialize<S: Serializer>(value: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8((*value).into())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(D::Error::custom(format!(
                "keep must be 0 or 1, not {other}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fervis::expression::Expression;

    use super::*;
    use crate::fer2013::IMAGE_LEN;

    fn dataset() -> Dataset {
        let mut dataset = Dataset::default();
        dataset.push(Split::Training, Expression::Happy, &[1; IMAGE_LEN]);
        dataset.push(Split::PrivateTest, Expression::Sad, &[2; IMAGE_LEN]);
        dataset.push(Split::Training, Expression::Fear, &[3; IMAGE_LEN]);
        dataset
    }

    #[test]
    fn what_is_written_is_read() {
        let dataset = dataset();
        let mut index = CleanIndex::all(&dataset);
        index.leave_out(2, "copy of 0, I think");
        index.leave_out(2, "another reason");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.csv");
        fs::write(&path, index.to_csv().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "index,split,label,keep,reason",
                "0,Training,happy,1,",
                "1,PrivateTest,sad,1,",
                "2,Training,fear,0,\"copy of 0, I think\""
            ]
        );
        let read = CleanIndex::load(&path, &dataset).unwrap();
        assert_eq!(read, index);
        assert_eq!(read.split(Split::Training), [0]);
        assert!(!read.keeps(2) && read.keeps(1));
    }

    #[test]
    fn images_of_a_folder_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for (path, gray) in [("train/happy/a, b.png", 1), ("test/sad/c.png", 2)] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::GrayImage::from_pixel(9, 9, image::Luma([gray]))
                .save(path)
                .unwrap();
        }
        let dataset = Dataset::load(folder.path()).unwrap();
        let path = folder.path().join("index.csv");
        let index = CleanIndex::all(&dataset);
        fs::write(&path, index.to_csv().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "index,split,label,keep,reason,file",
                "0,PrivateTest,sad,1,,test/sad/c.png",
                "1,Training,happy,1,,\"train/happy/a, b.png\""
            ]
        );
        assert_eq!(CleanIndex::load(&path, &dataset).unwrap(), index);
        // As written by an earlier version.
        let first_line = text.lines().next().unwrap();
        let rows =
            "index,split,label,keep,reason\n0,PrivateTest,sad,1,\n1,Training,happy,0,blurred\n";
        fs::write(&path, format!("{first_line}\n{rows}")).unwrap();
        let read = CleanIndex::load(&path, &dataset).unwrap();
        assert!(!read.keeps(1) && read.rows[1].file == index.rows[1].file);
    }

    #[test]
    fn what_is_left_out_is_gone_and_labels_are_corrected() {
        let mut dataset = dataset();
        let mut index = CleanIndex::all(&dataset);
        index.leave_out(0, "blurred");
        index.rows[2].label = Expression::Surprise.into();
        let before = dataset.fingerprint();
        index.apply(&mut dataset);
        assert_eq!(dataset.split(Split::Training), [2]);
        assert_eq!(dataset.split(Split::PrivateTest), [1]);
        assert_eq!(
            dataset.labels_of(&[2]),
            [Expression::Surprise.index() as u32]
        );
        assert_ne!(dataset.fingerprint(), before);
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        let data = dataset();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.csv");
        let good = String::from_utf8(CleanIndex::all(&data).to_csv().unwrap()).unwrap();
        let check = |text: &str, dataset: &Dataset, words: &str| {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", CleanIndex::load(&path, dataset).unwrap_err());
            assert!(error.contains(words), "{error}");
        };
        check("index,split\n", &data, "not an index");
        check(
            &good.replace("1,PrivateTest", "1,PublicTest"),
            &data,
            "line 4: image 1 of PublicTest",
        );
        check(
            &good.replace("happy,1", "happy,2"),
            &data,
            "keep must be 0 or 1, not 2",
        );
        check(&good.replace("happy", "cat"), &data, "line 3");
        check(
            &good[..good.len() - 20],
            &data,
            "2 rows, but the data has 3",
        );
        check(
            &format!("{good}3,Training,sad,1,\n"),
            &data,
            "only 3 images",
        );
        let mut other = dataset();
        other.push(Split::Training, Expression::Fear, &[4; IMAGE_LEN]);
        check(&good, &other, "made for other data");
    }
}
