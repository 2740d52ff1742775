//! Vectors of f32 behind one trait, so that a loop is written once and compiled for every instruction set.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vdupq_n_f32, vfmaq_f32, vld1q_f32, vmaxq_f32, vminq_f32, vst1q_f32,
};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps,
    _mm256_set1_ps, _mm256_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_max_ps, _mm512_min_ps, _mm512_set1_ps, _mm512_storeu_ps,
};

/// A vector of floats.
///
/// # Safety
/// Every function may be called only where the processor has the vector's instructions, and must be inlined into a
/// function compiled for them. `load` reads and `store` writes [`N`](Self::N) floats; no alignment is needed.
pub(in super::super) unsafe trait Vector: Copy {
    /// Floats per vector.
    const N: usize;
    /// The same value in all lanes.
    unsafe fn splat(value: f32) -> Self;
    /// Loads from memory.
    unsafe fn load(from: *const f32) -> Self;
    /// Stores to memory.
    unsafe fn store(self, to: *mut f32);
    /// The sum.
    unsafe fn add(self, other: Self) -> Self;
    /// `self · factor + term`.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger of each pair.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller of each pair.
    unsafe fn min(self, other: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
macro_rules! intel_vector {
    ($vector:ty, $n:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $mul_add:ident, $max:ident, $min:ident) => {
        // SAFETY: all functions are single instructions on `N` floats.
        unsafe impl Vector for $vector {
            const N: usize = $n;

            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the caller's promises are the same.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller's promises are the same.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller's promises are the same.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: the caller's promises are the same.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
                // SAFETY: the caller's promises are the same.
                unsafe { $mul_add(self, factor, term) }
            }

            #[inline(always)]
            unsafe fn max(self, other: Self) -> Self {
                // SAFETY: the caller's promises are the same.
                unsafe { $max(self, other) }
            }

            #[inline(always)]
            unsafe fn min(self, other: Self) -> Self {
                // SAFETY: the caller's promises are the same.
                unsafe { $min(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
intel_vector!(
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_fmadd_ps,
    _mm256_max_ps,
    _mm256_min_ps
);
#[cfg(target_arch = "x86_64")]
intel_vector!(
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_fmadd_ps,
    _mm512_max_ps,
    _mm512_min_ps
);

// SAFETY: all functions are single instructions on four floats.
#[cfg(target_arch = "aarch64")]
unsafe impl Vector for float32x4_t {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: every processor of this architecture has the instruction.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: four floats may be read, by the caller's promise.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: four floats may be written, by the caller's promise.
        unsafe { vst1q_f32(to, self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { vaddq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { vfmaq_f32(term, self, factor) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { vmaxq_f32(self, other) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as for `splat`.
        unsafe { vminq_f32(self, other) }
    }
}

/// Four floats, which the compiler maps to the vectors that every 64-bit processor has.
pub(in super::super) type Four = [f32; 4];

#[inline(always)]
fn each(a: Four, b: Four, f: impl Fn(f32, f32) -> f32) -> Four {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

// SAFETY: `N` is the length of the array.
unsafe impl Vector for Four {
    const N: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: four floats may be read, by the caller's promise.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: four floats may be written, by the caller's promise.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        each(self, other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        each(each(self, factor, |a, b| a * b), term, |a, b| a + b) // Not fused, which would be a library call here.
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        each(self, other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        each(self, other, |a, b| if a < b { a } else { b })
    }
}

/// Defines a function that calls `$body::<V>` for the vectors `V` of the given instructions, compiled for them.
macro_rules! by_vector {
    ($(#[$meta:meta])* unsafe fn $name:ident($arg:ident: &$ty:ty) by $body:ident) => {
        $(#[$meta])*
        pub(in super::super) unsafe fn $name(simd: Simd, $arg: &$ty) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                unsafe fn avx512($arg: &$ty) {
                    // SAFETY: the caller's promises are the same.
                    unsafe { $body::<__m512>($arg) }
                }
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2($arg: &$ty) {
                    // SAFETY: the caller's promises are the same.
                    unsafe { $body::<__m256>($arg) }
                }
                match simd {
                    Simd::Portable => {}
                    // SAFETY: the caller's promises are the same.
                    Simd::Avx2 => return unsafe { avx2($arg) },
                    // SAFETY: the caller's promises are the same.
                    _ => return unsafe { avx512($arg) },
                }
            }
            #[cfg(target_arch = "aarch64")]
            if simd == Simd::Neon {
                // SAFETY: every processor of this architecture has the instructions.
                return unsafe { $body::<std::arch::aarch64::float32x4_t>($arg) };
            }
            let _ = simd;
            // SAFETY: the caller's promises are the same.
            unsafe { $body::<Four>($arg) }
        }
    };
}
pub(super) use by_vector;
