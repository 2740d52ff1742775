//! Checkpoints.

#![no_main]

use fervis::model::import;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    import::parse(bytes, "input").ok();
});
