//! One connection: first a handshake, then messages out and, of what comes in, pongs and closes only.
//!
//! Nothing here waits. [`Client::turn`] does what can be done now and is called again when the socket has more to
//! offer; what it cannot write yet stays in a buffer, and a client whose buffer is full is given up.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::net::TcpStream;
use tungstenite::{
    Bytes, Error, Message, Utf8Bytes, WebSocket,
    error::ProtocolError,
    handshake::{
        machine::{HandshakeMachine, RoundResult, StageResult},
        server::{Request, create_response, write_response},
    },
    protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
};

use super::{
    admission::{Admission, Refusal},
    heartbeat::{Beat, Heartbeat},
};

/// How long a handshake may take. On one computer it takes less than a millisecond.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// What is kept for a client when the system's own buffers are full: some seconds of results with a few faces.
const MAX_UNSENT_BYTES: usize = 256 * 1024;
/// A client has nothing to say; a message of more than this ends the connection.
const MAX_RECEIVED_BYTES: usize = 4096;
/// Nor need it say much at once. More would keep the others waiting.
const MAX_RECEIVED_AT_ONCE: usize = 64;

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    /// Closed by the client, or its program ended.
    #[error("it left")]
    Left,
    /// Does not read as fast as results come.
    #[error("it did not read fast enough")]
    Slow,
    /// Did not answer a ping.
    #[error("it did not answer in time")]
    Silent,
    /// Did not finish its handshake.
    #[error("it connected and asked for nothing")]
    NoRequest,
    /// Sends without end.
    #[error("it sent too much")]
    Chatty,
    /// Not let in.
    #[error("it was refused: {0}")]
    Refused(Refusal),
    /// Broke the protocol.
    #[error("it does not speak the protocol: {0}")]
    Protocol(String),
}

/// What a client needs to know of the server.
pub struct House<'a> {
    /// Who may come in.
    pub admission: &'a Admission,
    /// Whether there is no room for one more.
    pub is_full: bool,
    /// What is said to those who come in.
    pub greeting: &'a Utf8Bytes,
}

/// One connection.
pub struct Client {
    state: State,
}

enum State {
    Knocking(Knock),
    Open(Open),
}

struct Knock {
    /// `None` only while it is at work.
    machine: Option<HandshakeMachine<TcpStream>>,
    refusal: Option<Refusal>,
    until: Instant,
}

struct Open {
    socket: WebSocket<TcpStream>,
    heartbeat: Heartbeat,
}

impl Client {
    /// A client that has just connected.
    pub fn new(stream: TcpStream, now: Instant) -> Self {
        Self {
            state: State::Knocking(Knock {
                machine: Some(HandshakeMachine::start_read(stream)),
                refusal: None,
                until: now + HANDSHAKE_WITHIN,
            }),
        }
    }

    /// Until when the handshake may take; `None` once it is through.
    pub fn handshake_until(&self) -> Option<Instant> {
        match &self.state {
            State::Knocking(knock) => Some(knock.until),
            State::Open(_) => None,
        }
    }

    /// Whether the handshake is through.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Reads and writes what can be read and written now.
    ///
    /// # Errors
    /// If the connection is over.
    pub fn turn(&mut self, house: &House<'_>, now: Instant) -> Result<(), Gone> {
        match &mut self.state {
            State::Knocking(knock) => {
                let Some(stream) = knock.advance(house)? else {
                    return Ok(());
                };
                let mut open = Open::new(stream, now);
                open.send(Message::Text(house.greeting.clone()))?;
                // A message may have come right behind the handshake; the system does not tell again.
                open.turn(now)?;
                self.state = State::Open(open);
                Ok(())
            }
            State::Open(open) => open.turn(now),
        }
    }

    /// Sends a message, if the handshake is through.
    ///
    /// # Errors
    /// If the connection is over.
    pub fn send(&mut self, text: &Utf8Bytes) -> Result<(), Gone> {
        match &mut self.state {
            State::Knocking(_) => Ok(()),
            State::Open(open) => open.send(Message::Text(text.clone())),
        }
    }

    /// When to call [`Client::tick`] next.
    pub fn due_at(&self) -> Instant {
        match &self.state {
            State::Knocking(knock) => knock.until,
            State::Open(open) => open.heartbeat.due_at(),
        }
    }

    /// Does what the time asks for.
    ///
    /// # Errors
    /// If the connection is over.
    pub fn tick(&mut self, now: Instant) -> Result<(), Gone> {
        match &mut self.state {
            State::Knocking(knock) if now >= knock.until => Err(Gone::NoRequest),
            State::Knocking(_) => Ok(()),
            State::Open(open) => match open.heartbeat.beat(now) {
                Beat::Fine => Ok(()),
                Beat::Ping => open.send(Message::Ping(Bytes::new())),
                Beat::Silent => Err(Gone::Silent),
            },
        }
    }

    /// Says that the server ends. What cannot be said at once is not said.
    pub fn dismiss(&mut self) {
        if let State::Open(open) = &mut self.state {
            let reason = CloseFrame {
                code: CloseCode::Away,
                reason: Utf8Bytes::from_static("the stream was switched off"),
            };
            open.socket.close(Some(reason)).ok();
        }
    }
}

impl Knock {
    /// Goes on with the handshake; the stream once it is through.
    fn advance(&mut self, house: &House<'_>) -> Result<Option<TcpStream>, Gone> {
        loop {
            let machine = self.machine.take().ok_or(Gone::Left)?;
            match machine.single_round::<Request>().map_err(gone)? {
                RoundResult::WouldBlock(machine) => {
                    self.machine = Some(machine);
                    return Ok(None);
                }
                RoundResult::Incomplete(machine) => self.machine = Some(machine),
                RoundResult::StageFinished(StageResult::DoneReading {
                    stream,
                    result,
                    tail,
                }) => {
                    let response = answer(&result, &tail, house).unwrap_or_else(|refusal| {
                        self.refusal = Some(refusal);
                        refusal.response()
                    });
                    self.machine = Some(HandshakeMachine::start_write(stream, response));
                }
                RoundResult::StageFinished(StageResult::DoneWriting(stream)) => {
                    return match self.refusal {
                        Some(refusal) => Err(Gone::Refused(refusal)),
                        None => Ok(Some(stream)),
                    };
                }
            }
        }
    }
}

/// The answer to a request that is let in.
fn answer(request: &Request, tail: &[u8], house: &House<'_>) -> Result<Vec<u8>, Refusal> {
    house.admission.judge(request.headers())?;
    let response = create_response(request).map_err(|_| Refusal::NoUpgrade)?;
    if !tail.is_empty() {
        return Err(Refusal::TooEager);
    }
    if house.is_full {
        return Err(Refusal::Full);
    }
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(|_| Refusal::NoUpgrade)?;
    Ok(bytes)
}

impl Open {
    fn new(stream: TcpStream, now: Instant) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(MAX_RECEIVED_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_UNSENT_BYTES)
            .max_message_size(Some(MAX_RECEIVED_BYTES))
            .max_frame_size(Some(MAX_RECEIVED_BYTES));
        Self {
            socket: WebSocket::from_raw_socket(stream, Role::Server, Some(config)),
            heartbeat: Heartbeat::new(now),
        }
    }

    fn send(&mut self, message: Message) -> Result<(), Gone> {
        match self.socket.send(message) {
            // It goes on with the farewell when the client has read it.
            Err(Error::Protocol(ProtocolError::SendAfterClosing)) => Ok(()),
            other => unless_over(other),
        }
    }

    fn turn(&mut self, now: Instant) -> Result<(), Gone> {
        unless_over(self.socket.flush())?;
        for _ in 0..MAX_RECEIVED_AT_ONCE {
            match self.socket.read() {
                Ok(Message::Pong(_)) => self.heartbeat.answered(now),
                Ok(_) => {}
                Err(error) => return unless_over(Err(error)),
            }
        }
        Err(Gone::Chatty)
    }
}

/// A socket that has nothing more to offer now is no failure.
fn unless_over(result: tungstenite::Result<()>) -> Result<(), Gone> {
    match result {
        Ok(()) => Ok(()),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(gone(error)),
    }
}

fn gone(error: Error) -> Gone {
    match error {
        Error::WriteBufferFull(_) => Gone::Slow,
        Error::Capacity(_) | Error::AttackAttempt => Gone::Chatty,
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete,
        ) => Gone::Left,
        other => Gone::Protocol(other.to_string()),
    }
}
