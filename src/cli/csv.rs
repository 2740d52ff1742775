//! Faces as rows of a table, for spreadsheets and data frames: `faces.csv` of a session, without the session.
//!
//! A row is a face, not a frame: frames without faces have none.

use fervis::{
    detect::pose::N_POINTS,
    expression::Labels,
    pipeline::Analysis,
    session::tables::{self, Cell, FaceRow},
    time::Ticks,
};

/// The header line for a network's labels, with its end.
pub fn header(labels: Labels) -> Vec<u8> {
    tables::header::<FaceRow>(labels)
}

/// The rows of a frame, each with its line end. Boxes are in pixels of the file; `file` is empty but for picture files.
pub fn rows(analysis: &Analysis) -> Vec<u8> {
    let time = analysis.frame.time.into();
    let mut rows = FaceRow::of(analysis, analysis.frame.id.0, time, 0, Some(0));
    for row in &mut rows {
        let face = &mut row.face;
        let shape = analysis.shape_in_file(face);
        face.box_in_frame = analysis.box_in_file(face);
        face.shape = shape;
        // So that the same file always gives the same table.
        (row.detect_time, row.classify_time) = (None, None);
    }
    tables::rows(&rows)
}

/// The header line of a table of landmarks: the points of the face mesh, x and y in pixels of the file, z on the same
/// scale and smaller toward the camera.
pub fn landmarks_header() -> Vec<u8> {
    let names = ["frame", "time_s", "track"].map(str::to_owned);
    let points =
        (0..N_POINTS).flat_map(|point| ["x", "y", "z"].map(|axis| format!("{axis}_{point}")));
    let names = names.into_iter().chain(points).chain(["file".to_owned()]);
    tables::lines([names.map(|name| Cell::Text(name.into()))])
}

/// The rows of a frame's landmarks: one for every face with a mesh, each with its line end.
pub fn landmarks_rows(analysis: &Analysis) -> Vec<u8> {
    let frame = &analysis.frame;
    let scale = analysis.file_scale();
    tables::lines(analysis.meshes.iter().map(|mesh| {
        let face = analysis.faces.iter().find(|face| face.track == mesh.track);
        let head = [
            Cell::Whole(frame.id.0),
            Cell::Number(Ticks::from(frame.time).as_secs_f64(), 6),
            Cell::whole(face.map(|face| face.number)),
        ];
        let points = mesh.points.iter().flatten();
        let points = points.map(move |value| Cell::Number((value * scale).into(), 2));
        let file = Cell::text(frame.file.as_deref());
        head.into_iter().chain(points).chain([file])
    }))
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

    fn text(lines: Vec<u8>) -> String {
        String::from_utf8(lines).expect("UTF-8")
    }

    #[test]
    fn a_row_for_every_face_under_its_header() {
        let smoothed = [0.1, 0.0, 0.0, 0.5, 0.0, 0.0, 0.4];
        let two = analysis(
            3,
            Duration::from_millis(200),
            &[(1, smoothed), (4, smoothed)],
        );
        let rows = text(rows(&two));
        assert_eq!(rows.lines().count(), 2);
        let expected = "3,0.200000,18000,1,12.50,-1.50,20.00,100.25,101.00,0.000,\
             0.0000,0.0000,0.0000,0.2500,0.0000,0.0000,0.7500,0.1000,0.0000,0.0000,0.5000,0.0000,0.0000,0.4000,\
             happy,0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,";
        assert_eq!(rows.lines().next(), Some(expected));
        let header = text(header(Labels::FER_2013));
        assert!(
            header.starts_with("frame,time_s,pts_90k,track,score,x,"),
            "{header}"
        );
        assert!(header.ends_with(",second_label,second_model\n"), "{header}");
        let n_columns = header.split(',').count();
        assert!(rows.lines().all(|row| row.split(',').count() == n_columns));
        assert!(super::rows(&analysis(4, Duration::ZERO, &[])).is_empty());
    }

    #[test]
    fn a_picture_is_named_and_boxes_are_in_its_own_pixels() {
        let mut of_picture = analysis(0, Duration::ZERO, &[(1, [0.0; 7])]);
        let frame = Arc::get_mut(&mut of_picture.frame).expect("only one holds it");
        frame.file = Some("a, \"b\".jpg".into());
        frame.full_resolution = Resolution::new(2, 4);
        let row = text(rows(&of_picture));
        assert!(
            row.starts_with("0,0.000000,0,1,12.50,-3.00,80.00,200.50,404.00,"),
            "{row}"
        );
        let filled = row.trim_end_matches([',', '\n']);
        assert!(filled.ends_with(",\"a, \"\"b\"\".jpg\""), "{row}");
    }

    #[test]
    fn landmarks_have_a_row_for_every_mesh() {
        let mut one = analysis(7, Duration::from_millis(200), &[(1, [0.0; 7])]);
        assert!(landmarks_rows(&one).is_empty());
        let mut points = [[1.0, 2.0, -3.0]; N_POINTS];
        points[467] = [10.25, 20.5, 0.125];
        one.meshes.push(TrackedMesh {
            track: TrackId(1),
            points: Arc::new(points),
        });
        let rows = text(landmarks_rows(&one));
        assert!(rows.starts_with("7,0.200000,1,1.00,2.00,-3.00,"), "{rows}");
        assert!(rows.ends_with(",10.25,20.50,0.12,\n"), "{rows}");
        let n_columns = text(landmarks_header()).split(',').count();
        assert_eq!(
            (n_columns, rows.split(',').count()),
            (3 + 3 * 468 + 1, n_columns)
        );
    }
}
