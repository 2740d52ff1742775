//! From the statistics of a batch to the scale and shift of each channel, and back: the gradient through them.

use super::norm::{Affine, ChannelSums, Feedback};

/// Mean and variance of a batch, one per channel, for the running estimates that inference uses.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStatistics {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Biased variance of each channel (divided by the number of values).
    pub variance: Vec<f32>,
    /// Values per channel.
    pub n_values: usize,
}

impl BatchStatistics {
    /// From the sums of values and of squares over `n_values` values per channel.
    pub(super) fn from_sums(sums: &ChannelSums, n_values: usize) -> Self {
        let mean: Vec<f64> = sums.first.iter().map(|sum| sum / n_values as f64).collect();
        let variance = sums
            .second
            .iter()
            .zip(&mean)
            .map(|(square, mean)| (square / n_values as f64 - mean * mean).max(0.0) as f32);
        Self {
            variance: variance.collect(),
            mean: mean.iter().map(|mean| *mean as f32).collect(),
            n_values,
        }
    }
}

/// Normalization, scale and shift of each channel, combined.
pub(super) struct ScaleShift {
    inverse_deviation: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    floor: f32,
}

impl ScaleShift {
    /// `affine` holds the learned scales, then the learned shifts.
    pub fn new(statistics: &BatchStatistics, affine: &[f32], epsilon: f32, relu: bool) -> Self {
        let (gamma, beta) = affine.split_at(statistics.mean.len());
        let inverse_deviation: Vec<f32> = statistics
            .variance
            .iter()
            .map(|variance| 1.0 / (variance + epsilon).sqrt())
            .collect();
        let scale: Vec<f32> = gamma
            .iter()
            .zip(&inverse_deviation)
            .map(|(gamma, inverse)| gamma * inverse)
            .collect();
        let shift = beta
            .iter()
            .zip(&scale)
            .zip(&statistics.mean)
            .map(|((beta, scale), mean)| beta - mean * scale);
        Self {
            shift: shift.collect(),
            inverse_deviation,
            scale,
            floor: if relu { 0.0 } else { f32::NEG_INFINITY },
        }
    }

    /// In the form that the loops over rows take.
    pub fn affine(&self) -> Affine<'_> {
        Affine {
            scale: &self.scale,
            shift: &self.shift,
            floor: self.floor,
        }
    }

    /// The backward pass, from the sums over the batch of the gradients that pass ReLU and pooling, and of their products
    /// with the values that were normalized.
    pub fn response(&self, statistics: &BatchStatistics, sums: &ChannelSums) -> Response {
        let n_channels = self.scale.len();
        let n_values = statistics.n_values as f32;
        // The sums are the gradients of gamma and beta; through the normalization they reach every value.
        let grad_beta: Vec<f32> = sums.first.iter().map(|sum| *sum as f32).collect();
        let grad_gamma: Vec<f32> = (0..n_channels)
            .map(|c| {
                let centered = sums.second[c] - f64::from(statistics.mean[c]) * sums.first[c];
                centered as f32 * self.inverse_deviation[c]
            })
            .collect();
        let slope: Vec<f32> = (0..n_channels)
            .map(|c| -self.scale[c] * grad_gamma[c] * self.inverse_deviation[c] / n_values)
            .collect();
        let offset = (0..n_channels)
            .map(|c| -self.scale[c] * grad_beta[c] / n_values - slope[c] * statistics.mean[c])
            .collect();
        Response {
            affine: [grad_gamma, grad_beta].concat(),
            slope,
            offset,
        }
    }
}

/// The result of the backward pass through normalization.
pub(super) struct Response {
    /// The gradients of the learned scales and shifts.
    pub affine: Vec<f32>,
    slope: Vec<f32>,
    offset: Vec<f32>,
}

impl Response {
    /// The gradient that reaches every value through its channel's mean and variance.
    pub fn feedback(&self) -> Feedback<'_> {
        Feedback {
            slope: &self.slope,
            offset: &self.offset,
        }
    }
}
