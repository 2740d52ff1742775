//! The input of a network: size, normalization, filter, and the square that is cut out.

use serde::{Deserialize, Serialize};

use crate::{bounding_box::BoundingBox, oriented_box::OrientedBox};

/// The input that a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Width of the input, px.
    pub width: usize,
    /// Height of the input, px.
    pub height: usize,
    /// 1 (luma), or 3 (planes of red, green and blue). Only ONNX networks take 3.
    pub channels: usize,
    /// Subtracted after pixels are scaled to 0 to 1.
    pub mean: f32,
    /// Divides the difference.
    pub std: f32,
    /// How the crop is resampled.
    pub resize_filter: ResizeFilter,
    /// The square that is cut out around the detector's box.
    pub crop: CropGeometry,
    /// The square that is cut out around a face with a mesh, rotated upright. `None`, as in older files, means that
    /// [`Self::crop`] is used for these faces too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upright_crop: Option<CropGeometry>,
}

/// A face to be cut out of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceRegion {
    /// The detector's box.
    pub box_in_frame: BoundingBox,
    /// The square around the face's mesh along the face's own axes, if there is a mesh.
    pub upright: Option<OrientedBox>,
}

impl From<BoundingBox> for FaceRegion {
    /// A face without a mesh.
    fn from(box_in_frame: BoundingBox) -> Self {
        Self {
            box_in_frame,
            upright: None,
        }
    }
}

impl InputSpec {
    /// FER-2013's own input, 48×48 luma, scaled to -1 to 1.
    pub const FER_2013: Self = Self {
        width: 48,
        height: 48,
        channels: 1,
        mean: 0.5,
        std: 0.5,
        resize_filter: ResizeFilter::Bilinear,
        crop: CropGeometry {
            scale: 1.0,
            shift_y: 0.0,
        },
        upright_crop: None,
    };

    /// The square that is cut out for a face.
    pub fn region(&self, face: &FaceRegion) -> OrientedBox {
        match (&self.upright_crop, &face.upright) {
            (Some(crop), Some(upright)) => upright.adjusted(0.0, crop.shift_y, crop.scale),
            _ => {
                let square = self.crop.region(&face.box_in_frame);
                OrientedBox::upright(square.center(), square.width)
            }
        }
    }

    /// Number of values of one input.
    pub fn n_values(&self) -> usize {
        self.width * self.height * self.channels
    }

    /// One value of luma or of a color, 0 to 255, as the network sees it.
    pub fn normalize(&self, value: f32) -> f32 {
        (value / 255.0 - self.mean) / self.std
    }
}

/// How a crop is resampled to the input size. When shrinking, all filters widen, so that no pixel is ignored. Sizes and
/// weights are those of the Pillow library (`Image.resize` with `box`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResizeFilter {
    /// The mean of the covered area.
    Box,
    /// A triangle.
    Bilinear,
    /// A cubic with a = -0.5.
    Bicubic,
}

/// The square to cut out, relative to the detector's box or to the square around a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CropGeometry {
    /// Side of the square over the longer side of the box.
    pub scale: f32,
    /// How far the center of the square is below the center of the box, along the face, in sides of the box.
    pub shift_y: f32,
}

impl CropGeometry {
    /// The square to cut out around a detector's box, frame px.
    pub fn region(&self, face: &BoundingBox) -> BoundingBox {
        let side = face.width.max(face.height);
        let (x, y) = face.center();
        BoundingBox::square_around((x, y + self.shift_y * side), side * self.scale)
    }
}
