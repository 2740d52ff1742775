//! Pictures: one frame from a file, or one frame for each picture in a folder.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    CaptureError, FrameSource, SourceInfo, SourceKind,
    natural_order::NaturalKey,
    still::{self, Still},
};
use crate::frame::{Frame, FrameId, FramePool, PooledBuffer, Resolution};

/// Media time from one picture of a folder to the next. Smoothing uses it, so it is long enough that one picture hardly
/// affects the next.
const TIME_PER_PICTURE: Duration = Duration::from_secs(1);

/// Names in one note about skipped files; beyond that they are only counted.
const MAX_NAMED: usize = 50;

/// A picture as a source of one frame.
pub struct ImageSource {
    info: SourceInfo,
    frame: Option<Frame>,
}

impl ImageSource {
    /// Reads a picture file of any kind that [`still::decode`] knows.
    ///
    /// # Errors
    /// [`CaptureError::Unsupported`] if it is damaged or of an unknown kind, [`CaptureError::Read`] if reading fails.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let still = still::read(path)?;
        Ok(Self {
            info: info(path, &still, 1),
            frame: Some(frame(still, path, 0)),
        })
    }
}

impl FrameSource for ImageSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        Ok(self.frame.take())
    }
}

/// The pictures of a folder, in natural order of their names: `face2.png` before `face10.png`.
///
/// The name decides whether a file counts as a picture ([`still::is_picture_name`]). Subfolders are not entered.
/// [`FrameSource::take_notes`] names whatever is skipped, except hidden files. [`Frame::time`] of picture n, counted from
/// 0 without unreadable ones, is n seconds.
#[derive(Debug)]
pub struct FolderSource {
    info: SourceInfo,
    folder: PathBuf,
    /// All pictures but those that turned out to be unreadable.
    paths: Vec<PathBuf>,
    /// Number of the next picture.
    next: usize,
    /// The next picture, if it was read to see whether it can be.
    ahead: Option<Still>,
    /// What was skipped and not reported yet.
    notes: Vec<String>,
}

impl FolderSource {
    /// Lists the pictures of a folder and reads the first.
    ///
    /// # Errors
    /// [`CaptureError::Unsupported`] if it holds no readable picture, [`CaptureError::Read`] if the folder itself cannot
    /// be read.
    pub fn open(folder: &Path) -> Result<Self, CaptureError> {
        let refuse = |reason: String| CaptureError::unsupported(folder, reason);
        let Listing {
            mut pictures,
            mut notes,
        } = Listing::of(folder)?;
        if pictures.is_empty() {
            let kinds =
                "the folder holds no pictures (BMP, GIF, JPEG, PNG, TIFF, WebP, HEIC or AVIF)";
            return Err(refuse(
                [&[kinds.to_owned()], &notes[..]].concat().join("; "),
            ));
        }
        let n_files = pictures.len();
        let mut skipped = Vec::new();
        let Some(first) = readable_at(&mut pictures, 0, &mut skipped) else {
            let reasons = skipped.iter().take(MAX_NAMED);
            let reasons: Vec<String> = reasons
                .map(|Skipped { name, reason }| format!("{name}: {reason}"))
                .collect();
            return Err(refuse(format!(
                "none of its pictures can be read ({n_files} tried); {}",
                reasons.join("; ")
            )));
        };
        notes.extend(skipped.iter().map(Skipped::to_string));
        let n_frames = pictures.len() as u64;
        Ok(Self {
            info: SourceInfo {
                duration: Some(time_of(n_frames)),
                ..info(folder, &first, n_frames)
            },
            folder: folder.to_owned(),
            paths: pictures,
            next: 0,
            ahead: Some(first),
            notes,
        })
    }
}

impl FolderSource {
    fn readable_at(&mut self, at: usize) -> Option<Still> {
        let mut skipped = Vec::new();
        let still = readable_at(&mut self.paths, at, &mut skipped);
        let n_frames = self.paths.len() as u64;
        (self.info.n_frames, self.info.duration) = (Some(n_frames), Some(time_of(n_frames)));
        self.notes.extend(skipped.iter().map(Skipped::to_string));
        still
    }
}

impl FrameSource for FolderSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let ahead = self.ahead.take();
        let read = ahead.or_else(|| self.readable_at(self.next));
        let Some((still, path)) = read.zip(self.paths.get(self.next)) else {
            log::debug!("{}: {} pictures read", self.folder.display(), self.next);
            return Ok(None);
        };
        let frame = frame(still, path, self.next as u64);
        self.next += 1;
        Ok(Some(frame))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let wanted = time.as_nanos() / TIME_PER_PICTURE.as_nanos();
        let mut next = usize::try_from(wanted).unwrap_or(usize::MAX);
        self.ahead = None;
        // If the last ones turn out to be unreadable, it is the one before them.
        while self.ahead.is_none() && !self.paths.is_empty() {
            next = next.min(self.paths.len() - 1);
            self.ahead = self.readable_at(next);
        }
        self.next = next;
        Ok(true)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

/// What a folder holds.
struct Listing {
    /// Files that look like pictures, in order.
    pictures: Vec<PathBuf>,
    /// What else it holds, as sentences.
    notes: Vec<String>,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self, CaptureError> {
        let (mut pictures, mut others, mut folders) = (Vec::new(), Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(|err| CaptureError::read(folder, err))? {
            let path = entry.map_err(|err| CaptureError::read(folder, err))?.path();
            let name = name(&path);
            if name.starts_with('.') {
                // Hidden, and not put there by the user: `.DS_Store`, `._IMG_1.JPG`.
            } else if path.is_dir() {
                folders.push(name);
            } else if still::is_picture_name(&name) && path.is_file() {
                pictures.push(path);
            } else {
                others.push(name);
            }
        }
        pictures.sort_by_cached_key(|path| NaturalKey::new(path));
        let told = [
            (
                "skipped, because fervis cannot read them as pictures",
                others,
            ),
            ("subfolders are not read", folders),
        ];
        let notes = told.into_iter().filter_map(|(what, mut names)| {
            names.sort_by_cached_key(|name| NaturalKey::new(Path::new(name)));
            (!names.is_empty()).then(|| format!("{what}: {}", listed(&names)))
        });
        Ok(Self {
            pictures,
            notes: notes.collect(),
        })
    }
}

/// Some names, separated by commas.
fn listed(names: &[String]) -> String {
    match names.get(MAX_NAMED..) {
        Some(more) if !more.is_empty() => {
            format!("{} and {} more", names[..MAX_NAMED].join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

/// A picture that could not be read, and why.
struct Skipped {
    name: String,
    reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was skipped: {}", self.name, self.reason)
    }
}

/// The picture at `at` in `paths`; unreadable ones are noted and removed.
fn readable_at(paths: &mut Vec<PathBuf>, at: usize, skipped: &mut Vec<Skipped>) -> Option<Still> {
    while let Some(path) = paths.get(at) {
        let reason = match still::read(path) {
            Ok(still) => return Some(still),
            Err(CaptureError::Unsupported { reason, .. }) => reason,
            Err(CaptureError::Read { source, .. }) => format!("it could not be read ({source})"),
            Err(err) => err.to_string(),
        };
        skipped.push(Skipped {
            name: name(path),
            reason,
        });
        paths.remove(at);
    }
    None
}

/// When the picture with this number is shown.
fn time_of(number: u64) -> Duration {
    TIME_PER_PICTURE * u32::try_from(number).unwrap_or(u32::MAX)
}

fn info(path: &Path, still: &Still, n_frames: u64) -> SourceInfo {
    SourceInfo {
        name: name(path),
        kind: SourceKind::File,
        resolution: Resolution::new(still.rgba.width(), still.rgba.height()),
        rate_hz: None,
        n_frames: Some(n_frames),
        duration: None,
        format: still.format.clone(),
        mirror_by_default: false,
    }
}

/// The name of a file or folder on screen.
pub(super) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn frame(still: Still, path: &Path, number: u64) -> Frame {
    let resolution = Resolution::new(still.rgba.width(), still.rgba.height());
    let time = time_of(number);
    let rgba = PooledBuffer::from(still.rgba.into_raw());
    let mut frame = Frame::new(FrameId(number), Instant::now(), time, resolution, rgba);
    frame.file = Some(Arc::from(name(path)));
    frame.full_resolution = still.full_resolution;
    frame.into_still()
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn next(source: &mut impl FrameSource) -> Option<Frame> {
        source.next_frame(&FramePool::default()).unwrap()
    }

    #[test]
    fn a_folder_is_read_in_natural_order_and_bad_files_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let gray = |value| image::GrayImage::from_pixel(2, 2, image::Luma([value]));
        for (name, value) in [("f10.png", 10), ("f2.png", 2), ("F1.PNG", 1)] {
            gray(value)
                .save_with_format(folder.path().join(name), ImageFormat::Png)
                .unwrap();
        }
        fs::write(folder.path().join("f0.png"), b"no picture").unwrap();
        fs::write(folder.path().join("f3.png"), b"").unwrap();
        fs::write(folder.path().join("notes.txt"), b"hello").unwrap();
        fs::write(folder.path().join("._f1.png"), b"made by macOS").unwrap();
        fs::create_dir(folder.path().join("more.png")).unwrap();
        let mut source = FolderSource::open(folder.path()).unwrap();
        assert_eq!(source.info().kind, SourceKind::File);
        let mut seen = Vec::new();
        while let Some(frame) = next(&mut source) {
            let file = frame.file.as_deref().unwrap_or_default().to_owned();
            seen.push((frame.id.0, frame.time.as_secs(), frame.rgba()[0], file));
        }
        let file = str::to_owned;
        assert_eq!(
            seen,
            [
                (0, 0, 1, file("F1.PNG")),
                (1, 1, 2, file("f2.png")),
                (2, 2, 10, file("f10.png"))
            ]
        );
        let notes = source.take_notes();
        assert_eq!(
            notes[..2],
            [
                "skipped, because fervis cannot read them as pictures: notes.txt",
                "subfolders are not read: more.png"
            ]
        );
        assert!(
            notes[2].starts_with("f0.png was skipped: it is not a picture"),
            "{notes:?}"
        );
        assert!(notes[3].starts_with("f3.png was skipped: "), "{notes:?}");
        assert_eq!((notes.len(), source.take_notes().len()), (4, 0));
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
    fn a_seek_reaches_any_picture_of_a_folder() {
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
            refusal()
                .contains("none of its pictures can be read (1 tried); a.png: it is not a picture"),
            "{}",
            refusal()
        );
    }

    /// A BMP file of a few bytes that claims 60000×60000 pixels.
    #[test]
    fn a_size_beyond_the_limits_is_refused() {
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
