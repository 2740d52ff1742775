//! Whether a JPEG is whole: walks its entropy-coded data to the last block, without producing pixels.
//!
//! Decoders made for viewing fill what is missing with gray and report success, so a frame that was cut on its
//! way from the camera, or a picture whose download stopped, looks like any other. An end marker proves nothing: some
//! cameras omit it, and tools that repair files append one. So what counts is whether every block has its code
//! words, in baseline, extended and progressive Huffman coding (ITU-T T.81). The walk costs a fraction of the decoding.
//!
//! Too *much* data is normal: the most common webcams (Logitech C270, C310, C910) leave a few stray bytes before a
//! restart marker in nearly every frame, which looks fine to anybody.

mod blocks;
mod headers;
mod huffman;
mod markers;
mod standard_tables;

#[cfg(test)]
mod tests;

use self::{
    blocks::walk_scan,
    headers::{Component, Frame, Scan, Tables},
    markers::{
        END_OF_IMAGE, HUFFMAN_TABLES, NUMBER_OF_LINES, QUANTIZATION_TABLES, RESTART_INTERVAL,
        START_OF_IMAGE, START_OF_SCAN, Segment, next_segment,
    },
};

pub(super) use self::standard_tables::with_standard_tables;

/// A hostile file may hold thousands of scans, each of which costs a pass over all blocks, here and in the decoder.
/// Encoders write about ten.
const MAX_SCANS: usize = 256;

/// Why a JPEG is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    /// The data ends before the last block.
    #[error("it is cut short")]
    Cut,
    /// The data cannot belong to an image.
    #[error("{0}")]
    Damaged(&'static str),
}

/// Walks through all scans of a JPEG.
///
/// The end marker may be missing and, in the single scan of a baseline image, the very last MCU. What follows the
/// end marker does not matter. Rare coding processes (arithmetic, lossless, hierarchical) and sizes beyond
/// [`limits`](super::limits) are accepted: the decoder has the last word on them.
///
/// # Errors
/// A [`Flaw`] if the image is not whole. A whole one may still fail to decode.
pub(super) fn check(data: &[u8]) -> Result<(), Flaw> {
    match Walk::new(data).run() {
        Ok(()) | Err(Stop::NotJudged) => Ok(()),
        Err(Stop::Flaw(flaw)) => Err(flaw),
    }
}

/// Why the walk ends early.
enum Stop {
    Flaw(Flaw),
    /// The data is of a kind that we do not judge.
    NotJudged,
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// What the headers have said so far.
struct Walk<'a> {
    data: &'a [u8],
    at: usize,
    tables: Tables,
    /// MCUs between two restart markers; 0 for none.
    restart_interval: usize,
    frame: Option<Frame>,
    n_scans: usize,
}

impl<'a> Walk<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            tables: Tables::default(),
            restart_interval: 0,
            frame: None,
            n_scans: 0,
        }
    }

    fn run(mut self) -> Result<(), Stop> {
        if !self.data.starts_with(&[0xFF, START_OF_IMAGE]) {
            return Err(Flaw::Damaged("it does not begin like JPEG data").into());
        }
        while let Some(segment) = next_segment(self.data, self.at) {
            let Segment {
                marker,
                content,
                end,
            } = segment;
            self.at = end;
            match marker {
                END_OF_IMAGE => return self.judge(Component::has_anything),
                0xC0..=0xC2 if self.frame.is_none() => {
                    self.frame = Some(Frame::parse(content, marker == 0xC2)?);
                }
                HUFFMAN_TABLES => self.tables.read_huffman(content)?,
                // Other coding processes, a second frame, and a height that comes later.
                0xC0..=0xCF | NUMBER_OF_LINES => return Err(Stop::NotJudged),
                QUANTIZATION_TABLES => self.tables.read_quantization(content),
                RESTART_INTERVAL => {
                    let interval = content.first_chunk().copied().unwrap_or_default();
                    self.restart_interval = u16::from_be_bytes(interval).into();
                }
                START_OF_SCAN => self.scan(content)?,
                _ => {}
            }
        }
        // Without an end marker, everything must have been there.
        self.judge(Component::has_everything)
    }

    /// Whether there is an image and `is_there` holds for each of its components.
    fn judge(&self, is_there: fn(&Component) -> bool) -> Result<(), Stop> {
        match &self.frame {
            Some(frame) if frame.components.iter().all(is_there) => Ok(()),
            _ => Err(Flaw::Cut.into()),
        }
    }

    fn scan(&mut self, header: &[u8]) -> Result<(), Stop> {
        self.n_scans += 1;
        if self.n_scans > MAX_SCANS {
            return Err(Flaw::Damaged("it has more scans than any image needs").into());
        }
        let Some(frame) = &mut self.frame else {
            return Err(Flaw::Damaged("its header is missing").into());
        };
        let scan = Scan::parse(header, frame)?;
        let interval = self.restart_interval;
        self.at = walk_scan(&scan, frame, &self.tables, interval, (self.data, self.at))?;
        for part in scan.parts {
            let known = &mut frame.components[part.component].known_from_bit;
            known[scan.first..=scan.last].fill(Some(scan.low_bit));
        }
        Ok(())
    }
}
