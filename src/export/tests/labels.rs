//! A session of a network with labels that could break every format.

use super::*;
use crate::expression::{Labels, PerLabel, Probabilities};

const NAMES: [&str; 3] = ["happiness", "<&\"'>, ;", "no mask"];

/// [`two_people`], read by a network with [`NAMES`]: the first person is mostly happy, the second has no mask.
fn masked() -> Session {
    let labels = Labels::new(&NAMES).unwrap();
    let mut session = two_people();
    for row in &mut session.faces {
        let values = match row.face.track.0 {
            1 => [0.5, 0.25, 0.25],
            _ => [0.125, 0.25, 0.625],
        };
        let values = Probabilities(PerLabel::from_values(labels, values));
        (row.face.raw, row.face.smoothed) = (values, values);
        row.face.label = values.top().0;
    }
    session.manifest.labels = labels;
    session
}

#[test]
fn every_format_is_written_with_any_labels() {
    for format in Format::ALL
        .into_iter()
        .filter(|f| f.missing_feature().is_none())
    {
        for (name, content) in exported(&masked(), format, &ExportOptions::default()) {
            assert!(!content.is_empty(), "{name}");
        }
    }
}

#[test]
fn tables_have_a_column_for_each_label() {
    let summary = text(&masked(), Format::Summary);
    let mut reader = csv::Reader::from_reader(summary.as_bytes());
    let header = reader.headers().unwrap().clone();
    for column in ["share_<&\"'>, ;", "mean_no mask", "happiness_to_no mask"] {
        assert!(
            header.iter().any(|name| name == column),
            "{column}: {header:?}"
        );
    }
    let at = header
        .iter()
        .position(|name| name == "share_no mask")
        .unwrap();
    let shares: Vec<String> = reader
        .records()
        .map(|row| row.unwrap()[at].to_owned())
        .collect();
    assert_eq!(shares, ["0.000000", "1.000000"]);

    let pyfeat = text(&masked(), Format::PyFeat);
    let mut reader = csv::Reader::from_reader(pyfeat.as_bytes());
    let header = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let of = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
    assert_eq!(
        (of("happiness"), of("anger"), of("no mask")),
        ("0.5000", "", "0.2500")
    );
}

#[test]
fn json_and_xml_escape_labels() {
    let lines = text(&masked(), Format::JsonLines);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["faces"][0]["raw"]["<&\"'>, ;"], 0.25);
    let xml = text(&masked(), Format::Elan);
    assert!(xml.contains("CVE_REF=\"cve_label-3\""), "{xml}");
    assert!(
        xml.contains("<CVE_VALUE DESCRIPTION=\"\" LANG_REF=\"eng\">&lt;&amp;"),
        "{xml}"
    );
    let events = text(&masked(), Format::Bids);
    assert!(
        events.lines().any(|line| line.contains("\tno mask\t")),
        "{events}"
    );
}
