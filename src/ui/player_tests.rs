//! A file in the window: paused, stepped and gone through by buttons, keys, menu and slider.

use super::*;
use crate::{
    capture::SourceKind,
    ui::player::{Playback, SKIP},
};

const SECOND: Duration = Duration::from_secs(1);

fn clip() -> SourceInfo {
    SourceInfo {
        name: "clip.mp4".to_owned(),
        kind: SourceKind::File,
        n_frames: Some(1800),
        duration: Some(SECOND * 60),
        mirror_by_default: false,
        ..fixtures::webcam()
    }
}

impl Window {
    /// A window in which a file of a minute plays, with the frame at `time` on show.
    fn playing(time: Duration) -> Self {
        let mut window = Self::new(ViewSettings::default());
        window.send(Event::CheckpointLoaded(fixtures::checkpoint()));
        window.engine.0.borrow_mut().transport = Some(Transport {
            paused: false,
            speed: 1.0,
        });
        window.send(Event::Source(SourceState::Live(clip())));
        window.show_at(time, 1);
        window.told();
        window
    }

    fn show_at(&mut self, time: Duration, n_faces: usize) {
        let mut frame = fixtures::frame(1, Resolution::new(64, 48), Instant::now());
        let own = Arc::get_mut(&mut frame).expect("nobody else has it yet");
        own.time = time;
        {
            let mut script = self.engine.0.borrow_mut();
            let faces = fixtures::faces(n_faces);
            script.analysis = (n_faces > 0).then(|| fixtures::analysis(&frame, faces));
            script.frame = Some(frame);
        }
        self.settle();
    }

    fn wish(&mut self, playback: Playback) -> Vec<Told> {
        let ctx = self.harness.ctx.clone();
        self.app().execute(playback.into(), &ctx);
        self.settle();
        self.told()
    }
}

#[test]
fn only_what_can_be_paused_has_the_bar() {
    let mut window = Window::live(1);
    assert!(!window.shows("Step forward"));
    window.press(Modifiers::NONE, Key::Space);
    assert_eq!(window.told(), []);
    window.choose("Playback", "Play");
    assert_eq!(window.told(), [], "it rests");
    let window = Window::playing(SECOND);
    assert!(window.shows("Step forward"));
    assert!(window.shows("0:01.0 / 1:00.0"));
}

#[test]
fn buttons_keys_and_the_menu_do_the_same() {
    let mut window = Window::playing(SECOND * 30);
    window.click("Pause");
    assert_eq!(window.told(), [Told::Paused(true)]);
    assert!(window.shows("clip.mp4: paused"));
    window.press(Modifiers::NONE, Key::Space);
    assert_eq!(window.told(), [Told::Paused(false)]);
    window.click("Playback");
    let item = window
        .harness
        .get_by(|node| node.role() == Role::MenuItem && node.label().as_deref() == Some("Pause"));
    item.click();
    window.settle();
    assert_eq!(window.told(), [Told::Paused(true)]);
    window.type_text(".");
    assert_eq!(window.told(), [Told::Paused(true), Told::Step]);
    window.type_text(",");
    let just_before = SECOND * 30 - Duration::from_nanos(1);
    assert_eq!(window.told(), [Told::Paused(true), Told::Seek(just_before)]);
    window.show_at(SECOND * 29, 1);
    window.press(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(window.told(), [Told::Seek(SECOND * 29 + SKIP)]);
    window.show_at(SECOND * 34, 1);
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(window.told(), [Told::Seek(SECOND * 29)]);
    window.type_text(">");
    window.type_text("<");
    window.type_text("<");
    let speeds = [1.5, 1.0, 0.75].map(Told::Speed);
    assert_eq!(window.told(), speeds);
}

#[test]
fn a_place_waits_for_the_picture_of_the_one_before() {
    let mut window = Window::playing(SECOND);
    assert_eq!(
        window.wish(Playback::GoTo(SECOND * 10)),
        [Told::Seek(SECOND * 10)]
    );
    for place in 20..30 {
        assert_eq!(window.wish(Playback::GoTo(SECOND * place)), []);
    }
    assert!(window.shows("0:29.0 / 1:00.0"), "where it will be");
    window.show_at(SECOND * 10, 1);
    assert_eq!(window.told(), [Told::Seek(SECOND * 29)]);
    window.show_at(SECOND * 29, 1);
    assert_eq!(window.told(), []);
}

#[test]
fn results_from_before_are_not_drawn_on_the_frame_after() {
    let mut window = Window::playing(SECOND);
    assert!(window.shows("Face 0: angry"));
    window.wish(Playback::GoTo(SECOND * 10));
    assert!(
        window.shows("Face 0: angry"),
        "the old picture is still there"
    );
    window.show_at(SECOND * 10, 0);
    assert!(!window.shows("Face 0: angry"));
}

#[test]
fn a_file_that_is_over_starts_again() {
    let mut window = Window::playing(SECOND * 59);
    window.send(Event::Source(SourceState::Ended));
    assert!(!window.shows("clip.mp4 is over"), "the bar offers more");
    window.click("Play");
    assert_eq!(
        window.told(),
        [Told::Seek(Duration::ZERO), Told::Paused(false)]
    );
}

/// In a damaged file there may be no picture where somebody wants to go.
#[test]
fn an_end_without_a_picture_is_an_answer_too() {
    let mut window = Window::playing(SECOND);
    window.wish(Playback::GoTo(SECOND * 50));
    window.wish(Playback::GoTo(SECOND * 20));
    window.send(Event::Source(SourceState::Ended));
    assert_eq!(window.told(), [Told::Seek(SECOND * 20)]);
    window.show_at(SECOND * 20, 0);
    assert!(!window.shows("Face 0: angry"), "of the picture before");
}

#[test]
fn while_the_slider_is_held_the_file_stands_still() {
    let mut window = Window::playing(SECOND);
    assert_eq!(
        window.wish(Playback::DragTo(SECOND * 3)),
        [Told::Paused(true), Told::Seek(SECOND * 3)]
    );
    assert!(window.shows("Pause"), "which nobody asked for");
    window.show_at(SECOND * 3, 1);
    assert_eq!(
        window.wish(Playback::DragTo(SECOND * 4)),
        [Told::Seek(SECOND * 4)]
    );
    assert_eq!(window.wish(Playback::EndDrag), [Told::Paused(false)]);
    // One that stood still before does so after.
    window.wish(Playback::TogglePause);
    window.wish(Playback::DragTo(SECOND * 5));
    assert_eq!(window.wish(Playback::EndDrag), []);
}

#[test]
fn another_source_is_not_sought_in() {
    let mut window = Window::playing(SECOND);
    window.wish(Playback::GoTo(SECOND * 10));
    window.wish(Playback::GoTo(SECOND * 20));
    window.press(Modifiers::COMMAND, Key::D);
    window.told();
    window.show(1);
    assert_eq!(window.told(), []);
}
