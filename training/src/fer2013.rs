//! FER-2013 as published: image size and class counts, by which a copy is recognized.

use fervis::expression::{Labels, N_EXPRESSIONS, PerLabel};

/// Width and height of an image, px.
pub const IMAGE_SIDE_PX: usize = 48;

/// Bytes of an image: one of luma per pixel, rows from the top.
pub const IMAGE_LEN: usize = IMAGE_SIDE_PX * IMAGE_SIDE_PX;

/// Images of each class in each split, as published (Goodfellow et al. 2013, arXiv:1307.0414, and Kaggle's file).
pub const PUBLISHED_COUNTS: [[usize; N_EXPRESSIONS]; 3] = [
    [3995, 436, 4097, 7215, 4830, 3171, 4965],
    [467, 56, 496, 895, 653, 415, 607],
    [491, 55, 528, 879, 594, 416, 626],
];

/// How far a class's share may differ from FER-2013's for the data to count as a copy of it, possibly a damaged one.
/// Disgust has 1.5 %, happy 25 %. Missing images are mostly missing at the end of the file, where all classes occur.
const MAX_SHARE_DIFFERENCE: f64 = 0.015;
/// A copy has at least this share of FER-2013's images; fewer means that it was cut off or is a subset.
const MIN_COPIED: f64 = 0.1;
const MAX_COPIED: f64 = 1.1;

/// Whether these are the counts of FER-2013 or of a damaged copy of it, however it is split.
pub fn is_fer_2013(counts: &[PerLabel<usize>; 3]) -> bool {
    if counts
        .iter()
        .any(|split| split.labels() != Labels::FER_2013)
    {
        return false;
    }
    let published = PUBLISHED_COUNTS.map(PerLabel::from);
    let shares = |counts: &[PerLabel<usize>; 3]| {
        let n_images = counts.iter().flat_map(|split| split.iter()).sum::<usize>() as f64;
        let of_class = |class: usize| counts.iter().map(|split| split[class]).sum::<usize>();
        let shares: [f64; N_EXPRESSIONS] =
            std::array::from_fn(|class| of_class(class) as f64 / n_images.max(1.0));
        (n_images, shares)
    };
    let ((n, shares), (n_published, published)) = (shares(counts), shares(&published));
    let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= MAX_SHARE_DIFFERENCE;
    (MIN_COPIED..=MAX_COPIED).contains(&(n / n_published))
        && shares.iter().zip(&published).all(is_near)
}
