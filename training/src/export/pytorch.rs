//! Weights as `torch.save(network.state_dict(), …)` stores them.
//!
//! The file is a zip archive: `data.pkl` is the dictionary, and `data/N` are the values of its tensors. It loads with
//! `weights_only=True`. Source: PyTorch's `torch/serialization.py`.

use std::io::{Cursor, Write};

use anyhow::Result;
use fervis::model::checkpoint::Checkpoint;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{bytes_of, pickle::Pickle, weight};

/// PyTorch aligns the values, so that they can be mapped into memory.
const ALIGNMENT: u16 = 64;

/// The file of a network's weights, as f32.
///
/// # Errors
/// If a weight is missing.
pub fn to_bytes(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let metadata = &checkpoint.metadata;
    let shapes = metadata
        .architecture
        .weight_shapes(&metadata.input, metadata.labels.len());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .with_alignment(ALIGNMENT);
        archive.start_file(format!("network/{name}"), options)?;
        Ok(archive.write_all(bytes)?)
    };
    add("data.pkl", &state_dict(&shapes))?;
    add("byteorder", b"little")?;
    for (index, (name, _)) in shapes.iter().enumerate() {
        let bytes = bytes_of(&weight(checkpoint, name)?)?;
        add(&format!("data/{index}"), &bytes)?;
    }
    add("version", b"3\n")?;
    Ok(archive.finish()?.into_inner())
}

/// The dictionary of tensors with these names and shapes; the values of each are stored under its index.
fn state_dict(shapes: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut pickle = Pickle::new();
    empty_dict(&mut pickle);
    pickle.fill(|pickle| {
        for (index, (name, shape)) in shapes.iter().enumerate() {
            pickle.text(name);
            tensor(pickle, index, shape);
        }
    });
    pickle.into_bytes()
}

fn empty_dict(pickle: &mut Pickle) {
    pickle.global("collections", "OrderedDict");
    pickle.tuple(|_| {});
    pickle.call();
}

/// A call that rebuilds a tensor: its values, the first of them, shape, strides, `requires_grad` and hooks.
fn tensor(pickle: &mut Pickle, index: usize, shape: &[usize]) {
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.tuple(|pickle| {
        pickle.tuple(|pickle| {
            pickle.text("storage");
            pickle.global("torch", "FloatStorage");
            pickle.text(&index.to_string());
            pickle.text("cpu");
            pickle.int(shape.iter().product());
        });
        pickle.persistent();
        pickle.int(0);
        pickle.tuple(|pickle| shape.iter().for_each(|side| pickle.int(*side)));
        pickle.tuple(|pickle| {
            for axis in 1..=shape.len() {
                pickle.int(shape[axis..].iter().product());
            }
        });
        pickle.no();
        empty_dict(pickle);
    });
    pickle.call();
}
