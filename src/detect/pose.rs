//! Which way a head points, from a rigid fit of the canonical face to the points of a mesh.
//!
//! Angles are in degrees as seen in the unmirrored frame: *yaw* is positive when the face points to the right of the
//! frame, *pitch* when it points up, *roll* when the head is tilted clockwise. A face that looks straight into the camera
//! has 0, 0, 0. The fit is a similarity transform by Horn's quaternions (J. Opt. Soc. Am. A 4, 1987); the points and their weights
//! are those MediaPipe's face geometry uses, chosen because expressions move them least.

use std::sync::LazyLock;

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

/// Points of a face mesh.
pub const N_POINTS: usize = 468;

/// A mesh: x and y in pixels, y down, and z on the same scale, smaller toward the camera.
pub type MeshPoints = [[f32; 3]; N_POINTS];

/// Canonical face, rigid points and triangles (Apache-2.0, `assets/face-networks.LICENSE`), made by
/// `assets/convert-face-geometry.py`.
static GEOMETRY: &[u8] = include_bytes!("../../assets/face-geometry.safetensors");

/// Which way a head points, degrees; see the module for signs.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HeadPose {
    /// Positive to the right of the frame.
    pub yaw_deg: f32,
    /// Positive up.
    pub pitch_deg: f32,
    /// Positive clockwise.
    pub roll_deg: f32,
}

/// A face turned aside by more than this is turned away. On PublicTest, agreement with FER+ is 95 % for faces turned by up
/// to 10° and 91 to 92 % for those turned by 20 to 40° (`fervis-train detect-eval` prints it). There are too few faces
/// turned further to measure, so the limit is just beyond.
pub const MAX_YAW_DEG: f32 = 45.0;

/// The same for a face that looks up or down: 94 % up to 20°, 87 to 91 % from there to 40°.
pub const MAX_PITCH_DEG: f32 = 35.0;

/// The canonical face.
struct Canonical {
    /// Index, weight and place of each rigid point: x right, y up, z toward the camera, cm.
    rigid: Vec<(usize, f64, [f64; 3])>,
    triangles: Vec<[u16; 3]>,
}

static CANONICAL: LazyLock<Canonical> = LazyLock::new(|| {
    let file = SafeTensors::deserialize(GEOMETRY).expect("the bundled file is whole");
    let bytes = |name: &str| {
        let tensor = file.tensor(name).expect("the bundled file has this tensor");
        tensor.data().to_vec()
    };
    let floats = |name: &str| -> Vec<f32> {
        let bytes = bytes(name);
        let words = bytes.as_chunks::<4>().0.iter();
        words.map(|word| f32::from_le_bytes(*word)).collect()
    };
    let (points, weights) = (floats("points"), floats("rigid_weights"));
    let rigid = weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(at, weight)| {
            let place = std::array::from_fn(|axis| f64::from(points[3 * at + axis]));
            (at, f64::from(*weight), place)
        })
        .collect();
    let corners: Vec<u16> = bytes("triangles")
        .as_chunks::<2>()
        .0
        .iter()
        .map(|corner| u16::from_le_bytes(*corner))
        .collect();
    Canonical {
        rigid,
        triangles: corners.as_chunks::<3>().0.to_vec(),
    }
});

/// The triangles of the mesh, as indices of its points.
pub fn triangles() -> &'static [[u16; 3]] {
    &CANONICAL.triangles
}

impl HeadPose {
    /// Whether the face is turned away too far for its expression to be read.
    pub fn is_turned_away(&self) -> bool {
        self.yaw_deg.abs() > MAX_YAW_DEG || self.pitch_deg.abs() > MAX_PITCH_DEG
    }

    /// The pose of a mesh; `None` if its points are not finite or coincide.
    pub fn fit(points: &MeshPoints) -> Option<Self> {
        let rigid = &CANONICAL.rigid;
        let observed = |at: usize| {
            let [x, y, z] = points[at].map(f64::from);
            [x, -y, -z]
        };
        let total: f64 = rigid.iter().map(|(_, weight, _)| weight).sum();
        let (mut mean_from, mut mean_to) = ([0.0; 3], [0.0; 3]);
        for (at, weight, place) in rigid {
            for (axis, value) in observed(*at).into_iter().enumerate() {
                mean_from[axis] += weight / total * place[axis];
                mean_to[axis] += weight / total * value;
            }
        }
        let mut correlation = [[0.0; 3]; 3];
        for (at, weight, place) in rigid {
            let to = observed(*at);
            for (row, sums) in correlation.iter_mut().enumerate() {
                for (column, sum) in sums.iter_mut().enumerate() {
                    *sum += weight * (place[row] - mean_from[row]) * (to[column] - mean_to[column]);
                }
            }
        }
        let size: f64 = correlation.iter().flatten().map(|c| c.abs()).sum();
        if !(size.is_finite() && size > 1e-9) {
            return None;
        }
        Some(Self::of_rotation(&rotation(&correlation)))
    }

    /// Where the head's own axes point in the frame (x right, y down): to the person's left, down, and straight ahead, each
    /// as long as it appears; an axis toward the camera has no length.
    pub fn axes_in_frame(&self) -> [[f32; 2]; 3] {
        let (sy, cy) = self.yaw_deg.to_radians().sin_cos();
        let (sx, cx) = (-self.pitch_deg).to_radians().sin_cos();
        let (sz, cz) = (-self.roll_deg).to_radians().sin_cos();
        // Columns of yaw · pitch · roll, in axes with y up.
        let left = [cy * cz + sy * sx * sz, cx * sz];
        let up = [-cy * sz + sy * sx * cz, cx * cz];
        let ahead = [sy * cx, -sx];
        [[left[0], -left[1]], [-up[0], up[1]], [ahead[0], -ahead[1]]]
    }

    /// Angles of a rotation matrix in axes x right, y up, z toward the camera.
    fn of_rotation(matrix: &[[f64; 3]; 3]) -> Self {
        let forward = [matrix[0][2], matrix[1][2], matrix[2][2]];
        let degrees = |radians: f64| radians.to_degrees() as f32;
        Self {
            yaw_deg: degrees(forward[0].atan2(forward[2])),
            pitch_deg: degrees(forward[1].atan2(forward[0].hypot(forward[2]))),
            roll_deg: degrees(-matrix[1][0].atan2(matrix[1][1])),
        }
    }
}

/// The rotation that best maps the first set of points onto the second, from their 3×3 correlation.
fn rotation(s: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = *s;
    let matrix = [
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, -xx + yy - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, -xx - yy + zz],
    ];
    let [w, x, y, z] = principal_eigenvector(matrix);
    [
        [
            1.0 - 2.0 * (y * y + z * z),
            2.0 * (x * y - w * z),
            2.0 * (x * z + w * y),
        ],
        [
            2.0 * (x * y + w * z),
            1.0 - 2.0 * (x * x + z * z),
            2.0 * (y * z - w * x),
        ],
        [
            2.0 * (x * z - w * y),
            2.0 * (y * z + w * x),
            1.0 - 2.0 * (x * x + y * y),
        ],
    ]
}

/// The unit eigenvector of the largest eigenvalue of a symmetric matrix, by Jacobi's rotations.
fn principal_eigenvector(mut a: [[f64; 4]; 4]) -> [f64; 4] {
    let mut vectors = [[0.0; 4]; 4];
    for (i, row) in vectors.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    // Convergence is quadratic: four sweeps reach the last bit, eight are certain.
    for _ in 0..8 {
        for p in 0..3 {
            for q in p + 1..4 {
                if a[p][q].abs() < f64::MIN_POSITIVE {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                let sin = t * cos;
                // Columns of both, then rows of the matrix.
                for row in a.iter_mut().chain(&mut vectors) {
                    let (kp, kq) = (row[p], row[q]);
                    row[p] = cos * kp - sin * kq;
                    row[q] = sin * kp + cos * kq;
                }
                let (row_p, row_q) = (a[p], a[q]);
                a[p] = std::array::from_fn(|k| cos * row_p[k] - sin * row_q[k]);
                a[q] = std::array::from_fn(|k| sin * row_p[k] + cos * row_q[k]);
            }
        }
    }
    let largest = (0..4)
        .max_by(|&i, &j| a[i][i].total_cmp(&a[j][j]))
        .unwrap_or(0);
    std::array::from_fn(|k| vectors[k][largest])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The canonical face as a mesh in pixels, turned by yaw, pitch and roll in this order about its own axes.
    pub fn posed(pose: HeadPose, scale: f32, center: [f32; 2]) -> MeshPoints {
        let file = SafeTensors::deserialize(GEOMETRY).expect("whole");
        let data = file.tensor("points").expect("points").data().to_vec();
        let value = |at: usize| {
            f32::from_le_bytes(data[4 * at..4 * at + 4].try_into().expect("four bytes"))
        };
        let (sy, cy) = pose.yaw_deg.to_radians().sin_cos();
        let (sx, cx) = (-pose.pitch_deg).to_radians().sin_cos();
        let (sz, cz) = (-pose.roll_deg).to_radians().sin_cos();
        std::array::from_fn(|at| {
            let [x, y, z] = [value(3 * at), value(3 * at + 1), value(3 * at + 2)];
            let [x, y] = [cz * x - sz * y, sz * x + cz * y];
            let [y, z] = [cx * y - sx * z, sx * y + cx * z];
            let [x, z] = [cy * x + sy * z, -sy * x + cy * z];
            [center[0] + scale * x, center[1] - scale * y, -scale * z]
        })
    }

    #[test]
    fn the_pose_of_a_posed_mesh_is_found() {
        for pose in [
            [0.0, 0.0, 0.0],
            [30.0, 0.0, 0.0],
            [-50.0, 10.0, 5.0],
            [0.0, 25.0, 0.0],
            [20.0, -30.0, 45.0],
            [-10.0, 15.0, -120.0],
        ] {
            let [yaw_deg, pitch_deg, roll_deg] = pose;
            let expected = HeadPose {
                yaw_deg,
                pitch_deg,
                roll_deg,
            };
            let found = HeadPose::fit(&posed(expected, 11.0, [300.0, 200.0])).expect("a pose");
            let gaps = [
                found.yaw_deg - yaw_deg,
                found.pitch_deg - pitch_deg,
                found.roll_deg - roll_deg,
            ];
            assert!(
                gaps.iter().all(|gap| gap.abs() < 0.01),
                "{found:?} {expected:?}"
            );
        }
    }

    #[test]
    fn axes_point_where_the_face_does() {
        let pose = |yaw_deg, pitch_deg, roll_deg| HeadPose {
            yaw_deg,
            pitch_deg,
            roll_deg,
        };
        let [left, down, ahead] = pose(0.0, 0.0, 0.0).axes_in_frame();
        assert!(left[0] > 0.99 && down[1] > 0.99 && ahead[0].hypot(ahead[1]) < 0.01);
        let [_, _, ahead] = pose(40.0, 0.0, 0.0).axes_in_frame();
        assert!(
            ahead[0] > 0.6 && ahead[1].abs() < 0.01,
            "to the right of the frame"
        );
        let [_, _, ahead] = pose(0.0, 30.0, 0.0).axes_in_frame();
        assert!(ahead[1] < -0.4, "up");
        let [left, _, _] = pose(0.0, 0.0, 90.0).axes_in_frame();
        assert!(
            left[1] > 0.99,
            "a head tilted clockwise has its left side down"
        );
    }

    #[test]
    fn points_without_extent_have_no_pose() {
        assert_eq!(HeadPose::fit(&[[1.0; 3]; N_POINTS]), None);
        assert_eq!(HeadPose::fit(&[[f32::NAN; 3]; N_POINTS]), None);
        assert_eq!(HeadPose::fit(&[[f32::INFINITY; 3]; N_POINTS]), None);
    }

    #[test]
    fn triangles_name_points_of_the_mesh() {
        assert_eq!(triangles().len(), 898);
        let corners = triangles().iter().flatten();
        assert!(
            corners
                .clone()
                .all(|corner| usize::from(*corner) < N_POINTS)
        );
        assert_eq!(corners.max(), Some(&467));
    }
}
