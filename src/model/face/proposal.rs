//! Proposals of the detection network: decoding them, and merging those that mean the same face.

/// Key points of a proposal.
pub const N_KEY_POINTS: usize = 6;

/// A possible face. Coordinates are fractions of the input's side, and may be slightly outside 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Probability of a face, 0 to 1.
    pub score: f32,
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
    /// Right eye, left eye, tip of the nose, center of the mouth, right ear and left ear, as the subject has them.
    pub key_points: [[f32; 2]; N_KEY_POINTS],
}

impl Proposal {
    /// Numbers of a proposal besides its score.
    pub(super) const N_NUMBERS: usize = 4 + 2 * N_KEY_POINTS;

    /// Decodes center, size and key points. They are in pixels of an input of `side_px`, relative to `anchor`, which is in
    /// fractions of it.
    pub(super) fn decode(
        score: f32,
        numbers: &[f32; Self::N_NUMBERS],
        anchor: [f32; 2],
        side_px: usize,
    ) -> Self {
        let fraction = |number: usize| numbers[number] / side_px as f32;
        let point = |number| {
            [
                fraction(number) + anchor[0],
                fraction(number + 1) + anchor[1],
            ]
        };
        let [x, y] = point(0);
        let (half_width, half_height) = (fraction(2) / 2.0, fraction(3) / 2.0);
        Self {
            score,
            x0: x - half_width,
            y0: y - half_height,
            x1: x + half_width,
            y1: y + half_height,
            key_points: std::array::from_fn(|index| point(4 + 2 * index)),
        }
    }

    /// Intersection over union of the boxes: 0 to 1, and 0 for boxes without area.
    pub fn overlap(&self, other: &Self) -> f32 {
        let area = |x0: f32, y0: f32, x1: f32, y1: f32| (x1 - x0).max(0.0) * (y1 - y0).max(0.0);
        let of = |proposal: &Self| area(proposal.x0, proposal.y0, proposal.x1, proposal.y1);
        let both = area(
            self.x0.max(other.x0),
            self.y0.max(other.y0),
            self.x1.min(other.x1),
            self.y1.min(other.y1),
        );
        let either = of(self) + of(other) - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// All coordinates.
    fn coordinates(&mut self) -> impl Iterator<Item = &mut f32> {
        let edges = [&mut self.x0, &mut self.y0, &mut self.x1, &mut self.y1];
        edges.into_iter().chain(self.key_points.as_flattened_mut())
    }
}

/// Reduces proposals to one for each face, best first: those that overlap the best by more than `max_overlap` are averaged
/// with it, weighted by their scores.
///
/// This is MediaPipe's weighted suppression (`non_max_suppression_calculator.cc`); averages move less from frame to frame
/// than the best proposal does.
pub fn suppress(mut proposals: Vec<Proposal>, max_overlap: f32) -> Vec<Proposal> {
    proposals.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = Vec::new();
    while let Some(&best) = proposals.first() {
        let mut mean = best;
        mean.coordinates().for_each(|value| *value *= best.score);
        let mut total = best.score;
        let mut is_best = true;
        proposals.retain(|other| {
            if std::mem::take(&mut is_best) {
                return false;
            }
            let is_same = best.overlap(other) > max_overlap;
            if is_same {
                let (mut other, score) = (*other, other.score);
                total += score;
                for (sum, value) in mean.coordinates().zip(other.coordinates()) {
                    *sum += *value * score;
                }
            }
            !is_same
        });
        if total > 0.0 {
            mean.coordinates().for_each(|value| *value /= total);
        } else {
            mean = best;
        }
        kept.push(mean);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(score: f32, [x0, y0, x1, y1]: [f32; 4]) -> Proposal {
        Proposal {
            score,
            x0,
            y0,
            x1,
            y1,
            key_points: [[x0, y1]; N_KEY_POINTS],
        }
    }

    #[test]
    fn numbers_are_pixels_from_the_anchor() {
        let numbers = std::array::from_fn(|index| {
            [12.8, -25.6, 32.0, 64.0]
                .get(index)
                .copied()
                .unwrap_or(index as f32)
        });
        let decoded = Proposal::decode(0.75, &numbers, [0.5, 0.25], 128);
        // Center (0.6, 0.05), size (0.25, 0.5).
        for (actual, expected) in [
            (decoded.score, 0.75),
            (decoded.x0, 0.475),
            (decoded.y0, -0.2),
            (decoded.x1, 0.725),
            (decoded.y1, 0.3),
            (decoded.key_points[0][0], 0.5 + 4.0 / 128.0),
            (decoded.key_points[5][1], 0.25 + 15.0 / 128.0),
        ] {
            assert!(
                (actual - expected).abs() < 1e-6,
                "{actual} against {expected}"
            );
        }
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        let a = proposal(1.0, [0.0, 0.0, 2.0, 2.0]);
        for (other, expected) in [
            ([0.0, 0.0, 2.0, 2.0], 1.0),
            ([1.0, 0.0, 3.0, 2.0], 1.0 / 3.0),
            ([1.0, 1.0, 3.0, 3.0], 1.0 / 7.0),
            ([2.0, 0.0, 4.0, 2.0], 0.0),
            ([5.0, 5.0, 4.0, 4.0], 0.0), // Inside out
        ] {
            let overlap = a.overlap(&proposal(1.0, other));
            assert!((overlap - expected).abs() < 1e-6, "{other:?}: {overlap}");
        }
    }

    #[test]
    fn what_overlaps_the_best_is_averaged_with_it_by_score() {
        let kept = suppress(
            vec![
                proposal(0.3, [0.1, 0.0, 1.1, 1.0]),
                proposal(0.9, [0.0, 0.0, 1.0, 1.0]),
                proposal(0.8, [4.0, 4.0, 5.0, 5.0]),
                proposal(0.6, [0.0, 0.5, 1.0, 1.5]), // A third of both: above the threshold.
            ],
            0.3,
        );
        assert_eq!(kept.len(), 2);
        // (0.9 · 0 + 0.3 · 0.1) / 1.8 and (0.9 · 1 + 0.3 · 1 + 0.6 · 1.5) / 1.8
        assert!((kept[0].x0 - 0.03 / 1.8).abs() < 1e-6, "{kept:?}");
        assert!((kept[0].y1 - 2.1 / 1.8).abs() < 1e-6, "{kept:?}");
        assert!(
            (kept[0].key_points[3][1] - 2.1 / 1.8).abs() < 1e-6,
            "{kept:?}"
        );
        assert_eq!((kept[0].score, kept[1].score), (0.9, 0.8));
    }

    #[test]
    fn suppression_ends_even_with_nan_and_infinity() {
        let odd = [f32::NAN, f32::INFINITY, 0.0, -1.0];
        let proposals: Vec<_> = odd
            .iter()
            .flat_map(|&score| odd.map(|edge| proposal(score, [edge, 0.0, 1.0, edge])))
            .collect();
        assert!(!suppress(proposals, 0.3).is_empty());
        assert!(suppress(Vec::new(), 0.3).is_empty());
    }
}
