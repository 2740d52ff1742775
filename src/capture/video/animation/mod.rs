//! Animated GIF, WebP and PNG pictures as video.
//!
//! Each frame states how long it is shown, and many state 0, which no viewer takes literally.

use std::{
    collections::VecDeque,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use image::{
    AnimationDecoder, Frames, ImageDecoder, ImageFormat, ImageResult,
    codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder},
};

use super::animation_index::{gif_delays, png_delays, webp_delays};
use crate::{
    capture::{
        CaptureError, FrameSource, SourceInfo, SourceKind, images::name, limits,
        still::lay_over_white,
    },
    frame::{Frame, FrameId, FramePool, PooledBuffer, Resolution},
    panics,
};

/// Frames that ask for this long or less are shown for [`DEFAULT_DELAY`], as in browsers.
const MIN_DELAY: Duration = Duration::from_millis(10);

/// For frames that do not say how long they are shown.
const DEFAULT_DELAY: Duration = Duration::from_millis(100);

/// A playing animation.
pub(in crate::capture) struct AnimationSource {
    info: SourceInfo,
    path: PathBuf,
    format: ImageFormat,
    /// Frames decoded in advance, next one first.
    ahead: VecDeque<image::Frame>,
    rest: Frames<'static>,
    /// Whether `rest` is at its end or damaged.
    is_over: bool,
    /// Number and time of the next frame.
    next_number: u64,
    next_time: Duration,
}

/// Opens a GIF, WebP or PNG file as an animation; `None` if it is a still picture or damaged before its second frame.
pub(in crate::capture) fn open(
    path: &Path,
    format: ImageFormat,
) -> Result<Option<AnimationSource>, CaptureError> {
    let delays = delays(path, format);
    if delays.as_ref().is_some_and(|delays| delays.len() < 2) {
        return Ok(None);
    }
    let file = File::open(path).map_err(|err| CaptureError::read(path, err))?;
    let Some((resolution, mut frames)) = frames(BufReader::new(file), format) else {
        return Ok(None);
    };
    if let Err(err) = limits::check_animation(resolution) {
        return Err(CaptureError::unsupported(path, err.to_string()));
    }
    let (Some(Ok(first)), Some(Ok(second))) = (next(&mut frames), next(&mut frames)) else {
        if let Some(delays) = &delays {
            log::warn!(
                "{}: only the first of its {} frames is shown; the others are damaged or of a kind that cannot be decoded",
                path.display(),
                delays.len()
            );
        }
        return Ok(None);
    };
    Ok(Some(AnimationSource {
        info: SourceInfo {
            name: name(path),
            kind: SourceKind::File,
            resolution,
            rate_hz: Some(1.0 / delay(&first).as_secs_f64()),
            n_frames: delays.as_ref().map(|delays| delays.len() as u64),
            duration: delays.map(|delays| delays.into_iter().map(shown_for).sum()),
            format: format!("{format:?}"),
            mirror_by_default: false,
        },
        path: path.to_owned(),
        format,
        ahead: VecDeque::from([first, second]),
        rest: frames,
        is_over: false,
        next_number: 0,
        next_time: Duration::ZERO,
    }))
}

/// The stored delays of all frames; `None` if the file is damaged.
fn delays(path: &Path, format: ImageFormat) -> Option<Vec<Duration>> {
    let mut file = BufReader::new(File::open(path).ok()?);
    match format {
        ImageFormat::Gif => gif_delays(&mut file).ok(),
        ImageFormat::Png => png_delays(&mut file).ok(),
        ImageFormat::WebP => webp_delays(&mut file).ok(),
        _ => None,
    }
}

/// The canvas and the frames, not decoded yet; `None` if the file is not an animation that can be decoded.
fn frames(reader: BufReader<File>, format: ImageFormat) -> Option<(Resolution, Frames<'static>)> {
    /// `None` if it has no pixels.
    fn canvas(decoder: &impl ImageDecoder) -> Option<Resolution> {
        let (width, height) = decoder.dimensions();
        (width > 0 && height > 0).then(|| Resolution::new(width, height))
    }
    let limits = limits::for_decoders();
    panics::catch(|| match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(reader).ok()?;
            decoder.set_limits(limits).ok()?;
            Some((canvas(&decoder)?, decoder.into_frames()))
        }
        ImageFormat::Png => {
            let decoder = PngDecoder::with_limits(reader, limits).ok()?;
            let canvas = canvas(&decoder)?;
            let is_animation = decoder.is_apng().ok()?;
            is_animation.then_some((canvas, decoder.apng().ok()?.into_frames()))
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(reader).ok()?;
            let canvas = canvas(&decoder)?;
            let is_animation = decoder.has_animation();
            is_animation.then(|| (canvas, decoder.into_frames()))
        }
        _ => None,
    })
    .flatten()
}

/// Decodes the next frame; `None` at the end, or if the decoder panicked.
fn next(frames: &mut Frames<'static>) -> Option<ImageResult<image::Frame>> {
    panics::catch(|| frames.next()).flatten()
}

fn delay(frame: &image::Frame) -> Duration {
    shown_for(Duration::from(frame.delay()))
}

fn shown_for(delay: Duration) -> Duration {
    if delay <= MIN_DELAY {
        DEFAULT_DELAY
    } else {
        delay
    }
}

impl AnimationSource {
    /// The next frame, decoded; `None` at the end or where the file is damaged.
    fn decode(&mut self) -> Option<image::Frame> {
        if let Some(frame) = self.ahead.pop_front() {
            return Some(frame);
        }
        if self.is_over {
            return None;
        }
        match next(&mut self.rest) {
            Some(Ok(frame)) => return Some(frame),
            Some(Err(err)) => log::warn!(
                "{}: ends after {} frames, the rest is damaged ({err})",
                self.info.name,
                self.next_number
            ),
            None => {}
        }
        self.is_over = true;
        None
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        let file = File::open(&self.path).map_err(|err| CaptureError::read(&self.path, err))?;
        let changed = || CaptureError::unsupported(&self.path, "it changed while it was open");
        let (canvas, frames) = frames(BufReader::new(file), self.format).ok_or_else(changed)?;
        if canvas != self.info.resolution {
            return Err(changed());
        }
        self.rest = frames;
        self.is_over = false;
        self.ahead.clear();
        self.next_number = 0;
        self.next_time = Duration::ZERO;
        Ok(())
    }
}

impl FrameSource for AnimationSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let Some(decoded) = self.decode() else {
            return Ok(None);
        };
        let id = FrameId(self.next_number);
        let time = self.next_time;
        self.next_number += 1;
        self.next_time += delay(&decoded);
        let mut image = decoded.into_buffer();
        lay_over_white(&mut image);
        let resolution = Resolution::new(image.width(), image.height());
        let rgba = PooledBuffer::from(image.into_raw());
        Ok(Some(Frame::new(id, Instant::now(), time, resolution, rgba)))
    }

    /// Frames build on each other, so a seek back starts at the beginning.
    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        if time < self.next_time {
            self.restart()?;
        }
        let mut shown = match self.decode() {
            Some(frame) => frame,
            None => {
                self.restart()?;
                match self.decode() {
                    Some(frame) => frame,
                    None => return Ok(true),
                }
            }
        };
        while let Some(following) = self.decode() {
            let ends_at = self.next_time + delay(&shown);
            if ends_at > time {
                self.ahead.push_front(following);
                break;
            }
            self.next_number += 1;
            self.next_time = ends_at;
            shown = following;
        }
        self.ahead.push_front(shown);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
