//! One detection per face: drops the weaker of two boxes of the same face.
//!
//! The same face is often found twice in a frame, by the scan and by the search around a known face, or by the searches
//! around two neighbors. rustface removes overlaps within one call only.

use super::Detection;
use crate::bounding_box::BoundingBox;

/// Boxes that share this much of their union are the same face. Two people cheek to cheek stay below 0.2.
const SAME_FACE_IOU: f32 = 0.35;

/// A box with this part of its area inside another is part of that face (or the other way round), whatever their union.
const SAME_FACE_COVER: f32 = 0.65;

/// Whether two boxes are of the same face.
pub fn are_same_face(a: &BoundingBox, b: &BoundingBox) -> bool {
    let smaller = a.area().min(b.area());
    a.iou(b) > SAME_FACE_IOU || (smaller > 0.0 && a.intersection(b) > SAME_FACE_COVER * smaller)
}

/// Sorts by descending score and keeps the best of the boxes of each face.
///
/// Ties are broken by position, so that the result does not depend on the input order.
pub fn suppress(detections: &mut Vec<Detection>) {
    detections.sort_by(|a, b| {
        let (box_a, box_b) = (&a.box_in_frame, &b.box_in_frame);
        b.score
            .total_cmp(&a.score)
            .then(box_a.x.total_cmp(&box_b.x))
            .then(box_a.y.total_cmp(&box_b.y))
            .then(box_a.width.total_cmp(&box_b.width))
            .then(box_a.height.total_cmp(&box_b.height))
    });
    let mut n_kept = 0;
    for idx in 0..detections.len() {
        let candidate = detections[idx];
        let is_new = detections[..n_kept]
            .iter()
            .all(|kept| !are_same_face(&kept.box_in_frame, &candidate.box_in_frame));
        if is_new {
            detections[n_kept] = candidate;
            n_kept += 1;
        }
    }
    detections.truncate(n_kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Standing;

    fn detection(x: f32, side: f32, score: f32) -> Detection {
        Detection {
            box_in_frame: BoundingBox::new(x, x, side, side),
            score,
            standing: Standing::Sure,
            shape: None,
        }
    }

    #[test]
    fn the_best_of_each_face_is_kept() {
        let mut detections = vec![
            detection(100.0, 50.0, 8.0),
            detection(103.0, 52.0, 12.0), // The same face, better.
            detection(110.0, 20.0, 30.0), // An eye region inside the first two beats both.
            detection(300.0, 50.0, 5.0),  // Somebody else.
        ];
        suppress(&mut detections);
        assert_eq!(
            detections,
            [detection(110.0, 20.0, 30.0), detection(300.0, 50.0, 5.0)]
        );
    }

    #[test]
    fn neighbors_both_stay() {
        let mut detections = vec![detection(100.0, 50.0, 8.0), detection(130.0, 50.0, 9.0)];
        suppress(&mut detections);
        assert_eq!(detections.len(), 2);
    }
}
