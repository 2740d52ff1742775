//! RIFF, the markup under AVI: chunks with a name of four letters, a length and a content.

/// The name of a chunk or list.
pub(super) type Name = [u8; 4];

/// The chunks in the content of a list: name and content. A chunk that is cut is returned as far as it goes.
pub(super) fn chunks_in(mut list: &[u8]) -> impl Iterator<Item = (Name, &[u8])> {
    std::iter::from_fn(move || {
        let name = name_at(list, 0)?;
        let size = u32_at(list, 4)? as usize;
        let rest = &list[8..];
        let content = rest.get(..size).unwrap_or(rest);
        list = rest.get(size + size % 2..).unwrap_or_default();
        Some((name, content))
    })
}

/// The content of the first chunk of this name.
pub(super) fn find<'a>(list: &'a [u8], wanted: &Name) -> Option<&'a [u8]> {
    chunks_in(list)
        .find(|(name, _)| name == wanted)
        .map(|(_, content)| content)
}

pub(super) fn name_at(bytes: &[u8], at: usize) -> Option<Name> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
