//! How much the log is told of clients: whoever can connect could otherwise fill a disk with it.

use std::time::{Duration, Instant};

/// Lines in one span.
const MAX_LINES: u32 = 5;
/// A span begins with its first line.
const SPAN: Duration = Duration::from_secs(60);

/// Lets some lines through and counts the others.
#[derive(Debug, Default)]
pub struct LogLimit {
    span: Option<Span>,
}

#[derive(Debug)]
struct Span {
    since: Instant,
    n_lines: u32,
    n_untold: u64,
}

impl LogLimit {
    /// Whether a line may be written at `now`. If not, it counts for the next [`LogLimit::sum_up`].
    pub fn allows(&mut self, now: Instant) -> bool {
        let span = self.span.get_or_insert(Span {
            since: now,
            n_lines: 0,
            n_untold: 0,
        });
        if span.n_lines < MAX_LINES {
            span.n_lines += 1;
            return true;
        }
        span.n_untold += 1;
        false
    }

    /// When to call [`LogLimit::sum_up`] next.
    pub fn due_at(&self) -> Option<Instant> {
        self.span.as_ref().map(|span| span.since + SPAN)
    }

    /// Ends a span that is over at `now`. How many lines were not written in it, if any.
    pub fn sum_up(&mut self, now: Instant) -> Option<u64> {
        let span = self.span.take_if(|span| now >= span.since + SPAN)?;
        (span.n_untold > 0).then_some(span.n_untold)
    }

    /// How many lines were not written in a span that is not over.
    pub fn untold(&self) -> Option<u64> {
        let n_untold = self.span.as_ref()?.n_untold;
        (n_untold > 0).then_some(n_untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_count() {
        let start = Instant::now();
        let mut limit = LogLimit::default();
        assert_eq!((limit.due_at(), limit.sum_up(start)), (None, None));
        let written = (0..100_000).filter(|_| limit.allows(start)).count();
        assert_eq!(written, 5);
        assert_eq!(limit.sum_up(start + SPAN / 2), None, "not yet");
        assert_eq!(limit.untold(), Some(99_995));
        assert_eq!(limit.due_at(), Some(start + SPAN));
        assert_eq!(limit.sum_up(start + SPAN), Some(99_995));
        assert_eq!((limit.due_at(), limit.untold()), (None, None));
        // And the same again.
        assert!(limit.allows(start + 2 * SPAN));
        assert_eq!(limit.sum_up(start + 3 * SPAN), None, "nothing was left out");
    }
}
