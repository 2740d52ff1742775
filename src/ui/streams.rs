//! The live outputs of the window: their addresses, which are on, and how many clients they have.
//!
//! Whether one is on is never remembered: the user decides at every start whether other programs may read the values.

use std::{net::SocketAddr, sync::Arc};

use super::words::{self, text};
use crate::{
    pipeline::{Tap, TapHandle, markers::MarkerRelay},
    stream::{self, LiveOutput, Output, StreamConfig, StreamError},
};

/// A live output as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStatus {
    /// Which.
    pub output: Output,
    /// The address that it listens on or sends to, or would.
    pub address: SocketAddr,
    /// Whether it is on.
    pub is_on: bool,
    /// How many clients it has; `None` if it is off or has no clients.
    pub n_clients: Option<usize>,
}

impl StreamStatus {
    /// The address as a URL.
    pub fn url(&self) -> String {
        self.output.url(self.address)
    }

    /// Whether other computers can read the values.
    pub fn is_exposed(&self) -> bool {
        !self.address.ip().is_loopback()
    }

    /// "WebSocket ws://127.0.0.1:9117, 2 clients".
    pub fn words(&self) -> String {
        let words = format!("{} {}", words::output(self.output), self.url());
        match self.n_clients {
            None => words,
            Some(n_clients) => text!("stream-clients", output = words, count = n_clients),
        }
    }
}

/// The live outputs.
pub struct Streams {
    config: StreamConfig,
    relay: Arc<MarkerRelay>,
    running: Vec<Running>,
}

struct Running {
    output: Output,
    live: Arc<dyn LiveOutput>,
    /// Dropping it detaches the output from the pipeline; dropping `live` ends it.
    _attached: TapHandle,
}

impl Streams {
    /// All off. Markers from other programs go to `relay`.
    pub fn new(config: StreamConfig, relay: Arc<MarkerRelay>) -> Self {
        Self {
            config,
            relay,
            running: Vec::new(),
        }
    }

    /// Switches an output on, listening through `attach`, or off. `on_change` is called from another thread when a
    /// client comes or goes. Returns at once.
    ///
    /// # Errors
    /// If it cannot be switched on; then it stays off.
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
        let live = stream::start(output, &self.config, &self.relay, on_change)?;
        self.running.push(Running {
            output,
            _attached: attach(Arc::clone(&live) as Arc<dyn Tap>),
            live,
        });
        Ok(())
    }

    /// Changes the port of an output, effective when it is next switched on.
    pub fn set_port(&mut self, output: Output, port: u16) {
        self.config.address_mut(output).set_port(port);
    }

    /// Every output, on or off.
    pub fn status(&self) -> [StreamStatus; Output::ALL.len()] {
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

    /// The warning about an output that is on and that other computers can read.
    pub fn exposure(&self, output: Output) -> Option<String> {
        let on = self.running.iter().find(|on| on.output == output)?;
        let address = on.live.address();
        (!address.ip().is_loopback()).then(|| {
            text!(
                "stream-exposed",
                output = words::output(output),
                address = output.url(address)
            )
        })
    }

    /// How many markers from other programs were refused.
    pub fn n_markers_refused(&self) -> u64 {
        self.relay.n_refused()
    }

    /// Whether any output is on.
    pub fn is_any_on(&self) -> bool {
        !self.running.is_empty()
    }
}
