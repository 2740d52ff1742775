//! Where the frame lies in the window.
//!
//! `crate::overlay::geometry` maps boxes there.

use egui::{Rect, Vec2, pos2};

use crate::frame::Resolution;

/// The largest rectangle of the frame's shape inside `available`, centered; empty if there is no room or no frame.
pub fn fit(resolution: Resolution, available: Rect) -> Rect {
    let size = Vec2::new(resolution.width_px as f32, resolution.height_px as f32);
    if !available.is_positive() || size.x == 0.0 || size.y == 0.0 {
        return Rect::from_center_size(available.center(), Vec2::ZERO);
    }
    let scale = (available.width() / size.x).min(available.height() / size.y);
    Rect::from_center_size(available.center(), size * scale)
}

/// Texture coordinates of the whole frame, flipped left to right if `mirror`.
pub fn uv(mirror: bool) -> Rect {
    if mirror {
        Rect::from_min_max(pos2(1.0, 0.0), pos2(0.0, 1.0))
    } else {
        Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    const HD: Resolution = Resolution::new(1280, 720);

    #[test]
    fn a_frame_fits_by_its_longer_side_and_is_centered() {
        let check = |available: Rect, expected: Rect| {
            assert_eq!(fit(HD, available), expected, "in {available}");
        };
        let at = |x, y, width, height| Rect::from_min_size(pos2(x, y), vec2(width, height));
        check(at(0.0, 0.0, 640.0, 360.0), at(0.0, 0.0, 640.0, 360.0));
        check(at(10.0, 20.0, 640.0, 560.0), at(10.0, 120.0, 640.0, 360.0));
        check(at(0.0, 0.0, 840.0, 360.0), at(100.0, 0.0, 640.0, 360.0));
        check(at(0.0, 0.0, 0.0, 360.0), at(0.0, 180.0, 0.0, 0.0));
    }
}
