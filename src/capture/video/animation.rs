//! Animated GIF and WebP pictures as video.
//!
//! Each picture says how long it is shown, and many say "0", which no viewer takes literally.

use std::{
    fs::File,
    io::BufReader,
    path::Path,
    time::{Duration, Instant},
};

use image::{
    AnimationDecoder, Frames, ImageFormat, ImageResult,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};

use crate::{
    capture::{
        CaptureError, FrameSource, SourceInfo, SourceKind,
        images::{lay_over_white, name},
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
    /// The first two pictures, read to know that there is more than one.
    ahead: std::vec::IntoIter<image::Frame>,
    rest: Frames<'static>,
    n_frames: u64,
    time: Duration,
    is_over: bool,
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
    Ok(Some(AnimationSource {
        info: SourceInfo {
            name: name(path),
            kind: SourceKind::File,
            resolution: Resolution::new(width, height),
            rate_hz: Some(1.0 / delay(&first).as_secs_f64()),
            n_frames: None,
            duration: None,
            format: format!("{format:?}"),
            mirror_by_default: false,
        },
        ahead: vec![first, second].into_iter(),
        rest: frames,
        n_frames: 0,
        time: Duration::ZERO,
        is_over: false,
    }))
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
    let delay = Duration::from(frame.delay());
    if delay <= LEAST_DELAY {
        USUAL_DELAY
    } else {
        delay
    }
}

impl FrameSource for AnimationSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        if self.is_over {
            return Ok(None);
        }
        let picture = match self.ahead.next().map(Ok).or_else(|| self.rest.next()) {
            Some(Ok(picture)) => picture,
            Some(Err(err)) => {
                log::warn!(
                    "{}: ends after {} pictures, the rest is damaged ({err})",
                    self.info.name,
                    self.n_frames
                );
                self.is_over = true;
                return Ok(None);
            }
            None => {
                self.is_over = true;
                return Ok(None);
            }
        };
        let id = FrameId(self.n_frames);
        let time = self.time;
        self.n_frames += 1;
        self.time += delay(&picture);
        let mut picture = picture.into_buffer();
        lay_over_white(&mut picture);
        let resolution = Resolution::new(picture.width(), picture.height());
        let rgba = PooledBuffer::from(picture.into_raw());
        Ok(Some(Frame::new(id, Instant::now(), time, resolution, rgba)))
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
