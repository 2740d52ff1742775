//! One running ffmpeg, with frames on its standard output and messages on its standard error.
//!
//! ffmpeg reads a file from one position on and never goes back: to seek is to start another one.

use std::{
    collections::hash_map::RandomState,
    ffi::OsString,
    hash::{BuildHasher, Hasher},
    io::{self, Write},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

use crossbeam_channel::{Receiver, unbounded};

use super::report::{self, Report};
use crate::capture::{
    limits::{MAX_FRAME_PIXELS, TooLarge},
    video::{container::Track, orientation::Orientation},
};

/// Why there are no frames.
#[derive(Debug, thiserror::Error)]
pub(in crate::capture::video) enum FfmpegError {
    #[error("it is not installed")]
    NotInstalled,
    #[error(transparent)]
    TooLarge(TooLarge),
    #[error("{0}")]
    Refused(String),
}

/// The largest single allocation that ffmpeg may make: six frames of the largest size.
const MAX_ALLOC_BYTES: &str = "1000000000";

/// What ffmpeg reads.
#[derive(Debug, Clone)]
pub(in crate::capture::video) enum Input {
    File(PathBuf),
    #[cfg_attr(
        feature = "h264-bundled",
        allow(dead_code, reason = "our own decoder then plays the demo clip")
    )]
    Bytes(&'static [u8]),
}

/// Which track of a file ffmpeg shows, and how.
#[derive(Debug, Clone)]
pub(in crate::capture::video) struct Choice {
    stream: String,
    /// How to turn the frames; `None` leaves it to ffmpeg, which ignored mirroring before version 5.
    orientation: Option<Orientation>,
}

impl Default for Choice {
    /// The first track that is not a cover.
    fn default() -> Self {
        Self {
            stream: "V:0".to_owned(),
            orientation: None,
        }
    }
}

impl Choice {
    /// The track that we found in the file.
    pub(in crate::capture::video) fn of(track: &Track) -> Self {
        Self {
            stream: track.ffmpeg_stream.clone(),
            orientation: Some(track.orientation),
        }
    }
}

/// A running ffmpeg, ended when dropped.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) frames: ChildStdout,
    pub(super) reports: Receiver<Report>,
}

impl Process {
    /// Starts ffmpeg on `input`, at the last position before `start_ns` of the file's own time from which it can decode;
    /// at the beginning for `None`.
    ///
    /// `timing` are the arguments that keep it from repeating and dropping frames. Times in the reports are those of
    /// the file, wherever it starts.
    pub(super) fn start(
        input: &Input,
        choice: &Choice,
        timing: &[&str],
        start_ns: Option<i64>,
    ) -> Result<Self, FfmpegError> {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-nostats", "-loglevel", "info"]);
        // Only the file itself: a video may name others, also on the network.
        command.args(["-protocol_whitelist", "file,pipe"]);
        command.args(["-max_pixels", &MAX_FRAME_PIXELS.to_string()]);
        command.args(["-max_alloc", MAX_ALLOC_BYTES]);
        // Each thread holds frames of its own, and more threads would not help: analysis takes longer.
        command.args(["-threads", "4"]);
        // A time before the first one is a new beginning, not the end of a clock that counts to 26 hours.
        command.args(["-correct_ts_overflow", "0"]);
        let mut filters = String::new();
        if let Some(orientation) = choice.orientation {
            command.arg("-noautorotate");
            filters = format!("format=rgba,{},", orientation.ffmpeg_filters());
        }
        if let Some(start_ns) = start_ns {
            // Before the input it seeks; after it, it would decode everything before.
            command.args(["-noaccurate_seek", "-seek_timestamp", "1"]);
            command.args(["-ss", &format!("{:.6}", start_ns as f64 / 1e9)]);
        }
        command.arg("-i");
        let stdin = match input {
            Input::File(path) => {
                // With the prefix, a name such as “-y” or “concat:…” is a name.
                let mut argument = OsString::from("file:");
                argument.push(path);
                command.arg(argument);
                Stdio::null()
            }
            Input::Bytes(_) => {
                command.arg("pipe:0");
                Stdio::piped()
            }
        };
        let reporter = report::reporter(&token());
        command.args(["-map", &format!("0:{}", choice.stream)]);
        command.args(timing);
        // Makes pixels square at the same height. Frames with square pixels pass the first filter unchanged.
        command.args([
            "-copyts",
            "-vf",
            &format!("scale=w=max(1\\,round(iw*sar)):h=ih,setsar=1,{filters}{reporter}=checksum=0"),
        ]);
        command.args(["-pix_fmt", "rgba", "-f", "rawvideo", "pipe:1"]);
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|err| match err.kind() {
            io::ErrorKind::NotFound => FfmpegError::NotInstalled,
            _ => FfmpegError::Refused(format!("it did not start ({err})")),
        })?;
        let (sender, reports) = unbounded();
        let (frames, words) = match (child.stdout.take(), child.stderr.take()) {
            (Some(frames), Some(words)) => (frames, words),
            _ => unreachable!("both were asked for"),
        };
        let stdin = child.stdin.take();
        let process = Self {
            child,
            frames,
            reports,
        };
        // Both threads end with ffmpeg, which ends when `process` is dropped.
        let reader = spawn("ffmpeg reports", move || {
            report::read(words, &reporter, &sender);
        });
        let writer = match (input, stdin) {
            (Input::Bytes(bytes), Some(mut stdin)) => {
                let bytes = *bytes;
                // ffmpeg closes its end when it has enough; that is no error.
                spawn("ffmpeg input", move || drop(stdin.write_all(bytes)))
            }
            _ => Ok(()),
        };
        reader
            .and(writer)
            .map_err(|err| FfmpegError::Refused(format!("no thread for it ({err})")))?;
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A word that no author of a file can guess.
fn token() -> String {
    // The standard library seeds each from the system's random numbers.
    let [a, b] = [0, 1].map(|_| RandomState::new().build_hasher().finish());
    format!("{a:016x}{b:016x}")
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}
