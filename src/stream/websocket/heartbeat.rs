//! Finds clients that have fallen behind or are gone.
//!
//! The system buffers megabytes for a client that does not read: minutes of results. So the client is pinged, and the ping
//! waits in line behind the results. If the answer does not come in time, the client is too far behind, or gone.

use std::time::{Duration, Instant};

/// Time from an answer to the next ping.
pub const PING_EVERY: Duration = Duration::from_secs(2);
/// How far behind a client may be. Results are for the moment: a busy program may fall behind by five seconds, one that is
/// further behind cannot keep up.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What to do about a client now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing.
    Fine,
    /// Send it a ping.
    Ping,
    /// It did not answer in time.
    Silent,
}

/// The pings of one client.
#[derive(Debug, Clone, Copy)]
pub enum Heartbeat {
    /// The next ping is due at this time.
    PingAt(Instant),
    /// It was pinged and must answer by this time.
    AnswerBy(Instant),
}

impl Heartbeat {
    /// For a client that connected at `now`.
    pub fn new(now: Instant) -> Self {
        Self::PingAt(now + PING_EVERY)
    }

    /// What is due at `now`.
    pub fn beat(&mut self, now: Instant) -> Beat {
        match *self {
            Self::PingAt(at) if now >= at => {
                *self = Self::AnswerBy(now + ANSWER_WITHIN);
                Beat::Ping
            }
            Self::AnswerBy(until) if now >= until => Beat::Silent,
            Self::PingAt(_) | Self::AnswerBy(_) => Beat::Fine,
        }
    }

    /// A pong came. An unsolicited one changes nothing.
    pub fn answered(&mut self, now: Instant) {
        if let Self::AnswerBy(_) = self {
            *self = Self::PingAt(now + PING_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_answers_is_pinged_again_and_one_that_does_not_is_silent() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(start);
        assert_eq!(heartbeat.beat(start), Beat::Fine);
        let mut now = start;
        for _ in 0..3 {
            now += PING_EVERY;
            assert_eq!(heartbeat.beat(now), Beat::Ping);
            assert_eq!(heartbeat.beat(now), Beat::Fine, "one ping at a time");
            now += ANSWER_WITHIN / 2;
            heartbeat.answered(now);
            heartbeat.answered(now + PING_EVERY / 2);
        }
        now += PING_EVERY;
        assert_eq!(heartbeat.beat(now), Beat::Ping);
        let almost = now + ANSWER_WITHIN - Duration::from_millis(1);
        assert_eq!(heartbeat.beat(almost), Beat::Fine);
        assert_eq!(heartbeat.beat(now + ANSWER_WITHIN), Beat::Silent);
    }
}
