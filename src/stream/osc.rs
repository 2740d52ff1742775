//! Results as Open Sound Control messages over UDP, for sound, light and video programs.
//!
//! Addresses are pinned for patches: they may gain, not change. All values are of the types that every OSC program
//! knows: `i`, `f` and `s`. For each frame one bundle says what is there, and each face has a bundle of its own,
//! because a packet beyond 1,500 bytes is cut in pieces on a network and lost with any of them.
//!
//! | address | values |
//! | --- | --- |
//! | `/fervis/frame` | `i` frame number, `f` media time in s, `i` number of faces, `i i` size of the picture in px |
//! | `/fervis/tracks` | an `i` for each face that is there; a track that is missing has left |
//! | `/fervis/largest/track` | `i` track of the largest face; nothing is sent of it while nobody is there |
//! | `/fervis/largest/happy` and the other six | `f` smoothed probability of the largest face |
//! | `/fervis/largest/label` | `s` its expression |
//! | `/fervis/face/TRACK/happy` and the other six | `f` smoothed probability |
//! | `/fervis/face/TRACK/label` | `s` the largest of these |
//! | `/fervis/face/TRACK/raw` | `fffffff` probabilities of this frame alone, from angry to neutral |
//! | `/fervis/face/TRACK/box` | `ffff` left, top, width, height in px, never mirrored |
//! | `/fervis/face/TRACK/score` | `f` the detector's |
//!
//! The time tag of every bundle is the time of the *capture*: programs that align signals need it, and others act
//! at once, as the standard asks of a time that is over.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType, encoder};

use super::{LiveOutput, StreamError, message::wall_time};
use crate::{
    bounding_box::BoundingBox,
    frame::Resolution,
    pipeline::{Analysis, FaceAnalysis, SourceRun, Tap},
};

/// OSC counts time from 1900, as NTP does (RFC 5905); Unix from 1970.
const FROM_1900_TO_1970: Duration = Duration::from_secs(2_208_988_800);

/// Sends every result to one address, whether somebody listens there or not.
///
/// It needs no thread: a datagram is handed to the system and forgotten. If the system has no room for it, it is
/// dropped there and then.
pub struct OscSender {
    socket: UdpSocket,
    destination: SocketAddr,
    /// So that a network that is down is told once and not thirty times a second.
    failing: AtomicBool,
}

impl OscSender {
    /// A sender to `destination`.
    ///
    /// # Errors
    /// [`StreamError::Udp`] if the system refuses a socket.
    pub fn open(destination: SocketAddr) -> Result<Self, StreamError> {
        let open = || -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind((own_side(destination.ip()), 0))?;
            socket.set_nonblocking(true)?;
            // Addresses that reach everybody on a network are usual with OSC, and are asked for as any other.
            socket.set_broadcast(destination.is_ipv4() && !destination.ip().is_loopback())?;
            Ok(socket)
        };
        Ok(Self {
            socket: open().map_err(|source| StreamError::Udp {
                address: destination,
                source,
            })?,
            destination,
            failing: AtomicBool::default(),
        })
    }
}

impl Tap for OscSender {
    fn analyzed(&self, _run: SourceRun, analysis: &Analysis) {
        let mut bytes = Vec::new();
        for packet in packets(analysis, wall_time(analysis.frame.captured_at)) {
            bytes.clear();
            let Ok(_) = encoder::encode_into(&packet, &mut bytes); // Memory takes everything.
            let sent = self.socket.send_to(&bytes, self.destination);
            match sent {
                Ok(_) => self.failing.store(false, Ordering::Relaxed),
                Err(error) => {
                    if !self.failing.swap(true, Ordering::Relaxed) {
                        log::warn!("OSC to {} is not sent: {error}", self.destination);
                    }
                }
            }
        }
    }
}

impl LiveOutput for OscSender {
    fn address(&self) -> SocketAddr {
        self.destination
    }

    fn n_clients(&self) -> Option<usize> {
        None
    }
}

/// Where datagrams leave from: what stays on this computer has no way out of it.
fn own_side(destination: IpAddr) -> IpAddr {
    match destination {
        IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(ip) if ip.is_loopback() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The packets for one result, captured at `captured`: one for the frame, then one for each face.
fn packets(analysis: &Analysis, captured: SystemTime) -> impl Iterator<Item = OscPacket> + '_ {
    let timetag = time_tag(captured);
    let bundle = move |content| OscPacket::Bundle(OscBundle { timetag, content });
    let faces = analysis.faces.iter();
    let faces = faces.map(move |face| bundle(of_face(face, analysis.box_in_file(face))));
    std::iter::once(bundle(of_frame(analysis))).chain(faces)
}

fn of_frame(analysis: &Analysis) -> Vec<OscPacket> {
    let faces = &analysis.faces;
    let Resolution {
        width_px,
        height_px,
    } = analysis.frame.full_resolution;
    let mut content = vec![
        message(
            "/fervis/frame",
            [
                int(analysis.frame.id.0),
                OscType::Float(analysis.frame.time.as_secs_f32()),
                int(faces.len() as u64),
                int(width_px.into()),
                int(height_px.into()),
            ],
        ),
        message("/fervis/tracks", faces.iter().map(|face| int(face.track.0))),
    ];
    let area = |face: &&FaceAnalysis| face.box_in_frame.area();
    let largest = faces.iter().reduce(|best, face| {
        if area(&face) > area(&best) {
            face
        } else {
            best
        }
    });
    if let Some(face) = largest {
        content.push(message("/fervis/largest/track", [int(face.track.0)]));
        content.extend(expressions("/fervis/largest", face));
    }
    content
}

fn of_face(face: &FaceAnalysis, edges: BoundingBox) -> Vec<OscPacket> {
    let root = format!("/fervis/face/{}", face.track.0);
    let edges = [edges.x, edges.y, edges.width, edges.height];
    let mut content = expressions(&root, face);
    content.push(message(
        format!("{root}/raw"),
        face.raw.0.map(OscType::Float),
    ));
    content.push(message(format!("{root}/box"), edges.map(OscType::Float)));
    content.push(message(
        format!("{root}/score"),
        [OscType::Float(face.score)],
    ));
    content
}

/// The smoothed probabilities by name, and the largest of them.
fn expressions(root: &str, face: &FaceAnalysis) -> Vec<OscPacket> {
    let label = OscType::String(face.label().name().to_owned());
    let label = message(format!("{root}/label"), [label]);
    let smoothed = face.smoothed.iter().map(|(expression, probability)| {
        let address = format!("{root}/{expression}");
        message(address, [OscType::Float(probability)])
    });
    smoothed.chain([label]).collect()
}

fn message(address: impl Into<String>, args: impl IntoIterator<Item = OscType>) -> OscPacket {
    OscPacket::Message(OscMessage {
        addr: address.into(),
        args: args.into_iter().collect(),
    })
}

/// OSC's `i` has 31 bits and a sign; a count beyond starts over at 0.
fn int(count: u64) -> OscType {
    OscType::Int((count & 0x7FFF_FFFF) as i32)
}

fn time_tag(time: SystemTime) -> OscTime {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_1900 = since_1970 + FROM_1900_TO_1970;
    OscTime {
        // It wraps in 2036, and receivers know: NTP's eras.
        seconds: since_1900.as_secs() as u32,
        fractional: ((u64::from(since_1900.subsec_nanos()) << 32) / 1_000_000_000) as u32,
    }
}

#[cfg(test)]
mod tests {
    use rosc::decoder::decode_udp;

    use super::*;
    use crate::stream::fixtures::{SMOOTHED, analysis};

    /// The messages of a packet as they arrive, in words, and its time tag.
    fn decoded(bytes: &[u8]) -> (OscTime, Vec<String>) {
        let (rest, packet) = decode_udp(bytes).unwrap();
        assert!(rest.is_empty());
        let OscPacket::Bundle(bundle) = packet else {
            panic!("{packet:?} is no bundle");
        };
        let words = bundle.content.iter().map(|packet| match packet {
            OscPacket::Message(message) => {
                let args: Vec<String> = message
                    .args
                    .iter()
                    .map(|arg| match arg {
                        OscType::Int(value) => format!("i{value}"),
                        OscType::Float(value) => format!("f{value}"),
                        OscType::String(value) => format!("s{value}"),
                        other => panic!("{other:?} is not known to every OSC program"),
                    })
                    .collect();
                format!("{} {}", message.addr, args.join(" "))
                    .trim_end()
                    .to_owned()
            }
            OscPacket::Bundle(_) => panic!("a bundle in a bundle"),
        });
        (bundle.timetag, words.collect())
    }

    #[test]
    fn the_pinned_addresses() {
        let mut two = analysis(
            7,
            Duration::from_millis(250),
            &[(2, SMOOTHED), (5, SMOOTHED)],
        );
        two.faces[1].box_in_frame = BoundingBox::new(0.0, 0.0, 200.0, 200.0);
        two.faces[1].smoothed.0 = [0.0, 0.0, 0.25, 0.0, 0.0, 0.75, 0.0];
        let encoded: Vec<Vec<u8>> = packets(&two, UNIX_EPOCH)
            .map(|packet| encoder::encode(&packet).unwrap())
            .collect();
        assert_eq!(encoded.len(), 3);
        assert!(encoded.iter().all(|bytes| bytes.len() < 1400));
        let (tag, frame) = decoded(&encoded[0]);
        assert_eq!(<(u32, u32)>::from(tag), (2_208_988_800, 0));
        assert_eq!(
            frame,
            [
                "/fervis/frame i7 f0.25 i2 i64 i48",
                "/fervis/tracks i2 i5",
                "/fervis/largest/track i5",
                "/fervis/largest/angry f0",
                "/fervis/largest/disgust f0",
                "/fervis/largest/fear f0.25",
                "/fervis/largest/happy f0",
                "/fervis/largest/sad f0",
                "/fervis/largest/surprise f0.75",
                "/fervis/largest/neutral f0",
                "/fervis/largest/label ssurprise",
            ]
        );
        assert_eq!(
            decoded(&encoded[1]).1,
            [
                "/fervis/face/2/angry f0.1",
                "/fervis/face/2/disgust f0",
                "/fervis/face/2/fear f0",
                "/fervis/face/2/happy f0.5",
                "/fervis/face/2/sad f0",
                "/fervis/face/2/surprise f0",
                "/fervis/face/2/neutral f0.4",
                "/fervis/face/2/label shappy",
                "/fervis/face/2/raw f0 f0 f0 f0.25 f0 f0 f0.75",
                "/fervis/face/2/box f-1.5 f20 f100.25 f101",
                "/fervis/face/2/score f12.5",
            ]
        );
        assert!(decoded(&encoded[2]).1[0].starts_with("/fervis/face/5/"));
    }

    #[test]
    fn an_empty_frame_says_that_everybody_left() {
        let empty = analysis(u64::from(u32::MAX), Duration::ZERO, &[]);
        let encoded: Vec<Vec<u8>> = packets(&empty, UNIX_EPOCH)
            .map(|packet| encoder::encode(&packet).unwrap())
            .collect();
        assert_eq!(encoded.len(), 1);
        assert_eq!(
            decoded(&encoded[0]).1,
            ["/fervis/frame i2147483647 f0 i0 i64 i48", "/fervis/tracks"]
        );
    }

    #[test]
    fn time_tags_count_from_1900_in_fractions() {
        let check = |time: Duration, expected: (u32, u32)| {
            let tag = time_tag(UNIX_EPOCH + time);
            assert_eq!(<(u32, u32)>::from(tag), expected, "{time:?}");
        };
        check(Duration::from_millis(1_500), (2_208_988_801, 1 << 31));
        check(Duration::from_millis(250), (2_208_988_800, 1 << 30));
        // 2036-02-07 06:28:16 UTC, the first second of the next era.
        check(Duration::from_secs(2_085_978_496), (0, 0));
    }

    #[test]
    fn packets_arrive_and_nobody_need_listen() {
        let listener = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let sender = OscSender::open(address).unwrap();
        sender.analyzed(SourceRun(1), &analysis(0, Duration::ZERO, &[(1, SMOOTHED)]));
        let mut buffer = [0; 2048];
        for first in ["/fervis/frame ", "/fervis/face/1/angry "] {
            let (n_bytes, from) = listener.recv_from(&mut buffer).unwrap();
            assert!(from.ip().is_loopback());
            let (_, words) = decoded(&buffer[..n_bytes]);
            assert!(words[0].starts_with(first), "{}", words[0]);
        }
        drop(listener);
        for frame in 0..3 {
            sender.analyzed(
                SourceRun(1),
                &analysis(frame, Duration::ZERO, &[(1, SMOOTHED)]),
            );
        }
        assert!(!sender.failing.load(Ordering::Relaxed));
    }

    #[test]
    fn what_is_for_this_computer_does_not_leave_it() {
        let check = |destination: &str, own: &str| {
            let destination: IpAddr = destination.parse().unwrap();
            assert_eq!(own_side(destination).to_string(), own);
        };
        check("127.0.0.1", "127.0.0.1");
        check("192.168.1.20", "0.0.0.0");
        check("::1", "::1");
        check("fe80::1", "::");
    }
}
