//! Which file it is that a path or an open file leads to: by device and number on Unix, by volume and index on Windows.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// Whether two paths lead to the same file or folder, also through symbolic or hard links. `false` if one leads nowhere.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    // Nothing is opened, because a pipe could block.
    #[cfg(unix)]
    return matches!((fs::metadata(a), fs::metadata(b)), (Ok(a), Ok(b)) if identity(&a) == identity(&b));
    #[cfg(windows)]
    return is_same_path(a, b) || has_same_index(a, b);
}

/// Whether `path` itself, and not a link there, is the open `file`, which may have been deleted, moved or replaced. On
/// Windows whether anything is there: what we write is opened so that nobody can replace it while it is open.
pub fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    return matches!((file.metadata(), fs::symlink_metadata(path)),
        (Ok(ours), Ok(there)) if identity(&ours) == identity(&there));
    #[cfg(windows)]
    {
        let _ = file;
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
    }
}

/// How many names an open file has: more than one if there are hard links.
///
/// # Errors
/// What the system reports.
pub fn n_names(file: &File) -> io::Result<u64> {
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?));
    #[cfg(windows)]
    return Ok(winapi_util::file::information(file)?.number_of_links());
}

/// Device and number.
#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

#[cfg(windows)]
fn is_same_path(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Whether volume and index are the same, which counts only while both are open. Some network drives have no indices.
#[cfg(windows)]
fn has_same_index(a: &Path, b: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt;

    /// Opens folders, too.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    let open = |path: &Path| {
        let mut options = File::options();
        // Nothing is read, so files that others hold can be asked.
        options
            .access_mode(0)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        options.open(path).ok()
    };
    let (Some(a), Some(b)) = (open(a), open(b)) else {
        return false;
    };
    let index = |file: &File| {
        let information = winapi_util::file::information(file).ok()?;
        let index = information.file_index();
        (index != 0 && index != u64::MAX).then(|| (information.volume_serial_number(), index))
    };
    matches!((index(&a), index(&b)), (Some(a), Some(b)) if a == b)
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
        assert!(is_at(&file, &path) && !is_at(&file, &other));
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
