//! The tables of an MP4 file, read entry by entry and never expanded.

use std::slice::Iter;

use super::boxes::{entries, find, i32_at, u32_at};

/// Numbers one after the other, some of them present only if a flag is set.
pub(super) struct Fields<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn u32_if(&mut self, flag: u32) -> Option<u32> {
        if flag == 0 {
            return None;
        }
        let (number, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_be_bytes(*number))
    }
}

/// The sizes of a track's frames.
pub(super) struct Sizes<'a> {
    pub(super) n: usize,
    /// The size of all, if they are equal.
    equal: Option<u32>,
    table: &'a [u8],
    bits: usize,
}

impl<'a> Sizes<'a> {
    pub(super) fn new(sample_table: &'a [u8]) -> Self {
        let (content, is_compact) = match find(sample_table, b"stsz") {
            Some(content) => (content, false),
            None => (find(sample_table, b"stz2").unwrap_or_default(), true),
        };
        let word = u32_at(content, 4).unwrap_or(0);
        let n = u32_at(content, 8).unwrap_or(0) as usize;
        let table = content.get(12..).unwrap_or_default();
        let equal = (!is_compact && word > 0).then_some(word);
        let bits = match (is_compact, word & 0xFF) {
            (false, _) => 32,
            (true, bits @ (4 | 8 | 16)) => bits as usize,
            (true, _) => {
                return Self {
                    n: 0,
                    equal,
                    table,
                    bits: 32,
                };
            }
        };
        let n = match equal {
            Some(_) => n,
            None => n.min(table.len() * 8 / bits),
        };
        Self {
            n,
            equal,
            table,
            bits,
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<u32> {
        if number >= self.n {
            return None;
        }
        if self.equal.is_some() {
            return self.equal;
        }
        let bit = number * self.bits;
        let bytes = self.table.get(bit / 8..)?;
        match self.bits {
            4 => Some(u32::from(bytes.first()? >> (4 - bit % 8) & 0xF)),
            8 => Some(u32::from(*bytes.first()?)),
            16 => Some(u32::from(u16::from_be_bytes(*bytes.first_chunk()?))),
            _ => u32_at(bytes, 0),
        }
    }
}

/// How many frames a sample table lists.
pub(super) fn n_listed(sample_table: &[u8]) -> usize {
    Sizes::new(sample_table).n
}

/// A table of runs: a count and a value each.
pub(super) struct Runs<'a> {
    runs: Iter<'a, [u8; 8]>,
    n_left: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    pub(super) fn new(table: &'a [u8]) -> Self {
        Self {
            runs: entries::<8>(table).iter(),
            n_left: 0,
            value: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<u32> {
        while self.n_left == 0 {
            let run = self.runs.next()?;
            self.n_left = u32_at(run, 0)?;
            self.value = i32_at(run, 4)?.cast_unsigned();
        }
        self.n_left -= 1;
        Some(self.value)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A box of words.
    pub(in super::super) fn sized(name: &[u8; 4], words: &[u32]) -> Vec<u8> {
        let mut bytes = (words.len() as u32 * 4 + 8).to_be_bytes().to_vec();
        bytes.extend(name);
        bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        bytes
    }

    #[test]
    fn compact_sizes_are_read() {
        for (bits, words, expected) in [
            (4_u32, 0x1230_0000_u32, [1, 2, 3]),
            (8, 0x0102_0300, [1, 2, 3]),
            (16, 0x0001_0002, [1, 2, 0]),
        ] {
            let table = sized(b"stz2", &[0, bits, 3, words]);
            let sizes = Sizes::new(&table);
            let found: Vec<u32> = (0..3).map(|i| sizes.get(i).unwrap_or(0)).collect();
            assert_eq!(found, expected, "{bits} bits");
        }
    }
}
