//! Where the picture lies in the window.
//!
//! Only the picture is ever mirrored; where boxes go is `crate::overlay::geometry`'s business.

use egui::{Rect, Vec2, pos2};

use crate::frame::Resolution;

/// The largest rectangle of the picture's shape inside `available`, centred.
///
/// Empty (at the centre) when there is no room or no picture.
pub fn fit(resolution: Resolution, available: Rect) -> Rect {
    let picture = Vec2::new(resolution.width_px as f32, resolution.height_px as f32);
    if !available.is_positive() || picture.x == 0.0 || picture.y == 0.0 {
        return Rect::from_center_size(available.center(), Vec2::ZERO);
    }
    let scale = (available.width() / picture.x).min(available.height() / picture.y);
    Rect::from_center_size(available.center(), picture * scale)
}

/// Texture coordinates of the whole picture, flipped left to right if `mirror`.
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
    fn a_picture_fits_by_its_longer_side_and_sits_in_the_middle() {
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
