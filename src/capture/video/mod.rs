//! Video files: H.264 in MP4 and animated pictures by ourselves, everything else through an installed ffmpeg.
//!
//! A frame's time is what the file says, never its number divided by a rate: phones film at a rate that varies with
//! the light. Decoders give pictures in another order than they were stored, so each packet carries its time through.

pub(super) mod animation;
mod animation_index;
#[cfg_attr(
    not(feature = "h264-bundled"),
    allow(
        dead_code,
        reason = "without the decoder only the codec's name is of use"
    )
)]
mod demux;
mod ffmpeg;
mod ffmpeg_process;
#[cfg(feature = "h264-bundled")]
mod h264;
#[cfg(feature = "h264-bundled")]
mod mp4;
mod numbering;
mod sps;

use std::path::Path;

use self::ffmpeg_process::Input;
use super::{CaptureError, FrameSource};

/// Opens an MP4 or QuickTime file, by ffmpeg if it is of a kind that only that can decode.
pub(super) fn open_mp4(path: &Path) -> Result<Box<dyn FrameSource>, CaptureError> {
    let refuse = |reason: String| CaptureError::Unsupported {
        path: path.to_owned(),
        reason,
    };
    let mut file = std::io::BufReader::new(
        std::fs::File::open(path).map_err(|err| CaptureError::read(path, err))?,
    );
    let needs_ffmpeg = match demux::read(&mut file) {
        Err(demux::DemuxError::Broken(reason)) => return Err(refuse(reason)),
        Err(demux::DemuxError::Foreign(what)) => what,
        #[cfg(feature = "h264-bundled")]
        Ok(track) => match mp4::Mp4Source::new(file, track, super::images::name(path)) {
            Ok(source) => return Ok(Box::new(source)),
            Err(reason) => reason,
        },
        #[cfg(not(feature = "h264-bundled"))]
        Ok(_) => {
            "H.264 video, which this build (without the feature `h264-bundled`) leaves to ffmpeg"
                .to_owned()
        }
    };
    open_other(path, &needs_ffmpeg)
}

/// Opens a file by ffmpeg; `what` names its kind for the message if there is none.
pub(super) fn open_other(path: &Path, what: &str) -> Result<Box<dyn FrameSource>, CaptureError> {
    let source =
        ffmpeg::FfmpegSource::open(Input::File(path.to_owned()), super::images::name(path));
    match source {
        Ok(source) => Ok(Box::new(source)),
        Err(err) => Err(CaptureError::Unsupported {
            path: path.to_owned(),
            reason: match err {
                ffmpeg::FfmpegError::NotInstalled => format!(
                    "it is {what}, which needs the program ffmpeg: install it, or convert the file to MP4 with H.264"
                ),
                ffmpeg::FfmpegError::Refused(reason) => {
                    format!("it is {what}, and ffmpeg says: {reason}")
                }
            },
        }),
    }
}

/// Opens the MP4 file `bytes`; an error is the reason in words.
pub(super) fn open_clip(bytes: &'static [u8], name: &str) -> Result<Box<dyn FrameSource>, String> {
    #[cfg(feature = "h264-bundled")]
    {
        let mut reader = std::io::Cursor::new(bytes);
        let track = demux::read(&mut reader).map_err(|err| match err {
            demux::DemuxError::Broken(reason) | demux::DemuxError::Foreign(reason) => reason,
        })?;
        Ok(Box::new(mp4::Mp4Source::new(
            reader,
            track,
            name.to_owned(),
        )?))
    }
    #[cfg(not(feature = "h264-bundled"))]
    match ffmpeg::FfmpegSource::open(Input::Bytes(bytes), name.to_owned()) {
        Ok(source) => Ok(Box::new(source)),
        Err(ffmpeg::FfmpegError::NotInstalled) => {
            Err("this build (without the feature `h264-bundled`) needs the program ffmpeg for it; install that".to_owned())
        }
        Err(ffmpeg::FfmpegError::Refused(reason)) => Err(format!("ffmpeg says: {reason}")),
    }
}
