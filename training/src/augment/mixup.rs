//! Mixup: blends pairs of images and their labels (Zhang et al. 2018, arXiv:1710.09412).
//!
//! As in the paper's code, one share is drawn for the whole batch, and the partners are the batch in another order.

use crate::random::SplitMix64;

/// How the images of a batch were blended: image `i` is `share` of itself plus `1 - share` of image `partners[i]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixed {
    /// Positions within the batch.
    pub partners: Vec<usize>,
    /// The image's own share, 0 to 1.
    pub share: f32,
}

/// Blends the images of a batch, each of `image_len` values, with a share drawn from Beta(`alpha`, `alpha`).
pub fn mix(images: &mut [f32], image_len: usize, alpha: f32, rng: &mut SplitMix64) -> Mixed {
    let share = beta(alpha, rng);
    let mut partners: Vec<usize> = (0..images.len() / image_len).collect();
    rng.shuffle(&mut partners);
    let originals = images.to_vec();
    for (image, &partner) in images.chunks_exact_mut(image_len).zip(&partners) {
        let partner = &originals[partner * image_len..(partner + 1) * image_len];
        for (value, other) in image.iter_mut().zip(partner) {
            *value = share * *value + (1.0 - share) * other;
        }
    }
    Mixed { partners, share }
}

/// A draw from Beta(`alpha`, `alpha`) by Jöhnk's method, which is fast for the `alpha` of at most 2 that mixup uses.
fn beta(alpha: f32, rng: &mut SplitMix64) -> f32 {
    loop {
        let [x, y] = [rng.unit(), rng.unit()].map(|u| f64::from(u).powf(1.0 / f64::from(alpha)));
        if x + y > 0.0 && x + y <= 1.0 {
            return (x / (x + y)) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beta(a, a) has mean 1/2 and variance 1 / (4 (2a + 1)).
    #[test]
    fn shares_have_the_moments_of_the_distribution() {
        for alpha in [0.2_f32, 1.0, 2.0] {
            let mut rng = SplitMix64::from_key(&[1]);
            let n = 20_000;
            let draws: Vec<f64> = (0..n).map(|_| f64::from(beta(alpha, &mut rng))).collect();
            let mean = draws.iter().sum::<f64>() / f64::from(n);
            let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / f64::from(n);
            let expected = 1.0 / (4.0 * (2.0 * f64::from(alpha) + 1.0));
            assert!((mean - 0.5).abs() < 0.015, "{mean}");
            assert!(
                (variance - expected).abs() < 0.005,
                "{variance}, {expected}"
            );
        }
    }

    #[test]
    fn every_image_is_blended_with_its_partner() {
        let mut images: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let mixed = mix(&mut images, 2, 1.0, &mut SplitMix64::from_key(&[5]));
        assert_ne!(mixed.partners, [0, 1, 2, 3]);
        for (i, &partner) in mixed.partners.iter().enumerate() {
            for k in 0..2 {
                let [own, other] = [i, partner].map(|at| (at * 2 + k) as f32);
                let expected = mixed.share * own + (1.0 - mixed.share) * other;
                assert!((images[i * 2 + k] - expected).abs() < 1e-6);
            }
        }
    }
}
