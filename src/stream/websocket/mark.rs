//! A client that sets one marker in whatever the server's program is recording.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::Value;
use tungstenite::{HandshakeError, Message};

use super::super::message;

/// How long connecting, and each message, may take. On one computer it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// A marker that was set, as the server says.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    /// Its number among the recording's markers, from 1.
    pub number: u64,
    /// Its time in the recording, s.
    pub time_s: f64,
}

/// Why a marker was not set. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// Nothing listens there.
    #[error(
        "nothing listens on port {port}: switch on Stream → WebSocket in the window, or start fervis with --websocket"
    )]
    NobodyThere {
        /// The port.
        port: u16,
    },
    /// Something else listens there.
    #[error("what listens on port {port} is not fervis")]
    NotFervis {
        /// The port.
        port: u16,
    },
    /// The server refused the connection or the marker.
    #[error("the marker was not set: {0}")]
    Refused(String),
    /// It is not known whether the marker was set.
    #[error("fervis did not answer; look in the recording whether the marker was set")]
    NoAnswer,
}

/// Sets a marker through the server on `port` of this computer. `time_s` is the sender's time.
///
/// # Errors
/// [`MarkError`].
pub fn mark(port: u16, text: &str, time_s: Option<f64>) -> Result<Marked, MarkError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connect = || -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let stream = connect().map_err(|_| MarkError::NobodyThere { port })?;
    let (mut socket, _) =
        tungstenite::client(format!("ws://{address}/"), stream).map_err(|error| match error {
            HandshakeError::Failure(tungstenite::Error::Http(response)) => {
                let body = response.into_body().unwrap_or_default();
                let body = String::from_utf8_lossy(&body);
                match body.trim().strip_prefix("fervis: ") {
                    Some(reason) => MarkError::Refused(reason.to_owned()),
                    None => MarkError::NotFervis { port },
                }
            }
            _ => MarkError::NotFervis { port },
        })?;
    let request = message::marker_request(text, time_s);
    socket
        .send(Message::text(request))
        .map_err(|_| MarkError::NoAnswer)?;
    let until = Instant::now() + PATIENCE;
    let mut is_fervis = false;
    while Instant::now() < until {
        let Ok(received) = socket.read() else {
            break;
        };
        let Message::Text(text) = received else {
            continue;
        };
        let Ok(answer) = serde_json::from_str::<Value>(&text) else {
            return Err(MarkError::NotFervis { port });
        };
        is_fervis |= answer["schema"] == message::SCHEMA;
        if let Some(error) = answer["error"].as_str() {
            return Err(MarkError::Refused(error.to_owned()));
        }
        let marker = &answer["marker"];
        if let (Some(number), Some(time_s)) = (marker["number"].as_u64(), marker["time_s"].as_f64())
        {
            socket.close(None).ok();
            socket.flush().ok();
            return Ok(Marked { number, time_s });
        }
    }
    Err(match is_fervis {
        true => MarkError::NoAnswer,
        false => MarkError::NotFervis { port },
    })
}
