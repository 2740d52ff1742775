//! One running ffmpeg, whose pictures come on its standard output and whose words on its standard error.
//!
//! ffmpeg reads a file from one place on and never goes back: to go elsewhere is to start another one.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

use crossbeam_channel::{Receiver, unbounded};

use super::ffmpeg::{FfmpegError, Report, read_reports};

/// What ffmpeg is to read.
#[derive(Debug, Clone)]
pub(super) enum Input {
    File(PathBuf),
    #[cfg_attr(
        feature = "h264-bundled",
        allow(dead_code, reason = "the demo clip is then decoded here")
    )]
    Bytes(&'static [u8]),
}

/// Makes pixels square, at the same height, and has each picture reported. Pictures with square pixels pass the first
/// filter as they are.
const FILTERS: &str = "scale=w=max(1\\,round(iw*sar)):h=ih,setsar=1,showinfo=checksum=0";

/// A running ffmpeg, ended when dropped.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) pictures: ChildStdout,
    pub(super) reports: Receiver<Report>,
}

impl Process {
    /// Starts ffmpeg on `input`, `start_s` seconds after its start: pictures before that do not come.
    ///
    /// `timing` are the arguments that keep it from repeating and dropping frames. Times in the reports are those of
    /// the file, wherever it starts.
    pub(super) fn start(input: &Input, timing: &[&str], start_s: f64) -> Result<Self, FfmpegError> {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-nostats", "-loglevel", "info"]);
        // Only the file itself: a video may name others, also on the network.
        command.args(["-protocol_whitelist", "file,pipe"]);
        if start_s > 0.0 {
            // Before the input it goes to the nearest place to decode from; behind it, it would decode all before.
            command.args(["-ss", &format!("{start_s:.6}")]);
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
        command.args(["-map", "0:v:0"]).args(timing);
        command.args(["-copyts", "-vf", FILTERS]);
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
        let (pictures, words) = match (child.stdout.take(), child.stderr.take()) {
            (Some(pictures), Some(words)) => (pictures, words),
            _ => unreachable!("both were asked for"),
        };
        let stdin = child.stdin.take();
        let process = Self {
            child,
            pictures,
            reports,
        };
        // Both threads end with ffmpeg, which ends with this process.
        let reader = spawn("ffmpeg reports", move || read_reports(words, &sender));
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

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}
