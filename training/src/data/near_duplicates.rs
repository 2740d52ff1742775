//! Images that are almost identical: recompressed, slightly brighter, or mirrored.
//!
//! [`crate::data::duplicates`] finds exact copies. The web holds each picture in many forms, and a near copy of a test
//! image teaches as much as the image itself. Every image is compared with every other by correlation, which ignores
//! brightness and contrast: first of 8×8 thumbnails and then, if these agree, of all pixels.

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    data::dataset::Dataset,
    fer2013::{IMAGE_LEN, IMAGE_SIDE_PX},
};

/// Minimum correlation of near duplicates. Of the 744 pairs above it in FER-2013, the sixteen closest to it and all eight
/// mirrored ones were inspected by eye: each shows one photograph.
pub const MIN_CORRELATION: f32 = 0.97;

/// Minimum correlation of thumbnails for a comparison of all pixels. Thumbnails average out what recompression changes,
/// so near duplicates lie above it, and few other pairs do.
const MIN_THUMBNAIL_CORRELATION: f32 = 0.96;

/// Side of a thumbnail, px; it divides that of an image.
const THUMBNAIL_SIDE_PX: usize = 8;
const THUMBNAIL_LEN: usize = THUMBNAIL_SIDE_PX * THUMBNAIL_SIDE_PX;

/// Thumbnails compared with all others in one matrix multiplication; its result takes 40 MB for FER-2013.
const BLOCK: usize = 256;

/// Two images that are almost identical.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NearPair {
    /// The lower index.
    pub first: usize,
    /// The higher one.
    pub second: usize,
    /// Correlation of all pixels, at most 1.
    pub correlation: f32,
    /// Whether one is the mirror image of the other.
    pub mirrored: bool,
}

/// All pairs that are almost, but not exactly, identical, in ascending order. Images of a single gray have no pairs.
///
/// # Errors
/// If there is not enough memory for the correlations of the thumbnails.
pub fn find(dataset: &Dataset) -> candle_core::Result<Vec<NearPair>> {
    let n = dataset.len();
    let [upright, mirrored] = [false, true].map(|mirrored| {
        let images = (0..n).map(|index| thumbnail(dataset.image(index), mirrored));
        let values: Vec<f32> = images.flat_map(|cells| Standard::new(&cells).0).collect();
        Tensor::from_vec(values, (n, THUMBNAIL_LEN), &Device::Cpu)
    });
    let (upright, mirrored) = (upright?, mirrored?);
    let mut pairs = Vec::new();
    for start in (0..n).step_by(BLOCK) {
        let block = upright.narrow(0, start, BLOCK.min(n - start))?;
        for (others, mirrored) in [(&upright, false), (&mirrored, true)] {
            // A pair is compared once, from its lower index, so images before the block are done.
            let others = others.narrow(0, start, n - start)?;
            let products = block
                .matmul(&others.t()?)?
                .flatten_all()?
                .to_vec1::<f32>()?;
            let found: Vec<NearPair> = products
                .par_chunks_exact(n - start)
                .enumerate()
                .flat_map_iter(|(row, products)| {
                    let after = products.iter().enumerate().skip(row + 1);
                    after
                        .filter(|(_, product)| **product >= MIN_THUMBNAIL_CORRELATION)
                        .filter_map(move |(column, _)| {
                            compare(dataset, start + row, start + column, mirrored)
                        })
                })
                .collect();
            pairs.extend(found);
        }
    }
    pairs.sort_by_key(|pair| (pair.first, pair.second, pair.mirrored));
    // A symmetric face is found both ways.
    pairs.dedup_by_key(|pair| (pair.first, pair.second));
    Ok(pairs)
}

/// Compares all pixels.
fn compare(dataset: &Dataset, first: usize, second: usize, mirrored: bool) -> Option<NearPair> {
    let (a, b) = (dataset.image(first), dataset.image(second));
    if a == b {
        return None;
    }
    let correlation = full(a, false).correlation(&full(b, mirrored));
    (correlation >= MIN_CORRELATION).then_some(NearPair {
        first,
        second,
        correlation,
        mirrored,
    })
}

/// Values scaled to mean 0 and length 1, so that a dot product is a correlation; all 0 if all are equal.
struct Standard<const N: usize>([f32; N]);

impl<const N: usize> Standard<N> {
    fn new(values: &[f32; N]) -> Self {
        let mean = values.iter().sum::<f32>() / N as f32;
        let centered = values.map(|value| value - mean);
        let length = centered
            .iter()
            .map(|value| value * value)
            .sum::<f32>()
            .sqrt();
        Self(centered.map(|value| if length > 0.0 { value / length } else { 0.0 }))
    }

    fn correlation(&self, other: &Self) -> f32 {
        // Eight separate sums, which the compiler turns into vector instructions.
        let mut sums = [0.0; 8];
        for (a, b) in self.0.chunks_exact(8).zip(other.0.chunks_exact(8)) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        sums.iter().sum()
    }
}

/// Means of 6×6 pixels.
fn thumbnail(image: &[u8], mirrored: bool) -> [f32; THUMBNAIL_LEN] {
    const CELL: usize = IMAGE_SIDE_PX / THUMBNAIL_SIDE_PX;
    let mut cells = [0.0; THUMBNAIL_LEN];
    for (y, row) in image.chunks_exact(IMAGE_SIDE_PX).enumerate() {
        for (x, pixel) in row.iter().enumerate() {
            let x = if mirrored { IMAGE_SIDE_PX - 1 - x } else { x };
            cells[y / CELL * THUMBNAIL_SIDE_PX + x / CELL] += f32::from(*pixel);
        }
    }
    cells
}

fn full(image: &[u8], mirrored: bool) -> Standard<IMAGE_LEN> {
    let mut values = [0.0; IMAGE_LEN];
    for (values, row) in values
        .chunks_exact_mut(IMAGE_SIDE_PX)
        .zip(image.chunks_exact(IMAGE_SIDE_PX))
    {
        for (value, pixel) in values.iter_mut().zip(row) {
            *value = f32::from(*pixel);
        }
        if mirrored {
            values.reverse();
        }
    }
    Standard::new(&values)
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::*;
    use crate::{data::dataset::Split, random::SplitMix64};

    /// A distinct image of soft blobs, which resemble a face more than noise does.
    fn picture(key: u64) -> Vec<u8> {
        let mut rng = SplitMix64::from_key(&[key]);
        let blobs: Vec<[f32; 4]> = (0..6)
            .map(|_| {
                let [x, y] = [(); 2].map(|()| rng.between(4.0, 44.0));
                [x, y, rng.between(4.0, 9.0), rng.between(-100.0, 100.0)]
            })
            .collect();
        let pixel = |index: usize| {
            let (px, py) = (
                (index % IMAGE_SIDE_PX) as f32,
                (index / IMAGE_SIDE_PX) as f32,
            );
            let light = |[x, y, size, height]: &[f32; 4]| {
                height * (-((px - x).powi(2) + (py - y).powi(2)) / (size * size)).exp()
            };
            (128.0 + blobs.iter().map(light).sum::<f32>()).clamp(0.0, 255.0) as u8
        };
        (0..IMAGE_LEN).map(pixel).collect()
    }

    #[test]
    fn copies_that_are_brighter_noisy_or_mirrored_are_found() {
        let mut dataset = Dataset::default();
        let mut push = |image: &[u8]| dataset.push(Split::Training, Expression::Happy, image);
        for key in 0..40 {
            push(&picture(key));
        }
        push(&picture(7)); // 40: exact, not near.
        let mut rng = SplitMix64::from_key(&[99]);
        let noisy = picture(8)
            .iter()
            .map(|pixel| pixel.saturating_add(rng.below(8) as u8))
            .collect::<Vec<_>>();
        push(&noisy); // 41
        let darker: Vec<u8> = picture(9).iter().map(|pixel| pixel / 2 + 10).collect();
        push(&darker); // 42
        let mut mirrored = picture(10);
        mirrored
            .chunks_exact_mut(IMAGE_SIDE_PX)
            .for_each(<[u8]>::reverse);
        push(&mirrored); // 43
        push(&[5; IMAGE_LEN]); // 44 and 45: a single gray each.
        push(&[6; IMAGE_LEN]);
        let found: Vec<_> = find(&dataset)
            .unwrap()
            .iter()
            .map(|pair| (pair.first, pair.second, pair.mirrored))
            .collect();
        assert_eq!(found, [(8, 41, false), (9, 42, false), (10, 43, true)]);
    }

    #[test]
    fn correlation_ignores_brightness_and_contrast() {
        let values: [f32; 8] = [1.0, 5.0, 2.0, 8.0, 0.0, 3.0, 3.0, 9.0];
        let a = Standard::new(&values);
        assert!((a.correlation(&Standard::new(&values.map(|v| 3.0 * v + 7.0))) - 1.0).abs() < 1e-6);
        assert!((a.correlation(&Standard::new(&values.map(|v| -v))) + 1.0).abs() < 1e-6);
        assert_eq!(a.correlation(&Standard::new(&[4.0; 8])), 0.0);
    }
}
