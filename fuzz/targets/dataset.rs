//! Data sets in a table, plain or gzipped, or in a zip.

#![no_main]

use fervis_train::data::dataset::Dataset;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: fervis_fuzz::hide_ffmpeg(), |bytes: &[u8]| {
    fervis_fuzz::with_file("input", bytes, |path| {
        Dataset::load(path).ok();
    });
});
