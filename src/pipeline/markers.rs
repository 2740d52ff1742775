//! Markers: moments that somebody, or another program, marks in what is being recorded.
//!
//! Other programs set them through a live output that is on. They know nothing of recordings: they hand their markers to a
//! [`MarkerRelay`], and whoever records connects to that. What comes from outside is limited there, and what is refused
//! is counted.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::panics::lock;

/// Maximum length of a marker's text from another program, characters: a line on the screen, and some room.
pub const MAX_TEXT_CHARS: usize = 500;
/// Markers that other programs may set in a second for long. Experiments set a few; screens draw 60 frames.
const MAX_RATE_HZ: f64 = 100.0;
/// Markers that may come at once before the rate counts.
const MAX_AT_ONCE: f64 = 200.0;
/// A sender's time beyond this is no time in seconds: in the year 31,000,000.
const MAX_SENT_S: f64 = 1e15;

/// Called with the marker once it is written.
pub type Answer = Box<dyn FnOnce(&MarkerSet) + Send>;

/// A marker to set.
pub struct Marker {
    /// What is marked; may be empty.
    pub text: String,
    /// When it was set, or came in.
    pub at: Instant,
    /// The other program, if it came from one.
    pub sent: Option<Sent>,
    /// Hears of it.
    pub answer: Option<Answer>,
}

/// How a marker came from another program.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// By what kind of connection, such as `websocket`.
    pub sender: String,
    /// The marker's time by the sender's own clock, s, as it came.
    pub time_s: Option<f64>,
}

/// A marker that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerSet {
    /// Its number among the recording's markers, from 1.
    pub number: u64,
    /// Its time in the recording.
    pub time: Duration,
    /// What is marked; may be empty.
    pub text: String,
}

/// Why a marker from another program is not set. The programs get these messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerRefusal {
    /// There is no recording.
    #[error("nothing is being recorded")]
    NoRecording,
    /// They come too fast.
    #[error("too many markers at once; at most {MAX_RATE_HZ} a second are set")]
    TooMany,
    /// The text is too long.
    #[error("the text has {n_chars} characters, and at most {MAX_TEXT_CHARS} are allowed")]
    TooLong {
        /// Its length.
        n_chars: usize,
    },
    /// The time is not a number that can be written down.
    #[error("the time is no number of seconds")]
    NoTime,
}

/// Writes markers.
pub trait TakeMarkers: Send + Sync {
    /// Takes a marker without waiting; `false` if the recording has ended.
    fn take(&self, marker: Marker) -> bool;
    /// A marker was refused. What is written says so, too.
    fn refused(&self);
}

/// The way from other programs to the recording, if there is one.
#[derive(Default)]
pub struct MarkerRelay {
    taker: Mutex<Option<Arc<dyn TakeMarkers>>>,
    limit: Mutex<Limit>,
    n_refused: AtomicU64,
}

impl MarkerRelay {
    /// Markers go to this recording from now on.
    pub fn connect(&self, taker: Arc<dyn TakeMarkers>) {
        *lock(&self.taker) = Some(taker);
    }

    /// Markers are refused from now on.
    pub fn disconnect(&self) {
        *lock(&self.taker) = None;
    }

    /// Passes a marker from another program on, its text on one line.
    ///
    /// # Errors
    /// [`MarkerRefusal`]. The refusals are counted.
    pub fn offer(&self, mut marker: Marker) -> Result<(), MarkerRefusal> {
        let taker = lock(&self.taker).clone();
        let checked = check(&mut marker).and_then(|()| {
            let allowed = lock(&self.limit).allows(marker.at);
            allowed.then_some(()).ok_or(MarkerRefusal::TooMany)
        });
        let outcome = match (checked, &taker) {
            (Err(refusal), _) => Err(refusal),
            (Ok(()), Some(taker)) if taker.take(marker) => Ok(()),
            (Ok(()), _) => Err(MarkerRefusal::NoRecording),
        };
        if outcome.is_err() {
            self.count_refused(taker);
        }
        outcome
    }

    /// Counts a marker that cannot even be read.
    pub fn refuse(&self) {
        self.count_refused(lock(&self.taker).clone());
    }

    /// How many markers were refused.
    pub fn n_refused(&self) -> u64 {
        self.n_refused.load(Ordering::Relaxed)
    }

    fn count_refused(&self, taker: Option<Arc<dyn TakeMarkers>>) {
        self.n_refused.fetch_add(1, Ordering::Relaxed);
        if let Some(taker) = taker {
            taker.refused();
        }
    }
}

impl fmt::Debug for MarkerRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_refused = self.n_refused();
        f.debug_struct("MarkerRelay")
            .field("n_refused", &n_refused)
            .finish_non_exhaustive()
    }
}

fn check(marker: &mut Marker) -> Result<(), MarkerRefusal> {
    let words = marker
        .text
        .split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    let n_chars = text.chars().count();
    if n_chars > MAX_TEXT_CHARS {
        return Err(MarkerRefusal::TooLong { n_chars });
    }
    let time_s = marker.sent.as_ref().and_then(|sent| sent.time_s);
    if time_s.is_some_and(|time_s| !time_s.is_finite() || time_s.abs() > MAX_SENT_S) {
        return Err(MarkerRefusal::NoTime);
    }
    marker.text = text;
    Ok(())
}

/// Lets a number of markers through at once, and then so many a second.
#[derive(Debug, Default)]
struct Limit {
    /// How many were free at a time.
    free: Option<(f64, Instant)>,
}

impl Limit {
    fn allows(&mut self, now: Instant) -> bool {
        let free = self.free.map_or(MAX_AT_ONCE, |(free, at)| {
            let passed_s = now.saturating_duration_since(at).as_secs_f64();
            (free + passed_s * MAX_RATE_HZ).min(MAX_AT_ONCE)
        });
        let allowed = free >= 1.0;
        self.free = Some((if allowed { free - 1.0 } else { free }, now));
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers what it was given.
    #[derive(Default)]
    struct Taker {
        texts: Mutex<Vec<String>>,
        n_refused: AtomicU64,
    }

    impl TakeMarkers for Taker {
        fn take(&self, marker: Marker) -> bool {
            lock(&self.texts).push(marker.text);
            true
        }

        fn refused(&self) {
            self.n_refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn marker(text: &str, at: Instant, time_s: Option<f64>) -> Marker {
        Marker {
            text: text.to_owned(),
            at,
            sent: Some(Sent {
                sender: "websocket".to_owned(),
                time_s,
            }),
            answer: None,
        }
    }

    #[test]
    fn markers_reach_the_recording_on_one_line() {
        let relay = MarkerRelay::default();
        let now = Instant::now();
        assert_eq!(
            relay.offer(marker("a", now, None)),
            Err(MarkerRefusal::NoRecording)
        );
        let taker = Arc::new(Taker::default());
        relay.connect(Arc::clone(&taker) as Arc<dyn TakeMarkers>);
        relay.offer(marker(" b\n\u{7}c ", now, Some(1.5))).unwrap();
        assert_eq!(*lock(&taker.texts), ["b c"]);
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        let refusal = relay.offer(marker(&long, now, None)).unwrap_err();
        assert_eq!(
            refusal,
            MarkerRefusal::TooLong {
                n_chars: MAX_TEXT_CHARS + 1
            }
        );
        for wrong in [f64::NAN, f64::INFINITY, 1e300] {
            let refusal = relay.offer(marker("d", now, Some(wrong))).unwrap_err();
            assert_eq!(refusal, MarkerRefusal::NoTime, "{wrong}");
        }
        assert_eq!(taker.n_refused.load(Ordering::Relaxed), 4);
        assert_eq!(relay.n_refused(), 5);
        relay.disconnect();
        assert!(relay.offer(marker("e", now, None)).is_err());
    }

    #[test]
    fn a_flood_is_cut_down_and_counted() {
        let relay = MarkerRelay::default();
        let taker = Arc::new(Taker::default());
        relay.connect(Arc::clone(&taker) as Arc<dyn TakeMarkers>);
        let start = Instant::now();
        // Ten seconds with a marker every ms.
        for ms in 0..10_000 {
            let at = start + Duration::from_millis(ms);
            relay.offer(marker("x", at, None)).ok();
        }
        let n_set = lock(&taker.texts).len() as f64;
        let expected = MAX_AT_ONCE + 10.0 * MAX_RATE_HZ;
        assert!((n_set - expected).abs() < 5.0, "{n_set}");
        assert_eq!(relay.n_refused(), 10_000 - n_set as u64);
        // Later there is room again.
        relay
            .offer(marker("x", start + Duration::from_secs(11), None))
            .unwrap();
    }
}
