//! What the overlay consists of.

/// What is drawn on a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayLook {
    /// A box around each face.
    pub boxes: bool,
    /// A plate beside each face with its expression and probability.
    pub names: bool,
    /// The face mesh and the axes of the head, for faces that have one.
    pub mesh: bool,
    /// One line at the bottom left, such as a time or a participant's name; ends in an ellipsis if it is too long.
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
