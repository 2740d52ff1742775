//! One step of one weight: in one pass over weight, gradient and moments on a CPU, with candle's operations elsewhere.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use crate::recipe::optimizer::OptimizerSettings;

/// Values per task: enough to outweigh the cost of starting it.
const CHUNK: usize = 64 * 1024;

/// Running estimates of a gradient, as long as the weight. SGD has no `square`.
#[derive(Debug)]
pub(super) struct Moments {
    /// Of the gradient: Adam's mean, SGD's momentum.
    pub(super) mean: Vec<f32>,
    /// Of its square.
    pub(super) square: Vec<f32>,
}

impl Moments {
    pub(super) fn zeros(n_values: usize, n_moments: usize) -> Self {
        Self {
            mean: vec![0.0; n_values],
            square: vec![0.0; if n_moments > 1 { n_values } else { 0 }],
        }
    }
}

/// The constants of one step, in the form that the loops need.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Sgd(Sgd),
    Adam(Adam),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sgd {
    learning_rate: f32,
    momentum: f32,
    nesterov: bool,
    decay: f32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Adam {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    /// Learning rate, corrected for the mean's zero start.
    step: f32,
    /// Corrects the square for its zero start.
    square_correction: f32,
    /// Multiplies the weight.
    kept: f32,
    /// Multiplies the weight, and is added to the gradient.
    decay: f32,
}

impl Rule {
    /// `n_steps` counts this one.
    pub(super) fn new(
        settings: &OptimizerSettings,
        learning_rate: f64,
        weight_decay: f64,
        n_steps: u64,
    ) -> Self {
        let (adam, is_apart) = match settings {
            OptimizerSettings::Sgd(sgd) => {
                return Self::Sgd(Sgd {
                    learning_rate: learning_rate as f32,
                    momentum: sgd.momentum as f32,
                    nesterov: sgd.nesterov,
                    decay: weight_decay as f32,
                });
            }
            OptimizerSettings::Adam(adam) => (adam, false),
            OptimizerSettings::Adamw(adam) => (adam, true),
        };
        let exponent = i32::try_from(n_steps).unwrap_or(i32::MAX);
        Self::Adam(Adam {
            beta1: adam.beta1 as f32,
            beta2: adam.beta2 as f32,
            epsilon: adam.epsilon as f32,
            step: (learning_rate / (1.0 - adam.beta1.powi(exponent))) as f32,
            square_correction: (1.0 / (1.0 - adam.beta2.powi(exponent))) as f32,
            kept: if is_apart {
                (1.0 - learning_rate * weight_decay) as f32
            } else {
                1.0
            },
            decay: if is_apart { 0.0 } else { weight_decay as f32 },
        })
    }

    /// The step with candle's operations, for weights that are not in main memory.
    pub(super) fn on_device(
        self,
        weight: &Var,
        grad: &Tensor,
        mean: &Var,
        square: Option<&Var>,
    ) -> Result<()> {
        let old = weight.as_detached_tensor();
        match self {
            Self::Sgd(rule) => {
                let grad = (grad + (&old * f64::from(rule.decay))?)?;
                mean.set(&((mean.as_detached_tensor() * f64::from(rule.momentum))? + &grad)?)?;
                let change = if rule.nesterov {
                    (grad + (mean.as_detached_tensor() * f64::from(rule.momentum))?)?
                } else {
                    mean.as_detached_tensor()
                };
                weight.set(&(old - (change * f64::from(rule.learning_rate))?)?)
            }
            Self::Adam(rule) => {
                let Some(square) = square else {
                    bail!("Adam needs the gradient's square")
                };
                let grad = (grad + (&old * f64::from(rule.decay))?)?;
                blend(mean, &grad, rule.beta1)?;
                blend(square, &grad.sqr()?, rule.beta2)?;
                let corrected = (square.as_detached_tensor() * f64::from(rule.square_correction))?;
                let root = (corrected.sqrt()? + f64::from(rule.epsilon))?;
                let change = ((mean.as_detached_tensor() / root)? * f64::from(rule.step))?;
                weight.set(&((old * f64::from(rule.kept))? - change)?)
            }
        }
    }
}

/// `running = kept · running + (1 - kept) · sample`.
fn blend(running: &Var, sample: &Tensor, kept: f32) -> Result<()> {
    let old = (running.as_detached_tensor() * f64::from(kept))?;
    running.set(&(old + (sample * f64::from(1.0 - kept))?)?)
}

/// The step in main memory. Candle's in-place operations change one tensor, so the moments are part of the operation.
pub(super) struct Update<'a> {
    pub(super) rule: Rule,
    /// Locked once per step, since candle takes the operation by shared reference.
    pub(super) moments: Mutex<&'a mut Moments>,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "optimizer-step"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        weight_layout: &Layout,
        grad: &CpuStorage,
        grad_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(weight), CpuStorage::F32(grad)) = (weight, grad) else {
            bail!("the optimizer works on f32 tensors")
        };
        let (Some((start, end)), Some((grad_start, grad_end))) = (
            weight_layout.contiguous_offsets(),
            grad_layout.contiguous_offsets(),
        ) else {
            bail!("the optimizer works on contiguous tensors")
        };
        let (weight, grad) = (&mut weight[start..end], &grad[grad_start..grad_end]);
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let Moments { mean, square } = &mut **moments;
        if weight.len() != grad.len() || weight.len() != mean.len() {
            bail!("a gradient differs in shape from its weight");
        }
        match self.rule {
            Rule::Sgd(rule) => weight
                .par_chunks_mut(CHUNK)
                .zip(grad.par_chunks(CHUNK))
                .zip(mean.par_chunks_mut(CHUNK))
                .for_each(|((weight, grad), mean)| {
                    for ((weight, grad), mean) in weight.iter_mut().zip(grad).zip(mean) {
                        let grad = grad + rule.decay * *weight;
                        *mean = rule.momentum * *mean + grad;
                        let change = if rule.nesterov {
                            grad + rule.momentum * *mean
                        } else {
                            *mean
                        };
                        *weight -= rule.learning_rate * change;
                    }
                }),
            Rule::Adam(rule) => weight
                .par_chunks_mut(CHUNK)
                .zip(grad.par_chunks(CHUNK))
                .zip(mean.par_chunks_mut(CHUNK))
                .zip(square.par_chunks_mut(CHUNK))
                .for_each(|(((weight, grad), mean), square)| {
                    let moments = mean.iter_mut().zip(square);
                    for ((weight, grad), (mean, square)) in weight.iter_mut().zip(grad).zip(moments)
                    {
                        let grad = grad + rule.decay * *weight;
                        *mean = rule.beta1 * *mean + (1.0 - rule.beta1) * grad;
                        *square = rule.beta2 * *square + (1.0 - rule.beta2) * (grad * grad);
                        let root = (*square * rule.square_correction).sqrt() + rule.epsilon;
                        *weight = *weight * rule.kept - rule.step * *mean / root;
                    }
                }),
        }
        Ok(())
    }
}
