//! What the overlay consists of.

use crate::pipeline::face_names::FaceNames;

with_defaults! {
    /// What is drawn on a frame.
    ///
    /// The default is how the window starts.
    #[derive(Debug, Clone)]
    pub struct OverlayLook {
        /// A box around each face.
        pub boxes: bool = true,
        /// A plate beside each face with its expression and probability.
        pub names: bool = true,
        /// The face mesh and the axes of the head, for faces that have one.
        pub mesh: bool = false,
        /// One line at the bottom left, such as a time or a participant's name; ends in an ellipsis if it is too long.
        pub caption: Option<String> = None,
        /// Below this probability, 0 to 1, no expression is named.
        pub uncertain_below: f32 = 0.0,
        /// What a label is called: by its own name in files, in the language of the window there.
        pub name_of: fn(&'static str) -> &'static str = |name| name,
        /// What the faces are called, by their tracks.
        pub face_names: FaceNames = FaceNames::default(),
    }
}

impl OverlayLook {
    /// Whether nothing would be drawn for `n_faces` faces.
    pub fn is_empty(&self, n_faces: usize) -> bool {
        let has_faces = n_faces > 0 && (self.boxes || self.names);
        !has_faces && self.caption.is_none()
    }
}
