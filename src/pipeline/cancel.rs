//! Telling a thread to stop while it sleeps or waits.
//!
//! A flag would be seen only after the sleep; a channel that disconnects ends the wait at once, and it can be
//! waited for together with a mailbox. Nothing is ever sent: *dropping* the [`Canceller`] is the signal.

use std::{convert::Infallible, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};

/// Cancels its [`CancelToken`]s when dropped.
pub(super) struct Canceller {
    _alive: Sender<Infallible>,
}

/// Notices that the [`Canceller`] is gone.
#[derive(Clone)]
pub(super) struct CancelToken(Receiver<Infallible>);

/// A canceller and the token to hand to the thread.
pub(super) fn cancel_pair() -> (Canceller, CancelToken) {
    let (alive, token) = crossbeam_channel::bounded(0);
    (Canceller { _alive: alive }, CancelToken(token))
}

impl CancelToken {
    /// A token that nobody cancels.
    pub fn never() -> Self {
        Self(crossbeam_channel::never())
    }

    /// Whether the canceller is gone.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Sleeps for `duration`, or until cancelled. Returns whether it was cancelled.
    pub fn wait(&self, duration: Duration) -> bool {
        matches!(
            self.0.recv_timeout(duration),
            Err(RecvTimeoutError::Disconnected)
        )
    }

    /// For waiting on several things at once: becomes ready when cancelled.
    pub fn receiver(&self) -> &Receiver<Infallible> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_the_canceller_ends_a_wait_at_once() {
        let (canceller, token) = cancel_pair();
        assert!(!token.is_cancelled());
        assert!(!token.wait(Duration::ZERO));
        let sleeper = std::thread::spawn({
            let token = token.clone();
            move || token.wait(Duration::from_secs(3600))
        });
        drop(canceller);
        assert!(sleeper.join().unwrap_or(false), "the sleep was cut short");
        assert!(token.is_cancelled());
        assert!(!CancelToken::never().is_cancelled());
    }
}
