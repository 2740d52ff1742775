//! Every way in which a result could destroy something, on a real file system.

use super::*;

/// A folder with an earlier result, `old.csv`.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.csv");
    fs::write(&old, "kept\n").unwrap();
    (folder, old)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_result_appears_when_it_is_complete() {
    let (folder, old) = folder();
    let mut result = Outputs::new(true).file(&old).unwrap();
    assert_eq!(
        names(&folder),
        ["old.csv"],
        "nothing is made before the work"
    );
    assert_eq!(result.partial(), None);
    result.write_lines("one\n").unwrap();
    let partial = folder.path().join("old.csv.partial");
    assert_eq!(
        (text(&old), text(&partial)),
        ("kept\n".into(), "one\n".into())
    );
    result.write_lines("two\n").unwrap();
    result.finish().unwrap();
    assert_eq!(text(&old), "one\ntwo\n");
    assert_eq!(names(&folder), ["old.csv"]);
}

#[test]
fn an_interrupted_run_keeps_the_old_result_and_its_own_partial_one() {
    let (folder, old) = folder();
    let mut result = Outputs::new(true).file(&old).unwrap();
    result.write_lines("half\n").unwrap();
    drop(result);
    assert_eq!(text(&old), "kept\n");
    assert_eq!(text(&folder.path().join("old.csv.partial")), "half\n");

    // The partial result is not lost either, unless overwriting is allowed.
    let new = folder.path().join("new.csv");
    fs::rename(folder.path().join("old.csv.partial"), partial_path(&new)).unwrap();
    let error = Outputs::new(false).file(&new).unwrap_err();
    assert!(matches!(error, ResultError::Leftover { .. }), "{error}");
    let result = Outputs::new(true).file(&new).unwrap();
    result.write_whole("whole\n").unwrap();
    assert_eq!(text(&new), "whole\n");
    assert_eq!(names(&folder), ["new.csv", "old.csv"]);
}

#[test]
fn a_run_that_wrote_nothing_leaves_nothing() {
    let (folder, _) = folder();
    let mut result = Outputs::new(false)
        .file(&folder.path().join("new"))
        .unwrap();
    result.begin().unwrap();
    assert_eq!(names(&folder), ["new.partial", "old.csv"]);
    drop(result);
    assert_eq!(names(&folder), ["old.csv"]);
    // But a complete result may be empty.
    let result = Outputs::new(false)
        .file(&folder.path().join("new"))
        .unwrap();
    result.finish().unwrap();
    assert_eq!(text(&folder.path().join("new")), "");
}

#[test]
fn an_existing_result_is_replaced_only_on_request() {
    let (_folder, old) = folder();
    let error = Outputs::new(false).file(&old).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("old.csv exists already; --force replaces it")
    );
    // Another run may finish first.
    let new = old.with_file_name("new.csv");
    let mut result = Outputs::new(false).file(&new).unwrap();
    result.write_lines("ours\n").unwrap();
    fs::write(&new, "theirs\n").unwrap();
    assert!(matches!(result.finish(), Err(ResultError::Exists { .. })));
    assert_eq!(text(&new), "theirs\n");
    assert_eq!(text(&partial_path(&new)), "ours\n");
}

#[test]
fn impossible_destinations_are_reported_before_the_work() {
    let (folder, old) = folder();
    let refuse = |path: &Path| Outputs::new(true).file(path).unwrap_err();
    let here = folder.path();
    assert!(matches!(refuse(here), ResultError::IsFolder { .. }));
    assert!(matches!(
        refuse(&here.join("new/")),
        ResultError::IsFolder { .. }
    ));
    assert!(matches!(
        refuse(&here.join("no/new")),
        ResultError::NoFolder { .. }
    ));
    assert!(matches!(
        refuse(&old.join("new")),
        ResultError::Write { .. } | ResultError::NoFolder { .. }
    ));
    assert!(matches!(refuse(Path::new("")), ResultError::Write { .. }));
    assert_eq!(names(&folder), ["old.csv"]);
}

#[test]
fn an_input_is_never_written_to() {
    let (folder, old) = folder();
    let here = folder.path();
    let check = |path: &Path| {
        let mut outputs = Outputs::new(true).reading([&old]);
        let error = outputs.file(path).unwrap_err();
        assert!(
            matches!(error, ResultError::IsInput { .. }),
            "{path:?}: {error}"
        );
    };
    check(&old);
    check(&here.join(".").join("old.csv"));
    let hard = here.join("hard.csv");
    fs::hard_link(&old, &hard).unwrap();
    check(&hard);
    // Nor through the partial file.
    let partial = partial_path(&here.join("x"));
    fs::hard_link(&old, &partial).unwrap();
    check(&here.join("x"));
    #[cfg(unix)]
    {
        let link = here.join("link.csv");
        std::os::unix::fs::symlink("old.csv", &link).unwrap();
        check(&link);
    }
    assert_eq!(text(&old), "kept\n");
}

#[test]
fn a_folders_pictures_are_inputs_and_its_tables_are_not() {
    let (folder, old) = folder();
    let picture = folder.path().join("face.jpg");
    fs::write(&picture, "a face").unwrap();
    let mut outputs = Outputs::new(true).reading([folder.path()]);
    assert!(matches!(
        outputs.file(&picture),
        Err(ResultError::IsInput { .. })
    ));
    outputs.file(&old).unwrap();
    outputs.file(&folder.path().join("new.jpg")).unwrap();
}

#[test]
fn two_results_need_two_files() {
    let (folder, old) = folder();
    let check = |first: &Path, second: &Path| {
        let mut outputs = Outputs::new(true);
        let kept = outputs.file(first).unwrap();
        let error = outputs.file(second).unwrap_err();
        assert!(
            matches!(error, ResultError::Same { .. }),
            "{second:?}: {error}"
        );
        drop(kept);
    };
    let here = folder.path();
    check(&old, &old);
    check(Path::new("-"), Path::new("-"));
    check(Path::new("-"), Path::new("/dev/stdout"));
    check(&here.join("x"), &here.join(".").join("x"));
    check(&here.join("x"), &here.join("x.partial"));
    check(&here.join("x.partial"), &here.join("x"));
    let hard = here.join("hard.csv");
    fs::hard_link(&old, &hard).unwrap();
    check(&old, &hard);
    let mut outputs = Outputs::new(false);
    outputs.file(&here.join("x")).unwrap();
    outputs.file(&here.join("y")).unwrap();
}

#[test]
#[cfg(unix)]
fn a_link_is_kept() {
    let (folder, old) = folder();
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("link.csv");
    std::os::unix::fs::symlink(&old, &link).unwrap();
    let result = Outputs::new(true).file(&link).unwrap();
    result.write_whole("new\n").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(text(&old), "new\n");
    // A broken link says where the result goes.
    let nowhere = other.path().join("nowhere.csv");
    std::os::unix::fs::symlink(folder.path().join("made.csv"), &nowhere).unwrap();
    let result = Outputs::new(false).file(&nowhere).unwrap();
    result.write_whole("made\n").unwrap();
    assert_eq!(text(&folder.path().join("made.csv")), "made\n");
    // A leftover that is a link is not written through.
    let precious = folder.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    std::os::unix::fs::symlink(&precious, partial_path(&old)).unwrap();
    let result = Outputs::new(true).file(&old).unwrap();
    result.write_whole("newest\n").unwrap();
    assert_eq!(
        (text(&old), text(&precious)),
        ("newest\n".into(), "mine".into())
    );
}

#[test]
#[cfg(unix)]
fn pipes_and_devices_are_written_to_directly() {
    use std::{io::Read, process::Command, thread};

    let (folder, _) = folder();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let reader = thread::spawn({
        let fifo = fifo.clone();
        move || {
            let mut text = String::new();
            File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    let mut result = Outputs::new(false).file(&fifo).unwrap();
    assert!(result.is_stream());
    result.write_lines("through\n").unwrap();
    result.finish().unwrap();
    assert_eq!(reader.join().unwrap(), "through\n");
    let mut outputs = Outputs::new(false);
    for _ in 0..2 {
        let result = outputs.file(Path::new("/dev/null")).unwrap();
        result.write_whole("away\n").unwrap();
    }
    assert_eq!(names(&folder), ["fifo", "old.csv"]);
}

#[test]
#[cfg(unix)]
fn two_runs_do_not_write_the_same_file() {
    let (_folder, old) = folder();
    let mut first = Outputs::new(true).file(&old).unwrap();
    first.write_lines("first\n").unwrap();
    let mut second = Outputs::new(true).file(&old).unwrap();
    let error = second.write_lines("second\n").unwrap_err();
    let busy = matches!(&error, ResultError::Write { source, .. }
        if source.kind() == ErrorKind::ResourceBusy);
    assert!(busy, "{error}");
    first.finish().unwrap();
    assert_eq!(text(&old), "first\n");
    second.write_lines("second\n").unwrap();
    second.finish().unwrap();
    assert_eq!(text(&old), "second\n");
}

#[test]
#[cfg(unix)]
fn permissions_are_kept() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, old) = folder();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).unwrap();
    let result = Outputs::new(true).file(&old).unwrap();
    result.write_whole("new\n").unwrap();
    assert_eq!(mode(&old), 0o600);
    let private = folder.path().join("private");
    replace_private(&private, b"secret").unwrap();
    replace(&private, b"secret again").unwrap();
    assert_eq!(
        (mode(&private), text(&private)),
        (0o600, "secret again".into())
    );
}

#[test]
fn replacing_is_all_or_nothing() {
    let (folder, old) = folder();
    // An earlier replacement was killed.
    fs::write(partial_path(&old), "half").unwrap();
    replace(&old, b"new\n").unwrap();
    assert_eq!(text(&old), "new\n");
    let in_the_way = folder.path().join("folder");
    fs::create_dir(&in_the_way).unwrap();
    fs::write(in_the_way.join("mine"), "").unwrap();
    assert!(replace(&in_the_way, b"new\n").is_err());
    assert_eq!(names(&folder), ["folder", "old.csv"]);
}

/// A writer that fails.
struct Refuses(ErrorKind);

impl Write for Refuses {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_distinguished_from_a_full_disk() {
    let write = |kind| {
        let mut output = ResultFile::stream("out.jsonl", Refuses(kind));
        output.write_lines("{}\n").unwrap_err()
    };
    assert!(matches!(
        write(ErrorKind::BrokenPipe),
        ResultError::ReaderGone(_)
    ));
    let full = write(ErrorKind::StorageFull);
    assert_eq!(full.to_string(), "out.jsonl could not be written");
}
