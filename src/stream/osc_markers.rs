//! Markers from other programs as OSC messages over UDP: `/fervis/marker` with a text and, if the sender likes, its time.
//!
//! It listens only while the user has switched it on, and on loopback only, whatever else may reach the network. A text
//! (`s`) or a number is what is marked; then may come the sender's time in seconds (`d`, `h`, or a time tag `t`). Without
//! one, the time tag of the bundle counts, if there is one. OSC has no answers: whether a marker was set, the window
//! shows. What cannot be read, and floods, are refused and counted, see [`MarkerRelay`].

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rosc::{OscMessage, OscPacket, OscTime, OscType, decoder::decode_udp};

use super::{LiveOutput, StreamError, osc::FROM_1900_TO_1970};
use crate::{
    panics,
    pipeline::{
        Tap,
        markers::{Marker, MarkerRelay, Sent},
    },
};

/// The address of a marker.
const ADDRESS: &str = "/fervis/marker";
/// Longer datagrams are refused. So nothing that one claims costs more than this, and bundles in bundles end soon.
const MAX_BYTES: usize = 2048;
/// How long the thread waits at most before it looks whether it should end. Ending it wakes it at once, unless the system
/// drops the datagram that does.
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// Listens for markers. Dropping it ends the thread.
pub struct OscMarkers {
    address: SocketAddr,
    is_ending: Arc<AtomicBool>,
    socket: UdpSocket,
    thread: Option<JoinHandle<()>>,
}

impl OscMarkers {
    /// Listens on `address`; port 0 takes any that is free. Markers go to `relay`.
    ///
    /// # Errors
    /// [`StreamError::InUse`] if another program listens there, otherwise [`StreamError::Listen`].
    pub fn bind(address: SocketAddr, relay: Arc<MarkerRelay>) -> Result<Self, StreamError> {
        let start = || -> io::Result<Self> {
            let socket = UdpSocket::bind(address)?;
            socket.set_read_timeout(Some(CHECK_EVERY))?;
            let address = socket.local_addr()?;
            let is_ending = Arc::new(AtomicBool::new(false));
            let ours = socket.try_clone()?;
            let thread = thread::Builder::new()
                .name("osc markers".to_owned())
                .spawn({
                    let is_ending = Arc::clone(&is_ending);
                    move || listen(&socket, &relay, &is_ending)
                })?;
            Ok(Self {
                address,
                is_ending,
                socket: ours,
                thread: Some(thread),
            })
        };
        start().map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StreamError::InUse { address },
            _ => StreamError::Listen { address, source },
        })
    }
}

impl Tap for OscMarkers {}

impl LiveOutput for OscMarkers {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn n_clients(&self) -> Option<usize> {
        None
    }
}

impl Drop for OscMarkers {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.socket.send_to(&[], self.address).ok(); // Wakes the thread.
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // A panic has already been reported.
        }
    }
}

fn listen(socket: &UdpSocket, relay: &MarkerRelay, is_ending: &AtomicBool) {
    // One byte more than allowed, so that a longer datagram shows.
    let mut buffer = [0; MAX_BYTES + 1];
    loop {
        let received = socket.recv_from(&mut buffer);
        let at = Instant::now();
        if is_ending.load(Ordering::SeqCst) {
            return;
        }
        let Ok((n_bytes, from)) = received else {
            continue; // Nothing came, or an earlier answer of ours found nobody.
        };
        if !from.ip().is_loopback() {
            continue;
        }
        match read(&buffer[..n_bytes]) {
            None => relay.refuse(),
            Some(markers) => {
                for (text, time_s) in markers {
                    let sender = "osc".to_owned();
                    let marker = Marker {
                        text,
                        at,
                        sent: Some(Sent { sender, time_s }),
                        answer: None,
                    };
                    relay.offer(marker).ok(); // Counted, and OSC has no answers.
                }
            }
        }
    }
}

/// Text and sender's time of each marker.
type Read = Vec<(String, Option<f64>)>;

/// The markers in a datagram; `None` if it is not OSC, or too long.
fn read(bytes: &[u8]) -> Option<Read> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let (_, packet) = panics::catch(|| decode_udp(bytes))?.ok()?;
    let mut markers = Vec::new();
    collect(&packet, None, &mut markers);
    Some(markers)
}

fn collect(packet: &OscPacket, bundled_at: Option<OscTime>, markers: &mut Read) {
    match packet {
        OscPacket::Message(message) if message.addr == ADDRESS => {
            let (text, time_s) = of_message(message);
            markers.push((text, time_s.or_else(|| bundled_at.and_then(unix_s))));
        }
        // Whatever else the program sends is for others.
        OscPacket::Message(_) => {}
        OscPacket::Bundle(bundle) => {
            for packet in &bundle.content {
                collect(packet, Some(bundle.timetag), markers);
            }
        }
    }
}

fn of_message(message: &OscMessage) -> (String, Option<f64>) {
    let mut args = message.args.iter();
    let text = match args.next() {
        Some(OscType::String(text)) => text.clone(),
        Some(OscType::Int(number)) => number.to_string(),
        Some(OscType::Long(number)) => number.to_string(),
        Some(OscType::Float(number)) => number.to_string(),
        Some(OscType::Double(number)) => number.to_string(),
        Some(OscType::Char(char)) => char.to_string(),
        Some(OscType::Bool(value)) => value.to_string(),
        _ => String::new(),
    };
    let time_s = match args.next() {
        Some(OscType::Double(time_s)) => Some(*time_s),
        Some(OscType::Float(time_s)) => Some(f64::from(*time_s)),
        Some(OscType::Int(time_s)) => Some(f64::from(*time_s)),
        Some(OscType::Long(time_s)) => Some(*time_s as f64),
        Some(OscType::Time(time)) => unix_s(*time),
        _ => None,
    };
    (text, time_s)
}

/// A time tag as seconds since 1970; `None` for the one that means “at once”.
fn unix_s(time: OscTime) -> Option<f64> {
    let is_a_time = time.seconds > 0;
    let since_1900_s = f64::from(time.seconds) + f64::from(time.fractional) / 2f64.powi(32);
    is_a_time.then(|| since_1900_s - FROM_1900_TO_1970.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, atomic::AtomicU64};

    use crossbeam_channel::{Receiver, Sender};
    use rosc::{OscBundle, encoder};

    use super::*;
    use crate::{panics::lock, pipeline::markers::TakeMarkers};

    fn packet(address: &str, args: Vec<OscType>) -> OscPacket {
        OscPacket::Message(OscMessage {
            addr: address.to_owned(),
            args,
        })
    }

    fn read_packet(packet: &OscPacket) -> Read {
        read(&encoder::encode(packet).unwrap()).unwrap()
    }

    #[test]
    fn texts_and_times_are_read() {
        let text = || OscType::String("smile".to_owned());
        let check = |args, expected: &str, time_s| {
            let read = read_packet(&packet(ADDRESS, args));
            assert_eq!(read, [(expected.to_owned(), time_s)]);
        };
        check(vec![text()], "smile", None);
        check(vec![], "", None);
        check(vec![OscType::Int(7)], "7", None);
        let time_s = 1_764_079_509.25;
        check(vec![text(), OscType::Double(time_s)], "smile", Some(time_s));
        let tag = OscTime {
            seconds: 1_764_079_509 + 2_208_988_800,
            fractional: 1 << 30,
        };
        check(vec![text(), OscType::Time(tag)], "smile", Some(time_s));
        let bundle = |timetag| {
            OscPacket::Bundle(OscBundle {
                timetag,
                content: vec![
                    packet(ADDRESS, vec![text()]),
                    packet("/other", vec![text()]),
                ],
            })
        };
        let smile = "smile".to_owned();
        assert_eq!(read_packet(&bundle(tag)), [(smile.clone(), Some(time_s))]);
        let at_once = OscTime {
            seconds: 0,
            fractional: 1,
        };
        assert_eq!(read_packet(&bundle(at_once)), [(smile, None)]);
    }

    #[test]
    fn what_is_hostile_is_refused() {
        for bytes in [
            &b"garbage"[..],
            b"/fervis/marker\0\0,s\0\0\xff\xfe\xfd\0",
            b"/fervis/marker\0\0,s\0\0endless",
        ] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        // A message that is said to be longer than the datagram.
        let empty = read(b"#bundle\0\0\0\0\0\0\0\0\x01\x7f\xff\xff\xff");
        assert!(empty.is_none_or(|markers| markers.is_empty()));
        let long = OscType::String("x".repeat(MAX_BYTES));
        let long = encoder::encode(&packet(ADDRESS, vec![long])).unwrap();
        assert_eq!(read(&long), None);
        // Bundles in bundles, as deep as a datagram can be.
        let mut nested = packet(ADDRESS, vec![]);
        while encoder::encode(&nested).unwrap().len() < MAX_BYTES - 40 {
            nested = OscPacket::Bundle(OscBundle {
                timetag: OscTime {
                    seconds: 0,
                    fractional: 1,
                },
                content: vec![nested],
            });
        }
        assert_eq!(read_packet(&nested).len(), 1);
    }

    struct Taker(Mutex<Sender<Marker>>, AtomicU64);

    impl TakeMarkers for Taker {
        fn take(&self, marker: Marker) -> bool {
            lock(&self.0).send(marker).is_ok()
        }

        fn refused(&self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn listening() -> (OscMarkers, Receiver<Marker>, Arc<MarkerRelay>) {
        let relay = Arc::new(MarkerRelay::default());
        let (sender, set) = crossbeam_channel::unbounded();
        relay.connect(Arc::new(Taker(Mutex::new(sender), AtomicU64::default())));
        let address = "127.0.0.1:0".parse().unwrap();
        let listener = OscMarkers::bind(address, Arc::clone(&relay)).unwrap();
        (listener, set, relay)
    }

    #[test]
    fn datagrams_become_markers() {
        let (listener, set, relay) = listening();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let send = |bytes: &[u8]| sender.send_to(bytes, listener.address()).unwrap();
        send(b"garbage");
        let args = vec![
            OscType::String("smile".to_owned()),
            OscType::Double(1_764_079_509.25),
        ];
        send(&encoder::encode(&packet(ADDRESS, args)).unwrap());
        let marker = set.recv().unwrap();
        assert_eq!(marker.text, "smile");
        let sent = marker.sent.unwrap();
        assert_eq!(
            (sent.sender.as_str(), sent.time_s),
            ("osc", Some(1_764_079_509.25))
        );
        assert_eq!(relay.n_refused(), 1, "datagrams arrive in order");
        drop(listener);
    }
}
