//! Ctrl-C, `kill` and a closed terminal: the first one ends the command properly, a later one ends the program at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Context;
use fervis::signals;

/// A flag that is set when the program is asked to end.
///
/// # Errors
/// If the system refuses the signal handler.
pub fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let requested = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&requested);
    signals::on_request_to_end(move || flag.store(true, Ordering::Relaxed))
        .context("watching for Ctrl-C")?;
    Ok(requested)
}
