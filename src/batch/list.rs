//! Which files a batch has, and what they are called in its results.
//!
//! A file is named by its path within the input that it was found in (`day1/P01.mp4`), so names are the same on every
//! machine, wherever the files are mounted. Files that are listed one by one are named from the deepest folder that
//! holds all of them. With several inputs, each name begins with the name of its input's folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{BatchError, Failure};

/// Extensions by which a folder's files count as videos, lowercase. What a file is, its content decides.
const VIDEO_EXTENSIONS: [&str; 24] = [
    "3gp", "asf", "avi", "flv", "gif", "m2ts", "m4v", "mjpeg", "mkv", "mov", "mp4", "mpe", "mpeg",
    "mpg", "mts", "mxf", "ogm", "ogv", "qt", "ts", "vob", "webm", "wmv", "y4m",
];

/// What a partial session's folder ends with; no file may.
pub(super) const PARTIAL: &str = "partial";

/// One of several equal parts of a list of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `count`.
    pub index: u64,
    /// Number of parts.
    pub count: u64,
}

impl Shard {
    /// Whether the file with this path within its input belongs to this part. Depends on nothing else, so that every
    /// machine comes to the same answer.
    fn has(self, path: &str) -> bool {
        let digest = Sha256::digest(path.as_bytes());
        let first = digest.iter().take(8);
        let number = first.fold(0u64, |number, &byte| number << 8 | u64::from(byte));
        number % self.count == self.index - 1
    }

    /// What the names of this part's tables end with: `-2-of-8`.
    pub(super) fn suffix(self) -> String {
        format!("-{}-of-{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        numbers
            .and_then(|(index, count)| {
                let (index, count) = (index.parse().ok()?, count.parse().ok()?);
                (1 <= index && index <= count).then_some(Self { index, count })
            })
            .ok_or_else(|| "write it as i/n, with i from 1 to n, such as 2/8".to_owned())
    }
}

/// A file to analyze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its name in the results, with `/` between folders. Unique.
    pub name: Arc<str>,
    /// Its path within its input.
    inner: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The files of a batch.
#[derive(Debug, Default)]
pub(super) struct List {
    /// In the order of names.
    pub items: Vec<Item>,
    /// What could not be searched.
    pub failures: Vec<Failure>,
}

impl Item {
    /// Whether the file belongs to this part.
    pub fn is_in(&self, shard: Shard) -> bool {
        shard.has(&self.inner)
    }
}

/// Where files were found, and which.
struct Root {
    folder: PathBuf,
    files: BTreeSet<PathBuf>,
}

/// Finds the files. `out` is not searched.
///
/// # Errors
/// [`BatchError`] if an input leads nowhere, nothing is found, or two names are equal.
pub(super) fn find(inputs: &[PathBuf], out: &Path) -> Result<List, BatchError> {
    let mut search = Search {
        out: out.canonicalize().ok(),
        failures: Vec::new(),
    };
    let mut roots: Vec<Root> = Vec::new();
    let mut alone = BTreeSet::new();
    for input in inputs {
        if input.is_dir() {
            let files = search.videos_in(input);
            let folder = input.clone();
            roots.push(Root { folder, files });
        } else if input.is_file() {
            alone.insert(input.clone());
        } else if let Some(pattern) = input.to_str().filter(|text| text.contains(['*', '?', '['])) {
            roots.push(search.matches(pattern)?);
        } else {
            return Err(BatchError::NoSuchInput {
                path: input.clone(),
            });
        }
    }
    if !alone.is_empty() {
        roots.push(Root {
            folder: common_folder(&alone),
            files: alone,
        });
    }
    let items = named(&roots)?;
    if items.is_empty() && search.failures.is_empty() {
        let inputs: Vec<String> = inputs
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(BatchError::NothingToAnalyze {
            inputs: inputs.join(", "),
        });
    }
    Ok(List {
        items,
        failures: search.failures,
    })
}

struct Search {
    out: Option<PathBuf>,
    failures: Vec<Failure>,
}

impl Search {
    /// The videos in a folder and in the folders in it. Hidden files and folders are left out, and a folder that links
    /// lead to twice is searched once.
    fn videos_in(&mut self, folder: &Path) -> BTreeSet<PathBuf> {
        let mut videos = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let canonical = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if self.out.as_ref() == Some(&canonical) || !seen.insert(canonical) {
                continue;
            }
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.failures.push(Failure {
                        file: folder.display().to_string(),
                        reason: format!("the folder could not be read: {error}"),
                    });
                    continue;
                }
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                if is_hidden(&path) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else if is_video(&path) && path.is_file() {
                    videos.insert(path);
                }
            }
        }
        videos
    }

    /// What a pattern matches: files, and the videos in folders.
    fn matches(&mut self, pattern: &str) -> Result<Root, BatchError> {
        let failed = |reason: String| BatchError::Pattern {
            pattern: pattern.to_owned(),
            reason,
        };
        let options = glob::MatchOptions {
            require_literal_leading_dot: true,
            ..glob::MatchOptions::default()
        };
        let paths =
            glob::glob_with(pattern, options).map_err(|error| failed(error.msg.to_owned()))?;
        // `*.mp4` asks for files of a kind; `*` asks for whatever is a video.
        let asks_for_a_kind = Path::new(pattern)
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| !extension.contains(['*', '?', '[']));
        let mut files = BTreeSet::new();
        for found in paths {
            match found {
                Ok(path) if path.is_dir() => files.extend(self.videos_in(&path)),
                Ok(path) if asks_for_a_kind || is_video(&path) => drop(files.insert(path)),
                Ok(_) => {}
                Err(error) => self.failures.push(Failure {
                    file: error.path().display().to_string(),
                    reason: format!("it could not be searched: {}", error.error()),
                }),
            }
        }
        let fixed = Path::new(pattern)
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']));
        Ok(Root {
            folder: fixed.collect(),
            files,
        })
    }
}

/// The files with their names, in the order of names. A file that was found twice is there once.
fn named(roots: &[Root]) -> Result<Vec<Item>, BatchError> {
    let prefixes = prefixes(roots);
    let mut items = BTreeMap::<String, Item>::new();
    let mut seen = BTreeSet::new();
    for (root, prefix) in roots.iter().zip(prefixes) {
        for file in &root.files {
            let canonical = file.canonicalize().unwrap_or_else(|_| file.clone());
            if !seen.insert(canonical) {
                continue;
            }
            let inner = file.strip_prefix(&root.folder).unwrap_or(file);
            let path = words(inner);
            let ends_as_partial = inner.extension().is_some_and(|end| end == PARTIAL);
            if path.is_empty() || ends_as_partial {
                return Err(BatchError::Name { path: file.clone() });
            }
            let name = format!("{prefix}{path}");
            if let Some(first) = items.get(&name) {
                return Err(BatchError::SameName {
                    first: first.path.clone(),
                    second: file.clone(),
                });
            }
            let item = Item {
                name: name.as_str().into(),
                inner: path,
                path: file.clone(),
            };
            items.insert(name, item);
        }
    }
    Ok(items.into_values().collect())
}

/// What the names of each input's files begin with: nothing if there is one folder, and as much of the end of its
/// folder's path as tells it from the others.
fn prefixes(roots: &[Root]) -> Vec<String> {
    let paths: Vec<Vec<String>> = roots
        .iter()
        .map(|root| {
            let path = root
                .folder
                .canonicalize()
                .unwrap_or_else(|_| root.folder.clone());
            let words = words(&path);
            words.split('/').map(str::to_owned).collect()
        })
        .collect();
    let folders: BTreeSet<&Vec<String>> = paths.iter().collect();
    if folders.len() < 2 {
        return vec![String::new(); roots.len()];
    }
    let end = |path: &[String], n: usize| path[path.len().saturating_sub(n)..].join("/");
    let longest = paths.iter().map(Vec::len).max().unwrap_or(1);
    let n_parts = (1..longest)
        .find(|&n| {
            let ends: BTreeSet<String> = paths.iter().map(|path| end(path, n)).collect();
            ends.len() == folders.len()
        })
        .unwrap_or(longest);
    let prefixes = paths.iter().map(|path| match end(path, n_parts) {
        name if name.is_empty() => name,
        name => name + "/",
    });
    prefixes.collect()
}

/// The deepest folder that holds all files, by their paths as they are written.
fn common_folder(files: &BTreeSet<PathBuf>) -> PathBuf {
    let mut folders = files
        .iter()
        .map(|file| file.parent().unwrap_or(Path::new("")));
    let mut common: Vec<Component<'_>> = match folders.next() {
        Some(first) => first.components().collect(),
        None => Vec::new(),
    };
    for folder in folders {
        let same = common.iter().zip(folder.components());
        let n_same = same.take_while(|(a, b)| **a == *b).count();
        common.truncate(n_same);
    }
    common.into_iter().collect()
}

/// A path's folders and its file, with `/` between them, and without what leads elsewhere.
fn words(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn is_video(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    VIDEO_EXTENSIONS.contains(&extension.to_lowercase().as_str())
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        root
    }

    fn names(root: &Path, inputs: &[&str]) -> Vec<String> {
        let inputs: Vec<PathBuf> = inputs.iter().map(|input| root.join(input)).collect();
        let list = find(&inputs, &root.join("out")).unwrap();
        assert_eq!(list.failures, []);
        list.items
            .iter()
            .map(|item| item.name.to_string())
            .collect()
    }

    const FILES: [&str; 8] = [
        "day1/P01.mp4",
        "day1/P02.MOV",
        "day1/notes.txt",
        "day2/P01.mp4",
        "day2/deep/er/P01.mp4",
        "day2/.hidden.mp4",
        "other/day1/P01.mp4",
        "out/sessions/x.mp4",
    ];

    #[test]
    fn files_are_named_by_their_path_within_the_input() {
        let root = tree(&FILES);
        let names = |inputs: &[&str]| names(root.path(), inputs);
        assert_eq!(names(&["day1"]), ["P01.mp4", "P02.MOV"]);
        assert_eq!(names(&["day2"]), ["P01.mp4", "deep/er/P01.mp4"]);
        assert_eq!(
            names(&["day1", "day2"]),
            [
                "day1/P01.mp4",
                "day1/P02.MOV",
                "day2/P01.mp4",
                "day2/deep/er/P01.mp4"
            ],
            "of several inputs, each with its own name"
        );
        let twins = names(&["day1", "other/day1"]);
        assert_eq!(twins.len(), 3);
        assert!(
            twins.contains(&"other/day1/P01.mp4".to_owned()),
            "{twins:?}"
        );
        assert_eq!(
            names(&["day1/P01.mp4", "day2/P01.mp4"]),
            ["day1/P01.mp4", "day2/P01.mp4"],
            "as a shell lists them"
        );
        assert_eq!(names(&["day1/P01.mp4"]), ["P01.mp4"]);
        assert_eq!(names(&["day1", "day1/P01.mp4"]).len(), 2, "found twice");
    }

    #[test]
    fn patterns_find_files_at_any_depth() {
        let root = tree(&FILES);
        let names = |inputs: &[&str]| names(root.path(), inputs);
        assert_eq!(
            names(&["day*/**/*.mp4"]),
            ["day1/P01.mp4", "day2/P01.mp4", "day2/deep/er/P01.mp4"]
        );
        assert_eq!(
            names(&["day*"]),
            [
                "day1/P01.mp4",
                "day1/P02.MOV",
                "day2/P01.mp4",
                "day2/deep/er/P01.mp4"
            ],
            "the videos in the folders that match"
        );
        assert_eq!(names(&["day1/*"]), ["P01.mp4", "P02.MOV"], "no texts");
        assert_eq!(names(&["day1/*.txt"]), ["notes.txt"], "asked for");
        let wrong = find(&[root.path().join("day[1")], Path::new("out")).unwrap_err();
        assert!(matches!(wrong, BatchError::Pattern { .. }), "{wrong}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let root = tree(&FILES);
        let error = |input: &str| {
            let found = find(&[root.path().join(input)], Path::new("out"));
            found.unwrap_err().to_string()
        };
        assert!(error("day9").contains("no such file or folder"));
        assert!(error("*.mkv").contains("there is no video in"));
        fs::write(root.path().join("x.partial"), "").unwrap();
        assert!(error("x.partial").contains("rename it"));
    }

    #[test]
    fn shards_part_the_files_by_their_names_alone() {
        let files: Vec<String> = (0..200)
            .map(|n| format!("day{}/P{n:03}.mp4", n % 7))
            .collect();
        let [here, there] = [(); 2].map(|()| {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            tree(&files)
        });
        let part = |root: &Path, index| {
            let shard = Shard { index, count: 3 };
            let list = find(&[root.to_owned()], Path::new("out")).unwrap();
            let items = list.items.iter().filter(|item| item.is_in(shard));
            let names = items.map(|item| item.name.to_string());
            names.collect::<BTreeSet<_>>()
        };
        let mut all = BTreeSet::new();
        for index in 1..=3 {
            let files = part(here.path(), index);
            assert_eq!(files, part(there.path(), index), "wherever they are");
            assert!((45..90).contains(&files.len()), "{}", files.len());
            let before = all.len();
            all.extend(files.clone());
            assert_eq!(all.len(), before + files.len(), "each file is in one part");
        }
        assert_eq!(all.len(), 200);
        // A job array that is continued with a later version must come to the same parts.
        let second = Shard { index: 2, count: 8 };
        let chosen =
            ["a.mp4", "b.mp4", "c.mp4", "day1/P01.mp4", "é.mov"].map(|file| second.has(file));
        assert_eq!(chosen, [false, false, true, false, false]);
    }

    #[test]
    fn shards_are_written_as_a_fraction() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        for wrong in ["0/8", "9/8", "1/0", "1", "a/b", "", "1/2/3", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_end() {
        let root = tree(&["day1/P01.mp4"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("day1/up")).unwrap();
        assert_eq!(names(root.path(), &["."]), ["day1/P01.mp4"]);
    }
}
