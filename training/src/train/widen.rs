//! First weights for a wider network from a narrower trained one: the same output, more capacity.
//!
//! Every new channel is a copy of an old one drawn at random, and the weights that read an old channel are divided among
//! its copies, so the wider network starts with exactly the output of the narrower one. Source: Chen, Goodfellow and
//! Shlens 2016 (Net2WiderNet), arXiv:1511.05641. Equal shares would give the copies equal gradients, and they would stay
//! copies forever; here the shares are random, so no noise is needed.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use fervis::model::{
    checkpoint::Checkpoint,
    import::{Pretrained, read_pretrained},
    net::{Architecture, CompactConfig},
    preprocess::InputSpec,
};

use crate::random::SplitMix64;

/// First number of the random key; see [`crate::data::loader`] for the others.
const WIDEN_KEY: u64 = 8;
/// The minimum share of an old channel's weight that a copy gets, before the shares are scaled to sum to 1.
const MIN_SHARE: f32 = 0.2;

/// Takes first weights from the bytes of a file called `file` in messages: from the same network or, for `compact`, from a
/// narrower one that is widened. `n_classes` is the number of outputs, and `seed` determines which channels are copied and how weights are divided.
///
/// # Errors
/// If the file is damaged, or holds another network or one that cannot be widened.
pub fn first_weights(
    bytes: &[u8],
    file: &str,
    network: &Architecture,
    input: &InputSpec,
    n_classes: usize,
    seed: u64,
) -> Result<Pretrained> {
    let narrow = Checkpoint::parse(bytes, file).ok();
    let narrow = narrow.map(|checkpoint| checkpoint.metadata.architecture);
    let (Architecture::Compact(wide), Some(Architecture::Compact(narrow))) = (network, narrow)
    else {
        return Ok(read_pretrained(bytes, file, network, input, n_classes)?);
    };
    if wide.channels == narrow.channels {
        return Ok(read_pretrained(bytes, file, network, input, n_classes)?);
    }
    let old = Architecture::Compact(narrow.clone());
    let mut pretrained = read_pretrained(bytes, file, &old, input, n_classes)?;
    pretrained.weights = widen(&pretrained.weights, &narrow, wide, input, n_classes, seed)
        .with_context(|| format!("{file} cannot be widened"))?;
    pretrained.widened_from = narrow.channels;
    Ok(pretrained)
}

/// The weights of a `wide` network with the same output as the `narrow` one.
///
/// # Errors
/// If the two differ in more than width, `wide` is narrower anywhere, or its layers are not a plain chain.
fn widen(
    weights: &HashMap<String, Tensor>,
    narrow: &CompactConfig,
    wide: &CompactConfig,
    input: &InputSpec,
    n_classes: usize,
    seed: u64,
) -> Result<HashMap<String, Tensor>> {
    for config in [narrow, wide] {
        ensure!(
            !config.residual && config.squeeze == 0 && config.hidden.is_empty(),
            "only networks without residual, squeeze and hidden layers can be"
        );
    }
    let mut sizes = wide.channels.iter().zip(&narrow.channels);
    ensure!(
        wide.convolutions == narrow.convolutions && sizes.all(|(wide, narrow)| wide >= narrow),
        "it has {:?} channels and {:?} convolutions, the recipe {:?} and {:?}: stages and convolutions must be as many, \
         and no stage narrower",
        narrow.channels,
        narrow.convolutions,
        wide.channels,
        wide.convolutions
    );
    let mut rng = SplitMix64::from_key(&[WIDEN_KEY, seed]);
    // A chain: the outputs of each layer are the inputs of the next.
    let mut inputs = vec![0; input.channels];
    let mut outputs = inputs.clone();
    let mut widened = HashMap::new();
    for (name, shape) in Architecture::Compact(wide.clone()).weight_shapes(input, n_classes) {
        // The head of a network for other classes was not taken, and starts at random.
        let Some(old) = weights.get(&name) else {
            continue;
        };
        let n_old = old.dims()[0];
        let new = match shape.len() {
            4 => {
                inputs = outputs;
                outputs = sources(n_old, shape[0], &mut rng);
                divide(&pick(old, &outputs)?, &inputs, &mut rng)?
            }
            2 => divide(old, &outputs, &mut rng)?,
            _ if shape[0] == outputs.len() => pick(old, &outputs)?,
            _ => old.clone(),
        };
        ensure!(new.dims() == shape, "its {name} has another shape");
        widened.insert(name, new);
    }
    Ok(widened)
}

/// The old channel of each new one: first the old channels themselves, then copies.
fn sources(n_old: usize, n_new: usize, rng: &mut SplitMix64) -> Vec<usize> {
    let copies = (n_old..n_new).map(|_| rng.below(n_old));
    (0..n_old).chain(copies).collect()
}

/// The rows `sources` of a tensor.
fn pick(tensor: &Tensor, sources: &[usize]) -> candle_core::Result<Tensor> {
    let indices: Vec<u32> = sources.iter().map(|source| *source as u32).collect();
    let indices = Tensor::new(indices, &Device::Cpu)?;
    tensor.index_select(&indices, 0)
}

/// Divides a layer `(outputs, old inputs, …)` among copied inputs: for each output, the shares of an old input's copies are
/// random and sum to 1.
fn divide(layer: &Tensor, sources: &[usize], rng: &mut SplitMix64) -> candle_core::Result<Tensor> {
    let (n_outputs, n_old) = (layer.dims()[0], layer.dims()[1]);
    let kernel: Vec<usize> = layer.dims()[2..].to_vec();
    let n_kernel: usize = kernel.iter().product();
    let values: Vec<f32> = layer.flatten_all()?.to_vec1()?;
    let mut divided = Vec::with_capacity(n_outputs * sources.len() * n_kernel);
    for output in 0..n_outputs {
        let parts: Vec<f32> = sources
            .iter()
            .map(|_| rng.between(MIN_SHARE, 1.0))
            .collect();
        let mut sums = vec![0.0; n_old];
        for (source, part) in sources.iter().zip(&parts) {
            sums[*source] += part;
        }
        for (source, part) in sources.iter().zip(&parts) {
            let first = (output * n_old + source) * n_kernel;
            let share = part / sums[*source];
            divided.extend(
                values[first..first + n_kernel]
                    .iter()
                    .map(|value| value * share),
            );
        }
    }
    let shape = [vec![n_outputs, sources.len()], kernel].concat();
    Tensor::from_vec(divided, shape, layer.device())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use candle_core::DType;
    use candle_nn::{VarBuilder, VarMap};
    use fervis::{
        expression::{Expression, N_EXPRESSIONS},
        model::{
            Precision,
            checkpoint::{FORMAT_VERSION, Metadata},
        },
    };

    use super::*;
    use crate::{
        recipe::FirstWeights,
        train::{init::randomize, origin::Origin, variables::sorted},
    };

    fn config(channels: &[usize]) -> CompactConfig {
        CompactConfig {
            channels: channels.to_vec(),
            convolutions: vec![1, 2, 2],
            dropout: 0.0,
            ..CompactConfig::default()
        }
    }

    fn input() -> InputSpec {
        InputSpec {
            width: 16,
            height: 16,
            ..InputSpec::FER_2013
        }
    }

    /// Random weights, including those of normalization.
    fn weights(config: &CompactConfig) -> HashMap<String, Tensor> {
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let network = Architecture::Compact(config.clone());
        network
            .trainable(&input(), N_EXPRESSIONS, Precision::F32, &vb)
            .unwrap();
        randomize(&vars, FirstWeights::He, 1).unwrap();
        let mut rng = SplitMix64::from_key(&[1]);
        let named = sorted(&vars).into_iter().map(|(name, var)| {
            let tensor = var.as_detached_tensor();
            if tensor.rank() > 1 {
                return (name, tensor);
            }
            let values: Vec<f32> = (0..tensor.elem_count())
                .map(|_| rng.between(0.5, 1.5))
                .collect();
            let tensor = Tensor::from_vec(values, tensor.shape(), &Device::Cpu);
            (name, tensor.unwrap())
        });
        named.collect()
    }

    fn outputs(config: &CompactConfig, weights: &HashMap<String, Tensor>) -> Vec<f32> {
        let network = Architecture::Compact(config.clone());
        let network = network.inference(&input(), N_EXPRESSIONS, weights, &Device::Cpu);
        let network = network.unwrap();
        let mut rng = SplitMix64::from_key(&[2]);
        let pixels: Vec<f32> = (0..2 * 256).map(|_| rng.normal()).collect();
        let images = Tensor::from_vec(pixels, (2, 1, 16, 16), &Device::Cpu).unwrap();
        let logits = network.forward(&images).unwrap();
        logits.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_wider_network_has_the_same_output() {
        let (narrow, wide) = (config(&[3, 5, 8]), config(&[7, 5, 12]));
        let old = weights(&narrow);
        let new = widen(&old, &narrow, &wide, &input(), 7, 1).unwrap();
        let (old_outputs, new_outputs) = (outputs(&narrow, &old), outputs(&wide, &new));
        let largest = old_outputs
            .iter()
            .fold(0.0, |largest: f32, a| largest.max(a.abs()));
        for (a, b) in old_outputs.iter().zip(&new_outputs) {
            assert!((a - b).abs() < 1e-4 * largest, "{a} became {b}");
        }
        assert_ne!(new_outputs, outputs(&wide, &weights(&wide)));
        let again = widen(&old, &narrow, &wide, &input(), 7, 1).unwrap();
        let first = |weights: &HashMap<String, Tensor>| -> Vec<f32> {
            let kernels = &weights["stage2.conv1.weight"];
            kernels.flatten_all().unwrap().to_vec1().unwrap()
        };
        assert_eq!(first(&new), first(&again), "the seed decides");
    }

    /// From a file: a narrower network is widened, one of the same width is taken as it is. The origin does not reveal the
    /// folder.
    #[test]
    fn a_file_decides_whether_it_is_widened() {
        let narrow = config(&[3, 5, 8]);
        let metadata = Metadata {
            format_version: FORMAT_VERSION,
            name: "narrow".to_owned(),
            architecture: Architecture::Compact(narrow.clone()),
            labels: Expression::ALL.map(|label| label.name().to_owned()).into(),
            input: input(),
            temperature: 1.0,
            uncertain_below: 0.0,
            training: serde_json::Value::Null,
            metrics: BTreeMap::new(),
            license: "MIT".to_owned(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("narrow.safetensors");
        Checkpoint::write(&metadata, &weights(&narrow), &path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let file = path.display().to_string();
        let take = |channels: &[usize]| {
            let network = Architecture::Compact(config(channels));
            first_weights(&bytes, &file, &network, &input(), 7, 1)
        };
        let wide = take(&[4, 6, 9]).unwrap();
        assert_eq!(wide.widened_from, [3, 5, 8]);
        assert_eq!(wide.weights["stage3.conv1.weight"].dims(), [9, 6, 3, 3]);
        let same = take(&[3, 5, 8]).unwrap();
        assert!(same.widened_from.is_empty());
        assert_eq!(same.weights["stage3.conv1.weight"].dims(), [8, 5, 3, 3]);
        assert_eq!(Origin::of(&same).file, "narrow.safetensors");
        let error = take(&[2, 5, 8]).unwrap_err().to_string();
        assert!(
            error.ends_with("narrow.safetensors cannot be widened"),
            "{error}"
        );
    }

    /// A channel and its copy must not get the same weight for every output.
    #[test]
    fn copies_do_not_stay_copies() {
        let old = weights(&config(&[1, 1, 1]));
        let wide = config(&[2, 1, 1]);
        let new = widen(&old, &config(&[1, 1, 1]), &wide, &input(), 7, 1).unwrap();
        let kernels: Vec<f32> = new["stage2.conv1.weight"]
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        let (of_channel, of_copy) = kernels.split_at(9);
        assert!((of_channel[0] / of_copy[0] - 1.0).abs() > 0.01);
    }

    #[test]
    fn networks_that_cannot_be_widened_are_refused() {
        let refused = |narrow: &CompactConfig, wide: &CompactConfig| {
            let weights = weights(narrow);
            widen(&weights, narrow, wide, &input(), 7, 1)
                .unwrap_err()
                .to_string()
        };
        let narrow = config(&[4, 5, 6]);
        assert!(refused(&narrow, &config(&[8, 4, 8])).contains("no stage narrower"));
        let residual = CompactConfig {
            residual: true,
            ..config(&[8, 8, 8])
        };
        assert!(refused(&narrow, &residual).starts_with("only networks without residual"));
    }
}
