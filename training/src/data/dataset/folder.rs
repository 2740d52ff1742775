//! Images in one folder per class, on disk or in a zip.
//!
//! Only the last two folders of an image's path count: the split and the class (`train/happy/1.png`). If no image has a
//! split, all class folders must lie in one folder, which is split at random. Folders above these and other kinds of files
//! are ignored.
//! What the classes are is in `classes`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fervis::{capture::still, expression::Labels, model::preprocess::luma_bt601, read};
use image::{GrayImage, Luma};

use super::{classes, error::DatasetError, images::Dataset, split::Split};

/// The largest image file, compressed or not. FER-2013's have 2 kB; a larger one is not worth the memory.
pub(super) const MAX_IMAGE_BYTES: u64 = 64 << 20;

/// Maximum number of folders in a dataset, and how deep they may be nested. Each class of a split has one; links could lead
/// to a whole disk, in which there are more paths than folders.
const MAX_FOLDERS: usize = 5_000;
const MAX_DEPTH: usize = 32;

/// Loads a folder of images for a network whose input has this side, px.
pub(super) fn load(
    root: &Path,
    side_px: usize,
    classes: Option<Labels>,
) -> Result<Dataset, DatasetError> {
    let mut listing = Listing::default();
    listing.add(root)?;
    let mut files = listing.files;
    files.sort(); // The system lists files in no order; the dataset has one.
    let mut images = Vec::new();
    for path in files {
        // The root is part of the path: the user may have given `train`.
        let name = path.display().to_string();
        if let Some(place) = ImagePath::of(&name) {
            let within = path_within(root, &path);
            images.push((ImagePath { within, ..place }, (path, name)));
        }
    }
    let name = root.display().to_string();
    if images.is_empty() {
        return Err(no_images(&name));
    }
    fill(&name, side_px, classes, images, |(path, name)| {
        let bytes = read::bytes(&path, MAX_IMAGE_BYTES).map_err(DatasetError::read(&name))?;
        decode(&bytes, &name)
    })
}

/// A dataset of images, decoded by `read`, according to their places. `name` is the folder or zip. Only images of `classes`
/// are read, if they are given.
pub(super) fn fill<T>(
    name: &str,
    side_px: usize,
    classes: Option<Labels>,
    images: Vec<(ImagePath, T)>,
    mut read: impl FnMut(T) -> Result<GrayImage, DatasetError>,
) -> Result<Dataset, DatasetError> {
    let places: Vec<&ImagePath> = images.iter().map(|(place, _)| place).collect();
    let has_splits = check_places(&places)?;
    let folders = classes::count(places.iter().map(|place| place.class.as_str()));
    let classes = match classes {
        Some(classes) => classes,
        None => classes::of(&folders, name)?,
    };
    let label_of = classes::labels(&folders, classes, name);
    let mut dataset = Dataset::of_pictures(classes, side_px);
    for (place, image) in images {
        let split = place.split.unwrap_or(Split::Training);
        let Some(label) = label_of.get(&place.class) else {
            continue;
        };
        let picture = read(image)?;
        dataset.push_picture(split, *label, &picture, place.within);
        dataset.check_size(&place.path)?;
    }
    if dataset.is_empty() {
        let problem = format!("holds no image of any of the classes {}", classes.list());
        return Err(DatasetError::form(name, problem));
    }
    if !has_splits {
        dataset.split_by_chance();
    }
    Ok(dataset)
}

/// The error for a folder or zip without images.
pub(super) fn no_images(name: &str) -> DatasetError {
    let problem = "holds neither fer2013.csv nor images in folders such as train/happy";
    DatasetError::form(name, problem)
}

/// What an image's path says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImagePath {
    /// The path.
    path: String,
    /// The path within the given folder or zip, which is the image's name.
    within: String,
    /// The name of the folder that holds the image.
    class: String,
    /// Named by the folder above, if it is one of the splits.
    split: Option<Split>,
}

impl ImagePath {
    /// `None` if the file is not an image.
    pub(super) fn of(path: &str) -> Option<Self> {
        let mut parts = path.rsplit(['/', '\\']);
        let file = parts.next().unwrap_or_default();
        if !still::is_picture_name(file) {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            within: path.to_owned(),
            class: parts.next().unwrap_or_default().to_owned(),
            split: parts.next().and_then(split_from_folder),
        })
    }

    /// The path of the folder above that of the class; empty if there is none.
    fn outer(&self) -> &str {
        let above = |path: &str| path.rfind(['/', '\\']).unwrap_or(0);
        let class = &self.path[..above(&self.path)];
        &class[..above(class)]
    }

    /// The names of that folder and of the class folder.
    fn folders(&self) -> String {
        let mut parts = self.path.rsplit(['/', '\\']).skip(1);
        let class = parts.next().unwrap_or_default();
        format!("{}/{class}", parts.next().unwrap_or_default())
    }
}

/// Whether the images have splits. Either all have one, or none has and all class folders lie in the same folder: two
/// such folders may be splits with misspelled names.
fn check_places(places: &[&ImagePath]) -> Result<bool, DatasetError> {
    const NAMES: &str =
        "the outer folder must be Training, PublicTest, PrivateTest, train, val or test";
    let refused =
        |place: &ImagePath, problem: String| Err(DatasetError::form(&place.path, problem));
    let is_class =
        |place: &&&ImagePath| !place.class.is_empty() && split_from_folder(&place.class).is_none();
    if let Some(place) = places.iter().find(|place| !is_class(place)) {
        let problem =
            "lies in no class folder; put each image into a folder with the name of its class";
        return refused(place, problem.to_owned());
    }
    if places.iter().any(|place| place.split.is_some()) {
        return match places.iter().find(|place| place.split.is_none()) {
            Some(place) => refused(place, format!("lies in “{}”: {NAMES}", place.folders())),
            None => Ok(true),
        };
    }
    let first = places.first();
    match places
        .iter()
        .find(|place| first.is_some_and(|first| first.outer() != place.outer()))
    {
        Some(place) => refused(
            place,
            format!(
                "lies in “{}”, and other images in “{}”: {NAMES}, or all class folders must lie in one folder",
                place.folders(),
                first.map_or(String::new(), |first| first.folders())
            ),
        ),
        None => Ok(false),
    }
}

/// The split that a folder holds. Kaggle's `test` is PublicTest and PrivateTest merged and can only serve as the test
/// split; validation images then come from Training, see [`Split::PublicTest`].
fn split_from_folder(name: &str) -> Option<Split> {
    Split::of_usage(name).or_else(|| {
        Some(match name.to_ascii_lowercase().as_str() {
            "train" => Split::Training,
            "val" | "valid" | "validation" => Split::PublicTest,
            "test" | "testing" => Split::PrivateTest,
            _ => return None,
        })
    })
}

/// Decodes an image of any size and format to luma.
///
/// The application reads pictures the same way: upright, transparency over white, color to gray by BT.601.
pub(super) fn decode(bytes: &[u8], name: &str) -> Result<GrayImage, DatasetError> {
    let still = still::decode(bytes).map_err(|source| DatasetError::Image {
        file: name.to_owned(),
        source,
    })?;
    let (width, height) = still.rgba.dimensions();
    Ok(GrayImage::from_fn(width, height, |x, y| {
        Luma([luma_bt601(still.rgba.get_pixel(x, y).0) as u8])
    }))
}

/// All files below a folder, following links.
#[derive(Default)]
struct Listing {
    files: Vec<PathBuf>,
    n_folders: usize,
    /// The resolved folders above the current one.
    above: Vec<PathBuf>,
    cycle_reported: bool,
}

impl Listing {
    fn add(&mut self, folder: &Path) -> Result<(), DatasetError> {
        let name = folder.display().to_string();
        let read_error = DatasetError::read(&name);
        let resolved = folder.canonicalize().map_err(&read_error)?;
        // A link back to a folder above is a cycle whose files are listed already. Only the first of many is reported.
        if self.above.contains(&resolved) {
            if !self.cycle_reported {
                log::warn!("{name}: skipped, because this link leads back to a folder above it");
            }
            self.cycle_reported = true;
            return Ok(());
        }
        self.n_folders += 1;
        if self.n_folders > MAX_FOLDERS || self.above.len() >= MAX_DEPTH {
            let problem = format!(
                "is one folder too many: a dataset has at most {MAX_FOLDERS}, nested {MAX_DEPTH} deep, including those \
                 behind links"
            );
            return Err(DatasetError::form(&name, problem));
        }
        self.above.push(resolved);
        for entry in fs::read_dir(folder).map_err(&read_error)? {
            let path = entry.map_err(&read_error)?.path();
            // A broken link counts as a file; it is an error only if it must be read.
            if path.is_dir() {
                self.add(&path)?;
            } else {
                self.files.push(path);
            }
        }
        self.above.pop();
        Ok(())
    }
}

/// A path below `root`, with `/` on every system.
fn path_within(root: &Path, path: &Path) -> String {
    let within = path.strip_prefix(root).unwrap_or(path);
    let parts = within.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;

    use fervis::expression::Expression;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;
    use crate::{data::dataset::SplitOrigin, fer2013::IMAGE_LEN};

    /// An image file of a single gray.
    pub(in super::super) fn encode(side_px: u32, gray: u8, format: ImageFormat) -> Vec<u8> {
        let mut file = io::Cursor::new(Vec::new());
        GrayImage::from_pixel(side_px, side_px, Luma([gray]))
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
        let png = |gray| encode(48, gray, ImageFormat::Png);
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

        let mut expected = Dataset::default();
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
    fn a_folder_of_class_folders_is_split_at_random() {
        let root = tempfile::tempdir().unwrap();
        for i in 0..20 {
            for (class, gray) in [("happy", i), ("sadness", 100 + i)] {
                let png = encode(48, gray, ImageFormat::Png);
                write(root.path(), &format!("people/{class}/{i:02}.png"), &png);
            }
        }
        let dataset = Dataset::load(root.path()).unwrap();
        assert_eq!(dataset.split_origin(), SplitOrigin::ByChance);
        let counts = Split::ALL.map(|split| dataset.class_counts(dataset.split(split)));
        assert_eq!(counts[0], [0, 0, 0, 16, 16, 0, 0]);
        assert_eq!(counts[1], [0, 0, 0, 2, 2, 0, 0]);
        assert_eq!(counts[2], counts[1]);
        assert_eq!(dataset, Dataset::load(root.path()).unwrap());
        assert_eq!(dataset, Dataset::load(&root.path().join("people")).unwrap());
    }

    /// Stripes 1 px wide become gray at 48×48.
    #[test]
    fn larger_images_keep_what_a_larger_network_can_see() {
        let root = tempfile::tempdir().unwrap();
        let striped = GrayImage::from_fn(96, 96, |x, _| Luma([255 * (x % 2) as u8]));
        let mut png = io::Cursor::new(Vec::new());
        striped.write_to(&mut png, ImageFormat::Png).unwrap();
        let png = png.into_inner();
        for path in ["train/sad/1.png", "val/sad/1.png"] {
            write(root.path(), path, &png);
        }
        let large = Dataset::load_for(root.path(), 96).unwrap();
        assert_eq!(large.input(0), striped.as_raw().as_slice());
        // At the border the filter covers fewer stripes.
        let is_gray = |row: &[u8]| row[1..47].iter().all(|pixel| (126..=129).contains(pixel));
        assert!(large.image(0).chunks(48).all(is_gray));
        let small = Dataset::load(root.path()).unwrap();
        assert_eq!(small.input(0), small.image(0));
        // Both count as the same data, so an index made at one size fits the other.
        assert_eq!(large, small);
        assert_eq!(large.fingerprint(), small.fingerprint());
    }

    #[test]
    fn possibly_misspelled_splits_are_refused() {
        let png = encode(48, 0, ImageFormat::Png);
        for (first, second, words) in [
            (
                "trian/happy/1.png",
                "tset/happy/1.png",
                "“tset/happy”, and other images in “trian/happy”",
            ),
            (
                "train/happy/1.png",
                "happy/1.png",
                "/happy”: the outer folder must be",
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            write(root.path(), first, &png);
            write(root.path(), second, &png);
            let error = Dataset::load(root.path()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}, not {words}");
        }
    }

    #[test]
    fn files_outside_classes_and_splits_are_refused_by_name() {
        let png = encode(48, 0, ImageFormat::Png);
        let cases: [(&str, &[u8], &str); 4] = [
            ("train/1.png", &png, "lies in no class folder"),
            ("train/contempt/1.png", &png, "only one class, “contempt”"),
            (
                "train/happy/1.png",
                b"no image",
                "1.png: not a readable image",
            ),
            ("notes.txt", b"", "holds neither"),
        ];
        for (path, bytes, expected) in cases {
            let root = tempfile::tempdir().unwrap();
            write(root.path(), path, bytes);
            let error = Dataset::load(root.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}, not {expected}");
        }
    }

    #[test]
    fn images_are_read_as_in_the_application() {
        let root = tempfile::tempdir().unwrap();
        let mut png = io::Cursor::new(Vec::new());
        // Transparent black becomes white, and red the gray of BT.601.
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
            error.to_string().contains("3.jpg: not a readable image"),
            "{error}"
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the picture is cut short");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_cycles() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let png = |gray| encode(48, gray, ImageFormat::Png);
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

    #[cfg(unix)]
    #[test]
    fn endless_links_end_in_an_error() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        // Each of seven folders links to all others: 13,700 paths.
        for from in 0..7 {
            let folder = root.path().join(format!("{from}"));
            fs::create_dir(&folder).unwrap();
            for to in (0..7).filter(|to| *to != from) {
                symlink(format!("../{to}"), folder.join(format!("{to}"))).unwrap();
            }
        }
        let error = Dataset::load(root.path()).unwrap_err().to_string();
        assert!(error.contains("one folder too many"), "{error}");
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("deep/".repeat(MAX_DEPTH))).unwrap();
        let error = Dataset::load(root.path()).unwrap_err().to_string();
        assert!(error.contains("deep"), "{error}");
    }
}
