//! Finds faults in FER-2013 or other data, and lists the images to exclude from training.
//!
//! FER-2013 is passed around in copies of copies and has faults of its own. A network is only as good as its training
//! images, and a figure only as good as the images it was measured on.

use std::fmt;

use anyhow::Result;
use fervis::expression::PerLabel;
use serde::Serialize;

use crate::{
    data::{
        clean_index::CleanIndex,
        dataset::{Dataset, Split},
        duplicates::Duplicates,
        near_duplicates::{self, NearPair},
    },
    fer2013::{PUBLISHED_COUNTS, is_fer_2013},
};

/// Images listed one by one in the report; the rest are in the index file.
const MAX_LISTED: usize = 8;

/// The faults that were found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Images of each class in Training, PublicTest and PrivateTest.
    pub counts: [PerLabel<usize>; 3],
    /// Whether this is a copy of FER-2013, judged by the shares of its classes. If so, any other count is a fault.
    pub is_fer_2013: bool,
    /// Whether the counts are [`PUBLISHED_COUNTS`].
    pub has_published_counts: bool,
    /// Pixel-identical and constant images.
    pub duplicates: Duplicates,
    /// Images that are almost identical.
    pub near_duplicates: Vec<NearPair>,
    /// Near pairs whose images lie in different splits.
    pub n_near_across_splits: usize,
    /// Near pairs whose labels differ.
    pub n_near_conflicting: usize,
    /// How many images of each split to use.
    pub n_kept: [usize; 3],
    /// The path of each image in a folder or zip, by its number; empty for a table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

impl Diagnosis {
    /// Compares every image with every other. Also returns which ones to keep:
    ///
    /// - all of PrivateTest, so that figures stay comparable;
    /// - of PublicTest, those that are not constant and have no exact or near copy in PrivateTest;
    /// - of Training, those that are not constant, have no copy in either test split, and are the first of their copies;
    ///   exact copies with different labels are all excluded.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn of(dataset: &Dataset) -> Result<(Self, CleanIndex)> {
        let duplicates = Duplicates::find(dataset);
        let near = near_duplicates::find(dataset)?;
        let splits = splits_by_index(dataset);
        let index = clean(dataset, &duplicates, &near, &splits);
        let counts = Split::ALL.map(|split| dataset.class_counts(dataset.split(split)));
        let of_pairs = |is: &dyn Fn(&NearPair) -> bool| near.iter().filter(|pair| is(pair)).count();
        let diagnosis = Self {
            counts,
            is_fer_2013: is_fer_2013(&counts),
            has_published_counts: counts == PUBLISHED_COUNTS.map(PerLabel::from),
            n_near_across_splits: of_pairs(&|pair| splits[pair.first] != splits[pair.second]),
            n_near_conflicting: of_pairs(&|pair| {
                dataset.label(pair.first) != dataset.label(pair.second)
            }),
            n_kept: Split::ALL.map(|split| index.split(split).len()),
            near_duplicates: near,
            duplicates,
            files: dataset.paths().to_vec(),
        };
        Ok((diagnosis, index))
    }
}

fn splits_by_index(dataset: &Dataset) -> Vec<Split> {
    let mut splits = vec![Split::Training; dataset.len()];
    for split in Split::ALL {
        for &index in dataset.split(split) {
            splits[index] = split;
        }
    }
    splits
}

fn clean(
    dataset: &Dataset,
    duplicates: &Duplicates,
    near: &[NearPair],
    splits: &[Split],
) -> CleanIndex {
    let mut index = CleanIndex::all(dataset);
    let not_tested = |index: &usize| splits[*index] != Split::PrivateTest;
    for &constant in duplicates.constant.iter().filter(|index| not_tested(index)) {
        index.leave_out(constant, "single gray");
    }
    for group in &duplicates.conflicting {
        for &copy in group
            .iter()
            .filter(|index| splits[**index] == Split::Training)
        {
            index.leave_out(copy, "copies with different labels");
        }
    }
    for &copy in &duplicates.training_in_tests {
        index.leave_out(copy, "also in PublicTest or PrivateTest");
    }
    for &copy in &duplicates.training_copies {
        index.leave_out(copy, "also earlier in Training");
    }
    for &copy in &duplicates.public_test_in_private_test {
        index.leave_out(copy, "also in PrivateTest");
    }
    // Near copies of test images come first. Otherwise the kept one of two near copies could be excluded afterward.
    for pair in near
        .iter()
        .filter(|pair| splits[pair.first] != splits[pair.second])
    {
        // Splits are ordered, so the image of the earlier split gives way: the one used for learning or selection.
        let (out, stays) = if splits[pair.first] < splits[pair.second] {
            (pair.first, pair.second)
        } else {
            (pair.second, pair.first)
        };
        index.leave_out(
            out,
            format!(
                "near copy of {} in {}",
                dataset.name(stays),
                splits[stays].name()
            ),
        );
    }
    let in_training = |pair: &&NearPair| {
        splits[pair.first] == Split::Training && splits[pair.second] == Split::Training
    };
    for pair in near.iter().filter(in_training) {
        if index.keeps(pair.first) {
            index.leave_out(
                pair.second,
                format!("near copy of {}", dataset.name(pair.first)),
            );
        }
    }
    index
}

impl fmt::Display for Diagnosis {
    /// The report for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}", "")?;
        for label in self.counts[0].labels().names() {
            write!(f, "{label:>15}")?;
        }
        writeln!(f)?;
        for ((split, counts), published) in
            Split::ALL.iter().zip(&self.counts).zip(&PUBLISHED_COUNTS)
        {
            write!(f, "{:<12}", split.name())?;
            for (class, count) in counts.iter().enumerate() {
                let published = published.get(class).filter(|_| self.is_fer_2013);
                let difference = published.map(|published| *count as i64 - *published as i64);
                let cell = match difference {
                    None | Some(0) => count.to_string(),
                    Some(difference) => format!("{count} ({difference:+})"),
                };
                write!(f, "{cell:>15}")?;
            }
            writeln!(f)?;
        }
        let verdict = if self.has_published_counts {
            "the counts match those published for FER-2013"
        } else if self.is_fer_2013 {
            "in parentheses: the difference from the counts published for FER-2013"
        } else {
            "this is not FER-2013, so there are no published counts to compare it with"
        };
        writeln!(f, "{verdict}\n")?;
        let found = &self.duplicates;
        for (what, images) in [
            ("of a single gray", &found.constant),
            (
                "in Training, also earlier in Training",
                &found.training_copies,
            ),
            (
                "in Training, also in a test split",
                &found.training_in_tests,
            ),
            (
                "in PublicTest, also in Training",
                &found.public_test_in_training,
            ),
            (
                "in PrivateTest, also in Training",
                &found.private_test_in_training,
            ),
            (
                "in PrivateTest, also in Training or PublicTest",
                &found.private_test_in_others,
            ),
        ] {
            let listed = Listed(images, &self.files);
            writeln!(f, "{:>6} images {what}{listed}", images.len())?;
        }
        let conflicting: Vec<usize> = found.conflicting.iter().map(|group| group[0]).collect();
        writeln!(
            f,
            "{:>6} groups of identical images with different labels{}",
            conflicting.len(),
            Listed(&conflicting, &self.files)
        )?;
        let mirrored = self
            .near_duplicates
            .iter()
            .filter(|pair| pair.mirrored)
            .count();
        writeln!(
            f,
            "{:>6} pairs of almost identical images (correlation {} or more; {mirrored} mirrored), \
             {} of them across splits, {} with different labels",
            self.near_duplicates.len(),
            near_duplicates::MIN_CORRELATION,
            self.n_near_across_splits,
            self.n_near_conflicting
        )?;
        let [training, public, private] = self.n_kept;
        write!(
            f,
            "\nclean: {training} images of Training, {public} of PublicTest, {private} of PrivateTest (which is not changed)"
        )?;
        if self.files.is_empty() {
            write!(f, "\nimages are numbered from 0, in the order of the data")?;
        }
        Ok(())
    }
}

/// A colon and the first few images, by path or, without one, by number.
struct Listed<'a>(&'a [usize], &'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, index) in self.0.iter().take(MAX_LISTED).enumerate() {
            let separator = if position == 0 { ": " } else { ", " };
            match self.1.get(*index) {
                Some(path) => write!(f, "{separator}{path}")?,
                None => write!(f, "{separator}{index}")?,
            }
        }
        f.write_str(if self.0.len() > MAX_LISTED {
            ", …"
        } else {
            ""
        })
    }
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression::{Angry, Happy, Sad};

    use super::*;
    use crate::{fer2013::IMAGE_LEN, random::SplitMix64};

    fn noise(key: u64) -> Vec<u8> {
        let mut rng = SplitMix64::from_key(&[key]);
        (0..IMAGE_LEN).map(|_| rng.below(200) as u8).collect()
    }

    /// Looks the same, but one pixel differs.
    fn nearly(key: u64) -> Vec<u8> {
        let mut image = noise(key);
        image[100] ^= 31;
        image
    }

    #[test]
    fn images_of_a_folder_are_named_by_path() {
        let folder = tempfile::tempdir().unwrap();
        for (path, key) in [
            ("train/happy/a.png", 1),
            ("train/happy/b.png", 1),
            ("train/sad/c.png", 2),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            image::GrayImage::from_raw(48, 48, noise(key))
                .unwrap()
                .save(path)
                .unwrap();
        }
        let near = image::GrayImage::from_raw(48, 48, nearly(2)).unwrap();
        near.save(folder.path().join("train/sad/d.png")).unwrap();
        let dataset = Dataset::load(folder.path()).unwrap();
        let (diagnosis, index) = Diagnosis::of(&dataset).unwrap();
        let report = diagnosis.to_string();
        assert!(
            report.contains("1 images in Training, also earlier in Training: train/happy/b.png"),
            "{report}"
        );
        assert!(!report.contains("numbered"), "{report}");
        assert_eq!(index.rows[3].reason, "near copy of train/sad/c.png");
        assert_eq!(diagnosis.files[2], "train/sad/c.png");
    }

    #[test]
    fn copies_of_fer_2013_are_known_by_their_classes() {
        let is = |counts: [[usize; 7]; 3]| is_fer_2013(&counts.map(PerLabel::from));
        assert!(is(PUBLISHED_COUNTS));
        // Kaggle's folders, where PublicTest and PrivateTest are merged.
        let [training, public, private] = PUBLISHED_COUNTS;
        let test = std::array::from_fn(|class| public[class] + private[class]);
        assert!(is([training, [0; 7], test]));
        assert!(is([training.map(|n| n * 2 / 3), [0; 7], [0; 7]]));
        assert!(!is([[0; 7]; 3]));
        assert!(!is([[0; 7], [0; 7], private.map(|n| n / 10)]));
        // 20,000 of each, and RAF-DB, whose classes differ.
        assert!(!is([[5000; 7], [0; 7], [0; 7]]));
        let raf_db = [705, 717, 281, 4772, 1982, 1290, 2524];
        assert!(!is([raf_db, [0; 7], [162, 160, 74, 1185, 478, 329, 680]]));
        let mut diagnosis = Diagnosis::of(&Dataset::default()).unwrap().0;
        diagnosis.counts = PUBLISHED_COUNTS.map(PerLabel::from);
        diagnosis.counts[0][3] = 5;
        diagnosis.is_fer_2013 = true;
        let report = diagnosis.to_string();
        assert!(report.contains("5 (-7210)"), "{report}");
    }

    #[test]
    fn copies_conflicts_and_constant_images_are_excluded() {
        let mut dataset = Dataset::default();
        for (split, label, image) in [
            (Split::Training, Happy, noise(1)),              // 0: kept
            (Split::Training, Happy, noise(2)),              // 1: kept, the first of its copies
            (Split::Training, Happy, noise(2)),              // 2: exact copy
            (Split::Training, Happy, nearly(2)),             // 3: near copy
            (Split::Training, Happy, noise(3)),              // 4 and 5: which label is right?
            (Split::Training, Sad, noise(3)),                // 5
            (Split::Training, Angry, vec![9; IMAGE_LEN]),    // 6: a single gray
            (Split::Training, Sad, noise(4)),                // 7: also 9
            (Split::Training, Sad, nearly(5)),               // 8: nearly 10
            (Split::PublicTest, Sad, noise(4)),              // 9
            (Split::PublicTest, Sad, noise(5)),              // 10: also 12
            (Split::PublicTest, Sad, nearly(6)),             // 11: nearly 13
            (Split::PrivateTest, Sad, noise(5)),             // 12
            (Split::PrivateTest, Happy, noise(6)),           // 13
            (Split::PrivateTest, Happy, vec![9; IMAGE_LEN]), // 14: stays, as published
        ] {
            dataset.push(split, label, &image);
        }
        let (diagnosis, index) = Diagnosis::of(&dataset).unwrap();
        assert_eq!(index.split(Split::Training), [0, 1]);
        assert_eq!(index.split(Split::PublicTest), [9]);
        assert_eq!(index.split(Split::PrivateTest), [12, 13, 14]);
        assert_eq!(diagnosis.n_kept, [2, 1, 3]);
        assert_eq!(index.rows[3].reason, "near copy of 1");
        assert_eq!(index.rows[4].reason, "copies with different labels");
        assert!(
            index.rows[8]
                .reason
                .starts_with("near copy of 10 in PublicTest"),
            "{}",
            index.rows[8].reason
        );
        // (1, 3), (2, 3), (8, 10), (8, 12) and (11, 13).
        assert_eq!(diagnosis.near_duplicates.len(), 5);
        assert_eq!(diagnosis.n_near_across_splits, 3);
        assert_eq!(diagnosis.n_near_conflicting, 1);
        assert!(!diagnosis.has_published_counts);
        let report = diagnosis.to_string();
        assert!(report.contains("this is not FER-2013"), "{report}");
        assert!(!report.contains("(-"), "{report}");
        assert!(
            report.contains("2 images of a single gray: 6, 14"),
            "{report}"
        );
    }
}
