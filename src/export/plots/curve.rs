//! Curves with no more points than are visible.
//!
//! An hour has a hundred thousand values per expression, and a plot is a thousand pixels wide. Values in the same
//! column of pixels are replaced by their mean, weighted by time. A gap in the data is a gap in the curve.

use crate::{expression::N_EXPRESSIONS, session::timeline::FaceTrack};

/// A point of all curves: the time, s, and the probabilities.
pub(super) type Point = (f64, [f64; N_EXPRESSIONS]);

/// The smoothed probabilities of a face as curves without gaps, each with at least two points.
///
/// `columns_per_s` is the width of a second in columns of pixels.
pub(super) fn curves(track: &FaceTrack<'_>, columns_per_s: f64) -> Vec<Vec<Point>> {
    let mut curves: Vec<Vec<Point>> = Vec::new();
    let mut column = Column::default();
    let mut end_s = 0.0;
    for span in &track.spans {
        let start_s = span.row.time.as_secs_f64();
        let values = span.row.face.smoothed.0.map(f64::from);
        if !span.continues {
            finish(curves.last_mut(), &mut column, end_s);
            curves.push(vec![(start_s, values)]);
        }
        let index = (start_s * columns_per_s) as u64;
        if column.index != index {
            if let Some(curve) = curves.last_mut() {
                curve.extend(column.take());
            }
            column.index = index;
        }
        column.add(start_s, values, span.duration_s());
        end_s = span.end.as_secs_f64();
    }
    finish(curves.last_mut(), &mut column, end_s);
    curves
}

/// Extends a curve to the end of its last value.
fn finish(curve: Option<&mut Vec<Point>>, column: &mut Column, end_s: f64) {
    if let Some(curve) = curve {
        curve.extend(column.take());
        if let Some(&(_, values)) = curve.last() {
            curve.push((end_s, values));
        }
    }
}

/// Sums of the values in a column of pixels.
#[derive(Default)]
struct Column {
    index: u64,
    time: f64,
    values: [f64; N_EXPRESSIONS],
    weight: f64,
}

impl Column {
    fn add(&mut self, time: f64, values: [f64; N_EXPRESSIONS], weight: f64) {
        self.time += time * weight;
        for (sum, value) in self.values.iter_mut().zip(values) {
            *sum += value * weight;
        }
        self.weight += weight;
    }

    /// The mean; leaves an empty column.
    fn take(&mut self) -> Option<Point> {
        let full = std::mem::take(self);
        let mean = |sum: f64| sum / full.weight;
        (full.weight > 0.0).then(|| (mean(full.time), full.values.map(mean)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixtures::two_people;

    #[test]
    fn gaps_stay_gaps_and_ends_are_where_the_values_end() {
        let session = two_people();
        let tracks = session.face_tracks();
        let curves = curves(&tracks[0], 1000.0);
        let ends: Vec<(f64, f64)> = curves
            .iter()
            .map(|curve| (curve[0].0, curve[curve.len() - 1].0))
            .collect();
        assert_eq!(ends, [(0.0, 0.8), (0.9, 1.2), (5.0, 5.4)]);
    }

    #[test]
    fn values_of_a_pixel_become_their_mean_over_time() {
        let session = two_people();
        let tracks = session.face_tracks();
        // One column for the whole session: happy for 0.5 s, neutral for 0.3 s.
        let curves = curves(&tracks[0], 0.1);
        assert_eq!(curves[0].len(), 3, "{:?}", curves[0]);
        let (time, values) = curves[0][1];
        assert!((values[3] - (0.5 * 0.4 + 0.3 * 0.1) / 0.8).abs() < 1e-6);
        assert!(time > 0.0 && time < 0.8);
    }
}
