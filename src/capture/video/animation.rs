//! Animated GIF and WebP pictures as video.
//!
//! Each picture says how long it is shown, and many say "0", which no viewer takes literally.

use std::{
    collections::VecDeque,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use image::{
    AnimationDecoder, Frames, ImageFormat, ImageResult,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};

use super::animation_index::{gif_delays, webp_delays};
use crate::{
    capture::{
        CaptureError, FrameSource, SourceInfo, SourceKind, images::name, still::lay_over_white,
    },
    frame::{Frame, FrameId, FramePool, PooledBuffer, Resolution},
};

/// Pictures shown for this long or less are shown for [`USUAL_DELAY`], as browsers do.
const LEAST_DELAY: Duration = Duration::from_millis(10);

/// For pictures that do not say how long they are shown.
const USUAL_DELAY: Duration = Duration::from_millis(100);

/// A playing animation.
pub(in crate::capture) struct AnimationSource {
    info: SourceInfo,
    path: PathBuf,
    format: ImageFormat,
    /// Pictures that were decoded to know that there is one more, next one first.
    ahead: VecDeque<image::Frame>,
    rest: Frames<'static>,
    /// Whether `rest` is at its end or damaged.
    is_over: bool,
    /// Number and time of the picture to come.
    next_number: u64,
    next_time: Duration,
}

/// Opens a GIF or WebP file as an animation; `None` if it is a still picture, or damaged before its second one.
pub(in crate::capture) fn open(
    path: &Path,
    format: ImageFormat,
) -> Result<Option<AnimationSource>, CaptureError> {
    let file = File::open(path).map_err(|err| CaptureError::read(path, err))?;
    let Ok(Some(mut frames)) = frames(BufReader::new(file), format) else {
        return Ok(None);
    };
    let (Some(Ok(first)), Some(Ok(second))) = (frames.next(), frames.next()) else {
        return Ok(None);
    };
    let (width, height) = first.buffer().dimensions();
    let delays = delays(path, format);
    Ok(Some(AnimationSource {
        info: SourceInfo {
            name: name(path),
            kind: SourceKind::File,
            resolution: Resolution::new(width, height),
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

/// The stored delays of all pictures; `None` if the file is damaged.
fn delays(path: &Path, format: ImageFormat) -> Option<Vec<Duration>> {
    let mut file = BufReader::new(File::open(path).ok()?);
    match format {
        ImageFormat::Gif => gif_delays(&mut file).ok(),
        ImageFormat::WebP => webp_delays(&mut file).ok(),
        _ => None,
    }
}

fn frames(reader: BufReader<File>, format: ImageFormat) -> ImageResult<Option<Frames<'static>>> {
    Ok(match format {
        ImageFormat::Gif => Some(GifDecoder::new(reader)?.into_frames()),
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(reader)?;
            decoder.has_animation().then(|| decoder.into_frames())
        }
        _ => None,
    })
}

fn delay(frame: &image::Frame) -> Duration {
    shown_for(Duration::from(frame.delay()))
}

fn shown_for(delay: Duration) -> Duration {
    if delay <= LEAST_DELAY {
        USUAL_DELAY
    } else {
        delay
    }
}

impl AnimationSource {
    /// The picture to come, decoded; `None` at the end or where the file is damaged.
    fn decode(&mut self) -> Option<image::Frame> {
        if let Some(picture) = self.ahead.pop_front() {
            return Some(picture);
        }
        if self.is_over {
            return None;
        }
        match self.rest.next() {
            Some(Ok(picture)) => return Some(picture),
            Some(Err(err)) => log::warn!(
                "{}: ends after {} pictures, the rest is damaged ({err})",
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
        let frames = frames(BufReader::new(file), self.format).ok().flatten();
        self.rest = frames.ok_or_else(|| CaptureError::Unsupported {
            path: self.path.clone(),
            reason: "it has changed while it was open".to_owned(),
        })?;
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
        let Some(picture) = self.decode() else {
            return Ok(None);
        };
        let id = FrameId(self.next_number);
        let time = self.next_time;
        self.next_number += 1;
        self.next_time += delay(&picture);
        let mut picture = picture.into_buffer();
        lay_over_white(&mut picture);
        let resolution = Resolution::new(picture.width(), picture.height());
        let rgba = PooledBuffer::from(picture.into_raw());
        Ok(Some(Frame::new(id, Instant::now(), time, resolution, rgba)))
    }

    /// Pictures build on each other, so the way back leads through the beginning.
    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        if time < self.next_time {
            self.restart()?;
        }
        let mut picture = match self.decode() {
            Some(picture) => picture,
            None => {
                self.restart()?;
                match self.decode() {
                    Some(picture) => picture,
                    None => return Ok(true),
                }
            }
        };
        while let Some(following) = self.decode() {
            let ends_at = self.next_time + delay(&picture);
            if ends_at > time {
                self.ahead.push_front(following);
                break;
            }
            self.next_number += 1;
            self.next_time = ends_at;
            picture = following;
        }
        self.ahead.push_front(picture);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use image::{Delay, Rgba, RgbaImage, codecs::gif::GifEncoder};

    use super::*;

    fn gif(folder: &Path, delays_ms: &[u64]) -> std::path::PathBuf {
        let path = folder.join("a.gif");
        let mut encoder = GifEncoder::new(File::create(&path).unwrap());
        for (i, delay) in delays_ms.iter().enumerate() {
            let picture = RgbaImage::from_pixel(5, 3, Rgba([i as u8 * 50, 0, 0, 255]));
            let delay = Delay::from_saturating_duration(Duration::from_millis(*delay));
            encoder
                .encode_frame(image::Frame::from_parts(picture, 0, 0, delay))
                .unwrap();
        }
        path
    }

    fn play(source: &mut AnimationSource) -> Vec<(u64, u128, u8)> {
        let pool = FramePool::default();
        std::iter::from_fn(|| source.next_frame(&pool).unwrap())
            .map(|frame| (frame.id.0, frame.time.as_millis(), frame.rgba()[0]))
            .collect()
    }

    #[test]
    fn delays_become_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = gif(folder.path(), &[50, 0, 250, 40]);
        let mut source = open(&path, ImageFormat::Gif).unwrap().unwrap();
        assert_eq!(source.info().resolution, Resolution::new(5, 3));
        assert_eq!(
            play(&mut source),
            [(0, 0, 0), (1, 50, 50), (2, 150, 100), (3, 400, 150)]
        );
        assert!(source.next_frame(&FramePool::default()).unwrap().is_none());
    }

    #[test]
    fn any_place_can_be_gone_to_from_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = gif(folder.path(), &[50, 0, 250, 40]);
        let mut source = open(&path, ImageFormat::Gif).unwrap().unwrap();
        assert_eq!(source.info().n_frames, Some(4));
        assert_eq!(source.info().duration, Some(Duration::from_millis(440)));
        let all = play(&mut source);
        let ends = [50, 150, 400, 440];
        for time_ms in [0, 49, 50, 399, 400, 440, 9999, 120, 10, 9999] {
            let time = Duration::from_millis(time_ms);
            assert!(source.seek(time).unwrap());
            let place = ends.iter().take(3).filter(|end| **end <= time_ms).count();
            // Sometimes from within, sometimes from the end.
            if time_ms % 2 == 0 {
                assert_eq!(play(&mut source), all[place..], "{time_ms} ms");
            } else {
                let frame = source.next_frame(&FramePool::default()).unwrap().unwrap();
                assert_eq!(frame.id.0, place as u64, "{time_ms} ms");
            }
        }
    }

    #[test]
    fn one_picture_is_no_animation() {
        let folder = tempfile::tempdir().unwrap();
        let path = gif(folder.path(), &[50]);
        assert!(open(&path, ImageFormat::Gif).unwrap().is_none());
        let path = folder.path().join("still.webp");
        RgbaImage::new(4, 4).save(&path).unwrap();
        assert!(open(&path, ImageFormat::WebP).unwrap().is_none());
    }

    #[test]
    fn a_cut_animation_ends_early() {
        let folder = tempfile::tempdir().unwrap();
        let path = gif(folder.path(), &[50; 6]);
        let whole = std::fs::read(&path).unwrap();
        let mut fewer = 0;
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            if let Some(mut source) = open(&path, ImageFormat::Gif).unwrap() {
                let n_frames = play(&mut source).len();
                assert!((2..=6).contains(&n_frames));
                fewer += usize::from(n_frames < 6);
            }
        }
        assert!(fewer > 0);
    }
}
