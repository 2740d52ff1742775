//! Live values for other programs, and markers from them.
//!
//! | output | for | default address |
//! | --- | --- | --- |
//! | [`websocket`]: one JSON [`message`] a frame | scripts, pages, experiments | `127.0.0.1:9117` |
//! | [`osc`]: messages over UDP | sound, light and video programs | `127.0.0.1:9000` |
//! | [`osc_markers`]: markers that come in as OSC | experiments | `127.0.0.1:9001` |
//! | [`json_lines`]: one line a frame | pipes | none |
//!
//! Every output is off until the user turns it on, and starts off again the next time. Each is a [`Tap`], so it can never
//! make the pipeline wait.
//!
//! An address that is not a loopback address lets others read the facial expressions of whoever is in front of the camera,
//! and the values travel unencrypted. So [`start`] refuses one unless [`StreamConfig::expose_to_network`] is set, which only
//! a flag on the command line does. On loopback, every program and every user of this computer can read.
//!
//! Markers come over the WebSocket, or as OSC, from this computer only.

#[cfg(test)]
mod fixtures;
pub mod json_lines;
pub mod message;
#[cfg(feature = "stream")]
pub mod osc;
#[cfg(feature = "stream")]
pub mod osc_markers;
#[cfg(feature = "stream")]
pub mod websocket;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use crate::pipeline::{Tap, markers::MarkerRelay};

/// Whether this build can open sockets at all (feature `stream`).
pub const AVAILABLE: bool = cfg!(feature = "stream");

named! {
    /// What goes over a socket.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Output {
        /// A server that WebSocket clients connect to.
        WebSocket = "WebSocket",
        /// Open Sound Control, sent over UDP.
        Osc = "OSC",
        /// Markers from other programs, received as Open Sound Control over UDP.
        OscMarkers = "OSC markers",
    }
}

impl Output {
    /// The default port. 9117 belongs to no registered streaming service; 9000 is where OSC programs usually listen, and
    /// 9001 where they send.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::WebSocket => 9117,
            Self::Osc => 9000,
            Self::OscMarkers => 9001,
        }
    }

    /// The address as a URL.
    pub fn url(self, address: SocketAddr) -> String {
        match self {
            Self::WebSocket => format!("ws://{address}"),
            Self::Osc | Self::OscMarkers => format!("udp://{address}"),
        }
    }

    /// Whether it may leave this computer at all, with the user's permission.
    pub const fn may_be_exposed(self) -> bool {
        !matches!(self, Self::OscMarkers)
    }
}

/// Where results go, and who may read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// Where the WebSocket server listens.
    pub websocket: SocketAddr,
    /// Where OSC is sent.
    pub osc: SocketAddr,
    /// Where markers are received as OSC.
    pub osc_markers: SocketAddr,
    /// Origins of pages that may connect besides those of this computer, such as `https://example.org`.
    pub allowed_origins: Vec<String>,
    /// Whether addresses beyond this computer may be used.
    pub expose_to_network: bool,
}

impl Default for StreamConfig {
    fn default() -> Self {
        let local = |output: Output| SocketAddr::from((Ipv4Addr::LOCALHOST, output.default_port()));
        Self {
            websocket: local(Output::WebSocket),
            osc: local(Output::Osc),
            osc_markers: local(Output::OscMarkers),
            allowed_origins: Vec::new(),
            expose_to_network: false,
        }
    }
}

impl StreamConfig {
    /// Where `output` listens or sends to.
    pub fn address(&self, output: Output) -> SocketAddr {
        match output {
            Output::WebSocket => self.websocket,
            Output::Osc => self.osc,
            Output::OscMarkers => self.osc_markers,
        }
    }

    /// Changes where `output` listens or sends to.
    pub fn address_mut(&mut self, output: Output) -> &mut SocketAddr {
        match output {
            Output::WebSocket => &mut self.websocket,
            Output::Osc => &mut self.osc,
            Output::OscMarkers => &mut self.osc_markers,
        }
    }
}

/// The outputs to turn on at startup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// The outputs, each with its address unless it is the default.
    pub on: Vec<(Output, Option<SocketAddr>)>,
    /// See [`StreamConfig::allowed_origins`].
    pub allowed_origins: Vec<String>,
    /// See [`StreamConfig::expose_to_network`].
    pub expose_to_network: bool,
}

impl StreamOptions {
    /// `usual` with these options applied.
    pub fn config(&self, mut usual: StreamConfig) -> StreamConfig {
        for &(output, address) in &self.on {
            if let Some(address) = address {
                *usual.address_mut(output) = address;
            }
        }
        StreamConfig {
            allowed_origins: self.allowed_origins.clone(),
            expose_to_network: self.expose_to_network,
            ..usual
        }
    }
}

/// An output that is on. Dropping the last handle turns it off.
pub trait LiveOutput: Tap {
    /// Where it listens or sends to, with its actual port.
    fn address(&self) -> SocketAddr;
    /// Number of clients; `None` for an output to which nobody connects.
    fn n_clients(&self) -> Option<usize>;
}

/// Why an output cannot be turned on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Another program listens there.
    #[error("port {} is in use by another program; choose another port", address.port())]
    InUse {
        /// The requested address.
        address: SocketAddr,
    },
    /// The system does not allow listening there.
    #[error("cannot listen on {address}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The system offers no socket for sending there.
    #[error("cannot send to {address}")]
    Udp {
        /// The requested address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An address beyond this computer, without permission to use it.
    #[error("{address} is not on this computer; --expose-to-network allows it")]
    NotOnThisComputer {
        /// The requested address.
        address: SocketAddr,
    },
    /// Markers come from this computer only.
    #[error("{address} is not on this computer, and markers come from this computer only")]
    MarkersFromAfar {
        /// The requested address.
        address: SocketAddr,
    },
    /// Built without the feature `stream`.
    #[error("this build has no live outputs (feature `stream`)")]
    NotBuilt,
}

/// Turns an output on; attach it to a [`Pipeline`](crate::pipeline::Pipeline) to send its results. Markers that come in go
/// to `relay`. `on_change` is called, from another thread, when [`LiveOutput::n_clients`] has changed.
///
/// # Errors
/// [`StreamError`].
pub fn start(
    output: Output,
    config: &StreamConfig,
    relay: &Arc<MarkerRelay>,
    on_change: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<dyn LiveOutput>, StreamError> {
    let address = config.address(output);
    if !address.ip().is_loopback() && !output.may_be_exposed() {
        return Err(StreamError::MarkersFromAfar { address });
    }
    if !address.ip().is_loopback() && !config.expose_to_network {
        return Err(StreamError::NotOnThisComputer { address });
    }
    open(output, config, relay, on_change)
}

#[cfg(feature = "stream")]
fn open(
    output: Output,
    config: &StreamConfig,
    relay: &Arc<MarkerRelay>,
    on_change: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<dyn LiveOutput>, StreamError> {
    let address = config.address(output);
    let relay = Arc::clone(relay);
    Ok(match output {
        Output::WebSocket => {
            let origins = config.allowed_origins.clone();
            Arc::new(websocket::WebSocketServer::bind(
                address, origins, relay, on_change,
            )?)
        }
        Output::Osc => Arc::new(osc::OscSender::open(address)?),
        Output::OscMarkers => Arc::new(osc_markers::OscMarkers::bind(address, relay)?),
    })
}

#[cfg(not(feature = "stream"))]
fn open(
    _: Output,
    _: &StreamConfig,
    _: &Arc<MarkerRelay>,
    _: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<dyn LiveOutput>, StreamError> {
    Err(StreamError::NotBuilt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_this_computer_without_permission() {
        let config = StreamConfig::default();
        for output in Output::ALL {
            assert!(config.address(output).ip().is_loopback());
            for beyond in ["0.0.0.0:0", "192.168.1.5:9117", "[::]:0", "8.8.8.8:9000"] {
                let mut config = config.clone();
                *config.address_mut(output) = beyond.parse().unwrap();
                let error = start(output, &config, &Arc::default(), || {})
                    .err()
                    .map(|error| error.to_string());
                let rest = match output.may_be_exposed() {
                    true => "; --expose-to-network allows it",
                    false => ", and markers come from this computer only",
                };
                let expected = format!("{beyond} is not on this computer{rest}");
                assert_eq!(error, Some(expected));
            }
        }
    }

    #[test]
    #[cfg(feature = "stream")]
    fn with_permission_an_output_reaches_the_network() {
        let mut config = StreamConfig {
            expose_to_network: true,
            ..StreamConfig::default()
        };
        for output in Output::ALL {
            *config.address_mut(output) = "0.0.0.0:0".parse().unwrap();
            let running = start(output, &config, &Arc::default(), || {});
            assert_eq!(running.is_ok(), output.may_be_exposed());
            if let Ok(running) = running {
                assert!(running.address().ip().is_unspecified());
            }
        }
    }

    #[test]
    #[cfg(not(feature = "stream"))]
    fn a_build_without_says_so() {
        for output in Output::ALL {
            let outcome = start(output, &StreamConfig::default(), &Arc::default(), || {});
            assert!(matches!(outcome.err(), Some(StreamError::NotBuilt)));
        }
    }
}
