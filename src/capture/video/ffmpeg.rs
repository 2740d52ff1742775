//! All other videos, through the program `ffmpeg` if the user has it.
//!
//! Raw pictures come on its standard output; their sizes and presentation times on its standard error, from the
//! filter `showinfo`. Counting frames at a nominal rate instead is what goes wrong with phone videos.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind},
    frame::{Frame, FrameId, FramePool, RGBA_BYTES, Resolution},
};

/// A file on which ffmpeg spends longer without a picture is given up: it may be reading a dead network drive.
const MOST_SILENCE: Duration = Duration::from_secs(30);

/// No frame is larger: 16384×16384.
const MOST_PIXELS: usize = 1 << 28;

/// What ffmpeg is to read.
pub(super) enum Input<'a> {
    File(&'a Path),
    #[cfg_attr(
        feature = "h264-bundled",
        allow(dead_code, reason = "the demo clip is then decoded here")
    )]
    Bytes(&'static [u8]),
}

/// Why there is no picture, in words.
#[derive(Debug)]
pub(super) enum FfmpegError {
    NotInstalled,
    Refused(String),
}

/// A video that ffmpeg decodes while it is read.
pub(super) struct FfmpegSource {
    info: SourceInfo,
    child: Child,
    pictures: ChildStdout,
    reports: Receiver<Report>,
    /// Of the first frame, read while opening.
    first: Option<PictureReport>,
    first_time: Duration,
    n_frames: u64,
    is_over: bool,
}

/// A line of ffmpeg's, as far as it matters.
#[derive(Debug, PartialEq)]
enum Report {
    /// The next picture on standard output.
    Picture(PictureReport),
    /// Codec and rate of the stream.
    Stream { codec: String, rate_hz: Option<f64> },
    /// Anything else, among it what went wrong.
    Words(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct PictureReport {
    /// `None` if the container does not know it.
    time: Option<Duration>,
    resolution: Resolution,
}

impl FfmpegSource {
    /// Starts ffmpeg and waits for its first picture.
    pub(super) fn open(input: Input<'_>, name: String) -> Result<Self, FfmpegError> {
        match Self::start(&input, &name, &["-fps_mode", "passthrough"]) {
            // ffmpeg before 5.1 has the same under another name.
            Err(FfmpegError::Refused(reason)) if reason.contains("fps_mode") => {
                Self::start(&input, &name, &["-vsync", "passthrough"])
            }
            result => result,
        }
    }

    fn start(input: &Input<'_>, name: &str, timing: &[&str]) -> Result<Self, FfmpegError> {
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-nostats", "-loglevel", "info"]);
        // Only the file itself: a video may name others, also on the network.
        command.args(["-protocol_whitelist", "file,pipe", "-i"]);
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
        command.args(["-copyts", "-vf", "showinfo=checksum=0"]);
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
        // Both threads end with ffmpeg, which ends with this source.
        let reader = spawn("ffmpeg reports", move || read_reports(words, &sender));
        let writer = match (input, child.stdin.take()) {
            (Input::Bytes(bytes), Some(mut stdin)) => {
                let bytes = *bytes;
                // ffmpeg closes its end when it has enough; that is no error.
                spawn("ffmpeg input", move || drop(stdin.write_all(bytes)))
            }
            _ => Ok(()),
        };
        let mut source = Self {
            info: SourceInfo {
                name: name.to_owned(),
                kind: SourceKind::File,
                resolution: Resolution::default(),
                rate_hz: None,
                n_frames: None,
                duration: None,
                format: "video".to_owned(),
                mirror_by_default: false,
            },
            child,
            pictures,
            reports,
            first: None,
            first_time: Duration::ZERO,
            n_frames: 0,
            is_over: false,
        };
        reader
            .and(writer)
            .map_err(|err| FfmpegError::Refused(format!("no thread for it ({err})")))?;
        match source.next_report() {
            Ok(Some(first)) => {
                source.info.resolution = first.resolution;
                source.first_time = first.time.unwrap_or_default();
                source.first = Some(first);
                Ok(source)
            }
            Ok(None) => Err(FfmpegError::Refused(
                "it holds no video pictures".to_owned(),
            )),
            Err(reason) => Err(FfmpegError::Refused(reason)),
        }
    }

    /// The report of the next picture; `None` at the end. An error is what ffmpeg said last.
    fn next_report(&mut self) -> Result<Option<PictureReport>, String> {
        let mut words = String::new();
        loop {
            match self.reports.recv_timeout(MOST_SILENCE) {
                Ok(Report::Picture(report)) => {
                    let n_pixels = report.resolution.n_pixels();
                    if n_pixels == 0 || n_pixels > MOST_PIXELS {
                        return Err(format!("a picture of {} cannot be", report.resolution));
                    }
                    return Ok(Some(report));
                }
                Ok(Report::Stream { codec, rate_hz }) => {
                    self.info.format = codec;
                    self.info.rate_hz = rate_hz;
                }
                Ok(Report::Words(line)) => {
                    // The first complaint is the cause, the later ones its consequences; but only at the end is it
                    // known which lines were complaints.
                    log::debug!("ffmpeg: {line}");
                    words = line;
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("it sent nothing for {} s", MOST_SILENCE.as_secs()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().map_err(|err| err.to_string())?;
                    return if status.success() {
                        Ok(None)
                    } else if words.is_empty() {
                        Err(format!("it ended with {status}"))
                    } else {
                        Err(words)
                    };
                }
            }
        }
    }
}

impl FrameSource for FfmpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        if self.is_over {
            return Ok(None);
        }
        let report = match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.next_report(),
        };
        let report = match report {
            Ok(Some(report)) => report,
            Ok(None) => {
                self.is_over = true;
                return Ok(None);
            }
            Err(reason) => {
                log::warn!(
                    "{}: ends after {} pictures: {reason}",
                    self.info.name,
                    self.n_frames
                );
                self.is_over = true;
                return Ok(None);
            }
        };
        let mut rgba = pool.buffer(report.resolution);
        if let Err(err) = self.pictures.read_exact(&mut rgba) {
            log::warn!(
                "{}: ends after {} pictures: {err}",
                self.info.name,
                self.n_frames
            );
            self.is_over = true;
            return Ok(None);
        }
        for pixel in rgba.chunks_exact_mut(RGBA_BYTES) {
            pixel[3] = 255; // Some codecs have an alpha channel.
        }
        let id = FrameId(self.n_frames);
        let time = match report.time {
            Some(time) => time.saturating_sub(self.first_time),
            None => Duration::from_secs_f64(
                self.n_frames as f64 / self.info.rate_hz.unwrap_or(25.0).max(1.0),
            ),
        };
        self.n_frames += 1;
        Ok(Some(Frame::new(
            id,
            Instant::now(),
            time,
            report.resolution,
            rgba,
        )))
    }
}

impl Drop for FfmpegSource {
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

fn read_reports(words: impl Read, sender: &Sender<Report>) {
    let mut words = BufReader::new(words);
    let mut line = Vec::new();
    loop {
        line.clear();
        match words.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        if let Some(report) = parse(line.trim())
            && sender.send(report).is_err()
        {
            return;
        }
    }
}

/// What a line says; `None` for lines about nothing.
fn parse(line: &str) -> Option<Report> {
    if let Some((_, rest)) = line.split_once("showinfo") {
        let value = |key: &str| {
            let (_, rest) = rest.split_once(key)?;
            rest.trim_start().split(' ').next()
        };
        // Lines about the stream and about side data have no such field.
        let (width, height) = value(" s:")?.split_once('x')?;
        let seconds: Option<f64> = value(" pts_time:")?.parse().ok();
        return Some(Report::Picture(PictureReport {
            time: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
            resolution: Resolution::new(width.parse().ok()?, height.parse().ok()?),
        }));
    }
    if let Some((_, rest)) = line.split_once("Video: ")
        && line.starts_with("Stream #0:")
    {
        let codec = rest.split([' ', ',']).next()?;
        let is_of_output =
            codec == "rawvideo" && rest.contains("rgba") && line.contains("Stream #0:0: ");
        let rate_hz = rest
            .split(',')
            .find_map(|part| part.trim().strip_suffix(" fps")?.parse().ok());
        return (!is_of_output).then(|| Report::Stream {
            codec: codec.to_uppercase(),
            rate_hz,
        });
    }
    let is_chatter = line.is_empty()
        || [
            "Input #",
            "Output #",
            "Stream ",
            "Metadata:",
            "Duration:",
            "Press [",
            "frame=",
            "video:",
            "To ignore",
        ]
        .iter()
        .any(|start| line.starts_with(start))
        || line.contains(" : ");
    if is_chatter && !line.contains("matches no streams") {
        return None;
    }
    let words = if line.contains("matches no streams") {
        "it holds no video"
    } else if line.contains("file:") {
        // The file is named by who shows this.
        line.rsplit(": ").next().unwrap_or(line)
    } else {
        line
    };
    Some(Report::Words(words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_ffmpeg_5_and_7_are_understood() {
        let picture = |time: Option<f64>, width, height| {
            Some(Report::Picture(PictureReport {
                time: time.map(Duration::from_secs_f64),
                resolution: Resolution::new(width, height),
            }))
        };
        for (line, report) in [
            (
                "[Parsed_showinfo_0 @ 0x55d0c8] n:   3 pts:   1536 pts_time:0.1     pos:    48032 fmt:yuv420p sar:1/1 s:641x361 i:P iskey:0 type:P",
                picture(Some(0.1), 641, 361),
            ),
            (
                "[Parsed_showinfo_0 @ 0x7f5] n:   1 pts:     20 pts_time:0.02    duration:     20 duration_time:0.02    fmt:yuv420p cl:left sar:0/1 s:320x240 i:P iskey:1 type:I",
                picture(Some(0.02), 320, 240),
            ),
            (
                "[Parsed_showinfo_0 @ 0x1] n:   0 pts:NOPTS pts_time:NOPTS fmt:gray sar:0/1 s:2x2 i:P iskey:1 type:I",
                picture(None, 2, 2),
            ),
            (
                "[Parsed_showinfo_0 @ 0x1] config in time_base: 1/15360, frame_rate: 30/1",
                None,
            ),
            (
                "Stream #0:0(und): Video: hevc (Main) (hvc1 / 0x31637668), yuv420p(tv), 640x480, 300 kb/s, 29.97 fps, 30 tbr, 15360 tbn (default)",
                Some(Report::Stream {
                    codec: "HEVC".to_owned(),
                    rate_hz: Some(29.97),
                }),
            ),
            (
                "Stream #0:0: Video: rawvideo (RGBA / 0x41424752), rgba, 640x480, q=2-31, 30 fps, 30 tbn",
                None,
            ),
            ("", None),
            ("encoder         : Lavf59.27.100", None),
            (
                "file:/tmp/a.mkv: Invalid data found when processing input",
                Some(Report::Words(
                    "Invalid data found when processing input".to_owned(),
                )),
            ),
            (
                "Stream map '0:v:0' matches no streams.",
                Some(Report::Words("it holds no video".to_owned())),
            ),
            ("To ignore this, add a trailing '?' to the map.", None),
        ] {
            assert_eq!(parse(line), report, "{line}");
        }
    }

    fn is_installed() -> bool {
        Command::new("ffmpeg")
            .arg("-version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    }

    /// Where there is no ffmpeg, the refusal is what is tested.
    #[test]
    fn a_clip_comes_through_ffmpeg_with_its_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("-y clip.bin");
        std::fs::write(&path, crate::capture::demo::CLIP).unwrap();
        let result = FfmpegSource::open(Input::File(&path), "clip".to_owned());
        if !is_installed() {
            assert!(matches!(result.err(), Some(FfmpegError::NotInstalled)));
            return;
        }
        let mut source = result.unwrap_or_else(|err| panic!("{err:?}"));
        assert_eq!(source.info().resolution, Resolution::new(640, 480));
        assert_eq!(source.info().format, "H264");
        assert_eq!(source.info().rate_hz, Some(30.0));
        let pool = FramePool::default();
        let mut n_frames = 0;
        while let Some(frame) = source.next_frame(&pool).unwrap() {
            assert_eq!(frame.id.0, n_frames);
            assert!((frame.time.as_secs_f64() - n_frames as f64 / 30.0).abs() < 1e-3);
            n_frames += 1;
        }
        assert_eq!(n_frames, 270);
        assert!(source.next_frame(&pool).unwrap().is_none());
    }

    /// The way of the demo clip in a build without a decoder of its own.
    #[test]
    fn a_clip_in_memory_is_piped_in() {
        if !is_installed() {
            return;
        }
        let input = Input::Bytes(crate::capture::demo::CLIP);
        let mut source =
            FfmpegSource::open(input, "clip".to_owned()).unwrap_or_else(|err| panic!("{err:?}"));
        let pool = FramePool::default();
        let n_frames = std::iter::from_fn(|| source.next_frame(&pool).unwrap()).count();
        assert_eq!(n_frames, 270);
    }

    #[test]
    fn a_dropped_source_ends_ffmpeg() {
        if !is_installed() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        std::fs::write(&path, crate::capture::demo::CLIP).unwrap();
        let mut source = FfmpegSource::open(Input::File(&path), "clip".to_owned())
            .unwrap_or_else(|err| panic!("{err:?}"));
        source.next_frame(&FramePool::default()).unwrap().unwrap();
        let reports = source.reports.clone();
        drop(source); // Must not wait for the rest of the clip.
        assert!(
            reports.iter().count() < 270,
            "the channel closes as ffmpeg ends"
        );
    }

    #[test]
    fn nonsense_is_refused_with_ffmpegs_words() {
        if !is_installed() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noise.mkv");
        let noise: Vec<u8> = (0..20_000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        std::fs::write(&path, noise).unwrap();
        match FfmpegSource::open(Input::File(&path), "noise".to_owned()).err() {
            Some(FfmpegError::Refused(words)) => assert!(!words.is_empty(), "{words}"),
            other => panic!("{other:?}"),
        }
    }
}
