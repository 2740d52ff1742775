//! The overlay on a frame's own pixels, without a window.
//!
//! egui runs on a screen as large as the frame, one point a pixel, and [`Canvas`] fills the triangles it asks for. Nothing is
//! shared with the window, so neither its size nor its theme nor a slow graphics card affects a recording.
//! Text is sized for the frame by [`scale_for`]; callers have no say in it.

mod raster;
#[cfg(test)]
mod tests;
mod texture;

use egui::{
    ClippedPrimitive, Context, LayerId, RawInput, TextureId, Theme,
    epaint::{ClippedShape, Primitive},
};

use self::{raster::Canvas, texture::Texture};
use super::{geometry::UiFromFrame, look::OverlayLook, paint::paint};
use crate::{
    bounding_box::BoundingBox,
    detect::TrackId,
    expression::{Expression, N_EXPRESSIONS, Probabilities},
    frame::Resolution,
    pipeline::FaceAnalysis,
};

/// Shorter side of a frame on which text is as large as in the window, px.
const REFERENCE_SIDE_PX: f32 = 720.0;
/// Text below 12 px cannot be read in a compressed video, however small the frame is.
const MIN_SCALE: f32 = 0.85;
/// Enough for a frame of 4320 lines.
const MAX_SCALE: f32 = 6.0;

/// Shorter sides of common frames, px, whose glyphs [`Offscreen::default`] prepares.
const COMMON_SIDES_PX: [u32; 3] = [480, 720, 1080];

/// Size of lines and text on a frame of `resolution`: 1 at 720 lines, and in proportion to the shorter side above and
/// below, down to what can be read.
pub fn scale_for(resolution: Resolution) -> f32 {
    let side_px = resolution.width_px.min(resolution.height_px) as f32;
    (side_px / REFERENCE_SIDE_PX).clamp(MIN_SCALE, MAX_SCALE)
}

/// Draws the overlay on frames.
///
/// Making one takes some tens of ms (it reads fonts and draws glyphs), so keep it. It can be sent to another thread.
pub struct Offscreen {
    ctx: Context,
    font_texture: Texture,
}

impl Default for Offscreen {
    /// Reads the fonts and prepares the glyphs for common frame sizes, so that the first frame costs no more than later
    /// ones. Another size, or the letters of a caption, costs a ms or two once.
    fn default() -> Self {
        let ctx = Context::default();
        // egui draws glyphs stronger for dark text on a light ground; plates are dark.
        ctx.set_theme(Theme::Dark);
        let mut offscreen = Self {
            ctx,
            font_texture: Texture::default(),
        };
        let faces = faces_with_all_glyphs();
        for side_px in COMMON_SIDES_PX {
            let resolution = Resolution::new(side_px * 16 / 9, side_px);
            offscreen.primitives(resolution, &faces, &OverlayLook::default());
        }
        offscreen
    }
}

impl Offscreen {
    /// Draws what `look` asks for of `faces` on `rgba`: rows top to bottom without padding, four bytes a pixel, as in a frame
    /// of size `resolution`. Boxes are in pixels of this frame; empty ones and those that are not finite are left out.
    /// Alpha does not change.
    ///
    /// # Panics
    /// If `rgba` is not exactly `resolution.n_pixels() * 4` bytes long.
    pub fn draw(
        &mut self,
        rgba: &mut [u8],
        resolution: Resolution,
        faces: &[FaceAnalysis],
        look: &OverlayLook,
    ) {
        let mut canvas = Canvas::new(rgba, resolution);
        if look.is_empty(faces.len()) {
            return;
        }
        for primitive in self.primitives(resolution, faces, look) {
            // The overlay draws nothing else.
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                canvas.draw_mesh(mesh, primitive.clip_rect, &self.font_texture);
            }
        }
    }

    /// The overlay as triangles; the texture is up to date for them.
    fn primitives(
        &mut self,
        resolution: Resolution,
        faces: &[FaceAnalysis],
        look: &OverlayLook,
    ) -> Vec<ClippedPrimitive> {
        let shapes = self.shapes(resolution, faces, look);
        self.ctx.tessellate(shapes, self.ctx.pixels_per_point())
    }

    /// The overlay as egui's shapes.
    fn shapes(
        &mut self,
        resolution: Resolution,
        faces: &[FaceAnalysis],
        look: &OverlayLook,
    ) -> Vec<ClippedShape> {
        let place = UiFromFrame::identity(resolution);
        let input = RawInput {
            screen_rect: Some(place.frame_rect),
            ..RawInput::default()
        };
        let scale = scale_for(resolution);
        let mut output = self.ctx.run_pass(input, |ctx| {
            let painter = ctx.layer_painter(LayerId::background());
            paint(&painter, &place, faces, &[], look, scale);
        });
        // The only texture is the fonts'.
        let patches = output.textures_delta.set.get(&TextureId::default());
        for patch in patches.into_iter().flatten() {
            self.font_texture.apply(patch);
        }
        output.textures_delta.clear();
        output.shapes
    }
}

/// Faces whose plates need every glyph at every position: each expression, with each digit first, second and third.
/// egui caches a glyph once for each fraction of a pixel that it starts at, so the same digit differs after another word.
fn faces_with_all_glyphs() -> Vec<FaceAnalysis> {
    let face = |expression: Expression, percent: u8| {
        let mut probabilities = [0.0; N_EXPRESSIONS];
        probabilities[expression.index()] = f32::from(percent) / 100.0;
        FaceAnalysis {
            track: TrackId(percent.into()),
            number: percent.into(),
            box_in_frame: BoundingBox::new(10.0, 40.0, 80.0, 80.0),
            score: 0.0,
            unseen_for: std::time::Duration::ZERO,
            shape: None,
            corrected: None,
            second: None,
            raw: Probabilities::from(probabilities),
            smoothed: Probabilities::from(probabilities),
            label: expression.into(),
        }
    };
    let percents = [1, 10, 21, 32, 43, 54, 65, 76, 87, 98, 99, 100];
    Expression::ALL
        .into_iter()
        .flat_map(|expression| percents.map(|percent| face(expression, percent)))
        .collect()
}
