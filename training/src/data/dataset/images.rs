//! Images, labels and splits in memory.

use fervis::expression::{Expression, N_EXPRESSIONS};
use image::{
    GrayImage,
    imageops::{self, FilterType},
};

use super::{
    error::DatasetError,
    split::{Split, SplitOrigin},
};
use crate::fer2013::{IMAGE_LEN, IMAGE_SIDE_PX};

/// More images do not fit into the memory of a usual machine: 2.3 GB.
const MAX_IMAGES: usize = 1_000_000;

/// Images, labels and splits. Images are known by their index, in the order of the file; those of a folder are in
/// order of their paths.
#[derive(Clone)]
pub struct Dataset {
    images: Vec<u8>,
    /// The same for a network that takes larger ones.
    larger: Option<LargerImages>,
    pub(super) labels: Vec<u8>,
    /// Where each image lies in its folder or zip; empty for a table.
    paths: Vec<String>,
    /// Indices of each of [`Split::ALL`], ascending.
    pub(super) splits: [Vec<usize>; 3],
    pub(super) split_origin: SplitOrigin,
}

#[derive(Debug, Clone)]
struct LargerImages {
    side_px: usize,
    images: Vec<u8>,
}

impl Dataset {
    /// An empty data set, to be filled with [`Self::push`].
    pub fn new() -> Self {
        Self {
            images: Vec::new(),
            larger: None,
            labels: Vec::new(),
            paths: Vec::new(),
            splits: Default::default(),
            split_origin: SplitOrigin::Given,
        }
    }

    /// An empty data set of pictures for a network whose input has this side, to be filled with [`Self::push_picture`].
    pub(super) fn of_pictures(side_px: usize) -> Self {
        let larger = LargerImages {
            side_px,
            images: Vec::new(),
        };
        Self {
            larger: (side_px > IMAGE_SIDE_PX).then_some(larger),
            ..Self::new()
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

    /// Appends a picture of any size that has a path; all pictures of a data set have one.
    ///
    /// It is resampled with a triangle filter, which averages when it shrinks; the aspect ratio is not kept, as
    /// FER-2013's own images are square.
    pub(super) fn push_picture(
        &mut self,
        split: Split,
        expression: Expression,
        luma: &GrayImage,
        path: String,
    ) {
        let sized = |side_px: usize| {
            let side = side_px as u32;
            if luma.dimensions() == (side, side) {
                return luma.as_raw().clone();
            }
            imageops::resize(luma, side, side, FilterType::Triangle).into_raw()
        };
        if let Some(larger) = &mut self.larger {
            larger.images.extend(sized(larger.side_px));
        }
        self.push(split, expression, &sized(IMAGE_SIDE_PX));
        self.paths.push(path);
    }

    /// Refuses a data set that has grown too large for the memory.
    pub(super) fn check_size(&self, name: &str) -> Result<(), DatasetError> {
        if self.len() <= MAX_IMAGES {
            return Ok(());
        }
        Err(DatasetError::Form {
            file: name.to_owned(),
            problem: format!("holds more than {MAX_IMAGES} images, which is the limit"),
        })
    }

    /// Where the splits are from.
    pub fn split_origin(&self) -> SplitOrigin {
        self.split_origin
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

    /// An image for a network: a square of luma, rows from the top, of the side that [`Self::load_for`] was given if the
    /// data has such, else 48×48.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn input(&self, index: usize) -> &[u8] {
        match &self.larger {
            Some(LargerImages { side_px, images }) => {
                let n_bytes = side_px * side_px;
                &images[index * n_bytes..(index + 1) * n_bytes]
            }
            None => self.image(index),
        }
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

    /// A number that differs, as good as always, for data sets that differ in any pixel at 48×48, label or split. A run
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
