//! Matrix products on one thread, with the best micro-kernel for this processor.
//!
//! The left factor is read in place; [`microkernel`](super::microkernel) explains its segments.

#[cfg(target_arch = "aarch64")]
use super::microkernel::neon::Neon;
#[cfg(target_arch = "x86_64")]
use super::microkernel::{
    amx::Amx,
    avx512_bf16::Avx512Bf16,
    intel::{Avx2, Avx512},
};
use super::{
    cpu::{Simd, simd},
    element::{Bf16, Element},
    microkernel::{MicroKernel, Tile, portable::Portable},
    panels::{PANEL_WIDTH, Panels},
};

/// Rows that are multiplied by one group of panels before the next group is fetched. The group stays in the first-level
/// cache meanwhile, and the rows in the second-level cache.
const ROWS_PER_PASS: usize = 192;

/// The left factor: rows at a fixed stride, each made of segments.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, E> {
    pub values: &'a [E],
    pub n_rows: usize,
    /// Distance from one row to the next.
    pub stride: usize,
    /// Where each segment starts, counted from the start of its row.
    pub segments: &'a [usize],
    /// Values of a segment, a multiple of [`Element::k_step`].
    pub segment_len: usize,
}

impl<'a, E> Rows<'a, E> {
    /// Contiguous rows of `k` values, each one segment.
    pub fn contiguous(values: &'a [E], n_rows: usize, k: usize) -> Self {
        Self {
            values,
            n_rows,
            stride: k,
            segments: &[0],
            segment_len: k,
        }
    }
}

/// Where a product is written: rows at a fixed stride.
pub(super) struct Output<'a> {
    values: &'a mut [f32],
    stride: usize,
    accumulate: bool,
}

impl<'a> Output<'a> {
    /// Overwrites these values.
    pub fn set(values: &'a mut [f32], stride: usize) -> Self {
        Self {
            values,
            stride,
            accumulate: false,
        }
    }

    /// Adds the product to these values.
    pub fn add(values: &'a mut [f32], stride: usize) -> Self {
        Self {
            accumulate: true,
            ..Self::set(values, stride)
        }
    }
}

/// An element type with products.
pub(super) trait Gemm: Element {
    /// `out = left · right`, or `out += left · right`; `out` has `right.n()` columns.
    ///
    /// # Panics
    /// If the factors do not fit together or `out` is too small.
    fn gemm(left: Rows<'_, Self>, right: &Panels<Self>, out: Output<'_>);
}

impl Gemm for f32 {
    fn gemm(left: Rows<'_, Self>, right: &Panels<Self>, out: Output<'_>) {
        // SAFETY: the processor has the instructions of each of these.
        unsafe {
            match simd() {
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512 | Simd::Avx512Bf16 | Simd::AmxBf16 => {
                    run::<Self, Avx512>(left, right, out);
                }
                #[cfg(target_arch = "x86_64")]
                Simd::Avx2 => run::<Self, Avx2>(left, right, out),
                #[cfg(target_arch = "aarch64")]
                Simd::Neon => run::<Self, Neon>(left, right, out),
                _ => run::<Self, Portable>(left, right, out),
            }
        }
    }
}

impl Gemm for Bf16 {
    fn gemm(left: Rows<'_, Self>, right: &Panels<Self>, out: Output<'_>) {
        // SAFETY: the processor has the instructions of each of these.
        unsafe {
            match simd() {
                #[cfg(target_arch = "x86_64")]
                Simd::AmxBf16 => run::<Self, Amx>(left, right, out),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512Bf16 => run::<Self, Avx512Bf16>(left, right, out),
                _ => run::<Self, Portable>(left, right, out),
            }
        }
    }
}

/// # Safety
/// The processor must have the micro-kernel's instructions.
unsafe fn run<E: Element, M: MicroKernel<E>>(
    left: Rows<'_, E>,
    right: &Panels<E>,
    out: Output<'_>,
) {
    let Rows {
        values,
        n_rows,
        stride,
        segments,
        segment_len,
    } = left;
    if n_rows == 0 || right.n_panels() == 0 {
        return;
    }
    assert!(segment_len.is_multiple_of(E::k_step()) && segments.len() * segment_len == right.k());
    let last_segment = segments.iter().max().copied().unwrap_or(0);
    assert!((n_rows - 1) * stride + last_segment + segment_len <= values.len());
    assert!((n_rows - 1) * out.stride + right.n() <= out.values.len() && right.n() <= out.stride);
    // SAFETY: the caller promises the instructions; the assertions above cover the last row, segment and result, so every
    // tile is inside.
    unsafe {
        M::begin();
        for first_row in (0..n_rows).step_by(ROWS_PER_PASS) {
            let end_row = (first_row + ROWS_PER_PASS).min(n_rows);
            for panel in (0..right.n_panels()).step_by(M::PANELS) {
                for row in (first_row..end_row).step_by(M::ROWS) {
                    M::tile(&Tile {
                        n_rows: M::ROWS.min(end_row - row),
                        n_panels: M::PANELS.min(right.n_panels() - panel),
                        left: values.as_ptr().add(row * stride),
                        row_stride: stride,
                        segments,
                        segment_len,
                        right: right.values().as_ptr().add(panel * right.panel_len()),
                        panel_len: right.panel_len(),
                        out: out
                            .values
                            .as_mut_ptr()
                            .add(row * out.stride + panel * PANEL_WIDTH),
                        out_stride: out.stride,
                        accumulate: out.accumulate,
                    });
                }
            }
        }
        M::end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n)
            .map(|i| ((i * 31 + seed * 17) % 23) as f32 / 8.0 - 1.4)
            .collect()
    }

    /// Against a plain triple loop on the rounded factors.
    fn check<E: Gemm, M: MicroKernel<E>>(
        n_rows: usize,
        segments: &[usize],
        segment_len: usize,
        n: usize,
    ) {
        let stride = segment_len + 3;
        let left: Vec<E> = values(
            n_rows * stride + segments.iter().max().unwrap() + segment_len,
            1,
        )
        .into_iter()
        .map(E::from_f32)
        .collect();
        let k = segments.len() * segment_len;
        let entries: Vec<f32> = values(k * n, 2)
            .into_iter()
            .map(|x| E::from_f32(x).to_f32())
            .collect();
        let right = Panels::<E>::from_entries(k, n, |k, n_idx| entries[k * n + n_idx]);
        let out_stride = right.n() + 5;
        let before = values(n_rows * out_stride, 3);
        for accumulate in [false, true] {
            let mut out = before.clone();
            let rows = Rows {
                values: &left,
                n_rows,
                stride,
                segments,
                segment_len,
            };
            // SAFETY: the callers below check for the instructions first.
            unsafe {
                let out = Output {
                    values: &mut out,
                    stride: out_stride,
                    accumulate,
                };
                run::<E, M>(rows, &right, out);
            };
            for row in 0..n_rows {
                for column in 0..out_stride {
                    let old = before[row * out_stride + column];
                    let product: f32 = (0..k)
                        .filter(|_| column < n)
                        .map(|k_idx| {
                            let at =
                                row * stride + segments[k_idx / segment_len] + k_idx % segment_len;
                            left[at].to_f32() * entries[k_idx * n + column]
                        })
                        .sum();
                    let expected = match (accumulate, column < right.n()) {
                        (true, _) => old + product,
                        (false, true) => product,
                        (false, false) => old, // Nothing between the rows of the result is touched.
                    };
                    let actual = out[row * out_stride + column];
                    assert!(
                        (actual - expected).abs() < 1e-3 * expected.abs().max(1.0),
                        "{row}, {column}: {actual} against {expected}"
                    );
                }
            }
        }
    }

    fn check_shapes<E: Gemm, M: MicroKernel<E>>() {
        let step = E::k_step().max(E::PACK);
        check::<E, M>(1, &[0], step, 7);
        check::<E, M>(5, &[0, 4, 9], 2 * step, 16);
        check::<E, M>(33, &[2, 0], step, 33);
        check::<E, M>(70, &[0], 3 * step, 64);
        check::<E, M>(200, &[0, 7], step, 130);
        check::<E, M>(12, &[3, 0], 7 * step, 20);
    }

    #[test]
    fn every_micro_kernel_of_this_processor_multiplies() {
        check_shapes::<f32, Portable>();
        check_shapes::<Bf16, Portable>();
        #[cfg(target_arch = "aarch64")]
        check_shapes::<f32, Neon>();
        #[cfg(target_arch = "x86_64")]
        {
            if simd() >= Simd::Avx2 {
                check_shapes::<f32, Avx2>();
            }
            if simd() >= Simd::Avx512 {
                check_shapes::<f32, Avx512>();
            }
            if simd() >= Simd::Avx512Bf16 {
                check_shapes::<Bf16, Avx512Bf16>();
            }
            if simd() >= Simd::AmxBf16 {
                check_shapes::<Bf16, Amx>();
            }
        }
    }

    #[test]
    #[should_panic(expected = "values.len()")]
    fn a_left_factor_that_is_too_short_is_never_read() {
        let right = Panels::<f32>::from_entries(4, 16, |_, _| 1.0);
        let rows = Rows::contiguous(&[0.0; 11], 3, 4);
        f32::gemm(rows, &right, Output::set(&mut [0.0; 48], 16));
    }
}
