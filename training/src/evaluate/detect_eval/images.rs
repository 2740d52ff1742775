//! FER-2013's images in a larger frame, upright and rolled.

use anyhow::Result;
use serde::Serialize;

use super::reader::{ExpressionReader, Tally};
use crate::{
    data::{dataset::Dataset, ferplus::FerPlus},
    evaluate::framing::frame_around,
};

/// Upper bounds of the classes of yaw and pitch, degrees.
const TURN_BOUNDS_DEG: [f32; 6] = [10.0, 20.0, 30.0, 40.0, 50.0, 90.0];

/// The figures for one angle of roll.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RollRow {
    /// Clockwise, degrees; every second image is rolled the other way.
    pub roll_deg: f32,
    /// By label.
    pub labels: Tally,
    /// By FER+'s majority, on the images that have one.
    pub ferplus: Option<Tally>,
    /// Agreement with FER+ by yaw of the head, for faces with a mesh.
    pub by_yaw: Vec<TurnRow>,
    /// The same by pitch.
    pub by_pitch: Vec<TurnRow>,
}

/// Faces turned by up to an angle, and by more than that of the previous row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TurnRow {
    /// The largest angle in either direction, degrees.
    pub up_to_deg: f32,
    /// Faces with a majority in FER+.
    pub n: usize,
    /// Of these, read like the majority.
    pub n_right: usize,
}

/// Measures the images at `indices`, rolled by each of the angles.
///
/// # Errors
/// If the network fails.
pub fn measure_rolls(
    reader: &mut ExpressionReader<'_>,
    dataset: &Dataset,
    indices: &[usize],
    votes: Option<&FerPlus>,
    rolls_deg: &[f32],
) -> Result<Vec<RollRow>> {
    let mut rows = Vec::new();
    for &roll_deg in rolls_deg {
        let mut row = RollRow {
            roll_deg,
            labels: Tally::default(),
            ferplus: votes.map(|_| Tally::default()),
            by_yaw: empty_rows(),
            by_pitch: empty_rows(),
        };
        for (position, &index) in indices.iter().enumerate() {
            let roll_deg = if position % 2 == 0 {
                roll_deg
            } else {
                -roll_deg
            };
            let frame = frame_around(dataset.image(index), roll_deg);
            let read = reader.read(&frame)?;
            let label = dataset.labels_of(&[index])[0];
            row.labels.add(
                read.is_some(),
                read.is_some_and(|(_, seen)| seen.index() as u32 == label),
            );
            let Some(majority) = votes.and_then(|votes| votes.of(index).majority()) else {
                continue;
            };
            let is_right = read.is_some_and(|(_, seen)| seen == majority);
            if let Some(tally) = &mut row.ferplus {
                tally.add(read.is_some(), is_right);
            }
            if let Some(pose) = read.and_then(|(face, _)| Some(face.shape?.pose)) {
                count(&mut row.by_yaw, pose.yaw_deg, is_right);
                count(&mut row.by_pitch, pose.pitch_deg, is_right);
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn empty_rows() -> Vec<TurnRow> {
    let empty = |up_to_deg| TurnRow {
        up_to_deg,
        n: 0,
        n_right: 0,
    };
    TURN_BOUNDS_DEG.map(empty).to_vec()
}

fn count(rows: &mut [TurnRow], angle_deg: f32, is_right: bool) {
    let row = rows.iter_mut().find(|row| angle_deg.abs() <= row.up_to_deg);
    if let Some(row) = row {
        row.n += 1;
        row.n_right += usize::from(is_right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_sorted_into_classes() {
        let mut rows = empty_rows();
        for (angle, is_right) in [
            (0.0, true),
            (-10.0, true),
            (10.1, false),
            (-65.0, true),
            (95.0, true),
        ] {
            count(&mut rows, angle, is_right);
        }
        let counts: Vec<_> = rows.iter().map(|row| (row.n, row.n_right)).collect();
        assert_eq!(counts, [(2, 2), (1, 0), (0, 0), (0, 0), (0, 0), (1, 1)]);
    }
}
