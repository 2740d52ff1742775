//! Makes `frames.csv` and the video agree.
//!
//! The two are written at different moments: a picture waits for the next fragment of the video, its row for its
//! result. So a crash leaves rows whose picture never reached the disk, and pictures whose row was not written yet.
//! Afterward each row names the picture that it has, and every picture has a row. In this file a *picture* is a frame
//! in the video.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use crate::{
    expression::Labels,
    record::{video, videos::FIRST_STEM},
    session::{
        self, SessionError, files,
        manifest::Video,
        tables::{self, FaceRow, FrameRow, FrameStatus, Row},
    },
    time::Ticks,
};

/// Maximum distance of a picture's time from its row's. In an undamaged file they are equal.
const TOLERANCE: Ticks = Ticks::from_millis(1);

/// The changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::record) struct Aligned {
    /// Rows that named a picture that is not in the video.
    pub n_without_picture: u64,
    /// Rows that were added for pictures without one.
    pub n_added: u64,
    /// Videos that belong to no row and lie between others.
    pub n_without_row: u64,
}

/// The pictures in a part of the video that `video_frame` counts.
struct Part {
    first_frame: u64,
    /// When they were captured.
    times: Vec<Ticks>,
}

/// Makes the rows agree with these videos. `zero_unix_s` is the wall clock at the session's first frame.
///
/// # Errors
/// [`SessionError`]; the table is then unchanged.
pub(in crate::record) fn align(
    folder: &Path,
    videos: &[Video],
    zero_unix_s: f64,
) -> Result<Aligned, SessionError> {
    let parts = parts(folder, videos);
    let mut table = Table::read(&folder.join(FrameRow::FILE))?;
    let mut aligned = Aligned::default();
    let mut placed: BTreeMap<usize, u64> = BTreeMap::new();
    for (nth, part) in parts.iter().enumerate() {
        let end = parts.get(nth + 1).map_or(u64::MAX, |next| next.first_frame);
        let rows = table.rows_of(part.first_frame..end);
        let (found, n_without_row) = place(&rows, &part.times);
        aligned.n_without_row += n_without_row;
        placed.extend(found);
    }
    // If not a single picture belongs to a row, the video and the table are from different recordings.
    if parts.is_empty() || (placed.is_empty() && !table.rows.is_empty()) {
        return Ok(Aligned::default());
    }
    aligned.n_without_picture = table.name_pictures(&placed);
    if let Some(part) = parts.last() {
        aligned.n_added = table.add(part, zero_unix_s, &counted_faces(folder)?);
    }
    if aligned.n_without_picture + aligned.n_added > 0 || table.is_changed {
        table.write()?;
    }
    Ok(aligned)
}

/// The readable parts of the first video, the one that `video_frame` counts.
fn parts(folder: &Path, videos: &[Video]) -> Vec<Part> {
    let first = videos
        .iter()
        .filter(|video| video.file.starts_with(FIRST_STEM));
    let mut parts: Vec<Part> = first
        .filter_map(|video| {
            let times = video::frame_times(&folder.join(&video.file)).ok()?;
            let in_session = |ticks| video.first_time.saturating_add(ticks);
            Some(Part {
                first_frame: video.first_frame,
                times: times.into_iter().map(in_session).collect(),
            })
        })
        .collect();
    parts.sort_by_key(|part| part.first_frame);
    parts
}

/// For each row, by its position, the number of its picture; and how many pictures before the last row belong to none.
/// `rows` are positions with times; both increase.
fn place(rows: &[(usize, Ticks)], times: &[Ticks]) -> (Vec<(usize, u64)>, u64) {
    let mut pairs = Vec::new();
    let mut number = 0;
    for (nth, &(_, of_row)) in rows.iter().enumerate() {
        let is_before = |time: &Ticks| time.saturating_add(TOLERANCE) < of_row;
        while times.get(number).is_some_and(is_before) {
            number += 1;
        }
        let is_it = |time: &Ticks| time.abs_diff(of_row) <= TOLERANCE;
        if times.get(number).is_some_and(is_it) {
            pairs.push((nth, number));
            number += 1;
        }
    }
    let pairs = fill_in(pairs, (rows.len(), times.len()));
    let placed: Vec<(usize, u64)> = pairs
        .into_iter()
        .map(|(nth, number)| (rows[nth].0, number as u64))
        .collect();
    let last = rows.last().map_or(Ticks::ZERO, |(_, time)| *time);
    let n_before = times.partition_point(|time| *time <= last.saturating_add(TOLERANCE));
    let n_without_row = if rows.is_empty() {
        0
    } else {
        n_before.saturating_sub(placed.len()) as u64
    };
    (placed, n_without_row)
}

/// Pairs what lies between two matched rows: as many pictures as rows belong together even if their times are damaged.
/// `end` is the number of rows and of pictures.
fn fill_in(pairs: Vec<(usize, usize)>, end: (usize, usize)) -> Vec<(usize, usize)> {
    let mut all = Vec::with_capacity(pairs.len());
    let (mut row, mut picture) = (0, 0);
    for pair in pairs.into_iter().chain([end]) {
        let (next_row, next_picture) = pair;
        if next_row - row == next_picture - picture {
            all.extend((row..next_row).zip(picture..next_picture));
        }
        if pair != end {
            all.push(pair);
        }
        (row, picture) = (next_row + 1, next_picture + 1);
    }
    all
}

/// How many rows `faces.csv` has for each frame.
fn counted_faces(folder: &Path) -> Result<BTreeMap<u64, u64>, SessionError> {
    let faces: Vec<FaceRow> = session::rows(folder)?;
    let mut counted = BTreeMap::new();
    for face in faces {
        *counted.entry(face.frame).or_default() += 1;
    }
    Ok(counted)
}

/// `frames.csv` as text, which keeps columns of other versions unchanged.
struct Table {
    path: PathBuf,
    header: StringRecord,
    rows: Vec<StringRecord>,
    is_changed: bool,
}

impl Table {
    fn read(path: &Path) -> Result<Self, SessionError> {
        let text = match files::open(path).and_then(|mut file| read_all(&mut file)) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                tables::header::<FrameRow>(Labels::FER_2013)
            }
            Err(source) => return Err(SessionError::read(path, source)),
        };
        let problem = |error: csv::Error| SessionError::Content {
            file: path.to_owned(),
            line: error.position().map(csv::Position::line),
            problem: error.to_string(),
        };
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(&text[..]);
        let header = reader.headers().map_err(problem)?.clone();
        let rows = reader
            .into_records()
            .collect::<Result<_, _>>()
            .map_err(problem)?;
        Ok(Self {
            path: path.to_owned(),
            header,
            rows,
            is_changed: false,
        })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    fn number<T: std::str::FromStr>(&self, row: &StringRecord, name: &str) -> Option<T> {
        row.get(self.column(name)?)?.parse().ok()
    }

    /// Positions and times of the rows for these frames.
    fn rows_of(&self, frames: std::ops::Range<u64>) -> Vec<(usize, Ticks)> {
        let rows = self.rows.iter().enumerate().filter_map(|(at, row)| {
            let frame = self.number(row, "frame")?;
            let time = self.number(row, "pts_90k")?;
            frames.contains(&frame).then_some((at, time))
        });
        rows.collect()
    }

    /// Writes the pictures' numbers into the rows. Returns how many rows named a missing one.
    fn name_pictures(&mut self, placed: &BTreeMap<usize, u64>) -> u64 {
        let Some(column) = self.column("video_frame") else {
            return 0;
        };
        let mut n_without = 0;
        for (at, row) in self.rows.iter_mut().enumerate() {
            let now = placed.get(&at).map(u64::to_string).unwrap_or_default();
            let before = row.get(column).unwrap_or_default();
            if before == now {
                continue;
            }
            n_without += u64::from(now.is_empty());
            let fields = row.iter().enumerate();
            *row = fields
                .map(|(nth, field)| if nth == column { now.as_str() } else { field })
                .collect();
            self.is_changed = true;
        }
        n_without
    }

    /// Adds rows for the pictures after the last row. Their results were lost, unless `faces` has some.
    fn add(&mut self, part: &Part, zero_unix_s: f64, faces: &BTreeMap<u64, u64>) -> u64 {
        let last = self.rows.last();
        let number = |name: &str| last.and_then(|row| self.number::<f64>(row, name));
        let last_time: Option<Ticks> = last.and_then(|row| self.number(row, "pts_90k"));
        let first = last
            .and_then(|row| self.number::<u64>(row, "frame"))
            .map_or(0, |frame| frame + 1);
        let (unix_s, source_s) = (
            number("unix_s").unwrap_or(zero_unix_s),
            number("source_s").unwrap_or(0.0),
        );
        let after = last_time.map_or(Ticks::ZERO, |last| {
            last.saturating_add(TOLERANCE + Ticks(1))
        });
        let n_before = part.times.partition_point(|time| *time < after);
        let mut added = Vec::new();
        let pictures = part.times.iter().enumerate().skip(n_before);
        for (frame, (picture, &time)) in (first..).zip(pictures) {
            let passed_s = (time - last_time.unwrap_or_default()).as_secs_f64();
            let n_faces = faces.get(&frame);
            let field = |name: &str| match name {
                "frame" => frame.to_string(),
                // `t_s` is its name in tables of earlier versions.
                "time_s" | "t_s" => format!("{:.6}", time.as_secs_f64()),
                "pts_90k" => time.0.to_string(),
                "unix_s" => format!("{:.6}", unix_s + passed_s),
                // Both clocks advance by the time between the frames.
                "source_s" => format!("{:.6}", source_s + passed_s),
                "status" => if n_faces.is_some() {
                    FrameStatus::Analyzed
                } else {
                    FrameStatus::Skipped
                }
                .name()
                .to_owned(),
                "video_frame" => picture.to_string(),
                "n_faces" => n_faces.map(u64::to_string).unwrap_or_default(),
                _ => String::new(),
            };
            added.push(self.header.iter().map(field).collect::<Vec<String>>());
        }
        let n_added = added.len() as u64;
        self.rows.extend(added.into_iter().map(StringRecord::from));
        n_added
    }

    fn write(&self) -> Result<(), SessionError> {
        let failed = |source| SessionError::write(&self.path, source);
        let mut text = Vec::new();
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::Any(b'\n'))
            .flexible(true)
            .from_writer(&mut text);
        let written = [&self.header]
            .into_iter()
            .chain(&self.rows)
            .try_for_each(|row| writer.write_record(row))
            .and_then(|()| Ok(writer.flush()?));
        written.map_err(|error| failed(error.into()))?;
        drop(writer);
        files::replace(&self.path, &text).map_err(failed)
    }
}

fn read_all(file: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_placed_by_their_times() {
        let rows: Vec<(usize, Ticks)> = [0, 3000, 6000, 9000, 12_000]
            .map(Ticks)
            .into_iter()
            .enumerate()
            .collect();
        let place = |rows: &[(usize, Ticks)], times: &[u64]| {
            let times: Vec<Ticks> = times.iter().copied().map(Ticks).collect();
            super::place(rows, &times)
        };
        assert_eq!(
            place(&rows, &[0, 3000, 6000]),
            (vec![(0, 0), (1, 1), (2, 2)], 0)
        );
        let lost_in_the_middle = place(&rows, &[0, 9000, 12_000, 15_000]);
        assert_eq!(lost_in_the_middle, (vec![(0, 0), (3, 1), (4, 2)], 0));
        let damaged_time = place(&rows, &[0, 4500, 6000, 9000]);
        assert_eq!(damaged_time, (vec![(0, 0), (1, 1), (2, 2), (3, 3)], 0));
        assert_eq!(place(&rows, &[0, 4500, 9000]), (vec![(0, 0), (3, 2)], 1));
        assert_eq!(place(&[], &[0, 3000]), (Vec::new(), 0));
    }

    #[test]
    fn columns_of_another_version_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FrameRow::FILE);
        let text = "pts_90k,frame,mood,video_frame,unix_s\n0,0,\"so, so\",0,100.5\n3000,1,good,1,100.533333\n";
        std::fs::write(&path, text).unwrap();
        let mut table = Table::read(&path).unwrap();
        assert_eq!(table.rows_of(0..9), [(0, Ticks(0)), (1, Ticks(3000))]);
        assert_eq!(table.name_pictures(&BTreeMap::from([(0, 0)])), 1);
        let part = Part {
            first_frame: 0,
            times: vec![Ticks(0), Ticks(9000)],
        };
        assert_eq!(table.add(&part, 0.0, &BTreeMap::new()), 1);
        table.write().unwrap();
        let expected = "pts_90k,frame,mood,video_frame,unix_s\n0,0,\"so, so\",0,100.5\n3000,1,good,,100.533333\n\
                        9000,2,,1,100.600000\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
}
