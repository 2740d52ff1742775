//! A session in which a face was uncertain for a while, and turned away for another.

use super::*;
use crate::{expression::Expression, session::fixtures::turned_away};

/// [`two_people`], of whom the first was uncertain from 0.1 to 0.4 s, and turned away from 0.9 to 1.2 s.
fn doubtful() -> Session {
    let mut session = two_people();
    session.manifest.models[0].uncertain_below = 0.35;
    let of_first = |row: &&mut FaceRow| row.face.track.0 == 1;
    for row in session.faces.iter_mut().filter(of_first) {
        match row.frame {
            1..=3 => row.face.smoothed.0[Expression::Happy.index()] = 0.3,
            9..=11 => row.face.shape = Some(turned_away()),
            _ => {}
        }
    }
    session
}

#[test]
fn what_people_read_along_says_where_a_face_had_no_name() {
    let vtt = text(&doubtful(), Format::WebVtt);
    for cue in [
        "00:00:00.100 --> 00:00:00.400\nface 1: uncertain\n",
        "00:00:00.900 --> 00:00:01.200\nface 1: turned away\n",
        "00:00:05.000 --> 00:00:05.400\nface 1: happy 40 %\n",
    ] {
        assert!(vtt.contains(cue), "{vtt}");
    }
    let eaf = text(&doubtful(), Format::Elan);
    for words in [
        "CVE_REF=\"cve_unnamed_uncertain\"",
        "CVE_REF=\"cve_unnamed_turned-away\"",
        "<ANNOTATION_VALUE>uncertain</ANNOTATION_VALUE>",
        "<ANNOTATION_VALUE>turned away</ANNOTATION_VALUE>",
        "<CV_ENTRY_ML CVE_ID=\"cve_unnamed_turned-away\">",
    ] {
        assert!(eaf.contains(words), "{words} in {eaf}");
    }
}

#[test]
fn what_is_for_computing_keeps_the_values_and_says_how_much_had_a_name() {
    let events = text(&doubtful(), Format::Bids);
    assert!(
        events.contains("0.000000\t0.500000\thappy\t1\tn/a\t0.3400\t0.4000\tn/a\n"),
        "{events}"
    );
    assert!(events.contains("0.900000\t0.300000\thappy\t1\tn/a\t0.4000\t0.0000\tn/a\n"));
    assert!(!events.contains("uncertain"), "{events}");
    let summary = |session: &Session| {
        let text = text(session, Format::Summary);
        let mut table = csv::Reader::from_reader(text.as_bytes());
        let happy = table
            .headers()
            .unwrap()
            .iter()
            .position(|name| name == "share_happy");
        let first = table.records().next().unwrap().unwrap();
        first[happy.unwrap()].to_owned()
    };
    assert_eq!(summary(&doubtful()), summary(&two_people()));
}

#[cfg(feature = "plots")]
#[test]
fn plots_hatch_what_had_no_name() {
    let svg = text(&doubtful(), Format::Svg);
    assert!(svg.contains("uncertain or turned away"));
    assert!(svg.to_lowercase().contains("#808080"), "gray");
    assert!(!text(&two_people(), Format::Svg).contains("uncertain or turned away"));
}
