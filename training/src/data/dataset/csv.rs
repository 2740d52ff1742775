//! FER-2013 as a table: `fer2013.csv` and `icml_face_data.csv`.
//!
//! Both have one row per image, but the second has its columns in a different order and spaces in their names, so
//! columns are found by name. The pixels are 2,304 numbers in one field, separated by spaces.

use std::io::{self, Read};

use ::csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};
use fervis::expression::Expression;

use super::{error::DatasetError, images::Dataset, split::Split};
use crate::{
    data::bounded_rows::{OVERRUN, RowBudget, bounded_rows},
    fer2013::IMAGE_LEN,
};

/// Where the columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    emotion: usize,
    pixels: usize,
    usage: usize,
    n: usize,
}

impl Columns {
    /// Finds the columns by name; `Err` says which one is missing.
    pub(super) fn from_header(header: &ByteRecord) -> Result<Self, &'static str> {
        let position = |name: &'static str| {
            header
                .iter()
                .position(|field| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
                .ok_or(name)
        };
        Ok(Self {
            emotion: position("emotion")?,
            pixels: position("pixels")?,
            usage: position("Usage")?,
            n: header.len(),
        })
    }
}

/// Reads a table. `name` is what errors call the file.
pub(super) fn load(reader: impl Read, name: &str) -> Result<Dataset, DatasetError> {
    let (reader, budget) = bounded_rows(reader);
    let mut reader = ReaderBuilder::new()
        .flexible(true) // Row lengths are checked below, with clearer messages.
        .trim(Trim::All)
        .from_reader(reader);
    let header = reader
        .byte_headers()
        .map_err(|error| read_error(error, name, 1, &budget))?;
    let columns = Columns::from_header(header)
        .map_err(|missing| DatasetError::form(name, describe_header(header, missing)))?;

    let mut dataset = Dataset::default();
    let mut record = ByteRecord::new();
    let mut image = Vec::with_capacity(IMAGE_LEN);
    loop {
        budget.begin_row();
        let line = reader.position().line();
        if !reader
            .read_byte_record(&mut record)
            .map_err(|error| read_error(error, name, line, &budget))?
        {
            return Ok(dataset);
        }
        let (split, expression) =
            parse_row(&record, columns, &mut image).map_err(|problem| DatasetError::Row {
                file: name.to_owned(),
                line: record.position().map_or(0, ::csv::Position::line),
                problem,
            })?;
        dataset.push(split, expression, &image);
        dataset.check_size(name)?;
    }
}

/// Whether a table has the columns of FER-2013.
pub(super) fn has_columns(reader: impl Read, name: &str) -> Result<bool, DatasetError> {
    let (reader, budget) = bounded_rows(reader);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(reader);
    match reader.byte_headers() {
        Ok(header) => Ok(Columns::from_header(header).is_ok()),
        // Another kind of file with that extension.
        Err(_) if budget.is_overrun() => Ok(false),
        Err(error) => Err(read_error(error, name, 1, &budget)),
    }
}

/// Parses a row, leaving its pixels in `image`. `Err` says what is wrong.
fn parse_row(
    record: &ByteRecord,
    columns: Columns,
    image: &mut Vec<u8>,
) -> Result<(Split, Expression), String> {
    if record.len() != columns.n {
        return Err(format!(
            "{} fields where the header has {}",
            record.len(),
            columns.n
        ));
    }
    let text = |column: usize| String::from_utf8_lossy(&record[column]);
    let emotion = text(columns.emotion);
    let expression = emotion
        .parse()
        .ok()
        .and_then(Expression::from_index)
        .ok_or_else(|| {
            format!(
                "the emotion is “{}”, not a number from 0 to 6",
                shorten(&emotion)
            )
        })?;
    let usage = text(columns.usage);
    let split = Split::of_usage(&usage).ok_or_else(|| {
        format!(
            "the Usage is “{}”, not Training, PublicTest or PrivateTest",
            shorten(&usage)
        )
    })?;
    parse_pixels(&record[columns.pixels], image)?;
    Ok((split, expression))
}

/// Parses numbers of 0 to 255 separated by white space.
fn parse_pixels(field: &[u8], image: &mut Vec<u8>) -> Result<(), String> {
    image.clear();
    for word in field.split(u8::is_ascii_whitespace) {
        if word.is_empty() {
            continue;
        }
        // Parsed by hand because there are 83 million numbers: this takes a third of the time of `str::parse`.
        let value = word.iter().try_fold(0_u32, |value, &digit| {
            (digit.is_ascii_digit() && value < 100).then(|| value * 10 + u32::from(digit - b'0'))
        });
        let Some(pixel) = value.and_then(|value| u8::try_from(value).ok()) else {
            return Err(format!(
                "pixel {} is “{}”, not a number from 0 to 255",
                image.len() + 1,
                shorten(&String::from_utf8_lossy(word))
            ));
        };
        image.push(pixel);
    }
    if image.len() != IMAGE_LEN {
        return Err(format!("{} pixels instead of {IMAGE_LEN}", image.len()));
    }
    Ok(())
}

/// The message for a table that lacks one of the columns.
fn describe_header(header: &ByteRecord, missing: &str) -> String {
    if header.is_empty() {
        return "is empty".to_owned();
    }
    // A tar header has its magic at byte 257; without commas and line ends it is read as one field.
    if header.as_slice().windows(5).any(|bytes| bytes == b"ustar") {
        return "is a tar archive; unpack it and give the .csv file inside".to_owned();
    }
    format!(
        "is not FER-2013: its first line has no column “{missing}”; give fer2013.csv, icml_face_data.csv, a folder \
         with train and test folders, or a zip of one of these"
    )
}

/// Distinguishes a failed read, a table that the CSV parser rejects, and a row that is too long.
fn read_error(error: ::csv::Error, name: &str, line: u64, budget: &RowBudget) -> DatasetError {
    if budget.is_overrun() {
        return DatasetError::Row {
            file: name.to_owned(),
            line,
            problem: OVERRUN.to_owned(),
        };
    }
    let source = match error.into_kind() {
        ErrorKind::Io(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    };
    DatasetError::read(name)(source)
}

/// The start of a text, so that an error stays one line even if a field holds a whole image.
fn shorten(text: &str) -> String {
    const MAX_CHARS: usize = 20;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn pixels(value: u8) -> String {
        vec![value.to_string(); IMAGE_LEN].join(" ")
    }

    /// Three rows, one per split, in the form of `fer2013.csv`.
    pub(in super::super) fn small_csv() -> String {
        format!(
            "emotion,pixels,Usage\n0,{},Training\n3,{},PublicTest\n6,{},PrivateTest\n",
            pixels(1),
            pixels(20),
            pixels(255)
        )
    }

    /// The contents of [`small_csv`].
    pub(in super::super) fn small_dataset() -> Dataset {
        let mut dataset = Dataset::default();
        dataset.push(Split::Training, Expression::Angry, &[1; IMAGE_LEN]);
        dataset.push(Split::PublicTest, Expression::Happy, &[20; IMAGE_LEN]);
        dataset.push(Split::PrivateTest, Expression::Neutral, &[255; IMAGE_LEN]);
        dataset
    }

    fn load_bytes(bytes: &[u8]) -> Result<Dataset, DatasetError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Dataset::load(file.path())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_variant_gives_the_same_images() {
        let csv = small_csv();
        let icml = format!(
            "emotion, Usage, pixels\r\n0,Training,{}\r\n3,PublicTest,{}\r\n6,PrivateTest, {}\r\n",
            pixels(1),
            pixels(20),
            pixels(255)
        );
        let variants: [(&str, Vec<u8>); 6] = [
            ("plain", csv.clone().into()),
            ("gzipped", gzip(csv.as_bytes())),
            (
                "gzipped in two members",
                [gzip(&csv.as_bytes()[..99]), gzip(&csv.as_bytes()[99..])].concat(),
            ),
            ("icml_face_data", icml.into()),
            ("with a byte order mark", format!("\u{feff}{csv}").into()),
            ("without a last line end", csv.trim_end().into()),
        ];
        for (variant, bytes) in variants {
            assert_eq!(load_bytes(&bytes).unwrap(), small_dataset(), "{variant}");
        }
    }

    #[test]
    fn a_folder_may_be_given_for_the_file_in_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fer2013.csv"), small_csv()).unwrap();
        assert_eq!(Dataset::load(folder.path()).unwrap(), small_dataset());
    }

    #[test]
    fn bad_rows_are_named_by_line_and_fault() {
        let row = |emotion: &str, pixels: &str, usage: &str| {
            format!("{}{emotion},{pixels},{usage}\n", small_csv())
        };
        let good = pixels(7);
        let cases = [
            (row("7", &good, "Training"), "the emotion is “7”"),
            (row("-1", &good, "Training"), "the emotion is “-1”"),
            (row("", &good, "Training"), "the emotion is “”"),
            (row("0", &good, "Test"), "the Usage is “Test”"),
            (row("0", "1 2 3", "Training"), "3 pixels instead of 2304"),
            (row("0", &format!("{good} 7"), "Training"), "2305 pixels"),
            (row("0", "1 256 3", "Training"), "pixel 2 is “256”"),
            (row("0", "1 2 x3", "Training"), "pixel 3 is “x3”"),
            (row("0", "1 1.5", "Training"), "pixel 2 is “1.5”"),
            (row("0", "-1", "Training"), "pixel 1 is “-1”"),
            (
                row("0", "99999999999999999999999", "Training"),
                "pixel 1 is “99999999999999999999…”",
            ),
            (
                format!("{}0,{good}\n", small_csv()),
                "2 fields where the header has 3",
            ),
            (row("0", &good, "Training,x"), "4 fields"),
        ];
        for (csv, expected) in cases {
            let error = load_bytes(csv.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(", line 5: "), "{error}");
            assert!(error.contains(expected), "{error}, not {expected}");
        }
    }

    /// 20 MB of spaces or numbers in a few kB of gzip are not held in memory.
    #[test]
    fn endless_rows_are_refused() {
        let long = |start: &str, text: &str| {
            let table = format!("{start}{}", text.repeat((20 << 20) / text.len()));
            load_bytes(&gzip(table.as_bytes())).unwrap_err().to_string()
        };
        let end = format!(": {OVERRUN}");
        for error in [
            long("", " "),
            long(&small_csv(), "1 "),
            // The lines end, but the quotation around them does not.
            long(&format!("{}0,\"", small_csv()), "1\n"),
        ] {
            assert!(error.ends_with(&end), "{error}");
        }
        assert!(long(&small_csv(), " 1").contains(", line 5: "));
    }

    #[test]
    fn tables_of_something_else_are_refused() {
        let mut tar = vec![b'f'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: [(&[u8], &str); 5] = [
            (b"emotion,pixels\n0,1\n", "no column “Usage”"),
            (b"\x89PNG\r\n\x1a\n", "no column “emotion”"),
            (b"", "is empty"),
            (b"emotion,pixels,Usage\n", "holds no images"),
            (&tar, "is a tar archive"),
        ];
        for (bytes, expected) in cases {
            let error = load_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}, not {expected}");
        }
        let error = load_bytes(&gzip(&tar)).unwrap_err().to_string();
        assert!(error.contains("is a tar archive"), "{error}");
    }

    #[test]
    fn a_gzip_cut_short_is_refused() {
        let whole = gzip(small_csv().as_bytes());
        let error = load_bytes(&whole[..whole.len() - 9]).unwrap_err();
        assert!(matches!(error, DatasetError::Read { .. }), "{error}");
    }
}
