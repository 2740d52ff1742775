//! Python's pickles.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fervis::fuzzing::pickle(bytes));
