//! Boxes, name plates and meshes on a frame: one paint function for the window, recordings and exports.
//!
//! [`paint()`] draws on any egui painter; [`Offscreen`] gives it one without a window and writes the result into the pixels
//! of a frame. A recorded video must not depend on how large the window happens to be, so nothing here asks the window for
//! anything: where the frame is shown and how large text is come in as arguments.

pub mod colors;
pub mod geometry;
mod look;
mod mesh;
mod offscreen;
mod paint;

pub use self::{
    geometry::UiFromFrame,
    look::OverlayLook,
    offscreen::{Offscreen, scale_for},
    paint::{dashed_rect, hatch, paint, plate_text, scale_in_window},
};
