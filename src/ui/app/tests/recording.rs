//! A recording in the window: markers that answer, and questions before it ends.

use super::*;
use crate::{
    frame::FrameId,
    pipeline::SourceRun,
    record::VideoChoice,
    session::{Session, marker_keys::MarkerKeys, tables::EventKind},
};

/// Steps until something is so.
#[track_caller]
pub fn until(window: &mut Window, is_so: impl Fn(&mut Window) -> bool) {
    for _ in 0..2000 {
        window.settle();
        if is_so(window) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it never is so");
}

impl Window {
    /// A window that records a webcam into `root`.
    pub fn recording(root: &Path) -> Self {
        let mut marker_keys = MarkerKeys::default();
        marker_keys.words_mut()[1] = "stimulus on".to_owned();
        let mut window = Self::new(UiSettings {
            sessions_folder: Some(root.to_owned()),
            video: VideoChoice::None,
            marker_keys,
            ..UiSettings::default()
        });
        window.send(Event::CheckpointLoaded(fixtures::checkpoint()));
        window.send(Event::Source(SourceState::Live(fixtures::webcam())));
        window.show(1);
        window.press(Modifiers::NONE, Key::R);
        until(&mut window, |window| window.app().recordings.is_on());
        window
    }

    /// The recorder gets a frame that was captured so long ago.
    fn capture(&mut self, ago: Duration) {
        let at = Instant::now().checked_sub(ago).unwrap();
        let frame = fixtures::frame(1, Resolution::new(64, 48), at);
        assert_eq!(frame.id, FrameId(1));
        let taps = self.engine.0.borrow().taps.clone();
        for tap in taps.iter().filter_map(Weak::upgrade) {
            tap.captured(SourceRun(1), &frame);
        }
        until(self, |window| {
            let elapsed = window.app().recordings.elapsed();
            elapsed.is_some_and(|elapsed| elapsed >= ago)
        });
    }

    fn is_recording(&mut self) -> bool {
        self.app().recordings.elapsed().is_some()
    }
}

/// The only session in a folder.
pub fn session(root: &Path) -> Session {
    let entry = std::fs::read_dir(root).unwrap().next().unwrap();
    Session::open(&entry.unwrap().path()).unwrap()
}

#[test]
fn markers_flash_and_are_counted() {
    let root = tempfile::tempdir().unwrap();
    let mut window = Window::recording(root.path());
    window.press(Modifiers::NONE, Key::K);
    until(&mut window, |window| window.shows("Marker 1 · 0:00"));
    window.press(Modifiers::NONE, Key::Num2);
    until(&mut window, |window| {
        window.shows("Marker 2 · 0:00 · stimulus on") && window.shows("2 markers")
    });
    window.press(Modifiers::NONE, Key::Num3);
    window.press(Modifiers::NONE, Key::R);
    until(&mut window, |window| !window.app().recordings.is_on());
    let session = session(root.path());
    let markers = session.events.iter();
    let markers = markers.filter(|event| event.kind == EventKind::Marker);
    let texts: Vec<&str> = markers.map(|event| event.detail.as_str()).collect();
    assert_eq!(texts, ["", "stimulus on"], "key 3 has no words");
    assert_eq!(session.manifest.marker_keys.words(2), Some("stimulus on"));
}

#[test]
fn marker_keys_are_asked_for_and_remembered() {
    let mut window = Window::live(1);
    window.press(Modifiers::COMMAND, Key::M);
    let role = Role::TextInput;
    window.harness.get_by_role_and_label(role, "Key 1").focus();
    window.settle();
    let field = window.harness.get_by_role_and_label(role, "Key 1");
    field.type_text("laugh");
    window.settle();
    window.click("Save");
    assert_eq!(window.app().settings.marker_keys.words(1), Some("laugh"));
}

#[test]
fn a_long_recording_is_not_stopped_by_one_key() {
    let root = tempfile::tempdir().unwrap();
    let mut window = Window::recording(root.path());
    window.capture(Duration::from_secs(64));
    window.press(Modifiers::NONE, Key::R);
    assert!(window.shows("Recording for 1:04. Stop?"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Stop?") && window.is_recording());
    window.press(Modifiers::NONE, Key::R);
    window.press(Modifiers::NONE, Key::R);
    until(&mut window, |window| !window.is_recording());
}

#[test]
fn a_long_recording_holds_the_window_and_the_source() {
    let root = tempfile::tempdir().unwrap();
    let mut window = Window::recording(root.path());
    window.capture(Duration::from_secs(60));
    window.told();
    window.press(Modifiers::COMMAND, Key::D);
    assert!(window.shows("Stop and open another source?"));
    assert_eq!(window.told(), []);
    window.click("Keep recording");
    assert!(window.is_recording());
    window.press(Modifiers::COMMAND, Key::Q);
    assert!(window.shows("Stop and close?"));
    window.click("Keep recording");
    window.press(Modifiers::COMMAND, Key::D);
    window.click("Stop and open");
    assert_eq!(window.told(), [Told::Open(SourceSpec::Demo)]);
}

#[test]
fn the_bell_rings_once_when_no_frames_come() {
    let root = tempfile::tempdir().unwrap();
    let mut window = Window::recording(root.path());
    window.capture(Duration::ZERO);
    let rings = |window: &Window| {
        let viewports = &window.harness.output().viewport_output;
        let commands = viewports.values().flat_map(|viewport| &viewport.commands);
        commands
            .filter(|command| matches!(command, ViewportCommand::RequestUserAttention(_)))
            .count()
    };
    let mut n_rings = 0;
    for _ in 0..1000 {
        window.harness.step();
        n_rings += rings(&window);
        if window.shows("No frames for ") {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(n_rings, 1);
    window.harness.step();
    assert_eq!(rings(&window), 0);
}
