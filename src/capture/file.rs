//! Files and folders: what each is, and which reader opens it.
//!
//! A file is identified by its first bytes, never by its extension: people rename files, and a web page saved as
//! `clip.mp4` deserves a better answer than a decoder's error number.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use image::ImageFormat;

use super::{
    CaptureError, FrameSource,
    images::{FolderSource, ImageSource},
    still,
    video::{self, Container},
};

/// Enough for every signature below, and to tell text from data.
const HEAD_BYTES: usize = 4096;

/// Opens a video, an image or a folder of images.
///
/// # Errors
/// [`CaptureError::Unsupported`] or [`CaptureError::Read`], with the cause and the remedy.
pub(super) fn open(path: &Path) -> Result<Box<dyn FrameSource>, CaptureError> {
    let refuse = |reason: &str| CaptureError::unsupported(path, reason);
    let explain = |err: io::Error| match err.kind() {
        io::ErrorKind::NotFound => refuse("there is no such file or folder"),
        io::ErrorKind::PermissionDenied => refuse("permission denied"),
        _ => CaptureError::read(path, err),
    };
    let metadata = path.metadata().map_err(explain)?;
    if metadata.is_dir() {
        return Ok(Box::new(FolderSource::open(path)?));
    }
    if !metadata.is_file() {
        // Reading a pipe or a device could block forever.
        return Err(refuse(
            "it is a device or a pipe; to use a camera, write “camera”",
        ));
    }
    let mut head = Vec::with_capacity(HEAD_BYTES);
    File::open(path)
        .and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head))
        .map_err(explain)?;
    match sniff(&head) {
        Content::Empty => Err(refuse("the file is empty")),
        Content::Image(format @ (ImageFormat::Gif | ImageFormat::Png | ImageFormat::WebP)) => {
            match video::animation::open(path, format)? {
                Some(animation) => Ok(Box::new(animation)),
                None => Ok(Box::new(ImageSource::open(path)?)),
            }
        }
        Content::Image(_) | Content::Heif => Ok(Box::new(ImageSource::open(path)?)),
        Content::Video(container) => video::open(path, container),
        Content::ForeignVideo(container) => video::open_other(path, &format!("{container} video")),
        Content::Text => Err(refuse("it is a text file, neither a picture nor a video")),
        Content::Unknown => video::open_other(path, "an unknown kind of file"),
    }
}

/// What the first bytes of a file say.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Empty,
    /// One that we decode.
    Image(ImageFormat),
    /// HEIC or AVIF, which needs ffmpeg.
    Heif,
    /// A video in a container that we read.
    Video(Container),
    /// Any other video, by name.
    ForeignVideo(&'static str),
    Text,
    Unknown,
}

fn sniff(head: &[u8]) -> Content {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if head.is_empty() {
        Content::Empty
    } else if at(0, b"\x89PNG\r\n\x1a\n") {
        Content::Image(ImageFormat::Png)
    } else if at(0, b"\xFF\xD8\xFF") {
        Content::Image(ImageFormat::Jpeg)
    } else if at(0, b"GIF8") {
        Content::Image(ImageFormat::Gif)
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Content::Image(ImageFormat::WebP)
    } else if at(0, b"BM") && at(6, &[0; 4]) {
        Content::Image(ImageFormat::Bmp)
    } else if at(0, b"II*\0") || at(0, b"MM\0*") {
        Content::Image(ImageFormat::Tiff)
    } else if still::is_heif(head) {
        Content::Heif
    } else if [&b"ftyp"[..], b"moov", b"mdat", b"wide", b"free", b"skip"]
        .iter()
        .any(|name| at(4, name))
    {
        Content::Video(Container::Mp4)
    } else if at(0, b"\x1A\x45\xDF\xA3") {
        Content::Video(Container::Matroska)
    } else if at(0, b"RIFF") && at(8, b"AVI ") {
        Content::Video(Container::Avi)
    } else if at(0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11") {
        Content::ForeignVideo("Windows Media")
    } else if at(0, b"FLV\x01") {
        Content::ForeignVideo("Flash")
    } else if at(0, b"OggS") {
        Content::ForeignVideo("Ogg")
    } else if at(0, b"\0\0\x01\xBA") || at(0, b"\0\0\x01\xB3") {
        Content::ForeignVideo("MPEG")
    } else if at(0, b"\x47") && at(188, b"\x47") {
        Content::ForeignVideo("MPEG transport stream")
    } else if is_text(head) {
        Content::Text
    } else {
        Content::Unknown
    }
}

/// Whether these are words rather than data. The last bytes may be half a character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(err) if err.error_len().is_none() => {
            std::str::from_utf8(&head[..err.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0C' | '\x1B'))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn contents_are_recognized_by_their_first_bytes() {
        for (head, content) in [
            (&b""[..], Content::Empty),
            (b"\x89PNG\r\n\x1a\n....", Content::Image(ImageFormat::Png)),
            (b"GIF89a", Content::Image(ImageFormat::Gif)),
            (b"RIFF\x10\0\0\0WEBPVP8L", Content::Image(ImageFormat::WebP)),
            (b"RIFF\x10\0\0\0AVI LIST", Content::Video(Container::Avi)),
            (b"\0\0\0\x20ftypisom", Content::Video(Container::Mp4)),
            (b"\0\0\0\x20ftypqt  ", Content::Video(Container::Mp4)),
            (
                b"\0\0\0\x08wide\0\0\0\0mdat",
                Content::Video(Container::Mp4),
            ),
            (b"\0\0\0\x20ftypheic", Content::Heif),
            (b"\0\0\0\x20ftypavif", Content::Heif),
            (b"II*\0", Content::Image(ImageFormat::Tiff)),
            (b"BM is a car maker", Content::Text),
            (
                b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
                Content::Image(ImageFormat::Bmp),
            ),
            (b"<!DOCTYPE html>\n", Content::Text),
            ("Gr\u{fc}\u{df}e".as_bytes(), Content::Text),
            (&"Gr\u{fc}".as_bytes()[..3], Content::Text),
            (b"\x00\x01\x02\x03", Content::Unknown),
            (b"\xFE\xFE\xFE\xFE", Content::Unknown),
        ] {
            assert_eq!(
                sniff(head),
                content,
                "{:?}",
                head.escape_ascii().to_string()
            );
        }
    }

    fn refusal(path: &Path) -> String {
        match open(path) {
            Ok(_) => panic!("{} was opened", path.display()),
            Err(err) => {
                assert!(!err.is_transient());
                err.to_string()
            }
        }
    }

    #[test]
    fn bad_paths_get_a_clear_message() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        for (path, words) in [
            (folder.path().join("missing.mp4"), "no such file"),
            (write("empty.mp4", b""), "is empty"),
            (
                write("page.mp4", b"<html>404 not found</html>"),
                "text file",
            ),
            (
                write("photo.jpg", b"\0\0\0\x20ftypheic"),
                "the picture is cut short",
            ),
        ] {
            let refusal = refusal(&path);
            assert!(refusal.contains(words), "{refusal}");
            assert!(refusal.contains(&path.display().to_string()), "{refusal}");
        }
        #[cfg(unix)]
        assert!(refusal(Path::new("/dev/null")).contains("device"));
    }
}
