//! Probabilities over time, reduced to one value per column of pixels, for the window's timeline and for plots.
//!
//! An hour has 108,000 results per face, and a window a thousand columns. Each column holds the mean over its time,
//! weighted by how long each result holds. So the values still sum to one, and a short flash shows as a small step
//! instead of vanishing between two samples.

use std::ops::Range;

use crate::expression::{PerLabel, Probabilities};

/// The mean over one column.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Column {
    /// Means; all zero where there was no face.
    pub mean: PerLabel<f32>,
    /// Share of the column's time with values, 0 to 1.
    pub share: f32,
    /// Share of this time in which a label was shown: the face was neither uncertain nor turned away, 0 to 1.
    pub named: f32,
}

impl Column {
    /// Whether a label was shown for most of its time with values.
    pub fn is_named(&self) -> bool {
        self.named >= 0.5
    }
}

/// Probabilities, and for how long they hold.
#[derive(Debug, Clone)]
pub struct Held<'a> {
    /// From when to when, s.
    pub time: Range<f64>,
    /// The values.
    pub values: &'a Probabilities,
    /// Whether their label was shown.
    pub is_named: bool,
}

/// Means of `values` over each of `n_columns` equal parts of the time `range`, s. They are in order, and do not overlap.
pub fn columns<'a>(
    values: impl Iterator<Item = Held<'a>>,
    range: Range<f64>,
    n_columns: usize,
) -> Vec<Column> {
    let mut columns = vec![Column::default(); n_columns];
    let per_second = n_columns as f64 / (range.end - range.start);
    if !per_second.is_finite() || per_second <= 0.0 {
        return columns;
    }
    for Held {
        time,
        values: probabilities,
        is_named,
    } in values
    {
        let start = ((time.start - range.start) * per_second).max(0.0);
        let end = ((time.end - range.start) * per_second).min(n_columns as f64);
        let mut from = start;
        while from < end {
            let at = from as usize;
            let to = end.min((at + 1) as f64);
            let share = (to - from) as f32;
            if let Some(column) = columns.get_mut(at) {
                if column.share == 0.0 {
                    column.mean = PerLabel::new(probabilities.labels());
                }
                column.share += share;
                column.named += share * f32::from(u8::from(is_named));
                for (mean, value) in column.mean.iter_mut().zip(probabilities.0.iter()) {
                    *mean += share * value;
                }
            }
            from = (at + 1) as f64;
        }
    }
    for column in &mut columns {
        if column.share > 0.0 {
            for mean in column.mean.iter_mut() {
                *mean /= column.share;
            }
            column.named /= column.share;
        }
        column.share = column.share.min(1.0);
    }
    columns
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::expression::N_EXPRESSIONS;

    fn sure(class: usize) -> Probabilities {
        let mut values = Probabilities::default();
        values.0[class] = 1.0;
        values
    }

    fn held(time: Range<f64>, values: &Probabilities) -> Held<'_> {
        Held {
            time,
            values,
            is_named: true,
        }
    }

    #[test]
    fn a_column_says_for_how_much_of_its_time_a_label_was_shown() {
        let a = sure(0);
        let not_named = |time| Held {
            is_named: false,
            ..held(time, &a)
        };
        let values = [
            held(0.0..1.25, &a),
            not_named(1.25..2.0),
            not_named(2.0..2.5),
        ];
        let columns = columns(values.into_iter(), 0.0..4.0, 4);
        let named: Vec<f32> = columns.iter().map(|column| column.named).collect();
        assert_eq!(named, [1.0, 0.25, 0.0, 0.0]);
        assert!(columns[0].is_named() && !columns[1].is_named() && !columns[2].is_named());
    }

    #[test]
    fn a_column_is_the_mean_over_its_time() {
        let (a, b) = (sure(0), sure(3));
        let values = [held(0.0..1.5, &a), held(1.5..2.0, &b), held(3.0..3.25, &b)];
        let columns = columns(values.into_iter(), 0.0..4.0, 4);
        let means: Vec<(f32, f32)> = columns.iter().map(|c| (c.mean[0], c.mean[3])).collect();
        assert_eq!(means, [(1.0, 0.0), (0.5, 0.5), (0.0, 0.0), (0.0, 1.0)]);
        let shares: Vec<f32> = columns.iter().map(|column| column.share).collect();
        assert_eq!(shares, [1.0, 1.0, 0.0, 0.25]);
    }

    #[test]
    fn values_outside_the_range_are_left_out() {
        let a = sure(0);
        let values = [held(0.0..10.0, &a), held(20.0..30.0, &a)];
        let columns = columns(values.into_iter(), 5.0..15.0, 2);
        assert_eq!(columns[0].share, 1.0);
        assert_eq!(columns[1].share, 0.0);
    }

    #[test]
    fn an_empty_range_has_empty_columns() {
        let a = sure(0);
        assert!(columns([held(0.0..1.0, &a)].into_iter(), 0.0..1.0, 0).is_empty());
        let columns = columns([held(0.0..1.0, &a)].into_iter(), 1.0..1.0, 3);
        assert_eq!(columns, [Column::default(); 3]);
    }

    proptest! {
        #[test]
        fn means_sum_to_one(
            lengths in prop::collection::vec((0.001..3.0, 0.0..1.0, 0usize..N_EXPRESSIONS), 1..60),
            start in 0.0..20.0, length in 0.01..100.0, n_columns in 1usize..50,
        ) {
            let values: Vec<Probabilities> = lengths.iter().map(|(_, _, class)| sure(*class)).collect();
            let mut time = 0.0;
            let mut spans = Vec::new();
            for ((length, gap, _), value) in lengths.iter().zip(&values) {
                spans.push(held(time..time + length, value));
                time += length + gap;
            }
            for column in columns(spans.into_iter(), start..start + length, n_columns) {
                let sum: f32 = column.mean.iter().sum();
                prop_assert!(column.share == 0.0 || (sum - 1.0).abs() < 1e-3, "{column:?}");
                prop_assert!((0.0..=1.0).contains(&column.share));
            }
        }
    }
}
