//! The manifest and the tables of a session, opened and repaired.
//!
//! The input is the content of the five files, with a zero byte between one and the next.

#![no_main]

use std::fs;

use fervis::{record::recover::recover, session::Session};
use libfuzzer_sys::fuzz_target;

const FILES: [&str; 5] = [
    "session.json",
    "frames.csv",
    "faces.csv",
    "events.csv",
    "annotations.csv",
];

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder for the input");
    let contents = bytes.splitn(FILES.len(), |byte| *byte == 0);
    for (name, content) in FILES.into_iter().zip(contents) {
        fs::write(folder.path().join(name), content).expect("the input is written");
    }
    Session::open(folder.path()).ok();
    if recover(folder.path()).is_ok() {
        Session::open(folder.path()).expect("a session that was repaired can be opened");
    }
});
