//! Checks of single values, with messages by key.

use std::fmt::Display;

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

/// Refuses a value outside of 0 to 1.
pub(super) fn share(key: &str, value: f64) -> Result<(), Problem> {
    need(key, value, (0.0..=1.0).contains(&value), "between 0 and 1")
}

/// Refuses a value below 0, or of 1 and above.
pub(super) fn share_below_one(key: &str, value: f64) -> Result<(), Problem> {
    need(
        key,
        value,
        (0.0..1.0).contains(&value),
        "at least 0 and below 1",
    )
}

/// Refuses a value of 0 and below, or above `max`.
pub(super) fn positive(key: &str, value: f64, max: f64) -> Result<(), Problem> {
    let expected = format!("above 0 and at most {max}");
    need(key, value, value > 0.0 && value <= max, &expected)
}

/// Refuses a value below 0 or above `max`.
pub(super) fn not_negative(key: &str, value: f64, max: f64) -> Result<(), Problem> {
    let expected = format!("between 0 and {max}");
    need(key, value, (0.0..=max).contains(&value), &expected)
}

/// Refuses a number below 1 or above `max`.
pub(super) fn count(key: &str, value: usize, max: usize) -> Result<(), Problem> {
    let expected = format!("between 1 and {max}");
    need(key, value, (1..=max).contains(&value), &expected)
}
