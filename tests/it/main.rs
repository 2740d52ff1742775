//! Tests of fervis as a whole: the clip through the real pipeline, the networks against references, the command line, the
//! manual, and the shape of the source tree.
//!
//! One binary with a module per subject: each further binary would link everything again.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests themselves do"
)]

mod architectures;
mod cli;
#[cfg(feature = "h264-bundled")]
mod clip;
mod docs;
mod examples;
mod exports;
mod flicker;
mod many;
mod network;
mod outputs;
#[cfg(feature = "h264-bundled")]
mod recording;
mod tidy;
