//! The source with a camera that obeys a channel: the test sends what the camera does. Nothing here depends on a device, and
//! only tests of time limits depend on the clock.

use std::{convert::Infallible, thread};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{
    camera::{Arrived, Camera},
    *,
};
use crate::{
    capture::{SourceKind, camera_format::PixelFormat, devices::CameraId},
    frame::Resolution,
};

const SIZE: Resolution = Resolution::new(2, 1);

const QUICK: Limits = Limits {
    open: Duration::from_secs(5),
    first_frame: Duration::from_millis(30),
    frame: Duration::from_millis(30),
    close: Duration::from_millis(30),
};

/// For tests in which nothing may time out, however slow the computer.
const PATIENT: Limits = Limits {
    open: Duration::from_secs(60),
    first_frame: Duration::from_secs(60),
    frame: Duration::from_secs(60),
    close: Duration::from_secs(60),
};

enum Act {
    /// A frame of this gray value.
    Send(u8),
    /// The same, captured this long ago.
    SendLate(u8, Duration),
    /// The same, with the driver's mark that it is damaged.
    SendMarked(u8),
    /// Fewer bytes than a frame has.
    Cut,
    /// Nothing for a moment.
    Pause,
    Unplug,
    Panic,
}

struct ScriptedCamera {
    script: Receiver<Act>,
    /// Tells the test that the camera was closed.
    _open: Sender<Infallible>,
}

impl Camera for ScriptedCamera {
    fn read(&mut self, data: &mut Vec<u8>) -> Result<Option<Arrived>, CaptureError> {
        data.clear();
        // Without an act it blocks, like a driver that hangs.
        let act = self.script.recv().unwrap_or(Act::Unplug);
        let mut arrived = Arrived {
            captured_at: Instant::now(),
            is_marked_damaged: false,
        };
        match act {
            Act::Send(gray) => data.extend([gray; 6]),
            Act::SendLate(gray, age) => {
                data.extend([gray; 6]);
                arrived.captured_at -= age;
            }
            Act::SendMarked(gray) => {
                data.extend([gray; 6]);
                arrived.is_marked_damaged = true;
            }
            Act::Cut => data.extend([0; 5]),
            Act::Pause => return Ok(None),
            Act::Unplug => {
                return Err(CaptureError::Disconnected {
                    name: "Test".to_owned(),
                });
            }
            Act::Panic => panic!("a panic on purpose"),
        }
        Ok(Some(arrived))
    }
}

struct Rig {
    /// Dropped before the source, so that the camera unplugs itself when a test fails.
    acts: Sender<Act>,
    source: WebcamSource,
    closed: Receiver<Infallible>,
    pool: FramePool,
}

impl Rig {
    fn new(limits: Limits) -> Self {
        let (acts, script) = bounded(0); // Sending returns when the camera has taken the act.
        let (open, closed) = bounded(0);
        let source = WebcamSource::start(
            "Test",
            move || {
                Ok(Opened {
                    camera: Box::new(ScriptedCamera {
                        script,
                        _open: open,
                    }),
                    hello: Hello {
                        info: SourceInfo {
                            name: "Test".to_owned(),
                            kind: SourceKind::Live,
                            resolution: SIZE,
                            rate_hz: Some(30.0),
                            n_frames: None,
                            duration: None,
                            format: "RGB3".to_owned(),
                            mirror_by_default: true,
                        },
                        id: CameraId {
                            name: "Test".to_owned(),
                            ..CameraId::default()
                        },
                        pixel_format: PixelFormat::Rgb24,
                    },
                })
            },
            limits,
        )
        .unwrap();
        Self {
            source,
            acts,
            closed,
            pool: FramePool::default(),
        }
    }

    fn act(&self, act: Act) {
        self.acts.send(act).unwrap();
    }

    /// Number and gray value of the next frame.
    fn next(&mut self) -> Result<(u64, u8), CaptureError> {
        let frame = self.source.next_frame(&self.pool)?.unwrap();
        assert_eq!(frame.resolution(), SIZE);
        Ok((frame.id.0, frame.rgba()[0]))
    }
}

#[test]
fn frames_come_in_order_with_their_times() {
    let mut rig = Rig::new(PATIENT);
    let mut last = None;
    for gray in 0..5 {
        rig.act(Act::Send(gray));
        let frame = rig.source.next_frame(&rig.pool).unwrap().unwrap();
        assert_eq!((frame.id.0, frame.rgba()[0]), (u64::from(gray), gray));
        assert!(frame.captured_at <= Instant::now());
        match last.replace((frame.time, frame.captured_at)) {
            None => assert_eq!(frame.time, Duration::ZERO),
            Some((time, captured_at)) => {
                assert_eq!(frame.time - time, frame.captured_at - captured_at);
            }
        }
    }
    rig.act(Act::Unplug); // Ends the thread.
}

#[test]
fn the_newest_frame_wins() {
    let mut rig = Rig::new(PATIENT);
    for gray in 0..10 {
        rig.act(Act::Send(gray));
    }
    // The camera has received the tenth act, so at least the ninth frame has been handed over.
    let (id, gray) = rig.next().unwrap();
    assert!(id >= 8 && u64::from(gray) == id, "{id} {gray}");
    rig.act(Act::Unplug);
}

#[test]
fn damaged_frames_are_skipped_but_counted() {
    let mut rig = Rig::new(PATIENT);
    let pool = rig.pool.clone();
    for (n, damaged) in [Act::Cut, Act::SendMarked(5), Act::Cut]
        .into_iter()
        .enumerate()
    {
        rig.act(damaged);
        rig.act(Act::Pause);
        rig.act(Act::Pause); // Received after the damaged frame was handed over, so nothing replaces it unread.
        let raw = match rig.source.thread.inbox.recv().unwrap() {
            Event::Frame(raw) => raw,
            Event::Ended(err) => panic!("{err}"),
        };
        assert!(rig.source.decode(raw, &pool).is_none());
        assert_eq!(rig.source.n_damaged(), n as u64 + 1);
    }
    rig.act(Act::Send(9));
    assert_eq!(rig.next().unwrap(), (3, 9));
    assert_eq!(rig.source.n_damaged(), 3, "in total");
    rig.act(Act::Unplug);
}

#[test]
fn the_drivers_time_is_the_frames_time() {
    let mut rig = Rig::new(PATIENT);
    let age = Duration::from_millis(400);
    let before = Instant::now();
    rig.act(Act::SendLate(1, age));
    let first = rig.source.next_frame(&rig.pool).unwrap().unwrap();
    assert!(first.captured_at + age >= before && first.captured_at + age <= Instant::now());
    // A clock that runs backward does not change the order.
    rig.act(Act::SendLate(2, 10 * age));
    let second = rig.source.next_frame(&rig.pool).unwrap().unwrap();
    assert_eq!(second.captured_at, first.captured_at);
    assert_eq!(second.time, Duration::ZERO);
    rig.act(Act::Unplug);
}

#[test]
fn a_silent_camera_does_not_block_the_end() {
    let rig = Rig::new(PATIENT);
    let (acts, closed) = (rig.acts, rig.closed);
    let feeder = thread::spawn(move || while acts.send(Act::Pause).is_ok() {});
    drop(rig.source);
    assert!(closed.recv().is_err(), "the camera is closed");
    feeder.join().unwrap();
}

#[test]
fn a_camera_is_opened_again_as_itself() {
    let rig = Rig::new(PATIENT);
    let spec = SourceSpec::parse("camera:0");
    let SourceSpec::Camera(choice) = rig.source.pinned(&spec) else {
        panic!("it is a camera")
    };
    let mut known = choice.known.unwrap();
    assert_eq!(
        (known.name.as_str(), known.id.name.as_str()),
        ("Test", "Test")
    );
    // A camera that is known to be another stays another.
    known.others.insert(CameraId::default());
    let again = rig.source.pinned(&SourceSpec::Camera(CameraChoice {
        known: Some(known.clone()),
        ..CameraChoice::default()
    }));
    let SourceSpec::Camera(choice) = again else {
        panic!("it is a camera")
    };
    assert_eq!(choice.known, Some(known));
    assert_eq!(rig.source.pinned(&SourceSpec::Demo), SourceSpec::Demo);
    rig.act(Act::Unplug);
}

#[test]
fn only_damaged_frames_are_a_fault_from_which_it_recovers() {
    let mut rig = Rig::new(QUICK);
    let feeder = thread::spawn({
        let acts = rig.acts.clone();
        // Cut frames without a pause, until the camera is closed.
        move || while acts.send(Act::Cut).is_ok() {}
    });
    // On a busy computer the frames may come too late for some limits: that is a stall, which is not tested here.
    let err = (0..1000)
        .map(|_| rig.next().unwrap_err())
        .find(|err| !matches!(err, CaptureError::Stalled { .. }))
        .unwrap();
    assert!(matches!(err, CaptureError::Faulty { .. }), "{err:?}");
    assert!(err.is_transient());
    let acts = rig.acts.clone();
    let good = thread::spawn(move || while acts.send(Act::Send(3)).is_ok() {});
    let gray = (0..1000).find_map(|_| rig.next().ok()).unwrap().1;
    assert_eq!(gray, 3);
    drop(rig);
    feeder.join().unwrap();
    good.join().unwrap();
}

#[test]
fn a_silent_camera_stalls_and_comes_back() {
    let mut rig = Rig::new(QUICK);
    for _ in 0..2 {
        let err = rig.next().unwrap_err();
        assert!(matches!(err, CaptureError::Stalled { .. }), "{err:?}");
        assert!(err.is_transient());
    }
    rig.act(Act::Send(7));
    let (id, gray) = (0..1000).find_map(|_| rig.next().ok()).unwrap();
    assert_eq!((id, gray), (0, 7));
    rig.act(Act::Unplug);
}

#[test]
fn an_unplugged_camera_is_closed_before_the_error_is_returned() {
    let mut rig = Rig::new(PATIENT);
    rig.act(Act::Unplug);
    assert!(matches!(rig.next(), Err(CaptureError::Disconnected { .. })));
    assert!(rig.closed.recv().is_err(), "the camera is closed");
    // And stays away.
    assert!(matches!(rig.next(), Err(CaptureError::Disconnected { .. })));
}

#[test]
fn a_panic_in_the_library_is_an_error() {
    let mut rig = Rig::new(PATIENT);
    rig.act(Act::Panic);
    assert!(matches!(rig.next(), Err(CaptureError::Faulty { .. })));
    assert!(matches!(rig.next(), Err(CaptureError::Disconnected { .. })));
}

#[test]
fn a_panic_while_opening_is_an_error() {
    let result = WebcamSource::start("Test", || panic!("a panic on purpose"), PATIENT);
    assert!(matches!(
        result.err(),
        Some(CaptureError::OpenCamera { .. })
    ));
}

#[test]
fn a_driver_that_never_answers_is_an_error() {
    let (release, blocked) = bounded::<Infallible>(0);
    let limits = Limits {
        open: Duration::from_millis(20),
        ..QUICK
    };
    let result = WebcamSource::start(
        "Test",
        move || {
            blocked.recv().ok();
            Err(CaptureError::NoCamera)
        },
        limits,
    );
    assert!(matches!(
        result.err(),
        Some(CaptureError::OpenCamera {
            transient: true,
            ..
        })
    ));
    drop(release);
}

#[test]
fn the_reason_for_not_opening_is_passed_on() {
    let result = WebcamSource::start("Test", || Err(CaptureError::NoCamera), PATIENT);
    assert!(matches!(result.err(), Some(CaptureError::NoCamera)));
}

#[test]
fn a_dropped_source_abandons_a_blocked_read() {
    let rig = Rig::new(QUICK);
    let (acts, closed) = (rig.acts, rig.closed);
    drop(rig.source); // Returns although the camera is silent.
    assert!(closed.try_recv() != Err(crossbeam_channel::TryRecvError::Disconnected));
    acts.send(Act::Send(0)).unwrap(); // The driver call returns …
    assert!(closed.recv().is_err()); // … and the thread closes the camera and ends.
}
