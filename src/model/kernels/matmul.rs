//! A safe door to the `gemm` crate.

use gemm::{Parallelism, gemm};

/// A read-only matrix in a slice, with any strides.
#[derive(Clone, Copy)]
pub(super) struct MatRef<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> MatRef<'a> {
    /// A dense matrix, rows one after the other.
    pub fn row_major(values: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(values, rows, cols, cols)
    }

    /// A matrix whose rows start `row_stride` values apart.
    ///
    /// # Panics
    /// If the matrix does not fit into the slice.
    pub fn strided(values: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(rows > 0 && cols > 0 && row_stride >= cols);
        assert!((rows - 1) * row_stride + cols <= values.len());
        Self {
            values,
            rows,
            cols,
            row_stride,
            col_stride: 1,
        }
    }

    /// Number of columns.
    pub fn n_cols(self) -> usize {
        self.cols
    }

    /// Rows and columns swapped, without moving anything.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// `dst = lhs · rhs`, or `dst += lhs · rhs` with `accumulate`; `dst` has rows `dst_row_stride` values apart.
///
/// # Panics
/// If the shapes do not fit together or `dst` is too short.
pub(super) fn matmul(
    dst: &mut [f32],
    dst_row_stride: usize,
    lhs: MatRef<'_>,
    rhs: MatRef<'_>,
    accumulate: bool,
    parallelism: Parallelism,
) {
    assert_eq!(lhs.cols, rhs.rows, "inner sizes of a matrix product");
    assert!(dst_row_stride >= rhs.cols);
    assert!((lhs.rows - 1) * dst_row_stride + rhs.cols <= dst.len());
    let beta = 1.0; // of the product
    let alpha = if accumulate { 1.0 } else { 0.0 }; // of what `dst` held
    // SAFETY: the asserts here and in `MatRef` keep every element of the three strided matrices inside
    // its slice; `dst` is a unique borrow, so it overlaps neither operand; strides are below `isize::MAX`
    // because the slices are.
    unsafe {
        gemm(
            lhs.rows,
            rhs.cols,
            lhs.cols,
            dst.as_mut_ptr(),
            1,
            dst_row_stride as isize,
            accumulate,
            lhs.values.as_ptr(),
            lhs.col_stride as isize,
            lhs.row_stride as isize,
            rhs.values.as_ptr(),
            rhs.col_stride as isize,
            rhs.row_stride as isize,
            alpha,
            beta,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_of_known_matrices() {
        let lhs = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3
        let rhs = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]; // 3×2
        let mut dst = [10.0; 6]; // 2×2 in rows of 3
        let lhs = MatRef::row_major(&lhs, 2, 3);
        let rhs = MatRef::row_major(&rhs, 3, 2);
        matmul(&mut dst, 3, lhs, rhs, false, Parallelism::None);
        assert_eq!(dst, [4.0, 5.0, 10.0, 10.0, 11.0, 10.0]);
        matmul(&mut dst, 3, lhs, rhs, true, Parallelism::None);
        assert_eq!(dst, [8.0, 10.0, 10.0, 20.0, 22.0, 10.0]);
    }

    #[test]
    fn a_transposed_view_swaps_rows_and_columns() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; // 2×3
        let matrix = MatRef::row_major(&values, 2, 3);
        let mut dst = [0.0; 4];
        matmul(
            &mut dst,
            2,
            matrix,
            matrix.transposed(),
            false,
            Parallelism::None,
        );
        assert_eq!(dst, [14.0, 32.0, 32.0, 77.0]);
    }
}
