//! Huffman codes, and the bits that hold them.

use super::{
    Flaw,
    markers::{FIRST_RESTART, LAST_RESTART, next_marker},
};

/// Codes up to this long take one lookup; longer ones are rare.
const LOOKUP_BITS: u32 = 9;

/// No code is longer.
const MAX_CODE_BITS: usize = 16;

/// Stray bytes that are tolerated where a scan or a restart interval ends.
const MAX_STRAY_BYTES: usize = 64;

const INVALID_CODE: Flaw = Flaw::Damaged("it has invalid codes");

/// A Huffman table (T.81, annexes C and F.2.2.3).
pub(super) struct Huffman {
    /// Length and symbol of the code that the next [`LOOKUP_BITS`] bits begin with; length 0 for longer codes.
    lookup: Box<[(u8, u8); 1 << LOOKUP_BITS]>,
    /// For each length from 1: the first value, aligned to 16 bits, that belongs to a longer code; and the offset from
    /// a code of this length to its symbol.
    ends: [(u32, i32); MAX_CODE_BITS],
    symbols: Vec<u8>,
}

impl Huffman {
    /// Reads 16 counts and the symbols; returns the bytes after them. `None` if there are not enough, or more codes
    /// than fit.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = bytes.split_first_chunk::<MAX_CODE_BITS>()?;
        let n_symbols = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(n_symbols)?;
        let mut lookup = Box::new([(0, 0); 1 << LOOKUP_BITS]);
        let mut ends = [(0, 0); MAX_CODE_BITS];
        let (mut code, mut n_done) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let n_codes = u32::from(*count);
            if code + n_codes > 1 << length {
                return None;
            }
            ends[length as usize - 1] = (
                (code + n_codes) << (16 - length),
                n_done as i32 - code as i32,
            );
            for &symbol in &symbols[n_done..n_done + n_codes as usize] {
                if let Some(spare_bits) = LOOKUP_BITS.checked_sub(length) {
                    let first = (code << spare_bits) as usize;
                    lookup[first..first + (1 << spare_bits)].fill((length as u8, symbol));
                }
                code += 1;
            }
            n_done += n_codes as usize;
            code <<= 1;
        }
        let table = Self {
            lookup,
            ends,
            symbols: symbols.to_owned(),
        };
        Some((table, rest))
    }

    /// Length and symbol of the code that `next`, 16 bits, begins with.
    fn find(&self, next: u32) -> Option<(u32, u8)> {
        let (length, symbol) = self.lookup[(next >> (16 - LOOKUP_BITS)) as usize];
        if length > 0 {
            return Some((length.into(), symbol));
        }
        let longer = (1_u32..).zip(self.ends).skip(LOOKUP_BITS as usize);
        for (length, (end, offset)) in longer {
            if next < end {
                let position = (next >> (16 - length)) as i32 + offset;
                let symbol = self.symbols.get(usize::try_from(position).ok()?)?;
                return Some((length, *symbol));
            }
        }
        None
    }
}

/// Bits of entropy-coded data, up to the next marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte to take.
    pub(super) at: usize,
    /// Bits taken and not used, from the top; below them zeros.
    buffer: u64,
    n_buffered: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            buffer: 0,
            n_buffered: 0,
        }
    }

    fn fill(&mut self) {
        while self.n_buffered <= 56 {
            let byte = match self.data.get(self.at..) {
                // A byte of ones is followed by a zero; otherwise it begins a marker.
                Some([0xFF, 0x00, ..]) => {
                    self.at += 2;
                    0xFF
                }
                Some([byte, ..]) if *byte != 0xFF => {
                    self.at += 1;
                    *byte
                }
                _ => return,
            };
            self.buffer |= u64::from(byte) << (56 - self.n_buffered);
            self.n_buffered += 8;
        }
    }

    /// Buffers `n` bits, at most 32, if the data has that many.
    fn reserve(&mut self, n: u32) {
        if self.n_buffered < n {
            self.fill();
        }
    }

    fn advance(&mut self, n: u32) -> Result<(), Flaw> {
        self.n_buffered = self.n_buffered.checked_sub(n).ok_or(Flaw::Cut)?;
        self.buffer <<= n;
        Ok(())
    }

    /// Skips `n` bits, at most 16.
    pub(super) fn skip(&mut self, n: u8) -> Result<(), Flaw> {
        self.reserve(n.into());
        self.advance(n.into())
    }

    /// The next `n` bits, at most 16, as a number.
    pub(super) fn take(&mut self, n: u8) -> Result<usize, Flaw> {
        if n == 0 {
            return Ok(0);
        }
        self.reserve(n.into());
        let value = self.buffer >> (64 - u32::from(n));
        self.advance(n.into())?;
        Ok(value as usize)
    }

    /// A number of `n` bits, at most 16, of which the first is the sign (T.81, F.2.2.1).
    pub(super) fn signed(&mut self, n: u8) -> Result<i64, Flaw> {
        let value = self.take(n)? as i64;
        let is_negative = n > 0 && value < 1 << (n - 1);
        Ok(if is_negative {
            value - (1 << n) + 1
        } else {
            value
        })
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, table: &Huffman) -> Result<u8, Flaw> {
        self.reserve(16);
        let (length, symbol) = self.find(table)?;
        self.advance(length)?;
        Ok(symbol)
    }

    /// The halves of the next symbol. The lower one is the number of bits of the value that follows; skips these too.
    pub(super) fn symbol_and_value(&mut self, table: &Huffman) -> Result<(u8, u8), Flaw> {
        self.reserve(32);
        let (length, symbol) = self.find(table)?;
        let size = symbol & 15;
        self.advance(length + u32::from(size))?;
        Ok((symbol >> 4, size))
    }

    /// The code at the front. Zeros follow the end of the data; a code that extends into them does not count.
    fn find(&self, table: &Huffman) -> Result<(u32, u8), Flaw> {
        match table.find((self.buffer >> 48) as u32) {
            Some(found) => Ok(found),
            None if self.n_buffered < 16 => Err(Flaw::Cut),
            None => Err(INVALID_CODE),
        }
    }

    /// Continues after the restart marker that ends the interval `interval`, counted from 0.
    pub(super) fn restart(&mut self, interval: usize) -> Result<(), Flaw> {
        let (marker, after) = next_marker(self.data, self.at).ok_or(Flaw::Cut)?;
        if !(FIRST_RESTART..=LAST_RESTART).contains(&marker) {
            return Err(Flaw::Cut);
        }
        if usize::from(marker - FIRST_RESTART) != interval % 8 {
            return Err(Flaw::Damaged("a part is missing"));
        }
        self.check_stray(after - 2)?;
        *self = Self::new(self.data, after);
        Ok(())
    }

    /// Checks what is left before the marker at `end`. Any number of equal bytes is padding.
    pub(super) fn check_stray(&self, end: usize) -> Result<(), Flaw> {
        if end == self.data.len() {
            return Ok(()); // No marker follows; the rest may be left over in the driver's buffer.
        }
        let begin = self
            .at
            .saturating_sub(self.n_buffered as usize / 8)
            .min(end);
        let stray = &self.data[begin..end];
        let is_padding = || stray.windows(2).all(|pair| pair[0] == pair[1]);
        if stray.len() > MAX_STRAY_BYTES + self.data.len() / 16 && !is_padding() {
            return Err(Flaw::Damaged(
                "it has more data than an image of its size needs",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two codes of 2 bits, one of 3 and one of 11.
    fn table() -> Huffman {
        let mut bytes = vec![0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0];
        bytes.extend([0x01, 0x02, 0x13, 0xF4]);
        bytes.extend(b"+");
        let (table, rest) = Huffman::parse(&bytes).unwrap();
        assert_eq!(rest, b"+");
        table
    }

    #[test]
    fn short_and_long_codes_are_read_to_the_last_bit() {
        let table = table();
        // 00 01 100 10100000000 00 and six bits that are no code.
        let data = [0b0001_1001, 0b0100_0000, 0b0000_1111, 0b1111_0000];
        let mut bits = Bits::new(&data, 0);
        let symbols: Vec<_> = (0..5).map(|_| bits.symbol(&table)).collect();
        assert_eq!(symbols, [0x01, 0x02, 0x13, 0xF4, 0x01].map(Ok));
        assert_eq!(bits.symbol(&table), Err(Flaw::Cut));
        let mut ones = Bits::new(&[0xFF, 0x00, 0xFF, 0x00], 0);
        assert_eq!(ones.symbol(&table), Err(INVALID_CODE));
    }

    #[test]
    fn values_are_skipped_with_their_symbols() {
        let table = table();
        // 100 and three bits, 01 and two bits, 100 and two bits of three.
        let mut bits = Bits::new(&[0b1001_1101, 0b1110_0000], 0);
        assert_eq!(bits.symbol_and_value(&table), Ok((1, 3)));
        assert_eq!(bits.symbol_and_value(&table), Ok((0, 2)));
        let mut bits = Bits::new(&[0b0110_0111, 0b0000_0000, 0b1001_0010], 0);
        assert_eq!(bits.signed(1), Ok(-1));
        assert_eq!(bits.signed(2), Ok(3));
        assert_eq!(bits.signed(2), Ok(-3));
        assert_eq!(bits.signed(0), Ok(0));
        assert_eq!(bits.signed(16), Ok(0b1110_0000_0001_0010));
        // Only one of two bits is left.
        assert_eq!(bits.symbol_and_value(&table), Err(Flaw::Cut));
    }

    #[test]
    fn data_ends_at_a_marker() {
        let mut bits = Bits::new(&[0xFF, 0x00, 0x81, 0xFF, 0xD9, 0x55], 0);
        assert_eq!(bits.take(16), Ok(0xFF81));
        assert_eq!(bits.take(1), Err(Flaw::Cut));
        assert_eq!(bits.at, 3);
    }

    #[test]
    fn impossible_tables_are_refused() {
        let mut three_codes_of_one_bit = vec![3];
        three_codes_of_one_bit.extend([0; 15]);
        three_codes_of_one_bit.extend(b"abc");
        assert!(Huffman::parse(&three_codes_of_one_bit).is_none());
        assert!(
            Huffman::parse(&[1; 20]).is_none(),
            "16 symbols promised, 4 there"
        );
    }
}
