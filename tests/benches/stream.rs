//! Time from a result to the client that reads it, over loopback, and what that costs the pipeline.
//!
//! `cargo bench --bench stream -- --seconds 10` sends results at 30 Hz for 10 s in each row (5 s by default). Server and
//! clients are in one process, so that both read the same clock. The latency is from `Analysis::completed_at` until the
//! client's call of `read` returns. The second figure is how long the call on the pipeline's thread takes.

#![allow(clippy::disallowed_methods, reason = "the bench plays the clients")]

mod timing;

use std::{
    env,
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use fervis::{
    bounding_box::BoundingBox,
    detect::TrackId,
    expression::{Expression, Probabilities},
    frame::{Frame, FrameId, Resolution},
    pipeline::{Analysis, FaceAnalysis, Settings, SourceRun, Tap},
    stream::{LiveOutput, osc::OscSender, websocket::WebSocketServer},
};
use tungstenite::Message;

use self::timing::{Timing, seconds_from};

const RATE_HZ: u32 = 30;

fn main() -> Result<()> {
    let seconds = seconds_from(env::args().skip(1), 5)?;
    let n_results = (seconds.as_secs_f64() * f64::from(RATE_HZ)) as u64;
    println!("{n_results} results at {RATE_HZ} Hz");
    println!(
        "{:10} {:>7} {:>5}   latency p50, p95 ms   call p50, p95 ms  not received",
        "", "clients", "faces"
    );
    for (n_clients, n_faces) in [(1, 1), (1, 3), (1, 8), (8, 3), (16, 8)] {
        let figures = websocket(n_clients, n_faces, n_results)?;
        println!("{:10} {n_clients:7} {n_faces:5} {figures}", "WebSocket");
    }
    for n_faces in [1, 3, 8] {
        let figures = osc(n_faces, n_results)?;
        println!("{:10} {:7} {n_faces:5} {figures}", "OSC", "-");
    }
    Ok(())
}

/// One line of the table.
struct Figures {
    latency: Timing,
    call: Timing,
    n_missing: u64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            latency,
            call,
            n_missing,
        } = self;
        write!(f, "{latency} {call} {n_missing:13}")
    }
}

/// Sends results. Returns when each was ready, and how long each call took.
fn send(tap: &dyn Tap, n_faces: u64, n_results: u64) -> (Vec<Instant>, Vec<Duration>) {
    let started = Instant::now();
    let mut ready = Vec::new();
    let mut calls = Vec::new();
    for number in 0..n_results {
        let due = started + Duration::from_secs_f64(number as f64 / f64::from(RATE_HZ));
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let analysis = analysis(number, n_faces);
        tap.analyzed(SourceRun(1), &analysis);
        calls.push(analysis.completed_at.elapsed());
        ready.push(analysis.completed_at);
    }
    (ready, calls)
}

fn figures(
    (ready, calls): (Vec<Instant>, Vec<Duration>),
    received: &[(u64, Instant)],
    n_expected: u64,
) -> Figures {
    let latency = |&(number, at): &(u64, Instant)| at.duration_since(ready[number as usize]);
    Figures {
        latency: Timing::of(received.iter().map(latency).collect()),
        call: Timing::of(calls),
        n_missing: n_expected - received.len() as u64,
    }
}

fn websocket(n_clients: u64, n_faces: u64, n_results: u64) -> Result<Figures> {
    let server = WebSocketServer::bind("127.0.0.1:0".parse()?, Vec::new(), Arc::default(), || {})?;
    let clients = (0..n_clients)
        .map(|_| client(server.address()))
        .collect::<Result<Vec<_>>>()?;
    while server.n_clients() != Some(n_clients as usize) {
        thread::yield_now();
    }
    let sent = send(&server, n_faces, n_results);
    drop(server); // Sends what is left and closes.
    let mut received = Vec::new();
    for client in clients {
        received.extend(client.join().expect("no client panics")?);
    }
    Ok(figures(sent, &received, n_clients * n_results))
}

/// The frames that a client received, and when.
type Received = Vec<(u64, Instant)>;

/// Reads until the server closes. Returns which results came when.
fn client(address: SocketAddr) -> Result<thread::JoinHandle<Result<Received>>> {
    let stream = TcpStream::connect(address)?;
    let (mut socket, _) = tungstenite::client(format!("ws://{address}"), stream)?;
    socket.read()?; // The greeting.
    Ok(thread::spawn(move || {
        let mut received = Vec::new();
        loop {
            match socket.read()? {
                Message::Text(text) => {
                    let at = Instant::now();
                    let message: serde_json::Value = serde_json::from_str(&text)?;
                    let number = message["frame"].as_u64().context("it has a number")?;
                    received.push((number, at));
                }
                Message::Close(_) => return Ok(received),
                _ => {}
            }
        }
    }))
}

fn osc(n_faces: u64, n_results: u64) -> Result<Figures> {
    let listener = UdpSocket::bind("127.0.0.1:0")?;
    let sender = OscSender::open(listener.local_addr()?)?;
    listener.set_read_timeout(Some(Duration::from_secs(1)))?;
    let reader = thread::spawn(move || {
        let mut received = Vec::new();
        let mut buffer = [0; 2048];
        // A result is complete with its last packet; on loopback they come in order.
        let mut n_packets = 0;
        while let Ok(_n_bytes) = listener.recv(&mut buffer) {
            n_packets += 1;
            if n_packets % (n_faces + 1) == 0 {
                received.push((n_packets / (n_faces + 1) - 1, Instant::now()));
            }
        }
        received
    });
    let sent = send(&sender, n_faces, n_results);
    let received = reader.join().expect("it does not panic");
    Ok(figures(sent, &received, n_results))
}

/// A result that is ready now.
fn analysis(number: u64, n_faces: u64) -> Analysis {
    let now = Instant::now();
    let size = Resolution::new(16, 16);
    let frame = Frame::new(
        FrameId(number),
        now,
        Duration::from_secs_f64(number as f64 / f64::from(RATE_HZ)),
        size,
        vec![255; size.n_pixels() * 4].into(),
    );
    let face = |track| FaceAnalysis {
        track: TrackId(track),
        number: track,
        box_in_frame: BoundingBox::new(212.4, 118.03, 141.27, 141.27),
        score: 31.519,
        unseen_for: Duration::ZERO,
        shape: None,
        corrected: None,
        second: None,
        raw: Probabilities::from([0.0123, 0.0004, 0.0132, 0.9112, 0.0121, 0.0183, 0.0325]),
        smoothed: Probabilities::from([0.0137, 0.0006, 0.0151, 0.8997, 0.0141, 0.0199, 0.0369]),
        label: Expression::Happy.into(),
    };
    Analysis {
        frame: Arc::new(frame),
        faces: (1..=n_faces).map(face).collect(),
        meshes: Vec::new(),
        checkpoint: None,
        second: None,
        settings: Settings::default(),
        completed_at: Instant::now(),
        detect_time: Duration::ZERO,
        classify_time: Duration::ZERO,
    }
}
