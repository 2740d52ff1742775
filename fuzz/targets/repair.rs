//! Videos that a crash left behind, in MP4 and AVI: repaired, and repaired again.

#![no_main]

use fervis::record::video::{frame_times, recover};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fervis_fuzz::with_file("video", bytes, |path| {
        frame_times(path).ok();
        if recover(path).is_ok() {
            recover(path).expect("repairing again changes nothing");
            frame_times(path).ok();
        }
    });
});
