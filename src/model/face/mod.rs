//! Two small networks that find faces and their landmarks, on one thread of the CPU.
//!
//! [`ShortRange`] (MediaPipe's BlazeFace, Bazarevsky et al. 2019, arXiv:1907.05047) proposes faces in a square image,
//! with six key points each. [`FaceMesh`] (Kartynnik et al. 2019, arXiv:1907.06724) takes a square around one face and
//! returns 468 points and the probability that there is a face. The weights are MediaPipe's, unchanged; `assets/README.md`
//! says where they come from.
//!
//! Inputs are plain slices, so that a sampler writes straight into a buffer that is reused for each frame.

#[cfg(test)]
mod golden;
mod layers;
mod mesh;
mod proposal;
mod short_range;

pub use mesh::{FaceMesh, Mesh, N_POINTS};
pub use proposal::{N_KEY_POINTS, Proposal, suppress};
pub use short_range::ShortRange;
