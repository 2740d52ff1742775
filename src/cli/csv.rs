//! Faces as rows of a table, for spreadsheets and data frames.
//!
//! A row is a face, not a frame: frames without faces have none. Only names of files may need quotes.

use std::{borrow::Cow, fmt::Write};

use fervis::{
    detect::{FaceShape, pose::N_POINTS},
    expression::Expression,
    pipeline::Analysis,
    stream::message::time_s,
};

/// The names of the columns.
pub fn header() -> String {
    let mut header = "frame,time_s,track,x,y,width,height,score".to_owned();
    for kind in ["raw", "smoothed"] {
        for expression in Expression::ALL {
            header.push_str(&format!(",{kind}_{expression}"));
        }
    }
    header.push_str(",label,file");
    for measure in &FaceShape::MEASURES {
        header.push(',');
        header.push_str(measure.name);
    }
    header.push_str(",turned_away");
    header
}

/// The rows of a frame, each with its line end. Boxes are in pixels of the file; `file` is empty but for picture files.
pub fn rows(analysis: &Analysis) -> String {
    let mut rows = String::new();
    let file = quoted(analysis.frame.file.as_deref().unwrap_or_default());
    for face in &analysis.faces {
        let edges = analysis.box_in_file(face);
        // Writing to a string does not fail.
        write!(
            rows,
            "{},{},{},{},{},{},{},{}",
            analysis.frame.id.0,
            time_s(analysis),
            face.track.0,
            edges.x,
            edges.y,
            edges.width,
            edges.height,
            face.score
        )
        .ok();
        for probability in face.raw.0.into_iter().chain(face.smoothed.0) {
            write!(rows, ",{probability}").ok();
        }
        write!(rows, ",{},{file}", face.label()).ok();
        let shape = analysis.shape_in_file(face);
        for measure in &FaceShape::MEASURES {
            let value = shape.as_ref().map(measure.get);
            let value = value.map_or_else(String::new, |value| value.to_string());
            write!(rows, ",{value}").ok();
        }
        let turned_away = shape.map(|shape| u8::from(shape.pose.is_turned_away()).to_string());
        writeln!(rows, ",{}", turned_away.unwrap_or_default()).ok();
    }
    rows
}

/// A field as RFC 4180 writes it.
fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\"")).into()
    } else {
        field.into()
    }
}

/// The names of the columns of a table of landmarks: the points of the face mesh, x and y in pixels of the file, z on the same scale and
/// smaller towards the camera.
pub fn landmarks_header() -> String {
    let mut header = "frame,time_s,track".to_owned();
    for point in 0..N_POINTS {
        write!(header, ",x_{point},y_{point},z_{point}").ok();
    }
    header.push_str(",file");
    header
}

/// The rows of a frame's landmarks: one for every face with a mesh, each with its line end.
pub fn landmarks_rows(analysis: &Analysis) -> String {
    let mut rows = String::new();
    let file = quoted(analysis.frame.file.as_deref().unwrap_or_default());
    let scale = analysis.file_scale();
    for mesh in &analysis.meshes {
        let (frame, track) = (analysis.frame.id.0, mesh.track.0);
        write!(rows, "{frame},{},{track}", time_s(analysis)).ok();
        for [x, y, z] in mesh.points.iter() {
            write!(rows, ",{:.2},{:.2},{:.2}", x * scale, y * scale, z * scale).ok();
        }
        writeln!(rows, ",{file}").ok();
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use fervis::{
        detect::{TrackId, TrackedMesh},
        frame::Resolution,
    };

    use super::*;
    use crate::cli::fixtures::analysis;

    #[test]
    fn a_row_for_every_face_under_its_header() {
        assert_eq!(
            header(),
            "frame,time_s,track,x,y,width,height,score,\
             raw_angry,raw_disgust,raw_fear,raw_happy,raw_sad,raw_surprise,raw_neutral,\
             smoothed_angry,smoothed_disgust,smoothed_fear,smoothed_happy,smoothed_sad,smoothed_surprise,\
             smoothed_neutral,label,file,\
             yaw_deg,pitch_deg,roll_deg,right_eye_open,left_eye_open,mouth_open,mouth_width,brow_height,mesh_presence,\
             mesh_x,mesh_y,mesh_side,mesh_roll_deg,turned_away"
        );
        let smoothed = [0.1, 0.0, 0.0, 0.5, 0.0, 0.0, 0.4];
        let two = analysis(
            3,
            Duration::from_millis(200),
            &[(1, smoothed), (4, smoothed)],
        );
        let rows = rows(&two);
        assert_eq!(rows.lines().count(), 2);
        assert_eq!(
            rows.lines().next(),
            Some(
                "3,0.2,1,-1.5,20,100.25,101,12.5,0,0,0,0.25,0,0,0.75,0.1,0,0,0.5,0,0,0.4,happy,,,,,,,,,,,,,,,"
            )
        );
        assert!(
            rows.lines()
                .all(|row| row.split(',').count() == header().split(',').count())
        );
        assert_eq!(super::rows(&analysis(4, Duration::ZERO, &[])), "");
    }

    #[test]
    fn a_picture_is_named_and_boxes_are_in_its_own_pixels() {
        let mut of_picture = analysis(0, Duration::ZERO, &[(1, [0.0; 7])]);
        let frame = Arc::get_mut(&mut of_picture.frame).expect("only one holds it");
        frame.file = Some("a, \"b\".jpg".into());
        frame.full_resolution = Resolution::new(2, 4);
        let row = rows(&of_picture);
        assert!(row.starts_with("0,0,1,-3,80,200.5,404,12.5,"), "{row}");
        assert!(row.contains(",\"a, \"\"b\"\".jpg\","), "{row}");
    }

    #[test]
    fn landmarks_have_a_row_for_every_mesh() {
        let mut one = analysis(7, Duration::from_millis(200), &[(1, [0.0; 7])]);
        assert_eq!(landmarks_rows(&one), "");
        let mut points = [[1.0, 2.0, -3.0]; N_POINTS];
        points[467] = [10.25, 20.5, 0.125];
        one.meshes.push(TrackedMesh {
            track: TrackId(1),
            points: Arc::new(points),
        });
        let rows = landmarks_rows(&one);
        assert!(rows.starts_with("7,0.2,1,1.00,2.00,-3.00,"), "{rows}");
        assert!(rows.ends_with(",10.25,20.50,0.12,\n"), "{rows}");
        let n_columns = landmarks_header().split(',').count();
        assert_eq!(
            (n_columns, rows.split(',').count()),
            (3 + 3 * 468 + 1, n_columns)
        );
    }
}
