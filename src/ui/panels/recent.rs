//! What was opened before, as it is offered again.

use std::path::{Path, PathBuf};

use crate::{
    capture::SourceSpec,
    session::catalog::Entry,
    ui::{commands::Command, words::text},
};

/// A file, a folder or a session that was opened or recorded before.
#[derive(Debug, Clone, PartialEq)]
pub struct Recent {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Opens it again.
    pub command: Command,
}

/// The files and sessions to offer, the latest first; at most `n` of each.
pub fn recent(files: &[PathBuf], sessions: &[Entry], n: usize) -> Vec<Recent> {
    let files = files.iter().take(n).map(|path| Recent {
        name: recent_label(path, files),
        path: path.clone(),
        command: Command::OpenSource(SourceSpec::Path(path.clone())),
    });
    let sessions = sessions.iter().take(n).map(|entry| Recent {
        name: session_label(entry),
        path: entry.folder.clone(),
        command: Command::OpenFolder(entry.folder.clone()),
    });
    files.chain(sessions).collect()
}

/// A session's name, and who is in it.
pub fn session_label(entry: &Entry) -> String {
    match entry.about.participant.as_str() {
        "" => entry.name(),
        participant => format!("{} · {participant}", entry.name()),
    }
}

/// The file's name, with its folder if another recent file has the same name.
pub fn recent_label(path: &Path, recent: &[PathBuf]) -> String {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let own = name(path).unwrap_or_else(|| path.display().to_string());
    let n_same = recent
        .iter()
        .filter(|other| name(other).as_deref() == Some(own.as_str()))
        .count();
    match path.parent() {
        Some(folder) if n_same > 1 => {
            let folder = folder.display().to_string();
            text!("model-in-folder", file = own, folder = folder)
        }
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_same_name_say_where_they_are() {
        let files = ["/a/clip.mp4", "/b/clip.mp4", "/b/other.mp4"].map(PathBuf::from);
        let all = recent(&files, &[], 2);
        let names: Vec<&str> = all.iter().map(|recent| recent.name.as_str()).collect();
        assert_eq!(names, ["clip.mp4 in /a", "clip.mp4 in /b"]);
        let first = SourceSpec::Path(files[0].clone());
        assert_eq!(all[0].command, Command::OpenSource(first));
    }
}
