//! Axis-aligned boxes in frame coordinates, shared by detection, tracking, cropping and drawing.
//!
//! Coordinates are pixels of the unmirrored frame, with the origin at the top left. They are `f32`, so that smoothing can
//! move a box by less than a pixel. A box may reach outside the frame.

use serde::{Deserialize, Serialize};

/// A box in frame pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Left edge, px.
    pub x: f32,
    /// Top edge, px.
    pub y: f32,
    /// Width, px, at least 0.
    pub width: f32,
    /// Height, px, at least 0.
    pub height: f32,
}

impl BoundingBox {
    /// A box from its left, top, width and height in px.
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// A square box of side `side` px around `(x, y)`.
    pub fn square_around((x, y): (f32, f32), side: f32) -> Self {
        Self::new(x - side / 2.0, y - side / 2.0, side, side)
    }

    /// The center, px.
    pub fn center(&self) -> (f32, f32) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// The area in px².
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Right edge, px.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// Bottom edge, px.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The area that both boxes cover, px².
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    }

    /// Intersection over union, 0 to 1; 0 if both boxes are empty.
    ///
    /// ```
    /// use fervis::bounding_box::BoundingBox;
    ///
    /// let left = BoundingBox::new(0.0, 0.0, 2.0, 2.0);
    /// let right = BoundingBox::new(1.0, 0.0, 2.0, 2.0);
    /// assert!((left.iou(&right) - 1.0 / 3.0).abs() < 1e-6);
    /// ```
    pub fn iou(&self, other: &Self) -> f32 {
        let intersection = self.intersection(other);
        let union = self.area() + other.area() - intersection;
        if union > 0.0 {
            intersection / union
        } else {
            0.0
        }
    }

    /// The same box with every coordinate multiplied by `factor`, to map between a frame and a smaller copy of it.
    pub fn scaled(&self, factor: f32) -> Self {
        Self::new(
            self.x * factor,
            self.y * factor,
            self.width * factor,
            self.height * factor,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iou_of_known_pairs() {
        let unit = BoundingBox::new(0.0, 0.0, 2.0, 2.0);
        let check = |other: BoundingBox, expected: f32| {
            assert!(
                (unit.iou(&other) - expected).abs() < 1e-6,
                "{other:?}: {}",
                unit.iou(&other)
            );
        };
        check(unit, 1.0);
        check(BoundingBox::new(1.0, 0.0, 2.0, 2.0), 1.0 / 3.0);
        check(BoundingBox::new(2.0, 0.0, 2.0, 2.0), 0.0);
        check(BoundingBox::new(5.0, 5.0, 1.0, 1.0), 0.0);
        assert_eq!(BoundingBox::default().iou(&BoundingBox::default()), 0.0);
    }
}
