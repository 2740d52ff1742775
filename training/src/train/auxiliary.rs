//! A second head that learns FER+'s votes, and is dropped when the network is saved.
//!
//! FER+'s votes are for FER-2013's seven expressions. They often contradict FER-2013's labels, so one target for both costs accuracy; two heads share their features.
//! They are one linear layer with twice the outputs, which works for every architecture: the first half of the outputs are the
//! network's own. A saved checkpoint must not contain the second head, or its shapes contradict its description.

use std::collections::HashMap;

use candle_core::{Result, Tensor};
use candle_nn::VarMap;
use fervis::{
    expression::N_EXPRESSIONS,
    model::{net::Architecture, preprocess::InputSpec},
};

use crate::{recipe::loss::AuxiliarySettings, train::variables::sorted};

/// Number of outputs during training of a network for `n_classes`.
pub fn n_outputs(settings: Option<AuxiliarySettings>, n_classes: usize) -> usize {
    match settings {
        Some(_) => 2 * n_classes,
        None => n_classes,
    }
}

/// The logits of the first head and, if there is one, of the second, `(n, n_classes)` each.
///
/// # Errors
/// If there are fewer outputs than classes.
pub fn heads(logits: &Tensor, n_classes: usize) -> Result<(Tensor, Option<Tensor>)> {
    let head = |number: usize| {
        let first = number * n_classes;
        logits.narrow(1, first, n_classes)?.contiguous()
    };
    Ok(match logits.dim(1)? {
        n if n >= 2 * n_classes => (head(0)?, Some(head(1)?)),
        _ => (logits.clone(), None),
    })
}

/// The weights without those of the second head.
///
/// # Errors
/// If a weight is missing.
pub fn drop_second_head(
    mut weights: HashMap<String, Tensor>,
    network: &Architecture,
    input: &InputSpec,
) -> Result<HashMap<String, Tensor>> {
    for (name, shape) in network.weight_shapes(input, N_EXPRESSIONS) {
        let Some(weight) = weights.get_mut(&name) else {
            candle_core::bail!("the weight {name} is missing")
        };
        if weight.dims() != shape {
            *weight = weight.narrow(0, 0, shape[0])?.contiguous()?;
        }
    }
    Ok(weights)
}

/// The weights of a network with one head, for `vars` that may have two: both heads start as that one.
///
/// # Errors
/// If there is not enough memory.
pub fn both_heads(
    weights: &HashMap<String, Tensor>,
    vars: &VarMap,
) -> Result<HashMap<String, Tensor>> {
    let mut doubled = weights.clone();
    for (name, var) in sorted(vars) {
        let Some(weight) = doubled.get_mut(&name) else {
            continue;
        };
        if var.dims()[0] == 2 * weight.dims()[0] && weight.dims()[0] == N_EXPRESSIONS {
            *weight = Tensor::cat(&[&*weight, &*weight], 0)?;
        }
    }
    Ok(doubled)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::VarBuilder;
    use fervis::model::{
        Precision,
        net::{CompactConfig, ThreeBlockConfig},
    };

    use super::*;

    #[test]
    fn both_heads_start_as_the_given_one() {
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        vb.get((4, 1, 3, 3), "conv.weight").unwrap();
        vb.get((14, 4), "fc.weight").unwrap();
        let range = |shape: &[usize]| {
            let n = shape.iter().product::<usize>() as f32;
            let range = Tensor::arange(0.0, n, &Device::Cpu).unwrap();
            range.reshape(shape).unwrap()
        };
        let weights = HashMap::from([
            ("conv.weight".to_owned(), range(&[4, 1, 3, 3])),
            ("fc.weight".to_owned(), range(&[7, 4])),
        ]);
        let both = both_heads(&weights, &vars).unwrap();
        assert_eq!(both["conv.weight"].dims(), [4, 1, 3, 3]);
        let rows = both["fc.weight"].to_vec2::<f32>().unwrap();
        assert_eq!(rows[..7], rows[7..]);
        assert_eq!(rows[..7], weights["fc.weight"].to_vec2::<f32>().unwrap());
    }

    /// For any architecture, the network without the second head gives the outputs of its first head.
    #[test]
    fn the_first_head_stays_unchanged() {
        let input = InputSpec {
            width: 16,
            height: 16,
            ..InputSpec::FER_2013
        };
        let compact = CompactConfig {
            channels: vec![2, 3],
            convolutions: vec![1, 1],
            dropout: 0.0,
            hidden: vec![4],
            ..CompactConfig::default()
        };
        let three_block = ThreeBlockConfig {
            channels: [2, 2, 2],
            hidden: 4,
            dropout2d: 0.0,
            dropout: 0.0,
        };
        for network in [
            Architecture::Compact(compact),
            Architecture::ThreeBlock(three_block),
        ] {
            let build = |n: usize| {
                let vars = VarMap::new();
                let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
                let net = network.trainable(&input, n, Precision::F32, &vb).unwrap();
                (net, vars)
            };
            let settings = AuxiliarySettings { weight: 1.0 };
            let (with_both, vars) = build(n_outputs(Some(settings), N_EXPRESSIONS));
            let xs = Tensor::randn(0f32, 1.0, (4, 1, 16, 16), &Device::Cpu).unwrap();
            let mut keep = |shape: &[usize], _: f32| Tensor::ones(shape, DType::F32, &Device::Cpu);
            let logits = with_both.forward_train(&xs, &mut keep).unwrap();
            assert_eq!(logits.dims(), [4, 14]);
            let (own, second) = heads(&logits, N_EXPRESSIONS).unwrap();
            assert_eq!(second.unwrap().dims(), [4, 7]);

            let weights = vars.data().lock().unwrap();
            let weights = weights
                .iter()
                .map(|(name, var)| (name.clone(), var.as_detached_tensor()));
            let weights = drop_second_head(weights.collect(), &network, &input).unwrap();
            let (alone, vars) = build(n_outputs(None, N_EXPRESSIONS));
            for (name, var) in vars.data().lock().unwrap().iter() {
                var.set(&weights[name]).unwrap();
            }
            let expected = alone.forward_train(&xs, &mut keep).unwrap();
            let values = |tensor: &Tensor| tensor.to_vec2::<f32>().unwrap();
            assert_eq!(values(&own), values(&expected));
            assert!(heads(&expected, N_EXPRESSIONS).unwrap().1.is_none());
        }
    }
}
