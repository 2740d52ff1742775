//! Sessions in the window.

use super::*;
use crate::{
    session::{annotations::Annotations, tables::EventKind},
    ui::replay::fixtures::{event, session, write},
};

/// Opens `folder` and waits until the window knows what it is.
fn open(window: &mut Window, folder: &Path) {
    let ctx = window.harness.ctx.clone();
    window
        .app()
        .execute(Command::OpenFolder(folder.to_owned()), &ctx);
    for _ in 0..2000 {
        window.settle();
        let app = window.app();
        if app.replay.is_some() || app.news.state != SourceState::Starting {
            break;
        }
        if window
            .engine
            .0
            .borrow()
            .told
            .iter()
            .any(|told| matches!(told, Told::Open(_)))
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_session_replaces_the_camera() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorded = session(300, &[(3, 0..300)]);
    recorded.events = vec![event(2, EventKind::Marker, "smile task")];
    write(&recorded, folder.path());
    let mut window = Window::live(1);
    window.told();
    open(&mut window, folder.path());
    assert_eq!(window.told(), [Told::Close]);
    for _ in 0..2000 {
        window.settle();
        if window.shows("Face 3: ") {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(window.shows("Face 3: happy"), "in the side panel");
    assert!(window.shows("Face 3 from 0:00.0 to 0:09.9"), "as a lane");
    assert!(window.shows("0:02.0  smile task"));
    assert!(window.shows("Step forward"));
    assert!(window.shows("three-block"));
    // Opening anything else closes it.
    window.press(Modifiers::COMMAND, Key::D);
    assert_eq!(window.told(), [Told::Open(SourceSpec::Demo)]);
    assert!(!window.shows("Face 3 from"));
}

#[test]
fn the_session_that_plays_is_read_again_and_shared_from_the_menu() {
    let folder = tempfile::tempdir().unwrap();
    write(&session(30, &[(1, 0..30)]), folder.path());
    let mut window = Window::live(1);
    window.click("File");
    assert!(!window.shows("Re-analyze with"), "there is no session");
    window.press(Modifiers::NONE, Key::Escape);
    open(&mut window, folder.path());
    window.choose("File", "Share a copy with hidden faces…");
    assert!(window.shows("Make copy"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Make copy"));
    window.choose("File", "Re-analyze with");
    window.click("fervis");
    for _ in 0..2000 {
        window.settle();
        if window.shows("only values were recorded") {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing is said");
}

#[test]
fn a_damaged_session_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("session.json"), "{").unwrap();
    let mut window = Window::live(0);
    open(&mut window, folder.path());
    assert!(window.shows("session.json, line 1"));
}

#[test]
fn a_folder_that_is_not_a_session_is_opened_as_images() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::live(0);
    open(&mut window, folder.path());
    let images = SourceSpec::Path(folder.path().to_owned());
    assert_eq!(window.told(), [Told::Close, Told::Open(images)]);
}

/// Waits until the annotations in `folder` are so.
#[track_caller]
fn written(window: &mut Window, folder: &Path, is_so: impl Fn(&Annotations) -> bool) {
    for _ in 0..2000 {
        window.settle();
        if Annotations::read(folder).is_ok_and(|annotations| is_so(&annotations)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("they never are so");
}

#[test]
fn a_session_is_annotated_and_the_recording_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorded = session(300, &[(1, 0..300)]);
    recorded.events = vec![event(2, EventKind::Marker, "smile task")];
    write(&recorded, folder.path());
    let events_file = folder.path().join("events.csv");
    let before = std::fs::read(&events_file).unwrap();
    let mut window = Window::live(1);
    open(&mut window, folder.path());
    for _ in 0..2000 {
        window.settle();
        if window.shows("0:02.0  smile task") && window.app().player_status().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // The recorded marker is removed, and comes back.
    window.click("0:02.0  smile task");
    window.click("Delete");
    assert!(!window.shows("0:02.0  smile task"));
    let is_marker = |annotations: &Annotations, n: usize| {
        let events = annotations.events(&recorded.events, 0.0);
        events.len() == n
    };
    written(&mut window, folder.path(), |all| is_marker(all, 0));
    window.press(Modifiers::COMMAND, Key::Z);
    assert!(window.shows("0:02.0  smile task"));
    // A new one, with words.
    window.press(Modifiers::SHIFT, Key::K);
    let role = Role::TextInput;
    let field = window.harness.get_by_role_and_label(role, "What happened");
    field.type_text("laughs");
    window.settle();
    window.click("Save");
    assert!(window.shows("laughs"));
    written(&mut window, folder.path(), |all| is_marker(all, 2));
    // A span, by its two ends.
    let at = |window: &mut Window, time: Duration| {
        let replay = window.app().replay.as_mut().unwrap();
        replay.notes.exclude(time)
    };
    at(&mut window, Duration::from_secs(4));
    at(&mut window, Duration::from_secs(6));
    window.app().replay.as_mut().unwrap().show_notes();
    window.settle();
    assert!(window.shows("0:04.0  Excluded until 0:06.0"));
    window.click("0:04.0  Excluded until 0:06.0");
    window.click("Edit…");
    let field = window.harness.get_by_role_and_label(role, "Why");
    field.type_text("looked away");
    window.settle();
    window.click("Save");
    assert!(window.shows("Excluded until 0:06.0: looked away"));
    written(&mut window, folder.path(), |all| all.excluded().len() == 1);
    assert_eq!(std::fs::read(&events_file).unwrap(), before);
}
