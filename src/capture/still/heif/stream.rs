//! Plain streams of coded pictures, which every decoder reads.

use super::boxes::Numbers;

/// Ends a sequence of HEVC pictures. Each tile is a sequence of its own, because all may have the same number.
const END_OF_SEQUENCE: &[u8] = &[0, 0, 0, 1, 0x48, 0x01];

/// Appends an HEVC picture, its parameter sets first.
pub(super) fn annex_b(
    stream: &mut Vec<u8>,
    properties: &[(&[u8; 4], &[u8])],
    content: &[u8],
) -> Option<()> {
    const START: [u8; 4] = [0, 0, 0, 1];
    let (_, config) = properties.iter().find(|(name, _)| *name == b"hvcC")?;
    let length_bytes = usize::from(config.get(21)? & 3) + 1;
    let mut numbers = Numbers(config.get(22..)?);
    for _ in 0..numbers.number(1)? {
        numbers.take(1)?; // The kind, which the unit states too.
        for _ in 0..numbers.number(2)? {
            let length = numbers.number(2)? as usize;
            let (unit, rest) = numbers.0.split_at_checked(length)?;
            numbers.0 = rest;
            stream.extend(START);
            stream.extend(unit);
        }
    }
    let mut numbers = Numbers(content);
    while !numbers.0.is_empty() {
        let length = usize::try_from(numbers.take(length_bytes)?).ok()?;
        let (unit, rest) = numbers.0.split_at_checked(length)?;
        numbers.0 = rest;
        stream.extend(START);
        stream.extend(unit);
    }
    stream.extend(END_OF_SEQUENCE);
    Some(())
}

/// Appends an AV1 picture to an IVF file; number 0 starts the file.
pub(super) fn ivf(stream: &mut Vec<u8>, number: u64, content: &[u8]) {
    /// Begins each temporal unit; items of a HEIF file omit it.
    const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0x00];
    if number == 0 {
        // Version 0, a header of 32 bytes; the size is in the stream itself; 25 pictures a second.
        stream.extend(b"DKIF\0\0\x20\0AV01\0\0\0\0\x19\0\0\0\x01\0\0\0");
        stream.resize(32, 0);
    }
    let length = (content.len() + TEMPORAL_DELIMITER.len()) as u32;
    stream.extend(length.to_le_bytes());
    stream.extend(number.to_le_bytes());
    stream.extend(TEMPORAL_DELIMITER);
    stream.extend(content);
}
