//! The structure of a HEIF file: nested boxes, and numbers of many sizes.

/// Names and contents of the boxes in `bytes`, up to the first invalid one.
pub(super) fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, rest) = bytes.split_first_chunk::<4>()?;
        let (name, rest) = rest.split_first_chunk::<4>()?;
        let (content_bytes, rest) = match u32::from_be_bytes(*size) {
            0 => (rest.len(), rest),
            1 => {
                let (size, rest) = rest.split_first_chunk::<8>()?;
                let n = u64::from_be_bytes(*size).checked_sub(16)?;
                (usize::try_from(n).ok()?, rest)
            }
            size => (size.checked_sub(8)? as usize, rest),
        };
        let (content, rest) = rest.split_at_checked(content_bytes)?;
        bytes = rest;
        Some((name, content))
    })
}

/// Reads numbers from the front of some bytes.
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    /// A number of 0 to 8 bytes.
    pub(super) fn take(&mut self, n_bytes: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(n_bytes)?;
        self.0 = rest;
        Some(
            number
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    }

    pub(super) fn number(&mut self, n_bytes: usize) -> Option<u32> {
        u32::try_from(self.take(n_bytes)?).ok()
    }

    /// The version of a box, and its 24 flags.
    pub(super) fn version(&mut self) -> Option<(u8, u32)> {
        let word = self.number(4)?;
        Some(((word >> 24) as u8, word & 0xFF_FFFF))
    }
}
