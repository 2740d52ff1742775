//! How far slow work on another thread is, and whether it should end.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use egui::Context;

use crate::panics;

/// How often the window shows progress: fast enough to look steady.
const EVERY: Duration = Duration::from_millis(100);

/// What a thread says about its work, and what it is told. The window and the thread each have a clone.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    ctx: Context,
    is_canceled: AtomicBool,
    said: Mutex<Said>,
}

struct Said {
    words: String,
    done: u64,
    total: u64,
    shown_at: Option<Instant>,
}

impl Progress {
    /// Of work that begins with these words.
    pub fn new(ctx: &Context, words: String) -> Self {
        let said = Said {
            words,
            done: 0,
            total: 0,
            shown_at: None,
        };
        Self(Arc::new(Inner {
            ctx: ctx.clone(),
            is_canceled: AtomicBool::new(false),
            said: Mutex::new(said),
        }))
    }

    /// Says what comes next; nothing of it is done yet.
    pub fn begin(&self, words: String) {
        let mut said = panics::lock(&self.0.said);
        *said = Said {
            words,
            done: 0,
            total: 0,
            shown_at: None,
        };
        drop(said);
        self.0.ctx.request_repaint();
    }

    /// Says how much is done. Breaks if the work is to end.
    pub fn advance(&self, done: u64, total: u64) -> ControlFlow<()> {
        let now = Instant::now();
        let mut said = panics::lock(&self.0.said);
        (said.done, said.total) = (done, total);
        let shown_at = said.shown_at;
        let is_due = shown_at.is_none_or(|at| now.duration_since(at) >= EVERY);
        if is_due {
            said.shown_at = Some(now);
        }
        drop(said);
        if is_due {
            self.0.ctx.request_repaint();
        }
        match self.is_canceled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Ends the work soon.
    pub fn cancel(&self) {
        self.0.is_canceled.store(true, Ordering::Relaxed);
    }

    /// Whether the work is to end.
    pub fn is_canceled(&self) -> bool {
        self.0.is_canceled.load(Ordering::Relaxed)
    }

    /// What is being done.
    pub fn words(&self) -> String {
        panics::lock(&self.0.said).words.clone()
    }

    /// How much of it is done, 0 to 1, once that is known.
    pub fn share(&self) -> Option<f32> {
        let said = panics::lock(&self.0.said);
        (said.total > 0).then(|| (said.done as f32 / said.total as f32).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_says_how_far_it_is_until_it_is_canceled() {
        let progress = Progress::new(&Context::default(), "Loading".to_owned());
        assert_eq!(
            (progress.words().as_str(), progress.share()),
            ("Loading", None)
        );
        progress.begin("Reading".to_owned());
        assert!(progress.advance(1, 4).is_continue());
        assert_eq!(progress.share(), Some(0.25));
        progress.clone().cancel();
        assert!(progress.advance(2, 4).is_break());
        assert_eq!(progress.words(), "Reading");
    }
}
