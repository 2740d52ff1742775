//! Runs another network over a recorded session, and compares its results with the recorded ones.
//!
//! [`reanalyze`] reads the session's frames again and classifies the faces where they were recorded, so that tracks
//! stay comparable: nothing is detected again. Presumed faces are not classified, as in the recording, and the
//! probabilities are smoothed as in the recording. The result is a table like `faces.csv` and a [`Diff`]; the session
//! itself is never changed.
//!
//! A recorded video is compressed, so even the same network gives slightly different results on it than it did live.
//! The original file of a session is read if it still exists.

mod compare;
mod pictures;

use std::{
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use self::pictures::{Clip, Pictures};
pub use self::{
    compare::{ClassComparison, Comparison, TrackComparison},
    pictures::PictureKind,
};
use crate::{
    capture::{self, CaptureError, FrameSource, SourceSpec},
    error_text::error_text,
    expression::{Labels, Probabilities},
    frame::{Frame, FramePool, Resolution},
    model::{CheckpointInfo, preprocess::FaceRegion},
    pipeline::{
        ClassifyFaces, FaceAnalysis,
        face_reader::{self, FaceReader, ReadError},
    },
    session::{
        MANIFEST_FILE, Session, files,
        manifest::Model,
        tables::{self, FaceRow, FrameStatus, Row},
    },
};

/// Name and version of `diff.json`.
pub const SCHEMA: &str = "fervis-reanalysis/1";
/// Name of the comparison, in the folder of a reanalysis.
pub const DIFF_FILE: &str = "diff.json";
/// The beginning of the names of reanalysis folders, in the session's folder.
pub const FOLDER_PREFIX: &str = "reanalysis-";

/// Why a session could not be reanalyzed. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReanalyzeError {
    /// There are no frames.
    #[error("{} cannot be reanalyzed: {reason}", folder.display())]
    NoPictures {
        /// The session.
        folder: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A file does not show what was recorded.
    #[error("{} is not what was recorded: {problem}", file.display())]
    OtherPictures {
        /// The file.
        file: PathBuf,
        /// What is different.
        problem: String,
    },
    /// A video could not be opened.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The network gave no answer that counts.
    #[error(transparent)]
    Network(#[from] ReadError),
    /// Whoever asked for it does not want it any more.
    #[error("canceled")]
    Canceled,
    /// The folder holds earlier results.
    #[error("{} exists already", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is a link, which could lead anywhere.
    #[error("{} is a link; choose another folder for the results", folder.display())]
    IsLink {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder is a session.
    #[error("{} is a session; choose another folder for the results", folder.display())]
    IsSession {
        /// The folder.
        folder: PathBuf,
    },
    /// Disk full, no permission, and so on.
    #[error("{} could not be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// The results of another network for a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Reanalysis {
    /// The faces with their new probabilities and the session's frame and track numbers. Their `model` is the position
    /// after the session's own networks.
    pub faces: Vec<FaceRow>,
    /// The network's labels.
    pub labels: Labels,
    /// The comparison.
    pub diff: Diff,
}

/// `diff.json`: how two readings of a session differ. Counts are of faces in frames, shares are of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The name of the session's folder.
    pub session: String,
    /// The networks of the recording.
    pub before: Vec<Model>,
    /// The other network.
    pub after: Model,
    /// The frames that it classified.
    pub pictures: PicturesUsed,
    /// How many of the recorded faces were compared.
    pub faces: FaceCounts,
    /// All faces.
    pub overall: Comparison,
    /// Each track.
    pub tracks: Vec<TrackComparison>,
    /// Caveats for reading the figures, one sentence each.
    pub notes: Vec<String>,
}

/// The frames that were reanalyzed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PicturesUsed {
    /// Where they came from.
    pub kind: PictureKind,
    /// The files. A name that is not Unicode is as it is shown.
    pub files: Vec<String>,
}

/// How many of the recorded faces were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FaceCounts {
    /// Rows of the session's `faces.csv`.
    pub recorded: u64,
    /// Of these, classified again and compared.
    pub compared: u64,
    /// Of these, classified again, but one of the networks gave a label that the other does not have. Absent if 0.
    #[serde(skip_serializing_if = "compare::is_zero")]
    pub other_labels: u64,
    /// Of these, presumed, which no network classifies.
    pub presumed: u64,
    /// Of these, in frames that are not in the video.
    pub without_picture: u64,
}

/// Opens a file as a source of frames.
type Open<'a> = &'a dyn Fn(&Path) -> Result<Box<dyn FrameSource>, CaptureError>;

/// Told how many frames with faces are finished, and how many there are.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Classifies a session's faces again. `progress` is called after each frame of the video, and may end the work.
///
/// # Errors
/// [`ReanalyzeError`].
pub fn reanalyze(
    session: &Session,
    network: &mut dyn ClassifyFaces,
    progress: Progress<'_>,
) -> Result<Reanalysis, ReanalyzeError> {
    let open = |file: &Path| capture::open(&SourceSpec::Path(file.to_owned()));
    reanalyze_from(session, network, &open, progress)
}

fn reanalyze_from(
    session: &Session,
    network: &mut dyn ClassifyFaces,
    open: Open<'_>,
    progress: Progress<'_>,
) -> Result<Reanalysis, ReanalyzeError> {
    let pictures = pictures::find(session)?;
    let mut notes: Vec<String> = pictures.warning().map(str::to_owned).into_iter().collect();
    let mut reader = Reader {
        session,
        network,
        answers: vec![None; session.faces.len()],
        n_done: 0,
        n_wanted: pictures.n_wanted(),
    };
    for clip in &pictures.clips {
        notes.extend(reader.read(clip, open, progress)?);
    }
    let Reader {
        answers, n_done, ..
    } = reader;
    if n_done == 0 && pictures.n_wanted() > 0 {
        return Err(ReanalyzeError::OtherPictures {
            file: pictures.files().first().cloned().unwrap_or_default(),
            problem: "none of its frames has the time of a recorded frame".to_owned(),
        });
    }
    let info = Arc::clone(network.info());
    let faces = smoothed(session, &answers);
    let diff = diff(session, &faces, &info, &pictures, notes);
    Ok(Reanalysis {
        faces,
        labels: info.labels,
        diff,
    })
}

/// The network's answer for one face in one frame, and the time it took for the frame.
type Answer = Option<(Probabilities, Duration)>;

struct Reader<'a> {
    session: &'a Session,
    network: &'a mut dyn ClassifyFaces,
    /// In the order of [`Session::faces`].
    answers: Vec<Answer>,
    n_done: u64,
    n_wanted: u64,
}

impl Reader<'_> {
    /// Reads a file and classifies the faces in the requested frames. Returns why reading stopped early, if it did.
    fn read(
        &mut self,
        clip: &Clip,
        open: Open<'_>,
        progress: Progress<'_>,
    ) -> Result<Option<String>, ReanalyzeError> {
        let mut source = open(&clip.file)?;
        let pool = FramePool::default();
        let mut is_first = true;
        loop {
            let next = source.next_frame(&pool);
            for note in source.take_notes() {
                log::warn!("{}: {note}", clip.file.display());
            }
            let frame = match next {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(None),
                // The results until then are kept.
                Err(error) => {
                    let file = clip.file.display();
                    let error = error_text(&error);
                    return Ok(Some(format!("{file} was not read to its end: {error}")));
                }
            };
            if std::mem::take(&mut is_first) {
                check_size(clip, frame.resolution())?;
            }
            let time = frame.time.into();
            for &row in clip.frames_at(time) {
                if self.classify(&frame, self.session.frames[row].frame)? {
                    self.n_done += 1;
                }
            }
            // Also after a frame without a face: there may be many of them.
            if progress(self.n_done, self.n_wanted).is_break() {
                return Err(ReanalyzeError::Canceled);
            }
            if clip.is_over(time) {
                return Ok(None);
            }
        }
    }

    /// Classifies the faces that were found in a frame, unless that is done: two frames of the file may be near the
    /// recorded time. Returns whether it classified them.
    fn classify(&mut self, frame: &Frame, number: u64) -> Result<bool, ReanalyzeError> {
        let range = self.session.face_range(number);
        let found: Vec<usize> = range
            .filter(|&face| self.session.faces[face].is_found())
            .collect();
        if found.iter().any(|&face| self.answers[face].is_some()) {
            return Ok(false);
        }
        let regions: Vec<FaceRegion> = found
            .iter()
            .map(|&face| {
                let face = &self.session.faces[face].face;
                face_reader::region(face.box_in_frame, face.shape)
            })
            .collect();
        let started = Instant::now();
        let views = self.session.manifest.settings.views;
        let read = face_reader::read(self.network, frame, &regions, views)?;
        let took = started.elapsed();
        for (face, probabilities) in found.into_iter().zip(read) {
            self.answers[face] = Some((probabilities, took));
        }
        Ok(true)
    }
}

/// Checks the frame size: a file that was replaced usually has another. A video may lack the last column or row of an
/// odd size.
fn check_size(clip: &Clip, found: Resolution) -> Result<(), ReanalyzeError> {
    let recorded = clip.resolution;
    let alike = found.width_px.abs_diff(recorded.width_px) <= 1
        && found.height_px.abs_diff(recorded.height_px) <= 1;
    if alike {
        return Ok(());
    }
    Err(ReanalyzeError::OtherPictures {
        file: clip.file.clone(),
        problem: format!("its frames are {found} and not {recorded}"),
    })
}

/// The session's faces with the new probabilities, smoothed as in the pipeline.
fn smoothed(session: &Session, answers: &[Answer]) -> Vec<FaceRow> {
    let time_constant =
        Duration::try_from_secs_f64(session.manifest.settings.smoothing_s).unwrap_or_default();
    let mut reader = FaceReader::default();
    let mut rows = Vec::with_capacity(session.faces.len());
    let frames = session.frames.iter();
    for frame in frames.filter(|frame| frame.status == FrameStatus::Analyzed) {
        let range = session.face_range(frame.frame);
        let (faces, answers) = (&session.faces[range.clone()], &answers[range]);
        let read: Vec<_> = faces
            .iter()
            .zip(answers)
            .map(|(row, answer)| (row.face.track, answer.map(|(read, _)| read)))
            .collect();
        // Smoothing used the source's time, which differs from the recording's for a played file.
        let time = Duration::try_from_secs_f64(frame.source_s).unwrap_or_default();
        let values = reader.follow(&read, time, time_constant);
        for ((row, answer), values) in faces.iter().zip(answers).zip(values) {
            // A found face without a frame has no new value.
            let has_value = answer.is_some() || !row.is_found();
            let Some(values) = values.filter(|_| has_value) else {
                continue;
            };
            rows.push(FaceRow {
                face: FaceAnalysis {
                    raw: values.raw,
                    smoothed: values.smoothed,
                    label: values.label,
                    // The baseline is of the other network.
                    corrected: None,
                    second: None,
                    ..row.face
                },
                model: session.manifest.models.len(),
                second_model: None,
                detect_time: None,
                classify_time: answer.map(|(_, took)| took),
                ..row.clone()
            });
        }
    }
    rows
}

fn diff(
    session: &Session,
    faces: &[FaceRow],
    info: &CheckpointInfo,
    pictures: &Pictures,
    mut notes: Vec<String>,
) -> Diff {
    let (overall, tracks) = compare::compare(session, faces, info.labels);
    if overall.classes.is_empty() {
        notes.push(format!(
            "the networks have no label in common ({} and {}), so there is nothing to compare",
            session.labels().list(),
            info.labels.list()
        ));
    }
    let presumed = session.faces.iter().filter(|row| !row.is_found());
    let counts = FaceCounts {
        recorded: session.faces.len() as u64,
        compared: overall.n_faces,
        other_labels: overall.n_other,
        presumed: presumed.count() as u64,
        without_picture: 0,
    };
    Diff {
        schema: SCHEMA,
        session: session.name(),
        before: session.manifest.models.clone(),
        after: Model {
            name: info.name.clone(),
            architecture: info.architecture.clone(),
            path: info.path.as_ref().map(|path| path.display().to_string()),
            sha256: info.sha256.clone(),
            labels: info.outputs.clone(),
            temperature: info.temperature,
            uncertain_below: info.uncertain_below,
        },
        pictures: PicturesUsed {
            kind: pictures.kind,
            files: pictures
                .files()
                .iter()
                .map(|file| file.display().to_string())
                .collect(),
        },
        faces: FaceCounts {
            without_picture: counts.recorded
                - counts.compared
                - counts.other_labels
                - counts.presumed,
            ..counts
        },
        overall,
        tracks,
        notes,
    }
}

impl Reanalysis {
    /// Writes `faces.csv` and `diff.json` into a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// [`ReanalyzeError::Exists`] if it holds results and `overwrite` is not set, [`ReanalyzeError::IsLink`],
    /// [`ReanalyzeError::IsSession`], [`ReanalyzeError::Write`].
    pub fn write(&self, folder: &Path, overwrite: bool) -> Result<(), ReanalyzeError> {
        check_folder(folder, overwrite)?;
        let failed = |file: &Path| {
            let file = file.to_owned();
            move |source| ReanalyzeError::Write { file, source }
        };
        files::create_folder(folder).map_err(failed(folder))?;
        let table = tables::table(self.labels, &self.faces);
        let mut diff = serde_json::to_vec_pretty(&self.diff)
            .map_err(|error| failed(&folder.join(DIFF_FILE))(error.into()))?;
        diff.push(b'\n');
        for (name, content) in [(FaceRow::FILE, table), (DIFF_FILE, diff)] {
            let file = folder.join(name);
            files::replace(&file, &content).map_err(failed(&file))?;
        }
        Ok(())
    }
}

/// Checks whether results may be written to a folder. Call it before the work.
///
/// # Errors
/// As [`Reanalysis::write`].
pub fn check_folder(folder: &Path, overwrite: bool) -> Result<(), ReanalyzeError> {
    let folder = folder.to_owned();
    if folder.is_symlink() {
        return Err(ReanalyzeError::IsLink { folder });
    }
    if folder.join(MANIFEST_FILE).exists() {
        return Err(ReanalyzeError::IsSession { folder });
    }
    let is_there = [DIFF_FILE, FaceRow::FILE]
        .iter()
        .any(|name| folder.join(name).exists());
    if is_there && !overwrite {
        return Err(ReanalyzeError::Exists { folder });
    }
    Ok(())
}

/// The default folder for a network's results: `reanalysis-NAME` in the session's folder.
pub fn default_folder(session: &Path, network: &str) -> PathBuf {
    let name: String = network
        .chars()
        .map(|char| match char {
            '-' | '_' | '.' => char,
            _ if char.is_alphanumeric() => char,
            _ => '-',
        })
        .collect();
    session.join(format!("{FOLDER_PREFIX}{name}"))
}

/// The reanalyses in a session's folder, by name.
pub fn saved(session: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(session) else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(FOLDER_PREFIX))
                && path.join(DIFF_FILE).is_file()
        })
        .collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests;
