//! Pictures that an installed ffmpeg decodes.

use std::{
    io::{self, Read, Write},
    process::{Child, Command, Stdio},
    thread,
};

use image::RgbaImage;

use super::{
    StillError,
    heif::{Codec, Coded},
};
use crate::frame::RGBA_BYTES;

/// ffmpeg's messages are kept up to this length.
const MAX_WORDS_BYTES: u64 = 4096;

/// A running ffmpeg, ended when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Decodes a picture, without turning it.
pub(super) fn decode(coded: &Coded) -> Result<RgbaImage, StillError> {
    match decode_with(coded, &["-fps_mode", "passthrough"]) {
        // Before ffmpeg 5.1 the option has another name.
        Err(StillError::Ffmpeg { reason, .. }) if reason.contains("fps_mode") => {
            decode_with(coded, &["-vsync", "passthrough"])
        }
        decoded => decoded,
    }
}

fn decode_with(coded: &Coded, timing: &[&str]) -> Result<RgbaImage, StillError> {
    let kind = coded.codec.name();
    let refuse = |reason: String| StillError::Ffmpeg { kind, reason };
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostats", "-loglevel", "error"]);
    command.args(["-protocol_whitelist", "pipe"]);
    command.args([
        "-f",
        match coded.codec {
            Codec::Hevc => "hevc",
            Codec::Av1 => "ivf",
        },
        "-i",
        "pipe:0",
    ]);
    command.args(timing);
    command.args(["-pix_fmt", "rgba", "-f", "rawvideo", "pipe:1"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Process(command.spawn().map_err(|err| match err.kind() {
        io::ErrorKind::NotFound => StillError::NeedsFfmpeg { kind },
        _ => refuse(format!("it did not start: {err}")),
    })?);
    let child = &mut process.0;
    let (stdin, stdout, stderr) =
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => (stdin, stdout, stderr),
            _ => unreachable!("all three were asked for"),
        };
    thread::scope(|scope| {
        // ffmpeg closes its end when it has enough; that is no error.
        scope.spawn(move || {
            let mut stdin = stdin;
            stdin.write_all(&coded.stream).ok();
        });
        let words = scope.spawn(move || {
            let mut stderr = stderr;
            let mut words = String::new();
            stderr
                .by_ref()
                .take(MAX_WORDS_BYTES)
                .read_to_string(&mut words)
                .ok();
            io::copy(&mut stderr, &mut io::sink()).ok();
            words
        });
        let picture = assemble(coded, stdout);
        if picture.is_none() {
            process.0.kill().ok();
        }
        let words = words.join().unwrap_or_default();
        picture.ok_or_else(|| {
            let first = words.lines().find(|line| !line.trim().is_empty());
            refuse(
                first
                    .unwrap_or("it returned no complete picture")
                    .trim()
                    .to_owned(),
            )
        })
    })
}

/// Assembles the tiles; `None` if there are too few or too many.
fn assemble(coded: &Coded, mut tiles: impl Read) -> Option<RgbaImage> {
    let (width, height) = (coded.size.width_px, coded.size.height_px);
    let mut picture = RgbaImage::new(width, height);
    let tile_stride = coded.tile.width_px as usize * RGBA_BYTES;
    let mut tile = vec![0; tile_stride * coded.tile.height_px as usize];
    for row in 0..coded.n_rows {
        for column in 0..coded.n_columns {
            tiles.read_exact(&mut tile).ok()?;
            let (left, top) = (column * coded.tile.width_px, row * coded.tile.height_px);
            let n_columns = width.saturating_sub(left).min(coded.tile.width_px) as usize;
            let n_rows = height.saturating_sub(top).min(coded.tile.height_px) as usize;
            let target_stride = width as usize * RGBA_BYTES;
            let target = picture.chunks_exact_mut(target_stride).skip(top as usize);
            for (target, source) in target.zip(tile.chunks_exact(tile_stride)).take(n_rows) {
                let start = (left as usize).min(width as usize) * RGBA_BYTES;
                target[start..start + n_columns * RGBA_BYTES]
                    .copy_from_slice(&source[..n_columns * RGBA_BYTES]);
            }
        }
    }
    let has_more = tiles.read(&mut [0]).is_ok_and(|n_read| n_read > 0);
    (!has_more).then_some(picture)
}
