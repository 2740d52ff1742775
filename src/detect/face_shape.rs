//! What the points of a face mesh say about a face: its upright square, its pose, and how far eyes and mouth are open.
//!
//! Distances are in *face units*, parts of the distance between the outer corners of the eyes. They are measured in three
//! dimensions, so that a turned head does not shrink them. They describe the image, not a muscle: people at rest differ by
//! as much as one person's face moves.

use serde::{Deserialize, Serialize};

use super::pose::{HeadPose, MeshPoints};
use crate::oriented_box::OrientedBox;

/// Outer and inner corner of the eye on the left of an unmirrored frame (the person's right eye), then of the other one.
/// Indices of points are those of MediaPipe's `canonical_face_model`.
const EYE_CORNERS: [[usize; 2]; 2] = [[33, 133], [263, 362]];

/// Six points around each eye: a corner, two on the upper lid, the other corner, two on the lower lid.
const EYE_OUTLINES: [[usize; 6]; 2] = [
    [33, 160, 158, 133, 153, 144],
    [263, 387, 385, 362, 380, 373],
];

/// The middle of each brow's upper edge.
const BROWS: [usize; 2] = [105, 334];

/// Corners of the mouth.
const MOUTH_CORNERS: [usize; 2] = [61, 291];

/// The middle of the inner edge of the upper lip and of the lower one.
const INNER_LIPS: [usize; 2] = [13, 14];

/// A face as its mesh describes it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct FaceShape {
    /// The square in the face's own axes around all points, of side √(width · height) of their extent.
    pub upright: OrientedBox,
    /// Which way the head points.
    pub pose: HeadPose,
    /// How far each eye is open: the eye aspect ratio, height over width of its outline (Soukupová and Čech, CVWW 2016).
    /// First the eye on the left of the unmirrored frame. About 0.3 open, below 0.15 closed.
    pub eyes_open: [f32; 2],
    /// Gap between the inner edges of the lips, in face units.
    pub mouth_open: f32,
    /// Width of the mouth, in face units.
    pub mouth_width: f32,
    /// Height of the brows above the middle of the eyes, mean of both, in face units.
    pub brow_height: f32,
    /// How sure the mesh is to lie on a face, 0 to 1.
    pub presence: f32,
}

/// One number of a [`FaceShape`], for tables.
pub struct Measure {
    /// Its name, with the unit where there is one.
    pub name: &'static str,
    /// Its unit; empty for face units and shares.
    pub unit: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Significant decimals.
    pub decimals: usize,
    /// Reads it.
    pub get: fn(&FaceShape) -> f32,
    /// Sets it.
    pub set: fn(&mut FaceShape, f32),
}

macro_rules! measure {
    ($name:literal, $unit:literal, $decimals:literal, $field:ident $(. $rest:ident)? $([$at:literal])?, $description:literal) => {
        Measure {
            name: $name,
            unit: $unit,
            description: $description,
            decimals: $decimals,
            get: |shape| shape.$field $(. $rest)? $([$at])?,
            set: |shape, value| shape.$field $(. $rest)? $([$at])? = value,
        }
    };
}

impl FaceShape {
    /// Every number of a shape, in the order of tables.
    pub const MEASURES: [Measure; 13] = [
        measure!(
            "yaw_deg",
            "degrees",
            2,
            pose.yaw_deg,
            "Which way the head points: positive to the right of the unmirrored frame; empty without a face mesh."
        ),
        measure!(
            "pitch_deg",
            "degrees",
            2,
            pose.pitch_deg,
            "Which way the head points: positive up."
        ),
        measure!(
            "roll_deg",
            "degrees",
            2,
            pose.roll_deg,
            "Tilt of the head: positive clockwise."
        ),
        measure!(
            "right_eye_open",
            "",
            4,
            eyes_open[0],
            "Height over width of the outline of the person's right eye: about 0.3 open, below 0.15 closed."
        ),
        measure!(
            "left_eye_open",
            "",
            4,
            eyes_open[1],
            "The same of the left eye."
        ),
        measure!(
            "mouth_open",
            "",
            4,
            mouth_open,
            "Gap between the lips, in distances between the outer corners of the eyes."
        ),
        measure!(
            "mouth_width",
            "",
            4,
            mouth_width,
            "Width of the mouth, in distances between the outer corners of the eyes."
        ),
        measure!(
            "brow_height",
            "",
            4,
            brow_height,
            "Height of the brows above the eyes, in distances between the outer corners of the eyes."
        ),
        measure!(
            "mesh_presence",
            "",
            4,
            presence,
            "How sure the face mesh is to lie on a face, 0 to 1."
        ),
        measure!(
            "mesh_x",
            "px",
            3,
            upright.x,
            "Center of the square around the mesh, in the source's frame."
        ),
        measure!(
            "mesh_y",
            "px",
            3,
            upright.y,
            "Center of the square around the mesh."
        ),
        measure!(
            "mesh_side",
            "px",
            3,
            upright.side,
            "Side of the square around the mesh."
        ),
        measure!(
            "mesh_roll_deg",
            "degrees",
            3,
            upright.roll_deg,
            "Turn of that square, by the line through the eyes: positive clockwise."
        ),
    ];

    /// Describes a mesh whose points are in frame pixels; `None` if its points are not finite or coincide.
    pub fn new(points: &MeshPoints, presence: f32) -> Option<Self> {
        let pose = HeadPose::fit(points)?;
        let upright = upright_square(points)?;
        let unit = distance(points[EYE_CORNERS[0][0]], points[EYE_CORNERS[1][0]]);
        if !(unit.is_finite() && unit > 0.0) {
            return None;
        }
        let eyes_open = EYE_OUTLINES.map(|[a, b, c, d, e, f]| {
            let height = distance(points[b], points[f]) + distance(points[c], points[e]);
            0.5 * height / distance(points[a], points[d]).max(1e-3 * unit)
        });
        let brow_height: f32 = BROWS
            .iter()
            .zip(EYE_CORNERS)
            .map(|(brow, corners)| 0.5 * distance(points[*brow], middle(points, corners)) / unit)
            .sum();
        Some(Self {
            upright,
            pose,
            eyes_open,
            mouth_open: distance(points[INNER_LIPS[0]], points[INNER_LIPS[1]]) / unit,
            mouth_width: distance(points[MOUTH_CORNERS[0]], points[MOUTH_CORNERS[1]]) / unit,
            brow_height,
            presence,
        })
    }
}

/// The square around the points, turned with the line through the middles of the eyes.
fn upright_square(points: &MeshPoints) -> Option<OrientedBox> {
    let [left, right] = EYE_CORNERS.map(|corners| middle(points, corners));
    let (dx, dy) = (right[0] - left[0], right[1] - left[1]);
    let roll = dy.atan2(dx);
    let (sin, cos) = roll.sin_cos();
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for [x, y, _] in points {
        let own = [cos * x + sin * y, -sin * x + cos * y];
        for axis in 0..2 {
            low[axis] = low[axis].min(own[axis]);
            high[axis] = high[axis].max(own[axis]);
        }
    }
    let (width, height) = (high[0] - low[0], high[1] - low[1]);
    let side = (width * height).sqrt();
    if !(side.is_finite() && side > 0.0) {
        return None;
    }
    let own = [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])];
    Some(OrientedBox {
        x: cos * own[0] - sin * own[1],
        y: sin * own[0] + cos * own[1],
        side,
        roll_deg: roll.to_degrees(),
    })
}

fn middle(points: &MeshPoints, [a, b]: [usize; 2]) -> [f32; 3] {
    std::array::from_fn(|axis| 0.5 * (points[a][axis] + points[b][axis]))
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::pose::{N_POINTS, tests::posed};

    #[test]
    fn rolling_the_head_rotates_only_the_square() {
        let upright = FaceShape::new(&posed(HeadPose::default(), 10.0, [0.0, 0.0]), 1.0);
        let upright = upright.expect("a face");
        assert!(upright.upright.roll_deg.abs() < 0.01);
        // The canonical face is 15.3 cm wide and 17.9 cm high.
        assert!(
            (upright.upright.side / 165.0 - 1.0).abs() < 0.03,
            "{upright:?}"
        );
        for roll_deg in [-80.0, -30.0, 45.0, 170.0] {
            let pose = HeadPose {
                roll_deg,
                ..HeadPose::default()
            };
            let turned = FaceShape::new(&posed(pose, 10.0, [0.0, 0.0]), 1.0).expect("a face");
            assert!((turned.upright.roll_deg - roll_deg).abs() < 0.01);
            assert!((turned.upright.side - upright.upright.side).abs() < 0.05);
            let values = |face: &FaceShape| {
                let [left, right] = face.eyes_open;
                [
                    left,
                    right,
                    face.mouth_open,
                    face.mouth_width,
                    face.brow_height,
                ]
            };
            for (a, b) in values(&turned).into_iter().zip(values(&upright)) {
                assert!((a - b).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn lids_and_lips_are_measured() {
        let mut points = posed(HeadPose::default(), 10.0, [0.0, 0.0]);
        let before = FaceShape::new(&points, 1.0).expect("a face");
        // The eye on the left of the frame closes; the jaw drops by a fifth of the face unit.
        let [a, b, c, _, e, f] = EYE_OUTLINES[0];
        (points[b], points[c]) = (points[f], points[e]);
        let unit = distance(points[EYE_CORNERS[0][0]], points[EYE_CORNERS[1][0]]);
        points[INNER_LIPS[1]][1] += 0.2 * unit;
        let after = FaceShape::new(&points, 1.0).expect("a face");
        assert!(after.eyes_open[0] < 0.01 && before.eyes_open[0] > 0.15);
        assert_eq!(after.eyes_open[1], before.eyes_open[1]);
        assert!(after.mouth_open - before.mouth_open > 0.15);
        assert_ne!(points[a], points[b]);
    }

    #[test]
    fn a_mesh_without_extent_is_not_a_face() {
        assert_eq!(FaceShape::new(&[[0.0; 3]; N_POINTS], 1.0), None);
        assert_eq!(FaceShape::new(&[[f32::NAN; 3]; N_POINTS], 1.0), None);
    }
}
