//! Reads facial expressions live, on the user's own machine.
//!
//! This is the library behind the programs `fervis` and `fervis-train`. A source delivers [`frame::Frame`]s, [`detect`]
//! finds and follows the faces in them, [`model`] turns each face into probabilities over the network's
//! [`expression::Label`]s, and [`pipeline`] runs these on threads of their own.
//!
//! ```text
//! capture ──▶ detect ──▶ classify ──▶ window or command line
//! ```
//!
//! # Where to begin
//!
//! | to | use |
//! | --- | --- |
//! | read the faces of one image | [`capture::open`], [`detect::FaceFinder`], [`model::Classifier`], as below |
//! | follow a camera or a video | [`pipeline::Pipeline`]; `examples/live_values.rs` |
//! | listen while another part runs the pipeline | [`pipeline::Tap`] |
//! | record a session | [`record::Recorder`] |
//! | read a recorded session | [`session::Session`] and [`session::timeline`]; `examples/session_table.rs` |
//! | write it for other programs | [`export::export`] |
//! | send live values | [`stream::start`] |
//!
//! ```
//! use fervis::{
//!     capture::{self, SourceSpec},
//!     detect::{DetectConfig, FaceFinder},
//!     expression::Expression,
//!     frame::FramePool,
//!     model::{CheckpointChoice, Classifier, ComputeDevice, DeviceChoice, Views, preprocess::FaceRegion},
//! };
//!
//! let mut source = capture::open(&SourceSpec::Path("assets/faces/astronaut.png".into()))?;
//! let frame = source.next_frame(&FramePool::default())?.expect("an image has a frame");
//!
//! let faces = FaceFinder::new(DetectConfig::default()).find(&frame);
//! let device = ComputeDevice::start(DeviceChoice::Cpu);
//! let checkpoint = CheckpointChoice::Bundled("fervis-plus".to_owned());
//! let mut classifier = Classifier::load(&checkpoint, &device)?;
//! let regions = faces.iter().map(|face| FaceRegion {
//!     box_in_frame: face.box_in_frame,
//!     upright: face.shape.map(|shape| shape.upright),
//! });
//! let logits = classifier.classify(&frame, &regions.collect::<Vec<_>>(), Views::Single)?;
//!
//! let probabilities = logits[0].softmax(classifier.info().temperature);
//! assert_eq!(probabilities.top().0, Expression::Happy);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Conventions
//!
//! - Boxes are in pixels of the unmirrored frame, as `f32`, with the origin at the top left.
//! - Probabilities are in the order of the network's [`expression::Labels`]; seven expressions are in FER-2013's order,
//!   [`expression::Expression::ALL`].
//! - Time in results is the frame's own ([`frame::Frame::time`]), never a clock's.
//! - Errors keep their cause as `source`. Their text is what users read.
//! - The detector and some cameras are not `Send`: build them on the thread that uses them.
//!
//! # What can fail, and what people see
//!
//! | what | result |
//! | --- | --- |
//! | no camera | [`pipeline::SourceState::NoCamera`]; tried again every second |
//! | camera unplugged, or silent | [`pipeline::SourceState::Lost`] with the reason; it returns by itself |
//! | camera busy, or not permitted | [`pipeline::SourceState::Waiting`] with the reason; tried again every second |
//! | camera with an unknown format | [`pipeline::SourceState::Failed`] with the remedy |
//! | damaged frames of a camera | skipped and counted; the last frame stays on the screen |
//! | damaged or unknown file | a message; nothing else stops |
//! | checkpoint missing, damaged or contradictory | a message; the current network stays |
//! | GPU does not start | a warning; the CPU computes |
//! | a stage panics on a frame | the frame is skipped, with a warning |
//! | inference too slow | live frames are dropped and counted, never queued |
//! | a port for live values is taken | a message; everything else continues |
//! | a client of live values does not keep up | it is disconnected; nobody waits for it |
//! | results cannot be written (disk full) | a message, exit status 1 |
//!
//! # Features
//!
//! `gui` (the window, [`ui`]), `camera`, `overlay`, `h264-bundled`, `av1`, `plots`, `stream`, `parquet`, and for GPUs `cuda`,
//! `cudnn` and `metal`. `docs/install.md` describes them.

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the standard output is for the results of the command line"
)]
#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "tests play the other side of sockets and threads"
    )
)]

#[macro_use]
mod declare;

pub mod batch;
pub mod bounding_box;
pub mod capture;
pub mod detect;
#[doc(hidden)] // This and the hidden modules below are for our own two programs.
pub mod error_text;
pub mod export;
pub mod expression;
pub mod file_identity;
pub mod frame;
#[doc(hidden)] // For the targets in `fuzz/`.
pub mod fuzzing;
pub mod model;
pub mod oriented_box;
#[cfg(feature = "overlay")]
pub mod overlay;
#[doc(hidden)] // Which color means what is no promise.
pub mod palette;
mod panics;
#[doc(hidden)] // For the benches.
pub mod percentiles;
pub mod pipeline;
pub mod privacy;
#[doc(hidden)]
pub mod read;
pub mod reanalyze;
pub mod record;
#[doc(hidden)]
pub mod result_file;
pub mod session;
#[doc(hidden)]
pub mod shell_command;
#[doc(hidden)]
pub mod signals;
pub mod stream;
pub mod summarize;
pub mod time;
#[cfg(feature = "gui")]
pub mod ui;
