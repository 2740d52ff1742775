//! Plots of runs and networks as SVG: curves, confusion matrix, reliability and risk.
//!
//! Each file lays out one plot; the library draws it with plotters ([`fervis::export::plots`]), like the plots of sessions.

mod axes;
mod confusion;
mod curves;
mod reliability;
mod risk;
#[cfg(test)]
mod tests;

pub use self::{confusion::confusion, curves::curves, reliability::reliability, risk::risk};
