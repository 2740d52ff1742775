//! Messages to the user, from whatever part of the window: severity and text.

use super::words::text;

/// A message and its severity. The text is one or more sentences.
pub type Message = (Severity, String);

/// How bad the news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good news; disappears by itself.
    Info,
    /// Stays until it is dismissed.
    Warning,
    /// Stays until it is dismissed.
    Error,
}

impl Severity {
    /// The word above the message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => text!("severity-note"),
            Self::Warning => text!("severity-warning"),
            Self::Error => text!("severity-error"),
        }
    }
}

/// An error text as a sentence. Errors start in lower case and end without a period; text in the window does not.
pub fn sentence(reason: &str) -> String {
    let reason = reason.trim();
    let mut chars = reason.chars();
    // A path keeps its case.
    let mut text: String = match chars.next() {
        Some(first) if first.is_alphabetic() && !reason.starts_with(['/', '~']) => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => reason.to_owned(),
    };
    if !text.is_empty() && !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_become_sentences() {
        assert_eq!(sentence("no camera found"), "No camera found.");
        assert_eq!(sentence("  Is it on?"), "Is it on?");
        assert_eq!(sentence("/tmp/a.png is empty"), "/tmp/a.png is empty.");
        assert_eq!(sentence(""), "");
    }
}
