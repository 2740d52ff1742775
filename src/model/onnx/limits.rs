//! What a file may ask for, so that a forged one can neither fill the memory nor run for minutes.

use tract_onnx::prelude::*;

use super::proto::OnnxFile;

/// More than any network for faces has; a ResNet-152 exported in small steps has about 1000.
const MAX_NODES: usize = 20_000;
/// The largest product of the numbers in a tensor that may be a shape. As a shape, it is 1 GB of f32.
const MAX_SHAPE_VOLUME: u64 = 1 << 28;
/// The longest tensor that may be a shape.
const MAX_RANK: usize = 16;
/// Values of one intermediate result. VGG-19 on 1024 px has 67 million.
const MAX_VALUES: u64 = 1 << 27;
/// Multiplications for one face. VGG-19 on 224 px takes 20 billion, about a second on one core.
const MAX_MULTIPLICATIONS: u64 = 100_000_000_000;
/// Loops may never end, and nothing that classifies a face needs them.
const LOOPS: [&str; 3] = ["Loop", "Scan", "If"];
/// Operators that make tensors of a size that numbers in the file say.
const MAKERS: [&str; 9] = [
    "ConstantOfShape",
    "Expand",
    "EyeLike",
    "OneHot",
    "Pad",
    "Range",
    "Resize",
    "Tile",
    "Upsample",
];

/// Refuses a graph before anything is computed of it. The error is the end of a sentence.
pub fn check(file: &OnnxFile) -> Result<(), String> {
    let nodes = file.nodes();
    if nodes.len() > MAX_NODES {
        return Err(format!(
            "it has {} operations; fervis runs networks of up to {MAX_NODES}",
            nodes.len()
        ));
    }
    if let Some(node) = nodes.iter().find(|node| LOOPS.contains(&&*node.op_type)) {
        return Err(format!(
            "it has a loop or a branch (“{}”), which fervis does not run; export it again without, in evaluation mode",
            node.op_type
        ));
    }
    let known = &tract_onnx::onnx().op_register.0;
    if let Some(node) = nodes.iter().find(|node| !known.contains_key(&node.op_type)) {
        return Err(format!(
            "it uses the operator “{}”, which fervis cannot run; export it with standard operators (opset 9 to 18)",
            node.op_type
        ));
    }
    let makes_tensors = nodes.iter().any(|node| MAKERS.contains(&&*node.op_type));
    if makes_tensors
        && file
            .shape_volumes(MAX_RANK)
            .any(|volume| volume > MAX_SHAPE_VOLUME)
    {
        return Err(
            "it makes tensors that are too large to run live; it is damaged, or not for faces"
                .to_owned(),
        );
    }
    Ok(())
}

/// Refuses a network that is too large to run. The error is the end of a sentence.
pub fn check_typed(model: &TypedModel) -> Result<(), String> {
    let mut n_multiplications = 0u64;
    for node in model.nodes() {
        for output in &node.outputs {
            let volume = output.fact.shape.volume().to_i64().unwrap_or(i64::MAX);
            if volume as u64 > MAX_VALUES {
                return Err(format!(
                    "“{}” has {volume} values, which is too much to run live",
                    node.name
                ));
            }
        }
        let facts = model.node_input_facts(node.id).unwrap_or_default();
        for (cost, n) in node.op.cost(&facts).unwrap_or_default() {
            if cost.is_compute() {
                let n = n.to_i64().unwrap_or(i64::MAX) as u64;
                n_multiplications = n_multiplications.saturating_add(n);
            }
        }
    }
    if n_multiplications > MAX_MULTIPLICATIONS {
        return Err(format!(
            "it takes {} billion multiplications for one face; fervis runs networks of up to {}",
            n_multiplications / 1_000_000_000,
            MAX_MULTIPLICATIONS / 1_000_000_000
        ));
    }
    Ok(())
}
