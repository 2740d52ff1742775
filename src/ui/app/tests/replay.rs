//! Sessions in the window.

use super::*;
use crate::{
    session::tables::EventKind,
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
