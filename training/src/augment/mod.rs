//! Random variations of a training image, and the fixed views of a test image.
//!
//! Flip, rotation and crop are composed into one map and the image is resampled once, since every resampling blurs.

mod camera;
mod config;
mod corruption;
mod equalize;
mod erase;
pub mod mixup;
mod occlusion;
mod pose;
mod resample;
mod views;

pub use self::{
    camera::{BlurConfig, CameraConfig, JpegConfig, LightConfig, NoiseConfig, ResolutionConfig},
    config::AugmentConfig,
    corruption::{CORRUPTIONS, Corruption},
    erase::{CutoutConfig, EraseConfig},
    occlusion::{OcclusionConfig, Region},
    pose::{BoxNoiseConfig, TiltConfig},
    resample::{Border, Normalization},
    views::{Part, View, Views},
};

#[cfg(test)]
mod tests;
