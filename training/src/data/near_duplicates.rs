//! Pictures that are nearly the same: recompressed, a little brighter, or mirrored.
//!
//! [`crate::data::duplicates`] finds copies pixel by pixel; the web holds each picture in many forms, and a near copy of a test
//! image teaches as much as the image itself. Every image is compared with every other by correlation, which
//! ignores brightness and contrast: first of 8×8 thumbnails, then, where these agree, of all pixels.

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    data::dataset::Dataset,
    fer2013::{IMAGE_LEN, IMAGE_SIDE_PX},
};

/// Least correlation of near duplicates. Of the 744 pairs above it in FER-2013, the sixteen closest to it and all eight that
/// are mirrored were looked at: each is one photograph.
pub const MIN_CORRELATION: f32 = 0.97;

/// Least correlation of thumbnails that are looked at again. Blurring evens out what recompression changed, so that near
/// duplicates lie above it, and few others do.
const MIN_THUMBNAIL_CORRELATION: f32 = 0.96;

/// Side of a thumbnail, which divides an image's.
const THUMBNAIL_SIDE_PX: usize = 8;
const THUMBNAIL_LEN: usize = THUMBNAIL_SIDE_PX * THUMBNAIL_SIDE_PX;

/// Thumbnails compared with all others in one multiplication; the products take 40 MB on FER-2013.
const BLOCK: usize = 256;

/// Two images that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NearPair {
    /// The lower index.
    pub first: usize,
    /// The higher one.
    pub second: usize,
    /// Of all pixels, at most 1.
    pub correlation: f32,
    /// Whether one is the mirror image of the other.
    pub mirrored: bool,
}

/// All pairs that are nearly, but not exactly, the same, by rising indices. Images of one single grey have no pair.
///
/// # Errors
/// If the memory is too small for the products of thumbnails.
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
            // A pair is looked at from its lower index, so what lies before the block is done.
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
    // A face that is its own mirror image is found both ways.
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

/// Values with mean 0 and length 1, so that a dot product is a correlation; all 0 if they were all the same.
struct Standard<const N: usize>([f32; N]);

impl<const N: usize> Standard<N> {
    fn new(values: &[f32; N]) -> Self {
        let mean = values.iter().sum::<f32>() / N as f32;
        let centred = values.map(|value| value - mean);
        let length = centred
            .iter()
            .map(|value| value * value)
            .sum::<f32>()
            .sqrt();
        Self(centred.map(|value| if length > 0.0 { value / length } else { 0.0 }))
    }

    fn correlation(&self, other: &Self) -> f32 {
        // Eight sums of their own, which the compiler turns into vector instructions.
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

    /// A picture of its own: soft blobs, as faces are, rather than noise.
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
        let mut dataset = Dataset::new();
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
        push(&[5; IMAGE_LEN]); // 44 and 45: of one grey each.
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
