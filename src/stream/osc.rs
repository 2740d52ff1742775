//! Results as Open Sound Control messages over UDP, for sound, light and video programs.
//!
//! Patches depend on the addresses: new ones may be added, but none changes. All values have types that every OSC program
//! knows: `i`, `f` and `s`. For each frame there is one bundle about the frame and one for each face (several for networks
//! with many labels), because a packet above 1,500 bytes is split on a network and lost with any of its pieces.
//!
//! | address | values |
//! | --- | --- |
//! | `/fervis/frame` | `i` frame number, `f` media time in s, `i` number of faces, `i i` size of the frame in px |
//! | `/fervis/tracks` | an `i` for each face in the frame; a track that is not listed has left |
//! | `/fervis/largest/track` | `i` track of the largest face; not sent while there is no face |
//! | `/fervis/largest/happy` and the other labels | `f` smoothed probability of the largest face |
//! | `/fervis/largest/label` | `s` its label |
//! | `/fervis/largest/yaw_deg` and the other measures | as for each face, see below |
//! | `/fervis/face/TRACK/happy` and the other labels | `f` smoothed probability |
//! | `/fervis/face/TRACK/label` | `s` the shown label |
//! | `/fervis/face/TRACK/raw` | an `f` for each label, in their order: probabilities of this frame alone |
//! | `/fervis/face/TRACK/box` | `ffff` left, top, width, height in px, never mirrored |
//! | `/fervis/face/TRACK/score` | `f` the detector's |
//! | `/fervis/face/TRACK/yaw_deg` | `f` where the head points, degrees: positive to the right of the unmirrored frame |
//! | `/fervis/face/TRACK/pitch_deg` | `f` the same up and down, degrees: positive up |
//! | `/fervis/face/TRACK/roll_deg` | `f` tilt of the head, degrees: positive clockwise |
//! | `/fervis/face/TRACK/right_eye_open`, `left_eye_open` | `f` height over width of the person's eye: about 0.3 open, below 0.15 closed |
//! | `/fervis/face/TRACK/mouth_open` | `f` gap between the lips, in distances of the eyes' outer corners |
//! | `/fervis/face/TRACK/turned_away` | `i` 1 if the head is turned too far for its expression to mean much, else 0 |
//!
//! All from `yaw_deg` on have the names and values of [`message`](super::message). They are sent only for a face with a face
//! mesh.
//!
//! The time tag of every bundle is the time of *capture*: programs that align signals need it, and others act at once, as
//! the standard requires for a time in the past.

use std::{
    borrow::Cow,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType, encoder};

use super::{LiveOutput, StreamError, message::wall_time};
use crate::{
    bounding_box::BoundingBox,
    detect::FaceShape,
    expression::Label,
    frame::Resolution,
    pipeline::{Analysis, FaceAnalysis, SourceRun, Tap},
};

/// OSC counts time from 1900, as NTP does (RFC 5905); Unix from 1970.
pub(super) const FROM_1900_TO_1970: Duration = Duration::from_secs(2_208_988_800);

/// What is sent of a face mesh, by the names of [`FaceShape::MEASURES`].
const MESH_MEASURES: [&str; 6] = [
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
    "right_eye_open",
    "left_eye_open",
    "mouth_open",
];

/// The last parts of the other addresses of a face.
const OTHER_ADDRESSES: [&str; 6] = ["track", "label", "raw", "box", "score", "turned_away"];

/// Messages in a bundle: all about a face with the seven expressions. With the longest names of labels and tracks these are
/// below 1,500 bytes.
const MAX_MESSAGES: usize = 18;

/// Sends every result to one address, whether or not a program listens there.
///
/// It needs no thread: a datagram is handed to the system, which drops it if it has no room.
pub struct OscSender {
    socket: UdpSocket,
    destination: SocketAddr,
    /// Set while sending fails, so that the log has one line about it and not thirty a second.
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
            // Broadcast addresses are usual with OSC, and need permission like any other beyond this computer.
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
                        log::warn!("OSC cannot be sent to {}: {error}", self.destination);
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

/// The address to send from: from loopback, nothing can leave this computer.
fn own_side(destination: IpAddr) -> IpAddr {
    match destination {
        IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(ip) if ip.is_loopback() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The packets for one result, captured at `captured`: for the frame, then for each face. Networks with many labels need
/// several for each.
fn packets(analysis: &Analysis, captured: SystemTime) -> impl Iterator<Item = OscPacket> + '_ {
    let timetag = time_tag(captured);
    let faces = analysis.faces.iter();
    let faces = faces.map(move |face| of_face(face, analysis.box_in_file(face)));
    let contents = std::iter::once(of_frame(analysis)).chain(faces);
    contents.flat_map(move |mut content| {
        let mut bundles = Vec::new();
        while !content.is_empty() {
            let rest = content.split_off(content.len().min(MAX_MESSAGES));
            bundles.push(OscPacket::Bundle(OscBundle { timetag, content }));
            content = rest;
        }
        bundles
    })
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
        message("/fervis/tracks", faces.iter().map(|face| int(face.number))),
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
        content.push(message("/fervis/largest/track", [int(face.number)]));
        content.extend(labels("/fervis/largest", face));
        content.extend(mesh("/fervis/largest", face));
    }
    content
}

fn of_face(face: &FaceAnalysis, edges: BoundingBox) -> Vec<OscPacket> {
    let root = format!("/fervis/face/{}", face.number);
    let edges = [edges.x, edges.y, edges.width, edges.height];
    let mut content = labels(&root, face);
    content.push(message(
        format!("{root}/raw"),
        face.raw.0.iter().copied().map(OscType::Float),
    ));
    content.push(message(format!("{root}/box"), edges.map(OscType::Float)));
    content.push(message(
        format!("{root}/score"),
        [OscType::Float(face.score)],
    ));
    content.extend(mesh(&root, face));
    content
}

/// The smoothed probabilities by name, and the label.
fn labels(root: &str, face: &FaceAnalysis) -> Vec<OscPacket> {
    let label = OscType::String(face.label.name().to_owned());
    let label = message(format!("{root}/label"), [label]);
    let smoothed = face.smoothed.iter().map(|(label, probability)| {
        let address = format!("{root}/{}", address_of(label));
        message(address, [OscType::Float(probability)])
    });
    smoothed.chain([label]).collect()
}

/// The last part of the address of a label's probability. The standard allows neither spaces nor some signs there, nor
/// anything but ASCII.
fn address_of(label: Label) -> Cow<'static, str> {
    let name = label.name();
    let plain = plain(name);
    let is_word = plain.contains(|char: char| char.is_ascii_alphanumeric());
    let mut before = label.labels().iter().take(label.index());
    // A name that may stay as it is goes before those that become the same.
    let is_taken = plain != name
        && (label.labels().find(&plain).is_some()
            || before.any(|other| self::plain(other.name()) == plain))
        || OTHER_ADDRESSES.contains(&&*plain)
        || MESH_MEASURES.contains(&&*plain);
    match is_word && !is_taken {
        true => plain,
        false => format!("label_{}", label.index() + 1).into(),
    }
}

/// A name with `_` in place of what no address may have.
fn plain(name: &'static str) -> Cow<'static, str> {
    let may_stay = |char: char| char.is_ascii_graphic() && !"#*,/?[]{}".contains(char);
    if name.chars().all(may_stay) {
        return name.into();
    }
    let chars = name.chars();
    let chars = chars.map(|char| if may_stay(char) { char } else { '_' });
    chars.collect::<String>().into()
}

/// Pose, eyes and mouth of a face that has a mesh.
fn mesh(root: &str, face: &FaceAnalysis) -> Vec<OscPacket> {
    let Some(shape) = face.shape else {
        return Vec::new();
    };
    let measures = FaceShape::MEASURES.iter();
    let sent = measures.filter(|measure| MESH_MEASURES.contains(&measure.name));
    let values = sent.map(|measure| {
        let value = OscType::Float((measure.get)(&shape));
        message(format!("{root}/{}", measure.name), [value])
    });
    let turned_away = OscType::Int(shape.pose.is_turned_away().into());
    let turned_away = message(format!("{root}/turned_away"), [turned_away]);
    values.chain([turned_away]).collect()
}

fn message(address: impl Into<String>, args: impl IntoIterator<Item = OscType>) -> OscPacket {
    OscPacket::Message(OscMessage {
        addr: address.into(),
        args: args.into_iter().collect(),
    })
}

/// OSC's `i` has 31 bits and a sign; a larger count wraps to 0.
fn int(count: u64) -> OscType {
    OscType::Int((count & 0x7FFF_FFFF) as i32)
}

fn time_tag(time: SystemTime) -> OscTime {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let since_1900 = since_1970 + FROM_1900_TO_1970;
    OscTime {
        // It wraps in 2036, as receivers know from NTP's eras.
        seconds: since_1900.as_secs() as u32,
        fractional: ((u64::from(since_1900.subsec_nanos()) << 32) / 1_000_000_000) as u32,
    }
}

#[cfg(test)]
mod tests {
    use rosc::decoder::decode_udp;

    use super::*;
    use crate::{
        detect::HeadPose,
        expression::{Labels, MAX_LABEL_CHARS, MAX_LABELS, PerLabel, Probabilities},
        stream::fixtures::{SMOOTHED, analysis},
    };

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
        two.faces[1].smoothed.0 = [0.0, 0.0, 0.25, 0.0, 0.0, 0.75, 0.0].into();
        two.faces[1].label = crate::expression::Expression::Surprise.into();
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
    fn the_pinned_addresses_of_a_mesh() {
        let mut one = analysis(0, Duration::ZERO, &[(3, SMOOTHED)]);
        one.faces[0].shape = Some(FaceShape {
            pose: HeadPose {
                yaw_deg: 50.0,
                pitch_deg: -2.5,
                roll_deg: 1.0,
            },
            eyes_open: [0.25, 0.125],
            mouth_open: 0.5,
            ..FaceShape::default()
        });
        let encoded: Vec<Vec<u8>> = packets(&one, UNIX_EPOCH)
            .map(|packet| encoder::encode(&packet).unwrap())
            .collect();
        assert!(encoded.iter().all(|bytes| bytes.len() < 1400));
        for (packet, root) in encoded.iter().zip(["/fervis/largest", "/fervis/face/3"]) {
            let words = decoded(packet).1;
            let expected = [
                "yaw_deg f50",
                "pitch_deg f-2.5",
                "roll_deg f1",
                "right_eye_open f0.25",
                "left_eye_open f0.125",
                "mouth_open f0.5",
                "turned_away i1",
            ];
            let expected = expected.map(|word| format!("{root}/{word}"));
            assert!(words.ends_with(&expected), "{words:?}");
        }
        one.faces[0].shape = Some(FaceShape::default());
        let last = packets(&one, UNIX_EPOCH).last().unwrap();
        let words = decoded(&encoder::encode(&last).unwrap()).1;
        assert_eq!(words.last().unwrap(), "/fervis/face/3/turned_away i0");
    }

    #[test]
    fn a_frame_without_faces_lists_no_tracks() {
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
    fn packets_arrive_and_no_listener_is_needed() {
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
    fn packets_for_this_computer_do_not_leave_it() {
        let check = |destination: &str, own: &str| {
            let destination: IpAddr = destination.parse().unwrap();
            assert_eq!(own_side(destination).to_string(), own);
        };
        check("127.0.0.1", "127.0.0.1");
        check("192.168.1.20", "0.0.0.0");
        check("::1", "::1");
        check("fe80::1", "::");
    }

    #[test]
    fn every_label_has_an_address_of_its_own() {
        let labels = Labels::new(&["mask", "no mask", "no_mask", "box", "眠い", "a/b#"]).unwrap();
        let addresses: Vec<_> = labels.iter().map(address_of).collect();
        assert_eq!(
            addresses,
            ["mask", "label_2", "no_mask", "label_4", "label_5", "a_b_"]
        );
        let seven = Labels::FER_2013;
        assert!(seven.iter().map(address_of).eq(seven.names()));
    }

    #[test]
    fn packets_fit_into_a_datagram_with_the_longest_labels() {
        let names: Vec<String> = (0..MAX_LABELS)
            .map(|n| format!("{n:02}{}", "x".repeat(MAX_LABEL_CHARS - 2)))
            .collect();
        let labels = Labels::new(&names).unwrap();
        let mut one = analysis(7, Duration::ZERO, &[(1_234_567, SMOOTHED)]);
        let values = PerLabel::<f32>::new(labels).map(|_| 0.03125);
        (one.faces[0].raw, one.faces[0].smoothed) = (Probabilities(values), Probabilities(values));
        let encoded: Vec<Vec<u8>> = packets(&one, UNIX_EPOCH)
            .map(|packet| encoder::encode(&packet).unwrap())
            .collect();
        assert!(encoded.iter().all(|bytes| bytes.len() < 1500));
        let sent: Vec<String> = encoded.iter().flat_map(|bytes| decoded(bytes).1).collect();
        for name in labels.names() {
            for root in ["/fervis/largest", "/fervis/face/1234567"] {
                assert!(
                    sent.contains(&format!("{root}/{name} f0.03125")),
                    "{root}/{name}"
                );
            }
        }
    }
}
