//! The drawing itself: boxes, plates, caption.
//!
//! [`paint`] needs nothing but a painter, so the window and offscreen frames share it. Sizes follow `scale`, not the
//! window: text keeps its size when the frame shrinks.

use std::time::Duration;

use egui::{
    Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Theme,
    Vec2, pos2,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use super::{colors, geometry::UiFromFrame, look::OverlayLook};
use crate::{
    detect::{LOST_GRACE, TrackedMesh},
    palette,
    pipeline::{FaceAnalysis, Shown},
};

/// Width of a box's line at scale 1, points.
const LINE_WIDTH: f32 = 2.5;
/// Width of the dark rim on either side of the line at scale 1, points.
const RIM_WIDTH: f32 = 1.0;
/// Length of the dashes, and of the gaps between them, around a face that is not named, at scale 1, points.
const DASH: f32 = 9.0;
const GAP: f32 = 6.0;
/// Text size on a plate at scale 1, points.
const TEXT_SIZE: f32 = 14.0;
/// Text size on a plate as a share of the height of a large frame.
const TEXT_SHARE: f32 = 0.022;
/// Height of a plate at scale 1, points.
const PLATE_HEIGHT: f32 = 24.0;
/// Space inside a plate left and right, and between its parts, at scale 1, points.
const PADDING: f32 = 7.0;
/// Maximum length of a face's name on its plate, characters.
const MAX_NAME_CHARS: usize = 20;
/// Opacity of a face when the tracker drops it, after [`LOST_GRACE`].
const FADED_OPACITY: f32 = 0.35;

/// Size of lines and text for a frame that is shown `height` points high: 1 up to 640 points, and in proportion above, so
/// that names can be read from the back of a room. Text has a whole number of points: each size takes room in the atlas of
/// glyphs.
pub fn scale_in_window(height: f32) -> f32 {
    (TEXT_SHARE * height).round().max(TEXT_SIZE) / TEXT_SIZE
}

/// Draws each face's box, its mesh, and a plate with its expression and probability, as `look` asks.
///
/// `ui_from_frame` says where the frame that `faces` belong to is shown; nothing is drawn outside it. `scale` sizes lines
/// and text: 1 for the window, [`scale_for`](super::scale_for) offscreen. Faces whose box is empty or not finite are left
/// out.
pub fn paint(
    painter: &Painter,
    ui_from_frame: &UiFromFrame,
    faces: &[FaceAnalysis],
    meshes: &[TrackedMesh],
    look: &OverlayLook,
    scale: f32,
) {
    let frame = ui_from_frame.frame_rect;
    let painter = painter.with_clip_rect(frame);
    let placed: Vec<(&FaceAnalysis, Rect)> = faces
        .iter()
        .filter_map(|face| {
            let box_in_ui = drawable(ui_from_frame.rect(face.box_in_frame), frame)?;
            Some((face, box_in_ui))
        })
        .collect();
    let faded = |face: &FaceAnalysis| {
        let mut painter = painter.clone();
        painter.multiply_opacity(opacity(face.unseen_for));
        painter
    };
    if look.mesh {
        for mesh in meshes {
            super::mesh::paint(&painter, ui_from_frame, &mesh.points, scale);
        }
    }
    // Plates come after all boxes, so that no line crosses a name.
    if look.boxes {
        for &(face, box_in_ui) in &placed {
            let shown = face.shown(look.uncertain_below);
            let color = color_of(shown);
            paint_box(&faded(face), box_in_ui, color, !shown.is_named(), scale);
        }
    }
    let mut taken = Vec::with_capacity(placed.len() + 1);
    if let Some(caption) = &look.caption {
        taken.push(paint_caption(&painter, frame, caption, scale));
    }
    if look.names {
        for &(face, box_in_ui) in &placed {
            let painter = faded(face);
            let plate = Plate::layout(&painter, face, look, faces.len() > 1, scale);
            let rect = place_plate(frame, box_in_ui, plate.size, &taken, scale);
            plate.paint(&painter, rect.min);
            taken.push(rect);
        }
    }
}

/// A name as it fits on a plate.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

/// The words on a face's plate.
pub fn plate_text(face: &FaceAnalysis, look: &OverlayLook) -> String {
    let shown = face.shown(look.uncertain_below);
    let name = (look.name_of)(shown.word());
    match shown {
        Shown::TurnedAway => name.to_owned(),
        _ => format!("{name} {:.0} %", face.probability() * 100.0),
    }
}

/// The visible part of a face's box, with enough around it that the cut does not show. `None` if nothing is visible.
fn drawable(box_in_ui: Rect, frame: Rect) -> Option<Rect> {
    // Coordinates far outside would lose the fraction of a pixel, and overflow in the rasterizer.
    let margin = frame.size().max_elem() + 100.0;
    let rect = box_in_ui.intersect(frame.expand(margin));
    (box_in_ui.is_finite() && rect.is_positive()).then_some(rect)
}

/// The color of a face's box and chip.
fn color_of(shown: Shown) -> Color32 {
    // A frame has no theme; the dark theme's brighter colors stand out on the dark rim.
    colors::shown(shown, Theme::Dark)
}

fn opacity(unseen_for: Duration) -> f32 {
    let share = (unseen_for.as_secs_f32() / LOST_GRACE.as_secs_f32()).min(1.0);
    1.0 - share * (1.0 - FADED_OPACITY)
}

/// Draws a rectangle of dashes, as around everything that is not named. `dash` and `gap` are their lengths, points.
pub fn dashed_rect(painter: &Painter, rect: Rect, stroke: Stroke, dash: f32, gap: f32) {
    // Dashes that are cut into a rounded path would have uneven ends at the corners.
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    painter.extend(Shape::dashed_line(&corners, stroke, dash, gap));
}

/// Draws slanted lines over a rectangle: what stands there counts for nothing, or has no label. `step` is the distance of
/// the lines, points.
pub fn hatch(painter: &Painter, rect: Rect, stroke: Stroke, step: f32) {
    let lines = palette::hatching(
        [rect.left(), rect.top()],
        [rect.right(), rect.bottom()],
        step,
    );
    painter.extend(lines.map(|[from, to]| Shape::line_segment([from.into(), to.into()], stroke)));
}

fn paint_box(painter: &Painter, rect: Rect, color: Color32, dashed: bool, scale: f32) {
    let rim = Stroke::new((LINE_WIDTH + 2.0 * RIM_WIDTH) * scale, colors::RIM);
    let line = Stroke::new(LINE_WIDTH * scale, color);
    if dashed {
        for stroke in [rim, line] {
            dashed_rect(painter, rect, stroke, DASH * scale, GAP * scale);
        }
        return;
    }
    let radius = CornerRadius::same((6.0 * scale).min(255.0) as u8);
    painter.rect_stroke(rect, radius, rim, StrokeKind::Middle);
    painter.rect_stroke(rect, radius, line, StrokeKind::Middle);
}

/// Draws the caption at the bottom left of the frame and returns the rectangle of its plate.
fn paint_caption(painter: &Painter, frame: Rect, caption: &str, scale: f32) -> Rect {
    let inset = PADDING * scale;
    let mut job = LayoutJob::simple_singleline(caption.to_owned(), font(scale), colors::PLATE_TEXT);
    job.wrap = TextWrapping::truncate_at_width((frame.width() - 4.0 * inset).max(0.0));
    let galley = painter.layout_job(job);
    let size = vec2(galley.size().x + 2.0 * inset, PLATE_HEIGHT * scale);
    let min = frame.left_bottom() + vec2(inset, -inset - size.y);
    let rect = Rect::from_min_size(min, size);
    painter.rect_filled(rect, plate_radius(scale), colors::PLATE);
    let text_height = galley.size().y;
    painter.galley(
        pos2(min.x + inset, rect.center().y - text_height / 2.0),
        galley,
        colors::PLATE_TEXT,
    );
    rect
}

/// One face's name plate, laid out but not yet placed.
struct Plate {
    /// The face's name, or its number.
    who: Option<String>,
    text: String,
    color: Color32,
    scale: f32,
    who_width: f32,
    size: Vec2,
}

impl Plate {
    /// `numbered` adds the number, as in the side panel, of a face without a name.
    fn layout(
        painter: &Painter,
        face: &FaceAnalysis,
        look: &OverlayLook,
        numbered: bool,
        scale: f32,
    ) -> Self {
        let text = plate_text(face, look);
        let width_of = |text: &str| {
            painter
                .layout_no_wrap(text.to_owned(), font(scale), Color32::WHITE)
                .size()
                .x
        };
        let name = look.face_names.get(face.track.0).map(shortened);
        let who = name.or_else(|| numbered.then(|| face.number.to_string()));
        let who_width = who
            .as_deref()
            .map_or(0.0, |who| width_of(who) + PADDING * scale);
        let width = chip_side(scale) + 3.0 * PADDING * scale + who_width + width_of(&text);
        Self {
            who,
            text,
            color: color_of(face.shown(look.uncertain_below)),
            scale,
            who_width,
            size: vec2(width, PLATE_HEIGHT * scale),
        }
    }

    fn paint(&self, painter: &Painter, min: Pos2) {
        let Self { scale, .. } = *self;
        let rect = Rect::from_min_size(min, self.size);
        painter.rect_filled(rect, plate_radius(scale), colors::PLATE);
        let middle = rect.center().y;
        let mut x = rect.left() + PADDING * scale;
        if let Some(who) = &self.who {
            painter.text(
                pos2(x, middle),
                Align2::LEFT_CENTER,
                who,
                font(scale),
                colors::PLATE_WEAK_TEXT,
            );
            x += self.who_width;
        }
        let side = chip_side(scale);
        let chip = Rect::from_min_size(pos2(x, middle - side / 2.0), Vec2::splat(side));
        painter.rect_filled(chip, CornerRadius::same((2.0 * scale) as u8), self.color);
        painter.text(
            pos2(chip.right() + PADDING * scale, middle),
            Align2::LEFT_CENTER,
            &self.text,
            font(scale),
            colors::PLATE_TEXT,
        );
    }
}

fn plate_radius(scale: f32) -> CornerRadius {
    CornerRadius::same((5.0 * scale).min(255.0) as u8)
}

fn font(scale: f32) -> FontId {
    FontId::proportional(TEXT_SIZE * scale)
}

fn chip_side(scale: f32) -> f32 {
    10.0 * scale
}

/// Where a plate goes: above its box, else below it, else inside at the top or the bottom, whichever first lies in the
/// frame and covers no plate in `taken`. If none does, it goes above, pushed into the frame.
fn place_plate(frame: Rect, face: Rect, size: Vec2, taken: &[Rect], scale: f32) -> Rect {
    let gap = (LINE_WIDTH / 2.0 + RIM_WIDTH + 1.0) * scale;
    let into_frame = |y: f32| {
        let x = face.left().min(frame.right() - size.x).max(frame.left());
        let y = y.min(frame.bottom() - size.y).max(frame.top());
        Rect::from_min_size(pos2(x, y), size)
    };
    let rows = [
        face.top() - gap - size.y,
        face.bottom() + gap,
        face.top() + gap,
        face.bottom() - gap - size.y,
    ];
    rows.iter()
        .filter(|&&y| y >= frame.top() && y + size.y <= frame.bottom())
        .map(|&y| into_frame(y))
        .find(|rect| taken.iter().all(|other| !other.intersects(*rect)))
        .unwrap_or_else(|| into_frame(rows[0]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRAME: Rect = Rect {
        min: pos2(100.0, 50.0),
        max: pos2(740.0, 410.0),
    };
    const SIZE: Vec2 = vec2(110.0, 24.0);

    #[test]
    fn a_plate_goes_above_its_box_if_there_is_room() {
        let face = Rect::from_min_size(pos2(300.0, 200.0), vec2(100.0, 100.0));
        let plate = place_plate(FRAME, face, SIZE, &[], 1.0);
        assert_eq!(plate.left(), face.left());
        assert!(plate.bottom() < face.top());
        // At the top of the frame there is no room above.
        let face = Rect::from_min_size(pos2(300.0, 55.0), vec2(100.0, 100.0));
        assert!(place_plate(FRAME, face, SIZE, &[], 1.0).top() > face.bottom());
        // A face larger than the frame has it inside.
        let plate = place_plate(FRAME, FRAME.expand(50.0), SIZE, &[], 1.0);
        assert!(FRAME.contains_rect(plate));
    }

    #[test]
    fn neighbors_do_not_cover_each_others_names() {
        let left = Rect::from_min_size(pos2(300.0, 200.0), vec2(90.0, 90.0));
        let right = left.translate(vec2(60.0, 4.0));
        let first = place_plate(FRAME, left, SIZE, &[], 1.0);
        let second = place_plate(FRAME, right, SIZE, &[first], 1.0);
        assert!(!first.intersects(second));
    }

    #[test]
    fn text_grows_with_a_large_frame_and_stays_readable_on_a_small_one() {
        assert_eq!(scale_in_window(0.0), 1.0);
        assert_eq!(scale_in_window(480.0), 1.0);
        assert_eq!(scale_in_window(1000.0) * TEXT_SIZE, 22.0);
    }

    #[test]
    fn a_lost_face_fades_but_stays_visible() {
        assert_eq!(opacity(Duration::ZERO), 1.0);
        assert!((opacity(Duration::from_secs(9)) - FADED_OPACITY).abs() < 1e-6);
    }

    #[test]
    fn invalid_boxes_are_left_out_and_huge_ones_cut_outside_the_frame() {
        let at = |x, y, width, height| Rect::from_min_size(pos2(x, y), vec2(width, height));
        let check = |rect: Rect, expected: Option<Rect>| {
            assert_eq!(drawable(rect, FRAME), expected, "{rect}");
        };
        check(
            at(300.0, 200.0, 90.0, 90.0),
            Some(at(300.0, 200.0, 90.0, 90.0)),
        );
        check(at(f32::NAN, 200.0, 90.0, 90.0), None);
        check(at(300.0, 200.0, f32::INFINITY, 90.0), None);
        check(at(300.0, 200.0, -90.0, 90.0), None);
        check(at(300.0, 200.0, 0.0, 90.0), None);
        check(at(1e30, 200.0, 90.0, 90.0), None);
        let huge = drawable(at(-1e30, -1e30, 2e30, 2e30), FRAME).unwrap();
        assert!(huge.contains_rect(FRAME.expand(100.0)), "{huge}");
        assert!(huge.width() < 3000.0, "{huge}");
    }

    proptest! {
        #[test]
        fn plates_always_lie_in_the_frame(
            x in -300.0f32..900.0, y in -300.0f32..700.0, side in 1.0f32..900.0,
        ) {
            let face = Rect::from_min_size(pos2(x, y), Vec2::splat(side));
            let plate = place_plate(FRAME, face, SIZE, &[], 1.0);
            prop_assert!(FRAME.expand(0.01).contains_rect(plate), "{plate}");
        }
    }
}
