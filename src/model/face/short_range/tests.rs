//! Against LiteRT on the same file, and against MediaPipe's own decoding.

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
        -5.4025, 1.0193, -0.7208, 29.3696, 29.3692, -3.1857, -4.8186, 2.2951, -5.8271, -2.5699,
        -1.7009, -3.3514, 3.5075, -6.5321, -2.5014, 9.6282, -3.1193,
    ],
    [
        -3.2513, -0.2113, 6.5953, 38.0597, 38.0595, -5.8882, 0.3726, 4.2344, 1.9999, -4.1659,
        6.6195, -4.0825, 12.9965, -9.6063, 2.9092, 14.8619, 6.4114,
    ],
    [
        -5.6439, 0.5788, -0.2036, 24.9971, 24.9964, -3.8442, -3.5980, 2.9437, -5.3349, -0.9046,
        -0.8980, -0.2119, 3.8113, -7.4665, 0.3527, 10.6629, -2.9129,
    ],
    [
        -1.6186, -11.5688, 0.9896, 47.6805, 47.6803, -23.3930, -9.1879, -1.0456, -9.3428, -12.0940,
        3.4010, -12.6546, 13.0528, -34.5609, -6.5966, 11.2983, -6.1166,
    ],
    [
        -4.8952, 1.4809, 1.2364, 20.7288, 20.7283, -0.0551, -0.0287, 4.3125, -2.6073, 3.5481,
        1.4716, 4.6186, 4.3419, -5.4660, 3.3355, 8.0349, -3.0319,
    ],
    [
        -4.2687, 0.4805, 0.2451, 28.7523, 28.7521, -4.5879, -2.6143, 3.7674, -3.1921, 0.0317,
        0.7658, 0.2479, 4.6354, -10.0316, -0.6503, 8.4968, -2.8539,
    ],
    [
        -5.0301, -1.5479, 0.9464, 29.8174, 29.8167, -3.9531, -3.7589, 2.3385, -3.5083, -1.1910,
        -0.2880, -2.3224, 5.1433, -10.5321, -1.1823, 5.4080, -0.0185,
    ],
    [
        -7.7004, -7.6716, -5.1894, 77.4508, 77.4431, -14.1677, -20.6281, 10.4132, -11.1139,
        -6.5101, -1.5122, -12.9572, 5.8568, -30.3974, -22.8268, 16.1099, -2.8189,
    ],
    [
        -24.7903, -13.9253, -2.1466, 109.6882, 109.6208, -20.5225, -18.9404, 9.3133, -5.1119,
        -13.6208, 17.5744, -23.3360, 26.9418, -41.0815, -32.8129, 26.9925, -3.6168,
    ],
    [
        1.0596, -6.2612, -9.2706, 50.7828, 50.7787, -17.9304, -20.3626, 3.4234, -18.3766, -9.0515,
        -5.6337, -9.3608, 3.1068, -27.9482, -17.8854, 16.1342, -14.4540,
    ],
    [
        -58.0500, 5.8633, 10.5522, 119.3703, 119.3100, -8.5550, -3.4070, 16.0159, -7.3570, 11.8903,
        12.0943, 13.1101, 25.8518, -32.4012, 2.0069, 27.7568, -14.1771,
    ],
    [
        -9.4744, -0.0350, 4.7118, 80.7272, 80.7061, -0.7822, 5.2958, 10.2539, 18.2649, -12.5917,
        28.4048, -22.2391, 26.3285, -3.3565, -24.1580, 20.8395, 8.9179,
    ],
];

/// Logits and numbers of all anchors: those of the fine grid first.
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
fn results_are_litert_s() {
    let mut network = ShortRange::new();
    for (input, expected, means) in [
        (
            formula(ShortRange::SIDE_PX, -1.0, 1.0),
            OF_FORMULA,
            [15.1395, 32.2319],
        ),
        (portrait_half(), OF_PORTRAIT, [15.1595, 15.1982]),
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
/// FaceDetection(model_selection=0, min_detection_confidence=0.5).process(square.round().astype(np.uint8)).detections
/// ```
///
/// Pixels are rounded there, hence the tolerance of a tenth of a pixel.
#[test]
fn the_portrait_s_face_is_where_mediapipe_finds_it() {
    let found = ShortRange::new().detect(&portrait_half(), 0.5);
    let [face] = found[..] else {
        panic!("one face: {found:?}");
    };
    let (x0, y0, width, height) = (0.310462505, 0.289344788, 0.397868842, 0.397826493);
    let expected = [0.929002881, x0, y0, x0 + width, y0 + height];
    for (actual, expected) in [face.score, face.x0, face.y0, face.x1, face.y1]
        .into_iter()
        .zip(expected)
    {
        assert!(
            (actual - expected).abs() < 1e-3,
            "{actual} against {expected}"
        );
    }
    let expected = [
        [0.420984268, 0.40100956],
        [0.588301718, 0.406674445],
        [0.498530567, 0.507635],
        [0.49783653, 0.583135843],
        [0.335188508, 0.427229822],
        [0.682434, 0.438736826],
    ];
    for (actual, expected) in face
        .key_points
        .as_flattened()
        .iter()
        .zip(expected.as_flattened())
    {
        assert!(
            (actual - expected).abs() < 1e-3,
            "{actual} against {expected}"
        );
    }
}

/// From `ssd_anchors_calculator.cc` with the options of `face_detection_short_range.pbtxt`, by hand: strides 8, 16, 16, 16,
/// two anchors each, offset 0.5; the three layers of stride 16 are one grid.
#[test]
fn anchors_are_the_middles_of_their_pixels() {
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
    let mut network = ShortRange::new();
    let input = portrait_half();
    assert_eq!(network.propose(&input, 0.0).len(), 896);
    let proposals = network.propose(&input, 0.25);
    assert!(proposals.len() > 1 && proposals.iter().all(|proposal| proposal.score >= 0.25));
    assert_eq!(network.propose(&input, 1.0), []);
}

#[test]
fn numbers_that_are_none_find_nobody_and_leave_no_trace() {
    let mut network = ShortRange::new();
    let input = portrait_half();
    let before = network.detect(&input, 0.5);
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        for proposal in network.detect(&vec![value; input.len()], 0.5) {
            assert!((0.5..=1.0).contains(&proposal.score));
        }
    }
    assert_eq!(network.detect(&input, 0.5), before);
}
