//! The one home of ticks and clocks: times of a recording, times as people read them, and for how long a result holds.

use std::{
    fmt,
    num::ParseIntError,
    ops::{Add, AddAssign, Sub},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A result holds until the next one, but for no longer than this: half a second. Expressions that last come and go
/// within half a second to four (Ekman 2003), so what was seen before a longer gap says little about it. See
/// [`hold_for`].
pub const MAX_HOLD: Duration = Duration::from_millis(500);

/// For how long a result holds where no newer one follows: [`MAX_HOLD`], or two of the usual intervals between results
/// where these are longer, so that a single dropped frame of a slow source leaves no gap.
///
/// This is the rule for boxes in the window, in recorded and redrawn videos, in replay and in exports, so that all show
/// the same gaps.
pub fn hold_for(usual_interval: Duration) -> Duration {
    MAX_HOLD.max(2 * usual_interval)
}

/// A time of a recording, or a length of time in it, in ticks of 1/90,000 s: the clock of videos.
///
/// It is the exact form of `time_s` in a session's tables, where it is called `pts_90k`, and counts from the session's
/// first frame.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Ticks(pub u64);

impl Ticks {
    /// Ticks in a second.
    pub const PER_SECOND: u64 = 90_000;
    /// The first frame's time.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const MAX: Self = Self(u64::MAX);

    /// So many milliseconds, exactly.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * (Self::PER_SECOND / 1000))
    }

    /// The nearest tick; zero for negative seconds.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * Self::PER_SECOND as f64).round() as u64)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / Self::PER_SECOND as f64
    }

    /// In milliseconds, rounded to the nearest.
    pub const fn as_millis(self) -> u64 {
        self.0.saturating_add(45) / 90
    }

    /// The sum, or [`Ticks::MAX`].
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or zero if `other` is later.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The difference, or `None` if `other` is later.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// How far the two are apart.
    pub const fn abs_diff(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

impl From<Duration> for Ticks {
    /// The nearest tick.
    fn from(time: Duration) -> Self {
        let ticks = (time.as_nanos() * u128::from(Self::PER_SECOND) + 500_000_000) / 1_000_000_000;
        Self(u64::try_from(ticks).unwrap_or(u64::MAX))
    }
}

impl From<Ticks> for Duration {
    /// Rounded down to nanoseconds, which comes back to the same tick.
    fn from(Ticks(ticks): Ticks) -> Self {
        let part = ticks % Ticks::PER_SECOND;
        Duration::from_secs(ticks / Ticks::PER_SECOND)
            + Duration::from_nanos(part * 1_000_000_000 / Ticks::PER_SECOND)
    }
}

impl Add for Ticks {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Ticks {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Ticks {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl FromStr for Ticks {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// A time as on a clock; see [`clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(Duration);

/// Writes a time as on a clock, cut off and not rounded: `2:05`, `1:02:05`. A precision adds parts of a second, to
/// three digits: `{:.1}` is `2:05.3`. With `{:#}` there are always hours: `0:02:05`.
pub fn clock(time: Duration) -> Clock {
    Clock(time)
}

/// Reads a time as [`clock`] writes it, with or without hours, minutes and parts of a second: `1:02:05.3`, `2:05`, `7.5`.
pub fn parse_clock(text: &str) -> Option<Duration> {
    let mut parts = text.trim().rsplitn(3, ':');
    let seconds = parts.next()?;
    let is_number = seconds
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = seconds.parse().ok().filter(|_| is_number)?;
    let mut total_s = seconds;
    let is_alone = !text.contains(':');
    for (part, unit_s) in parts.zip([60.0, 3600.0]) {
        let whole: u32 = part.parse().ok()?;
        total_s += f64::from(whole) * unit_s;
    }
    let fits = is_alone || seconds < 60.0;
    Duration::try_from_secs_f64(total_s).ok().filter(|_| fits)
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 || f.alternate() {
            write!(f, "{hours}:{minutes:02}:{seconds:02}")?;
        } else {
            write!(f, "{minutes}:{seconds:02}")?;
        }
        match f.precision().unwrap_or(0).min(3) {
            0 => Ok(()),
            digits => {
                let part = self.0.subsec_millis() / 10_u32.pow(3 - digits as u32);
                write!(f, ".{part:0digits$}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_in_ticks() {
        assert_eq!(Ticks::from(Duration::from_nanos(33_333_333)), Ticks(3000));
        assert_eq!(
            Ticks::from(Duration::from_secs(36_000)),
            Ticks(3_240_000_000)
        );
        let time = Ticks::from(Duration::from_millis(1234));
        assert!((time.as_secs_f64() - 1.234).abs() < 1e-9);
        assert_eq!(time, Ticks::from_secs_f64(1.234));
        assert_eq!((time, 1234), (Ticks::from_millis(1234), time.as_millis()));
        assert_eq!(Ticks::from_secs_f64(-1.0), Ticks::ZERO);
    }

    #[test]
    fn ticks_survive_the_way_through_time() {
        for ticks in (0..200_000).chain([3_240_000_001, u64::from(u32::MAX) * 3 + 1]) {
            let time = Duration::from(Ticks(ticks));
            assert_eq!(Ticks::from(time), Ticks(ticks));
        }
    }

    #[test]
    fn times_are_written_as_on_a_clock() {
        let time = Duration::from_millis;
        for (ms, text) in [
            (0, "0:00.0"),
            (7_399, "0:07.3"),
            (59_999, "0:59.9"),
            (600_000, "10:00.0"),
            (3_723_456, "1:02:03.4"),
        ] {
            assert_eq!(format!("{:.1}", clock(time(ms))), text);
        }
        assert_eq!(clock(time(125_999)).to_string(), "2:05");
        assert_eq!(clock(time(3_725_000)).to_string(), "1:02:05");
        assert_eq!(format!("{:#}", clock(time(125_000))), "0:02:05");
        assert_eq!(format!("{:#.3}", clock(time(1_045))), "0:00:01.045");
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, ms) in [
            ("0:07.3", 7_300),
            (" 2:05 ", 125_000),
            ("1:02:03.456", 3_723_456),
            ("724.5", 724_500),
            ("7", 7_000),
        ] {
            assert_eq!(parse_clock(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for wrong in [
            "", "a", "1:60", "-1", "1:2:3:4", "1::2", "1e3", "inf", "1:-2",
        ] {
            assert_eq!(parse_clock(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn slow_sources_hold_their_results_for_longer() {
        assert_eq!(hold_for(Duration::from_millis(33)), MAX_HOLD);
        assert_eq!(hold_for(Duration::from_secs(2)), Duration::from_secs(4));
    }
}
