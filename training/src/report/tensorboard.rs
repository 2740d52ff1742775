//! Event files for TensorBoard, with scalars only.
//!
//! A file is a sequence of TFRecords, each an `Event` in protobuf (tensorflow/core/util/event.proto). Only a few fields are
//! needed, and the formats have not changed in years, so they are written here without a library. The checksums are masked
//! CRC-32C, not the CRC-32 of zip.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// An open event file.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    len: u64,
}

impl EventFile {
    /// Opens the file at `path` and truncates it to `len` bytes, which removes what an interrupted run wrote after its last
    /// saved state; 0 starts a new file. TensorBoard finds it if its name contains `tfevents`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open(path: &Path, len: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        let len = len.min(file.metadata()?.len());
        file.set_len(len)?;
        file.seek(SeekFrom::Start(len))?;
        let mut events = Self { file, len };
        if len == 0 {
            let mut event = wall_time(now());
            bytes_field(&mut event, 3, b"brain.Event:2");
            events.append(&event)?;
        }
        Ok(events)
    }

    /// Appends one value of a curve.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> io::Result<()> {
        let mut point = Vec::new();
        bytes_field(&mut point, 1, tag.as_bytes());
        key(&mut point, 2, FIXED_32);
        point.extend((value as f32).to_le_bytes());
        let mut summary = Vec::new();
        bytes_field(&mut summary, 1, &point);
        let mut event = wall_time(now());
        key(&mut event, 2, VARINT);
        varint(&mut event, step);
        bytes_field(&mut event, 5, &summary);
        self.append(&event)
    }

    /// Length so far, bytes; a run that resumes here gives it to [`Self::open`].
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing has been written. Never true, since a file starts with its version.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn append(&mut self, event: &[u8]) -> io::Result<()> {
        let record = record(event);
        self.file.write_all(&record)?;
        self.len += record.len() as u64;
        Ok(())
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// A TFRecord: length, its checksum, the bytes, their checksum.
fn record(bytes: &[u8]) -> Vec<u8> {
    let len = (bytes.len() as u64).to_le_bytes();
    let mut record = len.to_vec();
    record.extend(masked_crc(&len).to_le_bytes());
    record.extend(bytes);
    record.extend(masked_crc(bytes).to_le_bytes());
    record
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: it sees only a few dozen bytes per second.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

/// Wire types of protobuf.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const BYTES: u8 = 2;
const FIXED_32: u8 = 5;

/// An event with only its time.
fn wall_time(seconds: f64) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, FIXED_64);
    event.extend(seconds.to_le_bytes());
    event
}

fn key(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    out.push(field << 3 | wire_type);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes_field(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    key(out, field, BYTES);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The check value of the CRC catalog, and RFC 3720's for 32 bytes of 0.
    #[test]
    fn checksums_are_the_published_ones() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    /// The payloads of all records; panics on a wrong checksum.
    fn events(bytes: &[u8]) -> Vec<Vec<u8>> {
        let (mut rest, mut events) = (bytes, Vec::new());
        while !rest.is_empty() {
            let len = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let event = rest[12..12 + len].to_vec();
            assert_eq!(rest[..16 + len], record(&event));
            events.push(event);
            rest = &rest[16 + len..];
        }
        events
    }

    #[test]
    fn a_file_contains_its_version_and_the_scalars() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.test");
        let mut file = EventFile::open(&path, 0).unwrap();
        assert!(!file.is_empty());
        file.scalar("loss", 300, 0.5).unwrap();
        let events = events(&fs::read(&path).unwrap());
        assert_eq!(events.len(), 2);
        assert_eq!(events[0][9..], *b"\x1a\x0dbrain.Event:2");
        // step 300; summary of 13 bytes: one value of 11: tag “loss”, simple_value 0.5.
        let expected = b"\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\x00\x3f";
        assert_eq!(events[1][9..], *expected);
    }

    #[test]
    fn resuming_removes_what_came_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.test");
        let mut file = EventFile::open(&path, 0).unwrap();
        file.scalar("a", 1, 1.0).unwrap();
        let saved = file.len();
        file.scalar("a", 2, 2.0).unwrap();
        let mut file = EventFile::open(&path, saved).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), saved);
        file.scalar("a", 2, 3.0).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), file.len());
        assert_eq!(events(&fs::read(&path).unwrap()).len(), 3);
    }
}
