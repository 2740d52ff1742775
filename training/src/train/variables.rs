//! The variables of a network, by name.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use candle_core::{Tensor, Var};
use candle_nn::VarMap;

/// Whether training changes this variable by gradients: all except the running estimates of batch normalization.
pub fn is_trained(name: &str) -> bool {
    !name.contains(".running_")
}

/// All variables, sorted by name; a `VarMap` has no order.
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

/// Sets the variables that are in `weights`, by name.
pub fn overwrite(vars: &VarMap, weights: &HashMap<String, Tensor>) -> Result<()> {
    for (name, var) in sorted(vars) {
        if let Some(weight) = weights.get(&name) {
            var.set(&weight.to_device(var.device())?)?;
        }
    }
    Ok(())
}

/// Refuses weights that are no longer numbers, which a step can cause although the loss before it was finite.
pub fn ensure_finite(vars: &VarMap) -> Result<()> {
    for (name, var) in sorted(vars) {
        let sum = var
            .as_detached_tensor()
            .abs()?
            .sum_all()?
            .to_scalar::<f32>()?;
        ensure!(
            sum.is_finite(),
            "the weight {name} is no longer a number: the learning rate is probably too high. The last saved state is kept; \
             lower the rate in the recipe"
        );
    }
    Ok(())
}

/// Copies of all variables.
pub fn snapshot(vars: &VarMap) -> Result<HashMap<String, Tensor>> {
    let copy = |(name, var): (String, Var)| Ok((name, var.as_detached_tensor().copy()?));
    sorted(vars).into_iter().map(copy).collect()
}
