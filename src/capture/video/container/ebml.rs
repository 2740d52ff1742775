//! EBML, the binary markup under Matroska: elements with an identifier, a length and a content.
//!
//! A length may be "unknown", as in live recordings; the element then ends where the next one of its level begins.
//! Source: RFC 8794.

use std::io::{self, Read};

/// The beginning of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u32,
    /// Bytes of content; `None` if unknown.
    pub(super) size: Option<u64>,
    /// Bytes of this header.
    pub(super) length: u64,
}

/// Reads the beginning of an element; `None` if these bytes do not begin one.
///
/// # Errors
/// If reading fails or the file ends.
pub(super) fn read_header(reader: &mut impl Read) -> io::Result<Option<Header>> {
    let mut bytes = [0; 12];
    let mut n = 0;
    for max_bytes in [4, 8] {
        reader.read_exact(&mut bytes[n..=n])?;
        let n_bytes = bytes[n].leading_zeros() as usize + 1;
        if n_bytes > max_bytes {
            return Ok(None);
        }
        reader.read_exact(&mut bytes[n + 1..n + n_bytes])?;
        n += n_bytes;
    }
    Ok(header(&bytes[..n]))
}

/// The beginning of an element, at the beginning of `bytes`.
fn header(bytes: &[u8]) -> Option<Header> {
    let id_length = bytes.first()?.leading_zeros() as usize + 1;
    if id_length > 4 {
        return None;
    }
    let (id, rest) = bytes.split_at_checked(id_length)?;
    // An identifier keeps the bits that encode its length.
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let (size, size_length) = number(rest)?;
    let is_unknown = size == (1 << (7 * size_length)) - 1;
    Some(Header {
        id,
        size: (!is_unknown).then_some(size),
        length: (id_length + size_length) as u64,
    })
}

/// The number of variable length at the beginning of `bytes`, and how many bytes it takes.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..length)?; // A first byte of 0 would need nine, and is not allowed.
    if length > 8 {
        return None;
    }
    let value = bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some((value & !(1 << (7 * length)), length))
}

/// The elements within the content of another, up to its end or the first damage.
pub(super) fn children(mut content: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let header = header(content)?;
        let rest = content.get(usize::try_from(header.length).ok()?..)?;
        let size = match header.size {
            Some(size) => usize::try_from(size).ok()?,
            None => rest.len(),
        };
        let (child, rest) = rest.split_at_checked(size)?;
        content = rest;
        Some((header.id, child))
    })
}

/// The content of the first child with the identifier `id`.
pub(super) fn child(content: &[u8], id: u32) -> Option<&[u8]> {
    children(content)
        .find(|(child, _)| *child == id)
        .map(|(_, content)| content)
}

/// The content as an unsigned number.
pub(super) fn unsigned(content: &[u8]) -> Option<u64> {
    let is_number = content.len() <= 8;
    is_number.then(|| {
        content
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    })
}

/// The content as a finite floating-point number.
pub(super) fn float(content: &[u8]) -> Option<f64> {
    let value = match content.len() {
        4 => f64::from(f32::from_be_bytes(content.try_into().ok()?)),
        8 => f64::from_be_bytes(content.try_into().ok()?),
        _ => return None,
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_of_all_lengths_are_read() {
        for (bytes, id, size) in [
            (&b"\xA3\x82"[..], 0xA3, Some(2)),
            (b"\x42\x86\x40\x05", 0x4286, Some(5)),
            (b"\x1F\x43\xB6\x75\xFF", 0x1F43_B675, None),
            (b"\xA3\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 0xA3, None),
            (
                b"\x18\x53\x80\x67\x01\0\0\0\0\0\x01\x02",
                0x1853_8067,
                Some(258),
            ),
        ] {
            let expected = Header {
                id,
                size,
                length: bytes.len() as u64,
            };
            assert_eq!(read_header(&mut &*bytes).unwrap(), Some(expected));
            for length in 0..bytes.len() {
                assert!(read_header(&mut &bytes[..length]).is_err());
            }
        }
        assert_eq!(read_header(&mut &b"\0\x80"[..]).unwrap(), None);
        assert_eq!(read_header(&mut &b"\xA3\0"[..]).unwrap(), None);
    }

    #[test]
    fn contents_are_read() {
        let content = b"\xD7\x81\x07\x44\x89\x84\x3F\x80\0\0";
        assert_eq!(child(content, 0xD7).and_then(unsigned), Some(7));
        assert_eq!(child(content, 0x4489).and_then(float), Some(1.0));
        assert_eq!(child(content, 0xEC), None);
        // The second one is cut.
        assert_eq!(children(&content[..8]).count(), 1);
        assert_eq!(float(&f64::NAN.to_be_bytes()), None);
        assert_eq!(unsigned(&[1; 9]), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let n_children = children(&bytes).count();
            prop_assert!(n_children <= bytes.len());
            drop(read_header(&mut &*bytes));
            number(&bytes);
        }
    }
}
