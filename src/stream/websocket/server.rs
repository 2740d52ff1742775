//! What the threads of one server share: its rules, and the clients to which results go.

use std::{
    fmt::Arguments,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crossbeam_channel::{Receiver, Sender};
use tungstenite::Utf8Bytes;

use super::{
    super::message,
    admission::{Admission, Refusal},
    log_limit::LogLimit,
};
use crate::{expression::Labels, panics::lock, pipeline::markers::MarkerRelay};

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

/// The state that the threads of one server share.
pub struct Server {
    /// Who may connect.
    pub admission: Admission,
    /// The first message to a client, and the labels that it names.
    pub greeting: Mutex<(Labels, Utf8Bytes)>,
    /// Called, from any thread, when the number of clients has changed.
    pub on_change: Box<dyn Fn() + Send + Sync>,
    /// The clients.
    pub clients: Mutex<Clients>,
    /// Clients that were dropped because they did not keep up.
    pub n_slow: AtomicU64,
    /// Results that a client did not get, because the processor had no time for its thread.
    pub n_lost: AtomicU64,
    /// Where clients' markers go.
    pub relay: Arc<MarkerRelay>,
    /// Limits the warnings about clients.
    pub log_limit: Mutex<LogLimit>,
}

/// Each client by the number of its connection, with the queue of its results; `None` once the server ends.
pub type Clients = Option<Vec<(u64, Sender<Utf8Bytes>)>>;

impl Server {
    /// Number of clients.
    pub fn n_clients(&self) -> usize {
        lock(&self.clients).as_ref().map_or(0, Vec::len)
    }

    /// Whether connection `id` is a client, so its handshake is done.
    pub fn is_client(&self, id: u64) -> bool {
        let clients = lock(&self.clients);
        clients.iter().flatten().any(|(client, _)| *client == id)
    }

    /// Makes connection `id` a client. Its results end when the server does.
    ///
    /// # Errors
    /// [`Refusal::Full`].
    pub fn join(&self, id: u64) -> Result<Receiver<Utf8Bytes>, Refusal> {
        let (outbox, results) = crossbeam_channel::bounded(MAX_WAITING);
        self.change(|clients| match clients {
            Some(clients) if clients.len() < MAX_CLIENTS => {
                clients.push((id, outbox));
                Ok(results)
            }
            Some(_) | None => Err(Refusal::Full),
        })
    }

    /// Ends what connection `id` was, and counts and logs why: only what the user should know is a warning.
    pub fn leave(&self, id: u64, reason: &Disconnect) {
        self.change(|clients| {
            clients
                .iter_mut()
                .for_each(|list| list.retain(|(it, _)| *it != id))
        });
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

    /// Ends every client's results, and refuses new clients from now on. Returns the clients that there were.
    pub fn close(&self) -> Vec<u64> {
        let clients = self.change(Option::take).unwrap_or_default();
        clients.iter().map(|(id, _)| *id).collect()
    }

    /// The first message to a client.
    pub fn greeting(&self) -> Utf8Bytes {
        lock(&self.greeting).1.clone()
    }

    /// Greets every client again if a result's labels are not those of the last greeting.
    ///
    /// # Errors
    /// As [`message::greeting`].
    pub fn follow_labels(&self, labels: Labels) -> serde_json::Result<()> {
        if lock(&self.greeting).0 == labels {
            return Ok(());
        }
        let greeting = Utf8Bytes::from(message::greeting(labels)?);
        *lock(&self.greeting) = (labels, greeting.clone());
        self.publish(&greeting);
        Ok(())
    }

    /// Hands a text to every client. Never waits.
    pub fn publish(&self, text: &Utf8Bytes) {
        let clients = lock(&self.clients);
        let refused = clients.iter().flatten().filter(|(_, outbox)| {
            let sent = outbox.try_send(text.clone());
            sent.is_err_and(|error| error.is_full())
        });
        let n_refused = refused.count() as u64;
        drop(clients);
        if n_refused > 0 && self.n_lost.fetch_add(n_refused, Ordering::SeqCst) == 0 {
            log::warn!(
                "some results are not sent to WebSocket clients: the processor is overloaded"
            );
        }
    }

    /// Logs a warning about a client, unless there were many of late.
    pub fn warn(&self, line: Arguments<'_>) {
        if lock(&self.log_limit).allows(Instant::now()) {
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

    /// Changes the list of clients. Says so if their number is another after it.
    fn change<T>(&self, change: impl FnOnce(&mut Clients) -> T) -> T {
        let mut clients = lock(&self.clients);
        let number = |clients: &Clients| clients.as_ref().map_or(0, Vec::len);
        let n_before = number(&clients);
        let result = change(&mut clients);
        let has_changed = number(&clients) != n_before;
        drop(clients);
        if has_changed {
            (self.on_change)();
        }
        result
    }
}
