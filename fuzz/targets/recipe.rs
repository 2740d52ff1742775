//! The text of training recipes.

#![no_main]

use fervis_train::recipe::Recipe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    Recipe::parse(text, "input").ok();
});
