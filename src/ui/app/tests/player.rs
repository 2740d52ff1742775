//! A file in the window: pause, step and seek by buttons, keys, menu and slider.

use super::*;
use crate::{
    capture::SourceKind,
    ui::{commands::PlayCommand, player::SKIP},
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
    /// A window that plays a file of one minute and shows the frame at `time`.
    fn playing(time: Duration) -> Self {
        let mut window = Self::new(UiSettings::default());
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
        let own = Arc::get_mut(&mut frame).expect("no one else has it yet");
        own.time = time;
        {
            let mut script = self.engine.0.borrow_mut();
            let faces = fixtures::faces(n_faces);
            script.analysis = (n_faces > 0).then(|| fixtures::analysis(&frame, faces));
            script.frame = Some(frame);
        }
        self.settle();
    }

    fn play(&mut self, command: PlayCommand) -> Vec<Told> {
        let ctx = self.harness.ctx.clone();
        self.app().execute(command.into(), &ctx);
        self.settle();
        self.told()
    }
}

#[test]
fn only_what_can_be_paused_has_a_transport_bar() {
    let mut window = Window::live(1);
    assert!(!window.shows("Step forward"));
    window.press(Modifiers::NONE, Key::Space);
    assert_eq!(window.told(), []);
    window.choose("Playback", "Play");
    assert_eq!(window.told(), [], "it is disabled");
    let window = Window::playing(SECOND);
    assert!(window.shows("Step forward"));
    assert!(window.shows("0:01.0 / 1:00.0"));
}

#[test]
fn buttons_keys_and_the_menu_do_the_same() {
    let mut window = Window::playing(SECOND * 30);
    window.click("Pause");
    assert_eq!(window.told(), [Told::Paused(true)]);
    assert!(window.shows("clip.mp4 · paused"));
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
fn a_seek_waits_for_the_frame_of_the_previous_one() {
    let mut window = Window::playing(SECOND);
    assert_eq!(
        window.play(PlayCommand::Seek(SECOND * 10)),
        [Told::Seek(SECOND * 10)]
    );
    for time in 20..30 {
        assert_eq!(window.play(PlayCommand::Seek(SECOND * time)), []);
    }
    assert!(window.shows("0:29.0 / 1:00.0"), "the target");
    window.show_at(SECOND * 10, 1);
    assert_eq!(window.told(), [Told::Seek(SECOND * 29)]);
    window.show_at(SECOND * 29, 1);
    assert_eq!(window.told(), []);
}

#[test]
fn results_from_before_a_seek_are_not_drawn_after_it() {
    let mut window = Window::playing(SECOND);
    assert!(window.shows("Face 0: angry"));
    window.play(PlayCommand::Seek(SECOND * 10));
    assert!(
        window.shows("Face 0: angry"),
        "the old frame is still shown"
    );
    window.show_at(SECOND * 10, 0);
    assert!(!window.shows("Face 0: angry"));
}

#[test]
fn a_file_that_has_ended_plays_again() {
    let mut window = Window::playing(SECOND * 59);
    window.send(Event::Source(SourceState::Ended));
    assert!(
        !window.shows("clip.mp4: end of file"),
        "the transport bar offers more"
    );
    window.click("Play");
    assert_eq!(
        window.told(),
        [Told::Seek(Duration::ZERO), Told::Paused(false)]
    );
}

/// In a damaged file there may be no frame at the target.
#[test]
fn the_end_of_the_file_ends_a_seek() {
    let mut window = Window::playing(SECOND);
    window.play(PlayCommand::Seek(SECOND * 50));
    window.play(PlayCommand::Seek(SECOND * 20));
    window.send(Event::Source(SourceState::Ended));
    assert_eq!(window.told(), [Told::Seek(SECOND * 20)]);
    window.show_at(SECOND * 20, 0);
    assert!(!window.shows("Face 0: angry"), "of the previous frame");
}

#[test]
fn a_held_slider_pauses_the_file() {
    let mut window = Window::playing(SECOND);
    assert_eq!(
        window.play(PlayCommand::Drag(SECOND * 3)),
        [Told::Paused(true), Told::Seek(SECOND * 3)]
    );
    assert!(window.shows("Pause"), "the user has not paused it");
    window.show_at(SECOND * 3, 1);
    assert_eq!(
        window.play(PlayCommand::Drag(SECOND * 4)),
        [Told::Seek(SECOND * 4)]
    );
    assert_eq!(window.play(PlayCommand::EndDrag), [Told::Paused(false)]);
    // A paused file stays paused.
    window.play(PlayCommand::TogglePause);
    window.play(PlayCommand::Drag(SECOND * 5));
    assert_eq!(window.play(PlayCommand::EndDrag), []);
}

#[test]
fn another_source_gets_no_seek() {
    let mut window = Window::playing(SECOND);
    window.play(PlayCommand::Seek(SECOND * 10));
    window.play(PlayCommand::Seek(SECOND * 20));
    window.press(Modifiers::COMMAND, Key::D);
    window.told();
    window.show(1);
    assert_eq!(window.told(), []);
}

/// The clip shows its last frame and ends.
fn end(window: &mut Window, last: Duration) {
    window.show_at(last, 1);
    window.told();
    window.send(Event::Source(SourceState::Ended));
}

fn pass_time(window: &mut Window, seconds: f64) {
    let now_s = window.harness.ctx.input(|input| input.time);
    window.harness.input_mut().time = Some(now_s + seconds);
    window.harness.step();
    window.harness.input_mut().time = None;
}

#[test]
fn a_file_plays_again_if_it_is_to() {
    const LAST: Duration = Duration::from_millis(58_500);
    let mut window = Window::playing(SECOND);
    end(&mut window, LAST);
    pass_time(&mut window, 5.0);
    assert_eq!(window.told(), []);
    assert!(window.shows("clip.mp4 · ended"));

    let mut window = Window::playing(SECOND);
    window.press(Modifiers::NONE, Key::L);
    assert!(window.shows("Loop on") && window.app().settings.loop_files);
    // The last frame is shown until the file is over; a step of the window takes a quarter of a second.
    end(&mut window, LAST);
    assert_eq!(window.told(), []);
    assert!(window.shows("clip.mp4 · playing"));
    pass_time(&mut window, 1.1);
    assert_eq!(window.told(), [Told::Seek(Duration::ZERO)]);
    window.show_at(Duration::ZERO, 1);
    // Somebody who pauses at the end wants to stay there.
    end(&mut window, LAST);
    window.press(Modifiers::NONE, Key::Space);
    pass_time(&mut window, 1.1);
    assert_eq!(window.told(), [Told::Paused(true)]);
    assert!(window.shows("clip.mp4 · ended"));
    window.click("Loop");
    assert!(!window.app().settings.loop_files);
}

#[test]
fn pictures_of_a_folder_are_counted_and_named() {
    let mut window = Window::playing(SECOND);
    let folder = SourceInfo {
        name: "photos".to_owned(),
        n_frames: Some(4),
        duration: Some(SECOND * 4),
        ..clip()
    };
    window.send(Event::Source(SourceState::Live(folder)));
    let mut frame = fixtures::frame(1, Resolution::new(64, 48), Instant::now());
    Arc::get_mut(&mut frame).unwrap().file = Some("face2.png".into());
    window.engine.0.borrow_mut().frame = Some(frame);
    window.settle();
    assert!(window.shows("photos · playing") && window.shows("2 of 4 · face2.png"));
}
