//! What somebody says about a session after it was recorded: markers that are added, changed or removed, and spans of time
//! that do not count.
//!
//! All of it is in `annotations.csv`, in the session's folder. The recording's own files never change, so without that
//! file the session is as it was recorded. A recorded marker is known by its time; two at the same tick of 1/90,000 s
//! would be taken in their order.

use std::{
    fs,
    io::{self, ErrorKind},
    ops::Range,
    path::Path,
};

use super::{
    SessionError,
    tables::{self, AnnotationKind, AnnotationRow, EventKind, EventRow, Row},
};
use crate::{expression::Labels, result_file, time::Ticks};

/// The annotations of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotations {
    rows: Vec<AnnotationRow>,
}

/// Where a marker or an excluded span stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among the annotations.
    Annotation(usize),
    /// Among the recorded events, and nothing else was said of it.
    Recorded(usize),
}

/// A span of time that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// The time.
    pub time: Range<Ticks>,
    /// Why.
    pub detail: String,
}

impl Annotations {
    /// Reads the annotations of the session in `folder`; none if there is no file.
    ///
    /// # Errors
    /// [`SessionError`], naming the line.
    pub fn read(folder: &Path) -> Result<Self, SessionError> {
        let file = folder.join(AnnotationRow::FILE);
        match fs::symlink_metadata(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            _ => Ok(Self {
                rows: tables::read(&file)?,
            }),
        }
    }

    /// Replaces the annotations of the session in `folder`. A file that cannot be read is kept under another name.
    ///
    /// # Errors
    /// [`SessionError::Write`]; the old file is then unchanged.
    pub fn write(&self, folder: &Path) -> Result<(), SessionError> {
        let file = folder.join(AnnotationRow::FILE);
        let write = || -> io::Result<()> {
            if let Err(SessionError::Content { .. }) = Self::read(folder) {
                keep_damaged(&file)?;
            }
            let table = tables::table(Labels::FER_2013, &self.rows);
            result_file::replace_private(&file, &table)
        };
        write().map_err(|source| SessionError::write(&file, source))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The annotation at a place; a recorded marker as one.
    pub fn at(&self, place: Place, recorded: &[EventRow]) -> Option<AnnotationRow> {
        match place {
            Place::Annotation(at) => self.rows.get(at).cloned(),
            Place::Recorded(at) => recorded.get(at).map(|event| AnnotationRow {
                kind: AnnotationKind::Marker,
                time: event.time,
                end: None,
                recorded: Some(event.time),
                detail: event.detail.clone(),
            }),
        }
    }

    /// Adds a marker.
    pub fn add_marker(&mut self, time: Ticks, detail: String) {
        self.rows.push(AnnotationRow {
            kind: AnnotationKind::Marker,
            time,
            end: None,
            recorded: None,
            detail,
        });
    }

    /// Excludes a span of time.
    pub fn exclude(&mut self, time: Range<Ticks>, detail: String) {
        self.rows.push(AnnotationRow {
            kind: AnnotationKind::Excluded,
            time: time.start,
            end: Some(time.end.max(time.start)),
            recorded: None,
            detail,
        });
    }

    /// Changes a marker or a span.
    pub fn change(&mut self, place: Place, to: AnnotationRow) {
        match place {
            Place::Annotation(at) => {
                if let Some(row) = self.rows.get_mut(at) {
                    *row = to;
                }
            }
            Place::Recorded(_) => self.rows.push(to),
        }
    }

    /// Removes a marker or a span.
    pub fn remove(&mut self, place: Place, recorded: &[EventRow]) {
        let Some(row) = self.at(place, recorded) else {
            return;
        };
        match (place, row.recorded) {
            // The recorded one would count again.
            (_, Some(time)) => {
                let removed = AnnotationRow {
                    kind: AnnotationKind::Removed,
                    time,
                    detail: String::new(),
                    ..row
                };
                self.change(place, removed);
            }
            (Place::Annotation(at), None) => drop(self.rows.remove(at)),
            (Place::Recorded(_), None) => {}
        }
    }

    /// The recorded events with what is said of them, in order of time. Markers have a place, at which they can be changed.
    /// `zero_unix_s` is the wall clock at the session's first frame.
    pub fn events(
        &self,
        recorded: &[EventRow],
        zero_unix_s: f64,
    ) -> Vec<(EventRow, Option<Place>)> {
        let mut is_used = vec![false; self.rows.len()];
        let mut events = Vec::new();
        for (at, event) in recorded.iter().enumerate() {
            if event.kind != EventKind::Marker {
                events.push((event.clone(), None));
                continue;
            }
            let said = self.rows.iter().enumerate().find(|(row, said)| {
                said.kind != AnnotationKind::Excluded
                    && said.recorded == Some(event.time)
                    && !is_used[*row]
            });
            let Some((row, said)) = said else {
                events.push((event.clone(), Some(Place::Recorded(at))));
                continue;
            };
            is_used[row] = true;
            if said.kind == AnnotationKind::Marker {
                let moved_s = said.time.as_secs_f64() - event.time.as_secs_f64();
                let now = EventRow {
                    time: said.time,
                    unix_s: event.unix_s + moved_s,
                    detail: said.detail.clone(),
                    ..event.clone()
                };
                events.push((now, Some(Place::Annotation(row))));
            }
        }
        for (at, row) in self.rows.iter().enumerate() {
            // What stands in the place of a marker that is gone counts on its own.
            if row.kind == AnnotationKind::Marker && !is_used[at] {
                let added = EventRow {
                    time: row.time,
                    unix_s: zero_unix_s + row.time.as_secs_f64(),
                    kind: EventKind::Marker,
                    detail: row.detail.clone(),
                    sent: None,
                };
                events.push((added, Some(Place::Annotation(at))));
            }
        }
        events.sort_by_key(|(event, _)| event.time);
        events
    }

    /// The excluded spans with their places, in order of time. They may overlap.
    pub fn excluded(&self) -> Vec<(Excluded, Place)> {
        let spans = self.rows.iter().enumerate().filter_map(|(at, row)| {
            let end = row.end.filter(|_| row.kind == AnnotationKind::Excluded)?;
            let span = Excluded {
                time: row.time..end,
                detail: row.detail.clone(),
            };
            Some((span, Place::Annotation(at)))
        });
        let mut spans: Vec<(Excluded, Place)> = spans.collect();
        spans.sort_by_key(|(span, _)| (span.time.start, span.time.end));
        spans
    }
}

/// Renames a file that cannot be read to `annotations.csv.damaged`, or `….damaged-2` and so on.
fn keep_damaged(file: &Path) -> io::Result<()> {
    for number in 1..100 {
        let mut name = file.as_os_str().to_owned();
        name.push(match number {
            1 => ".damaged".to_owned(),
            n => format!(".damaged-{n}"),
        });
        match fs::symlink_metadata(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return result_file::rename(file, Path::new(&name));
            }
            _ => {}
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixtures::ODD_NOTE;

    #[test]
    fn annotations_are_written_whole_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut all = Annotations::default();
        assert_eq!(Annotations::read(folder.path()).unwrap(), all);
        all.add_marker(Ticks(90_000), ODD_NOTE.to_owned());
        all.exclude(Ticks(180_000)..Ticks(270_000), String::new());
        all.write(folder.path()).unwrap();
        assert_eq!(Annotations::read(folder.path()).unwrap(), all);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_kept_when_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(AnnotationRow::FILE);
        for (text, problem) in [
            ("time_s\n1\n", "there is no column annotation"),
            (
                "pts_90k,end_pts_90k,annotation,detail,recorded_pts_90k\n9,1,excluded,,\n",
                "an excluded span ends before it begins",
            ),
            (
                "pts_90k,end_pts_90k,annotation,detail,recorded_pts_90k\n9,,removed,,\n",
                "it does not say which marker is removed",
            ),
        ] {
            fs::write(&file, text).unwrap();
            let error = Annotations::read(folder.path()).unwrap_err().to_string();
            assert!(
                error.contains("annotations.csv, line 2") && error.contains(problem),
                "{error}"
            );
        }
        Annotations::default().write(folder.path()).unwrap();
        let kept = folder.path().join("annotations.csv.damaged");
        assert!(fs::read_to_string(kept).unwrap().contains("removed"));
        assert!(Annotations::read(folder.path()).unwrap().is_empty());
    }
}
