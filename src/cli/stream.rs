//! Options of the live outputs and of markers from other programs, and their use without a window.
//!
//! Outputs are off unless requested. An address beyond this computer is a usage error without the option that says what
//! it exposes.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use fervis::{
    pipeline::{Pipeline, Tap, TapHandle, markers::MarkerRelay},
    stream::{self, LiveOutput, Output, StreamConfig, StreamOptions},
};

use super::usage;

/// What to say when values leave this computer.
const EXPOSED: &str =
    "anyone on that network can read the facial expressions of whoever sits before the camera";

/// Live values for other programs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Live values for other programs")]
pub struct StreamArgs {
    /// Serve results to WebSocket clients on this computer, one JSON message per frame [default port: 9117]
    #[arg(long, value_name = "PORT", value_parser = listen_address)]
    websocket: Option<Option<SocketAddr>>,

    /// Send results as OSC messages over UDP to this computer [default port: 9000]
    #[arg(long, value_name = "PORT", value_parser = send_address)]
    osc: Option<Option<SocketAddr>>,

    /// Take markers from OSC messages over UDP, /fervis/marker, from this computer only [default port: 9001]
    #[arg(long, value_name = "PORT", value_parser = marker_address)]
    osc_markers: Option<Option<SocketAddr>>,

    /// Let web pages of this origin (https://example.org) read the WebSocket; can be repeated
    ///
    /// Pages that this computer serves (localhost), and programs, need no permission.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,

    /// Allow ADDRESS:PORT beyond this computer in --websocket and --osc. Anyone on that network can then read the
    /// facial expressions of whoever sits before the camera
    ///
    /// Values travel unencrypted, and everyone who reaches the port gets them. Images are never sent.
    #[arg(long)]
    expose_to_network: bool,
}

impl StreamArgs {
    /// The requested outputs of the command `name` (`None` is the window).
    ///
    /// # Errors
    /// A usage error if an address is beyond this computer and `--expose-to-network` is missing.
    pub fn options(&self, name: Option<&str>) -> Result<StreamOptions, clap::Error> {
        let requested = [
            (Output::WebSocket, self.websocket),
            (Output::Osc, self.osc),
            (Output::OscMarkers, self.osc_markers),
        ];
        let on: Vec<_> = requested
            .into_iter()
            .filter_map(|(output, address)| Some((output, address?)))
            .collect();
        let addresses = || on.iter().filter_map(|(_, address)| *address);
        if let Some(address) = addresses().find(|address| !address.ip().is_loopback())
            && !self.expose_to_network
        {
            let message = format!(
                "{address} is not on this computer; --expose-to-network allows it, and then {EXPOSED}"
            );
            return Err(usage(name, &message));
        }
        Ok(StreamOptions {
            on,
            allowed_origins: self.allow_origin.clone(),
            expose_to_network: self.expose_to_network,
        })
    }
}

/// The outputs of a run without a window.
pub struct Streams {
    relay: Arc<MarkerRelay>,
    live: Vec<(Output, Arc<dyn LiveOutput>)>,
}

impl Streams {
    /// Switches on the requested outputs.
    ///
    /// # Errors
    /// If one of them cannot start: the script that requested it relies on it.
    pub fn start(options: &StreamOptions) -> anyhow::Result<Self> {
        let config = options.config(StreamConfig::default());
        let relay = Arc::new(MarkerRelay::default());
        let live = options.on.iter().map(|&(output, _)| {
            let live = stream::start(output, &config, &relay, || {})
                .with_context(|| format!("{} cannot be switched on", output.name()))?;
            Ok((output, live))
        });
        let live = live.collect::<anyhow::Result<_>>()?;
        Ok(Self { relay, live })
    }

    /// Where markers of other programs come from.
    pub fn markers(&self) -> &MarkerRelay {
        &self.relay
    }

    /// Attaches the outputs until the handles are dropped.
    pub fn attach(&self, pipeline: &Pipeline) -> Vec<TapHandle> {
        let live = self.live.iter();
        live.map(|(_, live)| pipeline.attach(Arc::clone(live) as Arc<dyn Tap>))
            .collect()
    }

    /// The address of each output, one line per output.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        self.live.iter().map(|(output, live)| {
            let address = live.address();
            let url = output.url(address);
            let name = output.name();
            if address.ip().is_loopback() {
                format!("{name}: {url}")
            } else {
                format!("{name}: {url}; warning: {EXPOSED}")
            }
        })
    }
}

/// A port of this computer, or a whole address. Port 0 means any free port.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let port = text
        .parse()
        .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    port.or_else(|_| text.parse()).map_err(|_| {
        "give a port, such as 9117, or ADDRESS:PORT; a source comes before this option".to_owned()
    })
}

fn marker_address(text: &str) -> Result<SocketAddr, String> {
    let address = listen_address(text)?;
    if !address.ip().is_loopback() {
        return Err("markers are taken from this computer only; give a port".to_owned());
    }
    Ok(address)
}

fn send_address(text: &str) -> Result<SocketAddr, String> {
    let address = listen_address(text)?;
    if address.port() == 0 {
        return Err("nobody can listen on port 0".to_owned());
    }
    Ok(address)
}

/// An origin as browsers write it: scheme, host, and a port if it is not the scheme's own.
fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty() && !host.is_empty() && !host.contains('/')
    });
    if is_origin || text == "null" {
        Ok(text.to_owned())
    } else {
        Err("write it as browsers do, without a path: https://example.org".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    /// The options of the window.
    fn window(line: &str) -> Result<StreamOptions, clap::Error> {
        let words = ["fervis"].into_iter().chain(line.split_whitespace());
        Cli::try_parse_from(words)?.stream.options(None)
    }

    fn local(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn outputs_are_off_unless_requested() {
        let check = |line: &str, on: &[(Output, Option<SocketAddr>)]| {
            assert_eq!(window(line).unwrap().on, on, "{line}");
        };
        check("", &[]);
        check("--source demo", &[]);
        check("--websocket", &[(Output::WebSocket, None)]);
        check(
            "--osc 9001 --source demo",
            &[(Output::Osc, Some(local(9001)))],
        );
        check("--osc-markers", &[(Output::OscMarkers, None)]);
        check(
            "--osc --websocket 0",
            &[(Output::WebSocket, Some(local(0))), (Output::Osc, None)],
        );
        let beyond = "192.168.1.20:9000".parse().ok();
        check(
            "--osc 192.168.1.20:9000 --expose-to-network",
            &[(Output::Osc, beyond)],
        );
    }

    #[test]
    fn the_default_address_is_this_computer() {
        let options = window("--websocket --osc 9001 --allow-origin https://lab.example").unwrap();
        let config = options.config(StreamConfig::default());
        assert_eq!(config.websocket, local(9117));
        assert_eq!(config.osc, local(9001));
        assert_eq!(config.allowed_origins, ["https://lab.example"]);
        assert!(!config.expose_to_network);
    }

    #[test]
    fn exposing_needs_its_own_option() {
        for line in [
            "--websocket 0.0.0.0:9117",
            "--osc 10.0.0.7:9000",
            "--websocket [::]:9117",
        ] {
            let error = window(line).expect_err(line);
            assert_eq!(error.exit_code(), 2);
            let text = error.to_string();
            assert!(
                text.contains("--expose-to-network") && text.contains("facial"),
                "{text}"
            );
        }
        assert!(window("--websocket [::1]:9117").is_ok());
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in [
            "--websocket demo",
            "--websocket 99999",
            "--osc 0",
            "--osc localhost:9000",
            "--osc-markers 0.0.0.0:9001",
            "--osc-markers 10.0.0.7:9001 --expose-to-network",
            "--allow-origin example.org",
            "--allow-origin https://example.org/page",
            "--websocket --websocket",
        ] {
            assert_eq!(window(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }
}
