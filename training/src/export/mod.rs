//! Networks as files of other programs, derived from the one description that each network has
//! ([`fervis::model::net::graph`]).
//!
//! [`onnx`] writes a file that any ONNX runtime runs. [`pytorch`] writes a `state_dict` as `torch.save` does, and [`python`]
//! a module that it loads into. Both keep the names that weights have in checkpoints. `protobuf` and `pickle` are the
//! encodings: as much of each as these files need.

pub mod onnx;
mod pickle;
mod protobuf;
pub mod python;
pub mod pytorch;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use candle_core::{DType, Tensor};
use fervis::model::checkpoint::Checkpoint;

/// The weight of this name, as f32 whatever it is stored as.
fn weight(checkpoint: &Checkpoint, name: &str) -> Result<Tensor> {
    let stored = checkpoint.weights.get(name);
    let stored = stored.with_context(|| format!("the weights “{name}” are missing"))?;
    Ok(stored.to_dtype(DType::F32)?)
}

/// The values of a tensor of f32, little-endian.
fn bytes_of(tensor: &Tensor) -> Result<Vec<u8>> {
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    Ok(values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect())
}
