//! The time axis: positions and labels of its marks.

use std::time::Duration;

use crate::time::clock;

/// Steps between marks, s: round numbers of seconds, minutes or hours.
const STEPS_S: [f64; 19] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 7200.0, 14_400.0, 28_800.0,
];
const MAX_MARKS: f64 = 10.0;

/// The marks from 0 to `length_s`, as seconds with their labels.
pub(super) fn marks(length_s: f64) -> Vec<(f64, String)> {
    let fits = |step: &&f64| length_s / **step <= MAX_MARKS;
    let step = match STEPS_S.iter().find(fits) {
        Some(step) => *step,
        // Days of recording: multiples of the largest step.
        None => {
            let largest = STEPS_S[STEPS_S.len() - 1];
            largest * (length_s / largest / MAX_MARKS).ceil()
        }
    };
    let n_marks = (length_s / step + 1e-9) as usize;
    (0..=n_marks)
        .map(|mark| {
            let time = mark as f64 * step;
            (time, words(time, step, length_s))
        })
        .collect()
}

fn words(time: f64, step: f64, length_s: f64) -> String {
    if length_s < 120.0 {
        let decimals = usize::from(step < 1.0);
        return format!("{time:.decimals$} s");
    }
    let clock = clock(Duration::from_secs(time.round() as u64));
    if length_s < 3600.0 {
        format!("{clock}")
    } else {
        format!("{clock:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_at_round_times() {
        let check = |length_s: f64, expected: &[&str]| {
            let words: Vec<String> = marks(length_s)
                .into_iter()
                .map(|(_, words)| words)
                .collect();
            assert_eq!(words, expected, "{length_s}");
        };
        check(0.05, &["0.0 s"]);
        check(0.5, &["0.0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]);
        check(5.4, &["0 s", "1 s", "2 s", "3 s", "4 s", "5 s"]);
        check(
            150.0,
            &[
                "0:00", "0:15", "0:30", "0:45", "1:00", "1:15", "1:30", "1:45", "2:00", "2:15",
                "2:30",
            ],
        );
        check(
            7200.0,
            &[
                "0:00:00", "0:15:00", "0:30:00", "0:45:00", "1:00:00", "1:15:00", "1:30:00",
                "1:45:00", "2:00:00",
            ],
        );
        assert!(marks(1e7).len() <= 11);
    }
}
