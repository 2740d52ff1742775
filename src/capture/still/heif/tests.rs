//! HEIF files assembled in the tests, around pictures that ffmpeg encoded.

use std::path::Path;

use super::*;
use crate::capture::still::{Still, decode};

/// Red on the left and blue on the right, in the upper 32 of 48 rows; the rest is gray.
const TILE: Resolution = Resolution::new(64, 48);

fn media(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media");
    std::fs::read(folder.join(name)).unwrap()
}

fn boxed(name: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = content.len() as u32 + 8;
    [&size.to_be_bytes()[..], name, &content].concat()
}

/// Contents of a file: one coded picture, or a grid that repeats it.
struct Parts {
    brand: &'static [u8; 4],
    kind: &'static [u8; 4],
    config: Vec<u8>,
    content: Vec<u8>,
    grid: Option<(u8, u8, Resolution)>,
    /// Boxes that turn the whole.
    turns: Vec<Vec<u8>>,
}

impl Parts {
    fn hevc() -> Self {
        // The units of the stream, whose start codes have three or four bytes.
        let stream = media("still.hevc");
        let starts: Vec<usize> = (0..stream.len() - 2)
            .filter(|at| stream[*at..].starts_with(&[0, 0, 1]))
            .collect();
        let ends = starts.iter().skip(1).copied().chain([stream.len()]);
        let units = starts.iter().zip(ends).map(|(start, end)| {
            let unit = &stream[start + 3..end];
            if end < stream.len() {
                unit.strip_suffix(&[0]).unwrap_or(unit)
            } else {
                unit
            }
        });
        let (sets, pictures): (Vec<&[u8]>, Vec<&[u8]>) =
            units.partition(|unit| (32..=34).contains(&(unit[0] >> 1 & 0x3F)));
        let mut config = vec![0; 21];
        config.extend([3, sets.len() as u8]);
        for set in sets {
            config.extend([set[0] >> 1 & 0x3F, 0, 1]);
            config.extend((set.len() as u16).to_be_bytes());
            config.extend(set);
        }
        let with_length = |unit: &[u8]| [&(unit.len() as u32).to_be_bytes(), unit].concat();
        Self {
            brand: b"heic",
            kind: b"hvc1",
            config: boxed(b"hvcC", &[&config]),
            content: pictures.into_iter().flat_map(with_length).collect(),
            grid: None,
            turns: Vec::new(),
        }
    }

    fn av1() -> Self {
        Self {
            brand: b"avif",
            kind: b"av01",
            config: boxed(b"av1C", &[&[0x81, 0, 0, 0]]),
            // Without its temporal delimiter.
            content: media("still.obu").split_off(2),
            grid: None,
            turns: Vec::new(),
        }
    }

    /// Item 1 is the coded picture; with a grid, item 9 is that.
    fn file(&self) -> Vec<u8> {
        let primary: u16 = if self.grid.is_some() { 9 } else { 1 };
        let size_box = |size: Resolution| {
            let sides = [size.width_px.to_be_bytes(), size.height_px.to_be_bytes()].concat();
            boxed(b"ispe", &[&[0; 4], &sides])
        };
        let whole = self.grid.map_or(TILE, |(.., size)| size);
        let properties = [
            vec![self.config.clone(), size_box(TILE), size_box(whole)],
            self.turns.clone(),
        ]
        .concat();
        let turns: Vec<u8> = (4..).take(self.turns.len()).map(|at| at | 0x80).collect();
        let mut of_items = vec![0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
        match self.grid {
            Some(_) => of_items.extend([2, 0x81, 2, 0, 9, 1 + turns.len() as u8, 3]),
            None => {
                of_items[7] = 1;
                of_items.extend([2 + turns.len() as u8, 0x81, 2]);
            }
        }
        of_items.extend(&turns);
        let entry =
            |item: u8, kind: &[u8; 4]| boxed(b"infe", &[&[2, 0, 0, 0, 0, item, 0, 0], kind, b"\0"]);
        let mut layout = vec![0, 0];
        let mut references = Vec::new();
        if let Some((n_columns, n_rows, size)) = self.grid {
            layout.extend([n_rows - 1, n_columns - 1]);
            layout.extend((size.width_px as u16).to_be_bytes());
            layout.extend((size.height_px as u16).to_be_bytes());
            let n = n_columns * n_rows;
            let tiles = [0, 1].repeat(n.into());
            references = boxed(
                b"iref",
                &[&[0; 4], &boxed(b"dimg", &[&[0, 9, 0, n], &tiles])],
            );
        }
        let meta = |content_at: u32| {
            let length = self.content.len() as u32;
            boxed(
                b"meta",
                &[
                    &[0; 4],
                    &boxed(b"pitm", &[&[0; 4], &primary.to_be_bytes()]),
                    &boxed(
                        b"iinf",
                        &[
                            &[0, 0, 0, 0, 0, 2],
                            &entry(1, self.kind),
                            &entry(9, b"grid"),
                        ],
                    ),
                    &references,
                    &boxed(
                        b"iprp",
                        &[
                            &boxed(b"ipco", &[&properties.concat()]),
                            &boxed(b"ipma", &[&of_items]),
                        ],
                    ),
                    // Item 1 in two pieces of the file, item 9 in this box.
                    &boxed(
                        b"iloc",
                        &[
                            &[1, 0, 0, 0, 0x44, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2],
                            &content_at.to_be_bytes(),
                            &7_u32.to_be_bytes(),
                            &(content_at + 7).to_be_bytes(),
                            &(length - 7).to_be_bytes(),
                            &[0, 9, 0, 1, 0, 0, 0, 1],
                            &0_u32.to_be_bytes(),
                            &(layout.len() as u32).to_be_bytes(),
                        ],
                    ),
                    &boxed(b"idat", &[&layout]),
                ],
            )
        };
        let head = boxed(b"ftyp", &[self.brand, &[0; 4], b"mif1"]);
        let content_at = (head.len() + meta(0).len() + 8) as u32;
        [head, meta(content_at), boxed(b"mdat", &[&self.content])].concat()
    }
}

/// The picture, or `None` if ffmpeg is missing.
fn shown(parts: &Parts) -> Option<Still> {
    match decode(&parts.file()) {
        Ok(still) => Some(still),
        Err(StillError::NeedsFfmpeg { .. }) => {
            log::warn!("there is no ffmpeg here: not decoded");
            None
        }
        Err(err) => panic!("{err}"),
    }
}

fn color(still: &Still, (x, y): (u32, u32)) -> &'static str {
    let [r, g, b, a] = still.rgba.get_pixel(x, y).0;
    assert_eq!(a, 255);
    let is = |wanted: [u8; 3]| {
        [r, g, b]
            .iter()
            .zip(wanted)
            .all(|(value, wanted)| value.abs_diff(wanted) < 25)
    };
    match () {
        () if is([200, 40, 40]) => "red",
        () if is([40, 60, 200]) => "blue",
        () if is([40, 40, 40]) => "gray",
        () => panic!("({x}, {y}) is {:?}", [r, g, b]),
    }
}

#[test]
fn one_picture_is_found_and_decoded() {
    for (parts, format) in [(Parts::hevc(), "HEIC"), (Parts::av1(), "AVIF")] {
        let coded = parse(&parts.file()).unwrap();
        assert_eq!((coded.tile, coded.size), (TILE, TILE));
        assert!(coded.stream.len() > parts.content.len());
        let Some(still) = shown(&parts) else { return };
        assert_eq!((still.full_resolution, &*still.format), (TILE, format));
        let places = [(8, 8), (56, 8), (8, 40)];
        assert_eq!(
            places.map(|place| color(&still, place)),
            ["red", "blue", "gray"],
            "{format}"
        );
    }
}

#[test]
fn tiles_are_assembled() {
    for mut parts in [Parts::hevc(), Parts::av1()] {
        parts.grid = Some((2, 3, Resolution::new(100, 130)));
        let coded = parse(&parts.file()).unwrap();
        assert_eq!((coded.n_columns, coded.n_rows, coded.tile), (2, 3, TILE));
        let Some(still) = shown(&parts) else { return };
        assert_eq!(still.rgba.dimensions(), (100, 130));
        for (place, expected) in [
            ((8, 8), "red"),
            ((72, 8), "red"),
            ((98, 40), "gray"),
            ((40, 104), "blue"),
            ((8, 129), "gray"),
        ] {
            assert_eq!(color(&still, place), expected, "{place:?}");
        }
    }
}

#[test]
fn turns_of_the_file_are_followed() {
    let rotation = |quarters| boxed(b"irot", &[&[quarters]]);
    let mirror = |left_right| boxed(b"imir", &[&[left_right]]);
    // What is in the corners: top left, top right, bottom left.
    for (turns, orientation, corners) in [
        (vec![], Orientation::NoTransforms, ["red", "blue", "gray"]),
        (
            vec![rotation(1)],
            Orientation::Rotate270,
            ["blue", "gray", "red"],
        ),
        (
            vec![rotation(2)],
            Orientation::Rotate180,
            ["gray", "gray", "blue"],
        ),
        (
            vec![rotation(3)],
            Orientation::Rotate90,
            ["gray", "red", "gray"],
        ),
        (
            vec![mirror(1)],
            Orientation::FlipHorizontal,
            ["blue", "red", "gray"],
        ),
        (
            vec![mirror(0)],
            Orientation::FlipVertical,
            ["gray", "gray", "red"],
        ),
        (
            vec![rotation(1), mirror(1)],
            Orientation::Rotate270FlipH,
            ["gray", "blue", "gray"],
        ),
        (
            vec![mirror(1), rotation(1)],
            Orientation::Rotate90FlipH,
            ["red", "gray", "blue"],
        ),
        (
            vec![rotation(3), mirror(0)],
            Orientation::Rotate270FlipH,
            ["gray", "blue", "gray"],
        ),
    ] {
        let mut parts = Parts::av1();
        parts.turns = turns;
        assert_eq!(parse(&parts.file()).unwrap().orientation(), orientation);
        let Some(still) = shown(&parts) else { continue };
        let (right, bottom) = (still.rgba.width() - 5, still.rgba.height() - 5);
        let found = [(4, 4), (right, 4), (4, bottom)].map(|place| color(&still, place));
        assert_eq!(found, corners, "{orientation:?}");
        let size = Resolution::new(still.rgba.width(), still.rgba.height());
        assert_eq!(size, still.full_resolution);
    }
}

#[test]
fn damage_is_an_error_and_nothing_outgrows_the_file() {
    let mut parts = Parts::hevc();
    parts.grid = Some((2, 2, Resolution::new(128, 96)));
    let whole = parts.file();
    for length in 12..whole.len() {
        parse(&whole[..length]).unwrap_err();
    }
    for at in 0..whole.len() - parts.content.len() {
        for change in [0x01, 0x80, 0xFF] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            if let Ok(coded) = parse(&changed) {
                assert!(coded.stream.len() < 2 << 20);
            }
        }
    }
    let mut parts = Parts::av1();
    parts.kind = b"jpeg";
    let error = parse(&parts.file()).unwrap_err().to_string();
    assert!(error.contains("coded as “jpeg”"), "{error}");
    parts.kind = b"av01";
    parts.grid = Some((1, 1, Resolution::new(60_000, 60_000)));
    assert!(
        parse(&parts.file()).is_err(),
        "the tile does not cover that"
    );
}
