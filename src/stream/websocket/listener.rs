//! The thread that accepts connections, starts a thread for each, and ends them all.

use std::{
    convert::Infallible,
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    clients::{Disconnect, MAX_CLIENTS},
    connection::{self, ServerContext},
};

/// Clients and connections in their handshake, which takes a program on this computer a millisecond. The one that has been
/// in its handshake longest makes way for the next.
const MAX_CONNECTIONS: usize = 2 * MAX_CLIENTS;

/// Time between two checks for new connections. A thread that blocks in `accept` could be ended only by connecting to it.
const ACCEPT_EVERY: Duration = Duration::from_millis(20);

/// A server's socket and the threads of its connections.
pub(super) struct Listener {
    listener: TcpListener,
    server: Arc<ServerContext>,
    /// Oldest first.
    connections: Vec<Connection>,
    n_accepted: u64,
}

struct Connection {
    id: u64,
    /// For ending its handshake.
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Listener {
    /// A listener without connections.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking.
    pub fn new(listener: TcpListener, server: ServerContext) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            server: Arc::new(server),
            connections: Vec::new(),
            n_accepted: 0,
        })
    }

    /// Serves until the sender of `stop` is gone, and then until every thread has ended.
    pub fn run(mut self, stop: &Receiver<Infallible>) {
        while stop.recv_timeout(ACCEPT_EVERY) == Err(RecvTimeoutError::Timeout) {
            self.accept();
            let ended = self
                .connections
                .extract_if(.., |connection| connection.thread.is_finished());
            ended.for_each(Connection::join);
            self.server.clients.sum_up(false);
        }
        // Clients end by themselves; a connection in its handshake may be blocked.
        let clients = self.server.clients.close();
        for connection in self.connections {
            if !clients.contains(&connection.id) {
                connection.shut_down();
            }
            connection.join();
        }
        self.server.clients.sum_up(true);
    }

    /// Accepts all waiting connections.
    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if self.connections.len() >= MAX_CONNECTIONS {
                        self.make_room();
                    }
                    if let Err(error) = self.start(stream) {
                        self.not_accepted(&error);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The connection was closed again, or a signal interrupted the call.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                    ) => {}
                Err(error) => return self.not_accepted(&error),
            }
        }
    }

    fn start(&mut self, stream: TcpStream) -> io::Result<()> {
        // On some systems it inherits the listener's mode.
        stream.set_nonblocking(false)?;
        // A result is one small packet, and the next comes much later: waiting to fill the packet only delays it.
        stream.set_nodelay(true)?;
        let id = self.n_accepted;
        let server = Arc::clone(&self.server);
        let own = stream.try_clone()?;
        let thread = thread::Builder::new()
            .name("websocket client".to_owned())
            .spawn(move || {
                let reason = connection::serve(own, id, &server);
                server.clients.note(&reason);
            })?;
        self.n_accepted += 1;
        self.connections.push(Connection { id, stream, thread });
        Ok(())
    }

    /// Ends the connection that has been in its handshake longest. There is one, since only half of the places are for
    /// clients.
    fn make_room(&mut self) {
        let clients = &self.server.clients;
        let is_in_handshake = |connection: &Connection| !clients.contains(connection.id);
        if let Some(oldest) = self.connections.iter().position(is_in_handshake) {
            let connection = self.connections.remove(oldest);
            connection.shut_down();
            connection.join();
            clients.note(&Disconnect::NoRequest);
        }
    }

    fn not_accepted(&self, error: &io::Error) {
        let clients = &self.server.clients;
        clients.warn(format_args!(
            "a WebSocket client could not be accepted: {error}"
        ));
    }
}

impl Connection {
    /// Makes every blocked call on the connection return.
    fn shut_down(&self) {
        self.stream.shutdown(Shutdown::Both).ok(); // It fails if the client has done so.
    }

    fn join(self) {
        if self.thread.join().is_err() {
            log::error!("the thread of a WebSocket client ended in a panic");
        }
    }
}
