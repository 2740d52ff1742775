//! Files that `torch.save` wrote, old and new, and safetensors without a description.

#![no_main]

use fervis::model::import::{ImportOptions, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    import(bytes, "input", &ImportOptions::default()).ok();
});
