//! Where a face is, was and will be: prediction for the search, smoothing for the eye.
//!
//! The search needs the last measured box, moved by its velocity. The eye needs a box that rests while the face rests
//! (the detector's boxes jitter by 1 to 4 %) but does not trail a moving one: that is the 1€ filter (Casiez, Roussel,
//! Vogel, CHI 2012), a low-pass whose cutoff rises with speed. All constants are in face sides and seconds, so faces near
//! and far, and cameras slow and fast, behave alike.

use std::{f32::consts::TAU, time::Duration};

use crate::bounding_box::BoundingBox;

/// How much a box is smoothed: the constants of the 1€ filter, by how much the measurements jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steadiness {
    /// Cutoff at rest. A lower one jitters less and settles later.
    rest_cutoff_hz: f32,
    /// Speeds up to this, in face sides per second, count as rest: jitter alone looks like motion.
    rest_speed: f32,
    /// Rise of the cutoff per face side per second above the speed of rest. At a steady speed `v` the box trails by
    /// `v / (2π · cutoff)`, however fast at most `1 / (2π · this)`, about.
    cutoff_per_speed: f32,
    /// Maximum distance of the box from where the face was found, in face sides. The speed is an average too, so without this
    /// a face that starts to move would leave its box behind.
    max_lag: f32,
}

impl Steadiness {
    /// For a detector's boxes, whose jitter of 1 to 4 % looks like a speed of 0.2 to 0.3. Trails by 6.5 % at most.
    pub const DETECTOR: Self = Self {
        rest_cutoff_hz: 1.0,
        rest_speed: 0.4,
        cutoff_per_speed: 4.0,
        max_lag: f32::INFINITY,
    };

    /// For a mesh's, which jitter by 0.1 to 0.5 %. At a steady speed it trails by 2.7 % at most, which is five times the
    /// jitter: the limit matters only when the face starts to move or turns around.
    pub const MESH: Self = Self {
        rest_cutoff_hz: 1.0,
        rest_speed: 0.12,
        cutoff_per_speed: 6.0,
        max_lag: 0.03,
    };

    /// The weight of a new value at a speed in face sides per second.
    fn weight(&self, speed: f32, elapsed_s: f32) -> f32 {
        let above_rest = (speed - self.rest_speed).max(0.0);
        low_pass_weight(
            self.rest_cutoff_hz + self.cutoff_per_speed * above_rest,
            elapsed_s,
        )
    }
}

/// Cutoff of the velocity estimate: differences of jittering boxes need more smoothing than the boxes.
const VELOCITY_CUTOFF_HZ: f32 = 1.2;

/// A face that is not found is expected to coast to a stop with this time constant: heads swing back, and a prediction
/// that kept going would search where nobody is.
const COAST_S: f32 = 0.2;

/// A prediction is at most this many face sides from where the face was last found.
const MAX_COAST_SIDES: f32 = 1.0;

/// `[center x, center y, width, height]`: the values that are filtered.
type State = [f32; 4];

/// The motion of one face.
#[derive(Debug, Clone)]
pub struct Motion {
    /// As last found, not smoothed.
    measured: State,
    /// As shown.
    shown: State,
    /// Per second.
    velocity: State,
    /// Time since it was last found.
    unseen_for: Duration,
    /// Time since `shown` was last corrected by a measurement or moved by a prediction.
    pending: Duration,
}

impl Motion {
    /// A face at rest, where it was first found.
    pub fn starting_at(found: &BoundingBox) -> Self {
        Self {
            measured: state_from(found),
            shown: state_from(found),
            velocity: [0.0; 4],
            unseen_for: Duration::ZERO,
            pending: Duration::ZERO,
        }
    }

    /// Lets time pass; call it once a frame, before looking for the face.
    pub fn advance(&mut self, elapsed: Duration) {
        self.unseen_for += elapsed;
        self.pending = elapsed;
    }

    /// Where to look for the face now: where it was last found, moved by its velocity, with the smoothed size.
    ///
    /// The search is scaled by the size expected; if that followed every jitter, each frame would be sampled on another
    /// grid, and the jitter would feed itself.
    pub fn predicted(&self) -> BoundingBox {
        let [dx, dy] = self.moved();
        let [x, y, ..] = self.measured;
        let [.., width, height] = self.shown;
        box_from([x + dx, y + dy, width, height])
    }

    /// How far the face is expected to have moved since it was last found, px.
    pub fn moved(&self) -> [f32; 2] {
        self.coasted(self.unseen_for)
    }

    /// Takes in where the face was found in this frame.
    pub fn found_at(&mut self, found: &BoundingBox, steadiness: Steadiness) {
        let found = state_from(found);
        let since_found_s = self.unseen_for.as_secs_f32();
        // Twice the same instant (a source that repeats a time stamp) says nothing about velocity.
        if since_found_s > 0.0 {
            let weight = low_pass_weight(VELOCITY_CUTOFF_HZ, since_found_s);
            for ((velocity, &now), &before) in
                self.velocity.iter_mut().zip(&found).zip(&self.measured)
            {
                *velocity += weight * ((now - before) / since_found_s - *velocity);
            }
        }
        // Center and size are smoothed by their own speeds: the size is noisier and mostly at rest.
        let [vx, vy, v_width, v_height] = self.velocity;
        let side = side_of(&found);
        let elapsed_s = self.pending.as_secs_f32();
        let place = steadiness.weight(vx.hypot(vy) / side, elapsed_s);
        let size = steadiness.weight(v_width.abs().max(v_height.abs()) / side, elapsed_s);
        for ((shown, &now), weight) in self
            .shown
            .iter_mut()
            .zip(&found)
            .zip([place, place, size, size])
        {
            *shown += weight * (now - *shown);
        }
        let behind = [found[0] - self.shown[0], found[1] - self.shown[1]];
        let distance = behind[0].hypot(behind[1]);
        let excess = distance - steadiness.max_lag * side;
        if excess > 0.0 {
            for (shown, behind) in self.shown.iter_mut().zip(behind) {
                *shown += excess / distance * behind;
            }
        }
        self.measured = found;
        self.unseen_for = Duration::ZERO;
        self.pending = Duration::ZERO;
    }

    /// The face was not found in this frame: the shown box coasts with the prediction.
    pub fn not_found(&mut self) {
        let [x_now, y_now] = self.coasted(self.unseen_for);
        let [x_before, y_before] = self.coasted(self.unseen_for.saturating_sub(self.pending));
        self.shown[0] += x_now - x_before;
        self.shown[1] += y_now - y_before;
        self.pending = Duration::ZERO;
    }

    /// The smoothed box.
    pub fn shown(&self) -> BoundingBox {
        box_from(self.shown)
    }

    /// Time since the face was last found.
    pub fn unseen_for(&self) -> Duration {
        self.unseen_for
    }

    /// How far the center is expected to have moved this long after it was last found, px.
    fn coasted(&self, unseen_for: Duration) -> [f32; 2] {
        let [vx, vy, ..] = self.velocity;
        let reach_s = -COAST_S * (-unseen_for.as_secs_f32() / COAST_S).exp_m1();
        let distance = vx.hypot(vy) * reach_s;
        let max_distance = MAX_COAST_SIDES * side_of(&self.measured);
        let shortened = if distance > max_distance {
            max_distance / distance
        } else {
            1.0
        };
        [vx, vy].map(|velocity| velocity * reach_s * shortened)
    }
}

/// The weight of a new value in a first-order low-pass, 0 to 1.
fn low_pass_weight(cutoff_hz: f32, elapsed_s: f32) -> f32 {
    -(-TAU * cutoff_hz * elapsed_s).exp_m1()
}

fn side_of([_, _, width, height]: &State) -> f32 {
    width.max(*height).max(1.0)
}

fn state_from(found: &BoundingBox) -> State {
    let (x, y) = found.center();
    [x, y, found.width, found.height]
}

fn box_from([x, y, width, height]: State) -> BoundingBox {
    BoundingBox::new(x - width / 2.0, y - height / 2.0, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: f32 = 100.0;

    /// Follows boxes found at `positions`, one every `interval`; returns what was shown.
    fn follow(interval: Duration, positions: impl IntoIterator<Item = f32>) -> (Motion, Vec<f32>) {
        follow_as(Steadiness::DETECTOR, interval, positions)
    }

    fn follow_as(
        steadiness: Steadiness,
        interval: Duration,
        positions: impl IntoIterator<Item = f32>,
    ) -> (Motion, Vec<f32>) {
        let mut positions = positions.into_iter();
        let at = |x| BoundingBox::square_around((x, 200.0), SIDE);
        let mut motion = Motion::starting_at(&at(positions.next().expect("a first position")));
        let shown = positions
            .map(|x| {
                motion.advance(interval);
                motion.found_at(&at(x), steadiness);
                motion.shown().center().0
            })
            .collect();
        (motion, shown)
    }

    #[test]
    fn a_fast_face_is_not_trailed() {
        // Three sides a second, 30 frames a second.
        let interval = Duration::from_micros(33_333);
        let (motion, shown) = follow(interval, (0..60).map(|frame| frame as f32 * 10.0));
        let lag = 590.0 - shown.last().expect("frames");
        assert!((0.0..0.06 * SIDE).contains(&lag), "lag {lag} px");
        let mut ahead = motion;
        ahead.advance(interval);
        let predicted = ahead.predicted().center().0;
        assert!(
            (predicted - 600.0).abs() < 0.03 * SIDE,
            "predicted {predicted}"
        );
    }

    #[test]
    fn a_resting_face_is_steadier_than_its_detections() {
        let interval = Duration::from_micros(33_333);
        // Jitter of ±2 px in a pattern without a drift.
        let (_, shown) = follow(
            interval,
            (0..90).map(|frame| 300.0 + [-2.0, 1.0, 2.0, -1.0, 0.0][frame % 5]),
        );
        for x in &shown[30..] {
            assert!((x - 300.0).abs() < 1.0, "shown {x}");
        }
    }

    /// Seeded noise of standard deviation 1, nearly normal.
    fn noise() -> impl FnMut() -> f32 {
        let mut state = 2013u32;
        move || {
            let mut unit = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1u32 << 24) as f32
            };
            (0..12).map(|_| unit()).sum::<f32>() - 6.0
        }
    }

    #[test]
    fn a_mesh_at_rest_keeps_its_box_still() {
        for (rate_hz, max_median) in [(15.0, 0.0015), (30.0, 0.0008), (60.0, 0.00045)] {
            let interval = Duration::from_secs_f32(1.0 / rate_hz);
            let mut noise = noise();
            // 0.5 %: the most that meshes jitter.
            let found = (0..900).map(|_| 300.0 + 0.005 * SIDE * noise());
            let (_, shown) = follow_as(Steadiness::MESH, interval, found);
            let mut steps: Vec<f32> = shown[60..]
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).abs() / SIDE)
                .collect();
            steps.sort_by(f32::total_cmp);
            let median = steps[steps.len() / 2];
            assert!(median < max_median, "{rate_hz} Hz: {median}");
        }
    }

    #[test]
    fn a_mesh_in_motion_is_not_trailed() {
        for rate_hz in [10.0, 15.0, 30.0, 60.0] {
            // At rest for a second, then so many sides a second to the right, then back.
            for sides_per_s in [0.1, 0.3, 1.0, 4.0] {
                let place = |frame: usize| {
                    let time_s = frame as f32 / rate_hz;
                    let moved_s = (time_s - 1.0).max(0.0);
                    500.0 + SIDE * sides_per_s * moved_s.min(4.0 - moved_s)
                };
                let n_frames = (5.0 * rate_hz) as usize;
                let interval = Duration::from_secs_f32(1.0 / rate_hz);
                let (_, shown) = follow_as(Steadiness::MESH, interval, (0..n_frames).map(place));
                for (frame, shown) in (1..).zip(shown) {
                    let lag = (place(frame) - shown).abs() / SIDE;
                    assert!(
                        lag < 0.0301,
                        "{rate_hz} Hz, {sides_per_s}: {lag} in {frame}"
                    );
                }
            }
        }
    }

    #[test]
    fn smoothing_goes_by_time_not_by_frames() {
        let step = |interval_ms: u64| {
            let n_frames = 400 / interval_ms;
            let (_, shown) = follow(
                Duration::from_millis(interval_ms),
                (0..=n_frames).map(|frame| if frame == 0 { 0.0 } else { 4.0 }),
            );
            *shown.last().expect("frames")
        };
        assert!(
            (step(20) - step(40)).abs() < 0.3,
            "{} {}",
            step(20),
            step(40)
        );
    }

    #[test]
    fn an_unseen_face_coasts_and_stops() {
        let (mut motion, _) = follow(
            Duration::from_micros(33_333),
            (0..30).map(|frame| frame as f32 * 20.0),
        );
        let left = motion.shown().center().0;
        for _ in 0..40 {
            motion.advance(Duration::from_millis(50));
            motion.not_found();
        }
        let traveled = motion.shown().center().0 - left;
        assert!((0.5 * SIDE..=SIDE + 0.1).contains(&traveled), "{traveled}");
        assert_eq!(motion.unseen_for(), Duration::from_secs(2));
    }
}
