//! Code words of a JPEG's image data.

/// Codes of up to this many bits are looked up at once.
const LOOKUP_BITS: u32 = 9;

/// Code words are no longer.
const MAX_CODE_BITS: usize = 16;

/// Why a code word could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// The data is over.
    Exhausted,
    /// No code word begins like this.
    NoCode,
    /// The file has no table for it.
    NoTable,
}

/// A Huffman table.
pub(super) struct Table {
    /// For each beginning of a code its length and symbol; length 0 for longer ones.
    lookup: Box<[(u8, u8); 1 << LOOKUP_BITS]>,
    /// For each length from 1 the first value, aligned to 16 bits, that belongs to a longer code; and what leads from a
    /// code of this length to its symbol.
    ends: [(u32, i32); MAX_CODE_BITS],
    symbols: Vec<u8>,
}

impl Table {
    /// Reads a table from its counts and symbols, and returns what follows; `None` for no possible table.
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
    fn find(&self, next: u32) -> Option<(u8, u8)> {
        let found = self.lookup[(next >> (16 - LOOKUP_BITS)) as usize];
        if found.0 > 0 {
            return Some(found);
        }
        let longer = (1_u32..).zip(self.ends).skip(LOOKUP_BITS as usize);
        for (length, (end, offset)) in longer {
            if next < end {
                let position = (next >> (16 - length)) as i32 + offset;
                let symbol = self.symbols.get(usize::try_from(position).ok()?)?;
                return Some((length as u8, *symbol));
            }
        }
        None
    }
}

/// Image data as bits, up to its first marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the top.
    buffer: u64,
    n_buffered: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            buffer: 0,
            n_buffered: 0,
        }
    }

    /// How far the data was read: at most to its first marker.
    pub(super) fn position(&self) -> usize {
        self.at
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

    /// Passes `n` bits, at most 16.
    pub(super) fn skip(&mut self, n: u8) -> Result<(), Problem> {
        self.take(n).map(drop)
    }

    /// The next `n` bits, at most 16, as a number.
    pub(super) fn take(&mut self, n: u8) -> Result<usize, Problem> {
        let n = u32::from(n);
        if n == 0 {
            return Ok(0);
        }
        if self.n_buffered < n {
            self.fill();
            if self.n_buffered < n {
                return Err(Problem::Exhausted);
            }
        }
        let value = self.buffer >> (64 - n);
        self.buffer <<= n;
        self.n_buffered -= n;
        Ok(value as usize)
    }

    /// The symbol of the next code word.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, Problem> {
        if self.n_buffered < 16 {
            self.fill();
        }
        // Zeros follow the end; a code that reaches into them is not there.
        match table.find((self.buffer >> 48) as u32) {
            Some((length, symbol)) => self.skip(length).map(|()| symbol),
            None if self.n_buffered < 16 => Err(Problem::Exhausted),
            None => Err(Problem::NoCode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two codes of 2 bits, one of 3 and one of 11.
    fn table() -> Table {
        let mut bytes = vec![0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0];
        bytes.extend(b"abcd+");
        let (table, rest) = Table::parse(&bytes).unwrap();
        assert_eq!(rest, b"+");
        table
    }

    #[test]
    fn short_and_long_codes_are_read_to_the_last_bit() {
        let table = table();
        // 00 01 100 10100000000 00 and six bits that are no code.
        let data = [0b0001_1001, 0b0100_0000, 0b0000_1111, 0b1111_0000];
        let mut bits = Bits::new(&data);
        let symbols: Vec<_> = (0..5).map(|_| bits.symbol(&table)).collect();
        assert_eq!(symbols, [b'a', b'b', b'c', b'd', b'a'].map(Ok));
        assert_eq!(bits.symbol(&table), Err(Problem::Exhausted));
        let mut ones = Bits::new(&[0xFF, 0x00, 0xFF, 0x00]);
        assert_eq!(ones.symbol(&table), Err(Problem::NoCode));
    }

    #[test]
    fn data_ends_at_a_marker() {
        let mut bits = Bits::new(&[0xFF, 0x00, 0x81, 0xFF, 0xD9, 0x55]);
        assert_eq!(bits.take(16), Ok(0xFF81));
        assert_eq!(bits.take(1), Err(Problem::Exhausted));
        assert_eq!(bits.position(), 3);
    }

    #[test]
    fn impossible_tables_are_refused() {
        let mut three_codes_of_one_bit = vec![3];
        three_codes_of_one_bit.extend([0; 15]);
        three_codes_of_one_bit.extend(b"abc");
        assert!(Table::parse(&three_codes_of_one_bit).is_none());
        assert!(
            Table::parse(&[1; 20]).is_none(),
            "16 symbols promised, 4 there"
        );
    }
}
