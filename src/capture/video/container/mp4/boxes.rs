//! Boxes, the markup under MP4 and QuickTime: a size, a name and a content.
//!
//! Every size is only a claim. Inside another box it never reaches further than that one does, and nothing is read twice:
//! whatever the sizes are, a walk ends.
//! Sources: ISO/IEC 14496-12, QuickTime File Format Specification (Apple).

use std::io::{self, Read, Seek};

pub(super) type Name = [u8; 4];

/// A box at the top level of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct TopBox {
    pub(super) name: Name,
    pub(super) start: u64,
    /// Where its content is.
    pub(super) content_at: u64,
    /// Where it ends by its size; beyond the end of a file that was cut off.
    pub(super) end: u64,
}

/// The boxes of a file, one after the other.
pub(super) struct TopLevel<'a, R> {
    reader: &'a mut R,
    file_size: u64,
    next: u64,
}

impl<'a, R: Read + Seek> TopLevel<'a, R> {
    pub(super) fn new(reader: &'a mut R, file_size: u64) -> io::Result<Self> {
        reader.rewind()?;
        Ok(Self {
            reader,
            file_size,
            next: 0,
        })
    }

    /// The next box, with the reader at its content; `None` at the end, or where no box begins.
    pub(super) fn next(&mut self) -> io::Result<Option<TopBox>> {
        let start = self.next;
        let left = self.file_size.saturating_sub(start);
        if left < 8 {
            return Ok(None);
        }
        // Within the buffer if possible: a file may have millions of small boxes.
        let distance = i128::from(start) - i128::from(self.reader.stream_position()?);
        let distance = i64::try_from(distance).map_err(|_| io::ErrorKind::InvalidData)?;
        self.reader.seek_relative(distance)?;
        let mut header = [0; 8];
        self.reader.read_exact(&mut header)?;
        let [a, b, c, d, name @ ..] = header;
        let (size, header_length) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (left, 8), // To the end of the file.
            1 if left >= 16 => {
                let mut long_size = [0; 8];
                self.reader.read_exact(&mut long_size)?;
                match u64::from_be_bytes(long_size) {
                    0 => (left, 16),
                    size => (size, 16),
                }
            }
            size => (u64::from(size), 8),
        };
        if size < header_length {
            return Ok(None);
        }
        let end = start.saturating_add(size);
        self.next = end;
        Ok(Some(TopBox {
            name,
            start,
            content_at: start + header_length,
            end,
        }))
    }

    pub(super) fn reader(&mut self) -> &mut R {
        self.reader
    }
}

/// The boxes in the content of another: name and content.
///
/// One that claims more than there is ends with the outer one, as does one of size 0; nothing after it can be recognized.
pub(super) fn boxes(mut content: &[u8]) -> impl Iterator<Item = (Name, &[u8])> {
    std::iter::from_fn(move || {
        let (header, rest) = content.split_first_chunk::<8>()?;
        let [a, b, c, d, name @ ..] = *header;
        let (size, rest) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (rest.len(), rest),
            1 => {
                let (long_size, rest) = rest.split_first_chunk::<8>()?;
                let size = usize::try_from(u64::from_be_bytes(*long_size)).unwrap_or(usize::MAX);
                match size {
                    0 => (rest.len(), rest),
                    size => (size.checked_sub(16)?, rest),
                }
            }
            size => ((size as usize).checked_sub(8)?, rest),
        };
        let (inner, rest) = rest.split_at(size.min(rest.len()));
        content = rest;
        Some((name, inner))
    })
}

/// The content of the first box with a name.
pub(super) fn find<'a>(content: &'a [u8], name: &Name) -> Option<&'a [u8]> {
    boxes(content)
        .find(|(found, _)| found == name)
        .map(|(_, inner)| inner)
}

/// The content of the box at a path of names; empty if it does not exist.
pub(super) fn find_path<'a>(content: &'a [u8], path: &[&Name]) -> &'a [u8] {
    path.iter()
        .try_fold(content, |content, name| find(content, name))
        .unwrap_or_default()
}

pub(super) fn u16_at(content: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*content.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(content: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*content.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(content: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*content.get(at..)?.first_chunk()?))
}

pub(super) fn i32_at(content: &[u8], at: usize) -> Option<i32> {
    u32_at(content, at).map(u32::cast_signed)
}

/// The entries of a table, which is a word of version and flags, the number of entries, and those; no more than it has
/// bytes for.
pub(super) fn entries<const N: usize>(table: &[u8]) -> &[[u8; N]] {
    let n_entries = u32_at(table, 4).unwrap_or(0) as usize;
    let (entries, _) = table.get(8..).unwrap_or_default().as_chunks::<N>();
    &entries[..n_entries.min(entries.len())]
}

/// Where a field lies in a box whose second version has longer times before it.
pub(super) fn by_version(content: &[u8], first: usize, second: usize) -> usize {
    match version_and_flags(content).0 {
        1 => second,
        _ => first,
    }
}

/// The version of a box, and its flags.
pub(super) fn version_and_flags(content: &[u8]) -> (u8, u32) {
    let word = u32_at(content, 0).unwrap_or(0);
    ((word >> 24) as u8, word & 0x00FF_FFFF)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn names(content: &[u8]) -> Vec<(Name, usize)> {
        boxes(content)
            .map(|(name, inner)| (name, inner.len()))
            .collect()
    }

    #[test]
    fn a_walk_ends_whatever_the_sizes_are() {
        assert_eq!(
            names(b"\0\0\0\x09abcdX\0\0\0\x08efgh"),
            [(*b"abcd", 1), (*b"efgh", 0)]
        );
        // Size 0, a child larger than its parent, and the same with 64 bits.
        assert_eq!(names(b"\0\0\0\0abcdXYZ"), [(*b"abcd", 3)]);
        assert_eq!(names(b"\0\0\0\x0Cabcd1"), [(*b"abcd", 1)]);
        assert_eq!(names(b"\0\0\0\x01abcd\0\0\0\0\0\0\0\0XY"), [(*b"abcd", 2)]);
        assert_eq!(
            names(b"\0\0\0\x01abcd\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFXY"),
            [(*b"abcd", 2)]
        );
        // Sizes smaller than the header.
        for content in [
            &b"\0\0\0\x07abcdXYZ"[..],
            b"\0\0\0\x01abcd\0\0\0\0\0\0\0\x0FXY",
            b"\0\0\0\x01abcd",
            b"\0\0\0",
        ] {
            assert_eq!(names(content), []);
        }
    }

    #[test]
    fn the_top_level_ends_too() {
        let walk = |file: &[u8]| {
            let mut reader = Cursor::new(file);
            let mut top = TopLevel::new(&mut reader, file.len() as u64).unwrap();
            let mut found = Vec::new();
            while let Some(top_box) = top.next().unwrap() {
                found.push((top_box.name, top_box.end));
            }
            found
        };
        assert_eq!(
            walk(b"\0\0\0\x08abcd\0\0\0\0efgh1"),
            [(*b"abcd", 8), (*b"efgh", 17)]
        );
        assert_eq!(
            walk(b"\0\0\0\x01abcd\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
            [(*b"abcd", u64::MAX)]
        );
        assert_eq!(walk(b"\0\0\0\x07abcdXYZXYZ"), []);
        assert_eq!(
            walk(b"\0\0\0\x01abcd\0\0\0\0\0\0\0\0"),
            [(*b"abcd", 16)],
            "to the end"
        );
    }

    #[test]
    fn a_table_has_no_more_entries_than_bytes() {
        let table = b"\0\0\0\0\xFF\xFF\xFF\xFFabcdef";
        assert_eq!(entries::<4>(table), [*b"abcd"]);
        assert_eq!(entries::<2>(b"\0\0\0\0\0\0\0\x01abcd"), [*b"ab"]);
        assert!(entries::<4>(b"\0\0").is_empty());
    }
}
