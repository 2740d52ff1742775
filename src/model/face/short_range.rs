//! The detection network: MediaPipe's BlazeFace for faces within two meters of the camera.
//!
//! ```text
//! (128, 128, 3) ─ conv 5×5 24, stride 2 → ReLU ─ blocks 24 28 │ 32 36 42 │ 48 56 64 72 80 88 │ 96 × 5    (│: stride 2)
//!     16×16 pixels of 88 ─ 2 scores, 2 × 16 numbers │ 8×8 pixels of 96 ─ 6 scores, 6 × 16 numbers        896 anchors
//! ```
//!
//! An anchor is the center of its pixel and has the size of the whole input, so an anchor's numbers are simply pixels of
//! the input. The network finds faces from about an eighth of the input's side.

use super::{
    layers::{Weights, run_blocks, sigmoid},
    proposal::{Proposal, suppress},
};
use crate::model::kernels::{Buffers, Image, Pointwise, Separable, Stem};

static WEIGHTS: &[u8] = include_bytes!("../../../assets/blazeface-short-range.safetensors");

/// Strides of the blocks up to the first head, and after it.
const FINE: [usize; 11] = [1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1];
const COARSE: [usize; 5] = [2, 1, 1, 1, 1];
/// Proposals that overlap by more than this mean the same face. MediaPipe's `min_suppression_threshold`.
const MAX_OVERLAP: f32 = 0.3;

/// Finds faces in a square of 128×128 pixels.
pub struct ShortRange {
    stem: Stem,
    fine: Vec<Separable>,
    coarse: Vec<Separable>,
    fine_head: Head,
    coarse_head: Head,
    /// The input and the output of a layer, in turn.
    images: [Image; 2],
    buffers: Buffers,
}

/// The scores and numbers of the anchors at one resolution.
struct Head {
    layer: Pointwise,
    n_anchors: usize,
    out: Image,
}

impl ShortRange {
    /// Pixels along a side of the input.
    pub const SIDE_PX: usize = 128;

    /// Finds faces in `rgb`: 128×128 pixels of interleaved RGB, -1 to 1, row by row. Returns one proposal for each face with
    /// a score of at least `min_score`, best first. MediaPipe's default `min_score` is 0.5.
    ///
    /// # Panics
    /// If `rgb` has another length.
    pub fn detect(&mut self, rgb: &[f32], min_score: f32) -> Vec<Proposal> {
        suppress(self.propose(rgb, min_score), MAX_OVERLAP)
    }

    /// As [`detect`](Self::detect), but returns all proposals for each face, unordered.
    ///
    /// # Panics
    /// If `rgb` has another length.
    pub fn propose(&mut self, rgb: &[f32], min_score: f32) -> Vec<Proposal> {
        self.run(rgb);
        let mut proposals = Vec::new();
        for head in [&self.fine_head, &self.coarse_head] {
            head.decode(min_score, &mut proposals);
        }
        proposals
    }

    fn run(&mut self, rgb: &[f32]) {
        assert_eq!(
            rgb.len(),
            Self::SIDE_PX * Self::SIDE_PX * 3,
            "128×128 pixels of RGB"
        );
        let (images, buffers) = (&mut self.images, &mut self.buffers);
        self.stem.run(rgb, Self::SIDE_PX, &mut images[0], buffers); // (64, 64, 24)
        run_blocks(&self.fine, images, buffers); // (16, 16, 88)
        let Head { layer, out, .. } = &mut self.fine_head;
        layer.run(&images[0], out, buffers);
        run_blocks(&self.coarse, images, buffers); // (8, 8, 96)
        let Head { layer, out, .. } = &mut self.coarse_head;
        layer.run(&images[0], out, buffers);
    }
}

impl Default for ShortRange {
    /// Takes the bundled weights.
    fn default() -> Self {
        let weights = Weights::parse(WEIGHTS);
        let head = |name: &str, n_anchors| Head {
            layer: weights.joined(&format!("{name}.score"), &format!("{name}.box")),
            n_anchors,
            out: Image::default(),
        };
        Self {
            stem: weights.stem("stem"),
            fine: weights.blocks("block", 1, &FINE),
            coarse: weights.blocks("block", 1 + FINE.len(), &COARSE),
            fine_head: head("head16", 2),
            coarse_head: head("head8", 6),
            images: Default::default(),
            buffers: Buffers::default(),
        }
    }
}

impl Head {
    fn decode(&self, min_score: f32, proposals: &mut Vec<Proposal>) {
        // Compared as logits, so that only kept proposals need an exponential. NaN is never kept.
        let min_logit = (min_score / (1.0 - min_score)).ln();
        for (index, pixel) in self.out.pixels().enumerate() {
            let (logits, numbers) = pixel.split_at(self.n_anchors);
            let (numbers, _) = numbers.as_chunks();
            for (&logit, numbers) in logits.iter().zip(numbers) {
                if logit >= min_logit && numbers.iter().all(|number| number.is_finite()) {
                    let anchor = anchor(index, self.out.width());
                    let proposal =
                        Proposal::decode(sigmoid(logit), numbers, anchor, ShortRange::SIDE_PX);
                    proposals.push(proposal);
                }
            }
        }
    }
}

/// The center of a pixel of a square image, as fractions of its side.
fn anchor(pixel: usize, side: usize) -> [f32; 2] {
    [pixel % side, pixel / side].map(|at| (at as f32 + 0.5) / side as f32)
}

#[cfg(test)]
mod tests;
