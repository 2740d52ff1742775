//! Frames per second as a fraction: some cameras use television rates such as 30000/1001, others 15/2.

use std::{cmp::Ordering, fmt, str::FromStr};

/// Frames per second, above zero, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    n_frames: u32,
    seconds: u32,
}

impl FrameRate {
    /// `n_frames` in `seconds`; `None` if either is zero.
    pub fn new(n_frames: u32, seconds: u32) -> Option<Self> {
        let divisor = greatest_common_divisor(n_frames, seconds);
        (n_frames > 0 && seconds > 0).then(|| Self {
            n_frames: n_frames / divisor,
            seconds: seconds / divisor,
        })
    }

    /// A whole number of frames per second; 0 is read as 1.
    pub const fn whole(hz: u32) -> Self {
        Self {
            n_frames: if hz == 0 { 1 } else { hz },
            seconds: 1,
        }
    }

    /// Frames per second.
    pub fn hz(self) -> f64 {
        f64::from(self.n_frames) / f64::from(self.seconds)
    }

    /// Frames in [`FrameRate::seconds`].
    pub const fn n_frames(self) -> u32 {
        self.n_frames
    }

    /// Seconds that [`FrameRate::n_frames`] take.
    pub const fn seconds(self) -> u32 {
        self.seconds
    }
}

impl Ord for FrameRate {
    fn cmp(&self, other: &Self) -> Ordering {
        let scaled = |a: u32, b: u32| u64::from(a) * u64::from(b);
        scaled(self.n_frames, other.seconds).cmp(&scaled(other.n_frames, self.seconds))
    }
}

impl PartialOrd for FrameRate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FrameRate {
    /// “30”, “7.5”, “29.97”.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.hz());
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl FromStr for FrameRate {
    type Err = &'static str;

    /// “30”, “7.5”, “29.97”: up to 1000, to a thousandth.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SECONDS: u32 = 1000;
        text.parse()
            .ok()
            .map(|hz: f64| hz * f64::from(SECONDS))
            .filter(|n_frames| (1.0..=1e6).contains(n_frames))
            .and_then(|n_frames| Self::new(n_frames.round() as u32, SECONDS))
            .ok_or("give a number of frames per second up to 1000, such as 30 or 7.5")
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_compared_and_written_by_value() {
        let rate = |n_frames, seconds| FrameRate::new(n_frames, seconds).unwrap();
        assert_eq!(rate(60, 2), FrameRate::whole(30));
        assert!(rate(30000, 1001) < FrameRate::whole(30));
        assert!(rate(15, 2) > FrameRate::whole(7));
        for (rate, text) in [
            (rate(30000, 1001), "29.97"),
            (rate(15, 2), "7.5"),
            (rate(100, 1), "100"),
            (rate(1, 10), "0.1"),
        ] {
            assert_eq!(rate.to_string(), text);
            let parsed: FrameRate = text.parse().unwrap();
            assert!((parsed.hz() - rate.hz()).abs() < 1e-3, "{text}");
        }
        for wrong in ["0", "-1", "nan", "inf", "1e9", "0.0001", "fast", ""] {
            assert!(FrameRate::from_str(wrong).is_err(), "{wrong}");
        }
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(30, 0), None);
    }
}
