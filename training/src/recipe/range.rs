//! Checks of single values, with messages by key.

use std::{fmt::Display, ops::RangeInclusive};

/// A key and what is wrong with its value.
pub(super) type Problem = (String, String);

/// Refuses `value` unless `fits`.
pub(super) fn need<T: Display>(
    key: &str,
    value: T,
    fits: bool,
    expected: &str,
) -> Result<(), Problem> {
    if fits {
        return Ok(());
    }
    Err((
        key.to_owned(),
        format!("is {value}, but must be {expected}"),
    ))
}

/// Refuses a value outside of `range`.
pub(super) fn within<T: Display + PartialOrd>(
    key: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), Problem> {
    let expected = format!("between {} and {}", range.start(), range.end());
    let fits = range.contains(&value);
    need(key, value, fits, &expected)
}

/// Refuses a value outside of 0 to 1.
pub(super) fn share(key: &str, value: f64) -> Result<(), Problem> {
    within(key, value, 0.0..=1.0)
}

/// Refuses a value below 0, or of 1 and above.
pub(super) fn share_below_one(key: &str, value: f64) -> Result<(), Problem> {
    let fits = (0.0..1.0).contains(&value);
    need(key, value, fits, "at least 0 and below 1")
}

/// Refuses a value of 0 and below, or above `max`.
pub(super) fn positive(key: &str, value: f64, max: f64) -> Result<(), Problem> {
    let expected = format!("above 0 and at most {max}");
    need(key, value, value > 0.0 && value <= max, &expected)
}
