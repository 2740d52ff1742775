//! Tells a client that reads from one that has fallen behind or is gone.
//!
//! The system buffers megabytes for a client that does not read: minutes of results, each older than the one before.
//! So the client is pinged, and the ping waits in line behind the results. An answer that does not come in time
//! means that the client lives in the past, or not at all.

use std::time::{Duration, Instant};

/// From one answer to the next question.
pub const PING_EVERY: Duration = Duration::from_secs(2);
/// How far behind a client may be. Results are for the moment: five seconds are a hiccup of a busy program, more are
/// a program that cannot keep up.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What is to be done about a client now.
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
    /// It is asked at this time.
    AskAt(Instant),
    /// It was asked and must answer until this time.
    AnswerUntil(Instant),
}

impl Heartbeat {
    /// For a client that connected at `now`.
    pub fn new(now: Instant) -> Self {
        Self::AskAt(now + PING_EVERY)
    }

    /// When to call [`Heartbeat::beat`] next.
    pub fn due_at(&self) -> Instant {
        match *self {
            Self::AskAt(at) | Self::AnswerUntil(at) => at,
        }
    }

    /// What is due at `now`.
    pub fn beat(&mut self, now: Instant) -> Beat {
        match *self {
            Self::AskAt(at) if now >= at => {
                *self = Self::AnswerUntil(now + ANSWER_WITHIN);
                Beat::Ping
            }
            Self::AnswerUntil(until) if now >= until => Beat::Silent,
            Self::AskAt(_) | Self::AnswerUntil(_) => Beat::Fine,
        }
    }

    /// A pong came. One that was not asked for changes nothing.
    pub fn answered(&mut self, now: Instant) {
        if let Self::AnswerUntil(_) = self {
            *self = Self::AskAt(now + PING_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_is_asked_again_and_who_does_not_is_silent() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(start);
        assert_eq!(heartbeat.beat(start), Beat::Fine);
        let mut now = start;
        for _ in 0..3 {
            now += PING_EVERY;
            assert_eq!(heartbeat.due_at(), now);
            assert_eq!(heartbeat.beat(now), Beat::Ping);
            assert_eq!(heartbeat.beat(now), Beat::Fine, "one question at a time");
            now += ANSWER_WITHIN / 2;
            heartbeat.answered(now);
            heartbeat.answered(now + PING_EVERY / 2);
        }
        now += PING_EVERY;
        assert_eq!(heartbeat.beat(now), Beat::Ping);
        assert_eq!(heartbeat.due_at(), now + ANSWER_WITHIN);
        let almost = now + ANSWER_WITHIN - Duration::from_millis(1);
        assert_eq!(heartbeat.beat(almost), Beat::Fine);
        assert_eq!(heartbeat.beat(now + ANSWER_WITHIN), Beat::Silent);
    }
}
