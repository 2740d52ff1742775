//! Pictures of every format, intact and damaged, upright and turned.

use image::{GenericImage as _, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba};

use super::*;

const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::Tiff,
    ImageFormat::WebP,
];

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn pictures_of_every_kind_and_size_are_read() {
    for format in FORMATS {
        for (width, height) in [(1, 1), (3, 2), (64, 48)] {
            let picture = RgbImage::from_pixel(width, height, Rgb([200, 30, 30]));
            let still = decode(&encode(&picture.into(), format)).unwrap();
            assert_eq!(still.rgba.dimensions(), (width, height), "{format:?}");
            assert_eq!(still.full_resolution, Resolution::new(width, height));
            assert_eq!(still.format, format!("{format:?}").to_uppercase());
            let Rgba(pixel) = *still.rgba.get_pixel(0, 0);
            assert!(
                pixel[0].abs_diff(200) < 6 && pixel[1].abs_diff(30) < 6 && pixel[3] == 255,
                "{format:?}: {pixel:?}"
            );
        }
    }
}

#[test]
fn gray_deep_and_transparent_pictures_are_read() {
    let deep = image::ImageBuffer::from_pixel(2, 2, Rgb([0xFFFF, 0, 0x8080]));
    let clear = |pixel| RgbaImage::from_pixel(2, 2, Rgba(pixel)).into();
    for (picture, expected) in [
        (
            GrayImage::from_pixel(2, 2, Luma([90])).into(),
            [90, 90, 90, 255],
        ),
        (DynamicImage::ImageRgb16(deep), [255, 0, 128, 255]),
        (clear([0, 0, 0, 0]), [255; 4]),
        (clear([100, 0, 0, 51]), [224, 204, 204, 255]),
    ] {
        let still = decode(&encode(&picture, ImageFormat::Png)).unwrap();
        assert_eq!(still.rgba.get_pixel(1, 1).0, expected);
    }
}

/// Black on its left half, white on its right.
fn lying() -> DynamicImage {
    let mut lying = RgbImage::from_pixel(32, 16, Rgb([255; 3]));
    let black = RgbImage::from_pixel(16, 16, Rgb([0; 3]));
    lying.copy_from(&black, 0, 0).unwrap();
    lying.into()
}

/// One big-endian TIFF entry: orientation (0x0112), a short, 6 = rotate by 90° clockwise.
const EXIF: &[u8] = b"MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

fn with_exif(format: ImageFormat) -> Vec<u8> {
    let mut file = encode(&lying(), format);
    match format {
        ImageFormat::Jpeg => {
            let segment = [b"\xFF\xE1\x00\x22Exif\0\0", EXIF].concat();
            file.splice(2..2, segment);
        }
        ImageFormat::Png => {
            // After the header chunk.
            let mut chunk = (EXIF.len() as u32).to_be_bytes().to_vec();
            let mut named = b"eXIf".to_vec();
            named.extend(EXIF);
            chunk.extend(&named);
            chunk.extend(crc32(&named).to_be_bytes());
            file.splice(33..33, chunk);
        }
        ImageFormat::WebP => {
            // An extended header before the image data, and the EXIF chunk at the end.
            let mut body = b"VP8X\x0A\0\0\0\x08\0\0\0\x1F\0\0\x0F\0\0".to_vec();
            body.extend(&file[12..]);
            body.extend(b"EXIF");
            body.extend((EXIF.len() as u32).to_le_bytes());
            body.extend(EXIF);
            let length = (body.len() as u32 + 4).to_le_bytes();
            file = [b"RIFF", &length[..], b"WEBP", &body].concat();
        }
        ImageFormat::Tiff => {
            // The first directory gains an entry, which would move what follows, so write a new directory at the end.
            let at = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
            let n_entries = u16::from_le_bytes([file[at], file[at + 1]]);
            let mut entries: Vec<[u8; 12]> = file[at + 2..][..usize::from(n_entries) * 12]
                .as_chunks::<12>()
                .0
                .to_vec();
            entries.push(*b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
            entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
            file.resize(file.len().next_multiple_of(2), 0);
            let new_at = file.len() as u32;
            file[4..8].copy_from_slice(&new_at.to_le_bytes());
            file.extend((n_entries + 1).to_le_bytes());
            file.extend(entries.as_flattened());
            file.extend([0; 4]);
        }
        _ => unreachable!("these have no EXIF"),
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_phone_portrait_stands_upright_in_every_format() {
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Tiff,
        ImageFormat::WebP,
    ] {
        let still = decode(&with_exif(format)).unwrap();
        assert_eq!(still.full_resolution, Resolution::new(16, 32), "{format:?}");
        assert_eq!(still.rgba.dimensions(), (16, 32), "{format:?}");
        assert!(
            still.rgba.get_pixel(0, 0)[0] < 20,
            "{format:?}: the left half is on top"
        );
        assert!(still.rgba.get_pixel(0, 31)[0] > 235, "{format:?}");
    }
}

#[test]
fn a_huge_picture_is_reduced_and_its_size_is_known() {
    let still = decode_within(&with_exif(ImageFormat::Jpeg), 16 * 8).unwrap();
    assert_eq!(still.full_resolution, Resolution::new(16, 32));
    assert_eq!(still.rgba.dimensions(), (8, 16));
    let line = encode(&GrayImage::new(9000, 1).into(), ImageFormat::Png);
    assert_eq!(decode(&line).unwrap().rgba.dimensions(), (9000, 1));
    assert_eq!(decode_within(&line, 100).unwrap().rgba.height(), 1);
}

#[test]
fn pictures_cut_short_are_errors_in_every_format() {
    let picture = RgbImage::from_fn(60, 50, |x, y| {
        Rgb([x, y, x * y].map(|value| (value * 37) as u8))
    });
    for format in FORMATS {
        let whole = encode(&picture.clone().into(), format);
        for length in [
            8,
            20,
            40,
            whole.len() / 4,
            whole.len() / 2,
            whole.len() * 9 / 10,
        ] {
            let error = decode(&whole[..length]).map(drop).unwrap_err();
            assert!(!error.to_string().is_empty(), "{format:?}, {length} bytes");
            if format == ImageFormat::Jpeg {
                assert_eq!(
                    error.to_string(),
                    "the picture is cut short",
                    "{length} bytes"
                );
            }
        }
    }
    assert!(matches!(decode(b"no picture"), Err(StillError::Unknown)));
    assert!(matches!(decode(b""), Err(StillError::Unknown)));
}

/// Webcam frames, stored as they arrive, have no Huffman tables.
#[test]
fn a_jpeg_without_huffman_tables_is_read() {
    let picture = RgbImage::from_pixel(32, 16, Rgb([200, 30, 30]));
    let mut file = encode(&picture.into(), ImageFormat::Jpeg);
    let mut at = 2;
    while file[at + 1] != 0xDA {
        let end = at + 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        if file[at + 1] == 0xC4 {
            file.drain(at..end);
        } else {
            at = end;
        }
    }
    let Rgba(pixel) = *decode(&file).unwrap().rgba.get_pixel(9, 9);
    assert!(
        pixel[0].abs_diff(200) < 6 && pixel[1].abs_diff(30) < 6,
        "{pixel:?}"
    );
}

#[test]
fn impossible_sizes_are_refused_before_any_allocation() {
    let mut png = encode(&GrayImage::new(2, 2).into(), ImageFormat::Png);
    png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    let crc = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&crc);
    let error = decode(&png).map(drop).unwrap_err();
    assert!(matches!(error, StillError::BeyondLimits(_)), "{error}");
}

#[test]
fn pictures_are_recognized_by_their_names() {
    for name in [
        "a.jpg", "B.JPG", "x.jfif", "x.jpe", "x.tif", "x.TIFF", "x.y.heic", "x.avif",
    ] {
        assert!(is_picture_name(name), "{name}");
    }
    for name in [
        "._a.jpg",
        ".jpg",
        "jpg",
        "a.txt",
        "a.mov",
        "Thumbs.db",
        "a.jpg.part",
    ] {
        assert!(!is_picture_name(name), "{name}");
    }
}
