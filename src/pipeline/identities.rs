//! Who is who, also across seeks.
//!
//! A seek ends all faces of the finder. But the same time of the same file shows the same faces, so after a seek to a
//! time that was analyzed before, those of then are known by their places. Elsewhere nobody is: the film may have been cut
//! in between, and a face at the same place is as likely somebody else's.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    bounding_box::BoundingBox,
    detect::{TrackId, TrackedFace, tracker::affinity},
};

/// A file is remembered in moments of this length.
const MOMENT: Duration = Duration::from_millis(250);
/// Maximum number of moments: seven hours, some 10 MB.
const MAX_MOMENTS: usize = 100_000;
/// Minimum affinity of a face with a remembered one. The detector finds a face again within a tenth of its side; in a
/// quarter of a second people move by less than half of it.
const MIN_AFFINITY: f32 = 0.4;

/// The identities of the faces of one source after another.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// Of the finder's faces.
    known: HashMap<TrackId, TrackId>,
    /// Number of identities so far.
    n_begun: u64,
    /// Number of seeks in the source.
    pass: u64,
    /// What was seen of the source, by time.
    moments: BTreeMap<u64, Moment>,
}

/// The faces that were found in a moment of a file.
#[derive(Debug)]
struct Moment {
    pass: u64,
    faces: Vec<(TrackId, BoundingBox)>,
}

impl Identities {
    /// Another source is open: nobody is known, and no identity is used again.
    pub fn begin_source(&mut self) {
        *self = Self {
            n_begun: self.n_begun,
            ..Self::default()
        };
    }

    /// The source continues from another time.
    pub fn begin_pass(&mut self) {
        self.forget_finder();
        self.pass += 1;
    }

    /// The finder is a new one, whose faces are not those of the last one.
    pub fn forget_finder(&mut self) {
        self.known.clear();
    }

    /// Replaces the finder's tracks by identities, from 1. `time` is that of the frame; what was found there is
    /// remembered if `may_return` says that the source can seek.
    pub fn identify(&mut self, time: Duration, faces: &mut [TrackedFace], may_return: bool) {
        let moment = (time.as_nanos() / MOMENT.as_nanos()) as u64;
        if self.pass > 0 {
            self.recognize(moment, faces);
        }
        for face in faces.iter_mut() {
            let identity = self.known.entry(face.track).or_insert_with(|| {
                self.n_begun += 1;
                TrackId(self.n_begun)
            });
            face.track = *identity;
        }
        if may_return {
            self.remember(moment, faces);
        }
    }

    /// The identity of one of the finder's tracks.
    pub fn of(&self, track: TrackId) -> Option<TrackId> {
        self.known.get(&track).copied()
    }

    /// Gives new faces the identities that they had at this time before the last seek. Best pair first, as the tracker
    /// does it; the moment itself counts before its neighbors.
    fn recognize(&mut self, moment: u64, faces: &[TrackedFace]) {
        let mut candidates = Vec::new();
        for (rank, at) in [Some(moment), moment.checked_sub(1), moment.checked_add(1)]
            .into_iter()
            .enumerate()
        {
            let remembered = at.and_then(|at| self.moments.get(&at));
            let Some(remembered) = remembered.filter(|moment| moment.pass != self.pass) else {
                continue;
            };
            for face in faces
                .iter()
                .filter(|face| !self.known.contains_key(&face.track))
            {
                for (identity, place) in &remembered.faces {
                    let affinity = affinity(place, &face.box_in_frame);
                    if affinity >= MIN_AFFINITY {
                        candidates.push((rank, affinity, face.track, *identity));
                    }
                }
            }
        }
        candidates.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let present = faces.iter().filter_map(|face| self.of(face.track));
        let mut taken: Vec<TrackId> = present.collect();
        for (_, _, track, identity) in candidates {
            if !self.known.contains_key(&track) && !taken.contains(&identity) {
                self.known.insert(track, identity);
                taken.push(identity);
            }
        }
    }

    fn remember(&mut self, moment: u64, faces: &[TrackedFace]) {
        let found = faces.iter().filter(|face| face.unseen_for.is_zero());
        let mut found: Vec<_> = found.map(|face| (face.track, face.box_in_frame)).collect();
        if found.is_empty() {
            return;
        }
        let is_full = self.moments.len() >= MAX_MOMENTS;
        match self.moments.get_mut(&moment) {
            Some(same) if same.pass == self.pass => {
                found.retain(|(new, _)| same.faces.iter().all(|(old, _)| old != new));
                same.faces.append(&mut found);
            }
            None if is_full => {}
            _ => {
                let seen = Moment {
                    pass: self.pass,
                    faces: found,
                };
                self.moments.insert(moment, seen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face of the finder at `x`.
    fn face(track: u64, x: f32) -> TrackedFace {
        TrackedFace {
            track: TrackId(track),
            box_in_frame: BoundingBox::new(x, 50.0, 100.0, 100.0),
            score: 1.0,
            unseen_for: Duration::ZERO,
            shape: None,
        }
    }

    /// The identities of the finder's `faces` at `ms`.
    fn at(identities: &mut Identities, ms: u64, faces: &[TrackedFace]) -> Vec<u64> {
        let mut faces = faces.to_vec();
        identities.identify(Duration::from_millis(ms), &mut faces, true);
        faces.iter().map(|face| face.track.0).collect()
    }

    #[test]
    fn numbers_have_no_gaps_and_are_never_used_again() {
        let mut all = Identities::default();
        // The finder's track 1 was a false alarm that was never shown.
        assert_eq!(at(&mut all, 0, &[face(0, 0.0), face(2, 300.0)]), [1, 2]);
        assert_eq!(at(&mut all, 40, &[face(2, 300.0)]), [2]);
        all.forget_finder();
        assert_eq!(at(&mut all, 80, &[face(0, 300.0)]), [3]);
        all.begin_source();
        assert_eq!(at(&mut all, 0, &[face(1, 300.0)]), [4]);
    }

    #[test]
    fn the_faces_of_a_time_return_with_it() {
        let mut all = Identities::default();
        assert_eq!(at(&mut all, 0, &[face(0, 0.0), face(1, 300.0)]), [1, 2]);
        assert_eq!(at(&mut all, 5000, &[face(2, 600.0)]), [3]);
        all.begin_pass();
        // The finder lists them in another order, and found them a little beside.
        assert_eq!(at(&mut all, 0, &[face(3, 310.0), face(4, 8.0)]), [2, 1]);
        // They keep their identities while the finder follows them, whatever was there before.
        assert_eq!(at(&mut all, 5000, &[face(3, 600.0)]), [2]);
        // Somebody who comes in later returns as well, and only once.
        let both = [face(3, 0.0), face(5, 600.0), face(6, 610.0)];
        assert_eq!(at(&mut all, 5100, &both)[0], 2);
        all.begin_pass();
        assert_eq!(at(&mut all, 120, &[face(7, 0.0)]), [1]);
    }

    #[test]
    fn where_nothing_was_analyzed_nobody_is_known() {
        let mut all = Identities::default();
        assert_eq!(at(&mut all, 0, &[face(0, 0.0)]), [1]);
        all.begin_pass();
        assert_eq!(at(&mut all, 60_000, &[face(1, 0.0)]), [2]);
        all.begin_pass();
        assert_eq!(at(&mut all, 0, &[face(2, 500.0)]), [3], "another place");
        all.begin_source();
        all.begin_pass();
        assert_eq!(at(&mut all, 0, &[face(0, 0.0)]), [4], "another source");
    }

    #[test]
    fn only_what_can_seek_is_remembered() {
        let mut all = Identities::default();
        let mut faces = [face(0, 0.0)];
        all.identify(Duration::ZERO, &mut faces, false);
        assert!(all.moments.is_empty());
        for moment in 0..MAX_MOMENTS as u64 + 10 {
            all.remember(moment, &faces);
        }
        assert_eq!(all.moments.len(), MAX_MOMENTS);
    }
}
