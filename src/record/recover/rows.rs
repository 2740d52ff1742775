//! Brings `frames.csv` and the video together again.
//!
//! The two are written at different moments: a frame's picture waits for the next fragment, its row for its result. So a
//! crash leaves rows whose picture never reached the disk, and pictures whose row was not written yet. Afterward a row
//! names the picture that it has, and every picture has a row.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use crate::{
    record::{pictures::FIRST_STEM, video},
    session::{
        self, SessionError, files,
        manifest::Video,
        tables::{FaceRow, FrameRow, Lines, Row, seconds},
    },
};

/// A picture stands within this of its row's time, in ticks: in a file that is whole they are the same.
const TOLERANCE_90K: u64 = 90;

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::record) struct Aligned {
    /// Rows that named a picture which is not in the video.
    pub n_without_picture: u64,
    /// Rows that were added, for pictures that had none.
    pub n_added: u64,
    /// Pictures between rows that are of none of them.
    pub n_without_row: u64,
}

/// The pictures of a part of the video that `frames.csv` counts.
struct Part {
    first_frame: u64,
    /// When they were captured, in ticks since the session's first frame.
    times: Vec<u64>,
}

/// Makes the rows say what is in these videos. `zero_unix_s` is the wall clock at the session's first frame.
///
/// # Errors
/// [`SessionError`]; the table is then as it was.
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
    // Without a single picture that is a row's, the two do not belong together.
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

/// The parts of the first video, which is the one that rows count. One that cannot be read is none.
fn parts(folder: &Path, videos: &[Video]) -> Vec<Part> {
    let first = videos
        .iter()
        .filter(|video| video.file.starts_with(FIRST_STEM));
    let mut parts: Vec<Part> = first
        .filter_map(|video| {
            let times = video::frame_times(&folder.join(&video.file)).ok()?;
            let in_session = |time: u64| video.first_pts_90k.saturating_add(time);
            Some(Part {
                first_frame: video.first_frame,
                times: times.into_iter().map(in_session).collect(),
            })
        })
        .collect();
    parts.sort_by_key(|part| part.first_frame);
    parts
}

/// For each row, by its position, the number of its picture; and how many pictures before the last row are of none.
/// `rows` are positions with times. Both grow.
fn place(rows: &[(usize, u64)], times: &[u64]) -> (Vec<(usize, u64)>, u64) {
    let mut pairs = Vec::new();
    let mut number = 0;
    for (nth, &(_, pts_90k)) in rows.iter().enumerate() {
        let is_before = |time: &u64| time.saturating_add(TOLERANCE_90K) < pts_90k;
        while times.get(number).is_some_and(is_before) {
            number += 1;
        }
        let is_it = |time: &u64| time.abs_diff(pts_90k) <= TOLERANCE_90K;
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
    let last = rows.last().map_or(0, |(_, pts_90k)| *pts_90k);
    let n_before = times.partition_point(|time| *time <= last.saturating_add(TOLERANCE_90K));
    let n_without_row = if rows.is_empty() {
        0
    } else {
        n_before.saturating_sub(placed.len()) as u64
    };
    (placed, n_without_row)
}

/// Pairs what lies between two rows that have their pictures: where there are as many pictures as rows, they belong
/// together, though their times are damaged. `end` is the number of rows and of pictures.
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

/// How many rows `faces.csv` has for each frame beyond the last row of `frames.csv`, and before: all of them.
fn counted_faces(folder: &Path) -> Result<BTreeMap<u64, u64>, SessionError> {
    let faces: Vec<FaceRow> = session::table(folder)?;
    let mut counted = BTreeMap::new();
    for face in faces {
        *counted.entry(face.frame).or_default() += 1;
    }
    Ok(counted)
}

/// `frames.csv` as text, so that columns of another version stay as they are.
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
                Lines::<FrameRow>::default().header().to_vec()
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

    /// Positions and times of the rows of these frames.
    fn rows_of(&self, frames: std::ops::Range<u64>) -> Vec<(usize, u64)> {
        let rows = self.rows.iter().enumerate().filter_map(|(at, row)| {
            let frame = self.number(row, "frame")?;
            let pts_90k = self.number(row, "pts_90k")?;
            frames.contains(&frame).then_some((at, pts_90k))
        });
        rows.collect()
    }

    /// Writes the numbers of pictures into the rows; returns how many rows named one that is not there.
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

    /// Adds rows for the pictures after the last row. Their results were not written, unless `faces` has some.
    fn add(&mut self, part: &Part, zero_unix_s: f64, faces: &BTreeMap<u64, u64>) -> u64 {
        let last = self.rows.last();
        let number = |name: &str| last.and_then(|row| self.number::<f64>(row, name));
        let last_pts: Option<u64> = last.and_then(|row| self.number(row, "pts_90k"));
        let first = last
            .and_then(|row| self.number::<u64>(row, "frame"))
            .map_or(0, |frame| frame + 1);
        let (unix_s, source_s) = (
            number("unix_s").unwrap_or(zero_unix_s),
            number("source_s").unwrap_or(0.0),
        );
        let after = last_pts.map_or(0, |last| last.saturating_add(TOLERANCE_90K + 1));
        let n_before = part.times.partition_point(|time| *time < after);
        let mut added = Vec::new();
        let pictures = part.times.iter().enumerate().skip(n_before);
        for (frame, (picture, &pts_90k)) in (first..).zip(pictures) {
            let passed_s = seconds(pts_90k - last_pts.unwrap_or(0));
            let n_faces = faces.get(&frame);
            let field = |name: &str| match name {
                "frame" => frame.to_string(),
                "t_s" => format!("{:.6}", seconds(pts_90k)),
                "pts_90k" => pts_90k.to_string(),
                "unix_s" => format!("{:.6}", unix_s + passed_s),
                // Both clocks go on as they do from frame to frame.
                "source_s" => format!("{:.6}", source_s + passed_s),
                "status" => if n_faces.is_some() {
                    "analysed"
                } else {
                    "skipped"
                }
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
        let rows: Vec<(usize, u64)> = [0, 3000, 6000, 9000, 12_000]
            .into_iter()
            .enumerate()
            .collect();
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
        assert_eq!(table.rows_of(0..9), [(0, 0), (1, 3000)]);
        assert_eq!(table.name_pictures(&BTreeMap::from([(0, 0)])), 1);
        let part = Part {
            first_frame: 0,
            times: vec![0, 9000],
        };
        assert_eq!(table.add(&part, 0.0, &BTreeMap::new()), 1);
        table.write().unwrap();
        let expected = "pts_90k,frame,mood,video_frame,unix_s\n0,0,\"so, so\",0,100.5\n3000,1,good,,100.533333\n\
                        9000,2,,1,100.600000\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
}
