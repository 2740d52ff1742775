//! View → Timeline: the last minute of all faces, below the frame.

use egui::{Layout, RichText, ScrollArea, Ui, vec2};

use super::face_panel;
use crate::ui::strips::Strips;

/// Height of a face's lane, points.
const LANE_HEIGHT: f32 = 58.0;
/// Room for a face's name, points.
const NAME_WIDTH: f32 = 64.0;

/// Draws a lane for each face that was in view during the last minute.
pub fn timeline_ui(ui: &mut Ui, strips: &mut Strips) {
    let tracks: Vec<_> = strips.tracks().collect();
    if tracks.is_empty() {
        let hint = "Faces of the last minute appear here.";
        ui.centered_and_justified(|ui| ui.label(RichText::new(hint).weak()));
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for track in tracks {
            ui.horizontal(|ui| {
                let name = vec2(NAME_WIDTH, LANE_HEIGHT);
                ui.allocate_ui_with_layout(
                    name,
                    Layout::left_to_right(egui::Align::Center),
                    |ui| {
                        ui.set_min_width(NAME_WIDTH);
                        ui.label(format!("Face {}", track.0));
                    },
                );
                face_panel::strip_ui(ui, track, strips, LANE_HEIGHT);
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::{frame::Resolution, ui::fixtures};

    #[test]
    fn every_face_has_a_lane() {
        let frame = fixtures::frame(1, Resolution::new(64, 48), Instant::now());
        let mut strips = Strips::default();
        let mut harness = Harness::builder()
            .with_size([600.0, 300.0])
            .build_ui_state(timeline_ui, std::mem::take(&mut strips));
        harness.run_ok();
        harness.get_by_label_contains("appear here");
        harness
            .state_mut()
            .see(&fixtures::analysis(&frame, fixtures::faces(3)), 0.0);
        harness.run_ok();
        for number in 0..3 {
            harness.get_by_label(&format!("Face {number}"));
            harness.get_by_label_contains(&format!("Last minute of face {number}"));
        }
    }
}
