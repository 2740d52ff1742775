//! Reads facial expressions live, on the user's own machine.
//!
//! # Data flow
//!
//! ```text
//! capture ──▶ detect ──▶ classify ──▶ window or command line
//! ```
//!
//! A source delivers [`frame::Frame`]s, [`detect`] finds and follows faces in them, [`model`] turns each face into
//! probabilities over the seven [`expression::Expression`]s, [`pipeline`] runs these on threads of their own, and
//! `ui` draws the result. `overlay` paints boxes and names, in the window as on recorded pictures, [`privacy`] makes
//! faces unrecognisable, and [`record`] keeps sessions. Arrows point one way:
//! `ui → record → {pipeline, overlay, privacy} → {capture, detect, model} → {frame, bounding_box, expression}`.
//!
//! # What can fail, and what people see
//!
//! | what | what happens |
//! | --- | --- |
//! | no camera | [`pipeline::SourceState::NoCamera`]; looked for again every second |
//! | camera unplugged, or silent | [`pipeline::SourceState::Lost`] with the reason; comes back by itself |
//! | camera busy, not permitted, odd format | [`pipeline::SourceState::Failed`] with the remedy |
//! | damaged frames of a camera | skipped; the picture stays |
//! | damaged or unknown file | one sentence; nothing else stops |
//! | checkpoint missing, damaged, contradicting itself | one sentence; the network before it stays in force |
//! | GPU does not start | a warning; the CPU computes |
//! | a stage panics on a frame | the frame is skipped, with a warning |
//! | inference too slow | live frames are dropped and counted, never queued |
//! | a port for live values is taken | one sentence; everything else goes on |
//! | a client of live values does not keep up | it is dropped; nobody waits for it |
//! | results cannot be written (disk full) | one sentence, exit status 1 |

pub mod bounding_box;
pub mod capture;
pub mod detect;
pub mod error_text;
pub mod export;
pub mod expression;
pub mod frame;
#[doc(hidden)] // For the targets in `fuzz/`.
pub mod fuzzing;
pub mod model;
pub mod oriented_box;
#[cfg(feature = "overlay")]
pub mod overlay;
mod panics;
#[doc(hidden)] // For the benches.
pub mod percentiles;
pub mod pipeline;
pub mod privacy;
pub mod read;
pub mod reanalyze;
pub mod record;
#[doc(hidden)] // For our own two programs.
pub mod result_file;
pub mod signals;
pub mod stream;
#[cfg(feature = "gui")]
pub mod ui;
