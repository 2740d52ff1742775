//! Faces with names in the window, live, in a recording and in replay.

use super::{
    recording::{session, until},
    *,
};
use crate::ui::replay::fixtures as sessions;

/// Names the face whose field this is.
fn name(window: &mut Window, field: &str, text: &str) {
    window.harness.get_by_label(field).focus();
    window.settle();
    // Letters are shortcuts elsewhere.
    window.press(Modifiers::NONE, Key::B);
    window.type_text(text);
    window.press(Modifiers::NONE, Key::Enter);
}

#[test]
fn a_named_face_is_recorded_with_its_name() {
    let root = tempfile::tempdir().unwrap();
    let mut window = Window::recording(root.path());
    name(&mut window, "Name of face 0", "Anna");
    assert!(
        window.app().settings.boxes,
        "no shortcut while a name is written"
    );
    assert!(window.shows("Anna: angry 40 %"));
    assert!(window.app().names.get(0) == Some("Anna"));
    // A click on Record begins another numbering, and the name stays with the face.
    window.click("Stop recording");
    until(&mut window, |window| !window.app().recordings.is_on());
    drop(session(root.path()));
    // Somebody else sits there after another source was opened.
    window.press(Modifiers::COMMAND, Key::D);
    window.send(Event::Source(SourceState::Live(fixtures::webcam())));
    window.show(1);
    assert!(window.shows("Face 0: angry"));
}

#[test]
fn a_name_given_in_replay_is_kept_in_the_description() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorded = sessions::session(300, &[(3, 0..300)]);
    recorded.manifest.face_names.set(3, "Ben");
    sessions::write(&recorded, folder.path());
    let mut window = Window::live(1);
    let ctx = window.harness.ctx.clone();
    window
        .app()
        .execute(Command::OpenFolder(folder.path().to_owned()), &ctx);
    until(&mut window, |window| window.shows("Ben: happy"));
    assert!(window.shows("Ben from 0:00.0 to 0:09.9"), "as a lane");
    window
        .app()
        .execute(Command::NameFace(TrackId(3), "Anna".to_owned()), &ctx);
    until(&mut window, |window| window.shows("Anna from 0:00.0"));
    window.app().markers.saver = None; // Waits until it is written.
    let now = crate::session::Session::open(folder.path()).unwrap();
    assert_eq!(now.manifest.face_names.get(3), Some("Anna"));
}

#[test]
fn covered_faces_have_no_portrait() {
    let mut window = Window::live(2);
    assert!(window.shows("Portrait of Face 1"));
    window.press(Modifiers::NONE, Key::H);
    window.show(2);
    assert!(!window.shows("Portrait of"));
    window.press(Modifiers::NONE, Key::H);
    window.press(Modifiers::NONE, Key::H);
    assert!(!window.shows("Portrait of"), "it was forgotten");
    window.show(2);
    assert!(window.shows("Portrait of Face 1"));
}
