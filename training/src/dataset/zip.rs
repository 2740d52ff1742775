//! FER-2013 in a zip as Kaggle hands it out: the table, or the folders of images.
//!
//! The archive of the original challenge holds several tables, of which only `icml_face_data.csv` has labels for
//! every row, so tables are chosen by their columns and not by being the first.

use std::io::{BufReader, Read, Seek};

use ::zip::{ZipArchive, read::ZipFile, result::ZipError};

use super::{Dataset, DatasetError, csv, folder};

/// The most an image in the archive may unpack to. FER-2013's are 2 kB; a larger one is not worth the memory.
const MAX_IMAGE_BYTES: u64 = 64 << 20;

/// Loads an archive. `name` is what errors call it.
pub(super) fn load(reader: impl Read + Seek, name: &str) -> Result<Dataset, DatasetError> {
    let zip_error = |file: &str| {
        let file = file.to_owned();
        move |source| DatasetError::Zip { file, source }
    };
    let mut archive = ZipArchive::new(BufReader::new(reader)).map_err(zip_error(name))?;
    let mut entries = archive
        .file_names()
        .enumerate()
        .map(|(index, path)| Ok((path?.into_owned(), index)))
        .collect::<Result<Vec<_>, ZipError>>()
        .map_err(zip_error(name))?;
    entries.sort(); // As a folder's files, so that the zip of a folder is the same data set.

    for (path, index) in &entries {
        let full_name = format!("{name}/{path}");
        if path.to_ascii_lowercase().ends_with(".csv") && !path.contains("__MACOSX") {
            let entry = archive.by_index(*index).map_err(zip_error(&full_name))?;
            if has_columns(entry, &full_name)? {
                let entry = archive.by_index(*index).map_err(zip_error(&full_name))?;
                return csv::load(entry, &full_name);
            }
        }
    }

    let mut dataset = Dataset::new();
    for (path, index) in entries {
        if let Some((split, expression)) = folder::parse_path(&path)? {
            let full_name = format!("{name}/{path}");
            let entry = archive.by_index(index).map_err(zip_error(&full_name))?;
            let image = folder::decode(&unpack(entry, &full_name)?, &full_name)?;
            dataset.push_with_path(split, expression, &image, path);
        }
    }
    if dataset.is_empty() {
        return Err(folder::no_images(name));
    }
    Ok(dataset)
}

/// Whether a table has the columns of FER-2013.
fn has_columns(entry: impl Read, name: &str) -> Result<bool, DatasetError> {
    let mut reader = ::csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(entry);
    let header = reader
        .byte_headers()
        .map_err(|error| csv::read_error(error, name))?;
    Ok(csv::Columns::from_header(header).is_ok())
}

/// The bytes of an image.
fn unpack<R: Read + Seek>(entry: ZipFile<'_, R>, name: &str) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    // The size the archive states may be a lie, so the reading itself is bounded.
    entry
        .take(MAX_IMAGE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| DatasetError::Read {
            file: name.to_owned(),
            source,
        })?;
    if bytes.len() as u64 > MAX_IMAGE_BYTES {
        return Err(DatasetError::Form {
            file: name.to_owned(),
            problem: format!("is larger than {} MB", MAX_IMAGE_BYTES >> 20),
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use ::zip::{ZipWriter, write::SimpleFileOptions};
    use fervis::expression::Expression;
    use image::ImageFormat;

    use super::{
        super::{IMAGE_LEN, Split, csv::tests as csv_tests, folder::tests::encode},
        *,
    };

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in entries {
            writer
                .start_file(*path, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn load_bytes(bytes: &[u8]) -> Result<Dataset, DatasetError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Dataset::load(file.path())
    }

    #[test]
    fn the_table_with_all_columns_is_found_among_others() {
        let archive = zip(&[
            ("challenge/example_submission.csv", b"id,emotion\n"),
            ("challenge/test.csv", b"pixels\n1 2 3\n"),
            ("challenge/train.csv", b"emotion,pixels\n0,1 2 3\n"),
            (
                "challenge/icml_face_data.csv",
                csv_tests::small_csv().as_bytes(),
            ),
        ]);
        assert_eq!(load_bytes(&archive).unwrap(), csv_tests::small_dataset());
    }

    #[test]
    fn folders_in_a_zip_load_like_folders() {
        let png = |grey| encode(48, grey, ImageFormat::Png);
        let archive = zip(&[
            ("train/happy/b.png", &png(2)),
            ("train/happy/a.png", &png(1)),
            ("test/sad/a.png", &encode(96, 5, ImageFormat::Bmp)),
            ("__MACOSX/train/happy/._a.png", b"x"),
        ]);
        let mut expected = Dataset::new();
        expected.push(Split::PrivateTest, Expression::Sad, &[5; IMAGE_LEN]);
        expected.push(Split::Training, Expression::Happy, &[1; IMAGE_LEN]);
        expected.push(Split::Training, Expression::Happy, &[2; IMAGE_LEN]);
        let dataset = load_bytes(&archive).unwrap();
        assert_eq!(dataset, expected);
        assert_eq!(
            dataset.paths(),
            ["test/sad/a.png", "train/happy/a.png", "train/happy/b.png"]
        );
    }

    #[test]
    fn zips_that_are_damaged_or_of_something_else_are_refused() {
        let good = zip(&[("fer2013.csv", csv_tests::small_csv().as_bytes())]);
        let damaged = load_bytes(&good[..good.len() / 2]).unwrap_err();
        assert!(matches!(damaged, DatasetError::Zip { .. }), "{damaged}");

        let error = load_bytes(&zip(&[("notes.txt", b"x")])).unwrap_err();
        assert!(error.to_string().contains("holds neither"), "{error}");

        let error = load_bytes(&zip(&[("train/happy/a.png", b"x")])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("train/happy/a.png is not an image"),
            "{error}"
        );

        let broken_row = csv_tests::small_csv().replace("3,20", "8,20");
        let error = load_bytes(&zip(&[("a/fer2013.csv", broken_row.as_bytes())])).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("a/fer2013.csv, line 3: "), "{error}");
    }
}
