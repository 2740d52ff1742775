//! The source against a camera made of a channel: what the test sends is what the camera does, so nothing here
//! depends on a device, and on the clock only where a time limit is what is tested.

use super::*;
use crate::{capture::SourceKind, frame::Resolution};

const SIZE: Resolution = Resolution::new(2, 1);

const QUICK: Limits = Limits {
    open: Duration::from_secs(5),
    first_frame: Duration::from_millis(30),
    frame: Duration::from_millis(30),
    close: Duration::from_millis(30),
};

/// For tests in which nothing may time out, however slow the machine.
const PATIENT: Limits = Limits {
    open: Duration::from_secs(60),
    first_frame: Duration::from_secs(60),
    frame: Duration::from_secs(60),
    close: Duration::from_secs(60),
};

enum Act {
    /// A picture of this grey value.
    Send(u8),
    /// Fewer bytes than a picture has.
    Cut,
    Unplug,
    Panic,
}

struct ScriptedCamera {
    script: Receiver<Act>,
    /// Tells the test that the camera was closed.
    _open: Sender<Infallible>,
}

impl Camera for ScriptedCamera {
    fn read(&mut self, data: &mut Vec<u8>) -> Result<(), CaptureError> {
        data.clear();
        // Without an act it blocks, as a real camera that has fallen silent.
        match self.script.recv().unwrap_or(Act::Unplug) {
            Act::Send(grey) => data.extend([grey; 6]),
            Act::Cut => data.extend([0; 5]),
            Act::Unplug => {
                return Err(CaptureError::Disconnected {
                    name: "Test".to_owned(),
                });
            }
            Act::Panic => panic!("a panic on purpose"),
        }
        Ok(())
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
                    pixel_format: PixelFormat::Rgb24,
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

    /// Number and grey value of the next frame.
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
    for grey in 0..5 {
        rig.act(Act::Send(grey));
        let frame = rig.source.next_frame(&rig.pool).unwrap().unwrap();
        assert_eq!((frame.id.0, frame.rgba()[0]), (u64::from(grey), grey));
        assert!(frame.captured_at <= Instant::now());
        match last.replace((frame.time, frame.captured_at)) {
            None => assert_eq!(frame.time, Duration::ZERO),
            Some((time, captured_at)) => {
                assert_eq!(frame.time - time, frame.captured_at - captured_at);
            }
        }
    }
    rig.act(Act::Unplug); // Lets the thread go.
}

#[test]
fn the_newest_frame_wins() {
    let mut rig = Rig::new(PATIENT);
    for grey in 0..10 {
        rig.act(Act::Send(grey));
    }
    // The tenth was taken by the camera, so at least the ninth has been handed over.
    let (id, grey) = rig.next().unwrap();
    assert!(id >= 8 && u64::from(grey) == id, "{id} {grey}");
    rig.act(Act::Unplug);
}

#[test]
fn damaged_frames_are_skipped_but_counted() {
    let mut rig = Rig::new(PATIENT);
    rig.act(Act::Cut);
    rig.act(Act::Cut);
    rig.act(Act::Send(9));
    assert_eq!(rig.next().unwrap(), (2, 9));
    rig.act(Act::Unplug);
}

#[test]
fn only_damaged_frames_are_a_fault_from_which_it_recovers() {
    let mut rig = Rig::new(QUICK);
    let feeder = thread::spawn({
        let acts = rig.acts.clone();
        // Until the test is satisfied and the camera closed, cut pictures without a pause.
        move || while acts.send(Act::Cut).is_ok() {}
    });
    // On a busy machine the pictures may come too late for one or more limits: that is a stall, and not what is asked.
    let err = (0..1000)
        .map(|_| rig.next().unwrap_err())
        .find(|err| !matches!(err, CaptureError::Stalled { .. }))
        .unwrap();
    assert!(matches!(err, CaptureError::Faulty { .. }), "{err:?}");
    assert!(err.is_transient());
    let acts = rig.acts.clone();
    let good = thread::spawn(move || while acts.send(Act::Send(3)).is_ok() {});
    let grey = (0..1000).find_map(|_| rig.next().ok()).unwrap().1;
    assert_eq!(grey, 3);
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
    let (id, grey) = (0..1000).find_map(|_| rig.next().ok()).unwrap();
    assert_eq!((id, grey), (0, 7));
    rig.act(Act::Unplug);
}

#[test]
fn an_unplugged_camera_is_closed_before_it_is_told() {
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
fn a_dropped_source_leaves_a_blocked_read_behind() {
    let rig = Rig::new(QUICK);
    let (acts, closed) = (rig.acts, rig.closed);
    drop(rig.source); // Returns although the camera is silent.
    assert!(closed.try_recv() != Err(crossbeam_channel::TryRecvError::Disconnected));
    acts.send(Act::Send(0)).unwrap(); // The driver lets go …
    assert!(closed.recv().is_err()); // … and the thread closes the camera and ends.
}
