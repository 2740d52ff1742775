//! The live outputs of the window: where they are, which are on, and how many listen.
//!
//! On is never remembered: whoever starts the application decides anew whether other programs may have the values.

use std::{net::SocketAddr, sync::Arc};

use egui::{Align, Label, Layout, RichText, TextStyle, Ui, vec2};

use super::{colors, status_bar};
use crate::{
    pipeline::{Tap, TapHandle},
    stream::{self, LiveOutput, Output, StreamConfig, StreamError},
};

/// Height of the line at the bottom while something is on, points.
pub const LINE_HEIGHT: f32 = status_bar::LINE_HEIGHT + 5.0;

/// An output as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStatus {
    /// Which.
    pub output: Output,
    /// Where it listens or sends to, or would.
    pub address: SocketAddr,
    /// Whether it is on.
    pub is_on: bool,
    /// How many clients it has; `None` if it is off or has no such thing.
    pub n_clients: Option<usize>,
}

impl StreamStatus {
    /// The address as people and programs write it.
    pub fn url(&self) -> String {
        self.output.url(self.address)
    }

    /// Whether others than this computer are reached.
    pub fn is_exposed(&self) -> bool {
        !self.address.ip().is_loopback()
    }

    /// "WebSocket ws://127.0.0.1:9117, 2 clients".
    fn words(&self) -> String {
        let words = format!("{} {}", self.output.name(), self.url());
        match self.n_clients {
            None => words,
            Some(0) => format!("{words}, no client"),
            Some(1) => format!("{words}, 1 client"),
            Some(n_clients) => format!("{words}, {n_clients} clients"),
        }
    }
}

/// See the module's documentation.
pub struct Streams {
    config: StreamConfig,
    running: Vec<Running>,
}

struct Running {
    output: Output,
    live: Arc<dyn LiveOutput>,
    /// Dropping it ends the results, and dropping `live` the output.
    _attached: TapHandle,
}

impl Streams {
    /// All off.
    pub fn new(config: StreamConfig) -> Self {
        Self {
            config,
            running: Vec::new(),
        }
    }

    /// Switches an output on, listening through `attach`, or off. `on_change` is called from another thread when a
    /// client comes or goes. Returns at once.
    ///
    /// # Errors
    /// If it cannot be switched on; it stays off then.
    pub fn toggle(
        &mut self,
        output: Output,
        attach: impl FnOnce(Arc<dyn Tap>) -> TapHandle,
        on_change: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), StreamError> {
        if let Some(place) = self.running.iter().position(|on| on.output == output) {
            self.running.remove(place);
            return Ok(());
        }
        let live = stream::start(output, &self.config, on_change)?;
        self.running.push(Running {
            output,
            _attached: attach(Arc::clone(&live) as Arc<dyn Tap>),
            live,
        });
        Ok(())
    }

    /// Changes the port of an output, from the next time that it is switched on.
    pub fn set_port(&mut self, output: Output, port: u16) {
        self.config.address_mut(output).set_port(port);
    }

    /// Every output, on or off.
    pub fn status(&self) -> [StreamStatus; 2] {
        Output::ALL.map(|output| {
            let on = self.running.iter().find(|on| on.output == output);
            StreamStatus {
                output,
                address: on.map_or(self.config.address(output), |on| on.live.address()),
                is_on: on.is_some(),
                n_clients: on.and_then(|on| on.live.n_clients()),
            }
        })
    }

    /// What is to be told about an output that is on and reaches others than this computer.
    pub fn exposure(&self, output: Output) -> Option<String> {
        let on = self.running.iter().find(|on| on.output == output)?;
        let address = on.live.address();
        (!address.ip().is_loopback()).then(|| {
            format!(
                "{} is open to the network at {}: anyone there can read the facial expressions of whoever \
                 sits before the camera.",
                output.name(),
                output.url(address)
            )
        })
    }

    /// Whether any output is on.
    pub fn is_any_on(&self) -> bool {
        !self.running.is_empty()
    }
}

/// Draws the line that says what is going out; there is none while nothing is.
pub fn stream_line_ui(ui: &mut Ui, status: &[StreamStatus]) {
    let palette = colors::palette(ui.ctx().theme());
    ui.style_mut().override_text_style = Some(TextStyle::Small);
    ui.spacing_mut().item_spacing = vec2(18.0, 0.0);
    let line = vec2(ui.available_width(), status_bar::LINE_HEIGHT);
    ui.allocate_ui_with_layout(line, Layout::left_to_right(Align::Center), |ui| {
        let on = || status.iter().filter(|status| status.is_on);
        let is_exposed = on().any(StreamStatus::is_exposed);
        let (color, words) = if is_exposed {
            (palette.warning, "Streaming to the network")
        } else {
            (palette.accent, "Streaming on this computer")
        };
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            status_bar::dot_ui(ui, color);
            let words = RichText::new(words);
            let words = if is_exposed { words.color(color) } else { words };
            ui.add(Label::new(words).extend()).on_hover_text(if is_exposed {
                "Anyone on that network can read the facial expressions of whoever sits before the camera"
            } else {
                "Every program on this computer can read the values; pictures are never sent"
            });
        });
        for status in on() {
            let words = RichText::new(status.words()).color(palette.weak_text);
            ui.add(Label::new(words).truncate());
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
            .build_ui(move |ui| stream_line_ui(ui, &status));
        harness.run_ok();
        harness
    }

    #[test]
    fn addresses_and_clients_are_named() {
        let mut off = status(Output::Osc, "127.0.0.1:9000", None);
        let websocket = |n_clients| status(Output::WebSocket, "127.0.0.1:9117", Some(n_clients));
        for (n_clients, words) in [(0, "no client"), (1, "1 client"), (2, "2 clients")] {
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
    fn the_network_is_named_too() {
        let harness = line(vec![status(Output::Osc, "192.168.1.20:9000", None)]);
        harness.get_by_label("Streaming to the network");
    }
}
