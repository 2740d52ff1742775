//! A small portrait of each face, cut out of the frame about once a second.
//!
//! Portraits are pixels of people: none is made while faces are covered, and all are forgotten then.

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};

use crate::{
    bounding_box::BoundingBox,
    detect::TrackId,
    frame::{Frame, RGBA_BYTES},
    pipeline::Analysis,
};

/// Side of a portrait, px.
const SIDE_PX: usize = 72;
/// A portrait stays for this long, s: often enough to recognize somebody, rarely enough not to distract.
const RENEW_AFTER_S: f64 = 1.0;
/// What a portrait shows, in sides of the face's box.
const SPAN: f32 = 1.15;
/// More faces than this have no portrait.
const MAX_PORTRAITS: usize = 24;
/// Points of the frame that each pixel averages, in each direction.
const N_POINTS: usize = 3;

/// The portraits of the faces in view.
#[derive(Default)]
pub struct Portraits(Vec<Portrait>);

struct Portrait {
    track: TrackId,
    texture: TextureHandle,
    /// When it was taken.
    at_s: f64,
}

impl Portraits {
    /// Takes in a result at `now_s`. Portraits of faces that have left are forgotten.
    pub fn see(&mut self, ctx: &Context, analysis: &Analysis, now_s: f64) {
        let faces = &analysis.faces;
        self.0
            .retain(|portrait| faces.iter().any(|face| face.track == portrait.track));
        for face in faces.iter().filter(|face| face.unseen_for.is_zero()) {
            let is_full = self.0.len() >= MAX_PORTRAITS;
            let known = self.0.iter_mut().find(|known| known.track == face.track);
            let cut = || cut_out(&analysis.frame, &face.box_in_frame);
            match known {
                Some(known) if now_s - known.at_s < RENEW_AFTER_S => {}
                Some(known) => {
                    known.texture.set(cut(), TextureOptions::LINEAR);
                    known.at_s = now_s;
                }
                None if !is_full => self.0.push(Portrait {
                    track: face.track,
                    texture: ctx.load_texture("portrait", cut(), TextureOptions::LINEAR),
                    at_s: now_s,
                }),
                None => {}
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The portrait of a face.
    pub fn of(&self, track: TrackId) -> Option<&TextureHandle> {
        let portrait = self.0.iter().find(|portrait| portrait.track == track);
        portrait.map(|portrait| &portrait.texture)
    }
}

/// The face, a little wider than its box. Beyond the edges of the frame its last pixels are repeated.
fn cut_out(frame: &Frame, face: &BoundingBox) -> ColorImage {
    let size = frame.resolution();
    let (width, height) = (size.width_px as usize, size.height_px as usize);
    let (x, y) = face.center();
    let side = SPAN * face.width.max(face.height);
    let rgba = frame.rgba();
    // A box that is not finite or lies outside is cut off at the frame: a cast saturates, and NaN becomes 0.
    let at = |center: f32, part: usize, limit: usize| {
        let share = (part as f32 + 0.5) / (SIDE_PX * N_POINTS) as f32 - 0.5;
        ((center + share * side).max(0.0) as usize).min(limit.saturating_sub(1))
    };
    let columns: Vec<usize> = (0..SIDE_PX * N_POINTS)
        .map(|part| at(x, part, width))
        .collect();
    let rows: Vec<usize> = (0..SIDE_PX * N_POINTS)
        .map(|part| at(y, part, height))
        .collect();
    let mean = |columns: &[usize], rows: &[usize]| {
        let mut sums = [0_u32; 3];
        for row in rows {
            for column in columns {
                let pixel = (row * width + column) * RGBA_BYTES;
                for (sum, value) in sums.iter_mut().zip(&rgba[pixel..pixel + 3]) {
                    *sum += u32::from(*value);
                }
            }
        }
        let [red, green, blue] = sums.map(|sum| (sum / (N_POINTS * N_POINTS) as u32) as u8);
        Color32::from_rgb(red, green, blue)
    };
    let pixels = rows
        .chunks_exact(N_POINTS)
        .flat_map(|rows| {
            columns
                .chunks_exact(N_POINTS)
                .map(move |columns| (columns, rows))
        })
        .map(|(columns, rows)| mean(columns, rows))
        .collect();
    ColorImage::new([SIDE_PX; 2], pixels)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{
        frame::{FrameId, Resolution},
        ui::fixtures,
    };

    /// A frame that is red at the left and blue at the right.
    fn halves() -> Frame {
        let row = [[250, 0, 0, 255]; 40]
            .into_iter()
            .chain([[0, 0, 250, 255]; 40]);
        let row: Vec<u8> = row.flatten().collect();
        Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            Resolution::new(80, 20),
            row.repeat(20).into(),
        )
    }

    #[test]
    fn a_portrait_shows_what_is_in_the_box() {
        let image = cut_out(&halves(), &BoundingBox::new(30.0, 0.0, 20.0, 20.0));
        assert_eq!(image[(0, 0)], Color32::from_rgb(250, 0, 0));
        assert_eq!(
            image[(SIDE_PX - 1, SIDE_PX - 1)],
            Color32::from_rgb(0, 0, 250)
        );
        // Larger than the frame, and beyond its edge.
        for odd in [
            BoundingBox::new(-50.0, -90.0, 200.0, 200.0),
            BoundingBox::new(500.0, 5.0, 10.0, 10.0),
            BoundingBox::new(f32::NAN, 5.0, f32::INFINITY, 10.0),
        ] {
            assert_eq!(cut_out(&halves(), &odd).size, [SIDE_PX; 2]);
        }
    }

    #[test]
    fn a_portrait_is_renewed_once_a_second_and_leaves_with_its_face() {
        let ctx = Context::default();
        let mut portraits = Portraits::default();
        let frame = fixtures::frame(0, Resolution::new(640, 480), Instant::now());
        let two = fixtures::analysis(&frame, fixtures::faces(2));
        let at = |portraits: &mut Portraits, now_s| {
            portraits.see(&ctx, &two, now_s);
            portraits.0[0].at_s
        };
        assert_eq!(at(&mut portraits, 5.0), 5.0);
        assert_eq!(at(&mut portraits, 5.9), 5.0);
        assert_eq!(at(&mut portraits, 6.0), 6.0);
        assert_eq!(portraits.0.len(), 2);
        portraits.see(&ctx, &fixtures::analysis(&frame, fixtures::faces(1)), 6.1);
        assert!(portraits.of(TrackId(1)).is_none() && portraits.of(TrackId(0)).is_some());
        portraits.clear();
        assert!(portraits.of(TrackId(0)).is_none());
    }
}
