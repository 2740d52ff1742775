//! The map from the pixels of a frame to the place where it is drawn.
//!
//! Only the picture is ever mirrored: boxes are mapped through [`UiFromFrame`], text is laid out afterwards and
//! stays readable.

use egui::{Pos2, Rect, Vec2};

use crate::{bounding_box::BoundingBox, frame::Resolution};

/// Maps boxes in source-frame pixels to rectangles where the picture is shown, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UiFromFrame {
    /// Where the picture is shown.
    pub picture_rect: Rect,
    /// Size of the frame shown there.
    pub resolution: Resolution,
    /// Whether it is shown flipped left to right.
    pub mirror: bool,
}

impl UiFromFrame {
    /// A frame drawn on its own pixels: one point is one pixel.
    pub fn identity(resolution: Resolution) -> Self {
        let size = Vec2::new(resolution.width_px as f32, resolution.height_px as f32);
        Self {
            picture_rect: Rect::from_min_size(Pos2::ZERO, size),
            resolution,
            mirror: false,
        }
    }

    /// Points per frame pixel.
    pub fn scale(&self) -> Vec2 {
        self.picture_rect.size()
            / Vec2::new(
                self.resolution.width_px.max(1) as f32,
                self.resolution.height_px.max(1) as f32,
            )
    }

    /// Where a place of the frame is in the window.
    pub fn point(&self, in_frame: Pos2) -> Pos2 {
        let scale = self.scale();
        let x = in_frame.x * scale.x;
        let x = if self.mirror {
            self.picture_rect.width() - x
        } else {
            x
        };
        self.picture_rect.min + Vec2::new(x, in_frame.y * scale.y)
    }

    /// The rectangle that shows `box_in_frame`, not cut at the picture's edge.
    pub fn rect(&self, box_in_frame: BoundingBox) -> Rect {
        let scale = self.scale();
        let left_px = if self.mirror {
            self.resolution.width_px as f32 - box_in_frame.right()
        } else {
            box_in_frame.x
        };
        let min: Pos2 = self.picture_rect.min + Vec2::new(left_px, box_in_frame.y) * scale;
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
        let picture_rect = Rect::from_min_size(pos2(100.0, 50.0), vec2(640.0, 360.0));
        let face = BoundingBox::new(0.0, 0.0, 200.0, 100.0);
        let map = |mirror| {
            UiFromFrame {
                picture_rect,
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
            let picture_rect = Rect::from_min_size(pos2(left, 30.0), vec2(width, width * 0.5625));
            let face = BoundingBox::new(x, y, side, side);
            let straight = UiFromFrame { picture_rect, resolution: HD, mirror: false }.rect(face);
            let mirrored = UiFromFrame { picture_rect, resolution: HD, mirror: true }.rect(face);
            let axis = picture_rect.center().x;
            prop_assert!((mirrored.center().x - axis + straight.center().x - axis).abs() < 0.05);
            prop_assert!((mirrored.width() - straight.width()).abs() < 0.01);
            prop_assert_eq!(mirrored.y_range(), straight.y_range());
        }
    }
}
