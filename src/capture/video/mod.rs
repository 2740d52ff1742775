//! Video files: H.264, AV1 and Motion JPEG in MP4, Matroska and AVI, and animated pictures, by ourselves; everything else
//! through an installed ffmpeg.
//!
//! A [`container`] splits a file into packets, a [`codec`] decodes them, and a [`source`] delivers the frames in time. A
//! frame's time is what the file says, never its number divided by a rate: phones film at a rate that varies with the light.

#[cfg(test)]
mod agreement_tests;
pub(super) mod animation;
mod animation_index;
mod clock;
mod codec;
mod container;
mod decoded;
mod error;
mod ffmpeg;
#[cfg(test)]
mod media_tests;
mod numbering;
mod orientation;
mod source;
mod stream;

use std::{
    fs::File,
    io::{BufReader, Cursor, Read, Seek},
    path::Path,
};

pub(super) use self::container::Container;
use self::{
    container::Packet,
    error::OpenError,
    ffmpeg::{Choice, FfmpegError, FfmpegSource, Input},
    source::{Check, VideoSource},
};
use super::{CaptureError, FrameSource, images::name};

/// Opens a file of this kind, through ffmpeg if our own decoders cannot play it, or not well.
pub(super) fn open(
    path: &Path,
    container: Container,
) -> Result<Box<dyn FrameSource>, CaptureError> {
    let file = File::open(path).map_err(|err| CaptureError::read(path, err))?;
    let mut choice = Choice::default();
    let played = container::open(container, BufReader::new(file)).and_then(|demuxer| {
        choice = Choice::of(demuxer.track());
        let decoder = codec::open(demuxer.track())?;
        VideoSource::new(demuxer, decoder, name(path), Check::Beginning)
    });
    let ffmpeg = |choice| FfmpegSource::open(Input::File(path.to_owned()), name(path), choice);
    let source = match played {
        Ok(source) => source,
        Err(OpenError::Refused(reason)) => return Err(CaptureError::unsupported(path, reason)),
        Err(OpenError::Unsupported(what)) => return open_foreign(path, &what, choice),
        Err(OpenError::Damaged(reason)) => {
            return match ffmpeg(choice) {
                Ok(source) => {
                    log::info!("{}: {reason}; ffmpeg reads it instead", path.display());
                    Ok(Box::new(source))
                }
                Err(FfmpegError::TooLarge(err)) => {
                    Err(CaptureError::unsupported(path, err.to_string()))
                }
                Err(FfmpegError::NotInstalled | FfmpegError::Refused(_)) => {
                    Err(CaptureError::unsupported(path, reason))
                }
            };
        }
    };
    let Some(failures) = source.decode_failures() else {
        return Ok(Box::new(source));
    };
    match ffmpeg(choice) {
        Ok(better) => {
            log::info!("{}: {failures}; ffmpeg decodes it instead", path.display());
            Ok(Box::new(better))
        }
        // Some frames are better than none.
        Err(FfmpegError::NotInstalled) => {
            log::warn!(
                "{}: {failures} and are skipped. The program ffmpeg may do better: {}",
                path.display(),
                remedy(path, "")
            );
            Ok(Box::new(source))
        }
        Err(err) => {
            log::warn!(
                "{}: {failures} and are skipped; ffmpeg could not decode it either: {err}",
                path.display()
            );
            Ok(Box::new(source))
        }
    }
}

/// Opens a file through ffmpeg; `what` names its kind, for the message if ffmpeg is missing.
pub(super) fn open_other(path: &Path, what: &str) -> Result<Box<dyn FrameSource>, CaptureError> {
    open_foreign(path, what, Choice::default())
}

fn open_foreign(
    path: &Path,
    what: &str,
    choice: Choice,
) -> Result<Box<dyn FrameSource>, CaptureError> {
    match FfmpegSource::open(Input::File(path.to_owned()), name(path), choice) {
        Ok(source) => Ok(Box::new(source)),
        Err(FfmpegError::NotInstalled) => Err(CaptureError::unsupported(
            path,
            format!(
                "it is {what}, which needs the program ffmpeg: {}",
                remedy(path, what)
            ),
        )),
        Err(FfmpegError::TooLarge(err)) => Err(CaptureError::unsupported(path, err.to_string())),
        Err(FfmpegError::Refused(reason)) => Err(CaptureError::unsupported(
            path,
            format!("it is {what}, and ffmpeg says: {reason}"),
        )),
    }
}

/// What to do about a video of the kind `what` if ffmpeg is missing.
fn remedy(path: &Path, what: &str) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    // Without it, rows of two moments stay mixed.
    let filter = if what.starts_with("interlaced") {
        "-vf yadif "
    } else {
        ""
    };
    format!(
        "install it, or convert the video on a computer that has it: \
         ffmpeg -i \"{}\" {filter}-c:v libx264 -pix_fmt yuv420p \"{stem}-h264.mp4\"",
        name(path)
    )
}

/// Reads `bytes` as a file of each kind, for [`crate::fuzzing`].
pub(crate) fn read_packets(bytes: &[u8]) {
    for container in [Container::Mp4, Container::Matroska, Container::Avi] {
        let Ok(mut demuxer) = container::open(container, Cursor::new(bytes.to_owned())) else {
            continue;
        };
        let mut packet = Packet::default();
        while demuxer.next_packet(&mut packet) != Ok(false) {}
        let position = demuxer.sync_before(packet.pts / 2);
        demuxer.seek_to(position);
        demuxer.next_packet(&mut packet).ok();
    }
}

/// Plays a file with our own decoders.
#[cfg_attr(
    not(any(test, feature = "h264-bundled")),
    expect(dead_code, reason = "ffmpeg then decodes the demo clip")
)]
fn play(
    container: Container,
    reader: impl Read + Seek + 'static,
    name: String,
    check: Check,
) -> Result<VideoSource, OpenError> {
    let demuxer = container::open(container, reader)?;
    let decoder = codec::open(demuxer.track())?;
    VideoSource::new(demuxer, decoder, name, check)
}

/// Opens the MP4 file `bytes`, which holds H.264 and is known to be sound; an error is a sentence.
pub(super) fn open_clip(bytes: &'static [u8], name: &str) -> Result<Box<dyn FrameSource>, String> {
    #[cfg(feature = "h264-bundled")]
    {
        let reader = std::io::Cursor::new(bytes);
        match play(Container::Mp4, reader, name.to_owned(), Check::FirstFrame) {
            Ok(source) => Ok(Box::new(source)),
            Err(refusal) => Err(refusal.into_message()),
        }
    }
    #[cfg(not(feature = "h264-bundled"))]
    match FfmpegSource::open(Input::Bytes(bytes), name.to_owned(), Choice::default()) {
        Ok(source) => Ok(Box::new(source)),
        Err(FfmpegError::NotInstalled) => {
            Err("this build (without the feature `h264-bundled`) needs the program ffmpeg for it; install ffmpeg".to_owned())
        }
        Err(err) => Err(format!("ffmpeg says: {err}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_a_command_for_this_file() {
        let path = Path::new("/films/my holiday.mov");
        let remedy_for = |what| remedy(path, what);
        let command =
            "ffmpeg -i \"my holiday.mov\" -c:v libx264 -pix_fmt yuv420p \"my holiday-h264.mp4\"";
        assert!(remedy_for("HEVC (H.265) video").ends_with(command));
        assert!(remedy_for("interlaced H.264 video").contains(" -vf yadif -c:v"));
    }
}
