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

/// Runs `compute` on the values of a contiguous f32 CPU tensor.
pub(super) fn with_f32<T>(tensor: &Tensor, compute: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => compute(contiguous_f32(storage, layout)?),
        _ => bail!("the fervis kernels run on the CPU only"),
    }
}

/// Whether the fast kernels apply: f32 on the CPU. Otherwise candle's own operations are used.
pub(super) fn is_cpu_f32(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == candle_core::DType::F32
}
