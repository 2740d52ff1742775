//! Triangles onto the pixels of a frame, on the CPU.
//!
//! egui turns everything, text too, into triangles with a color and a texture coordinate at each corner. Colors are
//! premultiplied with alpha and blended as they are stored (not in linear light). Triangles must be filled as a graphics
//! card fills them: a pixel belongs to a triangle if its center lies inside, and a center on the edge between two triangles
//! belongs to exactly one of them. With edges in floating point both triangles may take such a pixel, or neither, and a
//! translucent plate shows a line there. So corners are rounded to 1/256 px and edges are integers.

use std::ops::Range;

use egui::{Mesh, Pos2, Rect, epaint::Vertex};

use super::texture::Texture;
use crate::frame::{RGBA_BYTES, Resolution};

/// Steps per pixel that corners are rounded to.
const SUBPIXELS: i64 = 256;
/// Corners further out than this, px, are clamped to it: products of two such distances still fit an `i64`.
const FAR_PX: f32 = (1 << 20) as f32;

/// The pixels of a frame, to draw on.
pub struct Canvas<'a> {
    /// Rows top to bottom without padding, four bytes a pixel. Alpha does not change: frames are opaque.
    rgba: &'a mut [u8],
    width: i64,
    height: i64,
}

impl<'a> Canvas<'a> {
    /// Draws on `rgba`.
    ///
    /// # Panics
    /// If `rgba` is not exactly `resolution.n_pixels() * 4` bytes long.
    pub fn new(rgba: &'a mut [u8], resolution: Resolution) -> Self {
        assert_eq!(
            rgba.len(),
            resolution.n_pixels() * RGBA_BYTES,
            "an RGBA frame has four bytes a pixel"
        );
        Self {
            rgba,
            width: resolution.width_px.into(),
            height: resolution.height_px.into(),
        }
    }

    /// Fills the triangles of `mesh`, whose points are pixels, inside `clip`.
    pub fn draw_mesh(&mut self, mesh: &Mesh, clip: Rect, texture: &Texture) {
        let columns = pixels_between(clip.left(), clip.right(), self.width);
        let rows = pixels_between(clip.top(), clip.bottom(), self.height);
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |idx: usize| mesh.vertices.get(corners[idx] as usize);
            if let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2))
                && let Some(triangle) = Triangle::new([*a, *b, *c])
            {
                self.fill(&triangle, &columns, &rows, texture);
            }
        }
    }

    fn fill(
        &mut self,
        triangle: &Triangle,
        columns: &Range<i64>,
        rows: &Range<i64>,
        texture: &Texture,
    ) {
        let columns = intersection(columns, &triangle.columns);
        let shading = Shading::of(triangle, texture);
        for y in intersection(rows, &triangle.rows) {
            let span = triangle.span(y, columns.clone());
            if span.is_empty() {
                continue;
            }
            let byte = |x: i64| (y * self.width + x) as usize * RGBA_BYTES;
            let pixels = &mut self.rgba[byte(span.start)..byte(span.end)];
            match &shading {
                Shading::Flat(color) => fill_flat(pixels, *color),
                Shading::Varying(texel) => {
                    let (start, step) = triangle.gradient(span.start, y);
                    fill_varying(pixels, start, step, texture, *texel);
                }
            }
        }
    }
}

/// The pixels whose centers lie between two edges of a clip rectangle; egui rounds those to pixel borders.
fn pixels_between(from: f32, to: f32, n_pixels: i64) -> Range<i64> {
    let pixel = |edge: f32| (edge.round() as i64).clamp(0, n_pixels);
    pixel(from)..pixel(to)
}

fn intersection(a: &Range<i64>, b: &Range<i64>) -> Range<i64> {
    a.start.max(b.start)..a.end.min(b.end)
}

/// Where the pixels of a triangle get their color from.
enum Shading {
    /// One color, premultiplied.
    Flat([u8; 4]),
    /// Interpolated between the corners, times this texel, or the texture's color if `None`.
    Varying(Option<[f32; 4]>),
}

impl Shading {
    fn of(triangle: &Triangle, texture: &Texture) -> Self {
        let [a, b, c] = &triangle.corners;
        // Most shapes are not text: all their corners point to the texture's one white texel.
        let texel = (a.uv == b.uv && b.uv == c.uv).then(|| texture.nearest(a.uv));
        match texel {
            Some(texel) if a.color == b.color && b.color == c.color => {
                let color = a.color.to_array();
                let tinted = |channel| f32::from(color[channel]) * texel[channel];
                Self::Flat(std::array::from_fn(|channel| (tinted(channel) + 0.5) as u8))
            }
            texel => Self::Varying(texel),
        }
    }
}

/// What is interpolated across a triangle.
#[derive(Debug, Clone, Copy)]
struct Attributes {
    color: [f32; 4],
    uv: [f32; 2],
}

impl Attributes {
    fn of(vertex: &Vertex) -> Self {
        Self {
            color: vertex.color.to_array().map(f32::from),
            uv: [vertex.uv.x, vertex.uv.y],
        }
    }

    /// The weighted sum of the three corners.
    fn weighted(corners: &[Self; 3], weights: [f32; 3]) -> Self {
        let [a, b, c] = corners;
        let sum = |of: [f32; 3]| of[0] * weights[0] + of[1] * weights[1] + of[2] * weights[2];
        Self {
            color: std::array::from_fn(|idx| sum([a.color[idx], b.color[idx], c.color[idx]])),
            uv: std::array::from_fn(|idx| sum([a.uv[idx], b.uv[idx], c.uv[idx]])),
        }
    }

    fn advance(&mut self, step: &Self) {
        for (value, step) in self.color.iter_mut().zip(step.color) {
            *value += step;
        }
        for (value, step) in self.uv.iter_mut().zip(step.uv) {
            *value += step;
        }
    }
}

/// A triangle with its corners in clockwise order on the screen.
struct Triangle {
    corners: [Vertex; 3],
    attributes: [Attributes; 3],
    /// Each lies opposite the corner with the same index.
    edges: [Edge; 3],
    /// Twice the area, in squared subpixels; above 0.
    area: f32,
    /// Pixels that may lie inside.
    columns: Range<i64>,
    rows: Range<i64>,
}

impl Triangle {
    /// `None` if it has no area.
    fn new(mut corners: [Vertex; 3]) -> Option<Self> {
        let mut points = corners.map(|corner| Point::of(corner.pos));
        // egui's triangles come in either order.
        match points[0].cross(points[1], points[2]) {
            0 => return None,
            area if area < 0 => {
                corners.swap(1, 2);
                points.swap(1, 2);
            }
            _ => {}
        }
        let [a, b, c] = points;
        let covered = |values: [i64; 3]| {
            let [min, .., max] = {
                let mut sorted = values;
                sorted.sort_unstable();
                sorted
            };
            min.div_euclid(SUBPIXELS)..max.div_euclid(SUBPIXELS) + 1
        };
        Some(Self {
            attributes: [0, 1, 2].map(|idx: usize| Attributes::of(&corners[idx])),
            corners,
            edges: [Edge::new(b, c), Edge::new(c, a), Edge::new(a, b)],
            area: a.cross(b, c) as f32,
            columns: covered([a.x, b.x, c.x]),
            rows: covered([a.y, b.y, c.y]),
        })
    }

    /// The pixels of row `y` inside the triangle and `columns`.
    fn span(&self, y: i64, columns: Range<i64>) -> Range<i64> {
        self.edges
            .iter()
            .fold(columns, |columns, edge| edge.narrow(y, columns))
    }

    /// The attributes at the center of pixel `(x, y)`, and how they change from there to the next pixel on the right.
    fn gradient(&self, x: i64, y: i64) -> (Attributes, Attributes) {
        let weighted = |values: [i64; 3]| {
            let weights = values.map(|value| value as f32 / self.area);
            Attributes::weighted(&self.attributes, weights)
        };
        let [a, b, c] = &self.edges;
        (
            weighted([a.value(x, y), b.value(x, y), c.value(x, y)]),
            weighted([a.per_column, b.per_column, c.per_column]),
        )
    }
}

/// A position in subpixels.
#[derive(Debug, Clone, Copy)]
struct Point {
    x: i64,
    y: i64,
}

impl Point {
    fn of(pos: Pos2) -> Self {
        // Casts saturate; NaN becomes 0.
        let fixed = |px: f32| (px.clamp(-FAR_PX, FAR_PX) * SUBPIXELS as f32).round() as i64;
        Self {
            x: fixed(pos.x),
            y: fixed(pos.y),
        }
    }

    /// Twice the area of the triangle with `b` and `c`: above 0 if the three are in clockwise order on the screen.
    fn cross(self, b: Self, c: Self) -> i64 {
        (b.x - self.x) * (c.y - self.y) - (b.y - self.y) * (c.x - self.x)
    }
}

/// A directed edge as a function of the pixel, which is at least 0 on its inner side:
/// `per_column * x + per_row * y + offset` at the center of pixel `(x, y)`.
#[derive(Debug)]
struct Edge {
    per_column: i64,
    per_row: i64,
    offset: i64,
}

impl Edge {
    fn new(from: Point, to: Point) -> Self {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let center = SUBPIXELS / 2;
        // Centers on a left or a top edge are inside, on others outside. Two triangles traverse a shared edge in
        // opposite directions, so exactly one of them takes it.
        let is_left_or_top = dy < 0 || (dy == 0 && dx > 0);
        Self {
            per_column: -dy * SUBPIXELS,
            per_row: dx * SUBPIXELS,
            offset: dx * (center - from.y) - dy * (center - from.x) - i64::from(!is_left_or_top),
        }
    }

    fn value(&self, x: i64, y: i64) -> i64 {
        self.per_column * x + self.per_row * y + self.offset
    }

    /// The part of `columns` on the inner side in row `y`.
    fn narrow(&self, y: i64, columns: Range<i64>) -> Range<i64> {
        let at_zero = self.value(0, y);
        match self.per_column {
            0 if at_zero < 0 => columns.start..columns.start,
            0 => columns,
            slope if slope > 0 => {
                // The first column at or after -at_zero / slope.
                let first = -at_zero.div_euclid(slope);
                columns.start.max(first)..columns.end
            }
            slope => {
                let last = at_zero.div_euclid(-slope);
                columns.start..columns.end.min(last + 1)
            }
        }
    }
}

/// Blends one premultiplied color over all of `pixels`.
fn fill_flat(pixels: &mut [u8], color: [u8; 4]) {
    let [red, green, blue, alpha] = color;
    if alpha == 255 {
        for pixel in pixels.chunks_exact_mut(RGBA_BYTES) {
            pixel[..3].copy_from_slice(&[red, green, blue]);
        }
        return;
    }
    let remaining = u32::from(255 - alpha);
    for pixel in pixels.chunks_exact_mut(RGBA_BYTES) {
        for (below, above) in pixel.iter_mut().zip([red, green, blue]) {
            let below_share = (u32::from(*below) * remaining + 127) / 255;
            *below = (u32::from(above) + below_share).min(255) as u8;
        }
    }
}

/// Blends colors that change by `step` from pixel to pixel, times `texel`, or else the texture at their coordinates.
fn fill_varying(
    pixels: &mut [u8],
    mut at: Attributes,
    step: Attributes,
    texture: &Texture,
    texel: Option<[f32; 4]>,
) {
    for pixel in pixels.chunks_exact_mut(RGBA_BYTES) {
        let [u, v] = at.uv;
        let texel = texel.unwrap_or_else(|| texture.bilinear(Pos2::new(u, v)));
        let above: [f32; 4] = std::array::from_fn(|channel| at.color[channel] * texel[channel]);
        let remaining = 1.0 - above[3] / 255.0;
        for (below, above) in pixel.iter_mut().take(3).zip(above) {
            // Casts saturate, so rounding errors of the interpolation cannot wrap around.
            *below = (above + f32::from(*below) * remaining + 0.5) as u8;
        }
        at.advance(&step);
    }
}

#[cfg(test)]
mod tests {
    use egui::{Color32, pos2};
    use proptest::prelude::*;

    use super::*;

    const SIZE: Resolution = Resolution::new(24, 16);
    const EVERYWHERE: Rect = Rect::EVERYTHING;

    fn black() -> Vec<u8> {
        [0, 0, 0, 255].repeat(SIZE.n_pixels())
    }

    fn mesh(triangles: &[[Pos2; 3]], color: Color32) -> Mesh {
        let mut mesh = Mesh::default();
        for corners in triangles {
            for corner in corners {
                mesh.indices.push(mesh.vertices.len() as u32);
                mesh.colored_vertex(*corner, color);
            }
        }
        mesh
    }

    /// The red of each pixel after drawing on black.
    fn drawn(mesh: &Mesh, clip: Rect) -> Vec<u8> {
        let mut rgba = black();
        Canvas::new(&mut rgba, SIZE).draw_mesh(mesh, clip, &Texture::default());
        assert!(rgba.iter().skip(3).step_by(4).all(|&alpha| alpha == 255));
        rgba.iter().step_by(4).copied().collect()
    }

    /// Two triangles.
    fn rect(rect: Rect) -> [[Pos2; 3]; 2] {
        let [a, b, c, d] = [
            rect.left_top(),
            rect.right_top(),
            rect.right_bottom(),
            rect.left_bottom(),
        ];
        [[a, b, c], [a, c, d]]
    }

    #[test]
    fn a_pixel_is_filled_if_its_center_is_inside() {
        let check = |left, right, expected: Range<usize>| {
            let area = Rect::from_min_max(pos2(left, 3.0), pos2(right, 4.0));
            let reds = drawn(&mesh(&rect(area), Color32::WHITE), EVERYWHERE);
            for (at, red) in reds.into_iter().enumerate() {
                let (x, y) = (at % 24, at / 24);
                let inside = y == 3 && expected.contains(&x);
                assert_eq!(red == 255, inside, "{left} to {right}: {x}, {y}");
            }
        };
        check(2.0, 5.0, 2..5);
        check(2.4, 4.6, 2..5);
        check(2.6, 4.4, 3..4);
        // Centers on the left edge are inside, on the right edge outside.
        check(2.5, 4.5, 2..4);
        check(-1e30, 1e30, 0..24);
        check(f32::NAN, 3.0, 0..3);
    }

    #[test]
    fn nothing_is_drawn_outside_the_clip_rectangle() {
        let clip = Rect::from_min_max(pos2(4.0, 2.0), pos2(9.0, 5.0));
        let reds = drawn(&mesh(&rect(EVERYWHERE), Color32::WHITE), clip);
        let n_inside = reds.iter().filter(|&&red| red == 255).count();
        assert_eq!(n_inside, 5 * 3);
        assert_eq!(reds[2 * 24 + 4], 255);
        let nowhere = Rect::from_min_max(pos2(9.0, 5.0), pos2(4.0, 2.0));
        let reds = drawn(&mesh(&rect(EVERYWHERE), Color32::WHITE), nowhere);
        assert!(reds.iter().all(|&red| red == 0));
    }

    #[test]
    fn colors_are_blended_premultiplied_and_interpolated() {
        let half = Color32::from_rgba_premultiplied(100, 0, 0, 128);
        let mut rgba = [200, 200, 200, 255].repeat(SIZE.n_pixels());
        let area = Rect::from_min_max(pos2(0.0, 0.0), pos2(24.0, 16.0));
        let whole = mesh(&rect(area), half);
        Canvas::new(&mut rgba, SIZE).draw_mesh(&whole, EVERYWHERE, &Texture::default());
        // 200 * 127 / 255 = 99.6 remains of the ground.
        assert_eq!(rgba[..4], [200, 100, 100, 255]);

        let mut ramp = mesh(&rect(area), Color32::BLACK);
        for vertex in &mut ramp.vertices {
            vertex.color = Color32::from_gray((vertex.pos.x * 10.0) as u8);
        }
        for (at, red) in drawn(&ramp, EVERYWHERE).into_iter().enumerate() {
            let expected = ((at % 24) as f32 + 0.5) * 10.0;
            assert!((f32::from(red) - expected).abs() <= 1.0, "{at}: {red}");
        }
    }

    #[test]
    fn damaged_meshes_are_harmless() {
        let mut damaged = mesh(&rect(EVERYWHERE), Color32::WHITE);
        damaged.indices.extend([0, 1, 77, 0]);
        drawn(&damaged, EVERYWHERE);
    }

    fn anywhere() -> impl Strategy<Value = Pos2> {
        (-6.0f32..30.0, -6.0f32..22.0).prop_map(|(x, y)| pos2(x, y))
    }

    proptest! {
        /// Triangles around a point share all inner edges: together they cover each pixel of the rectangle once.
        #[test]
        fn triangles_that_meet_leave_no_gaps_and_do_not_overlap(
            center in anywhere(), on_grid in any::<bool>(),
        ) {
            // The hard case: centers of pixels on edges.
            let center = if on_grid { (center.to_vec2().round() + egui::vec2(0.5, 0.5)).to_pos2() } else { center };
            let area = Rect::from_min_max(pos2(-6.0, -6.0), pos2(30.0, 22.0));
            let [a, b, c, d] = [
                area.left_top(), area.right_top(), area.right_bottom(), area.left_bottom(),
            ];
            let fan = [[a, b, center], [c, b, center], [c, d, center], [a, center, d]];
            let ink = Color32::from_rgba_premultiplied(40, 40, 40, 0);
            let reds = drawn(&mesh(&fan, ink), EVERYWHERE);
            prop_assert!(reds.iter().all(|&red| red == 40), "{center}: {reds:?}");
        }

        #[test]
        fn any_triangle_fills_what_a_test_of_each_center_says(
            a in anywhere(), b in anywhere(), c in anywhere(),
        ) {
            let reds = drawn(&mesh(&[[a, b, c]], Color32::WHITE), EVERYWHERE);
            let side = |from: Pos2, to: Pos2, at: Pos2| {
                f64::from(to.x - from.x) * f64::from(at.y - from.y)
                    - f64::from(to.y - from.y) * f64::from(at.x - from.x)
            };
            for (idx, red) in reds.into_iter().enumerate() {
                let at = pos2((idx % 24) as f32 + 0.5, (idx / 24) as f32 + 0.5);
                let sides = [side(a, b, at), side(b, c, at), side(c, a, at)];
                // Corners are rounded by up to 1/512 px: near an edge both answers are right.
                if sides.iter().all(|side| side.abs() > 0.3) {
                    let inside = sides.iter().all(|side| *side > 0.0)
                        || sides.iter().all(|side| *side < 0.0);
                    prop_assert_eq!(red == 255, inside, "{}", at);
                }
            }
        }

        #[test]
        fn no_corner_makes_it_panic_or_write_outside(
            corners in prop::array::uniform3((any::<f32>(), any::<f32>())),
        ) {
            let corners = corners.map(|(x, y)| pos2(x, y));
            drawn(&mesh(&[corners], Color32::WHITE), EVERYWHERE);
        }
    }
}
