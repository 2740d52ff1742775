//! An exponential moving average of the weights, which often generalizes better than the last weights.
//!
//! The running estimates of batch normalization are averaged too. The decay starts low and rises: a fixed one would keep
//! the random first weights for thousands of steps.

use std::collections::HashMap;

use candle_core::{Result, Tensor, Var, bail};
use candle_nn::VarMap;

use crate::train::variables::sorted;

/// The averages of all variables.
pub struct Ema {
    decay: f64,
    n_updates: u64,
    averages: Vec<(String, Var, Var)>,
}

impl Ema {
    /// Starts with the current variables. `decay` is the share that each update keeps after the warm-up.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(vars: &VarMap, decay: f64) -> Result<Self> {
        let copy = |(name, var): (String, Var)| Ok((name, Var::from_tensor(&var.copy()?)?, var));
        let averages = sorted(vars).into_iter().map(copy).collect::<Result<_>>()?;
        Ok(Self {
            decay,
            n_updates: 0,
            averages,
        })
    }

    /// Updates the averages after a step. Update `t`, counted from 0, keeps `min(decay, (1 + t) / (10 + t))`, as in
    /// TensorFlow's `ExponentialMovingAverage`.
    ///
    /// # Errors
    /// If the shape of a variable has changed.
    pub fn update(&mut self) -> Result<()> {
        let t = self.n_updates as f64;
        let kept = self.decay.min((1.0 + t) / (10.0 + t));
        for (_, average, var) in &self.averages {
            let old = average.as_detached_tensor();
            // One operation per weight is negligible beside a step of the network, so candle's operations suffice.
            let change = ((var.as_detached_tensor() - &old)? * (1.0 - kept))?;
            average.set(&(old + change)?)?;
        }
        self.n_updates += 1;
        Ok(())
    }

    /// The averages by name.
    pub fn weights(&self) -> HashMap<String, Tensor> {
        let entry =
            |(name, average, _): &(String, Var, Var)| (name.clone(), average.as_detached_tensor());
        self.averages.iter().map(entry).collect()
    }

    /// Number of updates.
    pub fn n_updates(&self) -> u64 {
        self.n_updates
    }

    /// Restores saved averages.
    ///
    /// # Errors
    /// If one is missing or has a different shape.
    pub fn restore(&mut self, saved: &HashMap<String, Tensor>, n_updates: u64) -> Result<()> {
        for (name, average, _) in &self.averages {
            match saved.get(name) {
                Some(tensor) => average.set(&tensor.to_device(average.device())?)?,
                None => bail!("the average of {name} is missing"),
            }
        }
        self.n_updates = n_updates;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::VarBuilder;

    use super::*;

    #[test]
    fn follows_its_formula_and_resumes() {
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        vb.get(2, "fc.bias").unwrap();
        let var = sorted(&vars)[0].1.clone();
        let set = |value: f32| var.set(&Tensor::new(&[value, 1.0], &Device::Cpu).unwrap());
        set(0.0).unwrap();
        let mut ema = Ema::new(&vars, 0.15).unwrap();
        let average = |ema: &Ema| ema.weights()["fc.bias"].to_vec1::<f32>().unwrap();
        set(1.0).unwrap();
        ema.update().unwrap();
        // Kept: 1 / 10, then min(0.15, 2 / 11).
        assert_eq!(average(&ema), [0.9, 1.0]);
        let mut resumed = Ema::new(&vars, 0.15).unwrap();
        resumed.restore(&ema.weights(), ema.n_updates()).unwrap();
        set(2.0).unwrap();
        ema.update().unwrap();
        assert!((average(&ema)[0] - (0.15 * 0.9 + 0.85 * 2.0)).abs() < 1e-6);
        resumed.update().unwrap();
        assert_eq!(average(&ema), average(&resumed));
        assert!(resumed.restore(&HashMap::new(), 0).is_err());
    }
}
