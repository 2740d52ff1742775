//! FER-2013 in memory, from any of the forms it is handed around in.
//!
//! [`Dataset::load`] looks at what a file holds, never at its name. All forms end as the same 48×48 luma images in
//! a fixed order. What a newcomer gets wrong is the `test` folder of Kaggle's folder form: it holds PublicTest
//! and PrivateTest together, so choosing an epoch by it would be choosing by the test images. Here it is the
//! test split, [`Split::PrivateTest`], and the validation images are taken from `train`; see [`Split::PublicTest`].

mod csv;
mod folder;
mod zip;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use fervis::{
    capture::still::StillError,
    expression::{Expression, N_EXPRESSIONS},
};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::random::SplitMix64;

/// Width and height of an image.
pub const IMAGE_SIDE_PX: usize = 48;

/// Bytes of an image: one of luma per pixel, rows from the top.
pub const IMAGE_LEN: usize = IMAGE_SIDE_PX * IMAGE_SIDE_PX;

/// One image in this many becomes [`Split::PublicTest`] where the data has none: 3,589 against 28,709 in FER-2013.
const CARVED_FRACTION: usize = 8;

/// Keys the choice of the images carved from Training. Fixed rather than the run's seed, so that every run and
/// every later evaluation of the same folder holds back the same images.
const CARVE_KEY: [u64; 2] = [2013, 48];

/// The parts of FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414), by the data set's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Split {
    /// What a network learns from.
    Training,
    /// The validation images: schedules, early stopping and the choice of an epoch look at these.
    ///
    /// Folders that have only `train` and `test` get an eighth of `train` for it, class by class and always the
    /// same one, and the log says so.
    PublicTest,
    /// The test images, looked at once, when everything has been chosen.
    PrivateTest,
}

impl Split {
    /// All splits in the data set's order.
    pub const ALL: [Self; 3] = [Self::Training, Self::PublicTest, Self::PrivateTest];

    /// The data set's word for it, as in the `Usage` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::PublicTest => "PublicTest",
            Self::PrivateTest => "PrivateTest",
        }
    }

    /// The split the `Usage` column names, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|split| split.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// Why a data set cannot be used. The words are the ones users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file or folder cannot be read, or ends too early.
    #[error("{file} could not be read: {source}")]
    Read {
        /// The file, or `archive/entry`.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A row breaks the format.
    #[error("{file}, line {line}: {problem}")]
    Row {
        /// The file, or `archive/entry`.
        file: String,
        /// Counted from 1, the header being line 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file or folder as a whole isn't a form of FER-2013.
    #[error("{file} {problem}")]
    Form {
        /// The file or folder.
        file: String,
        /// What is wrong with it and what to give instead.
        problem: String,
    },
    /// An image of a folder or zip cannot be decoded.
    #[error("{file} is not an image that can be read")]
    Image {
        /// The image's path.
        file: String,
        /// What is wrong with it.
        #[source]
        source: StillError,
    },
    /// The zip is damaged, encrypted or packed in a way that isn't supported.
    #[error("{file} could not be unpacked: {source}")]
    Zip {
        /// The archive, or `archive/entry`.
        file: String,
        /// What the unpacker said.
        source: ::zip::result::ZipError,
    },
}

/// Images, labels and splits. Images are known by their index, in the order of the file; those of a folder or zip are in
/// order of their paths, and known by these too.
#[derive(Clone)]
pub struct Dataset {
    images: Vec<u8>,
    labels: Vec<u8>,
    /// Where each image lies in its folder or zip; empty for a table.
    paths: Vec<String>,
    /// Indices of each of [`Split::ALL`], ascending.
    splits: [Vec<usize>; 3],
}

impl Dataset {
    /// An empty data set, to be filled with [`Self::push`].
    pub fn new() -> Self {
        Self {
            images: Vec::new(),
            labels: Vec::new(),
            paths: Vec::new(),
            splits: Default::default(),
        }
    }

    /// Appends an image: [`IMAGE_LEN`] bytes of luma.
    ///
    /// # Panics
    /// If the image has another length.
    pub fn push(&mut self, split: Split, expression: Expression, image: &[u8]) {
        assert_eq!(image.len(), IMAGE_LEN, "an image is 48 × 48 bytes");
        self.splits[split as usize].push(self.labels.len());
        self.labels.push(expression.index() as u8);
        self.images.extend_from_slice(image);
    }

    /// Appends an image that has a path. Either all images of a data set have one, or none.
    ///
    /// # Panics
    /// If the image has another length, or one before it has no path.
    fn push_with_path(&mut self, split: Split, expression: Expression, image: &[u8], path: String) {
        assert_eq!(self.paths.len(), self.labels.len(), "all have paths");
        self.push(split, expression, image);
        self.paths.push(path);
    }

    /// Loads FER-2013 from what `path` turns out to hold:
    ///
    /// - `fer2013.csv` or `icml_face_data.csv`, plain or gzipped: columns `emotion`, `pixels` and `Usage` in any
    ///   order, spaces around the names allowed;
    /// - a folder of `train` and `test`, or of `Training`, `PublicTest` and `PrivateTest`, each with one folder per
    ///   expression, of images of any size and kind that the application reads; these are made upright, opaque and grey
    ///   as there, and resized to 48×48; any of the folders may be a link;
    /// - a folder that holds one of those files;
    /// - a zip of any of these.
    ///
    /// # Errors
    /// [`DatasetError`], naming the file and what is wrong with it. Nothing is skipped: one bad row or image
    /// refuses the whole set.
    pub fn load(path: &Path) -> Result<Self, DatasetError> {
        let name = path.display().to_string();
        let read_error = |source| DatasetError::Read {
            file: name.clone(),
            source,
        };
        let is_folder = std::fs::metadata(path).map_err(read_error)?.is_dir();
        let mut dataset = if is_folder {
            match csv_in(path) {
                Some(csv) => return Self::load(&csv),
                None => folder::load(path)?,
            }
        } else {
            let mut file = File::open(path).map_err(read_error)?;
            let magic = peek::<4>(&mut file).map_err(read_error)?;
            let file = File::open(path).map_err(read_error)?;
            match magic {
                [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => zip::load(file, &name)?,
                [0x1f, 0x8b, ..] => csv::load(MultiGzDecoder::new(BufReader::new(file)), &name)?,
                _ => csv::load(file, &name)?,
            }
        };
        if dataset.is_empty() {
            return Err(DatasetError::Form {
                file: name,
                problem: "holds no images".to_owned(),
            });
        }
        dataset.carve_public_test();
        log::info!(
            "{name}: {}",
            Split::ALL
                .map(|split| format!("{} {}", dataset.split(split).len(), split.name()))
                .join(", ")
        );
        Ok(dataset)
    }

    /// Takes images out of a split; the others keep their numbers.
    pub fn restrict(&mut self, split: Split, keep: impl Fn(usize) -> bool) {
        self.splits[split as usize].retain(|index| keep(*index));
    }

    /// Corrects a label.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn relabel(&mut self, index: usize, expression: Expression) {
        self.labels[index] = expression.index() as u8;
    }

    /// Number of images in all splits together.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The indices of a split, ascending. Empty if the data has no such split.
    pub fn split(&self, split: Split) -> &[usize] {
        &self.splits[split as usize]
    }

    /// An image: [`IMAGE_LEN`] bytes of luma, rows from the top.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * IMAGE_LEN..(index + 1) * IMAGE_LEN]
    }

    /// Where an image lies in its folder or zip, with `/` between folders; `None` for a row of a table.
    pub fn path(&self, index: usize) -> Option<&str> {
        self.paths.get(index).map(String::as_str)
    }

    /// What people call an image: its path, or its number where it has none.
    pub fn name(&self, index: usize) -> String {
        self.path(index)
            .map_or_else(|| index.to_string(), str::to_owned)
    }

    /// The paths of all images, by index; empty for a table.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// FER-2013's number of an image's expression, 0 to 6; see [`Expression::from_index`].
    ///
    /// # Panics
    /// If there is no such image.
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// The labels of some images, in the order of `indices`.
    pub fn labels_of(&self, indices: &[usize]) -> Vec<u32> {
        indices.iter().map(|&i| u32::from(self.label(i))).collect()
    }

    /// How many of some images show each expression, in [`Expression::ALL`]'s order.
    pub fn class_counts(&self, indices: &[usize]) -> [usize; N_EXPRESSIONS] {
        let mut counts = [0; N_EXPRESSIONS];
        for &index in indices {
            counts[usize::from(self.label(index))] += 1;
        }
        counts
    }

    /// Mean and standard deviation of all pixels of some images, where black is 0 and white is 1.
    /// Both are 0 for no images.
    pub fn mean_std(&self, indices: &[usize]) -> (f32, f32) {
        let mut histogram = [0_u64; 256];
        for &index in indices {
            for &pixel in self.image(index) {
                histogram[usize::from(pixel)] += 1;
            }
        }
        let n = (indices.len() * IMAGE_LEN).max(1) as f64;
        let moment = |power: i32| {
            let of_value =
                |(value, &count): (usize, &u64)| (value as f64 / 255.0).powi(power) * count as f64;
            histogram.iter().enumerate().map(of_value).sum::<f64>() / n
        };
        let mean = moment(1);
        (
            mean as f32,
            (moment(2) - mean * mean).max(0.0).sqrt() as f32,
        )
    }

    /// A number that differs, as good as always, for data sets that differ in any pixel, label or split. A run
    /// that resumes compares it with the one it stored. (FNV-1a, 64 bits; it finds mistakes, not forgeries.)
    pub fn fingerprint(&self) -> u64 {
        let splits = self.splits.iter().flat_map(|indices| {
            let ends = [indices.len() as u64];
            ends.into_iter()
                .chain(indices.iter().map(|&index| index as u64))
                .flat_map(u64::to_le_bytes)
                .collect::<Vec<_>>()
        });
        let bytes = self.images.iter().chain(&self.labels).copied();
        bytes
            .chain(splits)
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    }

    /// Moves an eighth of Training to PublicTest if there is no PublicTest, class by class.
    fn carve_public_test(&mut self) {
        let [training, public_test, _] = &mut self.splits;
        if !public_test.is_empty() || training.is_empty() {
            return;
        }
        let mut rng = SplitMix64::from_key(&CARVE_KEY);
        for class in 0..N_EXPRESSIONS {
            let mut of_class: Vec<usize> = training
                .iter()
                .copied()
                .filter(|&index| usize::from(self.labels[index]) == class)
                .collect();
            rng.shuffle(&mut of_class);
            of_class.truncate(of_class.len() / CARVED_FRACTION);
            public_test.append(&mut of_class);
        }
        public_test.sort_unstable();
        training.retain(|index| public_test.binary_search(index).is_err());
        log::warn!(
            "the data has no PublicTest split: {} images of Training, one in {CARVED_FRACTION} of each class, \
             are held back for validation in its place",
            public_test.len(),
        );
    }
}

impl PartialEq for Dataset {
    /// Whether they teach the same: where the images lie does not matter.
    fn eq(&self, other: &Self) -> bool {
        (&self.images, &self.labels, &self.splits) == (&other.images, &other.labels, &other.splits)
    }
}

impl Default for Dataset {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Dataset {
    /// Sizes only: the pixels would be 80 MB of digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dataset")
            .field("n_training", &self.split(Split::Training).len())
            .field("n_public_test", &self.split(Split::PublicTest).len())
            .field("n_private_test", &self.split(Split::PrivateTest).len())
            .finish_non_exhaustive()
    }
}

/// The file of FER-2013 rows a folder holds, for users who give the folder they unpacked.
fn csv_in(folder: &Path) -> Option<PathBuf> {
    ["fer2013.csv", "fer2013.csv.gz", "icml_face_data.csv"]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// The first bytes of a file; what a shorter file lacks is 0.
fn peek<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut n_read = 0;
    while n_read < N {
        match file.read(&mut bytes[n_read..])? {
            0 => break,
            n => n_read += n,
        }
    }
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `n` images a split, all different, classes in turn.
    pub(crate) fn synthetic(n: usize) -> Dataset {
        let mut dataset = Dataset::new();
        let mut rng = SplitMix64::from_key(&[n as u64]);
        for split in Split::ALL {
            for i in 0..n {
                let image: Vec<u8> = (0..IMAGE_LEN).map(|_| rng.next_u64() as u8).collect();
                dataset.push(split, Expression::ALL[i % N_EXPRESSIONS], &image);
            }
        }
        dataset
    }

    #[test]
    fn counts_and_moments_are_those_of_the_chosen_images() {
        let mut dataset = Dataset::new();
        dataset.push(Split::Training, Expression::Happy, &[0; IMAGE_LEN]);
        dataset.push(Split::PrivateTest, Expression::Happy, &[255; IMAGE_LEN]);
        dataset.push(Split::Training, Expression::Angry, &[255; IMAGE_LEN]);
        assert_eq!(dataset.split(Split::Training), [0, 2]);
        assert_eq!(dataset.class_counts(&[0, 2]), [1, 0, 0, 1, 0, 0, 0]);
        assert_eq!(dataset.labels_of(&[2, 1]), [0, 3]);
        assert_eq!(dataset.mean_std(&[0, 2]), (0.5, 0.5));
        assert_eq!(dataset.mean_std(&[1]), (1.0, 0.0));
    }

    #[test]
    fn the_fingerprint_sees_a_pixel_a_label_and_a_split() {
        let fingerprint_with = |split, expression, pixel| {
            let mut dataset = synthetic(2);
            dataset.push(split, expression, &[pixel; IMAGE_LEN]);
            dataset.fingerprint()
        };
        let base = fingerprint_with(Split::Training, Expression::Sad, 9);
        assert_eq!(base, fingerprint_with(Split::Training, Expression::Sad, 9));
        assert_ne!(base, fingerprint_with(Split::Training, Expression::Sad, 8));
        assert_ne!(base, fingerprint_with(Split::Training, Expression::Fear, 9));
        assert_ne!(
            base,
            fingerprint_with(Split::PublicTest, Expression::Sad, 9)
        );
    }

    #[test]
    fn a_missing_public_test_comes_from_every_class_of_training() {
        let mut dataset = synthetic(7 * 16);
        dataset.splits[Split::PublicTest as usize].clear();
        let before = dataset.split(Split::Training).to_vec();
        let mut again = dataset.clone();
        dataset.carve_public_test();
        again.carve_public_test();
        assert_eq!(dataset, again);

        let carved = dataset.split(Split::PublicTest);
        assert_eq!(dataset.class_counts(carved), [2; N_EXPRESSIONS]);
        let mut all = [dataset.split(Split::Training), carved].concat();
        all.sort_unstable();
        assert_eq!(all, before);

        let complete = synthetic(16);
        let mut same = complete.clone();
        same.carve_public_test();
        assert_eq!(same, complete);
    }

    #[test]
    fn files_that_are_no_data_set_are_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Dataset::load(&folder.path().join("nowhere.csv")).unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("nowhere.csv could not be read"),
            "{missing}"
        );
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        let error = Dataset::load(&empty).unwrap_err().to_string();
        assert!(error.ends_with("is empty"), "{error}");
    }
}
