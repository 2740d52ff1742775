//! The clock of recordings: ticks of 1/90,000 s, the clock of videos.

/// Ticks in a second.
pub const TICKS_PER_SECOND: u64 = 90_000;
