//! Whether a JPEG is whole: walks its entropy-coded data to the last MCU, without making pixels of it.
//!
//! Decoders that are made for viewing fill what is missing with gray and report success, so a frame that was cut on its
//! way from the camera looks like any other. This walk costs a fraction of the decoding.
//!
//! Too *much* data is normal: the most common webcams (Logitech C270, C310, C910) leave a few stray bytes before a
//! restart marker in nearly every frame, and draw no complaint from anybody who looks at the frame.

mod huffman;
#[cfg(test)]
mod tests;

use self::huffman::{Bits, Huffman};

/// Why a JPEG is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    /// The data ends before the last MCU.
    #[error("it is cut short")]
    Cut,
    /// The data cannot be that of an image.
    #[error("{0}")]
    Corrupt(&'static str),
}

/// Data that is damaged runs away: a DC coefficient of an 8-bit image is within ±1024 (T.81, A.3.3); this leaves room for
/// encoders that overshoot.
const MAX_DC: i32 = 2048;

/// Walks through the image. Of a progressive one, whose scans refine each other, only the order of markers is checked.
///
/// Data in a way of coding that no camera uses is accepted: the decoder has the last word on it.
///
/// # Errors
/// A [`Flaw`] if the image is not whole. That it decodes is not promised.
pub(super) fn check(data: &[u8]) -> Result<(), Flaw> {
    if !data.starts_with(&[0xFF, START_OF_IMAGE]) {
        return Err(Flaw::Corrupt("it does not begin as JPEG data does"));
    }
    let mut walk = Walk::default();
    let mut at = 2;
    while let Some((marker, body_at)) = next_marker(data, at) {
        at = body_at;
        if marker == END_OF_IMAGE {
            return if walk.is_complete() {
                Ok(())
            } else {
                Err(Flaw::Cut)
            };
        }
        if matches!(marker, START_OF_IMAGE | 0x01 | FIRST_RESTART..=LAST_RESTART) {
            continue; // These stand alone.
        }
        let length = data.get(at..at + 2).ok_or(Flaw::Cut)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let segment = data.get(at + 2..at + length.max(2)).ok_or(Flaw::Cut)?;
        at += length.max(2);
        match marker {
            HUFFMAN_TABLES => walk.read_huffman_tables(segment)?,
            0xDB => walk.read_quantization_tables(segment),
            0xDD => walk.restart_interval = be16(segment, 0).unwrap_or(0).into(),
            0xC0 | 0xC1 => walk.read_frame(segment)?,
            0xC2 => {
                walk.read_frame(segment)?;
                walk.is_progressive = true;
            }
            0xC3 | 0xC5..=0xCF => return Ok(()),
            START_OF_SCAN if walk.is_beyond_us() => return Ok(()),
            START_OF_SCAN => at = walk.scan(segment, data, at)?,
            _ => {}
        }
    }
    // Some cameras leave out the end marker; of a progressive image nothing else tells the end.
    if walk.is_complete() && !walk.is_progressive {
        Ok(())
    } else {
        Err(Flaw::Cut)
    }
}

/// A copy with the Huffman tables of the standard (ITU-T T.81, annex K.3), for data that brings none, as many webcams'
/// does; `None` if it brings its own.
pub(super) fn with_standard_tables(data: &[u8]) -> Option<Vec<u8>> {
    const START: &[u8] = &[0xFF, START_OF_IMAGE];
    let mut rest = data.strip_prefix(START)?;
    // Segments are `FF marker length…`, up to the start of the scan.
    while let [0xFF, marker, high, low, ..] = *rest {
        match marker {
            HUFFMAN_TABLES => return None,
            START_OF_SCAN => {
                return Some([START, &STANDARD_TABLES, &data[START.len()..]].concat());
            }
            _ => rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?,
        }
    }
    None
}

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const HUFFMAN_TABLES: u8 = 0xC4;
const FIRST_RESTART: u8 = 0xD0;
const LAST_RESTART: u8 = 0xD7;

/// The next marker at or after `at`, and where what belongs to it begins.
fn next_marker(data: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += data.get(at..)?.iter().position(|byte| *byte == 0xFF)? + 1;
        match data.get(at)? {
            0x00 => {} // A byte FF of the data.
            0xFF => {} // A fill byte; the next may begin the marker.
            marker => return Some((*marker, at + 1)),
        }
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// What the headers said so far.
#[derive(Default)]
struct Walk {
    width: usize,
    height: usize,
    components: Vec<Component>,
    dc_tables: [Option<Huffman>; 4],
    ac_tables: [Option<Huffman>; 4],
    /// The first entry of each quantization table, for the DC coefficients.
    dc_steps: [u16; 4],
    /// MCUs between two restart markers; 0 for none.
    restart_interval: usize,
    precision: u8,
    is_progressive: bool,
}

struct Component {
    id: u8,
    horizontal: usize,
    vertical: usize,
    quantization: usize,
    is_scanned: bool,
}

/// A component's part in a scan.
struct Part<'a> {
    n_blocks: usize,
    dc: &'a Huffman,
    ac: &'a Huffman,
    dc_step: i32,
    /// The DC coefficient of the block before, from which the next one differs.
    prediction: i32,
}

impl Walk {
    fn is_complete(&self) -> bool {
        !self.components.is_empty() && self.components.iter().all(|c| c.is_scanned)
    }

    /// Whether the frame is none that cameras send.
    fn is_beyond_us(&self) -> bool {
        self.components.is_empty() || self.precision != 8 || self.width == 0 || self.height == 0
    }

    fn read_frame(&mut self, segment: &[u8]) -> Result<(), Flaw> {
        let broken = Flaw::Corrupt("its header makes no sense");
        let [precision, _, _, _, _, n_components, rest @ ..] = segment else {
            return Err(broken);
        };
        self.precision = *precision;
        self.height = be16(segment, 1).unwrap_or(0).into();
        self.width = be16(segment, 3).unwrap_or(0).into();
        let components = rest.chunks_exact(3).take(usize::from(*n_components));
        self.components = components
            .map(|fields| Component {
                id: fields[0],
                horizontal: usize::from(fields[1] >> 4),
                vertical: usize::from(fields[1] & 15),
                quantization: usize::from(fields[2] & 3),
                is_scanned: false,
            })
            .collect();
        let is_odd =
            |c: &Component| !(1..=4).contains(&c.horizontal) || !(1..=4).contains(&c.vertical);
        if self.components.len() != usize::from(*n_components) || self.components.iter().any(is_odd)
        {
            return Err(broken);
        }
        Ok(())
    }

    fn read_quantization_tables(&mut self, mut segment: &[u8]) {
        while let [precision_and_place, rest @ ..] = segment {
            let is_wide = precision_and_place >> 4 != 0;
            let first = if is_wide {
                be16(rest, 0)
            } else {
                rest.first().map(|step| u16::from(*step))
            };
            self.dc_steps[usize::from(precision_and_place & 3)] = first.unwrap_or(0);
            segment = rest.get(if is_wide { 128 } else { 64 }..).unwrap_or(&[]);
        }
    }

    fn read_huffman_tables(&mut self, mut segment: &[u8]) -> Result<(), Flaw> {
        while let [class_and_place, rest @ ..] = segment {
            let (table, rest) =
                Huffman::read(rest).ok_or(Flaw::Corrupt("a Huffman table is damaged"))?;
            let tables = match class_and_place >> 4 {
                0 => &mut self.dc_tables,
                _ => &mut self.ac_tables,
            };
            tables[usize::from(class_and_place & 3)] = Some(table);
            segment = rest;
        }
        Ok(())
    }

    /// Walks the scan whose header is `segment` and whose data begins at `at`; returns where it ends.
    fn scan(&mut self, segment: &[u8], data: &[u8], at: usize) -> Result<usize, Flaw> {
        let broken = Flaw::Corrupt("the header of a scan makes no sense");
        let [n_parts, fields @ ..] = segment else {
            return Err(broken);
        };
        let n_parts = usize::from(*n_parts);
        let fields = fields.get(..2 * n_parts).ok_or(broken)?;
        let mut chosen = Vec::new();
        for field in fields.chunks_exact(2) {
            let place = self.components.iter().position(|c| c.id == field[0]);
            chosen.push((place.ok_or(broken)?, field[1]));
        }
        if chosen.is_empty() {
            return Err(broken);
        }
        let end = if self.is_progressive {
            end_of_scan(data, at)
        } else {
            self.walk_blocks(&chosen, data, at)?
        };
        for (place, _) in chosen {
            self.components[place].is_scanned = true;
        }
        Ok(end)
    }

    /// Walks every block of a sequential scan of these components with their table numbers.
    fn walk_blocks(&self, chosen: &[(usize, u8)], data: &[u8], at: usize) -> Result<usize, Flaw> {
        let is_interleaved = chosen.len() > 1;
        let mut parts = Vec::new();
        for (place, tables) in chosen {
            let component = &self.components[*place];
            let missing = Flaw::Corrupt("a Huffman table is missing");
            parts.push(Part {
                n_blocks: if is_interleaved {
                    component.horizontal * component.vertical
                } else {
                    1
                },
                dc: self.dc_tables[usize::from(tables >> 4 & 3)]
                    .as_ref()
                    .ok_or(missing)?,
                ac: self.ac_tables[usize::from(tables & 3)]
                    .as_ref()
                    .ok_or(missing)?,
                dc_step: self.dc_steps[component.quantization].into(),
                prediction: 0,
            });
        }
        let n_mcus = if is_interleaved {
            self.n_blocks(1, 1)
        } else {
            let only = &self.components[chosen[0].0];
            self.n_blocks(only.horizontal, only.vertical)
        };
        let mut bits = Bits::new(data, at);
        for mcu in 0..n_mcus {
            if self.restart_interval > 0 && mcu > 0 && mcu % self.restart_interval == 0 {
                bits.restart(mcu / self.restart_interval - 1)?;
                for part in &mut parts {
                    part.prediction = 0;
                }
            }
            for part in &mut parts {
                for _ in 0..part.n_blocks {
                    part.walk_block(&mut bits)?;
                }
            }
        }
        bits.check_stray(end_of_scan(data, bits.at))?;
        Ok(bits.at)
    }

    /// How many blocks of 8×8 samples cover the image in a component with these sampling factors; with 1 and 1, how many
    /// MCUs of all components do.
    fn n_blocks(&self, horizontal: usize, vertical: usize) -> usize {
        let largest =
            |factor: fn(&Component) -> usize| self.components.iter().map(factor).max().unwrap_or(1);
        let across = (self.width * horizontal).div_ceil(8 * largest(|c| c.horizontal));
        let down = (self.height * vertical).div_ceil(8 * largest(|c| c.vertical));
        across * down
    }
}

/// Where the entropy-coded data that includes `at` ends: at the next marker that is no restart.
fn end_of_scan(data: &[u8], mut at: usize) -> usize {
    while let Some((marker, after)) = next_marker(data, at) {
        if !(FIRST_RESTART..=LAST_RESTART).contains(&marker) {
            return after - 2;
        }
        at = after;
    }
    data.len()
}

impl Part<'_> {
    fn walk_block(&mut self, bits: &mut Bits<'_>) -> Result<(), Flaw> {
        let impossible = Flaw::Corrupt("it has coefficients that no image has");
        let size = bits.decode(self.dc)?;
        if size > 11 {
            return Err(impossible);
        }
        let difference = bits.signed(size.into())?;
        self.prediction = self.prediction.saturating_add(difference);
        let dc = self.prediction.saturating_mul(self.dc_step);
        if !(-MAX_DC..=MAX_DC).contains(&dc) {
            return Err(impossible);
        }
        let mut place = 1;
        while place < 64 {
            let symbol = bits.decode(self.ac)?;
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if run != 15 {
                    break; // The rest is zero.
                }
                place += 16;
            } else {
                place += run + 1;
                bits.signed(size)?;
            }
            if place > 64 {
                return Err(Flaw::Corrupt("a block has more than 64 coefficients"));
            }
        }
        Ok(())
    }
}

/// The tables as a segment of their own.
#[rustfmt::skip]
const STANDARD_TABLES: [u8; 420] = [
    0xFF, 0xC4, 0x01, 0xA2, 0x00, 0x00, 0x01, 0x05, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x01, 0x00, 0x03, 0x01, 0x01, 0x01, 0x01,
    0x01, 0x01, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
    0x0A, 0x0B, 0x10, 0x00, 0x02, 0x01, 0x03, 0x03, 0x02, 0x04, 0x03, 0x05, 0x05, 0x04, 0x04, 0x00, 0x00, 0x01, 0x7D, 0x01,
    0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81,
    0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17,
    0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46,
    0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A,
    0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95,
    0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7,
    0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9,
    0xDA, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9,
    0xFA, 0x11, 0x00, 0x02, 0x01, 0x02, 0x04, 0x04, 0x03, 0x04, 0x07, 0x05, 0x04, 0x04, 0x00, 0x01, 0x02, 0x77, 0x00, 0x01,
    0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14,
    0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25,
    0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46,
    0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A,
    0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94,
    0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6,
    0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8,
    0xD9, 0xDA, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
