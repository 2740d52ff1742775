//! Still images: one frame from a file, or one frame for each picture of a folder.
//!
//! A picture is turned the way its camera was held (EXIF orientation) before anything else: phones store portraits
//! lying on their side, and the face detector finds upright faces only.

use std::{
    cmp::Ordering,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, RgbaImage};

use super::{CaptureError, FrameSource, SourceInfo, SourceKind, limits};
use crate::{
    frame::{Frame, FrameId, FramePool, PooledBuffer, Resolution},
    panics,
};

/// Longest side of a frame, px. Larger pictures are scaled down to it, which keeps faces of 1/100 of the width
/// findable and one frame below 64 MiB.
const MOST_SIDE_PX: u32 = 4096;

/// Media time from one picture of a folder to the next. Smoothing over time works by it, so it is long enough that
/// one picture hardly colours the next.
const TIME_PER_PICTURE: Duration = Duration::from_secs(1);

/// File names that are taken for pictures in a folder, lower case.
const EXTENSIONS: [&str; 6] = ["bmp", "gif", "jpeg", "jpg", "png", "webp"];

/// One picture as a source of one frame.
pub struct ImageSource {
    info: SourceInfo,
    picture: Option<RgbaImage>,
}

impl ImageSource {
    /// Reads a BMP, GIF (its first picture), JPEG, PNG or WebP file.
    ///
    /// Transparent parts are laid over white. A picture with a side above 4096 px is scaled down to that.
    ///
    /// # Errors
    /// [`CaptureError::Unsupported`] if it is damaged or no such picture, [`CaptureError::Read`] if reading fails.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let (picture, format) = read(path)?;
        Ok(Self {
            info: info(path, &picture, format, 1),
            picture: Some(picture),
        })
    }
}

impl FrameSource for ImageSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        Ok(self.picture.take().map(|picture| frame(picture, 0)))
    }
}

/// The pictures of a folder, in the order people expect of their names: `face2.png` before `face10.png`.
///
/// Folders within are not entered. A file that cannot be read is skipped with a warning in the log.
/// [`Frame::time`] of the picture n, from 0 and skipped ones not counted, is n seconds.
#[derive(Debug)]
pub struct FolderSource {
    info: SourceInfo,
    folder: PathBuf,
    /// All pictures, without those that turned out to be unreadable.
    paths: Vec<PathBuf>,
    /// Number of the picture to come.
    next: usize,
    /// The picture to come, where it was read to see whether it can be.
    ahead: Option<RgbaImage>,
}

impl FolderSource {
    /// Lists the pictures of a folder and reads the first.
    ///
    /// # Errors
    /// [`CaptureError::Unsupported`] if it holds no picture that can be read, [`CaptureError::Read`] if the folder
    /// itself cannot be.
    pub fn open(folder: &Path) -> Result<Self, CaptureError> {
        let refuse = |reason: String| CaptureError::Unsupported {
            path: folder.to_owned(),
            reason,
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(|err| CaptureError::read(folder, err))? {
            let path = entry.map_err(|err| CaptureError::read(folder, err))?.path();
            let is_picture = path
                .extension()
                .and_then(|extension| extension.to_str())
                .is_some_and(|extension| EXTENSIONS.contains(&extension.to_lowercase().as_str()));
            if is_picture && path.is_file() {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(refuse(
                "the folder holds no pictures (BMP, GIF, JPEG, PNG or WebP)".to_owned(),
            ));
        }
        let n_files = paths.len();
        paths.sort_by_cached_key(|path| NaturalKey::new(path));
        let Some((first, format)) = readable_at(&mut paths, 0) else {
            return Err(refuse(format!(
                "none of its {n_files} pictures can be read"
            )));
        };
        let n_frames = paths.len() as u64;
        Ok(Self {
            info: SourceInfo {
                duration: Some(time_of(n_frames)),
                ..info(folder, &first, format, n_frames)
            },
            folder: folder.to_owned(),
            paths,
            next: 0,
            ahead: Some(first),
        })
    }
}

impl FrameSource for FolderSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let ahead = self.ahead.take();
        let Some(picture) =
            ahead.or_else(|| readable_at(&mut self.paths, self.next).map(|(picture, _)| picture))
        else {
            log::debug!("{}: {} pictures read", self.folder.display(), self.next);
            return Ok(None);
        };
        let frame = frame(picture, self.next as u64);
        self.next += 1;
        Ok(Some(frame))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let wanted = time.as_nanos() / TIME_PER_PICTURE.as_nanos();
        let mut next = usize::try_from(wanted).unwrap_or(usize::MAX);
        self.ahead = None;
        // The last ones may turn out to be unreadable; then it is the one before them.
        while self.ahead.is_none() && !self.paths.is_empty() {
            next = next.min(self.paths.len() - 1);
            self.ahead = readable_at(&mut self.paths, next).map(|(picture, _)| picture);
        }
        self.next = next;
        Ok(true)
    }
}

/// The picture at `at` in `paths`, with its format; unreadable ones are told and taken out.
fn readable_at(paths: &mut Vec<PathBuf>, at: usize) -> Option<(RgbaImage, String)> {
    while let Some(path) = paths.get(at) {
        match read(path) {
            Ok(picture) => return Some(picture),
            Err(err) => log::warn!("skipped: {err}"),
        }
        paths.remove(at);
    }
    None
}

/// When the picture with this number is shown.
fn time_of(number: u64) -> Duration {
    TIME_PER_PICTURE * u32::try_from(number).unwrap_or(u32::MAX)
}

/// A picture upright, opaque and of moderate size, with its format's name.
fn read(path: &Path) -> Result<(RgbaImage, String), CaptureError> {
    let explain = |err: ImageError| {
        let reason = match err {
            ImageError::IoError(err) if err.kind() != std::io::ErrorKind::UnexpectedEof => {
                return CaptureError::read(path, err);
            }
            ImageError::IoError(_) => "the picture is cut short".to_owned(),
            ImageError::Limits(_) => "the picture is too large to be held in memory".to_owned(),
            ImageError::Unsupported(_) => {
                "it is no picture that can be read (BMP, GIF, JPEG, PNG or WebP)".to_owned()
            }
            err => format!("the picture is damaged ({err})"),
        };
        CaptureError::Unsupported {
            path: path.to_owned(),
            reason,
        }
    };
    let mut reader = File::open(path)
        .and_then(|file| ImageReader::new(BufReader::new(file)).with_guessed_format())
        .map_err(|err| CaptureError::read(path, err))?;
    let format = reader
        .format()
        .map_or_else(String::new, |format| format!("{format:?}").to_uppercase());
    let kind = reader.format();
    reader.limits(limits::for_decoders());
    let mut decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    let refuse = |reason: String| CaptureError::Unsupported {
        path: path.to_owned(),
        reason,
    };
    limits::check_image(kind, Resolution::new(width, height), decoder.color_type())
        .map_err(|err| refuse(err.to_string()))?;
    let orientation = decoder.orientation().map_err(explain)?;
    let mut picture = panics::catch(|| DynamicImage::from_decoder(decoder))
        .ok_or_else(|| refuse("the picture is damaged".to_owned()))?
        .map_err(explain)?;
    if picture.width().max(picture.height()) > MOST_SIDE_PX {
        log::info!(
            "{} is scaled down from {}×{}",
            path.display(),
            picture.width(),
            picture.height()
        );
        picture = picture.thumbnail(MOST_SIDE_PX, MOST_SIDE_PX);
    }
    picture.apply_orientation(orientation);
    if picture.width() == 0 || picture.height() == 0 {
        return Err(CaptureError::Unsupported {
            path: path.to_owned(),
            reason: "the picture has no pixels".to_owned(),
        });
    }
    let mut rgba = picture.into_rgba8();
    lay_over_white(&mut rgba);
    Ok((rgba, format))
}

/// Makes a picture opaque, as frames are.
pub(super) fn lay_over_white(rgba: &mut [u8]) {
    for pixel in rgba.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        if alpha < 255 {
            for channel in &mut pixel[..3] {
                *channel = ((u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            }
            pixel[3] = 255;
        }
    }
}

fn info(path: &Path, picture: &RgbaImage, format: String, n_frames: u64) -> SourceInfo {
    SourceInfo {
        name: name(path),
        kind: SourceKind::File,
        resolution: Resolution::new(picture.width(), picture.height()),
        rate_hz: None,
        n_frames: Some(n_frames),
        duration: None,
        format,
        mirror_by_default: false,
    }
}

/// What a file or folder is called on screen.
pub(super) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn frame(picture: RgbaImage, number: u64) -> Frame {
    let resolution = Resolution::new(picture.width(), picture.height());
    let time = time_of(number);
    let rgba = PooledBuffer::from(picture.into_raw());
    Frame::new(FrameId(number), Instant::now(), time, resolution, rgba)
}

/// A file name for sorting, in which runs of digits are compared as numbers.
#[derive(Debug, PartialEq, Eq)]
struct NaturalKey {
    parts: Vec<Part>,
    /// Decides between `a1.png` and `a01.png`, or `a.jpg` and `a.png`.
    name: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Digits without leading zeros, preceded by their number: longer means larger, at any length.
    Number(usize, String),
    Text(String),
}

impl NaturalKey {
    fn new(path: &Path) -> Self {
        let name = name(path);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut parts: Vec<Part> = Vec::new();
        for c in stem.chars().flat_map(char::to_lowercase) {
            match (parts.last_mut(), c.is_ascii_digit()) {
                (Some(Part::Number(n_digits, digits)), true) => {
                    if digits == "0" {
                        digits.clear();
                    }
                    digits.push(c);
                    *n_digits = digits.len();
                }
                (_, true) => parts.push(Part::Number(1, c.to_string())),
                (Some(Part::Text(text)), false) => text.push(c),
                (_, false) => parts.push(Part::Text(c.to_string())),
            }
        }
        Self { parts, name }
    }
}

impl PartialOrd for NaturalKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NaturalKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts
            .cmp(&other.parts)
            .then_with(|| self.name.cmp(&other.name))
    }
}

#[cfg(test)]
mod tests {
    use image::{GenericImage, ImageFormat, Rgba};

    use super::*;

    fn next(source: &mut impl FrameSource) -> Option<Frame> {
        source.next_frame(&FramePool::default()).unwrap()
    }

    #[test]
    fn names_sort_as_people_expect() {
        let mut names = [
            "b.png",
            "a10.png",
            "a9.png",
            "A1.png",
            "a01.png",
            "a.png",
            "10.png",
            "9.png",
            "a1b2.png",
            "99999999999999999999999.png",
            "a0.png",
            "a00.png",
        ];
        names.sort_by_cached_key(|name| NaturalKey::new(Path::new(name)));
        assert_eq!(
            names,
            [
                "9.png",
                "10.png",
                "99999999999999999999999.png",
                "a.png",
                "a0.png",
                "a00.png",
                "A1.png",
                "a01.png",
                "a1b2.png",
                "a9.png",
                "a10.png",
                "b.png"
            ]
        );
    }

    #[test]
    fn pictures_of_every_kind_and_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, format) in [
            ("png", ImageFormat::Png),
            ("jpg", ImageFormat::Jpeg),
            ("bmp", ImageFormat::Bmp),
            ("gif", ImageFormat::Gif),
            ("webp", ImageFormat::WebP),
        ] {
            for (width, height) in [(1, 1), (3, 2), (64, 48)] {
                let path = folder.path().join(format!("{width}x{height}.{kind}"));
                let picture = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(
                    width,
                    height,
                    image::Rgb([200, 30, 30]),
                ));
                picture.save_with_format(&path, format).unwrap();
                let mut source = ImageSource::open(&path).unwrap();
                assert_eq!(source.info().resolution, Resolution::new(width, height));
                assert_eq!(source.info().n_frames, Some(1));
                let frame = next(&mut source).unwrap();
                assert_eq!(frame.resolution(), Resolution::new(width, height));
                let pixel = &frame.rgba()[..4];
                assert!(
                    pixel[0].abs_diff(200) < 6 && pixel[1].abs_diff(30) < 6 && pixel[3] == 255,
                    "{kind}: {pixel:?}"
                );
                assert!(next(&mut source).is_none());
                assert!(next(&mut source).is_none());
            }
        }
    }

    #[test]
    fn grey_deep_and_transparent_pictures_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.png");
        for (picture, expected) in [
            (
                DynamicImage::ImageLuma8(image::GrayImage::from_pixel(2, 2, image::Luma([90]))),
                [90, 90, 90, 255],
            ),
            (
                DynamicImage::ImageRgb16(image::ImageBuffer::from_pixel(
                    2,
                    2,
                    image::Rgb([0xFFFF, 0, 0x8080]),
                )),
                [255, 0, 128, 255],
            ),
            (
                DynamicImage::ImageRgba8(RgbaImage::from_pixel(2, 2, Rgba([0, 0, 0, 0]))),
                [255; 4],
            ),
            (
                DynamicImage::ImageRgba8(RgbaImage::from_pixel(2, 2, Rgba([100, 0, 0, 51]))),
                [224, 204, 204, 255],
            ),
        ] {
            picture.save(&path).unwrap();
            let frame = next(&mut ImageSource::open(&path).unwrap()).unwrap();
            assert_eq!(frame.rgba()[..4], expected);
        }
    }

    #[test]
    fn a_huge_picture_is_scaled_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.png");
        image::GrayImage::new(8192, 2).save(&path).unwrap();
        let source = ImageSource::open(&path).unwrap();
        assert_eq!(source.info().resolution, Resolution::new(4096, 1));
    }

    /// A JPEG whose EXIF says “turned to the left”, as a phone held upright writes it.
    #[test]
    fn a_phone_portrait_stands_upright() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("phone.jpg");
        let mut lying = RgbaImage::from_pixel(32, 16, Rgba([255, 255, 255, 255]));
        lying
            .sub_image(0, 0, 16, 16)
            .copy_from(&RgbaImage::from_pixel(16, 16, Rgba([0, 0, 0, 255])), 0, 0)
            .unwrap();
        let mut jpeg = std::io::Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(lying)
            .into_rgb8()
            .write_to(&mut jpeg, ImageFormat::Jpeg)
            .unwrap();
        let mut jpeg = jpeg.into_inner();
        // An APP1 segment with one big-endian TIFF entry: orientation (0x0112), short, 6 = rotate 90° clockwise.
        let exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        jpeg.splice(2..2, exif.iter().copied());
        fs::write(&path, jpeg).unwrap();
        let frame = next(&mut ImageSource::open(&path).unwrap()).unwrap();
        assert_eq!(frame.resolution(), Resolution::new(16, 32));
        assert!(frame.rgba()[0] < 20, "the left half is on top");
        assert!(frame.rgba()[4 * 16 * 31] > 235);
    }

    #[test]
    fn a_folder_is_read_in_natural_order_and_bad_files_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let grey = |value| image::GrayImage::from_pixel(2, 2, image::Luma([value]));
        for (name, value) in [("f10.png", 10), ("f2.png", 2), ("F1.PNG", 1)] {
            grey(value)
                .save_with_format(folder.path().join(name), ImageFormat::Png)
                .unwrap();
        }
        fs::write(folder.path().join("f0.png"), b"no picture").unwrap();
        fs::write(folder.path().join("f3.png"), b"").unwrap();
        fs::write(folder.path().join("notes.txt"), b"hello").unwrap();
        fs::create_dir(folder.path().join("more.png")).unwrap();
        let mut source = FolderSource::open(folder.path()).unwrap();
        assert_eq!(source.info().kind, SourceKind::File);
        let mut seen = Vec::new();
        while let Some(frame) = next(&mut source) {
            seen.push((frame.id.0, frame.time.as_secs(), frame.rgba()[0]));
        }
        assert_eq!(seen, [(0, 0, 1), (1, 1, 2), (2, 2, 10)]);
    }

    #[test]
    fn pictures_of_a_folder_keep_their_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let sizes = [(3, 2), (40, 30), (1, 9)];
        for (number, (width, height)) in (8..).zip(sizes) {
            image::GrayImage::new(width, height)
                .save(folder.path().join(format!("shot {number}.png")))
                .unwrap();
        }
        fs::write(folder.path().join("shot 9a.jpg"), b"\xFF\xD8\xFF cut").unwrap();
        let mut source = FolderSource::open(folder.path()).unwrap();
        assert_eq!(source.info().resolution, Resolution::new(3, 2));
        let found: Vec<Resolution> = std::iter::from_fn(|| next(&mut source))
            .map(|frame| frame.resolution())
            .collect();
        assert_eq!(found, sizes.map(|(w, h)| Resolution::new(w, h)));
    }

    #[test]
    fn any_picture_of_a_folder_can_be_gone_to() {
        let folder = tempfile::tempdir().unwrap();
        for value in 0..4 {
            image::GrayImage::from_pixel(2, 2, image::Luma([value]))
                .save(folder.path().join(format!("{value}.png")))
                .unwrap();
        }
        fs::write(folder.path().join("9.png"), b"no picture").unwrap();
        let mut source = FolderSource::open(folder.path()).unwrap();
        assert_eq!(source.info().duration, Some(Duration::from_secs(5)));
        for (time_s, picture) in [(2.0, 2), (0.9, 0), (3.0, 3), (77.0, 3), (1.99, 1)] {
            assert!(source.seek(Duration::from_secs_f64(time_s)).unwrap());
            let frame = next(&mut source).unwrap();
            assert_eq!((frame.id.0, frame.rgba()[0]), (picture.into(), picture));
            assert_eq!(frame.time.as_secs(), u64::from(picture), "{time_s} s");
        }
        assert_eq!(next(&mut source).map(|frame| frame.id.0), Some(2));
    }

    #[test]
    fn folders_without_pictures_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = || FolderSource::open(folder.path()).unwrap_err().to_string();
        assert!(refusal().contains("holds no pictures"), "{}", refusal());
        fs::write(folder.path().join("a.png"), b"broken").unwrap();
        assert!(
            refusal().contains("none of its 1 pictures can be read"),
            "{}",
            refusal()
        );
    }

    /// A BMP file of a few bytes that claims 60000×60000 pixels.
    #[test]
    fn a_size_beyond_the_limits_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.bmp");
        image::RgbImage::new(2, 2).save(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[18..22].copy_from_slice(&60_000_u32.to_le_bytes());
        bytes[22..26].copy_from_slice(&60_000_u32.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let refusal = ImageSource::open(&path).err().unwrap().to_string();
        assert!(refusal.contains("60000×60000 px is too large"), "{refusal}");
    }

    #[test]
    fn damaged_pictures_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.png");
        image::GrayImage::from_fn(50, 50, |x, y| image::Luma([(x * y) as u8]))
            .save(&path)
            .unwrap();
        let whole = fs::read(&path).unwrap();
        for length in [8, 20, 40, whole.len() / 2] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(ImageSource::open(&path).is_err(), "{length} bytes");
        }
    }
}
