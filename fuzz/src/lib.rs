//! What several targets share.

use std::{fs, path::Path};

/// Calls `read` with a file that holds `bytes`, in a folder of its own that then goes away.
///
/// # Panics
/// If the file cannot be written.
pub fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder for the input");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("the input is written");
    read(&path);
}

/// Hides ffmpeg, which would be asked for whatever fervis cannot read itself: it is not what is to be fuzzed, and takes long to start.
///
/// Call it before there are any threads.
pub fn hide_ffmpeg() {
    // SAFETY: the fuzzer initializes a target before it starts any thread.
    unsafe { std::env::set_var("PATH", "") };
}
