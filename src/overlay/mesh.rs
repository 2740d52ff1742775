//! The face mesh and the axes of the head.

use egui::{Color32, Painter, Pos2, Stroke, pos2};

use super::geometry::UiFromFrame;
use crate::detect::{HeadPose, MeshPoints, pose};

/// Width of the mesh's lines at scale 1, points: thin, so that the face behind them stays visible.
const LINE_WIDTH: f32 = 0.7;
/// Width of the axes at scale 1, points.
const AXIS_WIDTH: f32 = 2.5;
/// Length of an axis, in distances between the outer corners of the eyes.
const AXIS_LENGTH: f32 = 0.7;
/// The tip of the nose and the outer corners of the eyes.
const NOSE: usize = 1;
const RIGHT_EYE: usize = 33;
const LEFT_EYE: usize = 263;

/// To the person's left, down, and straight ahead.
const AXIS_COLORS: [Color32; 3] = [
    Color32::from_rgb(0xF0, 0x5A, 0x5A),
    Color32::from_rgb(0x5A, 0xD0, 0x6A),
    Color32::from_rgb(0x5A, 0xA8, 0xFF),
];
const LINES: Color32 = Color32::from_rgba_premultiplied(90, 115, 125, 110);

/// Draws one mesh and, from the tip of the nose, the axes of the head.
pub(super) fn paint(
    painter: &Painter,
    ui_from_frame: &UiFromFrame,
    points: &MeshPoints,
    scale: f32,
) {
    if !points.iter().flatten().all(|value| value.is_finite()) {
        return;
    }
    let at = |[x, y, _]: [f32; 3]| ui_from_frame.point(pos2(x, y));
    let line = Stroke::new(LINE_WIDTH * scale, LINES);
    for &[a, b, c] in pose::triangles() {
        let [a, b, c] = [a, b, c].map(usize::from);
        // Each edge belongs to two triangles, which traverse it in opposite directions: one of them draws it.
        for (from, to) in [(a, b), (b, c), (c, a)] {
            if from < to {
                painter.line_segment([at(points[from]), at(points[to])], line);
            }
        }
    }
    let Some(head) = HeadPose::fit(points) else {
        return;
    };
    let unit = {
        let [a, b] = [points[RIGHT_EYE], points[LEFT_EYE]];
        (a[0] - b[0]).hypot(a[1] - b[1]).hypot(a[2] - b[2])
    };
    let nose = points[NOSE];
    for (axis, color) in head.axes_in_frame().into_iter().zip(AXIS_COLORS) {
        let reach = AXIS_LENGTH * unit;
        let tip: Pos2 = at([nose[0] + reach * axis[0], nose[1] + reach * axis[1], 0.0]);
        let stroke = Stroke::new(AXIS_WIDTH * scale, color);
        painter.line_segment([at(nose), tip], stroke);
    }
}
