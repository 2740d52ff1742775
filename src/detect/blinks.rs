//! Blinks, from how far the eyes of each face are open over time.
//!
//! People's eyes differ in shape, so a lid counts as closed by comparison with the same person's open eyes in the last
//! seconds. A face that is turned aside shows one eye from the side, and an eye that looks down looks closed; neither
//! counts.

use std::time::Duration;

use super::{FaceShape, TrackId};

/// The eyes are closed below `CLOSED` times their usual openness, and open again above `OPEN` times. The gap keeps noise
/// from counting twice.
const CLOSED: f32 = 0.6;
const OPEN: f32 = 0.75;

/// Blinks of a second or longer are closed eyes; spontaneous ones take 0.1 to 0.4 s (Stern, Walrath and Goldstein 1984).
const MAX_DURATION: Duration = Duration::from_millis(1000);

/// Time constant of the usual openness.
const USUAL_S: f32 = 2.0;

/// Faces turned further than this are ignored, degrees.
const MAX_TURN_DEG: f32 = 25.0;

/// A face must be known this long before its usual openness counts.
const LEARN_FOR: Duration = Duration::from_millis(500);

/// A blink that ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blink {
    /// Whose.
    pub track: TrackId,
    /// When the eyes closed, in the time of the frames.
    pub start: Duration,
    /// How long they were closed.
    pub duration: Duration,
}

/// Watches the eyes of all faces.
#[derive(Debug, Clone, Default)]
pub struct Blinks {
    faces: Vec<Face>,
}

#[derive(Debug, Clone)]
struct Face {
    track: TrackId,
    first: Duration,
    last: Duration,
    usual: f32,
    closed_at: Option<Duration>,
}

impl Blinks {
    /// Takes in a face of the frame at `time`. Returns the blink that ends with it, if one does. Faces not seen for a second
    /// are forgotten.
    pub fn see(&mut self, time: Duration, track: TrackId, shape: &FaceShape) -> Option<Blink> {
        self.faces.retain(|face| {
            time.checked_sub(face.last)
                .is_some_and(|ago| ago <= MAX_DURATION)
        });
        let openness = 0.5 * (shape.eyes_open[0] + shape.eyes_open[1]);
        let Some(face) = self.faces.iter_mut().find(|face| face.track == track) else {
            self.faces.push(Face {
                track,
                first: time,
                last: time,
                usual: openness,
                closed_at: None,
            });
            return None;
        };
        let elapsed = time - face.last;
        face.last = time;
        let is_turned = [shape.pose.yaw_deg, shape.pose.pitch_deg]
            .iter()
            .any(|angle| angle.abs() > MAX_TURN_DEG);
        if is_turned || time - face.first < LEARN_FOR {
            face.closed_at = None;
            face.usual = face.usual.max(openness);
            return None;
        }
        match face.closed_at {
            None if openness < CLOSED * face.usual => face.closed_at = Some(time),
            None => {
                let weight = 1.0 - (-elapsed.as_secs_f32() / USUAL_S).exp();
                face.usual += weight * (openness - face.usual);
            }
            Some(start) if openness > OPEN * face.usual => {
                face.closed_at = None;
                let duration = time - start;
                return (duration < MAX_DURATION).then_some(Blink {
                    track,
                    start,
                    duration,
                });
            }
            // Eyes that stay closed or narrow are the new usual.
            Some(start) if time - start >= MAX_DURATION => {
                face.closed_at = None;
                face.usual = openness;
            }
            Some(_) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::HeadPose;

    /// Thirty frames a second of both eyes this far open.
    fn blinks(openness: &[f32], yaw_deg: f32) -> Vec<Blink> {
        let mut blinks = Blinks::default();
        let see = |(frame, open): (usize, &f32)| {
            let shape = FaceShape {
                eyes_open: [*open; 2],
                pose: HeadPose {
                    yaw_deg,
                    ..HeadPose::default()
                },
                ..FaceShape::default()
            };
            let time = Duration::from_millis(frame as u64 * 1000 / 30);
            blinks.see(time, TrackId(1), &shape)
        };
        openness.iter().enumerate().filter_map(see).collect()
    }

    fn open_closed_open(n_closed: usize) -> Vec<f32> {
        let mut frames = vec![0.31; 40];
        frames.extend(vec![0.08; n_closed]);
        frames.extend(vec![0.3; 40]);
        frames
    }

    #[test]
    fn a_blink_is_counted_once_with_its_time() {
        let found = blinks(&open_closed_open(5), 0.0);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].start, Duration::from_millis(1333));
        assert!((found[0].duration.as_secs_f32() - 5.0 / 30.0).abs() < 0.002);
    }

    #[test]
    fn closed_eyes_turned_heads_and_narrow_eyes_are_no_blinks() {
        assert_eq!(blinks(&open_closed_open(40), 0.0), []);
        assert_eq!(blinks(&open_closed_open(5), 40.0), []);
        assert_eq!(blinks(&[0.12; 90], 0.0), []);
        let noisy: Vec<f32> = (0..120)
            .map(|i| 0.3 + 0.05 * ((i * 7 % 5) as f32 - 2.0) / 2.0)
            .collect();
        assert_eq!(blinks(&noisy, 0.0), []);
    }

    #[test]
    fn time_that_jumps_back_forgets_the_faces() {
        let mut blinks = Blinks::default();
        let shape = FaceShape::default();
        for ms in [0, 900, 5_000, 100] {
            assert_eq!(
                blinks.see(Duration::from_millis(ms), TrackId(1), &shape),
                None
            );
        }
        assert_eq!(blinks.faces.len(), 1);
    }
}
