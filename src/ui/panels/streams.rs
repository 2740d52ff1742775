//! The live outputs: their menu, and the line at the bottom that says what is going out.

use egui::{Align, DragValue, Label, Layout, RichText, TextStyle, Ui, vec2};

use super::{
    menu_item::{MARK_WIDTH, Mark, item_ui, note_ui},
    status_bar,
};
use crate::{
    stream::{self, Output},
    ui::{
        colors,
        commands::Command,
        keyboard,
        streams::StreamStatus,
        words::{self, text},
    },
};

/// Height of the line at the bottom while something is on, points.
pub const LINE_HEIGHT: f32 = status_bar::LINE_HEIGHT + 5.0;

/// Ports on offer. Lower ones are reserved for the system.
const PORTS: std::ops::RangeInclusive<u16> = 1024..=u16::MAX;

/// Draws the menu. It stays open, to show what was switched.
pub fn menu_ui(ui: &mut Ui, status: &[StreamStatus], command: &mut Option<Command>) {
    if !stream::AVAILABLE {
        return note_ui(ui, text!("stream-unavailable"));
    }
    for (place, status) in status.iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        output_ui(ui, status, command);
    }
    ui.separator();
    note_ui(ui, text!("stream-values-only"));
    if !status.iter().any(StreamStatus::is_exposed) {
        note_ui(ui, text!("stream-local"));
    }
}

fn output_ui(ui: &mut Ui, status: &StreamStatus, command: &mut Option<Command>) {
    let output = status.output;
    let shortcut = ui.ctx().format_shortcut(&keyboard::output(output));
    let label = match output {
        Output::WebSocket => text!("stream-websocket", address = status.url()),
        Output::Osc => text!("stream-osc", address = status.url()),
        Output::OscMarkers => text!("stream-osc-markers", address = status.url()),
    };
    let response = item_ui(ui, Mark::Check(status.is_on), &label, &shortcut);
    if response.clicked() {
        *command = Some(Command::ToggleOutput(output));
    }
    response.on_hover_text(match output {
        Output::WebSocket => {
            text!("stream-websocket-hint")
        }
        Output::Osc => text!("stream-osc-hint"),
        Output::OscMarkers => text!("stream-osc-markers-hint"),
    });
    ui.horizontal(|ui| {
        ui.add_space(MARK_WIDTH);
        let name = ui.label(text!("stream-port", output = words::output(output)));
        // While the output is on, clients depend on its port.
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
        note_ui(ui, text!("stream-exposed-values"));
    }
}

/// Draws the line that says which outputs are on. Not shown while all are off.
pub fn line_ui(ui: &mut Ui, status: &[StreamStatus], n_markers_refused: u64) {
    let palette = colors::palette(ui.ctx().theme());
    ui.style_mut().override_text_style = Some(TextStyle::Small);
    ui.spacing_mut().item_spacing = vec2(18.0, 0.0);
    let line = vec2(ui.available_width(), status_bar::LINE_HEIGHT);
    ui.allocate_ui_with_layout(line, Layout::left_to_right(Align::Center), |ui| {
        let on = || status.iter().filter(|status| status.is_on);
        let is_exposed = on().any(StreamStatus::is_exposed);
        let (color, words) = if is_exposed {
            (palette.warning, text!("stream-on-network"))
        } else {
            (palette.accent, text!("stream-on-computer"))
        };
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            status_bar::dot_ui(ui, color);
            let words = RichText::new(words);
            let words = if is_exposed {
                words.color(color)
            } else {
                words
            };
            ui.add(Label::new(words).extend())
                .on_hover_text(if is_exposed {
                    text!("stream-on-network-hint")
                } else {
                    text!("stream-on-computer-hint")
                });
        });
        for status in on() {
            let words = RichText::new(status.words()).color(palette.weak_text);
            ui.add(Label::new(words).truncate());
        }
        if n_markers_refused > 0 {
            let words = text!("stream-refused", count = n_markers_refused);
            let words = RichText::new(words).color(palette.warning);
            ui.add(Label::new(words).truncate())
                .on_hover_text(text!("stream-refused-hint"));
        }
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    fn status(output: Output, address: &str, n_clients: Option<usize>) -> StreamStatus {
        StreamStatus {
            output,
            address: address.parse().unwrap(),
            is_on: true,
            n_clients,
        }
    }

    fn line(status: Vec<StreamStatus>) -> Harness<'static> {
        let mut harness = Harness::builder()
            .with_size([720.0, LINE_HEIGHT])
            .build_ui(move |ui| line_ui(ui, &status, 0));
        harness.run_ok();
        harness
    }

    #[test]
    fn addresses_and_clients_are_listed() {
        let mut off = status(Output::Osc, "127.0.0.1:9000", None);
        let websocket = |n_clients| status(Output::WebSocket, "127.0.0.1:9117", Some(n_clients));
        for (n_clients, words) in [(0, "no clients"), (1, "1 client"), (2, "2 clients")] {
            let harness = line(vec![websocket(n_clients), off.clone()]);
            harness.get_by_label("Streaming on this computer");
            harness.get_by_label(&format!("WebSocket ws://127.0.0.1:9117, {words}"));
            harness.get_by_label("OSC udp://127.0.0.1:9000");
        }
        off.is_on = false;
        let harness = line(vec![websocket(0), off]);
        assert!(harness.query_by_label_contains("OSC").is_none());
    }

    #[test]
    fn streaming_to_the_network_is_named() {
        let harness = line(vec![status(Output::Osc, "192.168.1.20:9000", None)]);
        harness.get_by_label("Streaming to the network");
    }
}
