//! The number types that products are computed in.

use super::cpu::{Simd, multiplies_bf16_faster, simd};

/// The precision of convolutions and linear layers in training. Sums, normalization, weights and their updates are
/// always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Factors in f32.
    F32,
    /// Factors rounded to bfloat16, products summed in f32: mixed precision as GPUs train (Micikevicius et al. 2018,
    /// arXiv:1710.03740; Kalamkar et al. 2019, arXiv:1905.12322).
    Bf16,
}

impl Precision {
    /// bfloat16 where the processor multiplies it faster than f32, else f32.
    pub fn fastest() -> Self {
        if multiplies_bf16_faster() {
            Self::Bf16
        } else {
            Self::F32
        }
    }
}

/// The type of a product's factors.
pub(super) trait Element: Copy + Default + Send + Sync + 'static {
    /// How many values along the summed dimension are adjacent in [`super::panels::Panels`].
    const PACK: usize;
    /// The summed dimension must be a multiple of this.
    fn k_step() -> usize;
    fn from_f32(value: f32) -> Self;
    fn to_f32(self) -> f32;
}

impl Element for f32 {
    const PACK: usize = 1;

    fn k_step() -> usize {
        1
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

/// The upper half of an f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Bf16(pub u16);

impl Element for Bf16 {
    const PACK: usize = 2;

    fn k_step() -> usize {
        if simd() == Simd::AmxBf16 { 32 } else { 2 }
    }

    /// Rounds to nearest, ties to even; NaN stays NaN.
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = (bits.wrapping_add(0x7FFF + ((bits >> 16) & 1)) >> 16) as u16;
        Self(if value.is_nan() { 0x7FC0 } else { rounded })
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_nearest_even() {
        for (value, bits) in [
            (1.0, 0x3F80),
            (-2.5, 0xC020),
            (1.0 + 1.0 / 256.0, 0x3F80), // Half-way to the next number: to the even one below,
            (1.0 + 3.0 / 256.0, 0x3F82), // and to the even one above.
            (f32::INFINITY, 0x7F80),
            (f32::NAN, 0x7FC0),
        ] {
            assert_eq!(Bf16::from_f32(value), Bf16(bits), "{value}");
        }
        assert_eq!(Bf16(0xC020).to_f32(), -2.5);
    }
}
