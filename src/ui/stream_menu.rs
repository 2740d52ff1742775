//! The Stream menu: which programs get the values while they are made.

use egui::{DragValue, Ui};

use super::{
    commands::Command,
    keyboard,
    menu_item::{MARK_WIDTH, Mark, item_ui, note_ui},
    streams::StreamStatus,
};
use crate::stream::{self, Output};

/// Ports on offer. Below are those that belong to the system.
const PORTS: std::ops::RangeInclusive<u16> = 1024..=u16::MAX;

/// Draws the menu's lines. It stays open, so that what was switched can be seen.
pub fn stream_ui(ui: &mut Ui, status: &[StreamStatus], command: &mut Option<Command>) {
    if !stream::AVAILABLE {
        return note_ui(ui, "This build has no live outputs (feature stream)");
    }
    for (place, status) in status.iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        output_ui(ui, status, command);
    }
    ui.separator();
    note_ui(ui, "Values only; pictures are never sent.");
    if !status.iter().any(StreamStatus::is_exposed) {
        note_ui(ui, "Only programs on this computer can read them.");
    }
}

fn output_ui(ui: &mut Ui, status: &StreamStatus, command: &mut Option<Command>) {
    let output = status.output;
    let shortcut = ui.ctx().format_shortcut(&keyboard::output(output));
    let label = match output {
        Output::WebSocket => format!("WebSocket at {}", status.url()),
        Output::Osc => format!("OSC to {}", status.url()),
    };
    let response = item_ui(ui, Mark::Check(status.is_on), &label, &shortcut);
    if response.clicked() {
        *command = Some(Command::ToggleOutput(output));
    }
    response.on_hover_text(match output {
        Output::WebSocket => "One JSON message for each analysed frame, for every client",
        Output::Osc => "Messages under /fervis for each analysed frame",
    });
    ui.horizontal(|ui| {
        ui.add_space(MARK_WIDTH);
        let name = ui.label(format!("{} port", output.name()));
        // A port that is in use cannot be changed under the feet of those who use it.
        ui.add_enabled_ui(!status.is_on, |ui| {
            let mut port = status.address.port();
            let field = DragValue::new(&mut port)
                .range(PORTS)
                .clamp_existing_to_range(false)
                .update_while_editing(false);
            if ui.add(field).labelled_by(name.id).changed() {
                *command = Some(Command::SetOutputPort(output, port));
            }
        });
    });
    if status.is_exposed() {
        note_ui(ui, "Anyone on that network can read the expressions.");
    }
}
