//! The headers of a frame and of a scan, and the tables between them.

use image::{ColorType, ImageFormat};

use super::{Flaw, Stop, huffman::Huffman};
use crate::{capture::limits, frame::Resolution};

/// Coefficients of a block.
pub(super) const N_COEFFICIENTS: usize = 64;

/// What the frame header says.
pub(super) struct Frame {
    pub(super) is_progressive: bool,
    /// Bits of a sample: 8 or 12.
    pub(super) precision: u8,
    /// MCUs of interleaved scans.
    pub(super) n_mcus: usize,
    pub(super) components: Vec<Component>,
}

pub(super) struct Component {
    id: u8,
    /// The number of its quantization table.
    pub(super) quantization: usize,
    /// Blocks of an interleaved MCU.
    pub(super) n_blocks_in_mcu: usize,
    /// Blocks of a scan of this component alone: those that hold any of its samples.
    pub(super) n_blocks: usize,
    /// The lowest bit that is known of each coefficient; `None` before its first scan.
    pub(super) known_from_bit: [Option<u8>; N_COEFFICIENTS],
    /// For each block, which coefficients are known to be nonzero; filled by scans of AC coefficients alone.
    pub(super) nonzero: Vec<u64>,
}

impl Component {
    pub(super) fn has_anything(&self) -> bool {
        self.known_from_bit[0].is_some()
    }

    pub(super) fn has_everything(&self) -> bool {
        self.known_from_bit.iter().all(|bit| *bit == Some(0))
    }
}

/// What a scan header says.
pub(super) struct Scan {
    pub(super) parts: Vec<Part>,
    /// First and last coefficient.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Whether it refines an earlier scan, and the lowest bit that it provides.
    pub(super) refines: bool,
    pub(super) low_bit: u8,
}

/// A component's part in a scan: its position in the frame, and the numbers of its tables.
pub(super) struct Part {
    pub(super) component: usize,
    pub(super) dc_table: usize,
    pub(super) ac_table: usize,
}

impl Frame {
    pub(super) fn parse(header: &[u8], is_progressive: bool) -> Result<Self, Stop> {
        let broken = Flaw::Damaged("its header is invalid");
        let [precision, h1, h0, w1, w0, n_components, rest @ ..] = header else {
            return Err(broken.into());
        };
        let [height, width] =
            [[*h1, *h0], [*w1, *w0]].map(|bytes| usize::from(u16::from_be_bytes(bytes)));
        let (entries, _) = rest.as_chunks::<3>();
        let entries = entries.get(..usize::from(*n_components)).ok_or(broken)?;
        let factors = |entry: &[u8; 3]| (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
        let is_possible = |entry: &[u8; 3]| {
            let (h, v) = factors(entry);
            (1..=4).contains(&h) && (1..=4).contains(&v)
        };
        if !entries.iter().all(is_possible) {
            return Err(broken.into());
        }
        let most =
            |of: fn((usize, usize)) -> usize| entries.iter().map(|entry| of(factors(entry))).max();
        let (across, down) = (most(|(h, _)| h), most(|(_, v)| v));
        let (Some(across), Some(down)) = (across, down) else {
            return Err(broken.into());
        };
        // A height of 0 is stated later, after the first scan.
        let size = Resolution::new(width as u32, height as u32);
        let is_judged = width > 0
            && height > 0
            && entries.len() <= 4
            && matches!(precision, 8 | 12)
            && limits::check_image(Some(ImageFormat::Jpeg), size, ColorType::Rgb8).is_ok();
        if !is_judged {
            return Err(Stop::NotJudged);
        }
        let component = |entry: &[u8; 3]| {
            let (h, v) = factors(entry);
            Component {
                id: entry[0],
                quantization: usize::from(entry[2] & 3),
                n_blocks_in_mcu: h * v,
                n_blocks: (width * h).div_ceil(8 * across) * (height * v).div_ceil(8 * down),
                known_from_bit: [None; N_COEFFICIENTS],
                nonzero: Vec::new(),
            }
        };
        Ok(Self {
            is_progressive,
            precision: *precision,
            n_mcus: width.div_ceil(8 * across) * height.div_ceil(8 * down),
            components: entries.iter().map(component).collect(),
        })
    }
}

impl Scan {
    pub(super) fn parse(header: &[u8], frame: &Frame) -> Result<Self, Flaw> {
        Self::parse_inner(header, frame).ok_or(Flaw::Damaged("the header of a scan is invalid"))
    }

    fn parse_inner(header: &[u8], frame: &Frame) -> Option<Self> {
        let (n_parts, rest) = header.split_first()?;
        let (entries, parameters) = rest.split_at_checked(2 * usize::from(*n_parts))?;
        let parts = entries.as_chunks::<2>().0.iter().map(|[id, tables]| {
            let component = frame.components.iter().position(|c| c.id == *id)?;
            let (dc_table, ac_table) = (usize::from(tables >> 4), usize::from(tables & 15));
            (dc_table < 4 && ac_table < 4).then_some(Part {
                component,
                dc_table,
                ac_table,
            })
        });
        let parts = parts.collect::<Option<Vec<_>>>()?;
        // Sequential scans hold everything, whatever some encoders write here.
        let (first, last, bits) = match (frame.is_progressive, parameters) {
            (false, _) => (0, N_COEFFICIENTS - 1, 0),
            (true, [first, last, bits, ..]) => (usize::from(*first), usize::from(*last), *bits),
            _ => return None,
        };
        let is_possible = first <= last
            && last < N_COEFFICIENTS
            && (1..=4).contains(&parts.len())
            && (!frame.is_progressive || first > 0 || last == 0)
            && (first == 0 || parts.len() == 1);
        is_possible.then_some(Self {
            parts,
            first,
            last,
            refines: bits >> 4 > 0,
            low_bit: bits & 15,
        })
    }
}

/// The tables for the next scan.
#[derive(Default)]
pub(super) struct Tables {
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    /// The first entry of each quantization table, for the DC coefficients.
    pub(super) dc_steps: [u16; 4],
}

impl Tables {
    pub(super) fn dc(&self, number: usize) -> Result<&Huffman, Flaw> {
        self.dc[number].as_ref().ok_or(MISSING_TABLE)
    }

    pub(super) fn ac(&self, number: usize) -> Result<&Huffman, Flaw> {
        self.ac[number].as_ref().ok_or(MISSING_TABLE)
    }

    pub(super) fn read_huffman(&mut self, mut segment: &[u8]) -> Result<(), Flaw> {
        let broken = Flaw::Damaged("a Huffman table is damaged");
        while let [class_and_number, rest @ ..] = segment {
            let (table, rest) = Huffman::parse(rest).ok_or(broken)?;
            let tables = match class_and_number >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(broken),
            };
            let number = usize::from(class_and_number & 15);
            *tables.get_mut(number).ok_or(broken)? = Some(table);
            segment = rest;
        }
        Ok(())
    }

    pub(super) fn read_quantization(&mut self, mut segment: &[u8]) {
        while let [precision_and_number, rest @ ..] = segment {
            let (first, n_bytes) = match (precision_and_number >> 4, rest) {
                (0, [step, ..]) => (u16::from(*step), N_COEFFICIENTS),
                (_, [high, low, ..]) => (u16::from_be_bytes([*high, *low]), 2 * N_COEFFICIENTS),
                _ => return,
            };
            self.dc_steps[usize::from(precision_and_number & 3)] = first;
            segment = rest.get(n_bytes..).unwrap_or_default();
        }
    }
}

const MISSING_TABLE: Flaw = Flaw::Damaged("a Huffman table is missing");
