//! A square that may be rotated: the coordinates of one face.
//!
//! The y axis points down, so a positive angle rotates clockwise as seen on the screen.

use serde::{Deserialize, Serialize};

use crate::bounding_box::BoundingBox;

/// A rotated square in frame pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct OrientedBox {
    /// Center, px from the left edge of the frame.
    pub x: f32,
    /// Center, px from the top edge of the frame.
    pub y: f32,
    /// Side, px.
    pub side: f32,
    /// Clockwise rotation about the center, degrees; 0 is upright.
    pub roll_deg: f32,
}

impl OrientedBox {
    /// An upright square.
    pub const fn upright((x, y): (f32, f32), side: f32) -> Self {
        Self {
            x,
            y,
            side,
            roll_deg: 0.0,
        }
    }

    /// The center, px.
    pub fn center(&self) -> (f32, f32) {
        (self.x, self.y)
    }

    /// The unit vectors of the square's own right and down, in frame coordinates.
    pub fn axes(&self) -> ([f32; 2], [f32; 2]) {
        let (sin, cos) = self.roll_deg.to_radians().sin_cos();
        ([cos, sin], [-sin, cos])
    }

    /// Maps a point from the square's own coordinates to the frame. (0, 0) is the square's top left corner, (1, 1) its
    /// bottom right corner.
    pub fn frame_from_unit(&self, [u, v]: [f32; 2]) -> [f32; 2] {
        let (right, down) = self.axes();
        let (du, dv) = ((u - 0.5) * self.side, (v - 0.5) * self.side);
        [
            self.x + du * right[0] + dv * down[0],
            self.y + du * right[1] + dv * down[1],
        ]
    }

    /// The square moved by `right` and `down` of its sides along its own axes, with `scale` times its side.
    pub fn adjusted(&self, right: f32, down: f32, scale: f32) -> Self {
        let [x, y] = self.frame_from_unit([0.5 + right, 0.5 + down]);
        Self {
            x,
            y,
            side: self.side * scale,
            ..*self
        }
    }

    /// The upright square with the same center and side.
    pub fn to_bounding_box(self) -> BoundingBox {
        BoundingBox::square_around(self.center(), self.side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: [f32; 2], b: [f32; 2]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    #[test]
    fn corners_follow_the_rotation() {
        let square = OrientedBox::upright((100.0, 50.0), 20.0);
        assert!(close(square.frame_from_unit([0.0, 0.0]), [90.0, 40.0]));
        let rotated = OrientedBox {
            roll_deg: 90.0,
            ..square
        };
        // A quarter turn clockwise moves the top left corner to the top right.
        assert!(close(rotated.frame_from_unit([0.0, 0.0]), [110.0, 40.0]));
        assert!(close(rotated.frame_from_unit([0.5, 0.5]), [100.0, 50.0]));
    }

    #[test]
    fn adjusting_moves_along_its_own_axes() {
        let rotated = OrientedBox {
            roll_deg: 90.0,
            ..OrientedBox::upright((0.0, 0.0), 10.0)
        };
        // Down the face is to the left of the frame.
        let lower = rotated.adjusted(0.0, 0.5, 2.0);
        assert!(close([lower.x, lower.y], [-5.0, 0.0]));
        assert_eq!((lower.side, lower.roll_deg), (20.0, 90.0));
        assert_eq!(
            rotated.to_bounding_box(),
            BoundingBox::new(-5.0, -5.0, 10.0, 10.0)
        );
    }
}
