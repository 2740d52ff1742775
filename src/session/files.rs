//! The files of a session: plain names, plain files, and nobody else's business.
//!
//! A session folder may come from somebody else, and the window repairs the folders it finds without being asked. So a
//! file is opened only if it is a regular one in the folder itself: a link could lead anywhere, and opening a pipe or a
//! device would wait, or do something. What is written is readable by its owner alone, because it shows faces.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Component, Path, PathBuf},
};

/// A table of an hour has 50 MB; a description beyond this is not one.
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// So many files beside one are looked at for a free name.
const MAX_BESIDE: u32 = 1000;

/// Whether `name` is the name of a file and nothing else: no folder, no drive, no stream of another file.
pub fn is_plain_name(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let is_one =
        matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none();
    // The same on every system, because a session may come from another one.
    is_one && !name.contains(['/', '\\', ':', '\0'])
}

/// Opens a regular file to read it.
///
/// # Errors
/// Those of the system, and [`ErrorKind::InvalidInput`] for a link or anything else that is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    open_regular(path, OpenOptions::new().read(true)).map(|(file, _)| file)
}

/// Opens a regular file to change it. A file with a second name is refused: it may lie in another folder.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_to_change(path: &Path) -> io::Result<File> {
    let (file, metadata) = open_regular(path, OpenOptions::new().read(true).write(true))?;
    if n_links(&metadata) > 1 {
        return Err(refused(
            "the file has a second name (a hard link), and changing it would change that too",
        ));
    }
    Ok(file)
}

/// Opens a file to lock it, and creates it if it is not there.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(err) if err.kind() == ErrorKind::AlreadyExists => {
            open_regular(path, OpenOptions::new().write(true)).map(|(file, _)| file)
        }
        created => created,
    }
}

/// Creates a file that only its owner can read.
///
/// # Errors
/// Those of the system; [`ErrorKind::AlreadyExists`] if anything, even a broken link, has the name.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Creates a file named after `path`: `video.mp4.tail`, or `video.mp4.tail-2` and so on if that is taken.
///
/// # Errors
/// Those of the system.
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

/// Reads a text of a session whole.
///
/// # Errors
/// As [`open`], and if it is larger than a description or not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let file = open(path)?;
    if file.metadata()?.len() > MAX_TEXT_BYTES {
        return Err(refused("it is larger than such a file can be"));
    }
    let mut text = String::new();
    file.take(MAX_TEXT_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Replaces a file, or makes it: at every moment either the old or the new one is there.
///
/// # Errors
/// Those of the system; the old file is then as it was.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.new"));
    // What an earlier attempt left. Removing takes a link away, never what it points to.
    match fs::remove_file(&draft) {
        Err(err) if err.kind() != ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    let written = create_new(&draft).and_then(|mut new| {
        new.write_all(content)?;
        new.sync_all()?;
        fs::rename(&draft, path)
    });
    match &written {
        Ok(()) => sync_folder(path),
        // Half a file is of no use to anybody.
        Err(_) => drop(fs::remove_file(&draft)),
    }
    written
}

/// Creates a folder that only its owner can look into, with those above it.
///
/// # Errors
/// Those of the system. A link to a folder is one; the folder itself may be there.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
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
        // Somebody else's folder stays as they made it; its files are readable by their owner all the same.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .inspect_err(|err| log::warn!("{} stays open to others: {err}", folder.display()))
            .ok();
    }
    Ok(())
}

/// Makes the names in a file's folder survive a power cut, where the system can do that.
pub(crate) fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows opens no folders, and network drives refuse: the recording itself does not depend on it.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// Whether the name still leads to the file that was opened by it: it may have been deleted, moved or replaced.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(there), Ok(ours)) => identity(&there) == identity(&ours),
        _ => false,
    }
}

/// Whether a regular file, and no link, is there.
pub fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<(File, Metadata)> {
    // Asked before it is opened, for the words; and again afterward, for it may have been exchanged.
    check_regular(&fs::symlink_metadata(path)?)?;
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    check_regular(&metadata)?;
    Ok((file, metadata))
}

fn check_regular(metadata: &Metadata) -> io::Result<()> {
    match metadata.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_symlink() => Err(refused(
            "it is a link, and a session holds only files of its own",
        )),
        _ => Err(refused("it is not a regular file")),
    }
}

fn refused(words: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, words)
}

#[cfg(unix)]
fn n_links(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn n_links(_metadata: &Metadata) -> u64 {
    1 // Only nightly Rust tells.
}

/// What tells two files apart.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Files that are open cannot be replaced there, nor can their folder.
#[cfg(not(unix))]
fn identity(_metadata: &Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_no_ways() {
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
        assert!(is_at(&open(&path).unwrap(), &path));
    }

    #[test]
    fn tails_have_names_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.csv");
        let names: Vec<PathBuf> = (0..3).map(|_| create_tail(&path).unwrap().0).collect();
        let expected = ["events.csv.tail", "events.csv.tail-2", "events.csv.tail-3"];
        assert_eq!(names, expected.map(|name| folder.path().join(name)));
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_second_names_are_refused() {
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
        // A draft that is a link is taken away, not written through.
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
