//! Results as JSON text messages for WebSocket clients.
//!
//! A client gets a [greeting](super::message::greeting), then one [message](super::message::live) for each analysed
//! frame, each as it comes. The pipeline only writes the JSON and hands it over; a thread of its own does the talking.
//! That queue is short and refuses what does not fit. Results are dropped, and never delay the picture.
//!
//! A client that does not read costs the others nothing, but it is not kept for good: it is let go when its buffer is
//! full, or when it answers a ping too late. One that connects and says nothing makes way for the next.

mod admission;
mod client;
mod event_loop;
mod heartbeat;
mod log_limit;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use crossbeam_channel::Sender;
use mio::{Waker, net::TcpListener};
use tungstenite::Utf8Bytes;

use self::{admission::Admission, client::Gone, event_loop::EventLoop, log_limit::LogLimit};
use super::{
    LiveOutput, StreamError,
    message::{self, wall_time},
};
use crate::pipeline::{Analysis, SourceRun, Tap};

/// How many clients there may be at once. Each is sent every result, so that more would cost the processor what the
/// network needs.
pub const MAX_CLIENTS: usize = 16;

/// Results on their way to the thread. It empties them in one go, so that they fill up only while the processor has
/// no time for it at all.
const MAX_WAITING: usize = 64;

/// A running server. Dropping it closes all connections.
pub struct WebSocketServer {
    address: SocketAddr,
    /// `None` only while dropping.
    outbox: Option<Sender<Utf8Bytes>>,
    waker: Waker,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread tells.
struct Shared {
    n_clients: AtomicUsize,
    /// Clients that were let go because they did not keep up.
    n_slow: AtomicU64,
    /// Results that were not handed over, because the thread had no time.
    n_lost: AtomicU64,
    /// Called when the number of clients has changed.
    on_change: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    /// Counts a client that is gone, and tells why: only what the user should know is more than a trace.
    fn note(&self, reason: &Gone, log_limit: &mut LogLimit) {
        if matches!(reason, Gone::Slow | Gone::Silent) {
            self.n_slow.fetch_add(1, Ordering::SeqCst);
        }
        match reason {
            Gone::Left => log::debug!("a WebSocket client is gone: {reason}"),
            Gone::Slow
            | Gone::Silent
            | Gone::NoRequest
            | Gone::Chatty
            | Gone::Refused(_)
            | Gone::Protocol(_) => {
                if log_limit.allows(Instant::now()) {
                    log::warn!("a WebSocket client was dropped: {reason}");
                }
            }
        }
    }
}

impl WebSocketServer {
    /// Listens on `address`; port 0 takes any that is free. Pages of `allowed_origins` may connect besides those of
    /// this computer. `on_change` is called from another thread when a client has come or gone.
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
        Self::start(address, admission, Box::new(on_change)).map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                StreamError::InUse { address }
            } else {
                StreamError::Listen { address, source }
            }
        })
    }

    fn start(
        address: SocketAddr,
        admission: Admission,
        on_change: Box<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let (outbox, inbox) = crossbeam_channel::bounded(MAX_WAITING);
        let shared = Arc::new(Shared {
            n_clients: AtomicUsize::default(),
            n_slow: AtomicU64::default(),
            n_lost: AtomicU64::default(),
            on_change,
        });
        let greeting = message::greeting()?.into();
        let (event_loop, waker) =
            EventLoop::new(listener, inbox, admission, greeting, Arc::clone(&shared))?;
        let thread = thread::Builder::new()
            .name("websocket".to_owned())
            .spawn(move || event_loop.run())?;
        Ok(Self {
            address,
            outbox: Some(outbox),
            waker,
            shared,
            thread: Some(thread),
        })
    }

    /// Clients that were let go because they did not keep up.
    pub fn n_slow(&self) -> u64 {
        self.shared.n_slow.load(Ordering::SeqCst)
    }

    /// Results that no client got, because the processor had no time for it.
    pub fn n_lost(&self) -> u64 {
        self.shared.n_lost.load(Ordering::SeqCst)
    }

    /// Sends a text to every client.
    fn publish(&self, text: String) {
        let Some(outbox) = &self.outbox else { return };
        if outbox.try_send(text.into()).is_err()
            && self.shared.n_lost.fetch_add(1, Ordering::SeqCst) == 0
        {
            log::warn!("results are not sent to WebSocket clients: the processor has no time");
        }
        self.wake();
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::warn!("the WebSocket server could not be woken: {error}");
        }
    }
}

impl Tap for WebSocketServer {
    fn analyzed(&self, run: SourceRun, analysis: &Analysis) {
        if self.n_clients() == Some(0) {
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
        Some(self.shared.n_clients.load(Ordering::SeqCst))
    }
}

impl Drop for WebSocketServer {
    fn drop(&mut self) {
        self.outbox = None;
        self.wake();
        // The thread waits for nobody but this, so it ends within a turn.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the websocket thread ended in a panic");
        }
    }
}
