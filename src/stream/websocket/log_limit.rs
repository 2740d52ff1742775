//! Limits log lines about clients: otherwise whoever can connect could fill the disk.

use std::time::{Duration, Instant};

/// Maximum lines per span.
const MAX_LINES: u32 = 5;
/// A span begins with its first line.
const SPAN: Duration = Duration::from_secs(60);

/// Allows some lines and counts the others.
#[derive(Debug, Default)]
pub struct LogLimit {
    span: Option<Span>,
}

#[derive(Debug)]
struct Span {
    since: Instant,
    n_lines: u32,
    n_suppressed: u64,
}

impl LogLimit {
    /// Whether a line may be written at `now`. If not, it counts for the next [`LogLimit::sum_up`].
    pub fn allows(&mut self, now: Instant) -> bool {
        let span = self.span.get_or_insert(Span {
            since: now,
            n_lines: 0,
            n_suppressed: 0,
        });
        if span.n_lines < MAX_LINES {
            span.n_lines += 1;
            return true;
        }
        span.n_suppressed += 1;
        false
    }

    /// Ends a span that is over at `now`. Returns how many lines were suppressed in it, if any.
    pub fn sum_up(&mut self, now: Instant) -> Option<u64> {
        let span = self.span.take_if(|span| now >= span.since + SPAN)?;
        (span.n_suppressed > 0).then_some(span.n_suppressed)
    }

    /// How many lines were suppressed in the current span, if any.
    pub fn suppressed(&self) -> Option<u64> {
        let n_suppressed = self.span.as_ref()?.n_suppressed;
        (n_suppressed > 0).then_some(n_suppressed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_a_count() {
        let start = Instant::now();
        let mut limit = LogLimit::default();
        assert_eq!(limit.sum_up(start), None);
        let written = (0..100_000).filter(|_| limit.allows(start)).count();
        assert_eq!(written, 5);
        assert_eq!(limit.sum_up(start + SPAN / 2), None, "not yet");
        assert_eq!(limit.suppressed(), Some(99_995));
        assert_eq!(limit.sum_up(start + SPAN), Some(99_995));
        assert_eq!(limit.suppressed(), None);
        // And the same again.
        assert!(limit.allows(start + 2 * SPAN));
        assert_eq!(
            limit.sum_up(start + 3 * SPAN),
            None,
            "nothing was suppressed"
        );
    }
}
