//! View → Timeline: the last minute of all faces, below the frame.

use egui::{Label, Layout, RichText, ScrollArea, Ui, vec2};

use super::face_panel;
use crate::{
    pipeline::face_names::FaceNames,
    ui::{strips::Strips, who::who, words::text},
};

/// Height of a face's lane, points.
const LANE_HEIGHT: f32 = 58.0;
/// Room for a face's name, points.
const NAME_WIDTH: f32 = 64.0;

/// Draws a lane for each face that was in view during the last minute.
pub fn timeline_ui(ui: &mut Ui, strips: &mut Strips, names: &FaceNames) {
    let faces: Vec<_> = strips.faces().collect();
    if faces.is_empty() {
        let hint = text!("timeline-empty");
        ui.centered_and_justified(|ui| ui.label(RichText::new(hint).weak()));
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (track, number) in faces {
            let who = who(names, track, number);
            ui.horizontal(|ui| {
                let name = vec2(NAME_WIDTH, LANE_HEIGHT);
                ui.allocate_ui_with_layout(
                    name,
                    Layout::left_to_right(egui::Align::Center),
                    |ui| {
                        ui.set_min_width(NAME_WIDTH);
                        ui.add(Label::new(&who).truncate());
                    },
                );
                face_panel::strip_ui(ui, track, &who, strips, LANE_HEIGHT);
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
        let mut harness = Harness::builder().with_size([600.0, 300.0]).build_ui_state(
            |ui, strips| timeline_ui(ui, strips, &FaceNames::default()),
            std::mem::take(&mut strips),
        );
        harness.run_ok();
        harness.get_by_label_contains("appear here");
        harness
            .state_mut()
            .see(&fixtures::analysis(&frame, fixtures::faces(3)), 0.0);
        harness.run_ok();
        for number in 0..3 {
            harness.get_by_label(&format!("Face {number}"));
            harness.get_by_label_contains(&format!("Last minute of Face {number}"));
        }
    }
}
