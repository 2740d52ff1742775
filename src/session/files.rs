//! Opens and creates the files of a session: plain names and regular files only, private to their owner.
//!
//! A session folder may come from somebody else, and the window repairs the folders it finds without being asked. So a
//! file is opened only if it is a regular file in the folder itself: a link could lead anywhere, and opening a pipe or
//! a device could block or have side effects. New files are readable by their owner only, because they show faces.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Component, Path, PathBuf},
};

use crate::{file_identity::n_names, result_file::rename};

/// Maximum size of a text that is read whole. Even an hour's table is only some 50 MB, and a description is far smaller.
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// How many names are tried for a file beside another one.
const MAX_BESIDE: u32 = 1000;

/// Whether `name` is a file name and nothing else: no folder, no drive, no stream of another file.
pub fn is_plain_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let is_one =
        matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none();
    // The same rule on every system, because a session may come from another one.
    is_one && !name.contains(['/', '\\', ':', '\0'])
}

/// Opens a regular file for reading.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for a link or anything else that is not a regular file, and what the system reports.
pub fn open(path: &Path) -> io::Result<File> {
    open_regular(path, OpenOptions::new().read(true))
}

/// Opens a regular file for changing it. A file with a second hard link is refused: its other name may be in another
/// folder.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_to_change(path: &Path) -> io::Result<File> {
    let file = open_regular(path, held(OpenOptions::new().read(true).write(true)))?;
    if n_names(&file)? > 1 {
        return Err(refused(
            "the file has a second name (a hard link), and changing it would change that file too",
        ));
    }
    Ok(file)
}

/// Opens a file for locking, and creates it if it does not exist. Everywhere it can be deleted while it is open.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    match private().open(path) {
        Err(err) if err.kind() == ErrorKind::AlreadyExists => {
            open_regular(path, OpenOptions::new().write(true))
        }
        created => created,
    }
}

/// Creates a file that only its owner can read. On Windows nobody can delete, move or replace it while it is open.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if anything, even a broken link, has the name, and what the system reports.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    held(&mut private()).open(path)
}

/// Creates a file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Elsewhere than on Windows nothing keeps others from deleting an open file.
fn held(options: &mut OpenOptions) -> &mut OpenOptions {
    /// Others may read it and write to it.
    #[cfg(windows)]
    const FILE_SHARE_READ_WRITE: u32 = 1 | 2;
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(options, FILE_SHARE_READ_WRITE);
    options
}

/// Creates a file named after `path`: `video.mp4.tail`, or `video.mp4.tail-2` and so on if that exists.
///
/// # Errors
/// What the system reports.
pub(crate) fn create_tail(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        match number {
            1 => name.push(".tail"),
            n => name.push(format!(".tail-{n}")),
        }
        let candidate = PathBuf::from(name);
        match create_new(&candidate) {
            Ok(file) => return Ok((candidate, file)),
            Err(err) if err.kind() == ErrorKind::AlreadyExists && number < MAX_BESIDE => {
                number += 1
            }
            Err(err) => return Err(err),
        }
    }
}

/// Reads a whole text file.
///
/// # Errors
/// As [`open`], and if the file is larger than 64 MB or not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let file = open(path)?;
    if file.metadata()?.len() > MAX_TEXT_BYTES {
        return Err(refused("the file is larger than such a file can be"));
    }
    let mut text = String::new();
    file.take(MAX_TEXT_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Replaces or creates a file. At every moment either the old or the new one is there.
///
/// # Errors
/// What the system reports; the old file is then unchanged.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.new"));
    // Left by an interrupted attempt. Removing a link never touches what it points to.
    match fs::remove_file(&draft) {
        Err(err) if err.kind() != ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    let written = create_new(&draft).and_then(|mut new| {
        new.write_all(content)?;
        new.sync_all()?;
        drop(new); // Windows does not rename it while it is open.
        rename(&draft, path)
    });
    match &written {
        Ok(()) => sync_folder(path),
        // Half a file is of no use.
        Err(_) => drop(fs::remove_file(&draft)),
    }
    written
}

/// Creates a folder that only its owner can open, with its parents. The folder may exist.
///
/// # Errors
/// What the system reports.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(err) if err.kind() == ErrorKind::AlreadyExists && folder.is_dir() => {}
        created => return created,
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Somebody else's folder stays as it is; our files in it are private all the same.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .inspect_err(|err| log::warn!("{} stays readable by others: {err}", folder.display()))
            .ok();
    }
    Ok(())
}

/// Makes the names in a file's folder survive a power cut, where the system supports that.
pub(crate) fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows cannot open folders, and network drives refuse. The recording itself does not depend on it.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// Whether there is a regular file, and not a link.
pub fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Checked before opening, for a clear message, and again afterward, because the file may have been replaced in
    // between.
    check_regular(&fs::symlink_metadata(path)?)?;
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    check_regular(&file.metadata()?)?;
    Ok(file)
}

fn check_regular(metadata: &Metadata) -> io::Result<()> {
    match metadata.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_symlink() => Err(refused(
            "it is a link, and a session holds only regular files",
        )),
        _ => Err(refused("it is not a regular file")),
    }
}

fn refused(words: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_file_names() {
        for name in ["video.mp4", "clean-2.avi", "a b.mp4", "..mp4", "vidéo.mp4"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "/tmp/video.mp4",
            "../video.mp4",
            "a/b.mp4",
            "video.mp4/",
            "./video.mp4",
            "C:video.mp4",
            "C:\\video.mp4",
            "..\\video.mp4",
            "\\\\host\\share",
            "video.mp4:stream",
            "video\0.mp4",
        ] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_no_draft_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.json");
        for text in ["one", "two"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(read_text(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn tails_get_unused_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.csv");
        let names: Vec<PathBuf> = (0..3).map(|_| create_tail(&path).unwrap().0).collect();
        let expected = ["events.csv.tail", "events.csv.tail-2", "events.csv.tail-3"];
        assert_eq!(names, expected.map(|name| folder.path().join(name)));
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_hard_links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("other"), "theirs").unwrap();
        std::os::unix::fs::symlink(at("other"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("broken")).unwrap();
        fs::hard_link(at("other"), at("second")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        for (name, words) in [
            ("link", "link"),
            ("broken", "link"),
            ("pipe", "regular"),
            (".", "regular"),
        ] {
            for opened in [open(&at(name)), open_to_change(&at(name))] {
                let err = opened.unwrap_err();
                assert_eq!(err.kind(), ErrorKind::InvalidInput, "{name}: {err}");
                assert!(err.to_string().contains(words), "{name}: {err}");
            }
            assert!(open_or_create(&at(name)).is_err(), "{name}");
            assert!(create_new(&at(name)).is_err(), "{name}");
            assert!(!is_regular(&at(name)), "{name}");
        }
        assert!(!at("nothing").exists());
        assert!(open(&at("second")).is_ok(), "reading does no harm");
        let err = open_to_change(&at("second")).unwrap_err().to_string();
        assert!(err.contains("hard link"), "{err}");
        // A draft that is a link is removed, not written through.
        std::os::unix::fs::symlink(at("other"), at(".mine.new")).unwrap();
        replace(&at("mine"), b"mine").unwrap();
        assert_eq!(fs::read(at("other")).unwrap(), b"theirs");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let new = root.path().join("a/b");
        create_folder(&new).unwrap();
        assert_eq!(mode(&new), 0o700);
        let there = root.path().join("there");
        fs::create_dir(&there).unwrap();
        fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
        create_folder(&there).unwrap();
        assert_eq!(mode(&there), 0o700);
        let file = new.join("session.json");
        replace(&file, b"{}").unwrap();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&create_tail(&file).unwrap().0), 0o600);
    }
}
