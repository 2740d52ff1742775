//! MP4, Matroska and AVI files, taken apart to the last packet.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fervis::fuzzing::containers(bytes));
