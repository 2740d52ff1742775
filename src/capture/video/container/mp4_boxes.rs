//! What the MP4 parser must be helped with: boxes that it does not read, and files that would make it fail.
//!
//! It reads all tracks of a file, and keeps an entry for each sample: an hour of uncompressed sound, which cameras
//! write into QuickTime files, costs it ten gigabytes. So the index is looked through before, tracks without pictures are
//! hidden from it, and numbers that no file has are refused.
//! Sources: ISO/IEC 14496-12, QuickTime File Format Specification (Apple).

use std::io::{self, Read, Seek, SeekFrom};

use super::{MOST_PACKETS, read_bytes};
use crate::capture::video::picture::{Colours, PixelAspect};

/// What the top level of a file and its index say.
#[derive(Debug)]
pub(super) struct Layout {
    /// The length that the parser is to take for the file's, which it then reads without error although it is cut.
    pub(super) readable_size: u64,
    /// Where the index is, and itself, without tracks that hold no pictures.
    pub(super) index: Option<(u64, Vec<u8>)>,
    /// Of the picture track.
    pub(super) pixel_aspect: Option<PixelAspect>,
    pub(super) colours: Colours,
}

/// Walks over the boxes of a file.
///
/// Of a file that a crash or a full disk has cut, everything before the last box is whole. If that last box is the
/// pictures themselves, some of them are there; if it is another one, it is left out.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for an index with numbers that cannot be; any other if reading fails.
pub(super) fn walk(reader: &mut (impl Read + Seek)) -> io::Result<Layout> {
    let file_size = reader.seek(SeekFrom::End(0))?;
    let mut layout = Layout {
        readable_size: 0,
        index: None,
        pixel_aspect: None,
        colours: Colours::default(),
    };
    let mut n_in_fragments = 0;
    let mut at = 0;
    while at + 8 <= file_size {
        reader.seek(SeekFrom::Start(at))?;
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [a, b, c, d, name @ ..] = header;
        let (size, header_length) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (file_size - at, 8), // To the end of the file.
            1 if at + 16 <= file_size => {
                let mut long_size = [0; 8];
                reader.read_exact(&mut long_size)?;
                (u64::from_be_bytes(long_size), 16)
            }
            size => (u64::from(size), 8),
        };
        let end = at.saturating_add(size);
        if size < header_length || end > file_size {
            at = if name == *b"mdat" { end } else { at };
            break;
        }
        if matches!(&name, b"moov" | b"moof") {
            let mut content = Vec::new();
            read_bytes(reader, size - header_length, &mut content)?;
            if name == *b"moov" {
                look_through_index(&mut content, &mut layout)?;
                layout.index = Some((at + header_length, content));
            } else {
                n_in_fragments += packets_in_fragment(&content);
                if n_in_fragments > MOST_PACKETS {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
        at = end;
    }
    layout.readable_size = at;
    reader.rewind()?;
    Ok(layout)
}

/// The boxes in the content of another: name, start and end of content.
fn boxes(content: &[u8]) -> impl Iterator<Item = ([u8; 4], std::ops::Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (header, _) = content.get(at..)?.split_first_chunk::<8>()?;
        let [a, b, c, d, name @ ..] = *header;
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = at.checked_add(size)?;
        if size < 8 || end > content.len() {
            return None;
        }
        let range = at + 8..end;
        at = end;
        Some((name, range))
    })
}

/// The content of the box at a path of names.
fn find<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, wanted| {
        boxes(content)
            .find(|(name, _)| name == *wanted)
            .map(|(_, range)| &content[range])
    })
}

fn u32_at(content: &[u8], at: usize) -> Option<u32> {
    let bytes = content.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn look_through_index(index: &mut [u8], layout: &mut Layout) -> io::Result<()> {
    const SAMPLE_TABLE: [&[u8; 4]; 3] = [b"mdia", b"minf", b"stbl"];
    let is_fragmented = find(index, &[b"mvex"]).is_some();
    let tracks: Vec<_> = boxes(index).filter(|(name, _)| name == b"trak").collect();
    let mut is_first = true;
    for (_, range) in tracks {
        let track = &index[range.clone()];
        let handler = find(track, &[b"mdia", b"hdlr"]);
        let is_video = handler.is_some_and(|handler| handler.get(8..12) == Some(b"vide"));
        let table = find(track, &SAMPLE_TABLE).unwrap_or_default();
        let sizes = find(table, &[b"stsz"]).unwrap_or_default();
        let n_samples = u32_at(sizes, 8).unwrap_or(0) as usize;
        if is_video && is_first {
            is_first = false;
            read_entry(find(table, &[b"stsd"]).unwrap_or_default(), layout);
        }
        if !is_video && !is_fragmented {
            // Fragments name their tracks, and the parser wants to find them; but then the tables are empty.
            index[range.start - 4..range.start].copy_from_slice(b"free");
        } else if n_samples > MOST_PACKETS {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(())
}

/// The shape and the colours of pixels, from the first sample description.
fn read_entry(descriptions: &[u8], layout: &mut Layout) {
    /// Before the boxes of a video entry.
    const FIELDS: usize = 78;
    let Some(descriptions) = descriptions.get(8..) else {
        return;
    };
    let Some(entry) = boxes(descriptions)
        .next()
        .map(|(_, range)| &descriptions[range])
    else {
        return;
    };
    let Some(extras) = entry.get(FIELDS..) else {
        return;
    };
    if let Some(aspect) = find(extras, &[b"pasp"])
        && let (Some(horizontal), Some(vertical)) = (u32_at(aspect, 0), u32_at(aspect, 4))
    {
        layout.pixel_aspect = Some(PixelAspect::new(horizontal.into(), vertical.into()));
    }
    // `nclx` is of MP4, `nclc` of QuickTime, which knows no full range.
    if let Some(colour) = find(extras, &[b"colr"])
        && let [kind @ .., _, _, _, _, _, matrix] = colour.get(..10).unwrap_or_default()
        && matches!(kind, b"nclx" | b"nclc")
    {
        let is_full_range = colour.get(10).map(|flags| flags & 0x80 != 0);
        layout.colours = Colours::new(Some(*matrix), is_full_range);
    }
}

fn packets_in_fragment(fragment: &[u8]) -> usize {
    boxes(fragment)
        .filter(|(name, _)| name == b"traf")
        .flat_map(|(_, range)| {
            let track = &fragment[range];
            boxes(track)
                .filter(|(name, _)| name == b"trun")
                .map(move |(_, range)| u32_at(&track[range], 4).unwrap_or(0) as usize)
        })
        .fold(0, usize::saturating_add)
}

/// A file with other bytes in one place.
pub(super) struct Overlay<R> {
    file: R,
    at: u64,
    patch_at: u64,
    patch: Vec<u8>,
}

impl<R: Read + Seek> Overlay<R> {
    pub(super) fn new(mut file: R, patch_at: u64, patch: Vec<u8>) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self {
            file,
            at: 0,
            patch_at,
            patch,
        })
    }
}

impl<R: Read + Seek> Read for Overlay<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = if self.at < self.patch_at {
            let before = usize::try_from(self.patch_at - self.at).unwrap_or(usize::MAX);
            let n = bytes.len().min(before);
            self.file.read(&mut bytes[..n])?
        } else {
            let within = usize::try_from(self.at - self.patch_at).unwrap_or(usize::MAX);
            match self.patch.get(within..) {
                Some(mut patch) if !patch.is_empty() => {
                    let n = patch.read(bytes)?;
                    self.file.seek_relative(n as i64)?;
                    n
                }
                _ => self.file.read(bytes)?,
            }
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for Overlay<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Current(distance) => {
                let to = self.at.checked_add_signed(distance);
                let to = to.ok_or(io::ErrorKind::InvalidInput)?;
                self.file.seek_relative(distance)?;
                to
            }
            to => self.file.seek(to)?,
        };
        Ok(self.at)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.at)
    }
}
