//! The map from the pixels of a frame to where it is shown.
//!
//! Only the frame is ever mirrored: boxes go through [`UiFromFrame`]; text is laid out afterward and stays readable.

use egui::{Pos2, Rect, Vec2};

use crate::{bounding_box::BoundingBox, frame::Resolution};

/// Maps boxes in frame pixels to rectangles where the frame is shown, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UiFromFrame {
    /// Where the frame is shown.
    pub frame_rect: Rect,
    /// Size of that frame.
    pub resolution: Resolution,
    /// Whether it is flipped left to right.
    pub mirror: bool,
}

impl UiFromFrame {
    /// A frame drawn on its own pixels: one point is one pixel.
    pub fn identity(resolution: Resolution) -> Self {
        let size = Vec2::new(resolution.width_px as f32, resolution.height_px as f32);
        Self {
            frame_rect: Rect::from_min_size(Pos2::ZERO, size),
            resolution,
            mirror: false,
        }
    }

    /// Points per frame pixel.
    pub fn scale(&self) -> Vec2 {
        self.frame_rect.size()
            / Vec2::new(
                self.resolution.width_px.max(1) as f32,
                self.resolution.height_px.max(1) as f32,
            )
    }

    /// Where a point of the frame is shown.
    pub fn point(&self, in_frame: Pos2) -> Pos2 {
        let scale = self.scale();
        let x = in_frame.x * scale.x;
        let x = if self.mirror {
            self.frame_rect.width() - x
        } else {
            x
        };
        self.frame_rect.min + Vec2::new(x, in_frame.y * scale.y)
    }

    /// Where `box_in_frame` is shown, not cut at the frame's edge.
    pub fn rect(&self, box_in_frame: BoundingBox) -> Rect {
        let scale = self.scale();
        let left_px = if self.mirror {
            self.resolution.width_px as f32 - box_in_frame.right()
        } else {
            box_in_frame.x
        };
        let min: Pos2 = self.frame_rect.min + Vec2::new(left_px, box_in_frame.y) * scale;
        Rect::from_min_size(
            min,
            Vec2::new(box_in_frame.width, box_in_frame.height) * scale,
        )
    }
}

#[cfg(test)]
mod tests {
    use egui::{pos2, vec2};
    use proptest::prelude::*;

    use super::*;

    const HD: Resolution = Resolution::new(1280, 720);

    #[test]
    fn a_box_on_the_left_is_on_the_right_in_a_mirror() {
        let frame_rect = Rect::from_min_size(pos2(100.0, 50.0), vec2(640.0, 360.0));
        let face = BoundingBox::new(0.0, 0.0, 200.0, 100.0);
        let map = |mirror| {
            UiFromFrame {
                frame_rect,
                resolution: HD,
                mirror,
            }
            .rect(face)
        };
        assert_eq!(
            map(false),
            Rect::from_min_size(pos2(100.0, 50.0), vec2(100.0, 50.0))
        );
        assert_eq!(
            map(true),
            Rect::from_min_size(pos2(640.0, 50.0), vec2(100.0, 50.0))
        );
    }

    proptest! {
        #[test]
        fn a_mirrored_box_is_the_mirror_image_of_the_box(
            x in -200.0f32..1400.0, y in -200.0f32..900.0, side in 0.0f32..600.0,
            left in 0.0f32..500.0, width in 50.0f32..2000.0,
        ) {
            let frame_rect = Rect::from_min_size(pos2(left, 30.0), vec2(width, width * 0.5625));
            let face = BoundingBox::new(x, y, side, side);
            let straight = UiFromFrame { frame_rect, resolution: HD, mirror: false }.rect(face);
            let mirrored = UiFromFrame { frame_rect, resolution: HD, mirror: true }.rect(face);
            let axis = frame_rect.center().x;
            prop_assert!((mirrored.center().x - axis + straight.center().x - axis).abs() < 0.05);
            prop_assert!((mirrored.width() - straight.width()).abs() < 0.01);
            prop_assert_eq!(mirrored.y_range(), straight.y_range());
        }
    }
}
