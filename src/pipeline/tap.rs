//! How a recording or a stream gets every frame and every result, beside the window.
//!
//! A [`Tap`] is called on the pipeline's own threads, so it must return at once: take a handle or a copy and pass it to
//! a thread of its own by `try_send`. `captured` and `analyzed` are called from different threads. A frame's result comes
//! after the frame itself, but later frames may come between the two.

use std::sync::{Arc, Mutex, Weak};

use super::{Analysis, Event};
use crate::{
    frame::{Frame, FrameId},
    panics::lock,
};

/// Number of an opened source, from 1: frame numbers count within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceRun(pub u64);

/// Gets frames, results and events of a pipeline. Every method is optional, and none may wait.
pub trait Tap: Send + Sync {
    /// Whether faces are numbered from 1 again when it is attached, as in a recording.
    fn begins_numbers(&self) -> bool {
        false
    }

    /// A frame came from the source.
    fn captured(&self, _run: SourceRun, _frame: &Arc<Frame>) {}

    /// A frame's result is ready.
    fn analyzed(&self, _run: SourceRun, _analysis: &Analysis) {}

    /// A frame will never have a result: it was dropped, or its analysis failed.
    fn skipped(&self, _run: SourceRun, _frame: FrameId) {}

    /// Something happened outside the stream of frames; `run` if it is about a source.
    fn event(&self, _run: Option<SourceRun>, _event: &Event) {}
}

/// The taps of one pipeline.
#[derive(Default)]
pub(super) struct Taps {
    /// Replaced whole on a change, so that no lock is held while they are called.
    list: Mutex<Arc<[Arc<dyn Tap>]>>,
}

impl Taps {
    /// Adds a tap, which stays until the handle is dropped.
    pub fn attach(self: &Arc<Self>, tap: Arc<dyn Tap>) -> TapHandle {
        self.change(|list| list.push(Arc::clone(&tap)));
        TapHandle {
            taps: Arc::downgrade(self),
            tap,
        }
    }

    /// Calls every tap.
    pub fn each(&self, call: impl Fn(&dyn Tap)) {
        let list = Arc::clone(&lock(&self.list));
        for tap in list.iter() {
            call(&**tap);
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<dyn Tap>>)) {
        let mut list = lock(&self.list);
        let mut changed = list.to_vec();
        change(&mut changed);
        *list = changed.into();
    }
}

/// Keeps a [`Tap`] attached. A call that is in progress when it is dropped may still finish after that.
#[must_use = "the tap is detached when this is dropped"]
pub struct TapHandle {
    taps: Weak<Taps>,
    tap: Arc<dyn Tap>,
}

impl TapHandle {
    /// A handle of a tap that is attached to nothing.
    pub fn detached(tap: Arc<dyn Tap>) -> Self {
        Self {
            taps: Weak::new(),
            tap,
        }
    }
}

impl Drop for TapHandle {
    fn drop(&mut self) {
        if let Some(taps) = self.taps.upgrade() {
            taps.change(|list| list.retain(|tap| !Arc::ptr_eq(tap, &self.tap)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Tap for Counter {
        fn skipped(&self, _run: SourceRun, _frame: FrameId) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_tap_hears_everything_until_its_handle_is_dropped() {
        let taps = Arc::<Taps>::default();
        let call = || taps.each(|tap| tap.skipped(SourceRun(1), FrameId(0)));
        call();
        let (first, second) = (Arc::<Counter>::default(), Arc::<Counter>::default());
        let first_handle = taps.attach(Arc::clone(&first) as Arc<dyn Tap>);
        call();
        let second_handle = taps.attach(Arc::clone(&second) as Arc<dyn Tap>);
        call();
        drop(first_handle);
        call();
        let counts = [&first, &second].map(|tap| tap.0.load(Ordering::Relaxed));
        assert_eq!(counts, [2, 2]);
        drop(taps);
        drop(second_handle); // After the pipeline is gone.
    }
}
