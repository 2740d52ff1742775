//! Photographs: unchanged, and made dark, blurred or small.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use fervis::{
    capture::{self, SourceSpec},
    expression::Expression,
    frame::{Frame, FramePool, RGBA_BYTES, Resolution},
    oriented_box::OrientedBox,
};
use image::{RgbaImage, imageops};

use super::reader::{ExpressionReader, Tally};
use crate::{evaluate::framing::still, random::SplitMix64};

/// What is done to a photograph before it is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Damage {
    /// Nothing.
    None,
    /// The levels are multiplied by `gain`, then normal noise is added.
    Dark {
        /// Factor of the levels.
        gain: f32,
        /// Standard deviation of the noise, in levels of 255.
        noise: f32,
    },
    /// Gaussian blur, after the face was scaled to 160 px in a frame of 1280×720.
    Blur {
        /// Standard deviation, px.
        sigma_px: f32,
    },
    /// The face is scaled to this size in a frame of 1280×720 that repeats the border of the photograph.
    Small {
        /// Side of the face box, px.
        face_px: f32,
    },
}

/// Side of the faces that are blurred, px; the same as in earlier measurements.
const BLURRED_FACE_PX: f32 = 160.0;

/// The size of the frames with scaled faces.
const FRAME: Resolution = Resolution::new(1280, 720);

/// Photographs with their expressions, from the table `labels.csv` in `folder` (columns `image` and `expression`).
///
/// # Errors
/// If the table cannot be read or has an unknown expression.
pub fn read_labels(folder: &Path) -> Result<Vec<(PathBuf, Expression)>> {
    let table = folder.join("labels.csv");
    let mut reader =
        csv::Reader::from_path(&table).with_context(|| format!("reading {}", table.display()))?;
    let mut photos = Vec::new();
    for record in reader.records() {
        let record = record?;
        let (Some(image), Some(name)) = (record.get(0), record.get(1)) else {
            bail!(
                "{}: a row has fewer than two columns; it needs an image and an expression",
                table.display()
            );
        };
        let expression = Expression::ALL.into_iter().find(|e| e.name() == name);
        let expression = expression.with_context(|| {
            format!(
                "{}: “{name}” is not one of the seven expressions",
                table.display()
            )
        })?;
        photos.push((folder.join(image), expression));
    }
    ensure!(
        !photos.is_empty(),
        "{}: no photographs listed",
        table.display()
    );
    Ok(photos)
}

/// Measures photographs, each damaged in the same way.
///
/// # Errors
/// If a photograph cannot be read, or the network fails.
pub fn measure_photos(
    reader: &mut ExpressionReader<'_>,
    photos: &[(PathBuf, Expression)],
    damage: Damage,
) -> Result<Tally> {
    let mut tally = Tally::default();
    for (number, (path, label)) in photos.iter().enumerate() {
        let clean = open(path)?;
        let frame = match damage {
            Damage::None => clean,
            Damage::Dark { gain, noise } => darkened(&clean, gain, noise, number as u64),
            // If no face is found in the unchanged photograph, it is assumed to fill it: press photographs are cropped
            // around one.
            Damage::Blur { sigma_px } => {
                let face = face_of(reader, &clean);
                blurred(&placed(&clean, &face, BLURRED_FACE_PX), sigma_px)
            }
            Damage::Small { face_px } => {
                let face = face_of(reader, &clean);
                placed(&clean, &face, face_px)
            }
        };
        let read = reader.read(&frame)?;
        tally.add(read.is_some(), read.is_some_and(|(_, seen)| seen == *label));
    }
    Ok(tally)
}

/// Counts false faces in pictures without faces: the number of pictures, and those in which a face was found.
///
/// # Errors
/// If the folder or a picture cannot be read.
pub fn count_false_faces(
    reader: &mut ExpressionReader<'_>,
    folder: &Path,
) -> Result<(usize, Vec<PathBuf>)> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    let mut wrong = Vec::new();
    for path in &paths {
        if !reader.faces(&open(path)?).is_empty() {
            wrong.push(path.clone());
        }
    }
    Ok((paths.len(), wrong))
}

fn open(path: &Path) -> Result<Frame> {
    let mut source = capture::open_to_end(&SourceSpec::Path(path.to_owned()))?;
    let frame = source.next_frame(&FramePool::default())?;
    frame.with_context(|| format!("{}: no image in this file", path.display()))
}

fn face_of(reader: &mut ExpressionReader<'_>, frame: &Frame) -> OrientedBox {
    let faces = reader.faces(frame);
    let width = |face: &fervis::detect::TrackedFace| face.box_in_frame.width;
    let largest = faces.iter().max_by(|a, b| width(a).total_cmp(&width(b)));
    match largest {
        Some(face) => OrientedBox::upright(face.box_in_frame.center(), face.box_in_frame.width),
        None => {
            let size = frame.resolution();
            let (width, height) = (size.width_px as f32, size.height_px as f32);
            OrientedBox::upright((width / 2.0, height / 2.0), 0.6 * width.min(height))
        }
    }
}

fn darkened(frame: &Frame, gain: f32, noise: f32, seed: u64) -> Frame {
    let mut rng = SplitMix64::from_key(&[2013, seed]);
    let mut rgba = frame.rgba().to_vec();
    for pixel in rgba.chunks_exact_mut(RGBA_BYTES) {
        for value in &mut pixel[..3] {
            // The sum of twelve uniform numbers is nearly normal.
            let normal = (0..12).map(|_| rng.unit()).sum::<f32>() - 6.0;
            *value = (f32::from(*value) * gain + noise * normal)
                .round()
                .clamp(0.0, 255.0) as u8;
        }
    }
    still(frame.resolution(), rgba)
}

fn blurred(frame: &Frame, sigma_px: f32) -> Frame {
    let size = frame.resolution();
    let image = RgbaImage::from_raw(size.width_px, size.height_px, frame.rgba().to_vec());
    let image = image.expect("a frame's bytes fit its size");
    still(size, imageops::blur(&image, sigma_px).into_raw())
}

/// The photograph scaled so that its face has the side `face_px`, in a frame that is centered on the face and repeats the
/// photograph's border.
fn placed(photo: &Frame, face: &OrientedBox, face_px: f32) -> Frame {
    let scale = face.side / face_px;
    let size = photo.resolution();
    let taps = (scale.ceil() as usize).max(1);
    let pixels = photo.rgba().as_chunks::<RGBA_BYTES>().0;
    let index = |at: f32, n: u32| (at.max(0.0) as usize).min(n as usize - 1);
    let mut rgba = Vec::with_capacity(FRAME.n_pixels() * RGBA_BYTES);
    for y in 0..FRAME.height_px {
        for x in 0..FRAME.width_px {
            let mut sum = [0u32; RGBA_BYTES];
            for tap in 0..taps * taps {
                let part = |tap: usize| (tap as f32 + 0.5) / taps as f32;
                let (dx, dy) = (part(tap % taps), part(tap / taps));
                let from_x = face.x + (x as f32 + dx - 0.5 * FRAME.width_px as f32) * scale;
                let from_y = face.y + (y as f32 + dy - 0.5 * FRAME.height_px as f32) * scale;
                let row = index(from_y, size.height_px) * size.width_px as usize;
                let pixel = pixels[row + index(from_x, size.width_px)];
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u32::from(value);
                }
            }
            rgba.extend(sum.map(|sum| (sum / (taps * taps) as u32) as u8));
        }
    }
    still(FRAME, rgba)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern() -> Frame {
        let size = Resolution::new(40, 30);
        let rgba = (0..size.n_pixels()).flat_map(|at| [(at % 40) as u8 * 6, 100, 0, 255]);
        still(size, rgba.collect())
    }

    #[test]
    fn a_placed_photograph_is_centered_on_its_face_and_repeats_its_border() {
        let face = OrientedBox::upright((20.0, 15.0), 20.0);
        let frame = placed(&pattern(), &face, 40.0);
        let at = |x: usize, y: usize| frame.rgba()[(y * 1280 + x) * RGBA_BYTES];
        // Twice as large: a step of 6 every second pixel.
        assert_eq!(at(640, 360), 20 * 6);
        assert_eq!(at(642, 100), 21 * 6);
        assert_eq!((at(0, 0), at(1279, 719)), (0, 39 * 6));
    }

    #[test]
    fn dark_is_darker_and_seeded() {
        let photo = pattern();
        let mean = |frame: &Frame| {
            frame
                .rgba()
                .iter()
                .step_by(4)
                .map(|v| u64::from(*v))
                .sum::<u64>() as f64
                / 1200.0
        };
        let dark = darkened(&photo, 0.15, 3.0, 1);
        assert!((mean(&dark) / mean(&photo) - 0.15).abs() < 0.02);
        assert_eq!(dark.rgba(), darkened(&photo, 0.15, 3.0, 1).rgba());
        assert_ne!(dark.rgba(), darkened(&photo, 0.15, 3.0, 2).rgba());
    }

    #[test]
    fn labels_are_read_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("labels.csv");
        fs::write(&table, "image,expression\na.jpg,happy\n").unwrap();
        let labels = read_labels(folder.path()).unwrap();
        assert_eq!(labels, [(folder.path().join("a.jpg"), Expression::Happy)]);
        fs::write(&table, "image,expression\na.jpg,glad\n").unwrap();
        assert!(
            read_labels(folder.path())
                .unwrap_err()
                .to_string()
                .contains("“glad”")
        );
    }
}
