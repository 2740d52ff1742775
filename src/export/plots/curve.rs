//! Curves with no more points than are visible.
//!
//! A plot is a thousand pixels wide, and [`columns`] has one value for each of them. A gap in the data is a gap in the
//! curve.

use crate::{
    expression::PerLabel,
    session::{
        columns::{Held, columns},
        timeline::{FaceSpan, FaceTrack},
    },
};

/// A point of all curves: the time, s, and the probabilities.
pub(super) type Point = (f64, PerLabel<f32>);

/// The smoothed probabilities of a face as curves without gaps, each with at least two points.
///
/// `columns_per_s` is the width of a second in columns of pixels.
pub(super) fn curves(track: &FaceTrack<'_>, columns_per_s: f64) -> Vec<Vec<Point>> {
    let without_gaps = track.spans.chunk_by(|_, next| next.continues);
    without_gaps
        .map(|spans| curve(spans, columns_per_s))
        .collect()
}

/// The curve of spans that follow each other: it starts and ends where they do.
fn curve(spans: &[FaceSpan<'_>], columns_per_s: f64) -> Vec<Point> {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return Vec::new();
    };
    let (start_s, end_s) = (first.row.time.as_secs_f64(), last.end.as_secs_f64());
    // Columns, counted from the left edge of the plot.
    let from = (start_s * columns_per_s).floor();
    let to = (end_s * columns_per_s).ceil();
    let values = spans.iter().map(|span| Held {
        time: span.row.time.as_secs_f64()..span.end.as_secs_f64(),
        values: &span.row.face.smoothed,
        is_named: span.shown.is_named(),
    });
    let columns = columns(
        values,
        from / columns_per_s..to / columns_per_s,
        (to - from) as usize,
    );
    let mut curve = vec![(start_s, first.row.face.smoothed.0)];
    for (idx, column) in columns.iter().enumerate() {
        let left_s = (from + idx as f64) / columns_per_s;
        let right_s = left_s + 1.0 / columns_per_s;
        if column.share > 0.0 {
            let middle_s = (left_s.max(start_s) + right_s.min(end_s)) / 2.0;
            curve.push((middle_s, column.mean));
        }
    }
    let (_, values) = curve[curve.len() - 1];
    curve.push((end_s, values));
    curve
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
        assert!((f64::from(values[3]) - (0.5 * 0.4 + 0.3 * 0.1) / 0.8).abs() < 1e-6);
        assert!(time > 0.0 && time < 0.8);
    }
}
