//! One connection, on a thread of its own: first a handshake, then messages out and, of what comes in, markers, pongs and
//! closes.
//!
//! The socket is looked at again and again, and never waited for. The handshake has a time limit, and the listener can end
//! it by shutting the socket down. After it, what cannot be written yet stays in a buffer, and a client whose buffer is
//! full is dropped. So the thread ends as soon as its results do.

use std::{
    convert::Infallible,
    io,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, select};
use tungstenite::{
    Bytes, Error, Message, Utf8Bytes, WebSocket,
    error::ProtocolError,
    handshake::{
        machine::{HandshakeMachine, RoundResult, StageResult},
        server::{Request as HttpRequest, create_response, write_response},
    },
    protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
};

use super::{
    super::message::{self, Request},
    admission::Refusal,
    heartbeat::{Beat, Heartbeat},
    server::{Disconnect, Server},
};
use crate::pipeline::markers::{Marker, MarkerSet, Sent};

/// How long a handshake may take. On one computer it takes less than a millisecond.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// Time between two checks of the socket during a handshake, at first and once the client has taken its time.
const CHECK_HANDSHAKE_EVERY: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];
/// What is kept for a client when the system's own buffers are full: some seconds of results with a few faces.
const MAX_UNSENT_BYTES: usize = 256 * 1024;
/// A marker is far shorter; a longer message ends the connection.
const MAX_RECEIVED_BYTES: usize = 4096;
/// More messages at once end the connection too.
const MAX_RECEIVED_AT_ONCE: usize = 64;
/// Time between two checks of the socket while there are no results: how late a close or a pong may be noticed.
const CHECK_EVERY: Duration = Duration::from_millis(50);
/// The same while there is data left to write.
const CHECK_EVERY_WHILE_UNSENT: Duration = Duration::from_millis(5);
/// The same for a client that sets markers, or has just connected and may be about to: how late a marker may be.
const CHECK_EVERY_FOR_MARKERS: Duration = Duration::from_millis(1);
/// How long a new client may be about to set a marker.
const NEW_FOR: Duration = Duration::from_secs(1);
/// How long a client counts as one that sets markers after its last one.
const MARKS_FOR: Duration = Duration::from_secs(600);
/// Answers to markers that wait to be sent. What does not fit is not answered.
const MAX_ANSWERS: usize = 256;

/// What a client is to be sent.
type Results = Receiver<Utf8Bytes>;

/// Serves connection `id` until it ends.
pub fn serve(stream: TcpStream, id: u64, server: &Server) -> Disconnect {
    let run = || {
        let (stream, results) = shake_hands(stream, id, server)?;
        Client::new(stream).send_all(server, &results)
    };
    let Err(reason) = run();
    reason
}

/// Reads the request and answers it. Returns the stream of an admitted client.
fn shake_hands(
    stream: TcpStream,
    id: u64,
    server: &Server,
) -> Result<(TcpStream, Results), Disconnect> {
    let since = Instant::now();
    let mut machine = HandshakeMachine::start_read(stream);
    let mut admitted = None;
    loop {
        if since.elapsed() > HANDSHAKE_WITHIN {
            return Err(Disconnect::NoRequest);
        }
        machine = match machine.single_round::<HttpRequest>().map_err(disconnect)? {
            RoundResult::WouldBlock(machine) => {
                let [quick, slow] = CHECK_HANDSHAKE_EVERY;
                thread::sleep(if since.elapsed() < slow { quick } else { slow });
                machine
            }
            RoundResult::Incomplete(machine) => machine,
            RoundResult::StageFinished(StageResult::DoneReading {
                stream,
                result,
                tail,
            }) => {
                let answer = answer(&result, &tail, id, server);
                let response = match &answer {
                    Ok((response, _)) => response.clone(),
                    Err(refusal) => refusal.response(),
                };
                admitted = Some(answer.map(|(_, results)| results));
                HandshakeMachine::start_write(stream, response)
            }
            RoundResult::StageFinished(StageResult::DoneWriting(stream)) => {
                return match admitted {
                    Some(Ok(results)) => Ok((stream, results)),
                    Some(Err(refusal)) => Err(Disconnect::Refused(refusal)),
                    None => Err(Disconnect::Left),
                };
            }
        };
    }
}

/// The answer to an admitted request, and the client's results.
fn answer(
    request: &HttpRequest,
    tail: &[u8],
    id: u64,
    server: &Server,
) -> Result<(Vec<u8>, Results), Refusal> {
    server.admission.check(request.headers())?;
    let response = create_response(request).map_err(|_| Refusal::NoUpgrade)?;
    if !tail.is_empty() {
        return Err(Refusal::TooEager);
    }
    let mut bytes = Vec::new();
    write_response(&mut bytes, &response).map_err(|_| Refusal::NoUpgrade)?;
    Ok((bytes, server.join(id)?))
}

/// A connection after its handshake.
struct Client {
    socket: WebSocket<TcpStream>,
    heartbeat: Heartbeat,
    has_unsent: bool,
    /// Whether it is a program on this computer.
    is_local: bool,
    /// Until when its messages are looked for more often.
    attentive_until: Instant,
    answers: (Sender<Utf8Bytes>, Receiver<Utf8Bytes>),
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(MAX_RECEIVED_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_UNSENT_BYTES)
            .max_message_size(Some(MAX_RECEIVED_BYTES))
            .max_frame_size(Some(MAX_RECEIVED_BYTES));
        let is_local = stream
            .peer_addr()
            .is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        let now = Instant::now();
        Self {
            socket: WebSocket::from_raw_socket(stream, Role::Server, Some(config)),
            heartbeat: Heartbeat::new(now),
            has_unsent: false,
            is_local,
            attentive_until: now + NEW_FOR,
            answers: crossbeam_channel::bounded(MAX_ANSWERS),
        }
    }

    /// Sends the greeting and then the results until the connection ends.
    fn send_all(&mut self, server: &Server, results: &Results) -> Result<Infallible, Disconnect> {
        self.send(Message::Text(server.greeting()))?;
        let answers = self.answers.1.clone();
        loop {
            self.check_socket(server)?;
            match self.heartbeat.beat(Instant::now()) {
                Beat::Fine => {}
                Beat::Ping => self.send(Message::Ping(Bytes::new()))?,
                Beat::Silent => return Err(Disconnect::Silent),
            }
            let wait = if Instant::now() < self.attentive_until {
                CHECK_EVERY_FOR_MARKERS
            } else if self.has_unsent {
                CHECK_EVERY_WHILE_UNSENT
            } else {
                CHECK_EVERY
            };
            // The answers never end: this thread has a sender of its own.
            select! {
                recv(results) -> text => match text {
                    Ok(text) => self.send(Message::Text(text))?,
                    Err(_) => {
                        self.dismiss();
                        return Err(Disconnect::TurnedOff);
                    }
                },
                recv(answers) -> text => {
                    if let Ok(text) = text {
                        self.send(Message::Text(text))?;
                    }
                }
                default(wait) => {}
            }
        }
    }

    fn send(&mut self, message: Message) -> Result<(), Disconnect> {
        match self.socket.send(message) {
            // The next check finishes the close.
            Err(Error::Protocol(ProtocolError::SendAfterClosing)) => Ok(()),
            result => {
                self.has_unsent |= !is_done(result)?;
                Ok(())
            }
        }
    }

    /// Writes remaining data and reads what has arrived.
    fn check_socket(&mut self, server: &Server) -> Result<(), Disconnect> {
        self.has_unsent = !is_done(self.socket.flush())?;
        for _ in 0..MAX_RECEIVED_AT_ONCE {
            match self.socket.read() {
                Ok(Message::Pong(_)) => self.heartbeat.answered(Instant::now()),
                Ok(Message::Text(text)) => self.take_request(&text, server),
                Ok(_) => {}
                Err(error) => return is_done(Err(error)).map(|_| ()),
            }
        }
        Err(Disconnect::Chatty)
    }

    /// Does what the client asks.
    fn take_request(&mut self, text: &str, server: &Server) {
        let at = Instant::now();
        let outcome = match Request::parse(text) {
            Ok(Request::Other) => return,
            Err(problem) => {
                server.relay.refuse();
                Err(problem)
            }
            Ok(Request::Marker { .. }) if !self.is_local => {
                server.relay.refuse();
                Err("markers are taken from programs on this computer only".to_owned())
            }
            Ok(Request::Marker { text, time_s }) => {
                self.attentive_until = at + MARKS_FOR;
                let answers = self.answers.0.clone();
                let marker = Marker {
                    text,
                    at,
                    sent: Some(Sent {
                        sender: "websocket".to_owned(),
                        time_s,
                    }),
                    answer: Some(Box::new(move |set: &MarkerSet| {
                        let answer = message::marker_set(set, time_s);
                        answers.try_send(answer.into()).ok();
                    })),
                };
                server
                    .relay
                    .offer(marker)
                    .map_err(|error| error.to_string())
            }
        };
        if let Err(reason) = outcome {
            let answer = message::marker_refused(&reason);
            self.answers.0.try_send(answer.into()).ok();
        }
    }

    /// Sends that the server ends, if that can be sent at once.
    fn dismiss(&mut self) {
        let reason = CloseFrame {
            code: CloseCode::Away,
            reason: Utf8Bytes::from_static("the stream was turned off"),
        };
        self.socket.close(Some(reason)).ok();
    }
}

/// Whether everything was written. A socket that would block is not an error.
fn is_done(result: tungstenite::Result<()>) -> Result<bool, Disconnect> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(disconnect(error)),
    }
}

fn disconnect(error: Error) -> Disconnect {
    match error {
        Error::WriteBufferFull(_) => Disconnect::Slow,
        Error::Capacity(_) | Error::AttackAttempt => Disconnect::Chatty,
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete,
        ) => Disconnect::Left,
        other => Disconnect::Protocol(other.to_string()),
    }
}
