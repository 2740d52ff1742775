//! Huffman codes, and the bits they are read from.

use super::{FIRST_RESTART, Flaw, LAST_RESTART, next_marker};

/// Codes up to this long are looked up in one step; longer ones are rare.
const LOOKUP_BITS: u32 = 9;

/// Stray bytes that are tolerated where a scan or a restart interval ends.
const MAX_STRAY_BYTES: usize = 64;

/// A Huffman table (T.81, annexes C and F.2.2.3).
pub(super) struct Huffman {
    /// Length and symbol of the code that the next [`LOOKUP_BITS`] bits begin with; length 0 for longer codes.
    lookup: [(u8, u8); 1 << LOOKUP_BITS],
    /// For each length, one more than its largest code, shifted to 16 bits.
    ends: [u32; 17],
    /// For each length, what to add to a code to get the place of its symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// Reads 16 counts and the symbols; returns the bytes after them. `None` if there are not enough, or more codes
    /// than fit.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (counts, rest) = bytes.split_at_checked(16)?;
        let n_symbols = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(n_symbols)?;
        let mut table = Self {
            lookup: [(0, 0); 1 << LOOKUP_BITS],
            ends: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut n_before) = (0u32, 0usize);
        for length in 1..=16u32 {
            let count = u32::from(counts[length as usize - 1]);
            table.offsets[length as usize] = n_before as i32 - code as i32;
            for symbol in &symbols[n_before..][..count as usize] {
                if code >= 1 << length {
                    return None;
                }
                if let Some(free) = LOOKUP_BITS.checked_sub(length) {
                    let first = (code << free) as usize;
                    table.lookup[first..first + (1 << free)].fill((length as u8, *symbol));
                }
                code += 1;
            }
            n_before += count as usize;
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some((table, rest))
    }
}

/// Bits of entropy-coded data, up to the next marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte to take.
    pub(super) at: usize,
    /// Bits taken and not used, the last taken at the lower end.
    buffer: u64,
    n_bits: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            buffer: 0,
            n_bits: 0,
        }
    }

    fn fill(&mut self) {
        while self.n_bits <= 56 {
            let byte = match self.data.get(self.at..) {
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
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.n_bits += 8;
        }
    }

    /// The next 16 bits, with zeros where the data has ended.
    fn peek(&mut self) -> u32 {
        if self.n_bits < 16 {
            self.fill();
        }
        let bits = match self.n_bits.checked_sub(16) {
            Some(later) => self.buffer >> later,
            None => self.buffer << (16 - self.n_bits),
        };
        (bits & 0xFFFF) as u32
    }

    fn skip(&mut self, n_bits: u32) -> Result<(), Flaw> {
        self.n_bits = self.n_bits.checked_sub(n_bits).ok_or(Flaw::Cut)?;
        Ok(())
    }

    /// The next symbol.
    pub(super) fn decode(&mut self, table: &Huffman) -> Result<u8, Flaw> {
        let bits = self.peek();
        let (length, symbol) = table.lookup[(bits >> (16 - LOOKUP_BITS)) as usize];
        if length > 0 {
            self.skip(length.into())?;
            return Ok(symbol);
        }
        for length in LOOKUP_BITS + 1..=16 {
            if bits < table.ends[length as usize] {
                self.skip(length)?;
                let code = (bits >> (16 - length)) as i32;
                let symbol = usize::try_from(code + table.offsets[length as usize])
                    .ok()
                    .and_then(|place| table.symbols.get(place));
                return symbol.copied().ok_or(INVALID_CODE);
            }
        }
        Err(if self.n_bits < 16 {
            Flaw::Cut
        } else {
            INVALID_CODE
        })
    }

    /// A number of so many bits, at most 15, whose first tells the sign (T.81, F.2.2.1).
    pub(super) fn signed(&mut self, n_bits: u32) -> Result<i32, Flaw> {
        if n_bits == 0 {
            return Ok(0);
        }
        let value = (self.peek() >> (16 - n_bits)) as i32;
        self.skip(n_bits)?;
        let is_negative = value < 1 << (n_bits - 1);
        Ok(if is_negative {
            value - (1 << n_bits) + 1
        } else {
            value
        })
    }

    /// Goes on behind the restart marker that ends the interval `interval`, counted from 0.
    pub(super) fn restart(&mut self, interval: usize) -> Result<(), Flaw> {
        let (marker, after) = next_marker(self.data, self.at).ok_or(Flaw::Cut)?;
        if !(FIRST_RESTART..=LAST_RESTART).contains(&marker) {
            return Err(Flaw::Cut);
        }
        if usize::from(marker - FIRST_RESTART) != interval % 8 {
            return Err(Flaw::Corrupt("a part is missing"));
        }
        self.check_stray(after - 2)?;
        self.at = after;
        self.n_bits = 0;
        Ok(())
    }

    /// Checks what is left up to the marker at `end`. Bytes of one value are padding, however many there are.
    pub(super) fn check_stray(&self, end: usize) -> Result<(), Flaw> {
        if end == self.data.len() {
            return Ok(()); // No marker follows, and what does may be left over in the driver's buffer.
        }
        let begin = self.at.saturating_sub(self.n_bits as usize / 8).min(end);
        let stray = &self.data[begin..end];
        let is_padding = stray.windows(2).all(|pair| pair[0] == pair[1]);
        if stray.len() > MAX_STRAY_BYTES + self.data.len() / 16 && !is_padding {
            return Err(Flaw::Corrupt("it has more data than an image of its size"));
        }
        Ok(())
    }
}

const INVALID_CODE: Flaw = Flaw::Corrupt("it has codes that mean nothing");
