//! The sessions in a folder at a glance, for a list of them: what can be known without reading their tables.
//!
//! A thousand sessions are listed in a fraction of a second: of each, the description is read, without the meaning of
//! its columns, and the sizes of its files are asked for.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    MANIFEST_FILE, SessionError,
    about::About,
    files,
    folder::FolderLock,
    manifest::{Manifest, Status},
    tables::{EventKind, EventRow, Row},
};
use crate::pipeline::face_names::FaceNames;

/// A session in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its folder.
    pub folder: PathBuf,
    /// Who and what it is about.
    pub about: About,
    /// When it began, local time with its offset (RFC 3339).
    pub started: String,
    /// How long it is, s, if that is known.
    pub length_s: Option<f64>,
    /// Number of faces that were followed; `None` for sessions of earlier versions.
    pub n_faces: Option<u64>,
    /// Number of markers.
    pub n_markers: u64,
    /// Size of its files, bytes.
    pub n_bytes: u64,
    /// Whether it is complete.
    pub status: Status,
}

impl Entry {
    /// What it is called: its name, or else its folder's.
    pub fn name(&self) -> String {
        if !self.about.name.is_empty() {
            return self.about.name.clone();
        }
        let name = self.folder.file_name().unwrap_or(self.folder.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Whether each of the words stands somewhere in what is said about the session. Upper and lower case are the same.
    pub fn matches(&self, words: &str) -> bool {
        let folder = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let about = About::FIELDS.map(|field| (field.get)(&self.about).as_str());
        let text = [&about[..], &[&folder, &self.started]].concat().join("\n");
        let text = text.to_lowercase();
        let words = words.to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    }

    /// Reads what a list says of the session in `folder`; `None` if there is none that this version can read.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = files::read_text(&folder.join(MANIFEST_FILE)).ok()?;
        let brief: Brief = serde_json::from_str(&text).ok()?;
        let n_markers = brief.counts.markers.unwrap_or_else(|| n_markers(folder));
        Some(Self {
            length_s: brief.length_s.or_else(|| length_s(&brief)),
            folder: folder.to_owned(),
            about: brief.about,
            started: brief.started,
            n_faces: brief.counts.tracks,
            n_markers,
            n_bytes: n_bytes(folder),
            status: brief.status,
        })
    }
}

/// The parts of a description that a list needs. The others are skipped over, which is most of the time saved.
#[derive(Deserialize)]
struct Brief {
    #[serde(default)]
    about: About,
    status: Status,
    started: String,
    ended: Option<String>,
    length_s: Option<f64>,
    counts: BriefCounts,
}

#[derive(Deserialize)]
struct BriefCounts {
    tracks: Option<u64>,
    markers: Option<u64>,
}

/// Lists the sessions in `root`, and in folders in it that are no sessions, up to two levels down. Links are not
/// followed. `found` gets each session as it is read, and may end the search by returning `false`.
pub fn list(root: &Path, mut found: impl FnMut(Entry) -> bool) {
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let inner = entry.path();
            if let Some(entry) = Entry::read(&inner) {
                if !found(entry) {
                    return;
                }
            } else if depth < MAX_DEPTH && !inner.join(MANIFEST_FILE).exists() {
                folders.push((inner, depth + 1));
            }
        }
    }
}

/// How deep folders of folders are searched.
const MAX_DEPTH: usize = 2;

/// Changes who and what a session is about.
///
/// # Errors
/// [`SessionError::InUse`] while it is recorded, and others if its description cannot be read or written.
pub fn rename(folder: &Path, about: &About) -> Result<(), SessionError> {
    let _lock = FolderLock::take(folder)?;
    let mut manifest = Manifest::read(folder)?;
    manifest.about.clone_from(about);
    manifest.write(folder)
}

/// Changes what the faces of a session are called, by their numbers.
///
/// # Errors
/// As [`rename`].
pub fn name_faces(folder: &Path, names: &FaceNames) -> Result<(), SessionError> {
    let _lock = FolderLock::take(folder)?;
    let mut manifest = Manifest::read(folder)?;
    manifest.face_names.clone_from(names);
    manifest.write(folder)
}

/// The length of a session whose description does not say it: from its beginning to its end.
fn length_s(brief: &Brief) -> Option<f64> {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let (started, ended) = (time(&brief.started)?, time(brief.ended.as_ref()?)?);
    Some((ended.as_second() - started.as_second()).max(0) as f64)
}

/// The markers in the table of events.
fn n_markers(folder: &Path) -> u64 {
    let Ok(file) = files::open(&folder.join(EventRow::FILE)) else {
        return 0;
    };
    let mark = format!(",{},", EventKind::Marker.name());
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    lines.filter(|line| line.contains(&mark)).count() as u64
}

fn n_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| entry.metadata().ok());
    files
        .filter(fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::session::manifest;

    fn write(root: &Path, name: &str, change: impl FnOnce(&mut Manifest)) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut manifest = manifest::tests::manifest();
        change(&mut manifest);
        manifest.write(&folder).unwrap();
        folder
    }

    fn all(root: &Path) -> Vec<Entry> {
        let mut entries = Vec::new();
        list(root, |entry| {
            entries.push(entry);
            true
        });
        entries.sort_by_key(Entry::name);
        entries
    }

    #[test]
    fn sessions_are_listed_with_what_is_said_of_them() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "a", |manifest| {
            manifest.about.participant = "P01".to_owned();
            manifest.about.name = "Zweiter Versuch".to_owned();
            manifest.length_s = Some(12.5);
            manifest.counts.tracks = Some(2);
            manifest.counts.markers = Some(3);
        });
        // As an earlier version wrote it, in a folder of a batch.
        let old = write(root.path(), "day1/b", |_| {});
        fs::write(
            old.join("events.csv"),
            "t_s,pts_90k,unix_s,event,detail\n1.0,90000,1.0,marker,here\n1.0,90000,1.0,stopped,\n",
        )
        .unwrap();
        fs::create_dir(root.path().join("empty")).unwrap();
        fs::create_dir(root.path().join("broken")).unwrap();
        fs::write(root.path().join("broken/session.json"), "{").unwrap();
        let entries = all(root.path());
        let names: Vec<String> = entries.iter().map(Entry::name).collect();
        assert_eq!(names, ["Zweiter Versuch", "b"]);
        let [new, old] = &entries[..] else { panic!() };
        assert_eq!(
            (new.length_s, new.n_faces, new.n_markers),
            (Some(12.5), Some(2), 3)
        );
        assert_eq!(
            (old.length_s, old.n_faces, old.n_markers),
            (Some(10.0), None, 1)
        );
        assert!(old.n_bytes > 1000, "{}", old.n_bytes);
        assert!(new.matches("p01 versuch") && new.matches("2026-11") && new.matches(""));
        assert!(!new.matches("p02") && old.matches("B"));
    }

    #[test]
    fn a_session_gets_another_name_unless_it_is_recorded() {
        let root = tempfile::tempdir().unwrap();
        let folder = write(root.path(), "a", |_| {});
        let about = About {
            name: "new".to_owned(),
            ..About::default()
        };
        rename(&folder, &about).unwrap();
        assert_eq!(all(root.path())[0].name(), "new");
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 1, "no lock is left");
        let _lock = FolderLock::take(&folder).unwrap();
        assert!(matches!(
            rename(&folder, &About::default()),
            Err(SessionError::InUse { .. })
        ));
    }

    #[test]
    fn a_thousand_sessions_take_no_time() {
        let root = tempfile::tempdir().unwrap();
        let text = serde_json::to_string_pretty(&manifest::tests::manifest()).unwrap();
        for number in 0..1000 {
            // Not by `Manifest::write`, which waits for the disk each time.
            let folder = root.path().join(format!("{number:04}"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(MANIFEST_FILE), &text).unwrap();
        }
        let began = Instant::now();
        assert_eq!(all(root.path()).len(), 1000);
        let elapsed = began.elapsed();
        println!("1000 sessions in {elapsed:?}");
        // It takes a tenth of this; a busy machine must not fail the test.
        assert!(elapsed.as_secs() < 5, "{elapsed:?}");
    }
}
