//! The right factor of a product, packed for the micro-kernels.

use rayon::prelude::*;

use super::{cpu::multiversion, element::Element};

/// Columns of a panel: the floats of a 512-bit vector, or of one row of a tile.
pub(super) const PANEL_WIDTH: usize = 16;

/// A `(k, n)` matrix in panels of 16 columns, `[n / 16][k / PACK][16][PACK]`.
///
/// Columns beyond `n` and rows beyond `k` are zero.
#[derive(Debug, Default)]
pub(super) struct Panels<E> {
    values: Vec<E>,
    k: usize,
    n_panels: usize,
}

impl<E: Element> Panels<E> {
    /// Makes a matrix from its entries `at(k, n)`.
    pub fn from_entries(k: usize, n: usize, at: impl Fn(usize, usize) -> f32 + Sync) -> Self {
        let mut panels = Self::default();
        panels.reshape(k, n);
        let panel_len = panels.panel_len();
        let fill = |(panel, values): (usize, &mut [E])| {
            for (rows, values) in values.chunks_exact_mut(PANEL_WIDTH * E::PACK).enumerate() {
                for (column, values) in values.chunks_exact_mut(E::PACK).enumerate() {
                    for (row, value) in values.iter_mut().enumerate() {
                        let (k_idx, n_idx) = (rows * E::PACK + row, panel * PANEL_WIDTH + column);
                        let inside = k_idx < k && n_idx < n;
                        *value = E::from_f32(if inside { at(k_idx, n_idx) } else { 0.0 });
                    }
                }
            }
        };
        panels
            .values
            .par_chunks_exact_mut(panel_len)
            .enumerate()
            .for_each(fill);
        panels
    }

    /// Changes the size; the contents are then unspecified.
    pub fn reshape(&mut self, k: usize, n: usize) {
        self.k = k.next_multiple_of(E::k_step());
        self.n_panels = n.div_ceil(PANEL_WIDTH);
        self.values
            .resize(self.k * self.n_panels * PANEL_WIDTH, E::default());
    }

    /// Reshapes to `(k, n)` and writes every row. Each `row` has a multiple of 16 values.
    pub fn set_rows<'a>(&mut self, k: usize, n: usize, row: impl Fn(usize) -> &'a [f32]) {
        self.reshape(k, n);
        let panel_len = self.panel_len();
        let zeros = vec![0.0; self.n()];
        let row = |k_idx: usize| if k_idx < k { row(k_idx) } else { &zeros };
        for group in 0..self.k / E::PACK {
            let first = group * E::PACK;
            set_rows(
                &mut self.values,
                panel_len,
                group,
                [row(first), row(first + 1)],
            );
        }
    }

    /// Rows, including the zeros at the end.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns, including the zeros at the end.
    pub fn n(&self) -> usize {
        self.n_panels * PANEL_WIDTH
    }

    pub fn n_panels(&self) -> usize {
        self.n_panels
    }

    /// Values of one panel.
    pub fn panel_len(&self) -> usize {
        self.k * PANEL_WIDTH
    }

    pub fn values(&self) -> &[E] {
        &self.values
    }
}

multiversion! {
    fn set_rows<E: Element>(values: &mut [E], panel_len: usize, row_group: usize, rows: [&[f32]; 2]) {
        let group_len = PANEL_WIDTH * E::PACK;
        let first = rows[0].as_chunks::<PANEL_WIDTH>().0;
        let second = rows[1].as_chunks::<PANEL_WIDTH>().0;
        for (panel, (first, second)) in values.chunks_exact_mut(panel_len).zip(first.iter().zip(second)) {
            let target = &mut panel[row_group * group_len..][..group_len];
            if E::PACK == 1 {
                for (value, first) in target.iter_mut().zip(first) {
                    *value = E::from_f32(*first);
                }
            } else {
                for (pair, (first, second)) in target.chunks_exact_mut(2).zip(first.iter().zip(second)) {
                    pair[0] = E::from_f32(*first);
                    pair[1] = E::from_f32(*second);
                }
            }
        }
    }
}
