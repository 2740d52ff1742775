//! Reads facial expressions live, on the user's own machine.
//!
//! # Data flow
//!
//! ```text
//! capture ──▶ detect ──▶ classify ──▶ window or command line
//! ```
//!
//! A source delivers [`frame::Frame`]s, [`detect`] finds and follows faces in them, [`model`] turns each face into
//! probabilities over the seven [`expression::Expression`]s, [`pipeline`] runs these on threads of their own, and
//! `ui` draws the result. Arrows point one way:
//! `ui → pipeline → {capture, detect, model} → {frame, bounding_box, expression}`.

pub mod bounding_box;
pub mod capture;
pub mod detect;
pub mod expression;
pub mod frame;
pub mod model;
pub mod pipeline;
#[cfg(feature = "gui")]
pub mod ui;
