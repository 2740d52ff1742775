//! FER-2013 as images in one folder per expression, on disk or in a zip.
//!
//! What counts are the last two folders of an image's path: the split and the expression (`train/happy/1.png`).
//! Whatever lies above them, and files that aren't images, play no part; an image anywhere else is refused
//! rather than skipped, since a folder misspelt would otherwise be a class lost in silence.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use fervis::expression::Expression;
use image::{DynamicImage, imageops::FilterType};

use super::{Dataset, DatasetError, IMAGE_SIDE_PX, Split};

/// Endings of the files that are taken for images; their format is told by their content.
const IMAGE_EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "bmp", "gif", "webp"];

/// Loads a folder.
pub(super) fn load(root: &Path) -> Result<Dataset, DatasetError> {
    let mut files = Vec::new();
    list_files(root, &mut files)?;
    files.sort(); // The system lists files in no order; the data set has one.
    let mut dataset = Dataset::new();
    for path in files {
        // The root belongs to the path: `train` may be what the user gave.
        let name = path.display().to_string();
        if let Some((split, expression)) = parse_path(&name)? {
            let bytes = fs::read(&path).map_err(|source| DatasetError::Read {
                file: name.clone(),
                source,
            })?;
            dataset.push(split, expression, &decode(&bytes, &name)?);
        }
    }
    if dataset.is_empty() {
        return Err(no_images(&root.display().to_string()));
    }
    Ok(dataset)
}

/// The error for a folder or zip without images.
pub(super) fn no_images(name: &str) -> DatasetError {
    DatasetError::Form {
        file: name.to_owned(),
        problem: "holds neither fer2013.csv nor images in folders such as train/happy".to_owned(),
    }
}

/// The split and expression an image's path stands for, `None` if it is no image.
pub(super) fn parse_path(path: &str) -> Result<Option<(Split, Expression)>, DatasetError> {
    let mut parts = path.rsplit(['/', '\\']);
    let file = parts.next().unwrap_or_default();
    // macOS puts a `._name` of its own beside each file it zips.
    let is_image = file.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.starts_with('.')
            && !stem.is_empty()
            && IMAGE_EXTENSIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
    });
    if !is_image {
        return Ok(None);
    }
    let error = |problem: String| DatasetError::Form {
        file: path.to_owned(),
        problem,
    };
    let class = parts.next().unwrap_or_default();
    let expression = Expression::from_name(class).ok_or_else(|| {
        error(format!(
            "lies in the folder “{class}”, which is none of the seven expressions"
        ))
    })?;
    let split = parts.next().unwrap_or_default();
    let split = split_from_folder(split).ok_or_else(|| {
        error(format!(
            "lies in “{split}/{class}”: the outer folder must be Training, PublicTest, PrivateTest, train or test"
        ))
    })?;
    Ok(Some((split, expression)))
}

/// The split a folder holds. Kaggle's `test` is PublicTest and PrivateTest together and can only serve as the
/// test split; validation images then come from Training, see [`Split::PublicTest`].
fn split_from_folder(name: &str) -> Option<Split> {
    Split::from_name(name).or_else(|| {
        Some(match name.to_ascii_lowercase().as_str() {
            "train" => Split::Training,
            "val" | "valid" | "validation" => Split::PublicTest,
            "test" | "testing" => Split::PrivateTest,
            _ => return None,
        })
    })
}

/// Decodes an image of any size and format to 48×48 luma.
///
/// Color becomes grey by Rec. 709's weights. Another size is resampled with a triangle filter, which averages
/// when it shrinks; the aspect ratio is not kept, as FER-2013's own images are square.
pub(super) fn decode(bytes: &[u8], name: &str) -> Result<Vec<u8>, DatasetError> {
    let side = IMAGE_SIDE_PX as u32;
    let image = image::load_from_memory(bytes).map_err(|source| DatasetError::Image {
        file: name.to_owned(),
        source,
    })?;
    let luma = DynamicImage::ImageLuma8(image.to_luma8());
    let sized = if (luma.width(), luma.height()) == (side, side) {
        luma
    } else {
        luma.resize_exact(side, side, FilterType::Triangle)
    };
    Ok(sized.into_luma8().into_raw())
}

/// Collects all files below a folder. Links to folders are not followed: they may lead in a circle.
fn list_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    let read_error = |source: io::Error| DatasetError::Read {
        file: folder.display().to_string(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        if entry.file_type().map_err(read_error)?.is_dir() {
            list_files(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};

    use super::*;
    use crate::dataset::IMAGE_LEN;

    /// An image file of one grey.
    pub(in super::super) fn encode(side_px: u32, grey: u8, format: ImageFormat) -> Vec<u8> {
        let mut file = io::Cursor::new(Vec::new());
        GrayImage::from_pixel(side_px, side_px, Luma([grey]))
            .write_to(&mut file, format)
            .unwrap();
        file.into_inner()
    }

    fn write(root: &Path, path: &str, bytes: &[u8]) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn images_of_any_size_and_format_arrive_in_order_of_their_paths() {
        let root = tempfile::tempdir().unwrap();
        let png = |grey| encode(48, grey, ImageFormat::Png);
        let mut color = io::Cursor::new(Vec::new());
        RgbImage::from_pixel(200, 100, Rgb([90, 90, 90]))
            .write_to(&mut color, ImageFormat::Png)
            .unwrap();
        write(root.path(), "fer/Training/anger/1.png", &png(1));
        write(root.path(), "fer/Training/Happy/2.PNG", &png(2));
        write(
            root.path(),
            "fer/PublicTest/sad/a.bmp",
            &encode(20, 3, ImageFormat::Bmp),
        );
        write(
            root.path(),
            "fer/PrivateTest/neutral/a.png",
            &color.into_inner(),
        );
        write(root.path(), "fer/.DS_Store", b"x");
        write(root.path(), "fer/Training/Happy/._2.png", b"x");
        write(root.path(), "fer/README.txt", b"x");

        let mut expected = Dataset::new();
        expected.push(Split::PrivateTest, Expression::Neutral, &[90; IMAGE_LEN]);
        expected.push(Split::PublicTest, Expression::Sad, &[3; IMAGE_LEN]);
        expected.push(Split::Training, Expression::Happy, &[2; IMAGE_LEN]);
        expected.push(Split::Training, Expression::Angry, &[1; IMAGE_LEN]);
        assert_eq!(Dataset::load(root.path()).unwrap(), expected);
    }

    #[test]
    fn a_train_and_test_folder_gets_its_validation_images_from_train() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..16 {
            let png = encode(48, i, ImageFormat::Png);
            write(root.path(), &format!("train/fear/{i:02}.png"), &png);
        }
        write(
            root.path(),
            "test/fear/1.png",
            &encode(48, 99, ImageFormat::Png),
        );
        let dataset = Dataset::load(root.path()).unwrap();
        assert_eq!(dataset.split(Split::Training).len(), 14);
        assert_eq!(dataset.split(Split::PublicTest).len(), 2);
        let test = dataset.split(Split::PrivateTest);
        assert_eq!(test.len(), 1);
        assert_eq!(dataset.image(test[0])[0], 99);
    }

    #[test]
    fn what_fits_no_class_or_split_is_refused_by_name() {
        let png = encode(48, 0, ImageFormat::Png);
        let cases: [(&str, &[u8], &str); 4] = [
            ("train/contempt/1.png", &png, "“contempt”, which is none"),
            ("fold1/happy/1.png", &png, "“fold1/happy”"),
            ("train/happy/1.png", b"no image", "1.png is not an image"),
            ("notes.txt", b"", "holds neither"),
        ];
        for (path, bytes, expected) in cases {
            let root = tempfile::tempdir().unwrap();
            write(root.path(), path, bytes);
            let error = Dataset::load(root.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}, not {expected}");
        }
    }
}
