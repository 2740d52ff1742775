//! Picture files of every format.

#![no_main]

use fervis::capture::still;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: fervis_fuzz::hide_ffmpeg(), |bytes: &[u8]| {
    still::decode(bytes).ok();
});
