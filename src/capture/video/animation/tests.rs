//! Animations made in the tests, intact and damaged.

use image::{Delay, Rgba, RgbaImage, codecs::gif::GifEncoder};

use super::*;

fn gif(folder: &Path, delays_ms: &[u64]) -> std::path::PathBuf {
    let path = folder.join("a.gif");
    let mut encoder = GifEncoder::new(File::create(&path).unwrap());
    for (i, delay) in delays_ms.iter().enumerate() {
        let picture = RgbaImage::from_pixel(5, 3, Rgba([i as u8 * 50, 0, 0, 255]));
        let delay = Delay::from_saturating_duration(Duration::from_millis(*delay));
        encoder
            .encode_frame(image::Frame::from_parts(picture, 0, 0, delay))
            .unwrap();
    }
    path
}

/// A PNG of 2×1 pixels with the chunks between its size and its end.
fn png(folder: &Path, chunks: &[(&[u8; 4], Vec<u8>)]) -> std::path::PathBuf {
    let path = folder.join("a.png");
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = (b"IHDR", vec![0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    let end = (b"IEND", Vec::new());
    for (name, content) in [&[size][..], chunks, &[end]].concat() {
        bytes.extend((content.len() as u32).to_be_bytes());
        let checked = [&name[..], &content].concat();
        let mut crc = flate_crc(&checked);
        crc = !crc;
        bytes.extend(checked);
        bytes.extend(crc.to_be_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The running sum of a PNG's chunk, before its last inversion (PNG specification, annex D).
fn flate_crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let odd = 0_u32.wrapping_sub(crc & 1);
            crc >> 1 ^ (0xEDB8_8320 & odd)
        })
    })
}

/// A frame of two gray pixels, its delay in ms, as the chunks of an animated PNG.
fn png_frame(number: u8, delay_ms: u16, gray: u8) -> [(&'static [u8; 4], Vec<u8>); 2] {
    let mut control = vec![0, 0, 0, number.saturating_mul(2).saturating_sub(1)];
    control.extend([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    control.extend(delay_ms.to_be_bytes());
    control.extend([3, 232, 0, 0]); // In 1/1000 s; the frame replaces the one before.
    // Stored, not compressed: filter 0 and two pixels, between their length and their checksum.
    let raw = [0, gray, gray];
    let (a, b) = raw.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        (a + u32::from(*byte), b + a + u32::from(*byte))
    });
    let mut data = vec![0x78, 0x01, 1, 3, 0, 0xFC, 0xFF];
    data.extend(raw);
    data.extend((b << 16 | a).to_be_bytes());
    if number == 0 {
        return [(b"fcTL", control), (b"IDAT", data)];
    }
    let mut numbered = vec![0, 0, 0, number * 2];
    numbered.extend(data);
    [(b"fcTL", control), (b"fdAT", numbered)]
}

#[test]
fn an_animated_png_plays_all_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    let control = (b"acTL", vec![0, 0, 0, 3, 0, 0, 0, 0]);
    let mut chunks = vec![control];
    for (number, delay_ms) in [(0, 50), (1, 0), (2, 250)] {
        chunks.extend(png_frame(number, delay_ms, 40 * number));
    }
    let path = png(folder.path(), &chunks);
    let mut source = open(&path, ImageFormat::Png).unwrap().unwrap();
    assert_eq!(source.info().n_frames, Some(3));
    assert_eq!(source.info().duration, Some(Duration::from_millis(400)));
    assert_eq!(play(&mut source), [(0, 0, 0), (1, 50, 40), (2, 150, 80)]);
    // One frame is a still picture, as in an ordinary PNG.
    let path = png(folder.path(), &chunks[1..3]);
    assert!(open(&path, ImageFormat::Png).unwrap().is_none());
}

/// A GIF of a few bytes that claims 65535×65535 pixels.
#[test]
fn a_huge_canvas_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = gif(folder.path(), &[50, 50]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[6..10].fill(0xFF);
    std::fs::write(&path, &bytes).unwrap();
    match open(&path, ImageFormat::Gif) {
        Err(err) => assert!(err.to_string().contains("65535×65535"), "{err}"),
        Ok(_) => panic!("it was opened"),
    }
}

fn play(source: &mut AnimationSource) -> Vec<(u64, u128, u8)> {
    let pool = FramePool::default();
    std::iter::from_fn(|| source.next_frame(&pool).unwrap())
        .map(|frame| (frame.id.0, frame.time.as_millis(), frame.rgba()[0]))
        .collect()
}

#[test]
fn delays_become_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = gif(folder.path(), &[50, 0, 250, 40]);
    let mut source = open(&path, ImageFormat::Gif).unwrap().unwrap();
    assert_eq!(source.info().resolution, Resolution::new(5, 3));
    assert_eq!(
        play(&mut source),
        [(0, 0, 0), (1, 50, 50), (2, 150, 100), (3, 400, 150)]
    );
    assert!(source.next_frame(&FramePool::default()).unwrap().is_none());
}

#[test]
fn a_seek_reaches_any_frame_from_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = gif(folder.path(), &[50, 0, 250, 40]);
    let mut source = open(&path, ImageFormat::Gif).unwrap().unwrap();
    assert_eq!(source.info().n_frames, Some(4));
    assert_eq!(source.info().duration, Some(Duration::from_millis(440)));
    let all = play(&mut source);
    let ends = [50, 150, 400, 440];
    for time_ms in [0, 49, 50, 399, 400, 440, 9999, 120, 10, 9999] {
        let time = Duration::from_millis(time_ms);
        assert!(source.seek(time).unwrap());
        let place = ends.iter().take(3).filter(|end| **end <= time_ms).count();
        // Sometimes from the middle, sometimes from the end.
        if time_ms % 2 == 0 {
            assert_eq!(play(&mut source), all[place..], "{time_ms} ms");
        } else {
            let frame = source.next_frame(&FramePool::default()).unwrap().unwrap();
            assert_eq!(frame.id.0, place as u64, "{time_ms} ms");
        }
    }
}

#[test]
fn one_frame_is_not_an_animation() {
    let folder = tempfile::tempdir().unwrap();
    let path = gif(folder.path(), &[50]);
    assert!(open(&path, ImageFormat::Gif).unwrap().is_none());
    let path = folder.path().join("still.webp");
    RgbaImage::new(4, 4).save(&path).unwrap();
    assert!(open(&path, ImageFormat::WebP).unwrap().is_none());
}

#[test]
fn a_cut_animation_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    let path = gif(folder.path(), &[50; 6]);
    let whole = std::fs::read(&path).unwrap();
    let mut fewer = 0;
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        if let Some(mut source) = open(&path, ImageFormat::Gif).unwrap() {
            let n_frames = play(&mut source).len();
            assert!((2..=6).contains(&n_frames));
            fewer += usize::from(n_frames < 6);
        }
    }
    assert!(fewer > 0);
}
