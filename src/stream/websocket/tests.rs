//! The server over real loopback sockets, each test on a port of its own.
//!
//! Every wait ends sooner or later; no test depends on how long.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crossbeam_channel::Receiver;
use serde_json::Value;
use tungstenite::{
    Error, Message, WebSocket, client::IntoClientRequest, protocol::frame::coding::CloseCode,
};

use super::*;
use crate::{
    model::CheckpointInfo,
    panics::lock,
    pipeline::markers::{Marker, MarkerSet, TakeMarkers},
    stream::fixtures::{SMOOTHED, analysis},
};

type Client = WebSocket<TcpStream>;

/// A server, and a message for every change in the number of its clients.
struct Stage {
    server: WebSocketServer,
    relay: Arc<MarkerRelay>,
    changes: Receiver<()>,
}

impl Stage {
    fn new() -> Self {
        Self::allowing(&[])
    }

    fn allowing(origins: &[&str]) -> Self {
        let (changed, changes) = crossbeam_channel::unbounded();
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let address = "127.0.0.1:0".parse().unwrap();
        let relay = Arc::new(MarkerRelay::default());
        let server = WebSocketServer::bind(address, origins, Arc::clone(&relay), move || {
            changed.send(()).ok();
        });
        Self {
            server: server.unwrap(),
            relay,
            changes,
        }
    }

    /// Waits until there are `n_clients`.
    fn await_clients(&self, n_clients: usize) {
        while self.server.n_clients() != Some(n_clients) {
            self.changes.recv().unwrap();
        }
    }

    /// Connects with additional headers.
    fn try_connect(&self, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
        let stream = TcpStream::connect(self.server.address).unwrap();
        let mut request = format!("ws://{}/", self.server.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tungstenite::client(request, stream) {
            Ok((client, _)) => Ok(client),
            Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
            Err(interrupted) => panic!("{interrupted}"),
        }
    }

    /// A client that has read its greeting.
    fn connect(&self) -> Client {
        let mut client = self.try_connect(&[]).unwrap();
        let greeting = text(&mut client);
        assert_eq!(greeting["schema"], message::SCHEMA);
        client
    }

    fn analyzed(&self, frame: u64) {
        let analysis = analysis(frame, Duration::from_millis(33 * frame), &[(1, SMOOTHED)]);
        self.server.analyzed(SourceRun(1), &analysis);
    }
}

/// The next message that is not a ping.
fn next(client: &mut Client) -> Message {
    loop {
        match client.read().unwrap() {
            Message::Ping(_) => {} // Answered by the next read.
            other => return other,
        }
    }
}

/// The next text message, as JSON.
fn text(client: &mut Client) -> Value {
    match next(client) {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn status(outcome: Result<Client, Error>) -> u16 {
    match outcome {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was let in"),
    }
}

/// What comes back for bytes sent as they are.
fn raw_answer(stage: &Stage, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(stage.server.address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A reset comes after everything that was sent.
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

#[test]
fn every_client_gets_every_result() {
    let stage = Stage::new();
    stage.analyzed(99); // Nobody is there yet.
    let mut clients = [stage.connect(), stage.connect(), stage.connect()];
    stage.await_clients(3);
    for frame in 0..20 {
        stage.analyzed(frame);
    }
    for client in &mut clients {
        for frame in 0..20 {
            let message = text(client);
            assert_eq!(message["frame"], frame);
            assert_eq!(message["faces"][0]["label"], "happy");
            assert_eq!(message["source"], 1);
        }
    }
    assert_eq!((stage.server.n_slow(), stage.server.n_lost()), (0, 0));
}

#[test]
fn clients_are_counted_as_they_come_and_go() {
    let stage = Stage::new();
    let mut polite = stage.connect();
    let rude = stage.connect();
    let vanished = stage.connect();
    stage.await_clients(3);
    polite.close(None).unwrap();
    assert!(matches!(next(&mut polite), Message::Close(_)));
    stage.await_clients(2);
    drop(rude); // Closes the connection without a close frame.
    stage.await_clients(1);
    // Unread bytes turn the end into a reset.
    stage.analyzed(0);
    drop(vanished);
    stage.await_clients(0);
    assert_eq!(stage.server.n_slow(), 0);
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_the_others_stay() {
    let stage = Stage::new();
    let mut reader = stage.connect();
    let sleeper = stage.connect();
    stage.await_clients(2);
    // More than all buffers of the system hold is only a matter of how many.
    let long = "x".repeat(200_000);
    let mut n_sent = 0u64;
    while stage.server.n_slow() == 0 {
        stage
            .server
            .publish(format!(r#"{{"n":{n_sent},"long":"{long}"}}"#));
        assert_eq!(text(&mut reader)["n"], n_sent);
        n_sent += 1;
    }
    stage.await_clients(1);
    stage.analyzed(7);
    assert_eq!(text(&mut reader)["frame"], 7);
    drop(sleeper);
}

#[test]
fn the_number_of_clients_is_limited() {
    let stage = Stage::new();
    let mut clients: Vec<Client> = (0..MAX_CLIENTS).map(|_| stage.connect()).collect();
    stage.await_clients(MAX_CLIENTS);
    assert_eq!(status(stage.try_connect(&[])), 503);
    stage.analyzed(3);
    for client in &mut clients {
        assert_eq!(text(client)["frame"], 3);
    }
    clients.pop();
    stage.await_clients(MAX_CLIENTS - 1);
    stage.connect();
}

#[test]
fn silent_connections_keep_nobody_out() {
    let stage = Stage::new();
    let mut first = stage.connect();
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(stage.server.address).unwrap())
        .collect();
    let mut second = stage.connect();
    stage.await_clients(2);
    stage.analyzed(8);
    for client in [&mut first, &mut second] {
        assert_eq!(text(client)["frame"], 8);
    }
    assert_eq!(stage.server.n_slow(), 0, "they were no clients yet");
    drop(silent);
}

#[test]
fn pages_from_other_computers_are_refused() {
    let stage = Stage::allowing(&["https://lab.example.org"]);
    for origin in [
        "https://example.org",
        "null",
        "http://127.0.0.1.evil.example",
    ] {
        let outcome = stage.try_connect(&[("origin", origin)]);
        assert_eq!(status(outcome), 403, "{origin}");
    }
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
    assert_eq!(status(stage.try_connect(&rebound)), 403);
    for origin in ["http://localhost:8000", "https://lab.example.org"] {
        assert!(stage.try_connect(&[("origin", origin)]).is_ok(), "{origin}");
    }
}

#[test]
fn a_request_that_is_no_handshake_is_answered_and_closed() {
    let stage = Stage::new();
    let mut reader = stage.connect();
    stage.await_clients(1);
    let page = raw_answer(&stage, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 426 "), "{page}");
    assert!(page.contains("this is a WebSocket"), "{page}");
    let no_key = raw_answer(
        &stage,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\n\r\n",
    );
    assert!(no_key.starts_with("HTTP/1.1 426 "), "{no_key}");
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"hello\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(raw_answer(&stage, nonsense), "");
    }
    drop(TcpStream::connect(stage.server.address).unwrap());
    stage.analyzed(1);
    assert_eq!(text(&mut reader)["frame"], 1);
    assert_eq!(stage.server.n_clients(), Some(1));
}

#[test]
fn an_endless_request_is_cut_off() {
    let stage = Stage::new();
    let mut stream = TcpStream::connect(stage.server.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let mut line = b"X-Filler: ".to_vec();
    line.resize(4096, b'x');
    line.extend(b"\r\n");
    // It ends: the server closes, and then writing fails.
    while stream.write_all(&line).is_ok() {}
    assert_eq!(stage.server.n_clients(), Some(0));
}

#[test]
fn messages_from_clients_are_limited_and_ignored() {
    let stage = Stage::new();
    let mut modest = stage.connect();
    modest.send(Message::text("hello")).unwrap();
    modest.send(Message::Ping(vec![1, 2].into())).unwrap();
    assert_eq!(next(&mut modest), Message::Pong(vec![1, 2].into()));
    let mut loud = stage.connect();
    stage.await_clients(2);
    loud.send(Message::text("x".repeat(5000))).ok();
    stage.await_clients(1);
    let mut unmasked = stage.connect();
    stage.await_clients(2);
    unmasked.get_mut().write_all(b"\x81\x02hi").unwrap();
    stage.await_clients(1);
    stage.analyzed(4);
    assert_eq!(text(&mut modest)["frame"], 4);
}

#[test]
fn a_port_in_use_is_named() {
    let stage = Stage::new();
    let address = stage.server.address;
    let second = WebSocketServer::bind(address, Vec::new(), Arc::default(), || {});
    let error = second.err().unwrap();
    assert!(matches!(error, StreamError::InUse { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "port {} is in use by another program; choose another port",
            address.port()
        )
    );
    // And free again once the first is gone.
    drop(stage);
    WebSocketServer::bind(address, Vec::new(), Arc::default(), || {}).unwrap();
}

#[test]
fn clients_are_told_when_the_server_ends() {
    let stage = Stage::new();
    let mut client = stage.connect();
    stage.await_clients(1);
    // A connection in its handshake does not delay the end.
    let _half = TcpStream::connect(stage.server.address).unwrap();
    stage.analyzed(5);
    drop(stage);
    assert_eq!(text(&mut client)["frame"], 5);
    match next(&mut client) {
        Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::Away),
        other => panic!("{other:?}"),
    }
}

/// A client knows the labels of every result before it comes, whenever it connected.
#[test]
fn a_network_with_other_labels_greets_again() {
    let stage = Stage::new();
    let mut early = stage.connect();
    stage.await_clients(1);
    let labels = Labels::new(&["mask", "no mask"]).unwrap();
    let mut other = analysis(0, Duration::ZERO, &[]);
    let checkpoint = other.checkpoint.as_ref().unwrap();
    other.checkpoint = Some(Arc::new(CheckpointInfo {
        labels,
        ..(**checkpoint).clone()
    }));
    for _ in 0..2 {
        stage.server.analyzed(SourceRun(1), &other);
    }
    let again = text(&mut early);
    assert_eq!(again["schema"], message::SCHEMA);
    assert_eq!(again["labels"], serde_json::json!(["mask", "no mask"]));
    for _ in 0..2 {
        assert_eq!(text(&mut early)["frame"], 0);
    }
    let mut late = stage.try_connect(&[]).unwrap();
    assert_eq!(text(&mut late)["labels"], again["labels"]);
}

/// Sets whatever it is given, at a second each.
#[derive(Default)]
struct Taker(Mutex<Vec<(String, Option<f64>)>>, AtomicU64);

impl TakeMarkers for Taker {
    fn take(&self, marker: Marker) -> bool {
        let mut all = lock(&self.0);
        let sent = marker.sent.unwrap();
        assert_eq!(sent.sender, "websocket");
        all.push((marker.text.clone(), sent.time_s));
        let set = MarkerSet {
            number: all.len() as u64,
            time: Duration::from_secs(all.len() as u64),
            text: marker.text,
        };
        marker.answer.unwrap()(&set);
        true
    }

    fn refused(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn clients_set_markers_and_hear_of_them() {
    let stage = Stage::new();
    let mut client = stage.connect();
    let mut answer = |request: &str| {
        client.send(Message::text(request)).unwrap();
        text(&mut client)
    };
    let refused = answer(r#"{"type":"marker","text":"early"}"#);
    assert_eq!(refused["error"], "nothing is being recorded");
    let taker = Arc::new(Taker::default());
    stage
        .relay
        .connect(Arc::clone(&taker) as Arc<dyn TakeMarkers>);
    let set = answer(r#"{"type":"marker","text":"smile","time":1764079509.25}"#);
    assert_eq!(
        set["marker"],
        serde_json::json!({"number": 1, "time_s": 1.0, "text": "smile", "sender_s": 1764079509.25})
    );
    let set = answer(r#"{"type":"marker"}"#);
    assert_eq!(set["marker"]["number"], 2);
    for wrong in [
        r#"{"type":"marker","text":7}"#,
        r#"{"type":"marker","time":"soon"}"#,
        &format!(r#"{{"type":"marker","text":"{}"}}"#, "x".repeat(600)),
    ] {
        let refused = answer(wrong);
        assert!(
            refused["marker"].is_null() && refused["error"].is_string(),
            "{refused}"
        );
    }
    assert_eq!(taker.1.load(Ordering::Relaxed), 3);
    assert_eq!(stage.relay.n_refused(), 4);
    assert_eq!(lock(&taker.0).len(), 2);
}

#[test]
fn one_marker_is_set_from_the_command_line() {
    let stage = Stage::new();
    let port = stage.server.address.port();
    let error = mark(port, "early", None).unwrap_err().to_string();
    assert_eq!(error, "the marker was not set: nothing is being recorded");
    stage.relay.connect(Arc::new(Taker::default()));
    let marked = mark(port, "smile", Some(1.5)).unwrap();
    assert_eq!((marked.number, marked.time_s), (1, 1.0));
    drop(stage);
    let error = mark(port, "late", None).unwrap_err().to_string();
    assert!(error.contains("nothing listens on port"), "{error}");
}

/// Bytes that are no text end the connection, as in every WebSocket.
#[test]
fn a_marker_that_is_not_text_sets_nothing() {
    let stage = Stage::new();
    let taker = Arc::new(Taker::default());
    stage
        .relay
        .connect(Arc::clone(&taker) as Arc<dyn TakeMarkers>);
    let mut client = stage.connect();
    stage.await_clients(1);
    // A masked text frame of two bytes that are not UTF-8.
    client
        .get_mut()
        .write_all(b"\x81\x82\0\0\0\0\xff\xfe")
        .unwrap();
    stage.await_clients(0);
    assert!(lock(&taker.0).is_empty());
}
