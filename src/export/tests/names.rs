//! Faces with names, of which one could break every format.

use super::*;

const ODD: &str = "<Ann & \"Bo\"> --> ; é";

/// [`two_people`], of whom the second has a name.
fn named() -> Session {
    let mut session = two_people();
    session.manifest.face_names.set(2, ODD);
    session
}

#[test]
fn tables_have_a_column_with_names() {
    let rows = |format, delimiter| -> Vec<(String, String)> {
        let table = text(&named(), format);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .from_reader(table.as_bytes());
        let header = reader.headers().unwrap().clone();
        let at = |name| header.iter().position(|column| column == name).unwrap();
        let (track, name) = (at("track"), at("name"));
        let rows = reader.records().map(Result::unwrap);
        rows.map(|row| (row[track].to_owned(), row[name].to_owned()))
            .collect()
    };
    let pair = |track: &str, name: &str| (track.to_owned(), name.to_owned());
    assert_eq!(rows(Format::Summary, b','), [pair("1", ""), pair("2", ODD)]);
    let events = rows(Format::Bids, b'\t');
    assert!(events.contains(&pair("2", ODD)) && events.contains(&pair("1", "n/a")));
    let pyfeat = text(&named(), Format::PyFeat);
    assert!(pyfeat.contains(",Person_1,") && !pyfeat.contains("Person_2"));
}

#[test]
fn names_stand_where_people_read_numbers() {
    let vtt = text(&named(), Format::WebVtt);
    assert!(
        vtt.contains("\n&lt;Ann &amp; \"Bo\"&gt; --&gt; ; é: sad 40 %\n"),
        "{vtt}"
    );
    assert!(vtt.contains("\nface 1: happy 40 %\n"), "{vtt}");
    let eaf = text(&named(), Format::Elan);
    let tier = "TIER_ID=\"&lt;Ann &amp; &quot;Bo&quot;&gt; --&gt; ; é (face 2)\"";
    assert!(
        eaf.contains(tier) && eaf.contains("TIER_ID=\"face 1\""),
        "{eaf}"
    );
    let lines = text(&named(), Format::JsonLines);
    let line = lines.lines().nth(4).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["faces"][1]["name"], ODD);
    assert!(line["faces"][0].get("name").is_none());
}

#[test]
#[cfg(feature = "parquet")]
fn parquet_has_names_as_texts() {
    use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
    use ::parquet::record::RowAccessor as _;

    let files = exported(&named(), Format::Parquet, &ExportOptions::default());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&files[0].1).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let names: Vec<Option<String>> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            let at = |name: &str| {
                let mut columns = row.get_column_iter();
                columns.position(|(column, _)| column == name).unwrap()
            };
            let is_second = row.get_long(at("track")).unwrap() == 2;
            let name = row.get_string(at("name")).ok().cloned();
            assert_eq!(name.is_some(), is_second);
            name
        })
        .collect();
    assert!(names.contains(&Some(ODD.to_owned())));
}
