//! Exports sessions to formats that other programs read.
//!
//! [`export`] writes a [`Format`] to a file. Each format has a module here that documents it. Call it away from the UI
//! thread.
//!
//! What was said about a session in replay counts if the caller passes [`Session::annotated`]: markers are as they are
//! now, and excluded spans are left out.
//!
//! Nothing is counted in frames. How long something lasted comes from [`session::timeline`](crate::session::timeline),
//! which measures real time and handles gaps. Times are the session's own, in seconds since its first frame, except in
//! formats that are played along with a video ([`Format::WebVtt`], [`Format::Srt`], [`Format::Elan`]): there they count
//! from the beginning of the video, and each part of a video has a file of its own.

mod bids;
mod elan;
pub mod faces_of_many;
mod json_lines;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "plots")]
pub mod plots;
mod pyfeat;
mod subtitles;
mod summary;
mod table;

use std::{
    ffi::OsString,
    fmt,
    io::{self, BufWriter, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{
    file_identity::is_same_file,
    pipeline::face_names::FaceNames,
    result_file::{Outputs, ResultError, ResultFile},
    session::{
        MANIFEST_FILE, Session,
        parts::VideoPart,
        tables::{AnnotationRow, EventRow, FaceRow, FrameRow, Row},
        timeline::{FaceTrack, Run},
    },
    time::Ticks,
};

/// Minimum length of a run in what people read along (subtitles, ELAN). Shorter ones cannot be read and mostly stand
/// for doubt between two expressions. Tables for computing have all of them.
const MIN_READABLE: Ticks = Ticks::from_millis(200);

named! {
    /// A kind of file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Format {
        /// A table with one row per face: shares of time, means, transitions.
        Summary = "summary",
        /// A plot of the probabilities over time and of the shares, as vectors.
        Svg = "svg",
        /// The same plot in pixels.
        Png = "png",
        /// Subtitles for browsers and players.
        WebVtt = "webvtt",
        /// Subtitles for nearly every player.
        Srt = "srt",
        /// A document for coding behavior with ELAN, in EAF 3.0.
        Elan = "eaf",
        /// `events.tsv` of the Brain Imaging Data Structure, with its description as JSON beside it.
        Bids = "bids",
        /// A table with py-feat's columns.
        PyFeat = "pyfeat",
        /// One JSON object per line for every analyzed frame, as `fervis analyze --json` writes them.
        JsonLines = "jsonl",
        /// Two columnar tables, faces and frames.
        Parquet = "parquet",
    }
}

impl Format {
    /// The name in a menu.
    pub const fn title(self) -> &'static str {
        match self {
            Self::JsonLines => "JSON Lines",
            Self::WebVtt => "Subtitles (WebVTT)",
            Self::Srt => "Subtitles (SRT)",
            Self::Elan => "ELAN document",
            Self::Bids => "BIDS events",
            Self::PyFeat => "Table for py-feat (CSV)",
            Self::Parquet => "Parquet tables",
            Self::Summary => "Summary of each face (CSV)",
            Self::Svg => "Plots (SVG)",
            Self::Png => "Plots (PNG)",
        }
    }

    /// The usual file extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::WebVtt => "vtt",
            Self::Srt => "srt",
            Self::Elan => "eaf",
            Self::Bids => "tsv",
            Self::PyFeat | Self::Summary => "csv",
            Self::Parquet => "parquet",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// The feature that it needs and this build lacks; `None` if this build can write it.
    pub const fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Parquet if !cfg!(feature = "parquet") => Some("parquet"),
            Self::Svg | Self::Png if !cfg!(feature = "plots") => Some("plots"),
            _ => None,
        }
    }

    /// Whether [`ExportOptions::separator`] applies to it.
    pub const fn has_separator(self) -> bool {
        matches!(self, Self::PyFeat | Self::Summary)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What separates the columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Separator {
    /// A comma, with a point before decimals: what statistics packages read.
    #[default]
    Comma,
    /// A semicolon, with a comma before decimals: what spreadsheets open directly in countries that write numbers that
    /// way.
    Semicolon,
}

/// What to export and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportOptions {
    /// Only this track; `None` exports all.
    pub track: Option<u64>,
    /// For the formats that [have one](Format::has_separator).
    pub separator: Separator,
    /// Whether existing files are replaced.
    pub overwrite: bool,
}

/// Why a session could not be exported. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The format has several files, which cannot go to one pipe.
    #[error("{format} is written to {n_files} files; give a file name")]
    SeveralFiles {
        /// The format.
        format: Format,
        /// Number of files for this session.
        n_files: usize,
    },
    /// A file is part of the recording.
    #[error("{} belongs to the session itself; choose another name", file.display())]
    PartOfSession {
        /// The file.
        file: PathBuf,
    },
    /// The requested track is not in the session.
    #[error("there is no face {track} in the session ({})", known(faces))]
    NoSuchTrack {
        /// The requested track.
        track: u64,
        /// The tracks that there are.
        faces: Vec<u64>,
    },
    /// This build cannot write the format.
    #[error("this build cannot write {format} (feature `{feature}`)")]
    NotBuilt {
        /// The format.
        format: Format,
        /// The missing feature.
        feature: &'static str,
    },
    /// A file exists or cannot be written.
    #[error(transparent)]
    Result(#[from] ResultError),
}

fn known(faces: &[u64]) -> String {
    match faces {
        [] => "it has none".to_owned(),
        [one] => format!("it has only {one}"),
        [first, .., last] => format!("it has {} from {first} to {last}", faces.len()),
    }
}

/// Writes a session to `out`, and to files beside it if the format has several (see [`files`]). Returns the written
/// files. Each file appears complete or not at all.
///
/// # Errors
/// [`ExportError`]. Existing files are unchanged unless `overwrite` is set; the session's own files are never changed.
pub fn export(
    session: &Session,
    format: Format,
    out: &Path,
    options: &ExportOptions,
) -> Result<Vec<PathBuf>, ExportError> {
    if let Some(feature) = format.missing_feature() {
        return Err(ExportError::NotBuilt { format, feature });
    }
    let selection = Selection::new(session, options)?;
    let pieces = pieces(session, format, out);
    if let Some((file, _)) = pieces.iter().find(|(file, _)| is_part_of(session, file)) {
        return Err(ExportError::PartOfSession { file: file.clone() });
    }
    let mut outputs = Outputs::new(options.overwrite);
    let n_files = pieces.len();
    let mut results = Vec::new();
    for (file, piece) in pieces {
        let result = outputs.file(&file)?;
        if result.is_stream() && n_files > 1 {
            return Err(ExportError::SeveralFiles { format, n_files });
        }
        results.push((file, piece, result));
    }
    let mut written = Vec::new();
    for (file, piece, result) in results {
        write_result(result, |out| {
            write_piece(&selection, format, piece, &file, out)
        })?;
        written.push(file);
    }
    Ok(written)
}

/// The files that [`export`] writes: `out`, then others named after it. Subtitles and ELAN documents have one file per
/// part of the video (`out-2.vtt`, …), BIDS events have a description (`.json`), Parquet has the frames
/// (`out-frames.parquet`).
pub fn files(session: &Session, format: Format, out: &Path) -> Vec<PathBuf> {
    let pieces = pieces(session, format, out);
    pieces.into_iter().map(|(file, _)| file).collect()
}

/// One of the files of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// The export itself, or its part with this number, from 0.
    Main(usize),
    /// A second file that goes with it.
    Companion,
}

fn pieces(session: &Session, format: Format, out: &Path) -> Vec<(PathBuf, Piece)> {
    let mut pieces = vec![(out.to_owned(), Piece::Main(0))];
    match format {
        Format::WebVtt | Format::Srt | Format::Elan => {
            let n_parts = session.parts().len();
            pieces.extend((1..n_parts).map(|part| {
                let file = with_suffix(out, &format!("-{}", part + 1));
                (file, Piece::Main(part))
            }));
        }
        Format::Bids => {
            let mut file = out.with_extension("json");
            if file == out {
                file.as_mut_os_string().push(".json");
            }
            pieces.push((file, Piece::Companion));
        }
        Format::Parquet => pieces.push((with_suffix(out, "-frames"), Piece::Companion)),
        Format::JsonLines | Format::PyFeat | Format::Summary | Format::Svg | Format::Png => {}
    }
    pieces
}

/// Whether a file belongs to the session.
fn is_part_of(session: &Session, file: &Path) -> bool {
    let mut own = vec![
        MANIFEST_FILE,
        FrameRow::FILE,
        FaceRow::FILE,
        EventRow::FILE,
        AnnotationRow::FILE,
    ];
    own.extend(
        session
            .manifest
            .video
            .iter()
            .map(|video| video.file.as_str()),
    );
    own.iter()
        .any(|own| is_same_file(&session.folder.join(own), file))
}

/// The path with `suffix` added before the extension.
fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = file.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    if let Some(extension) = file.extension() {
        name.push(".");
        name.push(extension);
    }
    file.with_file_name(name)
}

fn write_piece(
    selection: &Selection<'_>,
    format: Format,
    piece: Piece,
    file: &Path,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let part = match piece {
        Piece::Main(part) => part,
        Piece::Companion => 0,
    };
    match format {
        Format::JsonLines => json_lines::write(selection, out),
        Format::WebVtt => subtitles::write_webvtt(selection, part, out),
        Format::Srt => subtitles::write_srt(selection, part, out),
        Format::Elan => elan::write(selection, part, file, out),
        Format::Bids if piece == Piece::Companion => {
            let session = selection.session;
            bids::write_description(session.labels(), &session.manifest.about, out)
        }
        Format::Bids => bids::write_events(selection, out),
        Format::PyFeat => pyfeat::write(selection, out),
        Format::Summary => summary::write(selection, out),
        #[cfg(feature = "parquet")]
        Format::Parquet if piece == Piece::Companion => parquet::write_frames(selection, out),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::write_faces(selection, out),
        #[cfg(feature = "plots")]
        Format::Svg => plots::write_svg(selection, out),
        #[cfg(feature = "plots")]
        Format::Png => plots::write_png(selection, out),
        // [`export`] rejects these.
        #[cfg(not(all(feature = "parquet", feature = "plots")))]
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}

/// Writes a file that appears complete or not at all.
fn write_result(
    mut result: ResultFile,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), ResultError> {
    let mut buffered = BufWriter::new(&mut result);
    let written = write(&mut buffered).and_then(|()| buffered.flush());
    // After an error, the rest of the buffer is not written.
    drop(buffered.into_parts());
    match written {
        Ok(()) => result.finish(),
        Err(source) => Err(result.discard(source)),
    }
}

/// The part of a session to export.
struct Selection<'a> {
    session: &'a Session,
    only: Option<u64>,
    tracks: Vec<FaceTrack<'a>>,
    separator: Separator,
}

impl<'a> Selection<'a> {
    fn new(session: &'a Session, options: &ExportOptions) -> Result<Self, ExportError> {
        let mut tracks = session.face_tracks();
        if let Some(wanted) = options.track {
            let faces: Vec<u64> = tracks.iter().map(|track| track.number).collect();
            tracks.retain(|track| track.number == wanted);
            if tracks.is_empty() {
                return Err(ExportError::NoSuchTrack {
                    track: wanted,
                    faces,
                });
            }
        }
        Ok(Self {
            session,
            only: options.track,
            tracks,
            separator: options.separator,
        })
    }

    /// The faces of a frame to export.
    fn faces_of(&self, frame: u64) -> impl Iterator<Item = &'a FaceRow> {
        let faces = self.session.faces_of(frame).iter();
        faces.filter(|row| self.is_wanted(row))
    }

    /// What the faces are called.
    fn names(&self) -> &'a FaceNames {
        &self.session.manifest.face_names
    }

    fn is_wanted(&self, row: &FaceRow) -> bool {
        self.only.is_none_or(|track| row.face.track.0 == track)
    }
}

/// A run's time in a part of the video, in milliseconds; `None` if it is too short to read or lies outside the part.
fn readable_ms<T>(part: &VideoPart<'_>, run: &Run<T>) -> Option<Range<u64>> {
    let is_readable = run.duration() >= MIN_READABLE;
    part.span_ms(run.start, run.end).filter(|_| is_readable)
}

/// A text on one line, without control characters, for formats in which these would break something.
fn on_one_line(text: &str) -> String {
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
