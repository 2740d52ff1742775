//! H.264 in MP4 and QuickTime files, without any program or library of the system.
//!
//! Opening decodes up to the first picture: only then is it known that the file can be decoded and how large its
//! frames are, and a refusal while opening can still lead to another reader.

use std::{
    io::{Read, Seek, SeekFrom},
    time::{Duration, Instant},
};

use super::{
    demux::{Packet, Rotation, VideoTrack},
    h264::{BadPacket, H264Decoder, Picture},
};
use crate::{
    capture::{
        CaptureError, FrameSource, SourceInfo, SourceKind,
        yuv::{YuvMatrix, i420_row},
    },
    frame::{Frame, FrameId, FramePool, PooledBuffer, RGBA_BYTES, Resolution},
};

/// No picture is larger; a length above it is damage, and must not become an allocation.
const MOST_PACKET_BYTES: u64 = 64 << 20;

/// How many packets may fail before the first picture until the file is given up: two seconds' worth.
const MOST_FAILURES_AT_START: usize = 60;

/// Video without declared colours is taken for high definition from this height up, as players do.
const HD_HEIGHT_PX: u32 = 720;

/// A playing MP4 file.
pub(super) struct Mp4Source<R> {
    info: SourceInfo,
    reader: R,
    track: VideoTrack,
    matrix: YuvMatrix,
    decoder: H264Decoder,
    /// Presentation times of what is shown, in order: a frame's number is its place in here.
    shown: Vec<i64>,
    /// How many of `shown` to go to at most: the others lie behind the end of a file that is cut short.
    n_reachable: usize,
    next_packet: usize,
    /// Whether the decoder was asked for its last pictures; it then starts anew for any other.
    is_flushed: bool,
    n_bad_packets: usize,
    first_pts: i64,
    /// Decoded while opening.
    first: Option<(Resolution, PooledBuffer)>,
    /// Pictures before this time are decoded and passed over, on the way to where a seek goes.
    skip_before: Option<i64>,
    /// The last picture that was delivered or passed over.
    last_pts: Option<i64>,
    next_number: u64,
    packet: Vec<u8>,
    /// The picture before it is turned.
    unturned: Vec<u8>,
}

impl<R: Read + Seek> Mp4Source<R> {
    /// Starts to play `track` of the file `reader`; otherwise says in words what cannot be decoded.
    pub(super) fn new(mut reader: R, track: VideoTrack, name: String) -> Result<Self, String> {
        let mut shown: Vec<i64> = track
            .packets
            .iter()
            .filter(|packet| packet.is_shown)
            .map(|packet| packet.pts)
            .collect();
        shown.sort_unstable();
        let file_size = reader.seek(SeekFrom::End(0)).unwrap_or(u64::MAX);
        let last_whole = track
            .packets
            .iter()
            .filter(|packet| packet.offset.saturating_add(packet.size) <= file_size)
            .map(|packet| packet.pts)
            .max();
        let n_reachable = last_whole.map_or(0, |last| shown.partition_point(|pts| *pts <= last));
        let mut source = Self {
            info: SourceInfo {
                name,
                kind: SourceKind::File,
                resolution: Resolution::default(),
                rate_hz: rate_hz(&shown, track.timescale),
                n_frames: Some(shown.len() as u64),
                duration: duration(&shown, track.timescale),
                format: "H.264".to_owned(),
                mirror_by_default: false,
            },
            reader,
            matrix: YuvMatrix::BT601,
            decoder: H264Decoder::new()?,
            track,
            shown,
            n_reachable,
            next_packet: 0,
            is_flushed: false,
            n_bad_packets: 0,
            first_pts: 0,
            first: None,
            skip_before: None,
            last_pts: None,
            next_number: 0,
            packet: Vec::new(),
            unturned: Vec::new(),
        };
        let pool = FramePool::default();
        let (pts, resolution, rgba) = source
            .next_picture(&pool, MOST_FAILURES_AT_START)
            .ok_or("H.264 video that is damaged or of a rare kind")?;
        source.first_pts = pts;
        source.info.resolution = resolution;
        source.first = Some((resolution, PooledBuffer::from(rgba.to_vec())));
        Ok(source)
    }

    /// Decodes on to a picture that is shown; `None` at the end or after `most_failures` bad packets.
    fn next_picture(
        &mut self,
        pool: &FramePool,
        most_failures: usize,
    ) -> Option<(i64, Resolution, PooledBuffer)> {
        loop {
            let at = self.next_packet;
            let decoded = match self.track.packets.get(at) {
                Some(packet) => {
                    self.next_packet += 1;
                    let pts = packet.pts;
                    match read_packet(&mut self.reader, &self.track, packet, &mut self.packet) {
                        Ok(()) => self.decoder.decode(&self.packet, pts),
                        Err(BadPacket) => Err(BadPacket),
                    }
                }
                None => {
                    self.is_flushed = true;
                    match self.decoder.flush() {
                        Ok(None) | Err(BadPacket) => break,
                        picture => picture,
                    }
                }
            };
            match decoded {
                Ok(None) => {}
                Ok(Some(picture)) => {
                    let is_shown = self
                        .track
                        .packets
                        .iter()
                        .skip(at.saturating_sub(64)) // Reordering reaches back 16 pictures at most.
                        .find(|packet| packet.pts == picture.pts)
                        .is_none_or(|packet| packet.is_shown);
                    if is_shown {
                        self.last_pts = Some(picture.pts);
                    }
                    let is_on_the_way = self.skip_before.is_some_and(|pts| picture.pts < pts);
                    if is_shown && !is_on_the_way {
                        self.skip_before = None;
                        self.matrix = matrix(&self.track, picture.resolution);
                        let pts = picture.pts;
                        let (resolution, rgba) = to_rgba(
                            &picture,
                            &self.matrix,
                            self.track.rotation,
                            &mut self.unturned,
                            pool,
                        );
                        return Some((pts, resolution, rgba));
                    }
                }
                Err(BadPacket) => {
                    self.n_bad_packets += 1;
                    if self.n_bad_packets > most_failures {
                        break;
                    }
                }
            }
        }
        if self.n_bad_packets > 0 {
            log::warn!(
                "{}: {} of {} pictures could not be decoded; the file is damaged or cut short",
                self.info.name,
                self.n_bad_packets,
                self.track.packets.len()
            );
            self.n_bad_packets = 0; // Told once.
        }
        None
    }
}

impl<R: Read + Seek> Mp4Source<R> {
    fn media_time(&self, pts: i64) -> Duration {
        media_time(pts, self.first_pts, self.track.timescale)
    }

    /// Makes the next picture the one at `pts`, or the first after it.
    ///
    /// Decoding can start at marked packets only. If the one before `pts` was passed already, decoding just goes on:
    /// a step forward costs one picture, not all since the mark.
    fn go_to(&mut self, pts: i64) -> Result<(), CaptureError> {
        let start = self
            .track
            .packets
            .iter()
            .rposition(|packet| packet.is_sync && packet.pts <= pts)
            .unwrap_or(0);
        let is_ahead = start < self.next_packet
            && !self.is_flushed
            && self.last_pts.is_some_and(|last| last < pts);
        if !is_ahead {
            self.decoder = H264Decoder::new().map_err(|reason| CaptureError::Unsupported {
                path: self.info.name.clone().into(),
                reason,
            })?;
            self.next_packet = start;
            self.is_flushed = false;
            self.last_pts = None;
        }
        self.first = None;
        self.skip_before = Some(pts);
        self.next_number = 0;
        Ok(())
    }
}

impl<R: Read + Seek> FrameSource for Mp4Source<R> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let (pts, resolution, rgba) = match self.first.take() {
            Some((resolution, rgba)) => (self.first_pts, resolution, rgba),
            None => {
                let mut picture = self.next_picture(pool, usize::MAX);
                // In a damaged file the place to go to may be missing.
                if picture.is_none()
                    && self.skip_before.is_some()
                    && let Some(last) = self.last_pts
                {
                    self.go_to(last)?;
                    picture = self.next_picture(pool, usize::MAX);
                }
                match picture {
                    Some(picture) => picture,
                    None => return Ok(None),
                }
            }
        };
        // Numbers grow even where a damaged file gives two pictures the same time.
        let place = self.shown.partition_point(|shown| *shown < pts) as u64;
        let number = place.max(self.next_number);
        self.next_number = number + 1;
        Ok(Some(Frame::new(
            FrameId(number),
            Instant::now(),
            self.media_time(pts),
            resolution,
            rgba,
        )))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let n_before = self
            .shown
            .partition_point(|pts| self.media_time(*pts) <= time)
            .min(self.n_reachable);
        let Some(&pts) = self.shown.get(n_before.saturating_sub(1)) else {
            return Ok(false);
        };
        self.go_to(pts)?;
        Ok(true)
    }
}

/// From the first to the last of the sorted times `shown`, in time units.
fn span(shown: &[i64]) -> Option<u64> {
    let span = i128::from(*shown.last()?) - i128::from(*shown.first()?);
    u64::try_from(span).ok()
}

/// Frames per second on average; videos of phones have no other rate.
fn rate_hz(shown: &[i64], timescale: u64) -> Option<f64> {
    let span = span(shown)?;
    (span > 0).then(|| (shown.len() - 1) as f64 * timescale as f64 / span as f64)
}

/// The last frame is taken to be shown as long as the others on average.
fn duration(shown: &[i64], timescale: u64) -> Option<Duration> {
    let span_s = span(shown)? as f64 / timescale as f64;
    let interval_s = rate_hz(shown, timescale).map_or(0.0, |rate_hz| 1.0 / rate_hz);
    Duration::try_from_secs_f64(span_s + interval_s).ok()
}

fn media_time(pts: i64, first_pts: i64, timescale: u64) -> Duration {
    let units = u128::try_from(i128::from(pts) - i128::from(first_pts)).unwrap_or(0);
    let nanos = units * 1_000_000_000 / u128::from(timescale);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn matrix(track: &VideoTrack, resolution: Resolution) -> YuvMatrix {
    let is_hd = match track.format.matrix {
        1 | 9 | 10 => true, // BT.709, and BT.2020, which is near it.
        2 => resolution.height_px.min(resolution.width_px) >= HD_HEIGHT_PX,
        _ => false,
    };
    match (is_hd, track.format.is_full_range) {
        (false, false) => YuvMatrix::BT601,
        (false, true) => YuvMatrix::BT601_FULL,
        (true, false) => YuvMatrix::BT709,
        (true, true) => YuvMatrix::BT709_FULL,
    }
}

/// Reads a packet in Annex B form into `annex_b`: start codes instead of lengths, and the parameter sets in front
/// where decoding can start.
fn read_packet(
    reader: &mut (impl Read + Seek),
    track: &VideoTrack,
    packet: &Packet,
    annex_b: &mut Vec<u8>,
) -> Result<(), BadPacket> {
    if packet.size > MOST_PACKET_BYTES {
        return Err(BadPacket);
    }
    annex_b.clear();
    if packet.is_sync {
        annex_b.extend(&track.parameter_sets);
    }
    reader
        .seek(SeekFrom::Start(packet.offset))
        .map_err(|_| BadPacket)?;
    let mut left = packet.size;
    while left > 0 {
        let mut length = [0; 4];
        let n = track.nal_length_bytes;
        reader
            .read_exact(&mut length[4 - n..])
            .map_err(|_| BadPacket)?;
        let length = u64::from(u32::from_be_bytes(length));
        left = left.checked_sub(n as u64 + length).ok_or(BadPacket)?;
        annex_b.extend([0, 0, 0, 1]);
        let n_read = reader
            .take(length)
            .read_to_end(annex_b)
            .map_err(|_| BadPacket)?;
        if n_read as u64 != length {
            return Err(BadPacket);
        }
    }
    Ok(())
}

/// A picture in RGBA, turned upright.
fn to_rgba(
    picture: &Picture<'_>,
    matrix: &YuvMatrix,
    rotation: Rotation,
    unturned: &mut Vec<u8>,
    pool: &FramePool,
) -> (Resolution, PooledBuffer) {
    let decoded = picture.resolution;
    let resolution = match rotation {
        Rotation::None | Rotation::By180 => decoded,
        Rotation::By90 | Rotation::By270 => Resolution::new(decoded.height_px, decoded.width_px),
    };
    let mut rgba = pool.buffer(resolution);
    if rotation == Rotation::None {
        convert(picture, matrix, &mut rgba);
    } else {
        unturned.resize(rgba.len(), 0);
        convert(picture, matrix, unturned);
        turn(unturned, decoded, rotation, &mut rgba);
    }
    (resolution, rgba)
}

fn convert(picture: &Picture<'_>, matrix: &YuvMatrix, rgba: &mut [u8]) {
    let width = picture.resolution.width_px as usize;
    let [luma, u, v] = picture.planes;
    let [luma_stride, u_stride, v_stride] = picture.strides;
    let half = width.div_ceil(2);
    for (y, row) in rgba.chunks_exact_mut(width * RGBA_BYTES).enumerate() {
        i420_row(
            matrix,
            &luma[y * luma_stride..][..width],
            &u[y / 2 * u_stride..][..half],
            &v[y / 2 * v_stride..][..half],
            row,
        );
    }
}

/// Turns a picture of the size `resolution` clockwise.
fn turn(from: &[u8], resolution: Resolution, rotation: Rotation, to: &mut [u8]) {
    let (width, height) = (resolution.width_px as usize, resolution.height_px as usize);
    let (from, _) = from.as_chunks::<RGBA_BYTES>();
    let (to, _) = to.as_chunks_mut::<RGBA_BYTES>();
    for (i, pixel) in to.iter_mut().enumerate() {
        *pixel = match rotation {
            Rotation::None => from[i],
            Rotation::By180 => from[width * height - 1 - i],
            Rotation::By90 => from[(height - 1 - i % height) * width + i / height],
            Rotation::By270 => from[i % height * width + (width - 1 - i / height)],
        };
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::capture::{demo::CLIP, video::demux};

    fn open(bytes: Vec<u8>) -> Result<Mp4Source<Cursor<Vec<u8>>>, String> {
        let mut reader = Cursor::new(bytes);
        let track = demux::read(&mut reader).map_err(|err| format!("{err:?}"))?;
        Mp4Source::new(reader, track, "clip".to_owned())
    }

    fn times(source: &mut impl FrameSource) -> Vec<Duration> {
        let pool = FramePool::default();
        std::iter::from_fn(|| source.next_frame(&pool).unwrap())
            .map(|frame| frame.time)
            .collect()
    }

    #[test]
    fn a_clip_plays_to_its_end_in_true_time() {
        let mut source = open(CLIP.to_vec()).unwrap();
        assert_eq!(source.info().resolution, Resolution::new(640, 480));
        assert_eq!(source.info().n_frames, Some(270));
        assert!((source.info().rate_hz.unwrap() - 30.0).abs() < 0.01);
        let times = times(&mut source);
        assert_eq!(times.len(), 270);
        for (i, time) in times.iter().enumerate() {
            assert!(
                (time.as_secs_f64() - i as f64 / 30.0).abs() < 1e-4,
                "frame {i}: {time:?}"
            );
        }
        assert!(source.next_frame(&FramePool::default()).unwrap().is_none());
    }

    /// Number, time and a few pixels of the next frame.
    fn next(source: &mut impl FrameSource) -> Option<(u64, Duration, Vec<u8>)> {
        let frame = source.next_frame(&FramePool::default()).unwrap()?;
        let pixels = frame.rgba().iter().copied().step_by(997).collect();
        Some((frame.id.0, frame.time, pixels))
    }

    #[test]
    fn any_frame_can_be_gone_to_and_is_the_same_as_ever() {
        let mut source = open(CLIP.to_vec()).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| next(&mut source)).collect();
        let length = source.info().duration.unwrap();
        assert!((length.as_secs_f64() - 9.0).abs() < 1e-3, "{length:?}");
        // From the end back, on from there in small and large steps, onto the same again, and back.
        for place in [269, 0, 1, 5, 4, 130, 131, 131, 260, 259, 30] {
            assert!(source.seek(all[place].1).unwrap());
            assert_eq!(next(&mut source).as_ref(), Some(&all[place]));
            assert_eq!(next(&mut source).as_ref(), all.get(place + 1));
        }
        // Between two frames the earlier one is on show.
        source.seek(all[50].1 - Duration::from_millis(1)).unwrap();
        assert_eq!(next(&mut source).as_ref(), Some(&all[49]));
        source.seek(Duration::MAX).unwrap();
        assert_eq!(next(&mut source).as_ref(), Some(&all[269]));
        assert!(next(&mut source).is_none());
    }

    #[test]
    fn a_place_that_is_missing_leads_to_the_last_frame_before_it() {
        let mut source = open(CLIP[..CLIP.len() / 2].to_vec()).unwrap();
        let last = std::iter::from_fn(|| next(&mut source)).last();
        assert!(last.is_some());
        source.seek(Duration::from_secs(8)).unwrap();
        assert_eq!(next(&mut source), last);
        assert_eq!(next(&mut source), None);
    }

    #[test]
    fn the_colours_are_right() {
        let mut source = open(CLIP.to_vec()).unwrap();
        let frame = source.next_frame(&FramePool::default()).unwrap().unwrap();
        // The ground at the top left: Y 70, U 133, V 124 less the vignette, in BT.601.
        let [r, g, b] = [frame.rgba()[0], frame.rgba()[1], frame.rgba()[2]].map(i32::from);
        assert!(b > g && g > r && (20..60).contains(&g), "{r} {g} {b}");
    }

    #[test]
    fn a_file_cut_short_plays_what_is_there() {
        let mut source = open(CLIP[..CLIP.len() / 2].to_vec()).unwrap();
        let n_frames = times(&mut source).len();
        assert!((50..220).contains(&n_frames), "{n_frames}");
    }

    #[test]
    fn damaged_packets_do_not_stop_it_or_shift_the_times() {
        let mut bytes = CLIP.to_vec();
        let track = demux::read(&mut Cursor::new(CLIP)).unwrap();
        for packet in &track.packets[20..25] {
            let start = packet.offset as usize;
            bytes[start + 4..start + packet.size as usize].fill(0xA5);
        }
        let mut source = open(bytes).unwrap();
        let times = times(&mut source);
        assert!(times.len() < 270 && times.len() > 150, "{}", times.len());
        assert!((times.last().unwrap().as_secs_f64() - 269.0 / 30.0).abs() < 1e-4);
        assert!(times.is_sorted());
    }

    #[test]
    fn a_file_of_damaged_packets_is_refused() {
        let mut bytes = CLIP.to_vec();
        let track = demux::read(&mut Cursor::new(CLIP)).unwrap();
        let start = track.packets[0].offset as usize;
        bytes[start..].fill(0x3C);
        assert!(open(bytes).is_err());
    }

    #[test]
    fn an_edit_list_cuts_both_ends() {
        let mut reader = Cursor::new(CLIP);
        let mut track = demux::read(&mut reader).unwrap();
        for (i, packet) in track.packets.iter_mut().enumerate() {
            packet.is_shown = (100..103).contains(&i);
        }
        let mut source = Mp4Source::new(reader, track, "clip".to_owned()).unwrap();
        assert_eq!(source.info().n_frames, Some(3));
        let times = times(&mut source);
        assert_eq!(times.len(), 3);
        assert_eq!(times[0], Duration::ZERO);
    }

    #[test]
    fn pictures_are_turned_clockwise() {
        // a b c
        // d e f
        let from: Vec<u8> = b"abcdef".iter().flat_map(|&c| [c; 4]).collect();
        for (rotation, expected) in [
            (Rotation::None, b"abcdef"),
            (Rotation::By90, b"daebfc"),
            (Rotation::By180, b"fedcba"),
            (Rotation::By270, b"cfbead"),
        ] {
            let mut to = vec![0; from.len()];
            turn(&from, Resolution::new(3, 2), rotation, &mut to);
            let letters: Vec<u8> = to.chunks(4).map(|pixel| pixel[0]).collect();
            assert_eq!(letters, expected, "{rotation:?}");
        }
    }

    #[test]
    fn a_turned_video_is_as_high_as_it_was_wide() {
        let mut reader = Cursor::new(CLIP);
        let mut track = demux::read(&mut reader).unwrap();
        track.rotation = Rotation::By90;
        let source = Mp4Source::new(reader, track, "clip".to_owned()).unwrap();
        assert_eq!(source.info().resolution, Resolution::new(480, 640));
    }
}
