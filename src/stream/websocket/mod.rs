//! Results as JSON text messages for WebSocket clients.
//!
//! A client gets a [greeting](super::message::greeting), then one [message](super::message::live) for each analyzed
//! frame, each as it comes. The pipeline only writes the JSON and hands it over; each client has a thread of its own that
//! does the talking. The queue to it is short and refuses what does not fit. Results are dropped, and never delay the
//! picture.
//!
//! A client that does not read costs the others nothing, but it is not kept for good: it is dropped when its buffer is
//! full or when it answers a ping too late. A connection that sends no request makes way for the next.

mod admission;
mod clients;
mod connection;
mod heartbeat;
mod listener;
mod log_limit;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam_channel::Sender;

pub use self::clients::MAX_CLIENTS;
use self::{admission::Admission, clients::Clients, connection::ServerContext, listener::Listener};
use super::{
    LiveOutput, StreamError,
    message::{self, wall_time},
};
use crate::pipeline::{Analysis, SourceRun, Tap};

/// A running server. Dropping it closes all connections and ends their threads.
pub struct WebSocketServer {
    address: SocketAddr,
    clients: Arc<Clients>,
    /// `None` only while dropping, which ends the thread.
    running: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl WebSocketServer {
    /// Listens on `address`; port 0 takes any that is free. Pages of `allowed_origins` may connect besides those of
    /// this computer. `on_change` is called from another thread when the number of clients has changed.
    ///
    /// # Errors
    /// [`StreamError::InUse`] if another program listens there, otherwise [`StreamError::Listen`].
    pub fn bind(
        address: SocketAddr,
        allowed_origins: Vec<String>,
        on_change: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StreamError> {
        let admission = Admission {
            allowed_origins,
            loopback_only: address.ip().is_loopback(),
        };
        Self::start(address, admission, Clients::new(on_change)).map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                StreamError::InUse { address }
            } else {
                StreamError::Listen { address, source }
            }
        })
    }

    fn start(address: SocketAddr, admission: Admission, clients: Clients) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let clients = Arc::new(clients);
        let server = ServerContext {
            admission,
            greeting: message::greeting()?.into(),
            clients: Arc::clone(&clients),
        };
        let listener = Listener::new(listener, server)?;
        let (running, stop) = crossbeam_channel::bounded(0);
        let thread = thread::Builder::new()
            .name("websocket".to_owned())
            .spawn(move || listener.run(&stop))?;
        Ok(Self {
            address,
            clients,
            running: Some(running),
            thread: Some(thread),
        })
    }

    /// Clients that were dropped because they did not keep up.
    pub fn n_slow(&self) -> u64 {
        self.clients.n_slow()
    }

    /// Results that a client did not get, because the processor had no time for its thread.
    pub fn n_lost(&self) -> u64 {
        self.clients.n_lost()
    }

    /// Sends a text to every client.
    fn publish(&self, text: String) {
        self.clients.publish(&text.into());
    }
}

impl Tap for WebSocketServer {
    fn analyzed(&self, run: SourceRun, analysis: &Analysis) {
        if self.clients.count() == 0 {
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
        Some(self.clients.count())
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
