//! Where a face may be: what the detection network says, decoded, and one of many that mean the same face.

/// Key points of a proposal.
pub const N_KEY_POINTS: usize = 6;

/// A face that may be there. Coordinates are fractions of the input's side, and may lie a little outside 0 to 1.
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
    /// Right eye, left eye, tip of the nose, middle of the mouth, right ear and left ear, from the subject's view.
    pub key_points: [[f32; 2]; N_KEY_POINTS],
}

impl Proposal {
    /// Numbers of a proposal beside its score.
    pub(super) const N_NUMBERS: usize = 4 + 2 * N_KEY_POINTS;

    /// Decodes center, size and key points, which are in pixels of an input of `side_px` and count from `anchor`, a
    /// fraction of it.
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

    /// Area of what both cover, as a share of what either covers: 0 to 1, and 0 for boxes without an area.
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

    /// All coordinates, to be averaged.
    fn coordinates(&mut self) -> impl Iterator<Item = &mut f32> {
        let edges = [&mut self.x0, &mut self.y0, &mut self.x1, &mut self.y1];
        edges.into_iter().chain(self.key_points.as_flattened_mut())
    }
}

/// One proposal for each face, the best first: those that overlap the best by more than `max_overlap` are averaged
/// with it, by their scores.
///
/// MediaPipe's weighted suppression (`non_max_suppression_calculator.cc`); averages move less from frame to frame than
/// the best alone does.
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
