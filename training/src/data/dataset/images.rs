//! Images, labels and splits in memory.

use fervis::expression::{Label, Labels, PerLabel};
use image::{
    GrayImage,
    imageops::{self, FilterType},
};

use super::{
    error::DatasetError,
    split::{Split, SplitOrigin},
};
use crate::fer2013::{IMAGE_LEN, IMAGE_SIDE_PX};

/// The largest dataset: 2.3 GB, about what fits into the memory of an ordinary machine.
const MAX_IMAGES: usize = 1_000_000;

/// Images, labels and splits. An image is identified by its index, in the order of the file; images of a folder are
/// ordered by path.
#[derive(Clone, Default)]
pub struct Dataset {
    classes: Labels,
    images: Vec<u8>,
    /// The same images for a network with larger inputs.
    larger: Option<LargerImages>,
    pub(super) labels: Vec<u8>,
    /// The path of each image in its folder or zip; empty for a table.
    paths: Vec<String>,
    /// Indices of each of [`Split::ALL`], in ascending order.
    pub(super) splits: [Vec<usize>; 3],
    pub(super) split_origin: SplitOrigin,
}

#[derive(Debug, Clone)]
struct LargerImages {
    side_px: usize,
    images: Vec<u8>,
}

impl Dataset {
    /// An empty dataset of these classes; fill it with [`Self::push`].
    pub fn of_classes(classes: Labels) -> Self {
        Self {
            classes,
            ..Self::default()
        }
    }

    /// An empty dataset for a network whose input has this side, px; fill it with [`Self::push_picture`].
    pub(super) fn of_pictures(classes: Labels, side_px: usize) -> Self {
        let larger = LargerImages {
            side_px,
            images: Vec::new(),
        };
        Self {
            larger: (side_px > IMAGE_SIDE_PX).then_some(larger),
            ..Self::of_classes(classes)
        }
    }

    /// Appends an image: [`IMAGE_LEN`] bytes of luma.
    ///
    /// # Panics
    /// If the image has another length, or the label is not one of the dataset's classes.
    pub fn push(&mut self, split: Split, label: impl Into<Label>, image: &[u8]) {
        assert_eq!(image.len(), IMAGE_LEN, "an image is 48 × 48 bytes");
        let label = self.checked(label.into());
        self.splits[split as usize].push(self.labels.len());
        self.labels.push(label);
        self.images.extend_from_slice(image);
    }

    /// Appends a picture of any size, with its path. Either all images of a dataset have a path or none has.
    ///
    /// It is resampled with a triangle filter, which averages when shrinking. The aspect ratio is not kept, since the
    /// network's input is square.
    pub(super) fn push_picture(
        &mut self,
        split: Split,
        label: Label,
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
        self.push(split, label, &sized(IMAGE_SIDE_PX));
        self.paths.push(path);
    }

    /// Refuses a dataset with too many images for the memory.
    pub(super) fn check_size(&self, name: &str) -> Result<(), DatasetError> {
        if self.len() <= MAX_IMAGES {
            return Ok(());
        }
        let problem = format!("holds more than {MAX_IMAGES} images, the limit");
        Err(DatasetError::form(name, problem))
    }

    /// Where the splits come from.
    pub fn split_origin(&self) -> SplitOrigin {
        self.split_origin
    }

    /// Removes images from a split; the others keep their numbers.
    pub fn restrict(&mut self, split: Split, keep: impl Fn(usize) -> bool) {
        self.splits[split as usize].retain(|index| keep(*index));
    }

    /// Changes the label of an image.
    ///
    /// # Panics
    /// If there is no such image, or the label is not one of the dataset's classes.
    pub fn relabel(&mut self, index: usize, label: impl Into<Label>) {
        self.labels[index] = self.checked(label.into());
    }

    /// The number of a label.
    fn checked(&self, label: Label) -> u8 {
        assert_eq!(label.labels(), self.classes, "a label of the dataset");
        label.index() as u8
    }

    /// The classes, in the order of their numbers.
    pub fn classes(&self) -> Labels {
        self.classes
    }

    /// Takes these classes, in their order, in place of its own. Images of other classes are in no split then; all keep
    /// their numbers. Returns how many there are of each that was left out.
    pub(super) fn choose(&mut self, classes: Labels) -> Vec<(Label, usize)> {
        let before = self.classes;
        if before == classes {
            return Vec::new();
        }
        let now: Vec<Option<Label>> = before.iter().map(|label| classes.like(label)).collect();
        let mut left_out = PerLabel::<usize>::new(before);
        for split in &mut self.splits {
            split.retain(|index| {
                let label = usize::from(self.labels[*index]);
                left_out[label] += usize::from(now[label].is_none());
                now[label].is_some()
            });
        }
        for label in &mut self.labels {
            *label = now[usize::from(*label)].map_or(0, |label| label.index() as u8);
        }
        self.classes = classes;
        left_out.by_label().filter(|(_, n)| *n > 0).collect()
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

    /// The path of an image in its folder or zip, with `/` between folders; `None` for a row of a table.
    pub fn path(&self, index: usize) -> Option<&str> {
        self.paths.get(index).map(String::as_str)
    }

    /// The name of an image in messages: its path or, without one, its number.
    pub fn name(&self, index: usize) -> String {
        self.path(index)
            .map_or_else(|| index.to_string(), str::to_owned)
    }

    /// The paths of all images, by index; empty for a table.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The network's input: a square of luma, rows from the top. Its side is the one given to [`Self::load_for`] if the
    /// data has larger images, else 48 px.
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

    /// The label of an image as its number among [`Self::classes`].
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

    /// How many of the images are of each class.
    pub fn class_counts(&self, indices: &[usize]) -> PerLabel<usize> {
        let mut counts = PerLabel::new(self.classes);
        for &index in indices {
            counts[usize::from(self.label(index))] += 1;
        }
        counts
    }

    /// Mean and standard deviation of all pixels of the images; black is 0, white is 1. Both are 0 without images.
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

    /// A number that almost certainly differs for datasets that differ in any pixel at 48×48, label or split. A resumed
    /// run compares it with the one it saved. (It finds mistakes, not forgeries.)
    pub fn fingerprint(&self) -> u64 {
        let splits = self.splits.iter().flat_map(|indices| {
            let ends = [indices.len() as u64];
            ends.into_iter()
                .chain(indices.iter().map(|&index| index as u64))
                .flat_map(u64::to_le_bytes)
                .collect::<Vec<_>>()
        });
        let bytes = self.images.iter().chain(&self.labels).copied();
        // FER-2013's classes came first, and what was computed then must stay.
        let names = match self.classes == Labels::FER_2013 {
            true => String::new(),
            false => self.classes.list(),
        };
        fnv_1a(FNV_OFFSET, bytes.chain(splits).chain(names.into_bytes()))
    }
}

/// Where [`fnv_1a`] begins.
pub(crate) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// Continues a hash with more bytes (FNV-1a, 64 bits).
pub(crate) fn fnv_1a(hash: u64, bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(hash, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl PartialEq for Dataset {
    /// Whether images, labels and splits are equal; paths do not matter.
    fn eq(&self, other: &Self) -> bool {
        self.classes == other.classes
            && (&self.images, &self.labels, &self.splits)
                == (&other.images, &other.labels, &other.splits)
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
