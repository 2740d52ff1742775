//! Against LiteRT with the same file.

use super::*;
use crate::model::face::golden::{assert_near, formula, mean_size, portrait};

/// Every 39th point, as `golden` says.
const OF_FORMULA: [[f32; 3]; 12] = [
    [95.6542, 120.6827, -12.8969],
    [80.9806, 121.8203, -9.0883],
    [75.6407, 127.3215, 1.8810],
    [48.8361, 88.5278, 8.0182],
    [42.2104, 68.8943, 14.4314],
    [94.5530, 90.1171, -20.9923],
    [38.3301, 86.4534, 50.1770],
    [123.3836, 129.8651, 2.0164],
    [102.3146, 125.2173, -7.7427],
    [100.2078, 80.5781, -10.8698],
    [133.3319, 77.6796, 3.7529],
    [111.5418, 97.0417, -9.2649],
];
const OF_PORTRAIT: [[f32; 3]; 12] = [
    [97.4098, 115.8578, -9.8793],
    [83.9140, 114.573, -6.5091],
    [78.0029, 117.1492, 6.3776],
    [61.2867, 86.2450, 5.1142],
    [56.4723, 71.2316, 9.2288],
    [98.6908, 91.2985, -20.7129],
    [50.0497, 87.0575, 42.2412],
    [119.3648, 124.3503, 7.5809],
    [103.2509, 118.3027, -5.5896],
    [103.1774, 82.8404, -12.4799],
    [128.1096, 81.5960, 1.6122],
    [110.7875, 97.8295, -9.1501],
];

#[test]
fn agrees_with_litert() {
    let mut network = FaceMesh::default();
    for (input, expected, [mean, logit]) in [
        (
            formula(FaceMesh::SIDE_PX, 0.0, 1.0),
            OF_FORMULA,
            [68.3522, -8.6241],
        ),
        (portrait(), OF_PORTRAIT, [68.8928, 26.3198]),
    ] {
        let mesh = network.run(&input);
        for (index, expected) in expected.iter().enumerate() {
            assert_near(&mesh.points[39 * index], expected);
        }
        assert_near(&[mean_size(mesh.points.as_flattened())], &[mean]);
        let flag: Vec<f32> = network.flag.out.pixels().flatten().copied().collect();
        assert_near(&flag, &[logit]);
        assert!((mesh.presence - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-3);
    }
}

#[test]
fn nan_and_infinity_leave_no_trace() {
    let mut network = FaceMesh::default();
    let input = portrait();
    let before = network.run(&input);
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        network.run(&vec![value; input.len()]);
    }
    assert_eq!(network.run(&input), before);
}
