//! One analyzed frame as one JSON object, and the greeting of a client.
//!
//! `fervis analyze --json` writes [`line()`]; live clients get [`live`], which begins with the same bytes and adds keys.
//! Scripts depend on both: keys may be added at the end but never change, or the number in [`SCHEMA`] rises. Numbers are
//! written in full, so that a reader gets exactly what was computed.
//!
//! Frame numbers, media time and track numbers belong to a source. When another one is opened, or a file starts over, they
//! start over too; a live client sees that by `source`. Tracks also start over when a recording begins. Only `unix_s`
//! continues.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::json;

use crate::{
    bounding_box::BoundingBox,
    detect::{FaceShape, HeadPose},
    expression::{Labels, Probabilities},
    pipeline::{Analysis, FaceValues, SourceRun, markers::MarkerSet},
};

/// Name and version of the messages to live clients. The number rises when a key changes its meaning or is removed, not
/// when one is added.
pub const SCHEMA: &str = "fervis-stream/1";

#[derive(Serialize)]
struct Line<'a> {
    frame: u64,
    time_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(serialize_with = "faces")]
    faces: &'a Analysis,
}

#[derive(Serialize)]
struct Live<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    source: u64,
    unix_s: f64,
    latency_ms: f64,
    size: [u32; 2],
    checkpoint: Option<&'a str>,
}

#[derive(Serialize)]
struct Greeting {
    schema: &'static str,
    version: &'static str,
    labels: Labels,
}

/// A face in a line; exported sessions write the same.
#[derive(Serialize)]
pub(crate) struct Face {
    pub(crate) track: u64,
    #[serde(rename = "box", serialize_with = "edges")]
    pub(crate) box_in_frame: BoundingBox,
    pub(crate) score: f32,
    #[serde(serialize_with = "by_name")]
    pub(crate) raw: Probabilities,
    #[serde(serialize_with = "by_name")]
    pub(crate) smoothed: Probabilities,
    pub(crate) label: &'static str,
    #[serde(serialize_with = "measures", skip_serializing_if = "Option::is_none")]
    pub(crate) mesh: Option<FaceShape>,
    #[serde(
        serialize_with = "maybe_by_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) corrected: Option<Probabilities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) corrected_pose: Option<HeadPose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) second: Option<Second>,
    /// What the user called it in a recorded session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// What the second network reads of a face.
#[derive(Serialize)]
pub(crate) struct Second {
    #[serde(serialize_with = "by_name")]
    raw: Probabilities,
    #[serde(serialize_with = "by_name")]
    smoothed: Probabilities,
    label: &'static str,
}

impl From<FaceValues> for Second {
    fn from(values: FaceValues) -> Self {
        Self {
            raw: values.raw,
            smoothed: values.smoothed,
            label: values.label.name(),
        }
    }
}

/// The object for a file, as one line without the line break.
///
/// Its keys are `frame`, `time_s`, for an image file its name as `file`, and `faces`. Each face has `track`, `box` (left, top,
/// width and height in pixels of the file), `score`, `raw`, `smoothed` and `label`. A face with a face mesh has `mesh` too: the
/// [`FaceShape::MEASURES`] by their names, and `turned_away`, true if the head is turned too far for the expression to mean
/// much. A face whose resting face was learned has `corrected`: the smoothed probabilities corrected by it, and with a mesh
/// `corrected_pose`: the angles less those at rest. With a second network it has `second`, with that network's `raw`, `smoothed` and `label`.
///
/// # Errors
/// None occur with these types; only serde's signature allows them.
pub fn line(analysis: &Analysis) -> serde_json::Result<String> {
    serde_json::to_string(&Line::new(analysis))
}

/// The object for a live client. `captured` is the wall time of the capture; see [`wall_time`].
///
/// It begins with the keys of [`line()`]. Then come `source` (the number of the source among those opened since the start,
/// from 1), `unix_s` (time of capture in seconds since 1970, UTC), `latency_ms` (from capture to result), `size` (width and
/// height of the frame, px) and `checkpoint` (the name of the current network, or null).
///
/// # Errors
/// None occur with these types; only serde's signature allows them.
pub fn live(
    run: SourceRun,
    analysis: &Analysis,
    captured: SystemTime,
) -> serde_json::Result<String> {
    let latency = analysis
        .completed_at
        .saturating_duration_since(analysis.frame.captured_at);
    let size = analysis.frame.full_resolution;
    serde_json::to_string(&Live {
        line: Line::new(analysis),
        source: run.0,
        unix_s: to_microseconds(unix_s(captured)),
        latency_ms: (latency.as_secs_f64() * 1e6).round() / 1e3,
        size: [size.width_px, size.height_px],
        checkpoint: analysis
            .checkpoint
            .as_ref()
            .map(|checkpoint| checkpoint.name.as_str()),
    })
}

/// The first message to a live client: the `schema`, the `version` of the application, and the `labels` of the network in
/// order. It comes again before the first result of a network with other labels. No other message has a `schema`.
///
/// # Errors
/// None occur with these types; only serde's signature allows them.
pub fn greeting(labels: Labels) -> serde_json::Result<String> {
    serde_json::to_string(&Greeting {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        labels,
    })
}

/// What a client says.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Set a marker: `{"type":"marker","text":"smile","time":1764079509.25}`. Both the text and the time may be absent; the
    /// time is the client's own, s.
    Marker {
        /// What is marked.
        text: String,
        /// The client's time, s.
        time_s: Option<f64>,
    },
    /// Anything else, which is ignored.
    Other,
}

impl Request {
    /// Reads a message of a client.
    ///
    /// # Errors
    /// What is wrong with a marker, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Kind {
            r#type: String,
        }
        #[derive(Deserialize)]
        struct Marker {
            #[serde(default)]
            text: String,
            #[serde(default)]
            time: Option<f64>,
        }
        match serde_json::from_str::<Kind>(text) {
            Ok(kind) if kind.r#type == "marker" => {}
            _ => return Ok(Self::Other),
        }
        let marker: Marker = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self::Marker {
            text: marker.text,
            time_s: marker.time,
        })
    }
}

/// The message that sets a marker.
pub fn marker_request(text: &str, time_s: Option<f64>) -> String {
    json!({"type": "marker", "text": text, "time": time_s}).to_string()
}

/// The answer to a client whose marker is written. `sender_s` is its own time.
pub fn marker_set(marker: &MarkerSet, sender_s: Option<f64>) -> String {
    let time_s = to_microseconds(marker.time.as_secs_f64());
    let marker = json!({
        "number": marker.number,
        "time_s": time_s,
        "text": marker.text,
        "sender_s": sender_s,
    });
    json!({ "marker": marker }).to_string()
}

/// The answer to a client whose marker is not set.
pub fn marker_refused(reason: &str) -> String {
    json!({"marker": null, "error": reason}).to_string()
}

/// Media time in seconds, to the microsecond, as containers keep it: 0.066667 and not 0.06666666600000001.
pub fn time_s(analysis: &Analysis) -> f64 {
    to_microseconds(analysis.frame.time.as_secs_f64())
}

/// The wall time of a recent moment.
///
/// Computed for every frame, so that it follows the system clock when that is set or slewed.
pub fn wall_time(at: Instant) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(at.elapsed()).unwrap_or(now)
}

/// Seconds since 1970, UTC; 0 before that.
pub fn unix_s(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

impl<'a> Line<'a> {
    fn new(analysis: &'a Analysis) -> Self {
        Self {
            frame: analysis.frame.id.0,
            time_s: time_s(analysis),
            file: analysis.frame.file.as_deref(),
            faces: analysis,
        }
    }
}

fn to_microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn faces<S: Serializer>(analysis: &&Analysis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(analysis.faces.iter().map(|face| Face {
        track: face.number,
        box_in_frame: analysis.box_in_file(face),
        score: face.score,
        raw: face.raw,
        smoothed: face.smoothed,
        label: face.label.name(),
        mesh: analysis.shape_in_file(face),
        corrected: face.corrected.map(|corrected| corrected.probabilities),
        corrected_pose: face.corrected.and_then(|corrected| corrected.pose),
        second: face.second.map(Second::from),
        name: None,
    }))
}

fn measures<S: Serializer>(shape: &Option<FaceShape>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(shape) = shape else {
        return serializer.serialize_none();
    };
    let mut map = serializer.serialize_map(Some(FaceShape::MEASURES.len() + 1))?;
    for measure in &FaceShape::MEASURES {
        map.serialize_entry(measure.name, &(measure.get)(shape))?;
    }
    map.serialize_entry("turned_away", &shape.pose.is_turned_away())?;
    map.end()
}

fn edges<S: Serializer>(edges: &BoundingBox, serializer: S) -> Result<S::Ok, S::Error> {
    [edges.x, edges.y, edges.width, edges.height].serialize(serializer)
}

fn maybe_by_name<S: Serializer>(
    probabilities: &Option<Probabilities>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match probabilities {
        Some(probabilities) => by_name(probabilities, serializer),
        None => serializer.serialize_none(),
    }
}

fn by_name<S: Serializer>(probabilities: &Probabilities, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        probabilities
            .iter()
            .map(|(label, probability)| (label.name(), probability)),
    )
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        frame::Resolution,
        stream::fixtures::{SMOOTHED, analysis},
    };

    #[test]
    fn the_pinned_line() {
        let empty = analysis(0, Duration::ZERO, &[]);
        assert_eq!(
            line(&empty).unwrap(),
            r#"{"frame":0,"time_s":0.0,"faces":[]}"#
        );
        let third = Duration::from_secs(2) / 3;
        let full = analysis(10, third, &[(1, SMOOTHED)]);
        assert_eq!(
            line(&full).unwrap(),
            concat!(
                r#"{"frame":10,"time_s":0.666667,"faces":[{"track":1,"box":[-1.5,20.0,100.25,101.0],"score":12.5,"#,
                r#""raw":{"angry":0.0,"disgust":0.0,"fear":0.0,"happy":0.25,"sad":0.0,"surprise":0.0,"neutral":0.75},"#,
                r#""smoothed":{"angry":0.1,"disgust":0.0,"fear":0.0,"happy":0.5,"sad":0.0,"surprise":0.0,"neutral":0.4},"#,
                r#""label":"happy"}]}"#
            )
        );
    }

    #[test]
    fn an_image_is_named_and_boxes_are_in_its_own_pixels() {
        let mut analysis = analysis(1, Duration::from_secs(1), &[(1, SMOOTHED)]);
        let frame = Arc::get_mut(&mut analysis.frame).unwrap();
        frame.file = Some("a \"b\".jpg".into());
        frame.full_resolution = Resolution::new(640, 96);
        let line = line(&analysis).unwrap();
        assert!(
            line.starts_with(
                r#"{"frame":1,"time_s":1.0,"file":"a \"b\".jpg","faces":[{"track":1,"#
            ),
            "{line}"
        );
        assert!(
            line.contains(r#""box":[-15.0,40.0,1002.5,202.0]"#),
            "{line}"
        );
        let live = live(SourceRun(1), &analysis, UNIX_EPOCH).unwrap();
        assert!(live.contains(r#""size":[640,96]"#), "{live}");
    }

    #[test]
    fn the_pinned_live_message_begins_as_the_line() {
        let full = analysis(10, Duration::from_secs(1), &[(1, SMOOTHED), (3, SMOOTHED)]);
        let line = line(&full).unwrap();
        let captured = UNIX_EPOCH + Duration::from_micros(1_764_079_509_123_457);
        let live = live(SourceRun(2), &full, captured).unwrap();
        let begins = line.strip_suffix('}').unwrap();
        assert_eq!(
            live.strip_prefix(begins),
            Some(
                r#","source":2,"unix_s":1764079509.123457,"latency_ms":42.0,"size":[64,48],"checkpoint":"three-block"}"#
            )
        );
    }

    #[test]
    fn the_pinned_greeting() {
        assert_eq!(
            greeting(Labels::FER_2013).unwrap(),
            concat!(
                r#"{"schema":"fervis-stream/1","version":""#,
                env!("CARGO_PKG_VERSION"),
                r#"","labels":["angry","disgust","fear","happy","sad","surprise","neutral"]}"#
            )
        );
    }

    #[test]
    fn wall_time_is_that_of_the_moment_itself() {
        let (before, at) = (SystemTime::now(), Instant::now());
        let wall = wall_time(at - Duration::from_secs(5));
        let ago = before.duration_since(wall).unwrap();
        // Unless the clock is set in between.
        assert!(ago < Duration::from_secs(6) && ago > Duration::from_secs(4));
        assert_eq!(unix_s(UNIX_EPOCH - Duration::from_secs(1)), 0.0);
    }
}
