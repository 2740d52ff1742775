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
    connection,
    server::{Disconnect, MAX_CLIENTS, Server},
};

/// Clients and connections in their handshake, which takes a program on this computer a millisecond. The one that has been
/// in its handshake longest makes way for the next.
const MAX_CONNECTIONS: usize = 2 * MAX_CLIENTS;

/// How many are accepted before the listener looks whether it is to end.
const MAX_AT_ONCE: usize = 32;

/// Time between two checks for new connections. A thread that blocks in `accept` could be ended only by connecting to it.
const ACCEPT_EVERY: Duration = Duration::from_millis(20);

/// A server's socket and the threads of its connections.
pub struct Listener {
    socket: TcpListener,
    server: Arc<Server>,
    /// Oldest first.
    connections: Vec<Connection>,
    /// Threads of connections that were shut down, and notice it within a moment.
    ending: Vec<JoinHandle<()>>,
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
    pub fn new(socket: TcpListener, server: Arc<Server>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            server,
            connections: Vec::new(),
            ending: Vec::new(),
            n_accepted: 0,
        })
    }

    /// Serves until the sender of `stop` is gone, and then until every thread has ended.
    pub fn run(mut self, stop: &Receiver<Infallible>) {
        while stop.recv_timeout(ACCEPT_EVERY) == Err(RecvTimeoutError::Timeout) {
            for _ in 0..MAX_AT_ONCE {
                let Some(stream) = self.accept() else { break };
                if let Err(error) = self.start(stream) {
                    self.not_accepted(&error);
                }
            }
            self.connections
                .retain(|connection| !connection.thread.is_finished());
            self.ending.retain(|thread| !thread.is_finished());
            self.server.sum_up(false);
        }
        // Clients end by themselves; a connection in its handshake waits for its client.
        let clients = self.server.close();
        for connection in self.connections {
            if !clients.contains(&connection.id) {
                connection.shut_down();
            }
            self.ending.push(connection.thread);
        }
        for thread in self.ending {
            thread.join().ok(); // A panic has already been reported.
        }
        self.server.sum_up(true);
    }

    /// A waiting connection, if there is one.
    fn accept(&self) -> Option<TcpStream> {
        match self.socket.accept() {
            Ok((stream, _)) => return Some(stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => self.not_accepted(&error),
        }
        None
    }

    fn start(&mut self, stream: TcpStream) -> io::Result<()> {
        if self.connections.len() >= MAX_CONNECTIONS {
            self.make_room();
        }
        // Never waited for: on Windows, shutting a socket down ends no call that waits for it.
        stream.set_nonblocking(true)?;
        // A result is one small packet, and the next comes much later: waiting to fill the packet only delays it.
        stream.set_nodelay(true)?;
        self.n_accepted += 1;
        let id = self.n_accepted;
        let server = Arc::clone(&self.server);
        let own = stream.try_clone()?;
        let thread = thread::Builder::new()
            .name("websocket client".to_owned())
            .spawn(move || server.leave(id, &connection::serve(own, id, &server)))?;
        self.connections.push(Connection { id, stream, thread });
        Ok(())
    }

    /// Ends the connection that has been in its handshake longest. There is one, since only half of the places are for
    /// clients.
    fn make_room(&mut self) {
        let is_in_handshake = |connection: &Connection| !self.server.is_client(connection.id);
        if let Some(oldest) = self.connections.iter().position(is_in_handshake) {
            let connection = self.connections.remove(oldest);
            self.server.leave(connection.id, &Disconnect::NoRequest);
            connection.shut_down();
            self.ending.push(connection.thread);
        }
    }

    fn not_accepted(&self, error: &io::Error) {
        let server = &self.server;
        server.warn(format_args!(
            "a WebSocket client could not be accepted: {error}"
        ));
    }
}

impl Connection {
    /// Shuts the connection down; its thread ends when it looks at it next.
    fn shut_down(&self) {
        self.stream.shutdown(Shutdown::Both).ok(); // It fails if the client has done so.
    }
}
