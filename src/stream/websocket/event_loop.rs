//! The one thread that talks to all clients.
//!
//! It sleeps until a socket has something, a result was handed over, or a client is due for a ping. No socket is ever
//! waited for alone, so a client that hangs delays nobody.

use std::{
    collections::HashMap,
    io,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use crossbeam_channel::{Receiver, TryRecvError};
use mio::{Events, Interest, Poll, Token, Waker, net::TcpListener};
use tungstenite::Utf8Bytes;

use super::{
    MAX_CLIENTS, Shared,
    admission::Admission,
    client::{Client, Gone, House},
    log_limit::LogLimit,
};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const FIRST_CLIENT: usize = 2;

/// Clients and connections that are at their handshake, which takes a program of this computer a millisecond. Whoever is
/// longest at it makes way for the next.
const MAX_CONNECTIONS: usize = 2 * MAX_CLIENTS;

/// See the module's documentation.
pub(super) struct EventLoop {
    poll: Poll,
    listener: TcpListener,
    inbox: Receiver<Utf8Bytes>,
    admission: Admission,
    greeting: Utf8Bytes,
    shared: Arc<Shared>,
    clients: HashMap<Token, Client>,
    next_token: usize,
    log_limit: LogLimit,
}

impl EventLoop {
    /// A loop that has not begun, and what wakes it.
    ///
    /// # Errors
    /// If the system refuses to watch sockets.
    pub fn new(
        mut listener: TcpListener,
        inbox: Receiver<Utf8Bytes>,
        admission: Admission,
        greeting: Utf8Bytes,
        shared: Arc<Shared>,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(registry, WAKER)?;
        let event_loop = Self {
            poll,
            listener,
            inbox,
            admission,
            greeting,
            shared,
            clients: HashMap::new(),
            next_token: FIRST_CLIENT,
            log_limit: LogLimit::default(),
        };
        Ok((event_loop, waker))
    }

    /// Serves until the sender of the inbox is gone and the loop was woken.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(2 * MAX_CONNECTIONS);
        loop {
            let clients = self.clients.values().map(Client::due_at);
            let due_at = clients.chain(self.log_limit.due_at()).min();
            let wait = due_at.map(|at| at.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, wait) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    log::error!("the WebSocket server ends: {error}");
                    break;
                }
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    WAKER => {}
                    client => self.turn(client),
                }
            }
            if self.pass_on().is_break() {
                break;
            }
            let now = Instant::now();
            self.for_each(|client| client.tick(now));
            tell_untold(self.log_limit.sum_up(now));
        }
        tell_untold(self.log_limit.untold());
        for client in self.clients.values_mut() {
            client.dismiss();
        }
        self.clients.clear();
        self.count();
    }

    /// Takes everybody in who waits at the door.
    fn accept(&mut self) {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // It left again, or a signal came between.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                    ) =>
                {
                    continue;
                }
                Err(error) => {
                    self.not_taken_in(&error);
                    return;
                }
            };
            if self.clients.len() >= MAX_CONNECTIONS {
                self.make_room();
            }
            let token = Token(self.next_token);
            // A result is one small packet, and the next one comes much later: waiting to fill it only delays it.
            let prepared = stream.set_nodelay(true).and_then(|()| {
                let both = Interest::READABLE | Interest::WRITABLE;
                self.poll.registry().register(&mut stream, token, both)
            });
            match prepared {
                Ok(()) => {
                    self.next_token += 1;
                    self.clients
                        .insert(token, Client::new(stream, Instant::now()));
                }
                Err(error) => self.not_taken_in(&error),
            }
        }
    }

    /// Lets go of whoever is longest at the handshake. There is somebody, since only half of the places are for clients.
    fn make_room(&mut self) {
        let handshakes = self.clients.iter().filter_map(|(token, client)| {
            let until = client.handshake_until()?;
            Some((until, *token))
        });
        if let Some((_, token)) = handshakes.min() {
            self.clients.remove(&token);
            self.shared.note(&Gone::NoRequest, &mut self.log_limit);
        }
    }

    fn not_taken_in(&mut self, error: &io::Error) {
        if self.log_limit.allows(Instant::now()) {
            log::warn!("a WebSocket client could not be taken in: {error}");
        }
    }

    /// Lets one client do what its socket is ready for.
    fn turn(&mut self, token: Token) {
        let n_open = self.n_open();
        // Events of a client that has gone may still be in the batch.
        let Some(client) = self.clients.get_mut(&token) else {
            return;
        };
        let house = House {
            admission: &self.admission,
            is_full: n_open >= MAX_CLIENTS,
            greeting: &self.greeting,
        };
        if let Err(reason) = client.turn(&house, Instant::now()) {
            self.clients.remove(&token);
            self.shared.note(&reason, &mut self.log_limit);
        }
        self.count();
    }

    /// Sends everything that was handed over. Breaks once nothing more will be.
    fn pass_on(&mut self) -> ControlFlow<()> {
        loop {
            match self.inbox.try_recv() {
                Ok(text) => self.for_each(|client| client.send(&text)),
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
            }
        }
    }

    /// Does something with every client, and lets go of those for whom it fails.
    fn for_each(&mut self, mut act: impl FnMut(&mut Client) -> Result<(), Gone>) {
        let (shared, log_limit) = (&self.shared, &mut self.log_limit);
        self.clients.retain(|_, client| match act(client) {
            Ok(()) => true,
            Err(reason) => {
                shared.note(&reason, log_limit);
                false
            }
        });
        self.count();
    }

    fn n_open(&self) -> usize {
        self.clients
            .values()
            .filter(|client| client.is_open())
            .count()
    }

    /// Tells how many clients there are, if that has changed.
    fn count(&self) {
        let n_open = self.n_open();
        if self.shared.n_clients.swap(n_open, Ordering::SeqCst) != n_open {
            (self.shared.on_change)();
        }
    }
}

fn tell_untold(n_untold: Option<u64>) {
    if let Some(n_untold) = n_untold {
        log::warn!("{n_untold} more WebSocket clients were dropped in the last minute");
    }
}
