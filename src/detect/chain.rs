//! Proposes faces with the short-range detector and confirms them with the face mesh.
//!
//! The mesh decides: it says whether it lies on a face, and where that face is, far more exactly than a detector. A
//! covered mouth defeats it, though, so a refused proposal is not lost: the caller weighs it against other evidence.

use std::sync::Arc;

use super::{
    face_shape::FaceShape,
    pose::MeshPoints,
    sampler::{Border, Sampler},
};
use crate::{
    bounding_box::BoundingBox,
    frame::Frame,
    model::face::{FaceMesh, ShortRange},
    oriented_box::OrientedBox,
};

/// Side of the mesh's input square, in longer sides of the face: MediaPipe's, with which the network was trained.
const MESH_SPAN: f32 = 1.5;

/// Height over √(width · height) of a mesh's extent, about: faces are taller than wide.
const FACE_ELONGATION: f32 = 1.1;

/// From this presence on, the mesh lies on a face.
const MIN_PRESENCE: f32 = 0.5;

/// A mesh that moves its own square by more than this (in parts of its side, and for the size as a logarithm) has not
/// settled, and runs again from where it ended.
const SETTLED_SHIFT: f32 = 0.08;

/// The same for its roll, degrees.
const SETTLED_TURN_DEG: f32 = 8.0;

/// Maximum runs of the mesh for one proposal: the second settles 97 of 100.
const MAX_RUNS: usize = 3;

/// What the short-range detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Around brows, mouth and cheeks, turned with the line through the eyes.
    pub square: OrientedBox,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
}

/// A mesh on a face.
#[derive(Debug, Clone)]
pub struct Fit {
    /// What the mesh says of the face.
    pub shape: FaceShape,
    /// Its points in frame pixels.
    pub points: Arc<MeshPoints>,
}

/// The two networks with their buffers.
#[derive(Default)]
pub struct FaceChain {
    short_range: ShortRange,
    mesh: FaceMesh,
    sampler: Sampler,
}

impl FaceChain {
    /// Faces that the short-range detector finds in a square of the frame with at least `min_score`, best first.
    pub fn propose(
        &mut self,
        frame: &Frame,
        square: &OrientedBox,
        min_score: f32,
    ) -> Vec<Proposal> {
        let input = self.sampler.sample(
            frame,
            square,
            ShortRange::SIDE_PX,
            Border::Black,
            (-1.0, 1.0),
        );
        let mut proposals: Vec<Proposal> = self
            .short_range
            .detect(input, min_score)
            .iter()
            .map(|found| {
                let center = [0.5 * (found.x0 + found.x1), 0.5 * (found.y0 + found.y1)];
                let [x, y] = square.frame_from_unit(center);
                let [right_eye, left_eye, ..] = found.key_points;
                let turn = (left_eye[1] - right_eye[1]).atan2(left_eye[0] - right_eye[0]);
                Proposal {
                    square: OrientedBox {
                        x,
                        y,
                        side: square.side * (found.x1 - found.x0).max(found.y1 - found.y0),
                        roll_deg: square.roll_deg + turn.to_degrees(),
                    },
                    score: found.score,
                }
            })
            .collect();
        proposals.sort_by(|a, b| b.score.total_cmp(&a.score));
        proposals
    }

    /// Fits the mesh to a proposal; `None` if it does not lie on a face.
    pub fn confirm(&mut self, frame: &Frame, proposal: &OrientedBox) -> Option<Fit> {
        let mut start = proposal.adjusted(0.0, 0.0, MESH_SPAN);
        for run in 1..=MAX_RUNS {
            let fit = self.run_mesh(frame, &start)?;
            let next = mesh_square(&fit.shape);
            if run == MAX_RUNS || is_settled(&start, &next) {
                return (fit.shape.presence >= MIN_PRESENCE).then_some(fit);
            }
            start = next;
        }
        None
    }

    /// Fits the mesh to a face from where it is expected, in one run.
    pub fn follow(&mut self, frame: &Frame, expected: &FaceShape) -> Option<Fit> {
        let fit = self.run_mesh(frame, &mesh_square(expected))?;
        let is_face = fit.shape.presence >= MIN_PRESENCE
            && is_plausible(&expected.upright, &fit.shape.upright);
        is_face.then_some(fit)
    }

    fn run_mesh(&mut self, frame: &Frame, square: &OrientedBox) -> Option<Fit> {
        let input = self.sampler.sample(
            frame,
            square,
            FaceMesh::SIDE_PX,
            Border::Continued,
            (0.0, 1.0),
        );
        let mesh = self.mesh.run(input);
        let scale = square.side / FaceMesh::SIDE_PX as f32;
        let points: Arc<MeshPoints> = Arc::new(mesh.points.map(|[x, y, z]| {
            let side = FaceMesh::SIDE_PX as f32;
            let [x, y] = square.frame_from_unit([x / side, y / side]);
            [x, y, z * scale]
        }));
        let shape = FaceShape::new(&points, mesh.presence)?;
        Some(Fit { shape, points })
    }
}

/// The mesh's input square for finding this face again.
fn mesh_square(shape: &FaceShape) -> OrientedBox {
    shape
        .upright
        .adjusted(0.0, 0.0, FACE_ELONGATION * MESH_SPAN)
}

fn is_settled(from: &OrientedBox, to: &OrientedBox) -> bool {
    let shift = (to.x - from.x).hypot(to.y - from.y) / from.side;
    let growth = (to.side / from.side).ln().abs();
    shift < SETTLED_SHIFT && growth < SETTLED_SHIFT && turn_between(from, to) < SETTLED_TURN_DEG
}

/// Whether one face can become the other between two frames.
fn is_plausible(before: &OrientedBox, after: &OrientedBox) -> bool {
    let shift = (after.x - before.x).hypot(after.y - before.y) / before.side;
    let growth = (after.side / before.side).ln().abs();
    shift < 0.7 && growth < 0.5 && turn_between(before, after) < 60.0
}

/// The angle between two squares' own axes, 0 to 180°.
fn turn_between(a: &OrientedBox, b: &OrientedBox) -> f32 {
    let turn = (a.roll_deg - b.roll_deg).rem_euclid(360.0);
    turn.min(360.0 - turn)
}

/// The box of a face with a mesh: where rustface would put it, so that boxes of both detectors mean the same.
pub fn box_of_shape(shape: &FaceShape) -> BoundingBox {
    shape
        .upright
        .adjusted(0.0, BOX_SHIFT, BOX_SCALE)
        .to_bounding_box()
}

/// The box of a face that only the short-range detector finds.
pub fn box_of_proposal(proposal: &Proposal) -> BoundingBox {
    proposal
        .square
        .adjusted(0.0, PROPOSAL_SHIFT, PROPOSAL_SCALE)
        .to_bounding_box()
}

/// From a mesh's square to rustface's box, along the face: medians over the PublicTest images in which both find the face
/// (`fervis-train calibrate` prints them).
const BOX_SHIFT: f32 = -0.059;
const BOX_SCALE: f32 = 1.067;

/// The same from the short-range detector's box to rustface's.
const PROPOSAL_SHIFT: f32 = -0.05;
const PROPOSAL_SCALE: f32 = 1.2;
