//! Whether all the image data of a JPEG is there.
//!
//! The decoder is lenient: where data ends early it fills the rest with grey and says nothing. A missing end marker
//! alone proves nothing (some cameras leave it out), and one that is there proves nothing either (tools that repair
//! files append one). So the data is walked through as a decoder would, without computing any pixel, and what counts is
//! whether every block has its code words: baseline, extended and progressive Huffman coding after ITU-T T.81.
//! Other coding processes are rare and left to the decoder.

use super::huffman::{Bits, Problem, Table};

/// A hostile file may hold thousands of scans, each of which costs a walk over all blocks. Encoders write about ten.
const MAX_SCANS: usize = 256;

/// Coefficients of a block.
const N_COEFFICIENTS: usize = 64;

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
/// file may lack the marker, and the data of its very last block.
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

/// What the frame header says.
struct Frame {
    is_progressive: bool,
    /// MCUs of interleaved scans.
    mcus: (usize, usize),
    components: Vec<Component>,
}

struct Component {
    id: u8,
    /// Blocks of an interleaved MCU.
    n_blocks_in_mcu: usize,
    /// Blocks of a scan of this component alone: those that hold any of its samples.
    blocks: (usize, usize),
    /// The lowest bit that is known of each coefficient; `None` before its first scan.
    known_from_bit: [Option<u8>; N_COEFFICIENTS],
    /// For each block which coefficients are known not to be zero; filled by scans of AC coefficients alone.
    nonzero: Vec<u64>,
}

/// What a scan header says.
struct Scan {
    /// Positions in the frame's components, with the numbers of their DC and AC tables.
    components: Vec<(usize, usize, usize)>,
    /// First and last coefficient.
    first: usize,
    last: usize,
    /// Whether it refines what an earlier scan began, and the lowest bit that it gives.
    refines: bool,
    low_bit: u8,
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
                        with_dc(&mut bits, tables, &scan, &frame, alone.is_some())?
                    }
                };
                mcu += 1;
                match walked {
                    Ok(()) => {}
                    // The last block, padded by some encoders with less than it needs, is hardly worth a word.
                    Err(Problem::Exhausted) if mcu == n_mcus => {}
                    Err(Problem::Exhausted) => return Err(Fault::Cut.into()),
                    Err(Problem::NoCode) => return Err(Fault::Damaged.into()),
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

/// One MCU of a scan with DC coefficients. The outer error is for what is not judged.
fn with_dc(
    bits: &mut Bits<'_>,
    (dc_tables, ac_tables): (&[Option<Table>; 4], &[Option<Table>; 4]),
    scan: &Scan,
    frame: &Frame,
    is_alone: bool,
) -> Result<Result<(), Problem>, Stop> {
    for &(component, dc, ac) in &scan.components {
        let n_blocks = match is_alone {
            true => 1,
            false => frame.components[component].n_blocks_in_mcu,
        };
        for _ in 0..n_blocks {
            let walked = if scan.refines {
                bits.skip(1)
            } else {
                let dc = dc_tables[dc].as_ref().ok_or(Stop::Unknown)?;
                let difference = bits.symbol(dc).and_then(|length| bits.skip(length & 15));
                match difference {
                    Ok(()) if frame.is_progressive => Ok(()),
                    Ok(()) => {
                        let ac = ac_tables[ac].as_ref().ok_or(Stop::Unknown)?;
                        sequential_ac(bits, ac)
                    }
                    Err(problem) => Err(problem),
                }
            };
            if walked.is_err() {
                return Ok(walked);
            }
        }
    }
    Ok(Ok(()))
}

/// The AC coefficients of a block in baseline and extended coding.
fn sequential_ac(bits: &mut Bits<'_>, table: &Table) -> Result<(), Problem> {
    let mut k = 1;
    while k < N_COEFFICIENTS {
        let symbol = bits.symbol(table)?;
        match (usize::from(symbol >> 4), symbol & 15) {
            (15, 0) => k += 16,
            (_, 0) => break,
            (zeros, length) => {
                bits.skip(length)?;
                k += zeros + 1;
            }
        }
    }
    Ok(())
}

/// The number of blocks that hold nothing more, this one included, after the symbol `run` << 4.
fn eob_run_of(bits: &mut Bits<'_>, run: usize) -> Result<usize, Problem> {
    Ok((1 << run) + bits.take(run as u8)?)
}

/// The first scan over some AC coefficients of a block.
fn begin(
    bits: &mut Bits<'_>,
    table: &Table,
    scan: &Scan,
    nonzero: &mut u64,
    eob_run: &mut usize,
) -> Result<(), Problem> {
    let mut k = scan.first;
    while k <= scan.last {
        let symbol = bits.symbol(table)?;
        match (usize::from(symbol >> 4), symbol & 15) {
            (15, 0) => k += 16,
            (run, 0) => {
                *eob_run = eob_run_of(bits, run)? - 1;
                break;
            }
            (zeros, length) => {
                bits.skip(length)?;
                k += zeros;
                if k < N_COEFFICIENTS {
                    *nonzero |= 1 << k;
                }
                k += 1;
            }
        }
    }
    Ok(())
}

/// A later scan over some AC coefficients of a block: one bit more of those that are not zero, and new ones between.
fn refine(
    bits: &mut Bits<'_>,
    table: &Table,
    scan: &Scan,
    nonzero: &mut u64,
    eob_run: &mut usize,
) -> Result<(), Problem> {
    let mut k = scan.first;
    if *eob_run == 0 {
        while k <= scan.last {
            let symbol = bits.symbol(table)?;
            let (mut zeros, is_new) = (usize::from(symbol >> 4), symbol & 15 != 0);
            if is_new {
                bits.skip(1)?; // Its sign.
            } else if zeros < 15 {
                *eob_run = eob_run_of(bits, zeros)?;
                break;
            }
            while k <= scan.last {
                if *nonzero & (1 << k) != 0 {
                    bits.skip(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
            if is_new && k <= scan.last {
                *nonzero |= 1 << k;
            }
            k += 1;
        }
    }
    if *eob_run > 0 {
        *eob_run -= 1;
        if k <= scan.last {
            let range = (u64::MAX >> (63 - scan.last)) & (u64::MAX << k);
            for _ in 0..(*nonzero & range).count_ones() {
                bits.skip(1)?;
            }
        }
    }
    Ok(())
}

impl Frame {
    /// `None` for what no decoder takes.
    fn parse(header: &[u8], is_progressive: bool) -> Option<Self> {
        let [_precision, h1, h0, w1, w0, n_components, rest @ ..] = header else {
            return None;
        };
        let [height, width] =
            [[*h1, *h0], [*w1, *w0]].map(|bytes| usize::from(u16::from_be_bytes(bytes)));
        let (entries, _) = rest.as_chunks::<3>();
        let entries = entries.get(..usize::from(*n_components))?;
        let factors = |entry: &[u8; 3]| (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
        let most =
            |of: fn((usize, usize)) -> usize| entries.iter().map(|entry| of(factors(entry))).max();
        let (across, down) = (most(|(h, _)| h)?, most(|(_, v)| v)?);
        let is_possible = |entry: &[u8; 3]| {
            let (h, v) = factors(entry);
            (1..=4).contains(&h) && (1..=4).contains(&v)
        };
        if width == 0 || height == 0 || entries.len() > 4 || !entries.iter().all(is_possible) {
            return None;
        }
        let component = |entry: &[u8; 3]| {
            let (h, v) = factors(entry);
            Component {
                id: entry[0],
                n_blocks_in_mcu: h * v,
                blocks: (
                    (width * h).div_ceil(across).div_ceil(8),
                    (height * v).div_ceil(down).div_ceil(8),
                ),
                known_from_bit: [None; N_COEFFICIENTS],
                nonzero: Vec::new(),
            }
        };
        Some(Self {
            is_progressive,
            mcus: (width.div_ceil(8 * across), height.div_ceil(8 * down)),
            components: entries.iter().map(component).collect(),
        })
    }
}

impl Scan {
    /// `None` for what no decoder takes.
    fn parse(header: &[u8], frame: &Frame) -> Option<Self> {
        let (n_components, rest) = header.split_first()?;
        let n_components = usize::from(*n_components);
        let (entries, parameters) = rest.split_at_checked(2 * n_components)?;
        let components = entries.as_chunks::<2>().0.iter().map(|[id, tables]| {
            let position = frame
                .components
                .iter()
                .position(|component| component.id == *id)?;
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            (dc < 4 && ac < 4).then_some((position, dc, ac))
        });
        let components = components.collect::<Option<Vec<_>>>()?;
        let [first, last, bits, ..] = *parameters else {
            return None;
        };
        // Sequential scans hold everything, whatever some encoders write there.
        let (first, last, bits) = match frame.is_progressive {
            true => (usize::from(first), usize::from(last), bits),
            false => (0, N_COEFFICIENTS - 1, 0),
        };
        let is_possible = first <= last
            && last < N_COEFFICIENTS
            && (1..=4).contains(&components.len())
            && (!frame.is_progressive || first > 0 || last == 0)
            && (first == 0 || components.len() == 1);
        is_possible.then_some(Self {
            components,
            first,
            last,
            refines: bits >> 4 > 0,
            low_bit: bits & 15,
        })
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    use super::*;

    const SIZE: (u16, u16) = (75, 53);

    /// Noise upon a ramp, so that every block has code words of many kinds.
    fn encode(set_up: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
        let (width, height) = SIZE;
        let pixels: Vec<u8> = (0..u32::from(width) * u32::from(height) * 3)
            .map(|i| (i / 60).wrapping_add(i.wrapping_mul(2_654_435_761) >> 27) as u8)
            .collect();
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, 90);
        set_up(&mut encoder);
        encoder
            .encode(&pixels, width, height, ColorType::Rgb)
            .unwrap();
        jpeg
    }

    fn kinds() -> Vec<(&'static str, Vec<u8>)> {
        vec![
            (
                "4:4:4",
                encode(|encoder| encoder.set_sampling_factor(SamplingFactor::R_4_4_4)),
            ),
            (
                "4:2:0",
                encode(|encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_0)),
            ),
            (
                "4:2:2",
                encode(|encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_2)),
            ),
            (
                "own tables",
                encode(|encoder| encoder.set_optimized_huffman_tables(true)),
            ),
            (
                "restarts",
                encode(|encoder| encoder.set_restart_interval(3)),
            ),
            (
                "progressive",
                encode(|encoder| {
                    encoder.set_progressive(true);
                    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
                }),
            ),
            (
                "progressive with restarts",
                encode(|encoder| {
                    encoder.set_progressive(true);
                    encoder.set_restart_interval(4);
                }),
            ),
        ]
    }

    fn pixels(jpeg: &[u8]) -> Option<Vec<u8>> {
        let picture = image::load_from_memory(jpeg).ok()?;
        Some(picture.into_rgb8().into_raw())
    }

    #[test]
    fn whole_files_pass_with_or_without_their_end() {
        for (kind, jpeg) in kinds() {
            assert_eq!(check(&jpeg), Ok(()), "{kind}");
            assert_eq!(
                check(&jpeg[..jpeg.len() - 2]),
                Ok(()),
                "{kind} without its end"
            );
            let with_more = [&jpeg[..], b"\xFF\xD8\xFF\xE1 a second picture"].concat();
            assert_eq!(check(&with_more), Ok(()), "{kind} and more");
            let with_zeros = [&jpeg[..jpeg.len() - 2], &[0; 999]].concat();
            assert_eq!(
                check(&with_zeros),
                Ok(()),
                "{kind}, zeros in place of its end"
            );
        }
    }

    /// Whatever passes looks like the whole, but for the last block; and nearly every cut is told.
    #[test]
    fn every_cut_that_can_be_seen_is_told() {
        for (kind, jpeg) in kinds() {
            let whole = pixels(&jpeg).unwrap();
            let near_the_end = jpeg.len() - 60;
            for length in (2..near_the_end)
                .step_by(11)
                .chain(near_the_end..jpeg.len())
            {
                let cut = &jpeg[..length];
                let place = format!("{kind}, {length} of {} bytes", jpeg.len());
                if length < jpeg.len() - 40 {
                    assert!(check(cut).is_err(), "{place}");
                }
                // A progressive file may end after any scan, if it says so.
                let with_end = [cut, b"\xFF\xD9"].concat();
                let cuts = [
                    cut,
                    if kind.starts_with("prog") {
                        cut
                    } else {
                        &with_end
                    },
                ];
                for cut in cuts.into_iter().filter(|cut| check(cut).is_ok()) {
                    let found = pixels(cut).unwrap_or_default();
                    let n_other = found.iter().zip(&whole).filter(|(a, b)| a != b).count();
                    assert!(n_other <= 20 * 20 * 3, "{place}: {n_other} values differ");
                }
            }
        }
    }

    #[test]
    fn a_hole_in_the_middle_is_told() {
        let sequential = |(kind, _): &(&str, Vec<u8>)| !kind.starts_with("prog");
        for (kind, jpeg) in kinds().into_iter().filter(sequential) {
            let middle = jpeg.len() / 2;
            let with_hole = [&jpeg[..middle], &jpeg[middle + jpeg.len() / 4..]].concat();
            assert!(check(&with_hole).is_err(), "{kind}");
        }
    }

    #[test]
    fn what_is_no_jpeg_of_these_kinds_is_left_to_the_decoder() {
        let (_, jpeg) = &kinds()[0];
        let at = jpeg
            .windows(2)
            .position(|bytes| bytes == [0xFF, 0xC0])
            .unwrap();
        let mut arithmetic = jpeg.clone();
        arithmetic[at + 1] = 0xC9;
        assert_eq!(check(&arithmetic[..jpeg.len() / 2]), Ok(()));
        assert_eq!(check(b""), Err(Fault::Cut));
        assert_eq!(
            check(b"\xFF\xD8\xFF\xD9"),
            Ok(()),
            "the decoder says that there is nothing"
        );
    }

    #[test]
    fn no_change_of_a_byte_makes_it_fail() {
        for (_, jpeg) in kinds() {
            for at in (0..jpeg.len()).step_by(3) {
                for value in [0x00, 0x7F, 0xFF, jpeg[at] ^ 0x10] {
                    let mut changed = jpeg.clone();
                    changed[at] = value;
                    check(&changed).ok();
                }
            }
        }
    }
}
