//! The glyph texture, in memory instead of on a graphics card.
//!
//! egui sends it whole only once: a glyph that is used for the first time comes as a patch, which must be applied before
//! anything is drawn with it.

use egui::{Color32, ColorImage, ImageData, Pos2, epaint::ImageDelta};

/// Premultiplied colors in rows from top to bottom; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Texture {
    image: ColorImage,
}

impl Default for Texture {
    /// One white texel, which leaves colors as they are.
    fn default() -> Self {
        Self {
            image: ColorImage::filled([1, 1], Color32::WHITE),
        }
    }
}

impl Texture {
    /// Replaces the texture, or a part of it if `delta` is a patch. What lies outside the texture is left out.
    pub fn apply(&mut self, delta: &ImageDelta) {
        let ImageData::Color(patch) = &delta.image;
        let Some([left, top]) = delta.pos else {
            if patch.width() > 0 && patch.height() > 0 {
                self.image = ColorImage::clone(patch);
            }
            return;
        };
        let [width, height] = self.image.size;
        if patch.width() == 0 || left >= width {
            return;
        }
        let n_columns = patch.width().min(width - left);
        let rows = self.image.pixels.chunks_exact_mut(width);
        for (target, source) in rows
            .take(height)
            .skip(top)
            .zip(patch.pixels.chunks_exact(patch.width()))
        {
            target[left..left + n_columns].copy_from_slice(&source[..n_columns]);
        }
    }

    /// The texel at `uv` (0 to 1 across the texture), each channel 0 to 1.
    pub fn nearest(&self, uv: Pos2) -> [f32; 4] {
        let [width, height] = self.image.size;
        // Casts saturate; NaN becomes 0.
        let column = (uv.x * width as f32) as usize;
        let row = (uv.y * height as f32) as usize;
        self.texel(column.min(width - 1), row.min(height - 1))
    }

    /// The color at `uv`, interpolated between the centers of four texels, each channel 0 to 1; edges extend outward.
    pub fn bilinear(&self, uv: Pos2) -> [f32; 4] {
        let [width, height] = self.image.size;
        let (left, right, x_share) = neighbors(uv.x, width);
        let (top, bottom, y_share) = neighbors(uv.y, height);
        let mix = |a: [f32; 4], b: [f32; 4], share: f32| -> [f32; 4] {
            std::array::from_fn(|channel| a[channel] + (b[channel] - a[channel]) * share)
        };
        mix(
            mix(self.texel(left, top), self.texel(right, top), x_share),
            mix(self.texel(left, bottom), self.texel(right, bottom), x_share),
            y_share,
        )
    }

    fn texel(&self, column: usize, row: usize) -> [f32; 4] {
        let texel = self.image.pixels[row * self.image.width() + column];
        texel.to_array().map(|value| f32::from(value) / 255.0)
    }
}

/// The two texels whose centers enclose `position` (0 to 1), and how far it lies from the first to the second, 0 to 1.
fn neighbors(position: f32, n_texels: usize) -> (usize, usize, f32) {
    let last = n_texels - 1;
    let at = (position * n_texels as f32 - 0.5).clamp(0.0, last as f32);
    let first = (at as usize).min(last);
    (first, (first + 1).min(last), at - first as f32)
}

#[cfg(test)]
mod tests {
    use egui::{TextureOptions, pos2};

    use super::*;

    fn image(size: [usize; 2], grays: &[u8]) -> ColorImage {
        let pixels = grays.iter().map(|&gray| Color32::from_gray(gray));
        ColorImage::new(size, pixels.collect())
    }

    fn texture(size: [usize; 2], grays: &[u8]) -> Texture {
        let mut texture = Texture::default();
        texture.apply(&ImageDelta::full(
            image(size, grays),
            TextureOptions::LINEAR,
        ));
        texture
    }

    fn reds(texture: &Texture) -> Vec<u8> {
        texture.image.pixels.iter().map(|texel| texel.r()).collect()
    }

    #[test]
    fn patches_land_where_they_belong_and_are_cut_at_the_edge() {
        let mut texture = texture([3, 2], &[0; 6]);
        let mut patch = |pos, size, grays: &[u8]| {
            texture.apply(&ImageDelta::partial(
                pos,
                image(size, grays),
                TextureOptions::LINEAR,
            ));
            reds(&texture)
        };
        assert_eq!(patch([1, 0], [2, 1], &[7, 8]), [0, 7, 8, 0, 0, 0]);
        assert_eq!(patch([2, 1], [2, 2], &[1, 2, 3, 4]), [0, 7, 8, 0, 0, 1]);
        assert_eq!(patch([9, 9], [1, 1], &[9]), [0, 7, 8, 0, 0, 1]);
    }

    #[test]
    fn colors_are_interpolated_between_the_centers_of_texels() {
        let texture = texture([2, 1], &[0, 200]);
        let check = |u: f32, expected: f32| {
            let [red, .., alpha] = texture.bilinear(pos2(u, 0.5));
            assert!((red * 255.0 - expected).abs() < 0.01, "{u}: {red}");
            assert_eq!(alpha, 1.0);
        };
        check(0.25, 0.0);
        check(0.5, 100.0);
        check(0.75, 200.0);
        check(-3.0, 0.0);
        check(3.0, 200.0);
        assert_eq!(texture.nearest(pos2(0.9, 9.0))[0], 200.0 / 255.0);
        assert_eq!(texture.nearest(pos2(f32::NAN, -1.0))[0], 0.0);
    }
}
