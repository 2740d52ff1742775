//! FER-2013 as images in one folder per expression, on disk or in a zip.
//!
//! What counts are the last two folders of an image's path: the split and the expression (`train/happy/1.png`).
//! Whatever lies above them, and files that aren't images, play no part; an image anywhere else is refused
//! rather than skipped, since a folder misspelt would otherwise be a class lost in silence.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use fervis::{capture::still, expression::Expression, model::preprocess::luma_bt601};
use image::{
    GrayImage, Luma,
    imageops::{self, FilterType},
};

use super::{Dataset, DatasetError, IMAGE_SIDE_PX, Split};

/// Loads a folder.
pub(super) fn load(root: &Path) -> Result<Dataset, DatasetError> {
    let mut files = Vec::new();
    list_files(root, &mut Vec::new(), &mut files)?;
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
            let image = decode(&bytes, &name)?;
            dataset.push_with_path(split, expression, &image, path_within(root, &path));
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
    if !still::is_picture_name(file) {
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
/// It is read as the application reads pictures: upright, transparency over white, and color becomes grey as on the way to
/// the network. Another size is resampled with a triangle filter, which averages when it shrinks; the aspect ratio is not
/// kept, as FER-2013's own images are square.
pub(super) fn decode(bytes: &[u8], name: &str) -> Result<Vec<u8>, DatasetError> {
    let side = IMAGE_SIDE_PX as u32;
    let still = still::decode(bytes).map_err(|source| DatasetError::Image {
        file: name.to_owned(),
        source,
    })?;
    let (width, height) = still.rgba.dimensions();
    let luma = GrayImage::from_fn(width, height, |x, y| {
        Luma([luma_bt601(still.rgba.get_pixel(x, y).0) as u8])
    });
    let sized = if (width, height) == (side, side) {
        luma
    } else {
        imageops::resize(&luma, side, side, FilterType::Triangle)
    };
    Ok(sized.into_raw())
}

/// Collects all files below a folder, and behind links. `above` are the folders that lead to it, without links: a link
/// that leads back to one of them is a circle, and everything in there is listed already.
fn list_files(
    folder: &Path,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), DatasetError> {
    let read_error = |source: io::Error| DatasetError::Read {
        file: folder.display().to_string(),
        source,
    };
    let resolved = folder.canonicalize().map_err(read_error)?;
    if above.contains(&resolved) {
        log::warn!(
            "{} leads back to a folder that it lies in, and is not followed",
            folder.display()
        );
        return Ok(());
    }
    above.push(resolved);
    for entry in fs::read_dir(folder).map_err(read_error)? {
        let path = entry.map_err(read_error)?.path();
        // A link to nothing is a file that cannot be read, which matters only if it is to be.
        if path.is_dir() {
            list_files(&path, above, files)?;
        } else {
            files.push(path);
        }
    }
    above.pop();
    Ok(())
}

/// A path below `root`, as people and tables on every system write it.
fn path_within(root: &Path, path: &Path) -> String {
    let within = path.strip_prefix(root).unwrap_or(path);
    let parts = within.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
pub(super) mod tests {
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

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
        let dataset = Dataset::load(root.path()).unwrap();
        assert_eq!(dataset, expected);
        assert_eq!(
            dataset.paths(),
            [
                "fer/PrivateTest/neutral/a.png",
                "fer/PublicTest/sad/a.bmp",
                "fer/Training/Happy/2.PNG",
                "fer/Training/anger/1.png"
            ]
        );
    }

    #[test]
    fn images_are_read_as_in_the_application() {
        let root = tempfile::tempdir().unwrap();
        let mut png = io::Cursor::new(Vec::new());
        // Clear black is white, and red is as dark as BT.601 says.
        RgbaImage::from_fn(48, 48, |x, _| match x {
            0..24 => Rgba([0, 0, 0, 0]),
            _ => Rgba([255, 0, 0, 255]),
        })
        .write_to(&mut png, ImageFormat::Png)
        .unwrap();
        write(root.path(), "train/sad/1.png", png.get_ref());
        // EXIF: a big-endian TIFF with one entry, orientation 6.
        let mut jpeg = io::Cursor::new(Vec::new());
        GrayImage::from_fn(48, 48, |x, _| Luma([if x < 24 { 0 } else { 255 }]))
            .write_to(&mut jpeg, ImageFormat::Jpeg)
            .unwrap();
        let mut jpeg = jpeg.into_inner();
        let exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        jpeg.splice(2..2, exif.iter().copied());
        write(root.path(), "train/sad/2.jfif", &jpeg);
        let dataset = Dataset::load(root.path()).unwrap();
        assert_eq!((dataset.image(0)[0], dataset.image(0)[47]), (255, 76));
        let turned = dataset.image(1);
        assert!(turned[0] < 9 && turned[47] < 9 && turned[IMAGE_LEN - 1] > 246);

        write(root.path(), "train/sad/3.jpg", &jpeg[..jpeg.len() * 3 / 4]);
        let error = Dataset::load(root.path()).unwrap_err();
        assert!(
            error.to_string().contains("3.jpg is not an image"),
            "{error}"
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the picture is cut short");
    }

    #[cfg(unix)]
    #[test]
    fn linked_folders_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let png = |grey| encode(48, grey, ImageFormat::Png);
        write(elsewhere.path(), "1.png", &png(1));
        write(root.path(), "train/sad/2.png", &png(2));
        symlink(elsewhere.path(), root.path().join("train/happy")).unwrap();
        symlink(root.path(), root.path().join("train/sad/back")).unwrap();
        symlink("nowhere", root.path().join("train/notes")).unwrap();
        let dataset = Dataset::load(root.path()).unwrap();
        assert_eq!(dataset.paths(), ["train/happy/1.png", "train/sad/2.png"]);
        symlink("nowhere", root.path().join("train/sad/3.png")).unwrap();
        let error = Dataset::load(root.path()).unwrap_err().to_string();
        assert!(error.contains("3.png could not be read"), "{error}");
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
