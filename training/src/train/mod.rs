//! Training: the loop and its parts.
//!
//! The recipe, the data, the processor and the number of threads determine a run: if it is interrupted at any step and
//! resumed, it ends with the same weights, bit for bit. Networks are selected on PublicTest; PrivateTest is never measured
//! here. Read [`run`] first.

pub mod auxiliary;
pub mod average;
mod checkpoint;
pub mod distillation;
pub mod ema;
mod epoch;
pub mod init;
pub mod job;
pub mod loss;
pub mod optimizer;
pub mod origin;
pub mod progress;
mod resume;
pub mod run;
pub mod state;
pub mod variables;
pub mod widen;

#[cfg(test)]
mod tests;
