//! Live values out: what other programs get while it runs.
//!
//! | output | for | default address |
//! | --- | --- | --- |
//! | [`websocket`]: one JSON [`message`] a frame | scripts, pages, experiments | `127.0.0.1:9117` |
//! | [`osc`]: messages over UDP | sound, light and video programs | `127.0.0.1:9000` |
//! | [`json_lines`]: one line a frame | pipes | none |
//!
//! All of it is off until somebody switches it on, and none is remembered as on. Each is a
//! [`Tap`], so the pipeline calls it and goes on; none can make it wait.
//!
//! What a newcomer would get wrong: an address that is not a loopback address lets others read the facial
//! expressions of whoever sits before the camera, and nothing protects the values on their way. So [`start`] refuses
//! one unless [`StreamConfig::expose_to_network`] is set, which only the command line does, on a flag of its own.
//! On loopback every program and every user of this computer can read.

#[cfg(test)]
mod fixtures;
pub mod json_lines;
pub mod message;
#[cfg(feature = "stream")]
pub mod osc;
#[cfg(feature = "stream")]
pub mod websocket;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use crate::pipeline::Tap;

/// Whether this build can open sockets at all (feature `stream`).
pub const AVAILABLE: bool = cfg!(feature = "stream");

/// The ways out over a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A server that WebSocket clients connect to.
    WebSocket,
    /// Open Sound Control, sent over UDP.
    Osc,
}

impl Output {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::Osc];

    /// Its name on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::Osc => "OSC",
        }
    }

    /// The port unless another is asked for. 9117 belongs to no registered service that streams; 9000 is where OSC
    /// programs usually listen.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::WebSocket => 9117,
            Self::Osc => 9000,
        }
    }

    /// Its address as people and programs write it.
    pub fn url(self, address: SocketAddr) -> String {
        match self {
            Self::WebSocket => format!("ws://{address}"),
            Self::Osc => format!("udp://{address}"),
        }
    }
}

/// Where results go, and who may have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// Where the WebSocket server listens.
    pub websocket: SocketAddr,
    /// Where OSC is sent.
    pub osc: SocketAddr,
    /// Origins of pages that may connect besides those of this computer: `https://example.org`.
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
        }
    }

    /// Changes where `output` listens or sends to.
    pub fn address_mut(&mut self, output: Output) -> &mut SocketAddr {
        match output {
            Output::WebSocket => &mut self.websocket,
            Output::Osc => &mut self.osc,
        }
    }
}

/// What was asked for at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Outputs to switch on, each with its address if it is not the usual one.
    pub on: Vec<(Output, Option<SocketAddr>)>,
    /// See [`StreamConfig::allowed_origins`].
    pub allowed_origins: Vec<String>,
    /// See [`StreamConfig::expose_to_network`].
    pub expose_to_network: bool,
}

impl StreamOptions {
    /// `usual`, with what was asked for in its place.
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

/// An output that is on. Dropping the last handle switches it off.
pub trait LiveOutput: Tap {
    /// Where it listens or sends to, with the port that it really has.
    fn address(&self) -> SocketAddr;
    /// How many clients it has; `None` where nobody knows, since nobody connects.
    fn n_clients(&self) -> Option<usize>;
}

/// Why an output cannot be switched on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Somebody else listens there.
    #[error("port {} is in use by another program; choose another port", address.port())]
    InUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system does not allow to listen there.
    #[error("{address} cannot be listened on")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The system has no socket for sending there.
    #[error("nothing can be sent to {address}")]
    Udp {
        /// The address that was asked for.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An address beyond this computer, and nobody said that this is meant.
    #[error("{address} is not on this computer; --expose-to-network allows it")]
    NotOnThisComputer {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Built without the feature `stream`.
    #[error("this build has no live outputs (feature `stream`)")]
    NotBuilt,
}

/// Switches an output on; attach it to a [`Pipeline`](crate::pipeline::Pipeline) to have something come out.
/// `on_change` is called, from another thread, when [`LiveOutput::n_clients`] has changed.
///
/// # Errors
/// [`StreamError`].
pub fn start(
    output: Output,
    config: &StreamConfig,
    on_change: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<dyn LiveOutput>, StreamError> {
    let address = config.address(output);
    if !address.ip().is_loopback() && !config.expose_to_network {
        return Err(StreamError::NotOnThisComputer { address });
    }
    open(output, config, on_change)
}

#[cfg(feature = "stream")]
fn open(
    output: Output,
    config: &StreamConfig,
    on_change: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<dyn LiveOutput>, StreamError> {
    let address = config.address(output);
    Ok(match output {
        Output::WebSocket => {
            let origins = config.allowed_origins.clone();
            Arc::new(websocket::WebSocketServer::bind(
                address, origins, on_change,
            )?)
        }
        Output::Osc => Arc::new(osc::OscSender::open(address)?),
    })
}

#[cfg(not(feature = "stream"))]
fn open(
    _: Output,
    _: &StreamConfig,
    _: impl Fn() + Send + Sync + 'static,
) -> Result<Arc<dyn LiveOutput>, StreamError> {
    Err(StreamError::NotBuilt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_this_computer_unless_that_is_said() {
        let config = StreamConfig::default();
        for output in Output::ALL {
            assert!(config.address(output).ip().is_loopback());
            for beyond in ["0.0.0.0:0", "192.168.1.5:9117", "[::]:0", "8.8.8.8:9000"] {
                let mut config = config.clone();
                *config.address_mut(output) = beyond.parse().unwrap();
                let error = start(output, &config, || {})
                    .err()
                    .map(|error| error.to_string());
                assert_eq!(
                    error,
                    Some(format!(
                        "{beyond} is not on this computer; --expose-to-network allows it"
                    ))
                );
            }
        }
    }

    #[test]
    #[cfg(feature = "stream")]
    fn what_is_said_is_done() {
        let mut config = StreamConfig {
            expose_to_network: true,
            ..StreamConfig::default()
        };
        for output in Output::ALL {
            *config.address_mut(output) = "0.0.0.0:0".parse().unwrap();
            let running = start(output, &config, || {}).unwrap();
            assert!(running.address().ip().is_unspecified());
        }
    }

    #[test]
    #[cfg(not(feature = "stream"))]
    fn a_build_without_says_so() {
        for output in Output::ALL {
            let outcome = start(output, &StreamConfig::default(), || {});
            assert!(matches!(outcome.err(), Some(StreamError::NotBuilt)));
        }
    }
}
