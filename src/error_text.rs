//! An error with its causes, in one line.

use std::error::Error;

/// An error with its causes, as one line.
///
/// Our errors leave their cause to [`Error::source`]. Some of other libraries quote theirs, and it is not repeated.
pub fn error_text(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Quoting {
        words: &'static str,
        #[source]
        source: io::Error,
    }

    #[test]
    fn a_cause_is_given_once() {
        let check = |words, expected| {
            let source = io::Error::other("no room");
            assert_eq!(error_text(&Quoting { words, source }), expected);
        };
        check(
            "a.csv could not be written",
            "a.csv could not be written: no room",
        );
        check("a.csv: no room", "a.csv: no room");
        assert_eq!(error_text(&io::Error::other("no room")), "no room");
    }
}
