//! The variables of a network, by name.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use candle_core::{Tensor, Var};
use candle_nn::VarMap;

/// Whether gradients move this variable: all but the running estimates of batch normalisation.
pub fn is_trained(name: &str) -> bool {
    !name.contains(".running_")
}

/// All variables with their names, in the order of the names: a `VarMap` itself has no order.
pub fn sorted(vars: &VarMap) -> Vec<(String, Var)> {
    let data = vars
        .data()
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut sorted: Vec<_> = data
        .iter()
        .map(|(name, var)| (name.clone(), var.clone()))
        .collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    sorted
}

/// Sets the variables that `weights` has by name.
pub fn overwrite(vars: &VarMap, weights: &HashMap<String, Tensor>) -> Result<()> {
    for (name, var) in sorted(vars) {
        if let Some(weight) = weights.get(&name) {
            var.set(&weight.to_device(var.device())?)?;
        }
    }
    Ok(())
}

/// Refuses weights that a step has spoilt although the loss before it was a number.
pub fn ensure_finite(vars: &VarMap) -> Result<()> {
    for (name, var) in sorted(vars) {
        let sum = var
            .as_detached_tensor()
            .abs()?
            .sum_all()?
            .to_scalar::<f32>()?;
        ensure!(
            sum.is_finite(),
            "the weight {name} is no longer a number: the learning rate is probably too high; the last state that was \
             saved is kept"
        );
    }
    Ok(())
}

/// Copies of all variables.
pub fn snapshot(vars: &VarMap) -> Result<HashMap<String, Tensor>> {
    let copy = |(name, var): (String, Var)| Ok((name, var.as_detached_tensor().copy()?));
    sorted(vars).into_iter().map(copy).collect()
}
