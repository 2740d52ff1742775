//! The icon of the window, drawn by formula: a smiling face on a rounded square.

use egui::IconData;

/// Side, px. Desktops scale it down.
const SIDE: u32 = 128;
/// Background: the blue of the light theme's accent.
const GROUND: [f32; 3] = [26.0, 99.0, 192.0];
/// Lines: white.
const LINES: [f32; 3] = [255.0, 255.0, 255.0];

/// The icon as RGBA.
pub fn window_icon() -> IconData {
    let rgba = (0..SIDE * SIDE)
        .flat_map(|idx| {
            // Coordinates from -1 to 1, y down.
            let unit = |px: u32| (px as f32 + 0.5) / SIDE as f32 * 2.0 - 1.0;
            pixel(unit(idx % SIDE), unit(idx / SIDE))
        })
        .collect();
    IconData {
        rgba,
        width: SIDE,
        height: SIDE,
    }
}

fn pixel(x: f32, y: f32) -> [u8; 4] {
    // Signed distances, negative inside; one pixel of soft edge.
    let square = {
        let (radius, half) = (0.42, 0.94);
        let (dx, dy) = (x.abs() - (half - radius), y.abs() - (half - radius));
        dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - radius
    };
    let eyes = (x.abs() - 0.3).hypot((y + 0.2) * 0.8) - 0.1;
    // The lower part of a ring, with round ends.
    let (angle_end_x, angle_end_y) = (0.46_f32, 0.2_f32);
    let radius = angle_end_x.hypot(angle_end_y);
    let mouth = if y >= angle_end_y * x.abs() / angle_end_x {
        (x.hypot(y) - radius).abs() - 0.075
    } else {
        (x.abs() - angle_end_x).hypot(y - angle_end_y) - 0.075
    };
    let coverage = |distance: f32| (0.5 - distance * SIDE as f32 / 2.0).clamp(0.0, 1.0);
    let line = coverage(eyes.min(mouth));
    let [r, g, b] =
        std::array::from_fn(|idx| (GROUND[idx] + (LINES[idx] - GROUND[idx]) * line).round() as u8);
    [r, g, b, (coverage(square) * 255.0).round() as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_opaque_in_the_middle_and_clear_at_its_corners() {
        let icon = window_icon();
        let alpha = |x: u32, y: u32| icon.rgba[((y * SIDE + x) * 4 + 3) as usize];
        assert_eq!(icon.rgba.len() as u32, SIDE * SIDE * 4);
        assert_eq!(alpha(SIDE / 2, SIDE / 2), 255);
        assert_eq!(alpha(0, 0), 0);
        assert_eq!(alpha(SIDE - 1, SIDE - 1), 0);
    }
}
