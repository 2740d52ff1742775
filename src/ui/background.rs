//! Slow work on threads of its own, whose results the window takes later.
//!
//! While the window is open it never waits for such work. When it closes it waits for the threads that still run, but not
//! forever: an export is worth finishing, while a file dialog or a camera driver may hang in the system, where nothing
//! can stop it. A thread that is abandoned ends with the process.

use std::{
    io,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use egui::Context;

/// Threads of one kind and the results they have sent. Dropping it ends them; see [`Background::new`].
pub struct Background<T> {
    name: &'static str,
    patience: Duration,
    /// Each running thread holds a clone. `None` only while it is dropped.
    sender: Option<Sender<T>>,
    results: Receiver<T>,
    threads: Vec<JoinHandle<()>>,
}

impl<T: Send + 'static> Background<T> {
    /// No thread yet. When it is dropped it waits up to `patience` for those that run, and abandons the rest.
    pub fn new(name: &'static str, patience: Duration) -> Self {
        let (sender, results) = crossbeam_channel::unbounded();
        Self {
            name,
            patience,
            sender: Some(sender),
            results,
            threads: Vec::new(),
        }
    }

    /// Runs `work` on a new thread. When it returns, `ctx` repaints and [`Background::take`] has its result.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn spawn(
        &mut self,
        ctx: &Context,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<()> {
        let (sender, ctx) = (self.sender.clone(), ctx.clone());
        let thread = thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || {
                let result = work();
                if let Some(sender) = sender {
                    // This fails only if the window has closed and abandoned this thread.
                    sender.send(result).ok();
                }
                ctx.request_repaint();
            })?;
        self.threads.retain(|thread| !thread.is_finished());
        self.threads.push(thread);
        Ok(())
    }

    /// The oldest result not taken yet.
    pub fn take(&self) -> Option<T> {
        self.results.try_recv().ok()
    }

    /// Waits for a result.
    #[cfg(test)]
    pub fn wait(&self) -> T {
        self.results.recv().expect("the sender is kept")
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        self.sender = None;
        let deadline = Instant::now() + self.patience;
        loop {
            match self.results.recv_deadline(deadline) {
                Ok(unused) => drop(unused),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    log::warn!("{} was still busy and is abandoned", self.name);
                    return;
                }
            }
        }
        // Their work is done: they have dropped their senders.
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn dropping_waits_for_the_work() {
        let is_done = Arc::new(AtomicBool::new(false));
        let mut background = Background::new("test", Duration::from_secs(20));
        let (start, started) = crossbeam_channel::bounded::<()>(0);
        for _ in 0..2 {
            let (is_done, started) = (Arc::clone(&is_done), started.clone());
            let work = move || {
                started.recv().unwrap();
                // Long enough for a drop that does not wait to be caught.
                thread::sleep(Duration::from_millis(50));
                is_done.store(true, Ordering::SeqCst);
            };
            background.spawn(&Context::default(), work).unwrap();
            start.send(()).unwrap();
        }
        drop(background);
        assert!(is_done.load(Ordering::SeqCst));
        // All threads are gone, and with them what they held.
        assert_eq!(Arc::strong_count(&is_done), 1);
    }

    #[test]
    fn dropping_abandons_what_hangs() {
        let (release, blocked) = crossbeam_channel::bounded::<()>(0);
        let mut background = Background::new("test", Duration::from_millis(20));
        let work = move || blocked.recv().is_ok();
        background.spawn(&Context::default(), work).unwrap();
        drop(background);
        // It was still blocked, and ends without a receiver.
        release.send(()).unwrap();
    }

    #[test]
    fn work_that_panics_does_not_stop_the_drop() {
        let mut background = Background::<()>::new("test", Duration::from_secs(20));
        let work = || panic!("on purpose");
        background.spawn(&Context::default(), work).unwrap();
        drop(background);
    }
}
