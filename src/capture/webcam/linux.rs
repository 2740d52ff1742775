//! Cameras on Linux, through `v4l`: opening in exactly one format, reading with a time limit.
//!
//! This uses the crate that nokhwa itself uses here, because nokhwa drops what the kernel says about each frame (how many
//! bytes it has, whether a part was lost, when it was captured), refuses every rate that is not a whole number, and reads
//! without a time limit.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};
use v4l::{
    Device,
    buffer::{Flags, Metadata, Type},
    io::{
        mmap::Stream,
        traits::{CaptureStream, Stream as _},
    },
};

use super::{
    camera::{
        Arrived, Camera, Hello, Listed, Opened, failed_to_open, faulty, find, listed, opened_info,
    },
    v4l2,
};
use crate::capture::{
    CameraChoice, CaptureError,
    camera_format::choose_format,
    devices::{CameraDevice, CameraId, CameraProblem},
};

/// Number of the driver's buffers.
const N_BUFFERS: u32 = 4;

/// How long one read may take; then the thread checks whether to stop.
const READ_WITHIN_MS: i32 = 200;

/// A driver's timestamp that is older than this is not of the expected clock.
const MAX_AGE: Duration = Duration::from_secs(10);

/// All cameras, in the system's order.
pub(super) fn list() -> Vec<Listed<u32>> {
    let listed_node = |node: v4l2::Node| Listed {
        device: CameraDevice {
            number: 0,
            name: node.name,
            id: node.id,
            formats: node.formats,
            problem: node.problem,
        },
        handle: node.number,
    };
    listed(v4l2::nodes().into_iter().map(listed_node))
}

/// All cameras, for telling them apart, without opening any.
pub(super) fn present() -> BTreeSet<CameraId> {
    v4l2::present()
}

/// Finds the camera that matches `choice`, opens it and starts it.
pub(super) fn open(choice: &CameraChoice) -> Result<Opened, CaptureError> {
    let list = list();
    let (Listed { device, handle }, name) = find(&list, choice)?;
    let format =
        choose_format(&device.formats, choice).ok_or_else(|| CameraProblem::Silent.of(&name))?;
    let failed = |err: io::Error| explain(&name, &err);
    let open = v4l2::open(*handle).map_err(failed)?;
    let rate = v4l2::set_format(&open, format).map_err(failed)?;
    let stream = start(&open).map_err(failed)?;
    Ok(Opened {
        hello: Hello {
            info: opened_info(&name, format, rate, choice),
            id: device.id.clone(),
            pixel_format: format.pixel_format,
        },
        camera: Box::new(OpenCamera { stream, name }),
    })
}

/// Lets the driver fill buffers.
fn start(device: &Device) -> io::Result<Stream<'static>> {
    let mut stream = Stream::with_buffers(device, Type::VideoCapture, N_BUFFERS)?;
    // `Stream::next` first queues the buffer that was read last, at the start buffer 0, and then waits. If all buffers were
    // queued at the start, as it does by itself, it would wait for its first frame without a time limit.
    let mut index = 1;
    while CaptureStream::queue(&mut stream, index).is_ok() {
        index += 1; // Until the driver has no buffer with that number.
    }
    stream.start()?;
    Ok(stream)
}

struct OpenCamera {
    stream: Stream<'static>,
    name: String,
}

impl Camera for OpenCamera {
    fn read(&mut self, data: &mut Vec<u8>) -> Result<Option<Arrived>, CaptureError> {
        match self.read_within(data) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => Ok(None),
            result => result.map_err(|err| faulty(explain(&self.name, &err))),
        }
    }
}

impl OpenCamera {
    fn read_within(&mut self, data: &mut Vec<u8>) -> io::Result<Option<Arrived>> {
        if self.stream.handle().poll(libc::POLLIN, READ_WITHIN_MS)? == 0 {
            return Ok(None);
        }
        let (buffer, metadata) = CaptureStream::next(&mut self.stream)?;
        let n_bytes = buffer.len().min(metadata.bytesused as usize);
        data.clear();
        data.extend_from_slice(&buffer[..n_bytes]);
        Ok(Some(Arrived {
            captured_at: captured_at(metadata),
            is_marked_damaged: metadata.flags.contains(Flags::ERROR),
        }))
    }
}

/// When the frame was captured: by the driver's timestamp, or now if that is missing or implausible.
fn captured_at(metadata: &Metadata) -> Instant {
    let now = Instant::now();
    let age = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .ok()
        .and_then(|clock| age(metadata, clock.into()));
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

/// How old a frame is at the time `clock` of `CLOCK_MONOTONIC`.
fn age(metadata: &Metadata, clock: Duration) -> Option<Duration> {
    if metadata.flags & Flags::TIMESTAMP_MASK != Flags::TIMESTAMP_MONOTONIC {
        return None;
    }
    let seconds = u64::try_from(metadata.timestamp.sec).ok()?;
    let micros = u64::try_from(metadata.timestamp.usec).ok()?;
    let taken = Duration::from_secs(seconds).checked_add(Duration::from_micros(micros))?;
    clock.checked_sub(taken).filter(|age| *age <= MAX_AGE)
}

/// Converts a driver's error into ours.
fn explain(name: &str, err: &io::Error) -> CaptureError {
    match err.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO | libc::ENOENT) => CaptureError::Disconnected {
            name: name.to_owned(),
        },
        Some(libc::EACCES | libc::EPERM) => CameraProblem::NoPermission.of(name),
        Some(libc::EBUSY) => CameraProblem::Busy.of(name),
        _ => failed_to_open(name, err.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use v4l::timestamp::Timestamp;

    use super::*;

    #[test]
    fn a_frame_is_as_old_as_its_driver_says() {
        let clock = Duration::from_millis(100_040);
        let of = |flags, sec, usec| {
            let metadata = Metadata {
                flags,
                timestamp: Timestamp::new(sec, usec),
                ..Metadata::default()
            };
            age(&metadata, clock)
        };
        let monotonic = Flags::TIMESTAMP_MONOTONIC | Flags::TSTAMP_SRC_SOE | Flags::DONE;
        assert_eq!(of(monotonic, 100, 0), Some(Duration::from_millis(40)));
        assert_eq!(of(monotonic, 99, 990_000), Some(Duration::from_millis(50)));
        for (flags, sec, usec) in [
            (monotonic, 101, 0),           // In the future.
            (monotonic, 1_700_000_000, 0), // The time of day.
            (monotonic, 3, 0),             // Since another event.
            (monotonic, -1, 0),
            (monotonic, 100, -1),
            (Flags::TIMESTAMP_UNKNOWN, 100, 0),
            (Flags::TIMESTAMP_COPY, 100, 0), // Copied from the program that feeds it.
        ] {
            assert_eq!(of(flags, sec, usec), None, "{flags} {sec} {usec}");
        }
    }

    #[test]
    fn errors_of_the_kernel_become_words() {
        for (number, words) in [
            (libc::ENODEV, "camera “C” was disconnected"),
            (libc::ENOENT, "camera “C” was disconnected"),
            (
                libc::EBUSY,
                "camera “C” could not be opened: another program is using it; close that program",
            ),
            (
                libc::EIO,
                "camera “C” could not be opened: Input/output error (os error 5)",
            ),
        ] {
            let err = explain("C", &io::Error::from_raw_os_error(number));
            assert_eq!(err.to_string(), words);
            assert!(err.is_transient(), "{words}");
        }
        let err = explain("C", &io::Error::from_raw_os_error(libc::EACCES));
        assert!(
            err.to_string()
                .contains("permission denied; join the group"),
            "{err}"
        );
    }
}
