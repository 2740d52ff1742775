//! What the statistics of a batch make of each channel: a factor and a shift, and on the way back a feedback.

use super::norm::{Affine, ChannelSums, Feedback};

/// Mean and variance of a batch, one per channel, for the running estimates that inference uses.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStatistics {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Biased variance of each channel (divided by the number of values).
    pub variance: Vec<f32>,
    /// How many values each channel had.
    pub n_values: usize,
}

impl BatchStatistics {
    /// From the sums of values and of squares over `n_values` values a channel.
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

/// Normalisation, scale and shift of each channel in one.
pub(super) struct ScaleShift {
    inverse_deviation: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    floor: f32,
}

impl ScaleShift {
    /// `affine` holds first the factors and then the shifts that are learned.
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

    /// As the loops over rows take it.
    pub fn affine(&self) -> Affine<'_> {
        Affine {
            scale: &self.scale,
            shift: &self.shift,
            floor: self.floor,
        }
    }

    /// What follows from the sums over the batch of the gradients that pass ReLU and pooling, and of their products
    /// with the values that were normalised.
    pub fn response(&self, statistics: &BatchStatistics, sums: &ChannelSums) -> Response {
        let n_channels = self.scale.len();
        let n_values = statistics.n_values as f32;
        // The sums are the gradients of gamma and beta; through the normalisation they reach every value.
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

/// The way back through normalisation.
pub(super) struct Response {
    /// The gradients of the learned factors and shifts.
    pub affine: Vec<f32>,
    slope: Vec<f32>,
    offset: Vec<f32>,
}

impl Response {
    /// What every value gets through its channel's mean and variance.
    pub fn feedback(&self) -> Feedback<'_> {
        Feedback {
            slope: &self.slope,
            offset: &self.offset,
        }
    }
}
