//! What a face is called in the window: its name, or else its number.

use super::words::text;
use crate::{detect::TrackId, pipeline::face_names::FaceNames};

/// The face's name, or `Face` with its number. `names` are by tracks.
pub fn who(names: &FaceNames, track: TrackId, number: u64) -> String {
    let name = names.get(track.0);
    name.map_or_else(|| text!("face-number", number = number), str::to_owned)
}
