//! How long each frame of a GIF, WebP or PNG animation is shown, without decoding any.
//!
//! The decoders tell it frame by frame, and only in order; a slider needs the whole length in advance.
//! Sources: GIF89a specification (1990), sections 18 to 27; WebP container specification (Google), "Animation"; PNG
//! specification (third edition), sections 11.3.6 and 13.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    time::Duration,
};

/// The stored delays of a GIF file's frames, in order.
///
/// # Errors
/// If the file ends before its end mark, or is not a GIF.
pub(super) fn gif_delays(reader: &mut (impl BufRead + Seek)) -> io::Result<Vec<Duration>> {
    let [.., flags, _background, _aspect] = bytes::<13>(reader)?;
    skip_color_table(reader, flags)?;
    let mut delays = Vec::new();
    let mut delay = Duration::ZERO;
    loop {
        match bytes::<1>(reader)? {
            // An extension; the graphic control extension is about the frame that follows.
            [0x21] => {
                if bytes::<1>(reader)? == [0xF9] {
                    let [_size, _flags, low, high, _transparent] = bytes::<5>(reader)?;
                    delay = Duration::from_millis(10 * u64::from(u16::from_le_bytes([low, high])));
                }
                skip_sub_blocks(reader)?;
            }
            [0x2C] => {
                let [.., flags] = bytes::<9>(reader)?;
                skip_color_table(reader, flags)?;
                bytes::<1>(reader)?; // Width of the codes.
                skip_sub_blocks(reader)?;
                delays.push(std::mem::take(&mut delay));
            }
            [0x3B] => return Ok(delays),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The stored delays of a WebP file's frames, in order; empty if it is not an animation.
///
/// # Errors
/// If the file is cut short, or is not a WebP.
pub(super) fn webp_delays(reader: &mut (impl BufRead + Seek)) -> io::Result<Vec<Duration>> {
    let size = reader.seek(SeekFrom::End(0))?;
    reader.rewind()?;
    let [b'R', b'I', b'F', b'F', .., b'W', b'E', b'B', b'P'] = bytes::<12>(reader)? else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut delays = Vec::new();
    let mut at = 12;
    while at + 8 <= size {
        reader.seek(SeekFrom::Start(at))?;
        let [name @ .., a, b, c, d] = bytes::<8>(reader)?;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if name == *b"ANMF" {
            let [.., low, middle, high, _flags] = bytes::<16>(reader)?;
            let ms = u32::from_le_bytes([low, middle, high, 0]);
            delays.push(Duration::from_millis(ms.into()));
        }
        at += 8 + length + length % 2;
    }
    if at > size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(delays)
}

/// The stored delays of an animated PNG file's frames, in order; empty if it is not an animation.
///
/// # Errors
/// If the file is cut short, or is not a PNG.
pub(super) fn png_delays(reader: &mut (impl BufRead + Seek)) -> io::Result<Vec<Duration>> {
    bytes::<8>(reader)?;
    let mut delays = Vec::new();
    let mut is_animation = false;
    loop {
        let [a, b, c, d, name @ ..] = bytes::<8>(reader)?;
        let mut n_left = u64::from(u32::from_be_bytes([a, b, c, d])) + 4; // With its checksum.
        match &name {
            b"IEND" => return Ok(delays),
            b"acTL" => is_animation = true,
            // Without that mark before the pixels it is a still picture, as most are.
            b"IDAT" if !is_animation => return Ok(Vec::new()),
            b"fcTL" if n_left >= 24 => {
                let [.., n0, n1, d0, d1] = bytes::<24>(reader)?;
                n_left -= 24;
                let numerator = u16::from_be_bytes([n0, n1]);
                let denominator = match u16::from_be_bytes([d0, d1]) {
                    0 => 100,
                    denominator => denominator,
                };
                delays.push(Duration::from_secs(numerator.into()) / u32::from(denominator));
            }
            _ => {}
        }
        skip(reader, n_left)?;
    }
}

fn bytes<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// `flags` say whether there is a color table, and how long it is.
fn skip_color_table(reader: &mut impl BufRead, flags: u8) -> io::Result<()> {
    if flags & 0x80 == 0 {
        return Ok(());
    }
    skip(reader, 3 << ((flags & 7) + 1))
}

fn skip_sub_blocks(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let [length] = bytes(reader)?;
        if length == 0 {
            return Ok(());
        }
        skip(reader, u64::from(length))?;
    }
}

fn skip(reader: &mut impl BufRead, n_bytes: u64) -> io::Result<()> {
    let n_skipped = io::copy(&mut reader.take(n_bytes), &mut io::sink())?;
    if n_skipped < n_bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{Delay, Frame, Rgba, RgbaImage, codecs::gif::GifEncoder};

    use super::*;

    #[test]
    fn delays_of_a_gif_are_read_and_a_cut_one_is_an_error() {
        let mut gif = Vec::new();
        let mut encoder = GifEncoder::new(&mut gif);
        for ms in [50, 0, 250] {
            let picture = RgbaImage::from_pixel(40, 30, Rgba([ms as u8, 9, 9, 255]));
            let delay = Delay::from_saturating_duration(Duration::from_millis(ms));
            let frame = Frame::from_parts(picture, 0, 0, delay);
            encoder.encode_frame(frame).unwrap();
        }
        drop(encoder);
        let delays = gif_delays(&mut Cursor::new(&gif)).unwrap();
        assert_eq!(delays, [50, 0, 250].map(Duration::from_millis));
        for length in 0..gif.len() - 1 {
            assert!(
                gif_delays(&mut Cursor::new(&gif[..length])).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn delays_of_a_webp_are_read_and_a_cut_one_is_an_error() {
        let chunk = |name: &[u8; 4], body: &[u8]| {
            let mut chunk = name.to_vec();
            chunk.extend((body.len() as u32).to_le_bytes());
            chunk.extend(body);
            chunk.resize(chunk.len().next_multiple_of(2), 0);
            chunk
        };
        let picture = |ms: u32| {
            let mut body = vec![0; 12];
            body.extend(&ms.to_le_bytes()[..3]);
            body.extend([0; 6]); // Flags, and as little of a picture as fits.
            chunk(b"ANMF", &body)
        };
        let body = [
            b"WEBP".to_vec(),
            chunk(b"VP8X", &[0; 10]),
            picture(40),
            picture(70_000),
        ]
        .concat();
        let webp = chunk(b"RIFF", &body);
        let delays = webp_delays(&mut Cursor::new(&webp)).unwrap();
        assert_eq!(delays, [40, 70_000].map(Duration::from_millis));
        assert!(webp_delays(&mut Cursor::new(&webp[..webp.len() - 3])).is_err());
        assert!(webp_delays(&mut Cursor::new(b"RIFF....AVI LIST")).is_err());
    }
}
