//! FER-2013 in a zip, as Kaggle distributes it: the table, or the folders of images.
//!
//! The archive of the original challenge holds several tables, of which only `icml_face_data.csv` has a label in every
//! row, so a table is recognized by its columns, not by being first.

use std::io::{BufReader, Read, Seek};

use ::zip::{
    ZipArchive,
    read::{ArchiveOffset, Config, ZipFile},
    result::ZipError,
};
use fervis::expression::Labels;

use super::{
    csv,
    error::DatasetError,
    folder::{self, ImagePath, MAX_IMAGE_BYTES},
    images::Dataset,
};

/// Loads an archive. `name` is what errors call it.
pub(super) fn load(
    reader: impl Read + Seek,
    name: &str,
    side_px: usize,
    classes: Option<Labels>,
) -> Result<Dataset, DatasetError> {
    let zip_error = |file: &str| {
        let file = file.to_owned();
        move |source| DatasetError::Zip { file, source }
    };
    // If `zip` has to guess where the archive begins, it may mistake the second entry of one with ZIP64 records for the
    // first. These archives begin with their first entry.
    let config = Config {
        archive_offset: ArchiveOffset::Known(0),
    };
    let mut archive =
        ZipArchive::with_config(config, BufReader::new(reader)).map_err(zip_error(name))?;
    let mut entries = archive
        .file_names()
        .enumerate()
        .map(|(index, path)| Ok((path?.into_owned(), index)))
        .collect::<Result<Vec<_>, ZipError>>()
        .map_err(zip_error(name))?;
    entries.sort(); // Like the files of a folder, so that the zip of a folder is the same dataset.

    for (path, index) in &entries {
        let full_name = format!("{name}/{path}");
        if path.to_ascii_lowercase().ends_with(".csv") && !path.contains("__MACOSX") {
            let entry = archive.by_index(*index).map_err(zip_error(&full_name))?;
            if csv::has_columns(entry, &full_name)? {
                let entry = archive.by_index(*index).map_err(zip_error(&full_name))?;
                return csv::load(entry, &full_name);
            }
        }
    }

    let mut images = Vec::new();
    for (path, index) in entries {
        if let Some(place) = ImagePath::of(&path) {
            images.push((place, (format!("{name}/{path}"), index)));
        }
    }
    if images.is_empty() {
        return Err(folder::no_images(name));
    }
    folder::fill(name, side_px, classes, images, |(full_name, index)| {
        let entry = archive.by_index(index).map_err(zip_error(&full_name))?;
        folder::decode(&unpack(entry, &full_name)?, &full_name)
    })
}

/// The bytes of an image.
fn unpack<R: Read + Seek>(entry: ZipFile<'_, R>, name: &str) -> Result<Vec<u8>, DatasetError> {
    let mut bytes = Vec::new();
    // The size in the archive may be wrong, so the reading itself is limited.
    entry
        .take(MAX_IMAGE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(DatasetError::read(name))?;
    if bytes.len() as u64 > MAX_IMAGE_BYTES {
        let problem = format!("is larger than {} MB", MAX_IMAGE_BYTES >> 20);
        return Err(DatasetError::form(name, problem));
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
        super::{csv::tests as csv_tests, folder::tests::encode, split::Split},
        *,
    };
    use crate::fer2013::IMAGE_LEN;

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
        let png = |gray| encode(48, gray, ImageFormat::Png);
        let archive = zip(&[
            ("train/happy/b.png", &png(2)),
            ("train/happy/a.png", &png(1)),
            ("test/sad/a.png", &encode(96, 5, ImageFormat::Bmp)),
            ("__MACOSX/train/happy/._a.png", b"x"),
        ]);
        let mut expected = Dataset::default();
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
    fn class_folders_in_a_zip_are_split_at_random() {
        let grays: Vec<Vec<u8>> = (0..10)
            .map(|gray| encode(48, gray, ImageFormat::Png))
            .collect();
        let names: Vec<String> = (0..10).map(|i| format!("fear/{i}.png")).collect();
        let entries: Vec<(&str, &[u8])> = names
            .iter()
            .map(String::as_str)
            .zip(grays.iter().map(Vec::as_slice))
            .collect();
        let dataset = load_bytes(&zip(&entries)).unwrap();
        let n_images = Split::ALL.map(|split| dataset.split(split).len());
        assert_eq!(n_images, [8, 1, 1]);
    }

    /// The distance from the first entry to the second equals the length of the ZIP64 records, 76 bytes.
    #[test]
    fn archives_with_zip64_records_are_read() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let (first, second) = ("twenty-one-characters/a.notes.", "fer2013.csv");
        assert_eq!(first.len(), 30);
        for (path, bytes) in [
            (first, &b"x"[..]),
            (second, csv_tests::small_csv().as_bytes()),
        ] {
            writer
                .start_file(path, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        let plain = writer.finish().unwrap().into_inner();
        let (body, end) = plain.split_at(plain.len() - 22);
        let u32_at = |at: usize| u32::from_le_bytes(end[at..at + 4].try_into().unwrap());
        let (directory_len, directory) = (u32_at(12), u32_at(16));
        let mut archive = body.to_vec();
        // The ZIP64 end of the directory, and its locator, which PyTorch and others always write.
        archive.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
        for value in [2, 2, directory_len.into(), directory.into()] {
            archive.extend(u64::to_le_bytes(value));
        }
        archive.extend(b"PK\x06\x07\0\0\0\0");
        archive.extend((body.len() as u64).to_le_bytes());
        archive.extend([1, 0, 0, 0]);
        archive.extend(end);
        assert_eq!(load_bytes(&archive).unwrap(), csv_tests::small_dataset());
    }

    #[test]
    fn a_table_without_line_ends_in_a_zip_is_skipped() {
        let spaces = vec![b' '; 20 << 20];
        let archive = zip(&[
            ("a.csv", &spaces),
            ("fer2013.csv", csv_tests::small_csv().as_bytes()),
        ]);
        assert_eq!(load_bytes(&archive).unwrap(), csv_tests::small_dataset());
    }

    #[test]
    fn damaged_and_unrelated_zips_are_refused() {
        let good = zip(&[("fer2013.csv", csv_tests::small_csv().as_bytes())]);
        let damaged = load_bytes(&good[..good.len() / 2]).unwrap_err();
        assert!(matches!(damaged, DatasetError::Zip { .. }), "{damaged}");

        let error = load_bytes(&zip(&[("notes.txt", b"x")])).unwrap_err();
        assert!(error.to_string().contains("holds neither"), "{error}");

        let error = load_bytes(&zip(&[("train/happy/a.png", b"x")])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("train/happy/a.png: not a readable image"),
            "{error}"
        );

        let broken_row = csv_tests::small_csv().replace("3,20", "8,20");
        let error = load_bytes(&zip(&[("a/fer2013.csv", broken_row.as_bytes())])).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("a/fer2013.csv, line 3: "), "{error}");
    }
}
