//! Results as JSON text messages for WebSocket clients.
//!
//! A client gets a [greeting](super::message::greeting) with the network's labels, then one [message](super::message::live) for each analyzed
//! frame, each as it comes. The pipeline only writes the JSON and hands it over; each client has a thread of its own that
//! sends it. The queue to that thread is short and refuses what does not fit: results are dropped, and never delay the
//! video.
//!
//! A client may set markers in what is being recorded, and hears when each is written; see
//! [`Request`](super::message::Request). Only clients on this computer may.
//!
//! A client that does not read costs the others nothing, but it is not kept for good: it is dropped when its buffer is
//! full or when it answers a ping too late. A connection that sends no request makes way for the next.

mod admission;
mod connection;
mod heartbeat;
mod listener;
mod log_limit;
mod mark;
mod server;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use crossbeam_channel::Sender;

use self::{admission::Admission, listener::Listener, log_limit::LogLimit, server::Server};
pub use self::{
    mark::{MarkError, Marked, mark},
    server::MAX_CLIENTS,
};
use super::{
    LiveOutput, StreamError,
    message::{self, wall_time},
};
use crate::{
    expression::Labels,
    pipeline::{Analysis, SourceRun, Tap, markers::MarkerRelay},
};

/// A running server. Dropping it closes all connections and ends their threads.
pub struct WebSocketServer {
    address: SocketAddr,
    server: Arc<Server>,
    /// `None` only while dropping, which ends the thread.
    running: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl WebSocketServer {
    /// Listens on `address`; port 0 takes any that is free. Pages of `allowed_origins` may connect besides those of
    /// this computer. Markers go to `relay`. `on_change` is called from another thread when the number of clients has changed.
    ///
    /// # Errors
    /// [`StreamError::InUse`] if another program listens there, otherwise [`StreamError::Listen`].
    pub fn bind(
        address: SocketAddr,
        allowed_origins: Vec<String>,
        relay: Arc<MarkerRelay>,
        on_change: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StreamError> {
        let start = || -> io::Result<Self> {
            let socket = TcpListener::bind(address)?;
            let address = socket.local_addr()?;
            let labels = Labels::default();
            let server = Arc::new(Server {
                admission: Admission {
                    allowed_origins,
                    loopback_only: address.ip().is_loopback(),
                },
                greeting: Mutex::new((labels, message::greeting(labels)?.into())),
                on_change: Box::new(on_change),
                clients: Mutex::new(Some(Vec::new())),
                n_slow: AtomicU64::default(),
                n_lost: AtomicU64::default(),
                relay,
                log_limit: Mutex::<LogLimit>::default(),
            });
            let listener = Listener::new(socket, Arc::clone(&server))?;
            let (running, stop) = crossbeam_channel::bounded(0);
            let thread = thread::Builder::new()
                .name("websocket".to_owned())
                .spawn(move || listener.run(&stop))?;
            Ok(Self {
                address,
                server,
                running: Some(running),
                thread: Some(thread),
            })
        };
        start().map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StreamError::InUse { address },
            _ => StreamError::Listen { address, source },
        })
    }

    /// Clients that were dropped because they did not keep up.
    pub fn n_slow(&self) -> u64 {
        self.server.n_slow.load(Ordering::SeqCst)
    }

    /// Results that a client did not get, because the processor had no time for its thread.
    pub fn n_lost(&self) -> u64 {
        self.server.n_lost.load(Ordering::SeqCst)
    }

    /// Sends a text to every client.
    fn publish(&self, text: String) {
        self.server.publish(&text.into());
    }
}

impl Tap for WebSocketServer {
    fn analyzed(&self, run: SourceRun, analysis: &Analysis) {
        if let Some(checkpoint) = &analysis.checkpoint
            && let Err(error) = self.server.follow_labels(checkpoint.labels)
        {
            log::warn!("the labels could not be written as JSON: {error}");
        }
        if self.server.n_clients() == 0 {
            return;
        }
        match message::live(run, analysis, wall_time(analysis.frame.captured_at)) {
            Ok(text) => self.publish(text),
            Err(error) => log::warn!("a result could not be written as JSON: {error}"),
        }
    }
}

impl LiveOutput for WebSocketServer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn n_clients(&self) -> Option<usize> {
        Some(self.server.n_clients())
    }
}

impl Drop for WebSocketServer {
    fn drop(&mut self) {
        self.running = None;
        // From here on no thread waits for a client, so this takes milliseconds.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the websocket thread ended in a panic");
        }
    }
}
