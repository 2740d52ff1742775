//! The clients of a server: who gets the results, and what is logged and counted when a client leaves.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crossbeam_channel::{Receiver, Sender};
use tungstenite::Utf8Bytes;

use super::{admission::Refusal, log_limit::LogLimit};

/// How many clients there may be at once. Each is sent every result, so more would cost the processor what the network
/// needs.
pub const MAX_CLIENTS: usize = 16;

/// Results on their way to one client's thread. It passes them on without waiting, so they fill up only while the
/// processor has no time for it at all.
const MAX_WAITING: usize = 64;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum Disconnect {
    /// The client closed it, or its program ended.
    #[error("it closed the connection")]
    Left,
    /// It does not read as fast as results come.
    #[error("it did not read fast enough")]
    Slow,
    /// It did not answer a ping.
    #[error("it did not answer in time")]
    Silent,
    /// It did not finish its handshake.
    #[error("it connected and sent no request")]
    NoRequest,
    /// It sent more than a client may.
    #[error("it sent too much")]
    Chatty,
    /// It was refused.
    #[error("it was refused: {0}")]
    Refused(Refusal),
    /// It broke the protocol.
    #[error("it does not speak the protocol: {0}")]
    Protocol(String),
    /// The server was turned off.
    #[error("the stream was turned off")]
    TurnedOff,
}

/// The clients of one server, known by the numbers of their connections.
pub struct Clients {
    /// `None` once the server ends; nobody can join after that.
    outboxes: Mutex<Option<Vec<Outbox>>>,
    n_slow: AtomicU64,
    n_lost: AtomicU64,
    /// Called when the number of clients has changed.
    on_change: Box<dyn Fn() + Send + Sync>,
    log_limit: Mutex<LogLimit>,
}

struct Outbox {
    id: u64,
    results: Sender<Utf8Bytes>,
}

impl Clients {
    /// No clients. `on_change` is called, from any thread, when the number of clients has changed.
    pub fn new(on_change: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            outboxes: Mutex::new(Some(Vec::new())),
            n_slow: AtomicU64::default(),
            n_lost: AtomicU64::default(),
            on_change: Box::new(on_change),
            log_limit: Mutex::default(),
        }
    }

    /// Number of clients.
    pub fn count(&self) -> usize {
        self.outboxes().as_ref().map_or(0, Vec::len)
    }

    /// Clients that were dropped because they did not keep up.
    pub fn n_slow(&self) -> u64 {
        self.n_slow.load(Ordering::SeqCst)
    }

    /// Results that a client did not get, because the processor had no time for its thread.
    pub fn n_lost(&self) -> u64 {
        self.n_lost.load(Ordering::SeqCst)
    }

    /// Whether connection `id` is a client, so its handshake is done.
    pub fn contains(&self, id: u64) -> bool {
        let outboxes = self.outboxes();
        let mut clients = outboxes.iter().flatten();
        clients.any(|client| client.id == id)
    }

    /// Makes connection `id` a client until the membership is dropped.
    ///
    /// # Errors
    /// [`Refusal::Full`].
    pub fn join(self: &Arc<Self>, id: u64) -> Result<Membership, Refusal> {
        let (outbox, results) = crossbeam_channel::bounded(MAX_WAITING);
        match self.outboxes().as_mut() {
            Some(clients) if clients.len() < MAX_CLIENTS => clients.push(Outbox {
                id,
                results: outbox,
            }),
            Some(_) | None => return Err(Refusal::Full),
        }
        (self.on_change)();
        Ok(Membership {
            id,
            results,
            clients: Arc::clone(self),
        })
    }

    /// Hands a text to every client. Never waits.
    pub fn publish(&self, text: &Utf8Bytes) {
        let outboxes = self.outboxes();
        let refused = outboxes.iter().flatten().filter(|client| {
            let sent = client.results.try_send(text.clone());
            sent.is_err_and(|error| error.is_full())
        });
        let n_refused = refused.count() as u64;
        drop(outboxes);
        if n_refused > 0 && self.n_lost.fetch_add(n_refused, Ordering::SeqCst) == 0 {
            log::warn!(
                "some results are not sent to WebSocket clients: the processor is overloaded"
            );
        }
    }

    /// Ends every client's results, and refuses new clients from now on. Returns the clients that there were.
    pub fn close(&self) -> Vec<u64> {
        let clients = self.outboxes().take().unwrap_or_default();
        if !clients.is_empty() {
            (self.on_change)();
        }
        clients.iter().map(|client| client.id).collect()
    }

    /// Logs and counts why a connection ended. Only what the user should know is a warning.
    pub fn note(&self, reason: &Disconnect) {
        match reason {
            Disconnect::Left | Disconnect::TurnedOff => {
                return log::debug!("a WebSocket client is gone: {reason}");
            }
            Disconnect::Slow | Disconnect::Silent => {
                self.n_slow.fetch_add(1, Ordering::SeqCst);
            }
            Disconnect::NoRequest
            | Disconnect::Chatty
            | Disconnect::Refused(_)
            | Disconnect::Protocol(_) => {}
        }
        self.warn(format_args!("a WebSocket client was dropped: {reason}"));
    }

    /// Logs a warning about a client, unless there were many of late.
    pub fn warn(&self, line: std::fmt::Arguments<'_>) {
        let allowed = lock(&self.log_limit).allows(Instant::now());
        if allowed {
            log::warn!("{line}");
        }
    }

    /// Logs how many warnings were suppressed, once a minute and `at_end` of the server.
    pub fn sum_up(&self, at_end: bool) {
        let mut log_limit = lock(&self.log_limit);
        let n_suppressed = if at_end {
            log_limit.suppressed()
        } else {
            log_limit.sum_up(Instant::now())
        };
        drop(log_limit);
        if let Some(n_suppressed) = n_suppressed {
            log::warn!("{n_suppressed} more WebSocket clients were dropped in the last minute");
        }
    }

    fn outboxes(&self) -> MutexGuard<'_, Option<Vec<Outbox>>> {
        lock(&self.outboxes)
    }
}

/// What is locked here is consistent after every statement, so a panic cannot leave it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place among the clients.
pub struct Membership {
    id: u64,
    /// What is to be sent; disconnected when the server ends.
    pub results: Receiver<Utf8Bytes>,
    clients: Arc<Clients>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut outboxes = self.clients.outboxes();
        let was_there = outboxes.as_mut().is_some_and(|clients| {
            let n_before = clients.len();
            clients.retain(|client| client.id != self.id);
            clients.len() < n_before
        });
        drop(outboxes);
        if was_there {
            (self.clients.on_change)();
        }
    }
}
