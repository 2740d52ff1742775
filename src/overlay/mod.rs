//! Boxes, name plates and meshes on the picture: one paint function for the window, recordings and runs without a window.
//!
//! [`paint()`] draws on any egui painter; [`Offscreen`] gives it one without a window and puts the result on the pixels of
//! a frame. What a newcomer gets wrong: a recorded picture must not depend on how large the window happens to be, so
//! nothing here asks the window for anything. Where the picture lies and how large text is come in as arguments.

pub mod colors;
pub mod geometry;
mod mesh;
mod offscreen;
mod paint;
mod raster;
mod texture;

pub use self::{
    geometry::UiFromFrame,
    offscreen::{Offscreen, scale_for},
    paint::{paint, plate_text},
};

/// What is drawn on the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayLook {
    /// A box around each face.
    pub boxes: bool,
    /// A plate beside each face with its expression and how probable it is.
    pub names: bool,
    /// The face mesh and the axes of the head, for faces that have one.
    pub mesh: bool,
    /// One line at the bottom left, such as a time or a recording's label; cut with an ellipsis if it is too long.
    pub caption: Option<String>,
    /// Below this probability, 0 to 1, no expression is named.
    pub uncertain_below: f32,
}

impl Default for OverlayLook {
    /// As the window starts: boxes and names, no caption, every face named.
    fn default() -> Self {
        Self {
            boxes: true,
            names: true,
            mesh: false,
            caption: None,
            uncertain_below: 0.0,
        }
    }
}

impl OverlayLook {
    /// Whether nothing would be drawn for `n_faces` faces.
    pub fn is_empty(&self, n_faces: usize) -> bool {
        let has_faces = n_faces > 0 && (self.boxes || self.names);
        !has_faces && self.caption.is_none()
    }
}
