//! AdamW whose state can be saved, in one pass over the weights on all cores.
//!
//! Source: Loshchilov and Hutter 2019, arXiv:1711.05101; the defaults are PyTorch's. Candle's own keeps its moments
//! private, so a run could not be resumed exactly.

use std::collections::HashMap;

use candle_core::{
    CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, backprop::GradStore, bail,
};
use candle_nn::VarMap;
use rayon::prelude::*;

use crate::init::sorted;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Values that one task updates: large enough to outweigh handing it over.
const CHUNK: usize = 64 * 1024;

/// The optimizer with its moments.
pub struct AdamW {
    slots: Vec<Slot>,
    n_steps: u64,
    weight_decay: f64,
}

struct Slot {
    name: String,
    weight: Var,
    /// Running mean of the gradient.
    mean: Var,
    /// Running mean of the squared gradient.
    square: Var,
}

impl AdamW {
    /// An optimizer for all variables but the running estimates of batch normalisation, which no gradient moves.
    ///
    /// # Errors
    /// If there is no memory for the moments.
    pub fn new(vars: &VarMap, weight_decay: f64) -> Result<Self> {
        let trained = sorted(vars)
            .into_iter()
            .filter(|(name, _)| !name.contains(".running_"));
        let slots = trained
            .map(|(name, weight)| {
                let mean = Var::zeros(weight.shape(), weight.dtype(), weight.device())?;
                let square = Var::zeros(weight.shape(), weight.dtype(), weight.device())?;
                Ok(Slot {
                    name,
                    weight,
                    mean,
                    square,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            slots,
            n_steps: 0,
            weight_decay,
        })
    }

    /// Moves the weights one step against their gradients.
    ///
    /// # Errors
    /// If a gradient has another shape than its weight.
    pub fn step(&mut self, grads: &GradStore, learning_rate: f64) -> Result<()> {
        self.n_steps += 1;
        let exponent = i32::try_from(self.n_steps).unwrap_or(i32::MAX);
        let update = Update {
            decay: (1.0 - learning_rate * self.weight_decay) as f32,
            step: (learning_rate / (1.0 - BETA1.powi(exponent))) as f32,
            square_correction: (1.0 / (1.0 - BETA2.powi(exponent))) as f32,
        };
        for Slot {
            weight,
            mean,
            square,
            ..
        } in &self.slots
        {
            let Some(grad) = grads.get(weight) else {
                continue;
            };
            let grad = grad.contiguous()?;
            if weight.device().is_cpu() {
                mean.inplace_op2(
                    &grad,
                    &Blend {
                        kept: BETA1 as f32,
                        squared: false,
                    },
                )?;
                square.inplace_op2(
                    &grad,
                    &Blend {
                        kept: BETA2 as f32,
                        squared: true,
                    },
                )?;
                weight.inplace_op3(mean, square, &update)?;
                continue;
            }
            mean.set(&((mean.as_detached_tensor() * BETA1)? + (&grad * (1.0 - BETA1))?)?)?;
            square
                .set(&((square.as_detached_tensor() * BETA2)? + (grad.sqr()? * (1.0 - BETA2))?)?)?;
            let root =
                (square.as_detached_tensor() * f64::from(update.square_correction))?.sqrt()?;
            let change = (mean.as_detached_tensor() / (root + EPSILON)?)?;
            let kept = (weight.as_detached_tensor() * f64::from(update.decay))?;
            weight.set(&(kept - (change * f64::from(update.step))?)?)?;
        }
        Ok(())
    }

    /// Steps done so far.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// The moments by name, for saving.
    pub fn state(&self) -> HashMap<String, Tensor> {
        let entry = |slot: &Slot, kind: &str, var: &Var| {
            (
                format!("optimizer.{kind}.{}", slot.name),
                var.as_detached_tensor(),
            )
        };
        let entries = self.slots.iter();
        entries
            .flat_map(|slot| {
                [
                    entry(slot, "mean", &slot.mean),
                    entry(slot, "square", &slot.square),
                ]
            })
            .collect()
    }

    /// Takes up saved moments.
    ///
    /// # Errors
    /// If one is missing or has another shape.
    pub fn restore(&mut self, state: &HashMap<String, Tensor>, n_steps: u64) -> Result<()> {
        for slot in &self.slots {
            for (kind, var) in [("mean", &slot.mean), ("square", &slot.square)] {
                let name = format!("optimizer.{kind}.{}", slot.name);
                match state.get(&name) {
                    Some(saved) => var.set(saved)?,
                    None => bail!("{name} is missing"),
                }
            }
        }
        self.n_steps = n_steps;
        Ok(())
    }
}

/// `running = kept · running + (1 - kept) · gradient` (or its square).
struct Blend {
    kept: f32,
    squared: bool,
}

impl InplaceOp2 for Blend {
    fn name(&self) -> &'static str {
        "adamw-blend"
    }

    fn cpu_fwd(
        &self,
        running: &mut CpuStorage,
        running_layout: &Layout,
        grad: &CpuStorage,
        grad_layout: &Layout,
    ) -> Result<()> {
        let grad = values(grad, grad_layout)?;
        let (kept, new) = (self.kept, 1.0 - self.kept);
        let squared = self.squared;
        values_mut(running, running_layout)?
            .par_chunks_mut(CHUNK)
            .zip(grad.par_chunks(CHUNK))
            .for_each(|(running, grad)| {
                for (running, grad) in running.iter_mut().zip(grad) {
                    let sample = if squared { grad * grad } else { *grad };
                    *running = kept * *running + new * sample;
                }
            });
        Ok(())
    }
}

/// The step itself, with weight decay.
struct Update {
    decay: f32,
    step: f32,
    square_correction: f32,
}

impl InplaceOp3 for Update {
    fn name(&self) -> &'static str {
        "adamw-update"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        weight_layout: &Layout,
        mean: &CpuStorage,
        mean_layout: &Layout,
        square: &CpuStorage,
        square_layout: &Layout,
    ) -> Result<()> {
        let mean = values(mean, mean_layout)?;
        let square = values(square, square_layout)?;
        let Self {
            decay,
            step,
            square_correction,
        } = *self;
        values_mut(weight, weight_layout)?
            .par_chunks_mut(CHUNK)
            .zip(mean.par_chunks(CHUNK))
            .zip(square.par_chunks(CHUNK))
            .for_each(|((weight, mean), square)| {
                for ((weight, mean), square) in weight.iter_mut().zip(mean).zip(square) {
                    let root = (square * square_correction).sqrt() + EPSILON as f32;
                    *weight = *weight * decay - step * mean / root;
                }
            });
        Ok(())
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("AdamW works on contiguous f32 tensors"),
    }
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("AdamW works on contiguous f32 tensors"),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use candle_nn::{Optimizer as _, VarBuilder};

    use super::*;

    fn vars() -> VarMap {
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        vb.get((3, 4), "fc.weight").unwrap();
        let weight = Tensor::arange(0f32, 12.0, &Device::Cpu)
            .unwrap()
            .reshape((3, 4))
            .unwrap();
        sorted(&vars)[0].1.set(&weight).unwrap();
        vars
    }

    fn grads(vars: &VarMap, factor: f64) -> GradStore {
        let weight = &sorted(vars)[0].1;
        (weight.sqr().unwrap() * factor)
            .unwrap()
            .sin()
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap()
    }

    fn weight(vars: &VarMap) -> Vec<f32> {
        sorted(vars)[0].1.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn agrees_with_candles_own() {
        let (ours, theirs) = (vars(), vars());
        let mut optimizer = AdamW::new(&ours, 0.01).unwrap();
        let params = candle_nn::ParamsAdamW {
            lr: 0.05,
            weight_decay: 0.01,
            ..Default::default()
        };
        let mut reference = candle_nn::AdamW::new(theirs.all_vars(), params).unwrap();
        for step in 0..20 {
            let factor = 0.1 + f64::from(step) * 0.01;
            optimizer.step(&grads(&ours, factor), 0.05).unwrap();
            reference.step(&grads(&theirs, factor)).unwrap();
        }
        for (a, b) in weight(&ours).into_iter().zip(weight(&theirs)) {
            assert!((a - b).abs() < 1e-4, "{a} against {b}");
        }
    }

    #[test]
    fn saved_moments_continue_the_same_way() {
        let (whole, parted) = (vars(), vars());
        let mut optimizer = AdamW::new(&whole, 0.01).unwrap();
        (0..4).for_each(|_| optimizer.step(&grads(&whole, 0.2), 0.05).unwrap());
        let mut first = AdamW::new(&parted, 0.01).unwrap();
        (0..2).for_each(|_| first.step(&grads(&parted, 0.2), 0.05).unwrap());
        let mut second = AdamW::new(&parted, 0.01).unwrap();
        second.restore(&first.state(), first.n_steps()).unwrap();
        (0..2).for_each(|_| second.step(&grads(&parted, 0.2), 0.05).unwrap());
        assert_eq!(weight(&whole), weight(&parted));
        assert!(second.restore(&HashMap::new(), 1).is_err());
    }
}
