//! HEIF files (HEIC, AVIF): where the coded picture is in them, and how to show it.
//!
//! Versions of ffmpeg before 7.1 do not open HEIC at all, and later ones return one of the many tiles that make up a
//! phone's picture. So the container (ISO/IEC 23008-12) is read here, and ffmpeg gets only a plain stream of HEVC or AV1
//! pictures, which all of its versions decode: one for the whole, or one for each tile of a grid.
//! Auxiliary pictures (depth, transparency, thumbnails) are ignored.

mod boxes;
mod stream;

use image::{ColorType, metadata::Orientation};

use self::{
    boxes::{Numbers, boxes},
    stream::{annex_b, ivf},
};
use super::StillError;
use crate::{capture::limits, frame::Resolution};

/// The codec of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Hevc,
    Av1,
}

impl Codec {
    /// The common name of such files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hevc => "HEIC",
            Self::Av1 => "AVIF",
        }
    }
}

/// A coded picture, in one piece or in tiles.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) codec: Codec,
    /// HEVC in the byte stream format of its Annex B, or AV1 in an IVF file: a picture for each tile, row by row.
    pub(super) stream: Vec<u8>,
    pub(super) tile: Resolution,
    pub(super) n_columns: u32,
    pub(super) n_rows: u32,
    /// The size of the whole, before any turn; tiles may extend beyond it.
    pub(super) size: Resolution,
    turns: Vec<Turn>,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// Counterclockwise, in quarter turns.
    Rotation(u8),
    /// Swaps left and right, or else top and bottom.
    Mirror { left_right: bool },
}

/// Brands of files with a still picture.
const BRANDS: [&[u8; 4]; 8] = [
    b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"msf1", b"avif",
];

/// Tiles of a grid; no camera writes nearly as many.
const MAX_TILES: u32 = 1 << 12;

/// Whether these are the first bytes of a HEIF file.
pub(in crate::capture) fn is_heif(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"ftyp")
        && bytes
            .get(8..12)
            .is_some_and(|brand| BRANDS.iter().any(|known| known.as_slice() == brand))
}

/// Finds the primary picture.
pub(super) fn parse(bytes: &[u8]) -> Result<Coded, StillError> {
    let meta = boxes(bytes)
        .find(|(name, _)| *name == b"meta")
        .and_then(|(_, content)| content.get(4..))
        .ok_or(StillError::Cut)?;
    let file = HeifFile { bytes, meta };
    let primary = file.primary().ok_or_else(damaged)?;
    match &file.kind(primary).ok_or_else(damaged)? {
        b"hvc1" => file.coded(Codec::Hevc, &[primary], primary, None),
        b"av01" => file.coded(Codec::Av1, &[primary], primary, None),
        b"grid" => {
            let layout = file.content(primary)?;
            let grid = Grid::parse(&layout).ok_or_else(damaged)?;
            let tiles = file.tiles(primary).ok_or_else(damaged)?;
            let first = tiles.first().ok_or_else(damaged)?;
            match &file.kind(*first).ok_or_else(damaged)? {
                b"hvc1" => file.coded(Codec::Hevc, &tiles, primary, Some(grid)),
                b"av01" => file.coded(Codec::Av1, &tiles, primary, Some(grid)),
                other => Err(unsupported(other)),
            }
        }
        other => Err(unsupported(other)),
    }
}

fn damaged() -> StillError {
    StillError::Damaged("its list of contents is not valid".to_owned())
}

fn unsupported(kind: &[u8; 4]) -> StillError {
    StillError::Unsupported(format!("coded as “{}” in a HEIF file", kind.escape_ascii()))
}

struct HeifFile<'a> {
    bytes: &'a [u8],
    /// The list of contents.
    meta: &'a [u8],
}

impl<'a> HeifFile<'a> {
    fn part(&self, name: &[u8; 4]) -> Option<&'a [u8]> {
        let mut parts = boxes(self.meta);
        parts.find_map(|(found, content)| (found == name).then_some(content))
    }

    /// The item to show.
    fn primary(&self) -> Option<u32> {
        let mut numbers = Numbers(self.part(b"pitm")?);
        let (version, _) = numbers.version()?;
        numbers.number(if version == 0 { 2 } else { 4 })
    }

    /// What an item is.
    fn kind(&self, item: u32) -> Option<[u8; 4]> {
        let mut numbers = Numbers(self.part(b"iinf")?);
        let (version, _) = numbers.version()?;
        numbers.number(if version == 0 { 2 } else { 4 })?;
        boxes(numbers.0).find_map(|(_, entry)| {
            let mut numbers = Numbers(entry);
            let (version, _) = numbers.version()?;
            let found = numbers.number(if version < 3 { 2 } else { 4 })?;
            numbers.take(2)?;
            let (kind, _) = numbers.0.split_first_chunk::<4>()?;
            (version >= 2 && found == item).then_some(*kind)
        })
    }

    /// The items that make up a grid, row by row.
    fn tiles(&self, grid: u32) -> Option<Vec<u32>> {
        let mut numbers = Numbers(self.part(b"iref")?);
        let (version, _) = numbers.version()?;
        let id_bytes = if version == 0 { 2 } else { 4 };
        boxes(numbers.0).find_map(|(name, references)| {
            let mut numbers = Numbers(references);
            let from = numbers.number(id_bytes)?;
            let n = numbers.number(2)?;
            (name == b"dimg" && from == grid).then(|| {
                (0..n)
                    .map(|_| numbers.number(id_bytes))
                    .collect::<Option<_>>()
            })?
        })
    }

    /// The properties of an item, in the order in which they apply.
    fn properties(&self, item: u32) -> Option<Vec<(&'a [u8; 4], &'a [u8])>> {
        let part = self.part(b"iprp")?;
        let all: Vec<_> = boxes(boxes(part).find(|(name, _)| *name == b"ipco")?.1).collect();
        let mut found = Vec::new();
        for (_, associations) in boxes(part).filter(|(name, _)| *name == b"ipma") {
            let mut numbers = Numbers(associations);
            let (version, flags) = numbers.version()?;
            for _ in 0..numbers.number(4)? {
                let id = numbers.number(if version == 0 { 2 } else { 4 })?;
                for _ in 0..numbers.number(1)? {
                    // The top bit marks it as essential.
                    let position = match flags & 1 {
                        0 => numbers.number(1)? & 0x7F,
                        _ => numbers.number(2)? & 0x7FFF,
                    };
                    if id == item && position > 0 {
                        found.push(*all.get(position as usize - 1)?);
                    }
                }
            }
        }
        Some(found)
    }

    /// The bytes of an item.
    fn content(&self, item: u32) -> Result<Vec<u8>, StillError> {
        let (method, extents) = self.extents(item).ok_or_else(damaged)?;
        let from = match method {
            0 => self.bytes,
            1 => self.part(b"idat").ok_or_else(damaged)?,
            _ => {
                return Err(StillError::Unsupported(
                    "HEIF with derived parts".to_owned(),
                ));
            }
        };
        let mut content = Vec::new();
        for (offset, length) in extents {
            let extent = usize::try_from(offset)
                .ok()
                .zip(usize::try_from(length).ok())
                .and_then(|(offset, length)| {
                    let rest = from.get(offset..)?;
                    // Length 0 means all the rest.
                    if length == 0 {
                        Some(rest)
                    } else {
                        rest.get(..length)
                    }
                })
                .ok_or(StillError::Cut)?;
            // The same bytes listed repeatedly would add up to more than the file has.
            if content.len() + extent.len() > self.bytes.len() {
                return Err(damaged());
            }
            content.extend_from_slice(extent);
        }
        Ok(content)
    }

    /// How an item is stored (the construction method), and its pieces: offset and length.
    fn extents(&self, item: u32) -> Option<(u32, Vec<(u64, u64)>)> {
        let mut numbers = Numbers(self.part(b"iloc")?);
        let (version, _) = numbers.version()?;
        let sizes = numbers.number(2)?;
        let [offset_bytes, length_bytes, base_bytes, index_bytes] =
            [12, 8, 4, 0].map(|shift| ((sizes >> shift) & 15) as usize);
        if [offset_bytes, length_bytes, base_bytes, index_bytes]
            .iter()
            .any(|n| *n > 8)
        {
            return None;
        }
        let id_bytes = if version < 2 { 2 } else { 4 };
        for _ in 0..numbers.number(id_bytes)? {
            let id = numbers.number(id_bytes)?;
            let method = match version {
                0 => 0,
                _ => numbers.number(2)? & 15,
            };
            numbers.take(2)?;
            let base = numbers.take(base_bytes)?;
            let mut extents = Vec::new();
            for _ in 0..numbers.number(2)? {
                if version > 0 {
                    numbers.take(index_bytes)?;
                }
                let offset = base.checked_add(numbers.take(offset_bytes)?)?;
                extents.push((offset, numbers.take(length_bytes)?));
            }
            if id == item {
                return Some((method, extents));
            }
        }
        None
    }

    fn coded(
        &self,
        codec: Codec,
        tiles: &[u32],
        primary: u32,
        grid: Option<Grid>,
    ) -> Result<Coded, StillError> {
        let first = *tiles.first().ok_or_else(damaged)?;
        let properties = self.properties(first).ok_or_else(damaged)?;
        let tile = size_of(&properties).ok_or_else(damaged)?;
        let grid = grid.unwrap_or(Grid {
            n_columns: 1,
            n_rows: 1,
            size: tile,
        });
        let n_tiles = grid.n_columns * grid.n_rows;
        let is_covered = u64::from(tile.width_px) * u64::from(grid.n_columns)
            >= grid.size.width_px.into()
            && u64::from(tile.height_px) * u64::from(grid.n_rows) >= grid.size.height_px.into();
        if tiles.len() != n_tiles as usize || n_tiles > MAX_TILES || !is_covered {
            return Err(damaged());
        }
        for size in [tile, grid.size] {
            if size.n_pixels() == 0 {
                return Err(StillError::Empty);
            }
            limits::check_image(None, size, ColorType::Rgba8)?;
        }
        let mut stream = Vec::new();
        for (number, tile) in (0_u64..).zip(tiles) {
            let content = self.content(*tile)?;
            match codec {
                Codec::Hevc => annex_b(
                    &mut stream,
                    &self.properties(*tile).ok_or_else(damaged)?,
                    &content,
                )
                .ok_or_else(damaged)?,
                Codec::Av1 => ivf(&mut stream, number, &content),
            }
            if stream.len() > 2 * self.bytes.len() + (1 << 20) {
                return Err(damaged()); // Tiles share their bytes.
            }
        }
        let turns = self.properties(primary).ok_or_else(damaged)?;
        Ok(Coded {
            codec,
            stream,
            tile,
            n_columns: grid.n_columns,
            n_rows: grid.n_rows,
            size: grid.size,
            turns: turns.into_iter().filter_map(turn).collect(),
        })
    }
}

fn size_of(properties: &[(&[u8; 4], &[u8])]) -> Option<Resolution> {
    let (_, content) = properties.iter().find(|(name, _)| *name == b"ispe")?;
    let mut numbers = Numbers(content.get(4..)?);
    Some(Resolution::new(numbers.number(4)?, numbers.number(4)?))
}

fn turn((name, content): (&[u8; 4], &[u8])) -> Option<Turn> {
    let value = content.first()?;
    match name {
        b"irot" => Some(Turn::Rotation(value & 3)),
        b"imir" => Some(Turn::Mirror {
            left_right: value & 1 == 1,
        }),
        _ => None,
    }
}

/// How tiles are laid out.
struct Grid {
    n_columns: u32,
    n_rows: u32,
    size: Resolution,
}

impl Grid {
    fn parse(layout: &[u8]) -> Option<Self> {
        let mut numbers = Numbers(layout);
        numbers.take(1)?; // The version.
        let size_bytes = match numbers.number(1)? & 1 {
            0 => 2,
            _ => 4,
        };
        let n_rows = numbers.number(1)? + 1;
        let n_columns = numbers.number(1)? + 1;
        Some(Self {
            n_columns,
            n_rows,
            size: Resolution::new(numbers.number(size_bytes)?, numbers.number(size_bytes)?),
        })
    }
}

impl Coded {
    /// All turns combined.
    pub(super) fn orientation(&self) -> Orientation {
        // Clockwise quarter turns first, then left and right swapped.
        let (mut quarters, mut is_mirrored) = (0_u8, false);
        for turn in &self.turns {
            match turn {
                // A turn after a mirror is the opposite turn before it.
                Turn::Rotation(counterclockwise) if is_mirrored => quarters += counterclockwise,
                Turn::Rotation(counterclockwise) => quarters += 4 - counterclockwise,
                Turn::Mirror { left_right } => {
                    // Swapping top and bottom is swapping left and right plus half a turn, before or after.
                    quarters += if *left_right { 0 } else { 2 };
                    is_mirrored = !is_mirrored;
                }
            }
            quarters %= 4;
        }
        match (quarters, is_mirrored) {
            (0, false) => Orientation::NoTransforms,
            (1, false) => Orientation::Rotate90,
            (2, false) => Orientation::Rotate180,
            (_, false) => Orientation::Rotate270,
            (0, true) => Orientation::FlipHorizontal,
            (1, true) => Orientation::Rotate90FlipH,
            (2, true) => Orientation::FlipVertical,
            (_, true) => Orientation::Rotate270FlipH,
        }
    }
}

#[cfg(test)]
mod tests;
