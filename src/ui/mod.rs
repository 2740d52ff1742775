//! The window: live picture, panels, menus.

use crate::{
    capture::SourceSpec,
    model::{CheckpointChoice, DeviceChoice},
};

/// How to start.
#[derive(Debug, Clone)]
pub struct UiOptions {
    /// What to look at first; the first camera if `None`.
    pub source: Option<SourceSpec>,
    /// The checkpoint to run first.
    pub checkpoint: CheckpointChoice,
    /// Where to compute.
    pub device: DeviceChoice,
}

/// Shows the window and returns when it is closed.
///
/// # Errors
/// If there is no display, no graphics, or no thread; the text says what to do.
pub fn run(_options: UiOptions) -> anyhow::Result<()> {
    anyhow::bail!("there is no window yet; try `fervis analyze demo`")
}
