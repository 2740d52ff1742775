//! The program itself, in a process of its own.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests themselves do"
)]

mod fixtures;
#[cfg(unix)]
mod interrupt;
mod outputs;
mod recipe_page;
