//! What travels through the pipeline: a frame with its number and its capture time.
//!
//! A [`Frame`] is RGBA because textures and video encoders want RGBA. Luma is computed only where it is needed: a
//! small copy for detection, and the face crops for classification. The pixels come from a [`FramePool`] and return to
//! it when the last `Arc<Frame>` is dropped, because a fresh 1280×720 buffer costs about a millisecond of page faults.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};

/// Bytes per pixel: red, green, blue, alpha.
pub const RGBA_BYTES: usize = 4;

/// How many idle buffers a pool keeps. The pipeline holds at most seven: one being captured, one in each of three
/// mailboxes, one in each of three stages.
const POOLED_BUFFERS: usize = 8;

/// Number of a frame within its source, from 0, counting every captured frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameId(pub u64);

/// Size of a frame or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Resolution {
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
}

impl Resolution {
    /// A size in px.
    pub const fn new(width_px: u32, height_px: u32) -> Self {
        Self {
            width_px,
            height_px,
        }
    }

    /// Width times height.
    pub const fn n_pixels(self) -> usize {
        self.width_px as usize * self.height_px as usize
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width_px, self.height_px)
    }
}

/// One frame of a source.
pub struct Frame {
    /// Number within the source.
    pub id: FrameId,
    /// When it was captured: for a camera, by its driver's clock, or if the driver has none, when the driver delivered it.
    /// For a file, when it was read.
    pub captured_at: Instant,
    /// Media time since the source's first frame: capture time for a camera, presentation time for a file.
    pub time: Duration,
    /// Whether it is a still image rather than part of a stream. A still is worth more time, because no other frame shows
    /// the same faces.
    pub is_still: bool,
    /// Name of the image file; `None` for a frame of a camera or a video.
    pub file: Option<Arc<str>>,
    /// Its size in the file, upright. It is larger than the frame if the image had too many pixels and was reduced.
    pub full_resolution: Resolution,
    resolution: Resolution,
    rgba: PooledBuffer,
}

impl Frame {
    /// Wraps a filled buffer of a stream, in full size.
    ///
    /// # Panics
    /// If `rgba` is not exactly `resolution.n_pixels() * 4` bytes long, or if the frame is empty. Sources check both.
    pub fn new(
        id: FrameId,
        captured_at: Instant,
        time: Duration,
        resolution: Resolution,
        rgba: PooledBuffer,
    ) -> Self {
        assert!(resolution.n_pixels() > 0, "a frame has pixels");
        assert_eq!(
            rgba.len(),
            resolution.n_pixels() * RGBA_BYTES,
            "an RGBA frame has four bytes per pixel"
        );
        Self {
            id,
            captured_at,
            time,
            is_still: false,
            file: None,
            full_resolution: resolution,
            resolution,
            rgba,
        }
    }

    /// The same frame as a still image.
    pub fn into_still(self) -> Self {
        Self {
            is_still: true,
            ..self
        }
    }

    /// Size, px.
    pub fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// The pixels: rows from top to bottom without padding, four bytes per pixel, alpha 255.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("id", &self.id)
            .field("time", &self.time)
            .field("resolution", &self.resolution)
            .finish_non_exhaustive()
    }
}

/// Recycles frame buffers. Clones share the same idle buffers.
#[derive(Clone)]
pub struct FramePool {
    returned: Sender<Vec<u8>>,
    idle: Receiver<Vec<u8>>,
}

impl Default for FramePool {
    fn default() -> Self {
        let (returned, idle) = crossbeam_channel::bounded(POOLED_BUFFERS);
        Self { returned, idle }
    }
}

impl FramePool {
    /// A buffer for a frame of `resolution`. Its content is unspecified, so overwrite all of it.
    pub fn buffer(&self, resolution: Resolution) -> PooledBuffer {
        let mut bytes = self.idle.try_recv().unwrap_or_default();
        bytes.resize(resolution.n_pixels() * RGBA_BYTES, 255);
        PooledBuffer {
            bytes,
            pool: Some(self.returned.clone()),
        }
    }
}

/// Bytes that return to their [`FramePool`] when dropped.
pub struct PooledBuffer {
    bytes: Vec<u8>,
    pool: Option<Sender<Vec<u8>>>,
}

impl From<Vec<u8>> for PooledBuffer {
    /// A buffer that belongs to no pool, for still images and tests.
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, pool: None }
    }
}

impl std::ops::Deref for PooledBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::ops::DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            // A full pool does not need the buffer, for example after a change of resolution.
            pool.try_send(std::mem::take(&mut self.bytes)).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_frame_returns_its_buffer() {
        let pool = FramePool::default();
        let size = Resolution::new(4, 2);
        let buffer = pool.buffer(size);
        let address = buffer.as_ptr();
        drop(Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            size,
            buffer,
        ));
        assert_eq!(pool.buffer(size).as_ptr(), address);
    }

    #[test]
    fn a_pool_survives_a_change_of_size() {
        let pool = FramePool::default();
        drop(pool.buffer(Resolution::new(4, 4)));
        assert_eq!(pool.buffer(Resolution::new(2, 2)).len(), 16);
        assert_eq!(pool.buffer(Resolution::new(8, 8)).len(), 256);
    }
}
