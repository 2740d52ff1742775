//! A request to quit from outside the window: a signal, a logout.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::panics::lock;

type Listener = Box<dyn Fn() + Send>;

/// Asks the window to close, from any thread; all clones are the same request.
///
/// Listeners are called on that thread, so that a recording ends even if the window does not respond because its display is
/// gone, say.
#[derive(Clone, Default)]
pub struct QuitRequest(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_made: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
}

impl QuitRequest {
    /// Asks the window to close.
    pub fn request(&self) {
        self.0.is_made.store(true, Ordering::SeqCst);
        for listener in self.listeners().iter() {
            listener();
        }
    }

    /// Whether the request was made.
    pub(super) fn is_made(&self) -> bool {
        self.0.is_made.load(Ordering::SeqCst)
    }

    /// Calls `listener` when the request is made; at once if it was already.
    pub(super) fn on_request(&self, listener: impl Fn() + Send + 'static) {
        let mut listeners = self.listeners();
        // Checked with the list locked, so that no request falls between the two.
        if self.is_made() {
            listener();
        }
        listeners.push(Box::new(listener));
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        lock(&self.0.listeners)
    }
}

impl fmt::Debug for QuitRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QuitRequest").field(&self.is_made()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn each_listener_is_called_once() {
        let quit = QuitRequest::default();
        let n_calls = Arc::new(AtomicU32::new(0));
        let listener = || {
            let n_calls = Arc::clone(&n_calls);
            move || {
                n_calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        quit.on_request(listener());
        assert!(!quit.is_made());
        quit.clone().request();
        assert!(quit.is_made());
        quit.on_request(listener());
        assert_eq!(
            n_calls.load(Ordering::SeqCst),
            2,
            "the second came after the request"
        );
    }
}
