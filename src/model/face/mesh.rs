//! The landmark network: MediaPipe's face mesh, 468 points.
//!
//! ```text
//! (192, 192, 3) ─ conv 3×3 16, stride 2 → PReLU ─ blocks 16 16 │ 32 32 32 │ 64 64 64 │ 128 128 128 │ 128 128 128
//!     points: │ 128 128 128 ─ pointwise 32 → PReLU ─ 32 ─ whole image 1404                                 (│: stride 2)
//!     flag:   │ 128 ─ pointwise 32 → PReLU ─ 32 ─ whole image 1
//! ```

use super::layers::{Weights, run_blocks, sigmoid};
use crate::model::kernels::{Buffers, Image, Pointwise, Separable, Stem};

static WEIGHTS: &[u8] = include_bytes!("../../../assets/face-mesh.safetensors");

/// Points of a mesh.
pub const N_POINTS: usize = 468;

/// Strides of the blocks.
const TRUNK: [usize; 14] = [1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1];
const POINTS: [usize; 3] = [2, 1, 1];
const FLAG: [usize; 1] = [2];

/// The result of the network for a square around a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mesh {
    /// MediaPipe's 468 points: x and y in pixels of the input, and z in the same unit, relative to the center of the head
    /// and smaller toward the camera.
    pub points: [[f32; 3]; N_POINTS],
    /// Probability that the input shows a face, 0 to 1.
    pub presence: f32,
}

/// Finds the points of one face in a square of 192×192 pixels.
pub struct FaceMesh {
    stem: Stem,
    trunk: Vec<Separable>,
    points: Branch,
    flag: Branch,
    trunk_out: Image,
    /// The input and the output of a layer, in turn.
    images: [Image; 2],
    buffers: Buffers,
}

/// From the output of the trunk to one output of the network.
struct Branch {
    blocks: Vec<Separable>,
    squeeze: Pointwise,
    last: Separable,
    head: Pointwise,
    out: Image,
}

impl FaceMesh {
    /// Pixels along a side of the input.
    pub const SIDE_PX: usize = 192;

    /// Finds the points of the face in `rgb`: 192×192 pixels of interleaved RGB, 0 to 1, row by row. The network expects an
    /// upright face with a margin of a quarter of its size.
    ///
    /// # Panics
    /// If `rgb` has another length.
    pub fn run(&mut self, rgb: &[f32]) -> Mesh {
        assert_eq!(
            rgb.len(),
            Self::SIDE_PX * Self::SIDE_PX * 3,
            "192×192 pixels of RGB"
        );
        let (images, buffers) = (&mut self.images, &mut self.buffers);
        self.stem.run(rgb, Self::SIDE_PX, &mut images[0], buffers); // (96, 96, 16)
        run_blocks(&self.trunk, images, buffers); // (6, 6, 128)
        std::mem::swap(&mut images[0], &mut self.trunk_out);
        for branch in [&mut self.points, &mut self.flag] {
            branch.run(&self.trunk_out, images, buffers);
        }
        let numbers = self.points.out.pixels().next().unwrap_or_default();
        let mut points = [[0.0; 3]; N_POINTS];
        points.as_flattened_mut().copy_from_slice(numbers);
        let flag = self.flag.out.pixels().next().unwrap_or_default();
        Mesh {
            points,
            presence: sigmoid(flag[0]),
        }
    }
}

impl Default for FaceMesh {
    /// Takes the bundled weights.
    fn default() -> Self {
        let weights = Weights::parse(WEIGHTS);
        let branch = |name: &str, strides: &[usize]| Branch {
            blocks: weights.blocks(&format!("{name}.block"), 1, strides),
            squeeze: weights.pointwise(&format!("{name}.squeeze")),
            last: weights.block(&format!("{name}.last"), 1),
            head: weights.pointwise(&format!("{name}.head")),
            out: Image::default(),
        };
        Self {
            stem: weights.stem("stem"),
            trunk: weights.blocks("block", 1, &TRUNK),
            points: branch("points", &POINTS),
            flag: branch("flag", &FLAG),
            trunk_out: Image::default(),
            images: Default::default(),
            buffers: Buffers::default(),
        }
    }
}

impl Branch {
    fn run(&mut self, trunk: &Image, images: &mut [Image; 2], buffers: &mut Buffers) {
        if let Some((first, others)) = self.blocks.split_first() {
            first.run(trunk, &mut images[0], buffers); // (3, 3, 128)
            run_blocks(others, images, buffers);
        }
        let [image, out] = images;
        self.squeeze.run(image, out, buffers); // (3, 3, 32)
        self.last.run(out, image, buffers);
        self.head.run_whole(image, &mut self.out); // (1, 1, 1404) or (1, 1, 1)
    }
}

#[cfg(test)]
mod tests;
