//! The code words of blocks, read and forgotten.

use super::{
    headers::{Frame, N_COEFFICIENTS, Scan},
    huffman::{Bits, Problem, Table},
};

/// One MCU of a scan with DC coefficients; of a scan of one component alone, that is one block.
pub(super) fn with_dc(
    bits: &mut Bits<'_>,
    (dc_tables, ac_tables): (&[Option<Table>; 4], &[Option<Table>; 4]),
    scan: &Scan,
    frame: &Frame,
) -> Result<(), Problem> {
    for &(component, dc, ac) in &scan.components {
        let n_blocks = match scan.components.len() {
            1 => 1,
            _ => frame.components[component].n_blocks_in_mcu,
        };
        for _ in 0..n_blocks {
            if scan.refines {
                bits.skip(1)?;
                continue;
            }
            let length = bits.symbol(dc_tables[dc].as_ref().ok_or(Problem::NoTable)?)?;
            bits.skip(length & 15)?;
            if !frame.is_progressive {
                sequential_ac(bits, ac_tables[ac].as_ref().ok_or(Problem::NoTable)?)?;
            }
        }
    }
    Ok(())
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
pub(super) fn begin(
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
pub(super) fn refine(
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
