//! Labels that hold: the most probable label over time, without the flicker between two that are about as probable.
//!
//! A label takes the place of another once it is 5 points more probable, or once it has been the most probable one for
//! 300 ms. So neither noise between two close labels counts as a change, nor is a slow change missed. After a gap, or with
//! another network, the most probable label holds at once. Probabilities are not touched.

use super::timeline::{FaceSpan, FaceTrack};
use crate::{expression::Label, time::Ticks};

/// A lead of this much counts at once.
const LEAD: f32 = 0.05;
/// A smaller lead counts after this time.
const PATIENCE: Ticks = Ticks::from_millis(300);

/// The label that holds during each span of a face, in their order.
pub fn held_labels(track: &FaceTrack<'_>) -> Vec<Label> {
    let mut held: Option<Label> = None;
    // The most probable label, if it is not the one that holds, and since when.
    let mut rival: Option<(Label, Ticks)> = None;
    let label = |span: &FaceSpan<'_>| {
        let values = &span.row.face.smoothed;
        let (top, probability) = values.top();
        let before = held.filter(|_| span.continues);
        let Some(before) = before else {
            rival = None;
            held = Some(top);
            return top;
        };
        if top == before {
            rival = None;
            return before;
        }
        let now = span.row.time;
        let since = rival
            .filter(|(label, _)| *label == top)
            .map_or(now, |(_, since)| since);
        rival = Some((top, since));
        let leads = probability - values.of(before) >= LEAD;
        if leads || now.saturating_sub(since) >= PATIENCE {
            rival = None;
            held = Some(top);
            return top;
        }
        before
    };
    track.spans.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        expression::Expression::{Happy, Sad},
        session::{Session, fixtures},
    };

    /// A face with these probabilities of happy and sad, a frame every 100 ms.
    fn session(values: &[(f32, f32)]) -> Session {
        let two = fixtures::two_people();
        let (frame, face) = (two.frames[0].clone(), two.faces[0].clone());
        let mut session = fixtures::empty();
        for (at, (happy, sad)) in values.iter().enumerate() {
            let time = Ticks::from_millis(100 * at as u64);
            let mut row = face.clone();
            (row.frame, row.time) = (at as u64, time);
            row.face.smoothed.0 = [0.0; 7].into();
            row.face.smoothed.0[Happy.index()] = *happy;
            row.face.smoothed.0[Sad.index()] = *sad;
            session.faces.push(row);
            let mut row = frame.clone();
            (row.frame, row.time) = (at as u64, time);
            session.frames.push(row);
        }
        session
    }

    fn held(values: &[(f32, f32)]) -> String {
        let session = session(values);
        let tracks = session.face_tracks();
        let letter = |label: Label| match label == Happy {
            true => 'h',
            false => 's',
        };
        held_labels(&tracks[0]).into_iter().map(letter).collect()
    }

    #[test]
    fn a_clear_lead_counts_at_once_and_a_small_one_later() {
        assert_eq!(held(&[(0.6, 0.4), (0.4, 0.6), (0.6, 0.4)]), "hsh");
        let flicker = [(0.51, 0.49), (0.49, 0.51), (0.51, 0.49), (0.49, 0.51)];
        assert_eq!(held(&flicker), "hhhh");
        let slow = [(0.51, 0.49); 5].map(|(a, b)| (b, a));
        let slow = [&[(0.51, 0.49)], &slow[..]].concat();
        assert_eq!(held(&slow), "hhhhss", "300 ms after the lead began");
    }

    #[test]
    fn a_gap_forgets() {
        let later = [(0.49, 0.51); 4];
        let mut session = session(&[&[(0.51, 0.49)], &later[..]].concat());
        for row in &mut session.frames[1..] {
            row.time += Ticks::from_millis(5000);
        }
        for row in &mut session.faces[1..] {
            row.time += Ticks::from_millis(5000);
        }
        let tracks = session.face_tracks();
        let held = held_labels(&tracks[0]);
        assert_eq!(held[1], Sad);
    }
}
