//! `session.json`: the description of a whole session.
//!
//! It is written when the recording starts, with status `recording`, and replaced whole whenever it changes, so it is
//! valid at every moment. Unknown keys are ignored: a newer version's session can be read as long as its schema has the
//! same number.

use std::{
    collections::{BTreeMap, HashSet},
    io::ErrorKind,
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    MANIFEST_FILE, SessionError,
    about::About,
    files::{self, is_plain_name},
    marker_keys::MarkerKeys,
    tables::{EventRow, FaceRow, FrameRow, Row},
};
use crate::{
    detect::Detector, expression::Labels, model::Views, pipeline::face_names::FaceNames,
    time::Ticks,
};

/// The schema that this version writes and reads.
pub const SCHEMA: &str = "fervis-session/1";

/// The content of `session.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The program that wrote it.
    pub app: App,
    /// Who and what it is about, as the user said.
    #[serde(default, skip_serializing_if = "About::is_empty")]
    pub about: About,
    /// What the keys for markers said when it began.
    #[serde(default, skip_serializing_if = "MarkerKeys::is_empty")]
    pub marker_keys: MarkerKeys,
    /// What the faces are called, by their numbers, as the user said.
    #[serde(default, skip_serializing_if = "FaceNames::is_empty")]
    pub face_names: FaceNames,
    /// Whether the recording is complete.
    pub status: Status,
    /// When it began, local time with its offset (RFC 3339).
    pub started: String,
    /// When it ended; `None` while it is recorded. For a recovered session, the time of its last row.
    pub ended: Option<String>,
    /// From the first frame to the end, s; `None` while it is recorded, and in sessions of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_s: Option<f64>,
    /// Why it ended, in words.
    pub ended_because: Option<String>,
    /// What the times in the tables mean.
    pub clock: Clock,
    /// Where the frames came from.
    pub source: Source,
    /// What the network ran on, in words.
    pub device: Option<String>,
    /// The networks, in order of use; `faces.csv` names them by their position here.
    pub models: Vec<Model>,
    /// The second networks, which read the same faces for comparison, in order of use; absent if there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_models: Vec<Model>,
    /// The settings when the recording began.
    pub settings: Settings,
    /// The videos, part by part; none if only values were recorded.
    pub video: Vec<Video>,
    /// How many frames were captured, analyzed, and so on.
    pub counts: Counts,
    /// Time from capture to result.
    pub latency_ms: Latency,
    /// The current labels, in the order of the tables. Absent if they are the seven expressions of FER-2013, as in
    /// sessions from before there were others.
    #[serde(default, skip_serializing_if = "is_fer_2013")]
    pub labels: Labels,
    /// What each column of each table means.
    pub columns: BTreeMap<String, BTreeMap<String, ColumnMeaning>>,
    /// What was repaired, if it was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// `fervis`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Whether a recording is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is being recorded, or was interrupted and not repaired yet.
    Recording,
    /// It was stopped, and everything is there.
    Complete,
    /// It was interrupted, and everything that could be recovered is there.
    Recovered,
}

/// What the times in the tables mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// The first frame's time, s since 1970 (UTC): `unix_s = time_s + zero_unix_s`.
    pub zero_unix_s: f64,
    /// Name of the time zone, such as `Europe/Berlin`, if the system says.
    pub time_zone: Option<String>,
    /// What `time_s` is measured by, in words. The tables of earlier versions called it `t_s`.
    #[serde(alias = "t_s")]
    pub time_s: String,
}

/// Where frames came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `camera`, `demo` or `file`.
    pub kind: String,
    /// The name that the source gives itself.
    pub name: String,
    /// The file or folder, if it is one.
    pub path: Option<String>,
    /// Width of its first frame, px.
    pub width: u32,
    /// Height of its first frame, px.
    pub height: u32,
    /// Frames per second, if the source says.
    pub nominal_rate_hz: Option<f64>,
    /// Pixel format or codec.
    pub format: String,
    /// Size of the file, bytes, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_bytes: Option<u64>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// The file, unless it came with the program.
    pub path: Option<String>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Names of its outputs in the file, in their order there. Seven expressions are always in FER-2013's order in the
    /// tables.
    pub labels: Vec<String>,
    /// The divisor of its logits.
    pub temperature: f32,
    /// Below this probability, 0 to 1, it is not sure enough to name a label. 0 in sessions of earlier versions.
    #[serde(default)]
    pub uncertain_below: f32,
}

/// The settings of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Time constant of the smoothing of probabilities, s; 0 is off.
    pub smoothing_s: f64,
    /// What the network looked at of each face: `single`, or `flip` for the mean of the face and its mirror image.
    #[serde(default)]
    pub views: Views,
    /// Minimum size of a face, px.
    pub min_face_size_px: u32,
    /// What found the faces. Sessions from before there was a choice used rustface alone.
    #[serde(default = "rustface_alone")]
    pub detector: Detector,
    /// Minimum score of a new face.
    pub score_threshold: f32,
    /// `annotated`, `clean`, `both` or `none`.
    pub video: String,
    /// How faces were covered in the video, in words; `None` if they were not.
    pub privacy: Option<String>,
    /// The threshold that the user chose instead of the networks' own, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertain_below: Option<f32>,
}

/// A part of a video: frames of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// The file in the session's folder.
    pub file: String,
    /// Whether boxes and labels are drawn on it.
    pub annotated: bool,
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// Number of its first frame in `frames.csv`.
    pub first_frame: u64,
    /// When its first frame was captured: the video's own time starts at 0.
    #[serde(rename = "first_pts_90k")]
    pub first_time: Ticks,
    /// Codec.
    pub codec: String,
    /// Encoder with its version.
    pub encoder: String,
    /// Number of frames; `None` while it is recorded.
    pub n_frames: Option<u64>,
    /// Bytes; `None` while it is recorded.
    pub n_bytes: Option<u64>,
}

/// How many frames were captured, and how many of them were analyzed, recorded and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Frames that the source delivered during the recording.
    pub captured: u64,
    /// Of these, with a result.
    #[serde(rename = "analysed")]
    pub analyzed: u64,
    /// Of these, without a result, because they could not be analyzed in time.
    pub skipped: u64,
    /// Of these, in the video.
    pub recorded: u64,
    /// Frames that were dropped because they came faster than they could be written. They are counted in `captured` and
    /// have no row.
    pub refused: u64,
    /// Rows of `faces.csv`.
    pub faces: u64,
    /// Faces that were followed, each counted once; known at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracks: Option<u64>,
    /// Markers that the user set; known at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markers: Option<u64>,
}

/// Time from capture to result, ms.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
}

/// What a column means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnMeaning {
    /// Its unit; empty for texts, counts and shares.
    pub unit: String,
    /// One sentence.
    pub description: String,
}

/// What was repaired in an interrupted session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// When it was repaired (RFC 3339).
    pub at: String,
    /// What was done, one sentence each.
    pub steps: Vec<String>,
}

impl Manifest {
    /// Below this probability, 0 to 1, a label of this network was shown as uncertain; `model` is its position.
    pub fn uncertain_below(&self, model: usize) -> f32 {
        let own = || self.models.get(model).map(|model| model.uncertain_below);
        let chosen = self.settings.uncertain_below;
        chosen.or_else(own).unwrap_or_default()
    }

    /// The meaning of every column of every table, for these labels.
    pub fn data_dictionary(labels: Labels) -> BTreeMap<String, BTreeMap<String, ColumnMeaning>> {
        fn meanings<R: Row>(labels: Labels) -> (String, BTreeMap<String, ColumnMeaning>) {
            let columns = R::columns(labels).into_iter().map(|column| {
                let meaning = ColumnMeaning {
                    unit: column.unit.to_owned(),
                    description: column.description,
                };
                (column.name, meaning)
            });
            (R::FILE.to_owned(), columns.collect())
        }
        BTreeMap::from([
            meanings::<FrameRow>(labels),
            meanings::<FaceRow>(labels),
            meanings::<EventRow>(labels),
        ])
    }

    /// Reads the description of the session in `folder`.
    ///
    /// # Errors
    /// [`SessionError::NotASession`] if there is none, and others if it is damaged, comes from a later version, or
    /// names files outside the folder.
    pub fn read(folder: &Path) -> Result<Self, SessionError> {
        let file = folder.join(MANIFEST_FILE);
        let text = match files::read_text(&file) {
            Ok(text) => text,
            Err(source) if source.kind() == ErrorKind::NotFound => {
                return Err(SessionError::NotASession {
                    folder: folder.to_owned(),
                });
            }
            Err(source) => return Err(SessionError::read(&file, source)),
        };
        let problem = |problem: String, line: Option<u64>| SessionError::Content {
            file: file.clone(),
            line,
            problem,
        };
        #[derive(Deserialize)]
        struct Schema {
            schema: String,
        }
        let damaged =
            |error: serde_json::Error| problem(error.to_string(), Some(error.line() as u64));
        let Schema { schema } = serde_json::from_str(&text).map_err(damaged)?;
        if schema != SCHEMA {
            let words = format!(
                "the schema is “{schema}”, and this version of fervis reads {SCHEMA}; update fervis to open it"
            );
            return Err(problem(words, None));
        }
        let manifest: Self = serde_json::from_str(&text).map_err(damaged)?;
        // Checked here, so that every caller may join a name to the folder.
        let mut videos = manifest.video.iter();
        if let Some(video) = videos.find(|video| !is_plain_name(&video.file)) {
            let words = format!(
                "the video “{}” is not a file name in the session's folder, so the session is not opened",
                video.file
            );
            return Err(problem(words, None));
        }
        // Each name costs a reader one video: a description is no place for the same one a hundred thousand times.
        let mut names = HashSet::new();
        let mut videos = manifest.video.iter();
        if let Some(video) = videos.find(|video| !names.insert(&video.file)) {
            return Err(problem(
                format!("it lists the video “{}” twice", video.file),
                None,
            ));
        }
        Ok(manifest)
    }

    /// The status of the session in `folder`; `None` if it cannot be read.
    pub(super) fn status_of(folder: &Path) -> Option<Status> {
        #[derive(Deserialize)]
        struct Only {
            status: Status,
        }
        let text = files::read_text(&folder.join(MANIFEST_FILE)).ok()?;
        let only: Only = serde_json::from_str(&text).ok()?;
        Some(only.status)
    }

    /// Replaces the description of the session in `folder`. At every moment either the old or the new one is there.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn write(&self, folder: &Path) -> Result<(), SessionError> {
        let file = folder.join(MANIFEST_FILE);
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        files::replace(&file, text.as_bytes()).map_err(|source| SessionError::write(&file, source))
    }
}

fn is_fer_2013(labels: &Labels) -> bool {
    *labels == Labels::FER_2013
}

fn rustface_alone() -> Detector {
    Detector::Rustface
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// A session of a camera with one network and no video.
    pub(crate) fn manifest() -> Manifest {
        Manifest {
            schema: SCHEMA.to_owned(),
            app: App {
                name: "fervis".to_owned(),
                version: "0.1.0".to_owned(),
            },
            about: About::default(),
            marker_keys: MarkerKeys::default(),
            face_names: FaceNames::default(),
            status: Status::Complete,
            started: "2026-11-25T14:03:05+01:00".to_owned(),
            ended: Some("2026-11-25T14:03:15+01:00".to_owned()),
            length_s: None,
            ended_because: Some("stopped".to_owned()),
            clock: Clock {
                zero_unix_s: 1_764_075_785.25,
                time_zone: Some("Europe/Berlin".to_owned()),
                time_s: "a clock that never jumps".to_owned(),
            },
            source: Source {
                kind: "camera".to_owned(),
                name: "C920".to_owned(),
                path: None,
                width: 1280,
                height: 720,
                nominal_rate_hz: Some(30.0),
                format: "MJPG".to_owned(),
                n_bytes: None,
            },
            device: Some("CPU, 2 threads".to_owned()),
            models: vec![Model {
                name: "three-block".to_owned(),
                architecture: "three-block".to_owned(),
                path: None,
                sha256: "ab".repeat(32),
                labels: vec!["angry".to_owned(), "disgust".to_owned()],
                temperature: 1.1,
                uncertain_below: 0.0,
            }],
            second_models: Vec::new(),
            settings: Settings {
                smoothing_s: 0.3,
                views: Views::Flip,
                min_face_size_px: 40,
                detector: Detector::Both,
                score_threshold: 4.0,
                video: "none".to_owned(),
                privacy: None,
                uncertain_below: None,
            },
            video: Vec::new(),
            counts: Counts::default(),
            latency_ms: Latency::default(),
            labels: Labels::FER_2013,
            columns: Manifest::data_dictionary(Labels::FER_2013),
            recovery: None,
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let written = manifest();
        written.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), written);
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "no draft is left");
    }

    #[test]
    fn what_is_not_a_session_is_explained_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let message = || Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(message().contains("is not a session"), "{}", message());
        let write = |text: &str| fs::write(folder.path().join(MANIFEST_FILE), text).unwrap();
        write("{\"schema\": \"fervis-session/9\"}");
        assert!(message().contains("update fervis"), "{}", message());
        write("{\"schema\": \"fervis-session/1\"}");
        assert!(message().contains("missing field"), "{}", message());
        write("{\"schema\":");
        assert!(message().contains("line 1"), "{}", message());
    }

    #[test]
    fn a_session_that_names_files_outside_its_folder_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["/tmp/victim.mp4", "../victim.mp4", "C:\\victim.mp4", ""] {
            let mut written = manifest();
            written.video = vec![crate::session::fixtures::video(name, false, 0, 0)];
            written.write(folder.path()).unwrap();
            let error = Manifest::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("“{name}”")), "{error}");
        }
    }

    #[test]
    fn a_session_that_lists_a_video_twice_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let mut written = manifest();
        written.video = vec![crate::session::fixtures::video("video.mp4", false, 0, 0); 2];
        written.write(folder.path()).unwrap();
        let error = Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("“video.mp4” twice"), "{error}");
    }

    #[test]
    fn every_column_is_explained() {
        let dictionary = Manifest::data_dictionary(Labels::FER_2013);
        assert_eq!(dictionary.len(), 3);
        let faces = &dictionary["faces.csv"];
        assert_eq!(faces["x"].unit, "px");
        assert!(faces["smoothed_happy"].description.contains("happy"));
        let meanings = dictionary.values().flat_map(|table| table.values());
        assert!(
            meanings
                .into_iter()
                .all(|meaning| !meaning.description.is_empty())
        );
    }
}
