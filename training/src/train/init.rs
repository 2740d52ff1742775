//! Random first weights that depend on the seed alone.
//!
//! Candle's own initialisers draw from a generator that cannot be seeded on the CPU.

use candle_core::{Result, Tensor};
use candle_nn::VarMap;

use crate::{random::SplitMix64, recipe::FirstWeights, train::variables::sorted};

/// First number of the random key; see [`crate::data::loader`] for the others.
const INIT_KEY: u64 = 3;

/// Overwrites all weights and biases of convolutions and linear layers. Normalization keeps its ones and zeros.
///
/// # Errors
/// If a variable cannot be written.
pub fn randomize(vars: &VarMap, first: FirstWeights, seed: u64) -> Result<()> {
    let vars = sorted(vars);
    // Normalization has one weight a channel and no inputs to count.
    let fan_in_of = |layer: &str| {
        let weight = vars
            .iter()
            .find(|(name, _)| *name == format!("{layer}.weight"));
        weight
            .filter(|(_, var)| var.rank() > 1)
            .map(|(_, var)| var.dims()[1..].iter().product::<usize>())
    };
    for (position, (name, var)) in vars.iter().enumerate() {
        let Some((layer, "weight" | "bias")) = name.rsplit_once('.') else {
            continue;
        };
        let Some(fan_in) = fan_in_of(layer) else {
            continue;
        };
        let mut rng = SplitMix64::from_key(&[INIT_KEY, seed, position as u64]);
        let mut draw: Box<dyn FnMut() -> f32> = if first == FirstWeights::He && var.rank() == 4 {
            let deviation = (2.0 / fan_in as f32).sqrt();
            Box::new(move || deviation * rng.normal())
        } else {
            let bound = 1.0 / (fan_in as f32).sqrt();
            Box::new(move || rng.between(-bound, bound))
        };
        let values: Vec<f32> = (0..var.elem_count()).map(|_| draw()).collect();
        var.set(&Tensor::from_vec(values, var.shape(), var.device())?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::{Init, VarBuilder};

    use super::*;

    fn weights(first: FirstWeights, seed: u64) -> Vec<Vec<f32>> {
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        vb.get((4, 2, 3, 3), "block1.conv.weight").unwrap();
        vb.get_with_hints(4, "block1.1.weight", Init::Const(1.0))
            .unwrap();
        vb.get((5, 100), "fc1.weight").unwrap();
        vb.get(5, "fc1.bias").unwrap();
        randomize(&vars, first, seed).unwrap();
        let flat = |var: &candle_core::Var| var.flatten_all().unwrap().to_vec1().unwrap();
        sorted(&vars).iter().map(|(_, var)| flat(var)).collect()
    }

    #[test]
    fn the_seed_decides_and_the_bounds_hold() {
        let uniform = |seed| weights(FirstWeights::Uniform, seed);
        let first = uniform(1);
        assert_eq!(first, uniform(1));
        assert_ne!(first, uniform(2));
        let [norm, conv, fc_bias, fc_weight] = &first[..] else {
            panic!("four variables")
        };
        assert!(norm.iter().all(|value| *value == 1.0));
        assert!(conv.iter().all(|value| value.abs() <= 1.0 / 18f32.sqrt()));
        assert!(
            fc_bias
                .iter()
                .chain(fc_weight)
                .all(|value| value.abs() <= 0.1)
        );
        assert!(fc_weight.iter().any(|value| value.abs() > 0.09));
    }

    #[test]
    fn he_keeps_the_size_of_values() {
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        vb.get((32, 16, 3, 3), "conv.weight").unwrap();
        vb.get((5, 100), "fc.weight").unwrap();
        randomize(&vars, FirstWeights::He, 1).unwrap();
        let vars = sorted(&vars);
        let [(_, conv), (_, linear)] = &vars[..] else {
            panic!("two variables")
        };
        let square = conv.sqr().unwrap().mean_all().unwrap();
        let variance = square.to_scalar::<f32>().unwrap();
        // 4,608 values: the estimate is off by 2 % as a rule.
        assert!((variance * 144.0 / 2.0 - 1.0).abs() < 0.08, "{variance}");
        let largest = linear.abs().unwrap().max_all().unwrap();
        assert!(largest.to_scalar::<f32>().unwrap() <= 0.1);
    }
}
