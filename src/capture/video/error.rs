//! Why our own decoders cannot play a video.

use crate::capture::limits::TooLarge;

/// Why there is no video; ffmpeg may still read the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OpenError {
    /// The file looks damaged or has no video, and why; ffmpeg may find more in it.
    Damaged(String),
    /// Something we do not decode; holds its name. ffmpeg may read it.
    Unsupported(String),
    /// Nothing should read it, ffmpeg included: it is encrypted, or beyond the limits.
    Refused(String),
}

impl OpenError {
    pub(super) fn damaged(why: &str) -> Self {
        Self::Damaged(why.to_owned())
    }

    pub(super) fn unsupported(name: &str) -> Self {
        Self::Unsupported(name.to_owned())
    }

    pub(super) fn into_message(self) -> String {
        let (Self::Damaged(message) | Self::Unsupported(message) | Self::Refused(message)) = self;
        message
    }
}

impl From<TooLarge> for OpenError {
    fn from(err: TooLarge) -> Self {
        Self::Refused(err.to_string())
    }
}
