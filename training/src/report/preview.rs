//! A sheet of the network's inputs, made from the loader's own batches.
//!
//! Each row is one image: as stored, as an evaluation sees it, and as several epochs of training see it. The values are
//! the loader's, converted back to gray levels, so that mistakes in normalization or augmentation show.

use std::sync::Arc;

use anyhow::{Result, ensure};
use fervis::expression::Label;
use image::{GrayImage, Luma, imageops};

use crate::{
    augment::{AugmentConfig, Normalization, View},
    data::{
        dataset::{Dataset, Split},
        loader::{Batch, Batches, Epoch, LoaderConfig},
    },
};

/// Enlargement of the inputs, without interpolation.
const ENLARGEMENT: usize = 2;
/// Space between cells, px.
const GAP_PX: usize = 4;
/// Background.
const BACKGROUND: Luma<u8> = Luma([255]);

/// What to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreviewConfig {
    /// The augmentation.
    pub augment: AugmentConfig,
    /// The normalization of the input.
    pub normalization: Normalization,
    /// Side of the input, px.
    pub side_px: usize,
    /// Seed of the run: the columns are what its epochs will see.
    pub seed: u64,
    /// Columns of augmented images.
    pub n_epochs: usize,
}

/// The first `n_per_class` images of each class of a split, class by class.
pub fn choose(dataset: &Dataset, split: Split, n_per_class: usize) -> Vec<usize> {
    let of_class = |label: Label| {
        let indices = dataset.split(split).iter().copied();
        let same = indices.filter(move |&i| usize::from(dataset.label(i)) == label.index());
        same.take(n_per_class)
    };
    let mut chosen = Vec::with_capacity(n_per_class * dataset.classes().len());
    chosen.extend(dataset.classes().iter().flat_map(of_class));
    chosen
}

/// Draws the sheet: one row for each of `indices`, 2 + `n_epochs` columns.
///
/// # Errors
/// If there are no images, or the loader's thread cannot be started.
pub fn sheet(
    dataset: &Arc<Dataset>,
    indices: &[usize],
    config: &PreviewConfig,
) -> Result<GrayImage> {
    ensure!(
        !indices.is_empty(),
        "the split has no images; choose another with --split"
    );
    let normalization = config.normalization;
    let loader = LoaderConfig {
        side_px: config.side_px,
        ..LoaderConfig::default()
    };
    let plain = Batches::evaluation(
        Arc::clone(dataset),
        indices,
        View::PLAIN,
        normalization,
        loader,
    )?;
    let stored = indices.iter().map(|&index| dataset.input(index).to_vec());
    let mut columns = vec![
        stored.collect::<Vec<_>>(),
        fed(plain, indices, normalization),
    ];
    for number in 0..config.n_epochs as u64 {
        let epoch = Epoch {
            seed: config.seed,
            number,
            first_batch: 0,
        };
        let batches = Batches::training(
            Arc::clone(dataset),
            indices,
            config.augment,
            normalization,
            epoch,
            loader,
        )?;
        columns.push(fed(batches, indices, normalization));
    }
    Ok(arrange(&columns, ENLARGEMENT * config.side_px))
}

/// The images of the batches as gray levels, in the order of `indices`.
fn fed(
    batches: impl Iterator<Item = Batch>,
    indices: &[usize],
    normalization: Normalization,
) -> Vec<Vec<u8>> {
    let gray = |value: &f32| {
        let share = value * normalization.std + normalization.mean;
        (share * 255.0).round().clamp(0.0, 255.0) as u8
    };
    let mut images = vec![Vec::new(); indices.len()];
    for batch in batches {
        let image_len = batch.images.len() / batch.len();
        for (index, values) in batch
            .indices
            .iter()
            .zip(batch.images.chunks_exact(image_len))
        {
            let row = indices.iter().position(|shown| shown == index);
            if let Some(row) = row {
                images[row] = values.iter().map(gray).collect();
            }
        }
    }
    images
}

/// Arranges columns of square images side by side, in cells of this side, with more space before the augmented ones.
fn arrange(columns: &[Vec<Vec<u8>>], cell_px: usize) -> GrayImage {
    let n_rows = columns.first().map_or(0, Vec::len);
    let place = |position: usize| GAP_PX + position * (cell_px + GAP_PX);
    let left = |column: usize| place(column) + if column > 1 { 2 * GAP_PX } else { 0 };
    let mut sheet =
        GrayImage::from_pixel(left(columns.len()) as u32, place(n_rows) as u32, BACKGROUND);
    for (column, images) in columns.iter().enumerate() {
        for (row, image) in images.iter().enumerate() {
            let side = image.len().isqrt();
            let cell = GrayImage::from_fn(cell_px as u32, cell_px as u32, |x, y| {
                let [x, y] = [x, y].map(|place| place as usize * side / cell_px);
                Luma([image[y * side + x]])
            });
            imageops::replace(&mut sheet, &cell, left(column) as i64, place(row) as i64);
        }
    }
    sheet
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::*;
    use crate::fer2013::{IMAGE_LEN, IMAGE_SIDE_PX};

    fn dataset() -> Arc<Dataset> {
        let mut dataset = Dataset::default();
        for (split, expression, shade) in [
            (Split::Training, Expression::Sad, 10),
            (Split::Training, Expression::Angry, 20),
            (Split::PublicTest, Expression::Angry, 30),
            (Split::Training, Expression::Angry, 40),
            (Split::Training, Expression::Angry, 50),
        ] {
            let ramp = (0..IMAGE_LEN).map(|i| shade + (i % IMAGE_SIDE_PX) as u8);
            dataset.push(split, expression, &ramp.collect::<Vec<_>>());
        }
        Arc::new(dataset)
    }

    #[test]
    fn the_first_of_each_class_are_chosen() {
        assert_eq!(choose(&dataset(), Split::Training, 2), [1, 3, 0]);
        assert_eq!(choose(&dataset(), Split::PrivateTest, 2), [] as [usize; 0]);
    }

    #[test]
    fn the_sheet_shows_the_image_the_input_and_the_augmentation() {
        let dataset = dataset();
        let config = PreviewConfig {
            augment: AugmentConfig {
                flip_probability: 1.0,
                ..AugmentConfig::OFF
            },
            normalization: Normalization {
                mean: 0.3,
                std: 0.2,
            },
            side_px: IMAGE_SIDE_PX,
            seed: 1,
            n_epochs: 2,
        };
        let sheet = sheet(&dataset, &[1, 0], &config).unwrap();
        // Four columns and two rows of 96 px, 4 px around each, 8 more before the augmented ones.
        assert_eq!(sheet.dimensions(), (4 + 4 * 100 + 8, 4 + 2 * 100));
        let at = |column: u32, row: u32, x: u32| {
            let left = 4 + column * 100 + if column > 1 { 8 } else { 0 };
            sheet.get_pixel(left + 2 * x, 4 + row * 100).0[0]
        };
        for row in 0..2 {
            let shade = [20, 10][row as usize];
            assert_eq!(at(0, row, 5), shade + 5, "stored");
            assert_eq!(at(1, row, 5), shade + 5, "as evaluated");
            assert_eq!(at(2, row, 5), shade + 42, "mirrored");
            assert_eq!(at(3, row, 47), shade, "mirrored");
        }
        assert!(super::sheet(&dataset, &[], &config).is_err());
    }
}
