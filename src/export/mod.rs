//! Sessions as files that other programs read.
//!
//! [`export`] writes a [`Format`] to a file; each format has a file of its own here that says what is in it. Call it
//! away from the window's thread.
//!
//! What a newcomer would get wrong: nothing is counted in frames. How long something lasted comes from
//! [`timeline`], which weighs by real time and knows of gaps. And times are the session's own,
//! in seconds since its first frame, except in what is played along with a video ([`Format::WebVtt`], [`Format::Srt`],
//! [`Format::Elan`]): there they count from the beginning of the video, and each part of a video has a file of its own.

mod bids;
mod elan;
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
    str::FromStr,
};

use crate::{
    result_file::{Outputs, ResultError, ResultFile, is_same_file},
    session::{
        MANIFEST_FILE, Session,
        parts::{VideoPart, video_parts},
        tables::{EventRow, FaceRow, FrameRow, Row},
        timeline::{self, Run, Track},
    },
};

/// Least length of a stretch in what people read along (subtitles, ELAN), in ticks: 0.2 s. Shorter ones cannot be read
/// and mostly stand for doubt between two expressions. Tables for computing have all of them.
const LEAST_READABLE_90K: u64 = 18_000;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a line for every analysed frame, as `fervis analyze --json` writes them.
    JsonLines,
    /// Subtitles for browsers and players.
    WebVtt,
    /// Subtitles for nearly every player.
    Srt,
    /// A document for coding behaviour with ELAN, in EAF 3.0.
    Elan,
    /// `events.tsv` of the Brain Imaging Data Structure, with its description as JSON beside it.
    Bids,
    /// A table with py-feat's columns.
    PyFeat,
    /// Two columnar tables, faces and frames.
    Parquet,
    /// A table with one row for each face: shares of time, means, transitions.
    Summary,
    /// A picture of the probabilities over time and of the shares, as vectors.
    Svg,
    /// The same picture in pixels.
    Png,
}

impl Format {
    /// All formats, in the order of menus.
    pub const ALL: [Self; 10] = [
        Self::Summary,
        Self::Svg,
        Self::Png,
        Self::WebVtt,
        Self::Srt,
        Self::Elan,
        Self::Bids,
        Self::PyFeat,
        Self::JsonLines,
        Self::Parquet,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "jsonl",
            Self::WebVtt => "webvtt",
            Self::Srt => "srt",
            Self::Elan => "eaf",
            Self::Bids => "bids",
            Self::PyFeat => "pyfeat",
            Self::Parquet => "parquet",
            Self::Summary => "summary",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

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

    /// The usual ending of the file's name, without the point.
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

    /// The feature that it needs and this build lacks; `None` if it can be written.
    pub const fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Parquet if !cfg!(feature = "parquet") => Some("parquet"),
            Self::Svg | Self::Png if !cfg!(feature = "plots") => Some("plots"),
            _ => None,
        }
    }

    /// Whether [`ExportOptions::separator`] has a meaning for it.
    pub const fn has_separator(self) -> bool {
        matches!(self, Self::PyFeat | Self::Summary)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let format = Self::ALL.into_iter().find(|format| format.name() == name);
        format.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("“{name}” is none of {names}")
        })
    }
}

/// What stands between the columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Separator {
    /// A comma, with a point before decimals: what statistics packages read.
    #[default]
    Comma,
    /// A semicolon, with a comma before decimals: what spreadsheets open at a double click where people write numbers
    /// that way.
    Semicolon,
}

/// What to export and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportOptions {
    /// Only this track; all of them if `None`.
    pub track: Option<u64>,
    /// Of the formats that [have one](Format::has_separator).
    pub separator: Separator,
    /// Whether files that exist are replaced.
    pub overwrite: bool,
}

/// Why a session could not be exported. The words are the ones users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The format cannot go to one pipe.
    #[error("{format} is written to {n_files} files; give the name of a file")]
    SeveralFiles {
        /// The format.
        format: Format,
        /// How many files it has for this session.
        n_files: usize,
    },
    /// A file is part of the recording.
    #[error("{} belongs to the session itself; choose another name", file.display())]
    PartOfSession {
        /// The file.
        file: PathBuf,
    },
    /// The wanted track is not in the session.
    #[error("there is no face {track} in the session ({})", known(faces))]
    NoSuchTrack {
        /// What was asked for.
        track: u64,
        /// What there is.
        faces: Vec<u64>,
    },
    /// This build cannot write the format.
    #[error("this build does not write {format} (feature `{feature}`)")]
    NotBuilt {
        /// The format.
        format: Format,
        /// What it was built without.
        feature: &'static str,
    },
    /// A file is there already or cannot be written.
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

/// Writes a session to `out`, and to files beside it where the format has several (see [`files`]). Returns what was
/// written. Each file appears whole or not at all.
///
/// # Errors
/// [`ExportError`]; files that were there before are unchanged unless `overwrite` is set, and the session's own always.
pub fn export(
    session: &Session,
    format: Format,
    out: &Path,
    options: &ExportOptions,
) -> Result<Vec<PathBuf>, ExportError> {
    if let Some(feature) = format.missing_feature() {
        return Err(ExportError::NotBuilt { format, feature });
    }
    let view = View::new(session, options)?;
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
        write_result(result, |out| write_piece(&view, format, piece, &file, out))?;
        written.push(file);
    }
    Ok(written)
}

/// The files that [`export`] writes: `out`, then further ones that are named after it. Subtitles and ELAN documents have
/// one for each part of the video (`out-2.vtt`, …), BIDS events their description (`.json`), Parquet the frames
/// (`out-frames.parquet`).
pub fn files(session: &Session, format: Format, out: &Path) -> Vec<PathBuf> {
    let pieces = pieces(session, format, out);
    pieces.into_iter().map(|(file, _)| file).collect()
}

/// One of the files of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// What the format is about, or its part with this number, from 0.
    Main(usize),
    /// What stands beside it.
    Companion,
}

fn pieces(session: &Session, format: Format, out: &Path) -> Vec<(PathBuf, Piece)> {
    let mut pieces = vec![(out.to_owned(), Piece::Main(0))];
    match format {
        Format::WebVtt | Format::Srt | Format::Elan => {
            let n_parts = video_parts(session).len();
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

/// Whether a file is one that the recording consists of.
fn is_part_of(session: &Session, file: &Path) -> bool {
    let mut own = vec![MANIFEST_FILE, FrameRow::FILE, FaceRow::FILE, EventRow::FILE];
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

/// The file with something added to its name before the extension.
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
    view: &View<'_>,
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
        Format::JsonLines => json_lines::write(view, out),
        Format::WebVtt => subtitles::write_webvtt(view, part, out),
        Format::Srt => subtitles::write_srt(view, part, out),
        Format::Elan => elan::write(view, part, file, out),
        Format::Bids if piece == Piece::Companion => bids::write_description(out),
        Format::Bids => bids::write_events(view, out),
        Format::PyFeat => pyfeat::write(view, out),
        Format::Summary => summary::write(view, out),
        #[cfg(feature = "parquet")]
        Format::Parquet if piece == Piece::Companion => parquet::write_frames(view, out),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::write_faces(view, out),
        #[cfg(feature = "plots")]
        Format::Svg => plots::write_svg(view, out),
        #[cfg(feature = "plots")]
        Format::Png => plots::write_png(view, out),
        // [`export`] has refused it before.
        #[cfg(not(all(feature = "parquet", feature = "plots")))]
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}

/// Writes a file that appears whole or not at all.
fn write_result(
    mut result: ResultFile,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), ResultError> {
    let mut buffered = BufWriter::new(&mut result);
    let written = write(&mut buffered).and_then(|()| buffered.flush());
    // After an error, what is still in the buffer is not worth writing.
    drop(buffered.into_parts());
    match written {
        Ok(()) => result.finish(),
        Err(source) => Err(result.discard(source)),
    }
}

/// What is exported of a session.
struct View<'a> {
    session: &'a Session,
    only: Option<u64>,
    tracks: Vec<Track<'a>>,
    separator: Separator,
}

impl<'a> View<'a> {
    fn new(session: &'a Session, options: &ExportOptions) -> Result<Self, ExportError> {
        let mut tracks = timeline::tracks(session);
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

    /// The wanted faces of a frame.
    fn faces_of(&self, frame: u64) -> impl Iterator<Item = &'a FaceRow> {
        let only = self.only;
        let faces = self.session.faces_of(frame).iter();
        faces.filter(move |face| only.is_none_or(|track| face.track == track))
    }
}

/// The part's own time of a run, in milliseconds, if it is long enough for people to read and lies in the part.
fn readable_ms(part: &VideoPart<'_>, run: &Run) -> Option<Range<u64>> {
    let is_readable = run.duration_90k() >= LEAST_READABLE_90K;
    part.span_ms(run.start_90k, run.end_90k)
        .filter(|_| is_readable)
}

/// A text on one line, without control characters: for formats in which those would end something.
fn on_one_line(text: &str) -> String {
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
