//! The headers of a frame and of a scan.

use crate::capture::still::MAX_PIXELS;

/// Coefficients of a block.
pub(super) const N_COEFFICIENTS: usize = 64;

/// What the frame header says.
pub(super) struct Frame {
    pub(super) is_progressive: bool,
    /// MCUs of interleaved scans.
    pub(super) mcus: (usize, usize),
    pub(super) components: Vec<Component>,
}

pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks of an interleaved MCU.
    pub(super) n_blocks_in_mcu: usize,
    /// Blocks of a scan of this component alone: those that hold any of its samples.
    pub(super) blocks: (usize, usize),
    /// The lowest bit that is known of each coefficient; `None` before its first scan.
    pub(super) known_from_bit: [Option<u8>; N_COEFFICIENTS],
    /// For each block which coefficients are known not to be zero; filled by scans of AC coefficients alone.
    pub(super) nonzero: Vec<u64>,
}

/// What a scan header says.
pub(super) struct Scan {
    /// Positions in the frame's components, with the numbers of their DC and AC tables.
    pub(super) components: Vec<(usize, usize, usize)>,
    /// First and last coefficient.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Whether it refines what an earlier scan began, and the lowest bit that it gives.
    pub(super) refines: bool,
    pub(super) low_bit: u8,
}

impl Frame {
    /// `None` for what no decoder takes, and for sizes that are refused anyway.
    pub(super) fn parse(header: &[u8], is_progressive: bool) -> Option<Self> {
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
        let has_size = width > 0 && height > 0 && width * height <= MAX_PIXELS;
        if !has_size || entries.len() > 4 || !entries.iter().all(is_possible) {
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
    pub(super) fn parse(header: &[u8], frame: &Frame) -> Option<Self> {
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
