//! Checkpoints.

#![no_main]

use fervis::model::checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    Checkpoint::parse(bytes, "input").ok();
});
