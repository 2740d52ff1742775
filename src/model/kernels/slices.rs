//! Borrowing the numbers inside candle tensors.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// The values of a contiguous f32 operand of a custom operation.
pub(super) fn contiguous_f32<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(values) = storage else {
        bail!("the fervis kernels compute in f32 only")
    };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("the fervis kernels need contiguous tensors"),
    }
}

/// Runs `compute` on the values of contiguous f32 CPU tensors.
pub(super) fn with_f32<const N: usize, T>(
    tensors: [&Tensor; N],
    compute: impl FnOnce([&[f32]; N]) -> T,
) -> Result<T> {
    let borrowed = tensors.map(Tensor::storage_and_layout);
    let mut values: [&[f32]; N] = [&[]; N];
    for ((storage, layout), values) in borrowed.iter().zip(&mut values) {
        let Storage::Cpu(storage) = &**storage else {
            bail!("the fervis kernels run on the CPU only")
        };
        *values = contiguous_f32(storage, layout)?;
    }
    Ok(compute(values))
}

/// Whether the fast kernels apply: f32 on the CPU. Otherwise candle's own operations are used.
pub(super) fn is_cpu_f32(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == candle_core::DType::F32
}
