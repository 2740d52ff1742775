//! Crops against Pillow, rotated against upright crops, and odd regions.

use std::time::{Duration, Instant};

use super::*;
use crate::{
    bounding_box::BoundingBox,
    frame::{Frame, FrameId, Resolution},
    oriented_box::OrientedBox,
};

/// A gray frame whose luma at (x, y) is `value(x, y)`.
fn frame(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Frame {
    let rgba: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| [value(x, y), value(x, y), value(x, y), 255])
        .collect();
    Frame::new(
        FrameId(0),
        Instant::now(),
        Duration::ZERO,
        Resolution::new(width, height),
        rgba.into(),
    )
}

fn run(frame: &Frame, face: BoundingBox, spec: &InputSpec) -> Vec<f32> {
    run_region(frame, &face.into(), spec)
}

fn run_region(frame: &Frame, face: &FaceRegion, spec: &InputSpec) -> Vec<f32> {
    let mut out = Vec::new();
    Preprocessor::default().append(frame, face, spec, &mut out);
    assert_eq!(out.len(), spec.n_values());
    out
}

/// A rotated crop of a rotated image equals an upright crop of the upright image.
#[test]
fn a_rotated_face_is_cut_out_upright() {
    let spec = InputSpec {
        upright_crop: Some(CropGeometry {
            scale: 1.2,
            shift_y: 0.1,
        }),
        ..RAW
    };
    let level = |u: f32, v: f32| 128.0 + 60.0 * (u / 17.0).sin() + 50.0 * (v / 23.0).cos();
    for (roll_deg, side) in [(30.0f32, 200.0), (-75.0, 100.0), (160.0, 40.0)] {
        let (sin, cos) = roll_deg.to_radians().sin_cos();
        let rotated = frame(400, 400, |x, y| {
            let (dx, dy) = (x as f32 + 0.5 - 200.0, y as f32 + 0.5 - 200.0);
            level(cos * dx + sin * dy, -sin * dx + cos * dy) as u8
        });
        let straight = frame(400, 400, |x, y| {
            level(x as f32 + 0.5 - 200.0, y as f32 + 0.5 - 200.0) as u8
        });
        let face = |roll_deg| FaceRegion {
            box_in_frame: BoundingBox::default(),
            upright: Some(OrientedBox {
                roll_deg,
                ..OrientedBox::upright((200.0, 200.0), side)
            }),
        };
        let a = run_region(&rotated, &face(roll_deg), &spec);
        let b = run_region(&straight, &face(0.0), &spec);
        let worst = a
            .iter()
            .zip(&b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 3.0, "{worst} gray levels at {roll_deg}°");
    }
}

#[test]
fn without_a_mesh_or_a_geometry_for_it_the_box_is_used() {
    let face = FaceRegion {
        box_in_frame: BoundingBox::new(10.0, 10.0, 20.0, 20.0),
        upright: Some(OrientedBox {
            roll_deg: 40.0,
            ..OrientedBox::upright((70.0, 70.0), 30.0)
        }),
    };
    assert_eq!(RAW.region(&face), OrientedBox::upright((20.0, 20.0), 20.0));
    let spec = InputSpec {
        upright_crop: Some(CropGeometry {
            scale: 2.0,
            shift_y: 0.0,
        }),
        ..RAW
    };
    assert_eq!(
        (spec.region(&face).side, spec.region(&face).roll_deg),
        (60.0, 40.0)
    );
    let boxed = FaceRegion::from(face.box_in_frame);
    assert_eq!(
        spec.region(&boxed),
        OrientedBox::upright((20.0, 20.0), 20.0)
    );
}

const RAW: InputSpec = InputSpec {
    mean: 0.0,
    std: 1.0 / 255.0,
    ..InputSpec::FER_2013
};

fn pattern(x: u32, y: u32) -> u8 {
    ((x * 7 + y * 13 + x * y) % 256) as u8
}

#[test]
fn a_crop_of_the_input_size_is_the_frame_itself() {
    let frame = frame(48, 48, pattern);
    let out = run(
        &frame,
        BoundingBox::new(0.0, 0.0, 48.0, 48.0),
        &InputSpec::FER_2013,
    );
    for (index, value) in out.iter().enumerate() {
        let luma = f32::from(pattern(index as u32 % 48, index as u32 / 48));
        assert!((value - (luma / 127.5 - 1.0)).abs() < 1e-5);
    }
}

/// Golden values made with Pillow 13.0 and numpy:
///
/// ```python
/// from PIL import Image; import numpy as np
/// y, x = np.mgrid[0:90, 0:120]
/// image = Image.fromarray(((x * 7 + y * 13 + x * y) % 256).astype(np.float32), mode="F")
/// for name in ["BOX", "BILINEAR", "BICUBIC"]:
///     for box in [(10.5, 4.25, 82.5, 76.25), (30, 30, 50, 50)]:
///         out = np.asarray(image.resize((48, 48), getattr(Image, name), box=box))
///         print(name, box, [round(float(out[i, j]), 3) for i, j in [(0, 0), (5, 40), (24, 24), (47, 1), (47, 47)]])
/// ```
#[test]
fn agrees_with_pillow() {
    let frame = frame(120, 90, pattern);
    let check = |resize_filter, (x0, y0, x1, y1): (f32, f32, f32, f32), expected: [f32; 5]| {
        let spec = InputSpec {
            resize_filter,
            ..RAW
        };
        let out = run(&frame, BoundingBox::new(x0, y0, x1 - x0, y1 - y0), &spec);
        for ((row, column), expected) in [(0, 0), (5, 40), (24, 24), (47, 1), (47, 47)]
            .into_iter()
            .zip(expected)
        {
            let value = out[row * 48 + column];
            let expected = expected.clamp(0.0, 255.0); // Pillow's float images do not clip.
            assert!(
                (value - expected).abs() < 0.05,
                "{resize_filter:?} ({row}, {column}): {value} against {expected}"
            );
        }
    };
    GOLDEN
        .iter()
        .for_each(|(filter, region, expected)| check(*filter, *region, *expected));
}

type Golden = (ResizeFilter, (f32, f32, f32, f32), [f32; 5]);

const GOLDEN: [Golden; 6] = [
    (
        ResizeFilter::Box,
        (10.50, 4.25, 82.50, 76.25),
        [185.0, 225.0, 199.0, 208.0, 106.0],
    ),
    (
        ResizeFilter::Box,
        (30.00, 30.00, 50.00, 50.00),
        [220.0, 162.0, 96.0, 13.0, 53.0],
    ),
    (
        ResizeFilter::Bilinear,
        (10.50, 4.25, 82.50, 76.25),
        [182.444, 169.578, 174.222, 168.156, 114.511],
    ),
    (
        ResizeFilter::Bilinear,
        (30.00, 30.00, 50.00, 50.00),
        [196.752, 164.255, 88.696, 32.578, 87.502],
    ),
    (
        ResizeFilter::Bicubic,
        (10.50, 4.25, 82.50, 76.25),
        [182.191, 182.752, 192.542, 182.786, 118.683],
    ),
    (
        ResizeFilter::Bicubic,
        (30.00, 30.00, 50.00, 50.00),
        [226.271, 170.033, 76.383, 1.904, 57.75],
    ),
];

#[test]
fn outside_the_frame_the_nearest_border_pixel_is_used() {
    let frame = frame(20, 20, |x, _| if x < 10 { 40 } else { 200 });
    let out = run(&frame, BoundingBox::new(-100.0, -100.0, 50.0, 50.0), &RAW);
    assert!(out.iter().all(|value| (value - 40.0).abs() < 1e-3));
    let out = run(&frame, BoundingBox::new(500.0, 5.0, 1.0, 1.0), &RAW);
    assert!(out.iter().all(|value| (value - 200.0).abs() < 1e-3));
}

#[test]
fn odd_boxes_do_not_panic() {
    let frame = frame(7, 5, pattern);
    for value in [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e30,
        -1e30,
        0.0,
        -3.0,
    ] {
        let out = run(&frame, BoundingBox::new(value, value, value, value), &RAW);
        assert!(out.iter().all(|value| value.is_finite()), "{value}");
        let rotated = OrientedBox {
            x: value,
            y: value,
            side: value,
            roll_deg: value,
        };
        let mut out = Vec::new();
        Preprocessor::default().append_square(&frame, &rotated, &RAW, &mut out);
        assert!(out.iter().all(|value| value.is_finite()), "{value}");
    }
}

#[test]
fn geometry_enlarges_and_shifts() {
    let crop = CropGeometry {
        scale: 1.5,
        shift_y: 0.1,
    };
    let region = crop.region(&BoundingBox::new(10.0, 20.0, 40.0, 40.0));
    assert_eq!(region, BoundingBox::new(0.0, 14.0, 60.0, 60.0));
}
