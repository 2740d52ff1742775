//! A named thread that is joined within a time limit.
//!
//! `JoinHandle::join` has no time limit, and a camera driver may never return. So a thread that does not end in time is
//! abandoned: it holds nothing but what it was given, and ends by itself when its call returns.

use std::{
    any::Any,
    convert::Infallible,
    io,
    panic::{self, AssertUnwindSafe},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

/// A running thread of the pipeline.
pub(super) struct Worker {
    name: &'static str,
    /// Disconnects when the thread ends.
    done: Receiver<Infallible>,
    handle: JoinHandle<()>,
}

impl Worker {
    /// Starts a thread.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn spawn(name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (running, done) = crossbeam_channel::bounded(0);
        let handle = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _running = running; // Dropped last, also when `work` panics.
                work();
            })?;
        Ok(Self { name, done, handle })
    }

    /// Waits at most `limit` for the thread to end. Returns whether it did.
    pub fn join_within(self, limit: Duration) -> bool {
        if self.done.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected) {
            if self.handle.join().is_err() {
                log::error!("the {} thread ended in a panic", self.name);
            }
            return true;
        }
        // Not a warning: it may only be busy with a long task, and nothing is lost by abandoning it.
        log::info!(
            "the {} thread did not end within {limit:?} and was abandoned",
            self.name
        );
        false
    }
}

/// Runs `work` and turns a panic into an error, so that a bug in one stage does not end the others.
///
/// # Errors
/// The panic's message.
#[expect(
    clippy::disallowed_methods,
    reason = "a bug of ours shows on the terminal"
)]
pub(super) fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| panic_message(&*payload))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_a_thread_that_ends_and_abandons_one_that_hangs() {
        let quick = Worker::spawn("quick", || {}).expect("a thread");
        assert!(quick.join_within(Duration::from_secs(60)));
        let (release, blocked) = crossbeam_channel::bounded::<()>(0);
        let hung = Worker::spawn("hung", move || {
            blocked.recv().ok();
        })
        .expect("a thread");
        assert!(!hung.join_within(Duration::from_millis(1)));
        drop(release);
    }

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(guarded(|| 3), Ok(3));
        let word = "formatted";
        assert_eq!(
            guarded(|| panic!("plain")),
            Err::<(), _>("plain".to_owned())
        );
        assert_eq!(
            guarded(|| panic!("{word}")),
            Err::<(), _>("formatted".to_owned())
        );
    }
}
