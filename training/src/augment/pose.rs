//! Variations of the face box and of the tilt of the head.

use serde::{Deserialize, Serialize};

use super::off::off;
use crate::random::SplitMix64;

off! {
    /// An inaccurate face box: a detector's boxes move and grow from frame to frame.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "BoxNoiseConfig::off", deny_unknown_fields)]
    pub struct BoxNoiseConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// The crop moves by up to this share of its own side, in each direction.
        pub max_shift: f32 = 0.1,
        /// Its sides are multiplied or divided by up to 1 + this, uniform in the logarithm.
        pub max_scale: f32 = 0.15,
    }
}

impl BoxNoiseConfig {
    /// A shift, in sides of the crop, and a factor of its size. Always four draws.
    pub(super) fn draw(&self, rng: &mut SplitMix64) -> ([f32; 2], f32) {
        let is_chosen = rng.unit() < self.probability;
        let shift = [rng.between(-1.0, 1.0), rng.between(-1.0, 1.0)].map(|s| s * self.max_shift);
        let factor = (1.0 + self.max_scale).powf(rng.between(-1.0, 1.0));
        if is_chosen {
            (shift, factor)
        } else {
            ([0.0; 2], 1.0)
        }
    }
}

off! {
    /// A tilted head: a rotation beyond that of the other images.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "TiltConfig::off", deny_unknown_fields)]
    pub struct TiltConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Largest angle either way, degrees, in addition to [`super::AugmentConfig::max_rotation_deg`].
        pub max_deg: f32 = 20.0,
    }
}

impl TiltConfig {
    /// The angle, degrees. Always two draws.
    pub(super) fn draw(&self, rng: &mut SplitMix64) -> f32 {
        let is_chosen = rng.unit() < self.probability;
        let degrees = self.max_deg * rng.between(-1.0, 1.0);
        if is_chosen { degrees } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_move_and_grow_within_their_bounds() {
        let noise = BoxNoiseConfig {
            probability: 0.5,
            ..BoxNoiseConfig::OFF
        };
        let mut rng = SplitMix64::from_key(&[6]);
        let draws: Vec<_> = (0..400).map(|_| noise.draw(&mut rng)).collect();
        let n_kept = draws
            .iter()
            .filter(|draw| **draw == ([0.0; 2], 1.0))
            .count();
        assert!((150..250).contains(&n_kept), "{n_kept}");
        for (shift, factor) in &draws {
            assert!(shift.iter().all(|s| s.abs() <= 0.1));
            assert!((1.0 / 1.1501..1.1501).contains(factor));
        }
        assert!(draws.iter().any(|(_, factor)| *factor > 1.1));
        assert!(draws.iter().any(|(_, factor)| *factor < 0.9));
    }

    #[test]
    fn some_heads_tilt_within_the_bounds() {
        let tilt = TiltConfig {
            probability: 0.25,
            max_deg: 20.0,
        };
        let mut rng = SplitMix64::from_key(&[9]);
        let draws: Vec<f32> = (0..800).map(|_| tilt.draw(&mut rng)).collect();
        let n_tilted = draws.iter().filter(|degrees| **degrees != 0.0).count();
        assert!((150..250).contains(&n_tilted), "{n_tilted}");
        assert!(draws.iter().all(|degrees| degrees.abs() <= 20.0));
        assert!(draws.iter().any(|degrees| *degrees > 15.0));
        assert!(draws.iter().any(|degrees| *degrees < -15.0));
    }
}
