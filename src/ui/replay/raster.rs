//! Columns of probabilities as an image.
//!
//! Drawn as shapes, a lane of a thousand columns would be many thousand quads in every frame of the window. As a texture
//! it is one, drawn once, on another thread.

use std::ops::Range;

use egui::{Color32, ColorImage, Theme};

use crate::{
    expression::{Expression, Label, MAX_LABELS},
    pipeline::Shown,
    session::columns::Column,
    ui::colors,
};

/// How probabilities are drawn over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LaneStyle {
    /// Stacked: each as a share of the height.
    #[default]
    Areas,
    /// Each as a line.
    Lines,
}

/// How much gray there is in the colors of what has no name, 0 to 1.
const GRAY: f32 = 0.75;
/// Half the width of a line, px.
const HALF_LINE_PX: f32 = 0.9;

/// Draws a lane of `height_px` rows on a transparent ground; each column is one pixel wide.
pub fn lane(columns: &[Column], height_px: usize, style: LaneStyle, theme: Theme) -> ColorImage {
    let mut image = ColorImage::filled([columns.len(), height_px], Color32::TRANSPARENT);
    let Some(first) = columns.iter().find(|column| column.share > 0.0) else {
        return image;
    };
    let labels = first.mean.labels();
    let named: Vec<Color32> = labels
        .iter()
        .map(|label| colors::label(label, theme))
        .collect();
    // What has no name is nearly gray: enough is left to tell the values apart.
    let gray = colors::shown(Shown::Uncertain, theme);
    let not_named: Vec<Color32> = named.iter().map(|color| over(*color, gray, GRAY)).collect();
    let is_neutral = |label: &Label| label.expression() == Some(Expression::Neutral);
    let neutral = labels.iter().find(is_neutral).map(Label::index);
    let upwards: Vec<usize> = neutral
        .into_iter()
        .chain((0..labels.len()).filter(|label| Some(*label) != neutral))
        .collect();
    for (x, column) in columns.iter().enumerate() {
        if column.share == 0.0 {
            continue;
        }
        let colors = match column.is_named() {
            true => &named,
            false => &not_named,
        };
        match style {
            LaneStyle::Areas => areas(&mut image, x, column, &upwards, colors),
            LaneStyle::Lines => {
                let before = x.checked_sub(1).and_then(|x| columns.get(x));
                let before = before.filter(|before| before.share > 0.0);
                lines(&mut image, x, before.unwrap_or(column), column, colors);
            }
        }
    }
    image
}

/// The stretches of columns in which no label was shown, in order.
pub fn not_named(columns: &[Column]) -> impl Iterator<Item = Range<usize>> {
    let is_hatched = |column: &Column| column.share > 0.0 && !column.is_named();
    let mut at = 0;
    let chunks = columns.chunk_by(move |a, b| is_hatched(a) == is_hatched(b));
    chunks.filter_map(move |chunk| {
        let start = at;
        at += chunk.len();
        is_hatched(&chunk[0]).then_some(start..at)
    })
}

/// Stacks the labels `upwards`. Neutral is first if there is such a label: a face at rest makes a quiet floor.
fn areas(image: &mut ColorImage, x: usize, column: &Column, upwards: &[usize], colors: &[Color32]) {
    let height = image.height() as f32;
    let mut top = height;
    let mut tops = [0.0; MAX_LABELS];
    for (place, i) in tops.iter_mut().zip(upwards) {
        top = (top - column.mean[*i] * height).max(0.0);
        *place = top;
    }
    // Rounding may leave a gap above the last one; it belongs to it.
    tops[upwards.len() - 1] = 0.0;
    // From the top, each down to the bottom, so that no ground shows between two of them.
    for (i, top) in upwards.iter().zip(tops).rev() {
        fill(image, x, top, height, colors[*i]);
    }
}

/// Draws the most probable on top.
fn lines(image: &mut ColorImage, x: usize, before: &Column, column: &Column, colors: &[Color32]) {
    let height = image.height() as f32;
    let y = |value: f32| (1.0 - value) * (height - 2.0 * HALF_LINE_PX) + HALF_LINE_PX;
    let mut order: [usize; MAX_LABELS] = std::array::from_fn(|i| i);
    let order = &mut order[..colors.len()];
    order.sort_by(|a, b| column.mean[*a].total_cmp(&column.mean[*b]));
    for i in order.iter().copied() {
        let (from, to) = (y(before.mean[i]), y(column.mean[i]));
        fill(
            image,
            x,
            from.min(to) - HALF_LINE_PX,
            from.max(to) + HALF_LINE_PX,
            colors[i],
        );
    }
}

/// Fills a column from `top` to `bottom`, px, and blends the pixels at both ends by how much of them is covered.
fn fill(image: &mut ColorImage, x: usize, top: f32, bottom: f32, color: Color32) {
    let [width, height] = image.size;
    let top = top.max(0.0);
    let bottom = bottom.min(height as f32);
    let rows = top as usize..(bottom.ceil().max(0.0) as usize).min(height);
    for row in rows {
        let covered = bottom.min((row + 1) as f32) - top.max(row as f32);
        if covered <= 0.0 {
            continue;
        }
        let pixel = &mut image.pixels[row * width + x];
        *pixel = if covered >= 1.0 {
            color
        } else {
            over(*pixel, color, covered)
        };
    }
}

/// `color` over `ground`, covering 0 to 1 of the pixel.
fn over(ground: Color32, color: Color32, covered: f32) -> Color32 {
    let mix = |ground: u8, color: u8| {
        let value = f32::from(ground) * (1.0 - covered) + f32::from(color) * covered;
        value.round() as u8
    };
    Color32::from_rgba_premultiplied(
        mix(ground.r(), color.r()),
        mix(ground.g(), color.g()),
        mix(ground.b(), color.b()),
        mix(ground.a(), color.a()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(happy: f32, neutral: f32) -> Column {
        let mut column = Column {
            share: 1.0,
            named: 1.0,
            ..Column::default()
        };
        column.mean[Expression::Happy.index()] = happy;
        column.mean[Expression::Neutral.index()] = neutral;
        column
    }

    fn color(expression: Expression) -> Color32 {
        colors::label(expression.into(), Theme::Dark)
    }

    #[test]
    fn areas_fill_the_height_by_their_share() {
        let columns = [column(0.25, 0.75), Column::default(), column(1.0, 0.0)];
        let image = lane(&columns, 8, LaneStyle::Areas, Theme::Dark);
        assert_eq!(image.size, [3, 8]);
        for row in 0..8 {
            let pixel = |x: usize| image.pixels[row * 3 + x];
            let expected = if row < 2 {
                color(Expression::Happy)
            } else {
                color(Expression::Neutral)
            };
            assert_eq!(pixel(0), expected, "row {row}");
            assert_eq!(pixel(1), Color32::TRANSPARENT);
            assert_eq!(pixel(2), color(Expression::Happy));
        }
    }

    #[test]
    fn what_has_no_name_is_gray() {
        let unnamed = Column {
            named: 0.2,
            ..column(1.0, 0.0)
        };
        let columns = [
            column(1.0, 0.0),
            unnamed,
            unnamed,
            Column::default(),
            unnamed,
        ];
        let image = lane(&columns, 2, LaneStyle::Areas, Theme::Dark);
        assert_eq!(image[(0, 0)], color(Expression::Happy));
        let [r, g, b, _] = image[(1, 0)].to_array();
        let gray = |value: u8| (110..200).contains(&value);
        assert!(gray(r) && gray(g) && gray(b), "{r} {g} {b}");
        assert_eq!(not_named(&columns).collect::<Vec<_>>(), [1..3, 4..5]);
        assert_eq!(not_named(&[]).count(), 0);
    }

    #[test]
    fn lines_lie_at_their_value_and_join() {
        let columns = [column(0.0, 1.0), column(1.0, 0.0)];
        let image = lane(&columns, 40, LaneStyle::Lines, Theme::Dark);
        let at = |x: usize, row: usize| image.pixels[row * 2 + x];
        assert_eq!(at(0, 0), color(Expression::Neutral));
        assert_eq!(at(0, 20), Color32::TRANSPARENT);
        assert_eq!(at(1, 20), color(Expression::Happy), "on its way up");
        assert_eq!(at(1, 0), color(Expression::Happy));
    }

    #[test]
    fn no_columns_make_an_empty_image() {
        assert_eq!(lane(&[], 8, LaneStyle::Areas, Theme::Light).size, [0, 8]);
    }
}
