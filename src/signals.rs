//! Requests to end the program: Ctrl-C, `kill`, a logout, a closed terminal.
//!
//! One closed terminal or one logout sends several signals: shells pass SIGHUP on, the kernel sends its own, and systemd
//! sends SIGHUP right after SIGTERM. So a second request counts only if it comes later.

use std::{
    process,
    time::{Duration, Instant},
};

/// Signals within this time of the first are the same request. Nobody presses Ctrl-C twice that fast on purpose.
const SAME_WITHIN: Duration = Duration::from_millis(500);
/// 128 plus the number of SIGINT, as shells do it.
const INTERRUPTED: i32 = 130;

/// Calls `first` on a thread of its own when the program is asked to end. A second request ends the program at once.
///
/// On Unix this is SIGINT, SIGTERM and SIGHUP, which stays ignored for programs started with `nohup`; elsewhere Ctrl-C,
/// Ctrl-Break and a closed console. A program can call this once.
///
/// # Errors
/// If the system refuses the handler, or if there is one already.
#[expect(
    clippy::disallowed_methods,
    reason = "a second request ends the program at once"
)]
pub fn on_request_to_end(first: impl FnOnce() + Send + 'static) -> Result<(), ctrlc::Error> {
    let mut first = Some(first);
    let mut first_at = None;
    let ignores_hangup = ignores_hangup();
    ctrlc::set_handler(move || {
        let now = Instant::now();
        match first.take() {
            Some(first) => {
                first_at = Some(now);
                first();
            }
            None if is_another(first_at, now) => process::exit(INTERRUPTED),
            None => {}
        }
    })?;
    if ignores_hangup {
        ignore_hangup();
    }
    Ok(())
}

fn is_another(first_at: Option<Instant>, now: Instant) -> bool {
    first_at.is_none_or(|first_at| now.saturating_duration_since(first_at) >= SAME_WITHIN)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "only the system knows how a signal is handled")]
fn ignores_hangup() -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action this only fills in the current one. There is room for it, and zeros are valid in all
    // of its fields.
    unsafe {
        libc::sigaction(libc::SIGHUP, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "only the system can ignore a signal")]
fn ignore_hangup() {
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
}

#[cfg(not(unix))]
fn ignores_hangup() -> bool {
    false
}

#[cfg(not(unix))]
fn ignore_hangup() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signals_of_one_logout_are_one_request() {
        let first = Instant::now();
        let after = |ms| is_another(Some(first), first + Duration::from_millis(ms));
        assert!(!after(0) && !after(499));
        assert!(after(500) && after(60_000));
    }
}
