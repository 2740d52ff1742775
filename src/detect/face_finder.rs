//! Frame in, faces out: decides where to look in each frame, so that the cost follows the need.
//!
//! In every frame, each known face is looked for where it is expected. The whole frame is searched for newcomers in
//! slices, now and then. A single frame (the first, or a still picture) is searched everywhere at once.

use std::{sync::Arc, time::Duration};

use super::{
    DetectConfig, Detection, Detector, Standing, TrackedFace, TrackedMesh,
    chain::{FaceChain, Fit, Proposal, box_of_proposal, box_of_shape},
    duplicates::are_same_face,
    luma::Region,
    rustface::ScoredBox,
    rustface_search::{MAX_PROPOSALS, RustfaceSearch, SIZE_TOLERANCE, Scan},
    schedule::{Need, Schedule, Slice},
    tiles::tiles,
    tracker::{ExpectedFace, Tracker, affinity},
};
use crate::{bounding_box::BoundingBox, frame::Frame, oriented_box::OrientedBox};

/// With rustface alone, time between scans while every known face is found: how long a newcomer may go unnoticed beside
/// others.
const ROUTINE_SCAN_INTERVAL: Duration = Duration::from_millis(500);

/// The same while nobody is known or somebody is missing. Not every frame: an empty room would cost most of a core all the
/// time, and nobody notices a tenth of a second.
const SEARCHING_SCAN_INTERVAL: Duration = Duration::from_millis(100);

/// Side of the area of rustface's close search, in expected face sides, for a face found a moment ago.
const CLOSE_SPAN: f32 = 1.6;

/// Growth of that area per second since the face was last found: 1.8 sides at 30 frames per second, 2 at 15. Heads move by
/// about three sides per second, most of which the prediction covers.
const SPAN_GROWTH_PER_S: f32 = 6.0;

/// The area of a close search grows no further, and has this size around a scan's proposal.
const MAX_SPAN: f32 = 2.4;

/// What the short-range detector must score for the mesh to run.
const MIN_PROPOSAL_SCORE: f32 = 0.4;

/// What it must score where the mesh finds no face: for a face that the mesh has lost, or one that rustface finds too.
/// Faces behind masks score 0.7 and more; the ring of a space suit scored 0.57 in every frame.
const MIN_ALONE_SCORE: f32 = 0.65;

/// A new face with a mesh counts at once if the detector scores at least this; below, it must be found again in the next
/// frame.
const SURE_SCORE: f32 = 0.5;

/// What rustface must score for the mesh to run, as a part of the score threshold.
const MIN_CANDIDATE_FACTOR: f32 = 0.5;

/// Minimum presence of a new face that only one detector proposes. Nearly every face has more, and little else does.
const MIN_NEW_PRESENCE: f32 = 0.95;

/// The same where the detector scores at least [`CLEAR_SCORE`].
const MIN_CLEAR_PRESENCE: f32 = 0.7;
const CLEAR_SCORE: f32 = 0.8;

/// Side of the square in which the short-range detector looks around a face, in its sides.
const NEAR_SPAN: f32 = 2.2;

/// Squares for a single frame of a stream: its first, or the first after a seek.
const MAX_STREAM_SQUARES: usize = 32;

/// Squares for a still picture, about ten seconds' worth. Only a picture of 50 megapixels with a smallest face of 20 px
/// reaches it.
const MAX_STILL_SQUARES: usize = 8000;

/// A portrait may fill the picture and more: squares this much larger than the frame make it look smaller.
const OUTER_SPANS: [f32; 2] = [1.5, 2.2];

/// Detectors, mesh and tracker together: frame in, faces out.
///
/// Not `Send`: build it in the thread that uses it. The result depends on the frames and their times only, never on
/// how fast they are processed.
pub struct FaceFinder {
    config: DetectConfig,
    rustface: RustfaceSearch,
    chain: FaceChain,
    schedule: Schedule,
    tracker: Tracker,
    /// When rustface alone last scanned; `None` if the next frame is to be searched everywhere.
    last_scan: Option<Duration>,
    /// The smallest face that the last frame was searched for, if larger than the settings ask for.
    limit_px: Option<f32>,
    /// The meshes fitted in the last frame.
    fits: Vec<Fit>,
    meshes: Vec<TrackedMesh>,
}

impl FaceFinder {
    /// Loads the bundled networks.
    pub fn new(config: DetectConfig) -> Self {
        Self {
            config,
            rustface: RustfaceSearch::default(),
            chain: FaceChain::default(),
            schedule: Schedule::default(),
            tracker: Tracker::default(),
            last_scan: None,
            limit_px: None,
            fits: Vec::new(),
            meshes: Vec::new(),
        }
    }

    /// Changes the settings without losing the tracks. The next frame is searched everywhere, so that the change shows at once.
    pub fn set_config(&mut self, config: DetectConfig) {
        if config != self.config {
            self.config = config;
            self.last_scan = None;
        }
    }

    /// Forgets all tracks: call it when the source changes.
    pub fn reset(&mut self) {
        self.tracker.reset();
        self.last_scan = None;
    }

    /// The smallest face that the last still picture was searched for, px; `None` if that is what the settings ask for.
    pub fn limit_px(&self) -> Option<f32> {
        self.limit_px
    }

    /// Finds the faces of the next frame, ordered by track, oldest first.
    ///
    /// A frame more than [`LOST_GRACE`](super::LOST_GRACE) after the previous one, or earlier than it, counts as unrelated:
    /// it is searched everywhere, and its faces get new tracks.
    pub fn find(&mut self, frame: &Frame) -> Vec<TrackedFace> {
        self.limit_px = None;
        self.fits.clear();
        if self.tracker.advance(frame.time) {
            self.last_scan = None;
        }
        let expected: Vec<ExpectedFace> = self.tracker.expected().collect();
        let found = match self.config.detector {
            Detector::Both => self.find_by_chain(frame, &expected),
            Detector::Rustface => self.find_by_rustface(frame, &expected),
        };
        self.tracker.update(&found);
        let faces = self.tracker.faces();
        self.meshes.clear();
        self.meshes.extend(faces.iter().filter_map(|face| {
            // The shape identifies the fit: no two agree in all their numbers.
            let shape = face.shape.filter(|_| face.unseen_for.is_zero())?;
            let fit = self.fits.iter().find(|fit| fit.shape == shape)?;
            Some(TrackedMesh {
                track: face.track,
                points: Arc::clone(&fit.points),
            })
        }));
        faces
    }

    /// The meshes of the faces that [`Self::find`] last found, where they have one.
    pub fn meshes(&self) -> &[TrackedMesh] {
        &self.meshes
    }

    fn find_by_rustface(&mut self, frame: &Frame, expected: &[ExpectedFace]) -> Vec<Detection> {
        let config = self.config;
        let mut found = Vec::new();
        for face in expected {
            let span = CLOSE_SPAN + SPAN_GROWTH_PER_S * face.unseen_for.as_secs_f32();
            let span = span.min(MAX_SPAN);
            let target = &face.box_in_frame;
            found.extend(self.rustface.search_closely(frame, target, span, &config));
        }
        let interval = if !expected.is_empty() && found.len() == expected.len() {
            ROUTINE_SCAN_INTERVAL
        } else {
            SEARCHING_SCAN_INTERVAL
        };
        let scan = match self.last_scan {
            None => Scan::STILL,
            Some(last_scan) if frame.time.saturating_sub(last_scan) >= interval => Scan::LIVE,
            Some(_) => return found,
        };
        self.last_scan = Some(frame.time);
        for candidate in self.rustface.scan(frame, &config, scan) {
            let target = candidate.bounding_box;
            if !is_among(&found, &target) {
                found.extend(
                    self.rustface
                        .search_closely(frame, &target, MAX_SPAN, &config),
                );
            }
        }
        found
    }

    fn find_by_chain(&mut self, frame: &Frame, expected: &[ExpectedFace]) -> Vec<Detection> {
        let min_face_px = self.config.min_face_size_px;
        let mut found: Vec<Detection> = Vec::new();
        for face in expected {
            found.extend(self.follow(frame, face));
        }
        let need = if !expected.is_empty() && found.len() == expected.len() {
            Need::Routine
        } else {
            Need::Searching
        };
        let n_followed = found.len();
        let is_outdated = self.schedule.is_outdated(frame.resolution(), min_face_px);
        let (proposals, candidates) = if self.last_scan.is_none() || is_outdated {
            self.last_scan = Some(frame.time);
            self.schedule
                .restart(frame.time, frame.resolution(), min_face_px);
            self.search_everywhere(frame)
        } else {
            self.search_slices(frame, need)
        };
        self.add_newcomers(frame, proposals, candidates, &mut found);
        if found.len() != n_followed || n_followed != expected.len() {
            self.schedule.changed(frame.time);
        }
        found
    }

    /// Looks for a known face: with the mesh from where it is expected, or else with the detector near there.
    fn follow(&mut self, frame: &Frame, face: &ExpectedFace) -> Option<Detection> {
        if let Some(shape) = &face.shape
            && let Some(fit) = self.chain.follow(frame, shape)
        {
            return Some(self.detection_of(fit, Standing::Sure));
        }
        let roll_deg = face.shape.map_or(0.0, |shape| shape.upright.roll_deg);
        let side = face.box_in_frame.width.max(face.box_in_frame.height);
        let near = OrientedBox {
            roll_deg,
            ..OrientedBox::upright(face.box_in_frame.center(), NEAR_SPAN * side)
        };
        let proposals = self.chain.propose(frame, &near, MIN_PROPOSAL_SCORE);
        let best = proposals
            .iter()
            .map(|proposal| {
                (
                    affinity(&face.box_in_frame, &box_of_proposal(proposal)),
                    proposal,
                )
            })
            .filter(|(affinity, _)| *affinity > 0.0)
            .max_by(|a, b| a.0.total_cmp(&b.0))?
            .1;
        if let Some(fit) = self.chain.confirm(frame, &best.square) {
            return Some(self.detection_of(fit, Standing::Sure));
        }
        (best.score >= MIN_ALONE_SCORE).then(|| Detection {
            box_in_frame: box_of_proposal(best),
            score: best.score,
            standing: Standing::Continues,
            shape: None,
        })
    }

    /// Proposals of both detectors from everywhere in a single frame.
    fn search_everywhere(&mut self, frame: &Frame) -> (Vec<Proposal>, Vec<ScoredBox>) {
        let asked = self.config.min_face_size_px as f32;
        let max_squares = if frame.is_still {
            MAX_STILL_SQUARES
        } else {
            MAX_STREAM_SQUARES
        };
        let (mut squares, covered) = tiles(frame.resolution(), asked, max_squares);
        if frame.is_still {
            self.limit_px = (covered > asked).then_some(covered);
            let whole = squares[0];
            squares.extend(OUTER_SPANS.map(|span| whole.adjusted(0.0, 0.0, span)));
        }
        let mut proposals = Vec::new();
        for square in &squares {
            proposals.extend(self.chain.propose(frame, square, MIN_PROPOSAL_SCORE));
        }
        let scan = if frame.is_still {
            Scan::STILL
        } else {
            Scan::LIVE
        };
        let candidates = self.rustface.scan(frame, &self.config, scan);
        (proposals, candidates)
    }

    /// Proposals of both detectors from the slices that are due.
    fn search_slices(&mut self, frame: &Frame, need: Need) -> (Vec<Proposal>, Vec<ScoredBox>) {
        let (mut proposals, mut candidates) = (Vec::new(), Vec::new());
        for slice in self.schedule.due(frame.time, need) {
            match slice {
                Slice::Square(square) => {
                    proposals.extend(self.chain.propose(frame, &square, MIN_PROPOSAL_SCORE));
                }
                Slice::Part(part) => {
                    candidates.extend(self.candidates_in(frame, part));
                }
            }
        }
        (proposals, candidates)
    }

    fn candidates_in(&mut self, frame: &Frame, part: Region) -> Vec<ScoredBox> {
        self.rustface
            .scan_part(frame, part, &self.config, Scan::LIVE)
    }

    /// Adds to `found` the proposals that are faces and not there yet.
    fn add_newcomers(
        &mut self,
        frame: &Frame,
        mut proposals: Vec<Proposal>,
        candidates: Vec<ScoredBox>,
        found: &mut Vec<Detection>,
    ) {
        let min_side = SIZE_TOLERANCE * self.config.min_face_size_px as f32;
        let max_new = if frame.is_still {
            usize::MAX
        } else {
            MAX_PROPOSALS
        };
        proposals.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut looked_at: Vec<BoundingBox> = Vec::new();
        for proposal in proposals {
            let place = box_of_proposal(&proposal);
            let is_known = is_among(found, &place)
                || looked_at.iter().any(|other| are_same_face(other, &place));
            if is_known || place.width < min_side || looked_at.len() >= max_new {
                continue;
            }
            looked_at.push(place);
            let seen_by_rustface = candidates.iter().any(|candidate| {
                candidate.score >= self.config.score_threshold
                    && are_same_face(&candidate.bounding_box, &place)
            });
            found.extend(self.judge(frame, &proposal, seen_by_rustface));
        }
        for candidate in candidates {
            let place = candidate.bounding_box;
            let is_strong = candidate.score >= MIN_CANDIDATE_FACTOR * self.config.score_threshold;
            let is_known = is_among(found, &place)
                || looked_at.iter().any(|other| are_same_face(other, &place));
            if is_known || !is_strong || place.width < min_side || looked_at.len() >= max_new {
                continue;
            }
            looked_at.push(place);
            let near = OrientedBox::upright(place.center(), NEAR_SPAN * place.width);
            let proposals = self.chain.propose(frame, &near, MIN_PROPOSAL_SCORE);
            let same = proposals
                .iter()
                .find(|proposal| are_same_face(&box_of_proposal(proposal), &place));
            let is_clear = candidate.score >= self.config.score_threshold;
            match same {
                Some(proposal) => found.extend(self.judge(frame, proposal, is_clear)),
                None => {
                    let start = OrientedBox::upright(place.center(), place.width);
                    let min_presence = if is_clear { 0.0 } else { MIN_NEW_PRESENCE };
                    if let Some(fit) = self.chain.confirm(frame, &start)
                        && fit.shape.presence >= min_presence
                    {
                        found.push(self.detection_of(fit, Standing::Begins));
                    }
                }
            }
        }
        found.retain(|detection| detection.box_in_frame.width >= min_side);
    }

    /// The proposal as a detection, if it is a face: if the mesh says so, or both detectors do.
    fn judge(
        &mut self,
        frame: &Frame,
        proposal: &Proposal,
        seen_by_rustface: bool,
    ) -> Option<Detection> {
        if let Some(fit) = self.chain.confirm(frame, &proposal.square) {
            let is_sure = proposal.score >= SURE_SCORE;
            let is_clear =
                proposal.score >= CLEAR_SCORE && fit.shape.presence >= MIN_CLEAR_PRESENCE;
            if fit.shape.presence < MIN_NEW_PRESENCE && !is_clear && !seen_by_rustface {
                return None;
            }
            let standing = if is_sure {
                Standing::Sure
            } else {
                Standing::Begins
            };
            return Some(self.detection_of(fit, standing));
        }
        (seen_by_rustface && proposal.score >= MIN_ALONE_SCORE).then(|| Detection {
            box_in_frame: box_of_proposal(proposal),
            score: proposal.score,
            standing: Standing::Begins,
            shape: None,
        })
    }

    /// A face with a mesh.
    fn detection_of(&mut self, fit: Fit, standing: Standing) -> Detection {
        let shape = fit.shape;
        self.fits.push(fit);
        Detection {
            box_in_frame: box_of_shape(&shape),
            score: shape.presence,
            standing,
            shape: Some(shape),
        }
    }
}

fn is_among(found: &[Detection], place: &BoundingBox) -> bool {
    found
        .iter()
        .any(|known| are_same_face(&known.box_in_frame, place))
}

#[cfg(test)]
mod tests;
