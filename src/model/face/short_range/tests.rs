//! Against LiteRT with the same file, and against MediaPipe's own decoding.

use super::*;
use crate::model::face::golden::{assert_near, formula, mean_size, portrait_half};

/// A logit and sixteen numbers of every 81st anchor, as `golden` says.
const OF_FORMULA: [[f32; 17]; 12] = [
    [
        -5.0328, 1.1943, -0.5719, 25.4886, 25.4883, -2.2472, -3.5419, 3.3436, -5.5040, 0.2778,
        -0.8535, 0.3415, 3.7503, -6.6823, -0.8341, 9.7297, -4.0507,
    ],
    [
        -3.4714, 0.8416, -1.1008, 27.4119, 27.4118, -4.9156, -5.5419, 3.4083, -7.2162, -0.5713,
        -1.6721, 0.4657, 3.4712, -9.6244, -2.6220, 10.6294, -6.3759,
    ],
    [
        -4.1720, 0.4539, -0.0694, 21.8652, 21.8647, -2.8604, -2.9399, 1.1119, -4.7270, 0.6210,
        0.0892, 1.1742, 4.0395, -7.9348, -0.1366, 3.2583, -3.7802,
    ],
    [
        -3.5484, 0.1075, -0.2552, 26.5196, 26.5194, -4.1919, -4.9722, 1.1717, -4.8711, -1.3275,
        -1.1817, -0.3135, 3.5794, -7.6185, -2.4523, 6.8425, -3.3815,
    ],
    [
        -3.6883, 0.0370, -0.0825, 20.8541, 20.8538, -3.8703, -2.5920, 1.9681, -4.7779, 0.3868,
        -0.1766, 1.6377, 3.4546, -8.4313, 0.6857, 6.9005, -4.5935,
    ],
    [
        -3.8984, -0.0695, -0.1300, 26.5785, 26.5783, -5.4160, -4.3919, 1.9677, -5.5023, -1.6385,
        -1.5580, -0.5385, 3.3762, -9.6970, -0.8228, 8.5807, -3.9449,
    ],
    [
        -5.0839, -1.4328, 0.7275, 26.1397, 26.1390, -3.3998, -2.8347, 2.1162, -3.3184, -0.3201,
        -1.0377, -1.0647, 3.2530, -10.3465, 0.4570, 4.6334, -0.1646,
    ],
    [
        -3.5200, 2.5440, 4.4933, 67.1678, 67.1612, -17.8292, 1.8767, 2.7903, -7.0337, -9.0759,
        11.3046, -1.0087, 19.0880, -16.5365, 3.3617, 27.4543, -14.4497,
    ],
    [
        -75.9286, 1.7573, 10.2772, 146.8315, 146.9053, -7.5179, -6.0180, 13.4808, 2.2766, -0.8279,
        30.7798, -8.6254, 41.5834, -39.2197, -24.9885, 22.5287, -9.3691,
    ],
    [
        -93.1052, -7.3103, 9.0698, 110.9987, 111.0301, -2.9425, 12.3353, 15.0734, 15.3091, -3.1576,
        40.5377, -21.2432, 44.2538, -35.6001, -38.3368, 10.5840, -18.9101,
    ],
    [
        -44.0759, 10.3492, 6.9527, 125.8717, 125.7969, -14.8547, 3.7405, 10.6169, -2.1186, -3.5453,
        33.8479, 2.8698, 40.1793, -25.6812, -5.1743, 39.1025, -21.5702,
    ],
    [
        -60.7261, 28.5711, -2.1188, 90.3552, 90.3908, 12.4896, 0.0455, 36.1817, -7.5243, 18.8818,
        20.2779, 16.7971, 27.2494, 5.3638, -19.0125, 58.1172, -28.2782,
    ],
];
const OF_PORTRAIT: [[f32; 17]; 12] = [
    [
        -5.4138, 1.0390, -0.7315, 29.3269, 29.3265, -3.1743, -4.8809, 2.3425, -5.7947, -2.5920,
        -1.7087, -3.3930, 3.5094, -6.5015, -2.5933, 9.7634, -2.9857,
    ],
    [
        -3.2533, -0.1823, 6.5907, 38.0546, 38.0545, -5.8589, 0.3545, 4.2917, 1.9762, -4.1058,
        6.6259, -4.0352, 13.0161, -9.6169, 2.8810, 14.9025, 6.3808,
    ],
    [
        -5.6568, 0.5526, -0.2102, 24.8630, 24.8622, -3.8095, -3.6491, 2.9619, -5.3789, -0.8564,
        -0.9555, -0.1871, 3.7695, -7.4798, 0.3289, 10.6336, -2.9076,
    ],
    [
        -1.6247, -11.5777, 0.9998, 47.7244, 47.7242, -23.4138, -9.1851, -1.0445, -9.3497, -12.0985,
        3.4153, -12.6560, 13.0793, -34.5916, -6.5849, 11.3097, -6.1201,
    ],
    [
        -4.8802, 1.4834, 1.2207, 20.7563, 20.7558, -0.0139, -0.0688, 4.3262, -2.6572, 3.6322,
        1.4334, 4.6860, 4.3330, -5.5025, 3.3401, 7.9190, -3.0471,
    ],
    [
        -4.2760, 0.4776, 0.2197, 28.7385, 28.7383, -4.6009, -2.6911, 3.7915, -3.2510, 0.0186,
        0.7023, 0.2205, 4.6028, -10.0561, -0.7142, 8.5584, -2.8747,
    ],
    [
        -5.0276, -1.5385, 0.9318, 29.8036, 29.8029, -3.9404, -3.7772, 2.3691, -3.5144, -1.1675,
        -0.3000, -2.3022, 5.1261, -10.5426, -1.2214, 5.4457, -0.0353,
    ],
    [
        -7.7247, -7.6640, -5.1806, 77.3880, 77.3803, -14.2787, -20.5505, 10.2563, -11.0359,
        -6.7361, -1.4360, -13.1208, 5.8644, -30.3053, -22.7906, 16.1361, -2.8081,
    ],
    [
        -24.4000, -14.0634, -2.2072, 109.8353, 109.7688, -20.6584, -19.0566, 9.2931, -5.1786,
        -13.6520, 17.5742, -23.3725, 26.9519, -41.2717, -32.9488, 26.9900, -3.7151,
    ],
    [
        1.0675, -6.2724, -9.2724, 50.7948, 50.7907, -17.9144, -20.3705, 3.4291, -18.3728, -9.0360,
        -5.6415, -9.3567, 3.1037, -27.9516, -17.8957, 16.1134, -14.4363,
    ],
    [
        -57.6991, 5.8807, 10.5620, 119.271, 119.2106, -8.5516, -3.4499, 16.0486, -7.4168, 11.9147,
        12.0077, 13.1473, 25.8100, -32.3691, 2.0463, 27.7913, -14.1625,
    ],
    [
        -9.4776, -0.1559, 4.6442, 80.3701, 80.3492, -0.8700, 5.2703, 10.1860, 18.2120, -12.5765,
        28.3252, -22.2226, 26.2209, -3.4464, -24.1485, 20.7261, 8.8251,
    ],
];

/// Logits and numbers of all anchors, those of the fine grid first.
fn all(network: &ShortRange) -> (Vec<f32>, Vec<[f32; Proposal::N_NUMBERS]>) {
    let (mut logits, mut numbers) = (Vec::new(), Vec::new());
    for head in [&network.fine_head, &network.coarse_head] {
        for pixel in head.out.pixels() {
            logits.extend(&pixel[..head.n_anchors]);
            numbers.extend(pixel[head.n_anchors..].as_chunks().0);
        }
    }
    (logits, numbers)
}

#[test]
fn agrees_with_litert() {
    let mut network = ShortRange::default();
    for (input, expected, means) in [
        (
            formula(ShortRange::SIDE_PX, -1.0, 1.0),
            OF_FORMULA,
            [15.1395, 32.2319],
        ),
        (portrait_half(), OF_PORTRAIT, [15.1590, 15.1380]),
    ] {
        network.run(&input);
        let (logits, numbers) = all(&network);
        assert_eq!((logits.len(), numbers.len()), (896, 896));
        for (index, expected) in expected.iter().enumerate() {
            assert_near(&logits[81 * index..][..1], &expected[..1]);
            assert_near(&numbers[81 * index], &expected[1..]);
        }
        assert_near(
            &[mean_size(numbers.as_flattened()), mean_size(&logits)],
            &means,
        );
    }
}

/// MediaPipe itself on the same square:
///
/// ```python
/// solutions.face_detection.FaceDetection(0.5, 0).process(square.astype(np.uint8)).detections
/// ```
#[test]
fn the_face_is_where_mediapipe_finds_it() {
    let found = ShortRange::default().detect(&portrait_half(), 0.5);
    let [face] = found[..] else {
        panic!("one face: {found:?}");
    };
    let (x0, y0, width, height) = (0.310463, 0.289345, 0.397869, 0.397826);
    let expected = [0.929003, x0, y0, x0 + width, y0 + height];
    for (actual, expected) in [face.score, face.x0, face.y0, face.x1, face.y1]
        .into_iter()
        .zip(expected)
    {
        assert!(
            (actual - expected).abs() < 1e-5,
            "{actual} against {expected}"
        );
    }
    let expected = [
        [0.420984, 0.40101],
        [0.588302, 0.406674],
        [0.498531, 0.507635],
        [0.497837, 0.583136],
        [0.335189, 0.42723],
        [0.682434, 0.438737],
    ];
    for (actual, expected) in face
        .key_points
        .as_flattened()
        .iter()
        .zip(expected.as_flattened())
    {
        assert!(
            (actual - expected).abs() < 1e-5,
            "{actual} against {expected}"
        );
    }
}

/// From `ssd_anchors_calculator.cc` with the options of `face_detection_short_range.pbtxt`, by hand: strides 8, 16, 16, 16,
/// two anchors each, offset 0.5; the three layers of stride 16 are one grid.
#[test]
fn anchors_are_the_centers_of_their_pixels() {
    for (pixel, side, expected) in [
        (0, 16, [0.03125, 0.03125]),
        (1, 16, [0.09375, 0.03125]),
        (255, 16, [0.96875, 0.96875]),
        (0, 8, [0.0625, 0.0625]),
        (8, 8, [0.0625, 0.1875]),
        (63, 8, [0.9375, 0.9375]),
    ] {
        assert_eq!(anchor(pixel, side), expected);
    }
}

#[test]
fn a_threshold_is_a_probability() {
    let mut network = ShortRange::default();
    let input = portrait_half();
    assert_eq!(network.propose(&input, 0.0).len(), 896);
    let proposals = network.propose(&input, 0.25);
    assert!(proposals.len() > 1 && proposals.iter().all(|proposal| proposal.score >= 0.25));
    assert_eq!(network.propose(&input, 1.0), []);
}

#[test]
fn nan_and_infinity_find_nobody_and_leave_no_trace() {
    let mut network = ShortRange::default();
    let input = portrait_half();
    let before = network.detect(&input, 0.5);
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        for proposal in network.detect(&vec![value; input.len()], 0.5) {
            assert!((0.5..=1.0).contains(&proposal.score) && proposal.x0.is_finite());
        }
    }
    assert_eq!(network.detect(&input, 0.5), before);
}
