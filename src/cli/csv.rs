//! Faces as rows of a table, for spreadsheets and data frames.
//!
//! A row is a face, not a frame: frames without faces have none. Only names of files may need quotes.

use std::{borrow::Cow, fmt::Write};

use fervis::{expression::Expression, pipeline::Analysis, stream::message::time_s};

/// The names of the columns.
pub fn header() -> String {
    let mut header = "frame,time_s,track,x,y,width,height,score".to_owned();
    for kind in ["raw", "smoothed"] {
        for expression in Expression::ALL {
            header.push_str(&format!(",{kind}_{expression}"));
        }
    }
    header.push_str(",label,file");
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
        writeln!(rows, ",{},{file}", face.label()).ok();
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

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use fervis::frame::Resolution;

    use super::*;
    use crate::cli::fixtures::analysis;

    #[test]
    fn a_row_for_every_face_under_its_header() {
        assert_eq!(
            header(),
            "frame,time_s,track,x,y,width,height,score,\
             raw_angry,raw_disgust,raw_fear,raw_happy,raw_sad,raw_surprise,raw_neutral,\
             smoothed_angry,smoothed_disgust,smoothed_fear,smoothed_happy,smoothed_sad,smoothed_surprise,\
             smoothed_neutral,label,file"
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
            Some("3,0.2,1,-1.5,20,100.25,101,12.5,0,0,0,0.25,0,0,0.75,0.1,0,0,0.5,0,0,0.4,happy,")
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
        assert!(row.ends_with(",\"a, \"\"b\"\".jpg\"\n"), "{row}");
    }
}
