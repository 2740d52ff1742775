//! Random augmentation of training images, and the fixed views and kinds of damage for evaluation.
//!
//! Flip, rotation and crop are composed into one map, so the image is resampled only once: every resampling blurs.

mod camera;
mod config;
mod corruption;
mod equalize;
mod erase;
pub mod mixup;
mod occlusion;
mod off;
mod pose;
mod resample;
mod views;

pub use self::{
    camera::{BlurConfig, CameraConfig, JpegConfig, LightConfig, NoiseConfig, ResolutionConfig},
    config::AugmentConfig,
    corruption::{CORRUPTIONS, Corruption},
    erase::{CutoutConfig, EraseConfig},
    occlusion::{FacePart, OcclusionConfig},
    pose::{BoxNoiseConfig, TiltConfig},
    resample::{BorderMode, Normalization},
    views::{ImagePart, View, ViewSet},
};

#[cfg(test)]
mod tests;
