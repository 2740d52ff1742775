//! Catches panics in code that is not ours, and keeps them off the terminal.
//!
//! Decoders read bytes from anywhere, and some panic on damage. The caller says what that means for the user. The hook's
//! “thread 'capture' panicked at …” would only alarm people.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::{Mutex, MutexGuard, Once, PoisonError},
    thread,
};

thread_local! {
    /// Whether a panic on this thread is about to be caught.
    static IS_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Runs `work`. Returns `None` if it panicked, and leaves only a line in the debug log.
///
/// What `work` was changing may be half changed afterward, so discard it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place for code that is not ours"
)]
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Option<T> {
    if !thread::panicking() {
        HOOK.call_once(|| panic::set_hook(quiet(panic::take_hook())));
    }
    let outer = IS_EXPECTED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IS_EXPECTED.set(outer);
    result.ok()
}

/// Locks, also after a panic of a thread that held the lock. For values that no panic leaves half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A hook that passes every panic to `usual`, except those about to be caught.
fn quiet(usual: Hook) -> Hook {
    Box::new(move |info| {
        if IS_EXPECTED.get() {
            log::debug!("caught: {info}");
        } else {
            usual(info);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn only_uncaught_panics_reach_the_usual_hook() {
        static N_PRINTED: AtomicUsize = AtomicUsize::new(0);
        // Tests run in parallel, and their panics must reach the harness's hook.
        let me = thread::current().id();
        let harness = panic::take_hook();
        panic::set_hook(quiet(Box::new(move |info| {
            if thread::current().id() == me {
                N_PRINTED.fetch_add(1, Ordering::Relaxed);
            } else {
                harness(info);
            }
        })));
        assert_eq!(catch(|| 7), Some(7));
        assert_eq!(catch(|| -> i32 { panic!("a decoder failed") }), None);
        assert_eq!(N_PRINTED.load(Ordering::Relaxed), 0);
        assert!(panic::catch_unwind(|| panic!("our own bug")).is_err());
        assert_eq!(N_PRINTED.load(Ordering::Relaxed), 1);
    }
}
