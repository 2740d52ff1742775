//! The weights of a resampling filter along one axis.

use super::input_spec::ResizeFilter;

impl ResizeFilter {
    /// Half the filter's width, in destination pixels.
    fn support(self) -> f32 {
        match self {
            Self::Box => 0.5,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    /// Weight at distance `x` from the center.
    fn weight(self, x: f32) -> f32 {
        let x_abs = x.abs();
        match self {
            // Half open, so that a pixel on the border of two areas counts once.
            Self::Box => f32::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear => (1.0 - x_abs).max(0.0),
            Self::Bicubic if x_abs < 1.0 => (1.5 * x_abs - 2.5) * x_abs * x_abs + 1.0,
            Self::Bicubic if x_abs < 2.0 => ((-0.5 * x_abs + 2.5) * x_abs - 4.0) * x_abs + 2.0,
            Self::Bicubic => 0.0,
        }
    }
}

/// For each destination pixel along one axis: the first source pixel and the weights from there on.
#[derive(Debug, Default)]
pub(super) struct Taps {
    firsts: Vec<usize>,
    n_weights: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// Sets the weights for resampling `extent` source pixels, from `start` on, to `n_destination` pixels. `n_source` pixels
    /// exist.
    pub fn fill(
        &mut self,
        filter: ResizeFilter,
        start: f32,
        extent: f32,
        n_source: usize,
        n_destination: usize,
    ) {
        self.firsts.clear();
        self.n_weights.clear();
        self.weights.clear();
        let step = extent.max(f32::EPSILON) / n_destination as f32;
        let widening = step.max(1.0);
        let support = filter.support() * widening;
        let last_source = n_source - 1;
        for destination in 0..n_destination {
            let center = start + (destination as f32 + 0.5) * step;
            // Conversions saturate, so a box far outside, or NaN, ends at a border.
            let first = ((center - support + 0.5).max(0.0) as usize).min(last_source);
            let end = ((center + support + 0.5).max(0.0) as usize).min(n_source);
            let begin = self.weights.len();
            let weight_of =
                |source: usize| filter.weight((source as f32 + 0.5 - center) / widening);
            self.weights.extend((first..end).map(weight_of));
            let sum: f32 = self.weights[begin..].iter().sum();
            if sum.is_finite() && sum.abs() > 1e-6 {
                self.weights[begin..]
                    .iter_mut()
                    .for_each(|weight| *weight /= sum);
                self.firsts.push(first);
            } else {
                // The filter covers nothing of the frame, so the nearest border pixel is used.
                self.weights.truncate(begin);
                self.weights.push(1.0);
                self.firsts
                    .push((center.max(0.0) as usize).min(last_source));
            }
            self.n_weights.push(self.weights.len() - begin);
        }
    }

    /// The range of source pixels that the destination pixels read.
    pub fn sources(&self) -> std::ops::Range<usize> {
        let ends = self
            .firsts
            .iter()
            .zip(&self.n_weights)
            .map(|(first, n)| first + n);
        self.firsts.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let mut begin = 0;
        self.firsts
            .iter()
            .zip(&self.n_weights)
            .map(move |(first, n)| {
                let weights = &self.weights[begin..begin + n];
                begin += n;
                (*first, weights)
            })
    }
}
