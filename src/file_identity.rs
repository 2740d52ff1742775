//! Which file it is that a path or an open file leads to: by device and number on Unix, by volume and index on Windows.

use std::{
    fs::{self, File},
    path::Path,
};

/// What two names of the same file share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    volume: u64,
    number: u64,
}

/// Whether two paths lead to the same file or folder, also through symbolic or hard links. `false` if one leads nowhere.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((identity_of_target(a), identity_of_target(b)), (Some(a), Some(b)) if a == b)
}

/// Whether `path` itself, and not a link there, is the open `file`, which may have been deleted, moved or replaced.
pub fn is_at(file: &File, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_symlink())
        && matches!((identity(file), identity_of_target(path)), (Some(a), Some(b)) if a == b)
}

/// How many names an open file has: more than one if there are hard links.
///
/// # Errors
/// What the system reports.
pub fn n_names(file: &File) -> std::io::Result<u64> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?));
    #[cfg(windows)]
    return Ok(winapi_util::file::information(file)?.number_of_links());
}

#[cfg(unix)]
fn identity(file: &File) -> Option<Identity> {
    file.metadata().ok().as_ref().map(described)
}

/// Nothing is opened, because a pipe could block.
#[cfg(unix)]
fn identity_of_target(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().as_ref().map(described)
}

#[cfg(unix)]
fn described(metadata: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    Identity {
        volume: metadata.dev(),
        number: metadata.ino(),
    }
}

#[cfg(windows)]
fn identity(file: &File) -> Option<Identity> {
    let information = winapi_util::file::information(file).ok()?;
    Some(Identity {
        volume: information.volume_serial_number(),
        number: information.file_index(),
    })
}

#[cfg(windows)]
fn identity_of_target(path: &Path) -> Option<Identity> {
    use std::os::windows::fs::OpenOptionsExt;

    /// Opens folders, too.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    let file = File::options()
        .access_mode(0) // Nothing is read, so files that others hold can be asked for it.
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path)
        .ok()?;
    identity(&file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let (first, second, hard) = (here.join("first"), here.join("second"), here.join("hard"));
        fs::write(&first, "").unwrap();
        fs::write(&second, "").unwrap();
        fs::hard_link(&first, &hard).unwrap();
        assert!(is_same_file(&first, &here.join(".").join("first")));
        assert!(is_same_file(&first, &hard));
        assert!(is_same_file(here, &here.join(".")));
        assert!(!is_same_file(&first, &second));
        assert!(!is_same_file(&first, &here.join("nothing")));
        assert!(!is_same_file(&here.join("nothing"), &here.join("nothing")));
        let n = |path: &Path| n_names(&File::open(path).unwrap()).unwrap();
        assert_eq!([n(&first), n(&second), n(&hard)], [2, 1, 2]);
    }

    #[test]
    fn an_open_file_is_known_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("file"), folder.path().join("other"));
        fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        fs::write(&other, "").unwrap();
        assert!(is_at(&file, &path));
        assert!(!is_at(&file, &other) && !is_at(&file, &folder.path().join("nothing")));
        #[cfg(unix)]
        {
            fs::rename(&path, &other).unwrap();
            assert!(!is_at(&file, &path) && is_at(&file, &other));
            fs::write(&path, "").unwrap();
            assert!(!is_at(&file, &path));
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&other, &link).unwrap();
            assert!(!is_at(&file, &link) && is_same_file(&link, &other));
        }
    }
}
