//! The frame with its overlay, and what stands there when there is none.
//!
//! The newest captured frame is shown with the newest result, which belongs to a frame some tens of ms older: waiting for
//! the result would make the view lag and stutter. A result that is too old is left out, so that no box is drawn where
//! nobody is.

use std::sync::Arc;

use egui::{
    Color32, ColorImage, Context, Rect, Response, Role, Sense, TextureHandle, TextureOptions, Ui,
    WidgetInfo,
};

use super::{geometry, recent::Recent, state_screen};
use crate::{
    capture::{SourceInfo, SourceSpec},
    frame::{Frame, RGBA_BYTES, Resolution},
    overlay::{self, OverlayLook, UiFromFrame},
    pipeline::{Analysis, FaceAnalysis, SourceState, face_names::FaceNames},
    ui::{
        colors,
        commands::Command,
        privacy::Cover,
        words::{self, text},
    },
};

/// What the preview shows.
#[derive(Debug, Clone, Copy)]
pub struct PreviewData<'a> {
    /// The newest frame that may be shown, kept when the source ends or is lost.
    pub frame: Option<&'a Arc<Frame>>,
    /// Which part of it is covered.
    pub cover: &'a Cover,
    /// The newest result.
    pub analysis: Option<&'a Analysis>,
    /// State of the source.
    pub state: &'a SourceState,
    /// The source that was opened.
    pub source: Option<&'a SourceSpec>,
    /// What the source delivers, once it has been live.
    pub info: Option<&'a SourceInfo>,
    /// Whether the frame is flipped left to right.
    pub mirror: bool,
    /// Whether boxes and names are drawn.
    pub boxes: bool,
    /// Whether face meshes are drawn with them.
    pub mesh: bool,
    /// Whether the transport bar is shown, which offers more than "Play again".
    pub has_transport: bool,
    /// Below this probability, 0 to 1, no expression is named.
    pub uncertain_below: f32,
    /// What can be opened again while there is no frame.
    pub recent: &'a [Recent],
    /// What the faces are called, by their tracks.
    pub names: &'a FaceNames,
}

/// The faces to show with `frame`: those of the newest result, unless it is too old.
pub fn faces_for<'a>(frame: Option<&Frame>, analysis: Option<&'a Analysis>) -> &'a [FaceAnalysis] {
    match (frame, analysis) {
        (Some(frame), Some(analysis)) => analysis.faces_on(frame),
        _ => &[],
    }
}

/// The state of the preview.
#[derive(Default)]
pub struct Preview {
    texture: Option<TextureHandle>,
    /// The pixels last sent to the graphics card; reused once it has them.
    image: Arc<ColorImage>,
    /// The frame in the texture, and which part of it is covered there.
    shown: Option<(Arc<Frame>, Cover)>,
}

impl Preview {
    /// Draws the frame or the state into all of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, data: PreviewData<'_>) -> Option<Command> {
        let area = ui.available_rect_before_wrap();
        let palette = colors::palette(ui.ctx().theme());
        ui.painter().rect_filled(area, 0.0, palette.canvas);
        let shown = data.frame.map(|frame| self.frame_ui(ui, area, frame, data));
        let shown_at = shown.as_ref().map(|response| response.rect);
        let command = self.state_ui(ui, area, shown_at, data);
        let wants_fullscreen = shown.is_some_and(|response| response.double_clicked());
        command.or(wants_fullscreen.then_some(Command::ToggleFullscreen))
    }

    /// Draws the state where it is not obvious from the frame, which is shown at `shown_at`.
    fn state_ui(
        &self,
        ui: &mut Ui,
        area: Rect,
        shown_at: Option<Rect>,
        data: PreviewData<'_>,
    ) -> Option<Command> {
        match data.state {
            SourceState::Ended => {
                let is_still = data.info.is_some_and(|info| info.n_frames == Some(1));
                match (shown_at, data.info) {
                    (Some(frame_rect), Some(info)) if !is_still && !data.has_transport => {
                        let text = text!("preview-ended", name = &info.name);
                        state_screen::ended_ui(ui, frame_rect, &text)
                    }
                    (Some(_), _) => None,
                    (None, _) => {
                        let empty = SourceState::Failed(text!("preview-empty").to_owned());
                        state_screen::state_screen_ui(ui, area, &empty, data.source, data.recent)
                    }
                }
            }
            // The first frame is a few ms away.
            SourceState::Live(_) if shown_at.is_none() => {
                let starting = SourceState::Starting;
                state_screen::state_screen_ui(ui, area, &starting, data.source, &[])
            }
            state => state_screen::state_screen_ui(ui, area, state, data.source, data.recent),
        }
    }

    /// Draws the frame with its overlay.
    fn frame_ui(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        frame: &Arc<Frame>,
        data: PreviewData<'_>,
    ) -> Response {
        let is_current = matches!(data.state, SourceState::Live(_) | SourceState::Ended);
        let frame_rect = geometry::fit(frame.resolution(), area);
        let texture = self.texture(ui.ctx(), frame, data.cover);
        let tint = if is_current {
            Color32::WHITE
        } else {
            // An old frame is dimmed behind the message about its source.
            Color32::from_gray(70)
        };
        let uv = geometry::uv(data.mirror);
        ui.painter().image(texture.id(), frame_rect, uv, tint);
        let faces = if is_current {
            faces_for(Some(frame), data.analysis)
        } else {
            &[]
        };
        let response = ui.interact(frame_rect, ui.scope_id().with("frame"), Sense::CLICK);
        let look = OverlayLook {
            mesh: data.mesh,
            uncertain_below: data.uncertain_below,
            name_of: words::label,
            // Names would say whose faces are covered.
            face_names: match data.cover {
                Cover::Nothing => data.names.clone(),
                _ => FaceNames::default(),
            },
            ..OverlayLook::default()
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, description(faces, &look)));
        // At a change of resolution the analyzed frame has another size than the one shown.
        let resolution = data
            .analysis
            .map_or(frame.resolution(), |analysis| analysis.frame.resolution());
        if data.boxes {
            let ui_from_frame = UiFromFrame {
                frame_rect,
                resolution,
                mirror: data.mirror,
            };
            let meshes = match data.analysis {
                // A mesh would show the shape of a covered face.
                Some(analysis) if !faces.is_empty() && *data.cover == Cover::Nothing => {
                    &analysis.meshes[..]
                }
                _ => &[],
            };
            let scale = overlay::scale_in_window(frame_rect.height());
            overlay::paint(ui.painter(), &ui_from_frame, faces, meshes, &look, scale);
        }
        response
    }

    /// The texture with `frame` in it, covered as `cover` says. Pixels are copied only when either has changed.
    fn texture(&mut self, ctx: &Context, frame: &Arc<Frame>, cover: &Cover) -> &TextureHandle {
        let is_new = self
            .shown
            .as_ref()
            .is_none_or(|(shown, covered)| !Arc::ptr_eq(shown, frame) || covered != cover);
        if is_new || self.texture.is_none() {
            let max_side = ctx.input(|input| input.max_texture_side);
            fill(&mut self.image, frame, cover, max_side);
            let image = Arc::clone(&self.image);
            match &mut self.texture {
                Some(texture) => texture.set(image, TextureOptions::LINEAR),
                None => {
                    let texture = ctx.load_texture("preview", image, TextureOptions::LINEAR);
                    self.texture = Some(texture);
                }
            }
            self.shown = Some((Arc::clone(frame), cover.clone()));
        }
        self.texture.as_ref().expect("it was set above")
    }
}

/// What screen readers say about the frame.
fn description(faces: &[FaceAnalysis], look: &OverlayLook) -> String {
    if faces.is_empty() {
        return text!("preview-no-face").to_owned();
    }
    let names = faces.iter().map(|face| overlay::plate_text(face, look));
    let names = names.collect::<Vec<_>>().join(", ");
    text!("preview-faces", faces = names)
}

/// Copies a frame into `image`, in place if the graphics card is done with the last one, and covers it.
///
/// Of frames with a side above `max_side`, which no texture could hold, every 2nd, 3rd, … pixel is taken.
fn fill(image: &mut Arc<ColorImage>, frame: &Frame, cover: &Cover, max_side: usize) {
    let Resolution {
        width_px,
        height_px,
    } = frame.resolution();
    let (width, height) = (width_px as usize, height_px as usize);
    let step = width.max(height).div_ceil(max_side.max(1)).max(1);
    let size = [width.div_ceil(step), height.div_ceil(step)];
    if Arc::get_mut(image).is_none_or(|image| image.size != size) {
        *image = Arc::new(ColorImage::filled(size, Color32::BLACK));
    }
    let image = Arc::get_mut(image).expect("no one else has it: checked or just made");
    let pixels = image.as_raw_mut();
    if step == 1 {
        pixels.copy_from_slice(frame.rgba());
    } else {
        let rows = frame.rgba().chunks_exact(width * RGBA_BYTES).step_by(step);
        for (target, source) in pixels.chunks_exact_mut(size[0] * RGBA_BYTES).zip(rows) {
            let source = source.chunks_exact(RGBA_BYTES).step_by(step);
            for (target, source) in target.chunks_exact_mut(RGBA_BYTES).zip(source) {
                target.copy_from_slice(source);
            }
        }
    }
    let size = Resolution::new(size[0] as u32, size[1] as u32);
    cover.apply(pixels, size, step);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::{
        bounding_box::BoundingBox,
        detect::TrackId,
        frame::FrameId,
        privacy::{Effect, FacePrivacy, Who},
        ui::fixtures,
    };

    const SMALL: Resolution = Resolution::new(64, 48);

    #[test]
    fn old_results_are_not_drawn_on_new_frames() {
        let taken_at = Instant::now();
        let analyzed = fixtures::frame(1, SMALL, taken_at);
        let analysis = fixtures::analysis(&analyzed, fixtures::faces(2));
        let n_faces = |age_ms| {
            let frame = fixtures::frame(2, SMALL, taken_at + Duration::from_millis(age_ms));
            faces_for(Some(&frame), Some(&analysis)).len()
        };
        assert_eq!(n_faces(0), 2);
        assert_eq!(n_faces(499), 2);
        assert_eq!(n_faces(500), 0);
        assert_eq!(faces_for(Some(&analyzed), None).len(), 0);
        assert_eq!(faces_for(None, Some(&analysis)).len(), 0);
    }

    #[test]
    fn pixels_are_copied_in_place_and_large_frames_subsampled() {
        let bytes: Vec<u8> = (0..6 * 4u8).flat_map(|pixel| [pixel, 0, 0, 255]).collect();
        let frame = Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            Resolution::new(6, 4),
            bytes.clone().into(),
        );
        let mut image = Arc::default();
        fill(&mut image, &frame, &Cover::Nothing, 2048);
        assert_eq!(image.size, [6, 4]);
        assert_eq!(image.as_raw(), bytes);
        let address = Arc::as_ptr(&image);
        fill(&mut image, &frame, &Cover::Nothing, 2048);
        assert_eq!(Arc::as_ptr(&image), address);
        fill(&mut image, &frame, &Cover::Nothing, 3);
        assert_eq!(image.size, [3, 2]);
        let reds: Vec<u8> = image.pixels.iter().map(|pixel| pixel.r()).collect();
        assert_eq!(reds, [0, 2, 4, 12, 14, 16]);
    }

    #[test]
    fn faces_are_covered_in_the_texture_even_of_a_large_frame() {
        // Stripes one pixel wide: where a face is covered they are gone.
        let size = Resolution::new(240, 120);
        let stripes = |at: usize| if at.is_multiple_of(2) { 250 } else { 10 };
        let bytes: Vec<u8> = (0..size.n_pixels())
            .flat_map(|at| {
                let light = stripes(at / 2 % 120);
                [light, light, light, 255]
            })
            .collect();
        let frame = Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            size,
            bytes.into(),
        );
        let privacy = FacePrivacy {
            effect: Effect::Pixelate,
            who: Who::All,
        };
        let face = BoundingBox::new(100.0, 40.0, 60.0, 60.0);
        let cover = Cover::Faces(privacy, vec![(TrackId(1), face)]);
        for max_side in [240, 120] {
            let mut image = Arc::default();
            fill(&mut image, &frame, &cover, max_side);
            let step = 240 / max_side;
            let red = |x: usize, y: usize| image[(x / step, y / step)].r();
            assert!((60..200).contains(&red(130, 70)), "the middle of the face");
            assert!((60..200).contains(&red(90, 24)), "beside and above it");
            assert!([10, 250].contains(&red(40, 70)), "far from it");
        }
    }

    /// Draws a state with or without a frame and returns the command of a click on `label`.
    fn click(
        state: SourceState,
        info: SourceInfo,
        with_frame: bool,
        label: &str,
    ) -> Option<Command> {
        let frame = with_frame.then(|| fixtures::frame(1, SMALL, Instant::now()));
        let mut preview = Preview::default();
        let mut harness = Harness::new_ui_state(
            move |ui, sent: &mut Option<Command>| {
                let command = preview.ui(
                    ui,
                    PreviewData {
                        frame: frame.as_ref(),
                        cover: &Cover::Nothing,
                        analysis: None,
                        state: &state,
                        source: Some(&SourceSpec::Demo),
                        info: Some(&info),
                        mirror: true,
                        boxes: true,
                        mesh: false,
                        has_transport: false,
                        uncertain_below: 0.0,
                        recent: &[],
                        names: &FaceNames::default(),
                    },
                );
                *sent = command.or(sent.take());
            },
            None,
        );
        harness.run_steps(3);
        harness.get_by_label(label).click();
        harness.run_steps(2);
        harness.into_state()
    }

    #[test]
    fn a_file_that_has_ended_can_be_played_again_but_not_a_photo() {
        let clip = SourceInfo {
            n_frames: Some(120),
            ..fixtures::webcam()
        };
        let sent = click(SourceState::Ended, clip, true, "Play again");
        assert_eq!(sent, Some(Command::PlayAgain));
        let still = SourceInfo {
            n_frames: Some(1),
            ..fixtures::webcam()
        };
        // The frame is all there is to click, and does nothing.
        let sent = click(SourceState::Ended, still, true, "Frame, no face");
        assert_eq!(sent, None);
    }

    #[test]
    fn a_lost_source_keeps_its_frame_behind_the_message() {
        let lost = || SourceState::Lost("camera “C920” was disconnected".to_owned());
        let sent = click(lost(), fixtures::webcam(), true, "Run the demo");
        assert_eq!(sent, Some(Command::OpenSource(SourceSpec::Demo)));
        click(lost(), fixtures::webcam(), true, "Frame, no face");
    }

    #[test]
    fn the_frame_has_a_description() {
        let look = OverlayLook::default();
        assert_eq!(description(&[], &look), "Frame, no face");
        assert_eq!(
            description(&fixtures::faces(2), &look),
            "Frame: angry 40 %, disgust 45 %"
        );
    }
}
