//! Whether all the image data of a JPEG is there.
//!
//! The decoder is lenient: where data ends early it fills the rest with grey and says nothing. A missing end marker
//! alone proves nothing (some cameras leave it out), and one that is there proves nothing either (tools that repair
//! files append one). So the data is walked through as a decoder would, without computing any pixel, and what counts is
//! whether every block has its code words: baseline, extended and progressive Huffman coding after ITU-T T.81.
//! Other coding processes are rare and left to the decoder.

mod blocks;
mod headers;
mod huffman;

use self::{
    blocks::{begin, refine, with_dc},
    headers::{Component, Frame, Scan},
    huffman::{Bits, Problem, Table},
};

/// A hostile file may hold thousands of scans, each of which costs a walk over all blocks. Encoders write about ten.
const MAX_SCANS: usize = 256;

/// What is wrong with the image data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It ends early.
    Cut,
    /// It makes no sense.
    Damaged,
}

/// Walks through all scans of a JPEG file.
///
/// What cannot be judged passes: the decoder has the last word on it. What follows the end marker plays no part, and a
/// file may lack the marker, and in the usual single scan the data of the very last block.
pub(super) fn check(data: &[u8]) -> Result<(), Fault> {
    match Walk::new(data).run() {
        Ok(()) | Err(Stop::Unknown) => Ok(()),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// Why the walk ends early.
enum Stop {
    Fault(Fault),
    /// It is nothing that is judged here.
    Unknown,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Walk<'a> {
    data: &'a [u8],
    at: usize,
    dc_tables: [Option<Table>; 4],
    ac_tables: [Option<Table>; 4],
    /// MCUs from one restart marker to the next; 0 for none.
    restart_interval: usize,
    frame: Option<Frame>,
    n_scans: usize,
}

impl<'a> Walk<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            dc_tables: Default::default(),
            ac_tables: Default::default(),
            restart_interval: 0,
            frame: None,
            n_scans: 0,
        }
    }

    fn run(mut self) -> Result<(), Stop> {
        loop {
            let Some(marker) = self.next_marker() else {
                return self.judge_without_end();
            };
            match marker {
                0xD9 => return self.judge_at_end(),
                // Start of the image, restart markers out of place and TEM: markers without a segment.
                0xD8 | 0xD0..=0xD7 | 0x01 => continue,
                _ => {}
            }
            let Some(segment) = self.segment() else {
                return self.judge_without_end();
            };
            match marker {
                0xC0..=0xC2 if self.frame.is_none() => {
                    self.frame = Some(Frame::parse(segment, marker == 0xC2).ok_or(Stop::Unknown)?);
                }
                0xC4 => self.add_tables(segment)?,
                // Arithmetic, lossless and hierarchical coding, a second frame, and a height that comes later.
                0xC0..=0xCF | 0xDC => return Err(Stop::Unknown),
                0xDD => {
                    let interval = segment.first_chunk().ok_or(Stop::Unknown)?;
                    self.restart_interval = u16::from_be_bytes(*interval).into();
                }
                0xDA => self.scan(segment)?,
                _ => {}
            }
        }
    }

    /// The end marker was found.
    fn judge_at_end(&self) -> Result<(), Stop> {
        let frame = self.frame.as_ref().ok_or(Stop::Unknown)?;
        let has_nothing = |component: &Component| component.known_from_bit[0].is_none();
        if frame.components.iter().any(has_nothing) {
            return Err(Fault::Cut.into());
        }
        Ok(())
    }

    /// The file ends without an end marker: nothing more is promised, so everything must have been there.
    fn judge_without_end(&self) -> Result<(), Stop> {
        let Some(frame) = &self.frame else {
            return Err(Fault::Cut.into());
        };
        let is_complete = |component: &Component| match frame.is_progressive {
            false => component.known_from_bit[0].is_some(),
            true => component.known_from_bit.iter().all(|bit| *bit == Some(0)),
        };
        if frame.components.iter().all(is_complete) {
            Ok(())
        } else {
            Err(Fault::Cut.into())
        }
    }

    /// Goes behind the next marker and returns its code. Bytes before it are passed over, as decoders do.
    fn next_marker(&mut self) -> Option<u8> {
        loop {
            let rest = self.data.get(self.at..)?;
            self.at += rest.iter().position(|byte| *byte == 0xFF)? + 1;
            match *self.data.get(self.at)? {
                0xFF => {} // A fill byte; what follows may be the code.
                0x00 => self.at += 1,
                code => {
                    self.at += 1;
                    return Some(code);
                }
            }
        }
    }

    /// The content of the segment that begins here, and goes behind it; `None` if the file ends in it.
    fn segment(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(*self.data.get(self.at..)?.first_chunk()?);
        let end = self.at + usize::from(length).max(2);
        let segment = self.data.get(self.at + 2..end)?;
        self.at = end;
        Some(segment)
    }

    fn add_tables(&mut self, mut segment: &[u8]) -> Result<(), Stop> {
        while let [place, rest @ ..] = segment {
            let (table, rest) = Table::parse(rest).ok_or(Stop::Unknown)?;
            let tables = match place >> 4 {
                0 => &mut self.dc_tables,
                1 => &mut self.ac_tables,
                _ => return Err(Stop::Unknown),
            };
            let number = usize::from(place & 15);
            *tables.get_mut(number).ok_or(Stop::Unknown)? = Some(table);
            segment = rest;
        }
        Ok(())
    }

    fn scan(&mut self, header: &[u8]) -> Result<(), Stop> {
        self.n_scans += 1;
        if self.n_scans > MAX_SCANS {
            return Err(Stop::Unknown);
        }
        // Taken out for the time of the scan; it is not missed if the walk ends in here.
        let mut frame = self.frame.take().ok_or(Stop::Unknown)?;
        let scan = Scan::parse(header, &frame).ok_or(Stop::Unknown)?;
        let alone = match scan.components[..] {
            [(component, ..)] => Some(component),
            _ => None,
        };
        let (columns, rows) =
            alone.map_or(frame.mcus, |component| frame.components[component].blocks);
        let n_mcus = columns * rows;
        let is_everything =
            !frame.is_progressive && scan.components.len() == frame.components.len();
        let mut bits = Bits::new(&self.data[self.at..]);
        let mut eob_run = 0;
        let mut mcu = 0;
        while mcu < n_mcus {
            let interval_end = match self.restart_interval {
                0 => n_mcus,
                interval => n_mcus.min(mcu + interval),
            };
            while mcu < interval_end {
                let walked = match alone {
                    Some(component) if scan.first > 0 => {
                        let table = self.ac_tables[scan.components[0].2].as_ref();
                        let table = table.ok_or(Stop::Unknown)?;
                        let nonzero = &mut frame.components[component].nonzero;
                        nonzero.resize(n_mcus, 0);
                        if scan.refines {
                            refine(&mut bits, table, &scan, &mut nonzero[mcu], &mut eob_run)
                        } else if eob_run > 0 {
                            // Blocks without anything need not be looked at one by one.
                            let n_skipped = eob_run.min(interval_end - mcu);
                            eob_run -= n_skipped;
                            mcu += n_skipped - 1;
                            Ok(())
                        } else {
                            begin(&mut bits, table, &scan, &mut nonzero[mcu], &mut eob_run)
                        }
                    }
                    _ => {
                        let tables = (&self.dc_tables, &self.ac_tables);
                        with_dc(&mut bits, tables, &scan, &frame)
                    }
                };
                mcu += 1;
                match walked {
                    Ok(()) => {}
                    // The last block alone is hardly worth a word; but of several scans the decoder shows none then.
                    Err(Problem::Exhausted) if mcu == n_mcus && is_everything => {}
                    Err(Problem::Exhausted) => return Err(Fault::Cut.into()),
                    Err(Problem::NoCode) => return Err(Fault::Damaged.into()),
                    Err(Problem::NoTable) => return Err(Stop::Unknown),
                }
            }
            self.at += bits.position();
            eob_run = 0;
            if mcu < n_mcus {
                match self.next_marker() {
                    Some(0xD0..=0xD7) => bits = Bits::new(&self.data[self.at..]),
                    _ => return Err(Fault::Cut.into()),
                }
            }
        }
        for (component, ..) in scan.components {
            let known = &mut frame.components[component].known_from_bit;
            known[scan.first..=scan.last].fill(Some(scan.low_bit));
        }
        self.frame = Some(frame);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
