//! Stops a thread while it sleeps or waits.
//!
//! A flag would be seen only after the sleep. A channel that disconnects ends the wait at once, and a thread can wait
//! for it together with a mailbox. Nothing is ever sent: *dropping* the [`CancelHandle`] is the signal.

use std::{convert::Infallible, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};

/// Cancels its [`CancelToken`]s when dropped.
pub(super) struct CancelHandle {
    _alive: Sender<Infallible>,
}

/// Knows whether the [`CancelHandle`] is gone.
#[derive(Clone)]
pub(super) struct CancelToken(Receiver<Infallible>);

/// A handle and the token to hand to the thread.
pub(super) fn cancel_pair() -> (CancelHandle, CancelToken) {
    let (alive, token) = crossbeam_channel::bounded(0);
    (CancelHandle { _alive: alive }, CancelToken(token))
}

impl CancelToken {
    /// A token that is never canceled.
    pub fn never() -> Self {
        Self(crossbeam_channel::never())
    }

    /// Whether the handle is gone.
    pub fn is_canceled(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Sleeps for `duration` or until canceled. Returns whether it was canceled.
    pub fn wait(&self, duration: Duration) -> bool {
        matches!(
            self.0.recv_timeout(duration),
            Err(RecvTimeoutError::Disconnected)
        )
    }

    /// For waiting on several channels at once: becomes ready when canceled.
    pub fn receiver(&self) -> &Receiver<Infallible> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_the_handle_ends_a_wait_at_once() {
        let (handle, token) = cancel_pair();
        assert!(!token.is_canceled());
        assert!(!token.wait(Duration::ZERO));
        let sleeper = std::thread::spawn({
            let token = token.clone();
            move || token.wait(Duration::from_secs(3600))
        });
        drop(handle);
        assert!(sleeper.join().unwrap_or(false), "the sleep was cut short");
        assert!(token.is_canceled());
        assert!(!CancelToken::never().is_canceled());
    }
}
