//! Reads the code words of a scan's blocks, and keeps nothing.

use super::{
    Flaw,
    headers::{Frame, N_COEFFICIENTS, Scan, Tables},
    huffman::{Bits, Huffman},
    markers::end_of_scan,
};

/// Walks through the scan whose entropy-coded data begins at `at` in `data`; returns where it ends.
pub(super) fn walk_scan(
    scan: &Scan,
    frame: &mut Frame,
    tables: &Tables,
    restart_interval: usize,
    (data, at): (&[u8], usize),
) -> Result<usize, Flaw> {
    // The last MCU alone does not matter; but with several scans the decoder then shows none.
    let may_lack_last_mcu = !frame.is_progressive && scan.parts.len() == frame.components.len();
    let n_mcus = match &scan.parts[..] {
        [only] => frame.components[only.component].n_blocks,
        _ => frame.n_mcus,
    };
    let mut coding = Coding::new(scan, frame, tables)?;
    let mut bits = Bits::new(data, at);
    for mcu in 0..n_mcus {
        if restart_interval > 0 && mcu > 0 && mcu % restart_interval == 0 {
            bits.restart(mcu / restart_interval - 1)?;
            coding.restart();
        }
        match coding.walk_mcu(&mut bits, mcu) {
            Err(Flaw::Cut) if may_lack_last_mcu && mcu + 1 == n_mcus => {}
            walked => walked?,
        }
    }
    let end = end_of_scan(data, bits.at);
    bits.check_stray(end)?;
    Ok(end)
}

/// What the blocks of a scan consist of.
enum Coding<'a> {
    /// DC coefficients, and all others too if the coding is sequential.
    Dc(Vec<DcPart<'a>>),
    /// One more bit of the DC coefficients of each block in an MCU.
    DcBit { n_blocks: usize },
    /// AC coefficients of a progressive image; an MCU is one block.
    Ac(AcBand<'a>),
}

impl<'a> Coding<'a> {
    fn new(scan: &Scan, frame: &'a mut Frame, tables: &'a Tables) -> Result<Self, Flaw> {
        if let ([only], true) = (&scan.parts[..], scan.first > 0) {
            let component = &mut frame.components[only.component];
            component.nonzero.resize(component.n_blocks, 0);
            return Ok(Self::Ac(AcBand {
                table: tables.ac(only.ac_table)?,
                first: scan.first,
                last: scan.last,
                refines: scan.refines,
                nonzero: &mut component.nonzero,
                eob_run: 0,
            }));
        }
        let n_blocks = |component: usize| match scan.parts.len() {
            1 => 1,
            _ => frame.components[component].n_blocks_in_mcu,
        };
        if scan.refines {
            let n_blocks = scan.parts.iter().map(|part| n_blocks(part.component)).sum();
            return Ok(Self::DcBit { n_blocks });
        }
        let parts = scan.parts.iter().map(|part| {
            let quantization = frame.components[part.component].quantization;
            Ok(DcPart {
                n_blocks: n_blocks(part.component),
                dc: tables.dc(part.dc_table)?,
                ac: match frame.is_progressive {
                    false => Some(tables.ac(part.ac_table)?),
                    true => None,
                },
                step: i64::from(tables.dc_steps[quantization]) << scan.low_bit,
                max_size: frame.precision + 3,
                max: 8 << frame.precision,
                prediction: 0,
            })
        });
        Ok(Self::Dc(parts.collect::<Result<_, Flaw>>()?))
    }

    /// Forgets what does not reach across a restart marker.
    fn restart(&mut self) {
        match self {
            Self::Dc(parts) => parts.iter_mut().for_each(|part| part.prediction = 0),
            Self::DcBit { .. } => {}
            Self::Ac(band) => band.eob_run = 0,
        }
    }

    fn walk_mcu(&mut self, bits: &mut Bits<'_>, mcu: usize) -> Result<(), Flaw> {
        match self {
            Self::Dc(parts) => {
                for part in parts {
                    for _ in 0..part.n_blocks {
                        part.walk_block(bits)?;
                    }
                }
                Ok(())
            }
            Self::DcBit { n_blocks } => (0..*n_blocks).try_for_each(|_| bits.skip(1)),
            Self::Ac(band) if band.refines => band.refine(bits, mcu),
            Self::Ac(band) => band.begin(bits, mcu),
        }
    }
}

const IMPOSSIBLE: Flaw = Flaw::Damaged("it has coefficients that no image has");
const TOO_MANY: Flaw = Flaw::Damaged("a block has too many coefficients");

/// A component's part in a scan with DC coefficients.
struct DcPart<'a> {
    n_blocks: usize,
    dc: &'a Huffman,
    /// `None` if the AC coefficients have scans of their own.
    ac: Option<&'a Huffman>,
    /// What a DC coefficient is multiplied by.
    step: i64,
    /// Bits of the largest difference.
    max_size: u8,
    /// Damaged data runs away. In 8-bit images the DC coefficient is within ±1024 (T.81, A.3.3); this is twice as much,
    /// for encoders that overshoot.
    max: i64,
    /// The DC coefficient of the block before, from which the next one differs.
    prediction: i64,
}

impl DcPart<'_> {
    fn walk_block(&mut self, bits: &mut Bits<'_>) -> Result<(), Flaw> {
        let size = bits.symbol(self.dc)?;
        if size > self.max_size {
            return Err(IMPOSSIBLE);
        }
        self.prediction += bits.signed(size)?;
        if (self.prediction * self.step).abs() > self.max {
            return Err(IMPOSSIBLE);
        }
        let Some(ac) = self.ac else {
            return Ok(());
        };
        let mut k = 1;
        while k < N_COEFFICIENTS {
            match bits.symbol_and_value(ac)? {
                (15, 0) => k += 16,
                (_, 0) => break,
                (zeros, _) => k += usize::from(zeros) + 1,
            }
            if k > N_COEFFICIENTS {
                return Err(TOO_MANY);
            }
        }
        Ok(())
    }
}

/// A progressive scan of some AC coefficients.
struct AcBand<'a> {
    table: &'a Huffman,
    first: usize,
    last: usize,
    refines: bool,
    nonzero: &'a mut [u64],
    /// How many of the next blocks hold nothing more.
    eob_run: usize,
}

impl AcBand<'_> {
    /// A block in the first scan over these coefficients.
    fn begin(&mut self, bits: &mut Bits<'_>, block: usize) -> Result<(), Flaw> {
        if self.eob_run > 0 {
            self.eob_run -= 1;
            return Ok(());
        }
        let mut k = self.first;
        while k <= self.last {
            match bits.symbol_and_value(self.table)? {
                (15, 0) => k += 16,
                (run, 0) => {
                    self.eob_run = (1 << run) + bits.take(run)? - 1;
                    break;
                }
                (zeros, _) => {
                    k += usize::from(zeros) + 1;
                    if k > self.last + 1 {
                        return Err(TOO_MANY);
                    }
                    self.nonzero[block] |= 1 << (k - 1);
                }
            }
        }
        Ok(())
    }

    /// A block in a later scan: one more bit of the nonzero coefficients, and new ones between them.
    fn refine(&mut self, bits: &mut Bits<'_>, block: usize) -> Result<(), Flaw> {
        let nonzero = &mut self.nonzero[block];
        let mut k = self.first;
        if self.eob_run == 0 {
            while k <= self.last {
                // A new coefficient has one bit, its sign.
                let (mut zeros, size) = bits.symbol_and_value(self.table)?;
                if size == 0 && zeros < 15 {
                    self.eob_run = (1 << zeros) + bits.take(zeros)?;
                    break;
                }
                while k <= self.last {
                    if *nonzero & (1 << k) != 0 {
                        bits.skip(1)?;
                    } else if zeros == 0 {
                        break;
                    } else {
                        zeros -= 1;
                    }
                    k += 1;
                }
                if size > 1 {
                    return Err(IMPOSSIBLE);
                }
                if size == 1 {
                    if k > self.last {
                        return Err(TOO_MANY);
                    }
                    *nonzero |= 1 << k;
                }
                k += 1;
            }
        }
        if self.eob_run > 0 {
            self.eob_run -= 1;
            if k <= self.last {
                let range = (u64::MAX >> (63 - self.last)) & (u64::MAX << k);
                for _ in 0..(*nonzero & range).count_ones() {
                    bits.skip(1)?;
                }
            }
        }
        Ok(())
    }
}
