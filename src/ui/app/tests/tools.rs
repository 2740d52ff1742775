//! What is done with recorded sessions: another network reads them, a copy is shared, they are compared.

use super::*;
use crate::{
    bounding_box::BoundingBox,
    reanalyze,
    session::{Session, about::About},
    ui::replay::fixtures::{add_video, session, write},
};

/// A window whose sessions are in `root`, with the list of them open.
fn window_with(root: &Path, n_sessions: usize) -> Window {
    let mut window = Window::new(UiSettings {
        sessions_folder: Some(root.to_owned()),
        ..UiSettings::default()
    });
    window.press(Modifiers::COMMAND, Key::L);
    wait_for(&mut window, |window| {
        window.app().library.recent().len() == n_sessions
    });
    window
}

#[track_caller]
fn wait_for(window: &mut Window, mut is_so: impl FnMut(&mut Window) -> bool) {
    for _ in 0..4000 {
        window.settle();
        if is_so(window) {
            // A message has its place only in the frame after it appeared.
            window.settle();
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it never is so");
}

#[track_caller]
fn wait_for_words(window: &mut Window, words: &str) {
    wait_for(window, |window| window.shows(words));
}

fn folder_in(root: &Path, name: &str) -> PathBuf {
    let folder = root.join(name);
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// A session that was recorded from an image, which is still there.
fn from_image(folder: &Path) {
    let mut one = session(1, &[(1, 0..1)]);
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/faces/astronaut.png");
    let source = &mut one.manifest.source;
    source.kind = "file".to_owned();
    source.path = Some(image.display().to_string());
    (source.width, source.height) = (512, 512);
    one.faces[0].face.box_in_frame = BoundingBox::new(170.0, 70.0, 110.0, 110.0);
    write(&one, folder);
}

#[test]
fn another_network_reads_a_session() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder_in(root.path(), "monday");
    from_image(&folder);
    let mut window = window_with(root.path(), 1);
    window.click("monday");
    window.click("Re-analyze with");
    window.click("three-block");
    wait_for_words(&mut window, "three-block has read “monday”");
    let out = reanalyze::default_folder(&folder, "three-block");
    let is_written = |out: &Path| {
        let table = std::fs::read_to_string(out.join("faces.csv"));
        table.is_ok_and(|table| table.starts_with("frame,"))
    };
    assert!(is_written(&out));
    // A second time, it asks before it replaces anything.
    std::fs::write(out.join("faces.csv"), "mine").unwrap();
    window.click("Re-analyze with");
    window.click("three-block");
    wait_for_words(&mut window, "three-block had read “monday” before.");
    assert_eq!(std::fs::read(out.join("faces.csv")).unwrap(), b"mine");
    window.click("Replace");
    wait_for(&mut window, |_| is_written(&out));
}

#[test]
fn what_cannot_be_read_again_is_said_in_a_sentence() {
    let root = tempfile::tempdir().unwrap();
    write(
        &session(30, &[(1, 0..30)]),
        &folder_in(root.path(), "values"),
    );
    let mut window = window_with(root.path(), 1);
    window.click("values");
    window.click("Re-analyze with");
    window.click("three-block");
    wait_for_words(&mut window, "only values were recorded");
    assert!(window.app().library.tools.jobs().is_empty());
}

#[test]
fn a_copy_with_hidden_faces_is_made_or_canceled() {
    let root = tempfile::tempdir().unwrap();
    let folder = folder_in(root.path(), "monday");
    let mut recorded = session(200, &[(1, 0..200)]);
    add_video(&mut recorded, &folder);
    write(&recorded, &folder);
    let mut window = window_with(root.path(), 1);
    window.click("monday");
    window.click("Share a copy…");
    window.settle();
    window.click("Make copy");
    wait_for_words(&mut window, "Hiding faces in “monday”");
    window.click("Cancel");
    wait_for_words(&mut window, "Canceled; nothing was written.");
    let shared = root.path().join("monday-shared");
    assert!(!shared.exists());
    window.click("Share a copy…");
    window.settle();
    window.click("Make copy");
    wait_for_words(&mut window, "with hidden faces is in");
    let files = std::fs::read_dir(&shared).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1);
    assert!(
        names[0].to_string_lossy().starts_with("video."),
        "{names:?}"
    );
    // The session is as it was.
    assert_eq!(Session::open(&folder).unwrap().frames, recorded.frames);
}

/// Sessions of two participants, each happy for another share of the time.
fn study(root: &Path) {
    for (name, condition, n_happy) in [("P01", "control", 20), ("P02", "treated", 40)] {
        let folder = folder_in(root, name);
        let mut one = session(60, &[(1, 0..60)]);
        for row in &mut one.faces {
            let class = match row.frame < n_happy {
                true => crate::expression::Expression::Happy,
                false => crate::expression::Expression::Sad,
            };
            row.face.smoothed = fixtures::face(1, class, 0.9).smoothed;
            row.face.label = class.into();
        }
        one.manifest.about = About {
            participant: name.to_owned(),
            condition: condition.to_owned(),
            ..About::default()
        };
        write(&one, &folder);
    }
}

#[test]
fn sessions_are_compared_and_saved() {
    let root = tempfile::tempdir().unwrap();
    study(root.path());
    let mut window = window_with(root.path(), 2);
    window.click("P01");
    assert!(
        !window.shows("Compare…"),
        "there is nothing to compare it with"
    );
    window
        .harness
        .event(egui::Event::ModifiersChanged(Modifiers::COMMAND));
    window
        .harness
        .get_by_label("P02")
        .click_modifiers(Modifiers::COMMAND);
    window.settle();
    window
        .harness
        .event(egui::Event::ModifiersChanged(Modifiers::NONE));
    window.click("Compare…");
    wait_for_words(&mut window, "Save table…");
    assert!(window.shows("2 sessions by"));
    assert!(window.shows("control"));
    assert!(window.shows("33.3 %") && window.shows("66.7 %"));
    let bars = window.shows("Shares of time of each group");
    assert_eq!(bars, cfg!(feature = "plots"));
    // By participant instead.
    window.click("participant");
    window.click("condition");
    wait_for_words(&mut window, "P01: 1 participant, 1 session");
    let ctx = window.harness.ctx.clone();
    let saved = root.path().join("comparison.csv");
    window
        .app()
        .comparison_chosen(Part::Table, saved.clone(), &ctx);
    wait_for_words(&mut window, "Saved to");
    let table = std::fs::read_to_string(&saved).unwrap();
    assert!(table.starts_with("participant,measure,label,"), "{table}");
    window.press(Modifiers::NONE, Key::Escape);
    assert!(
        !window.shows("Save table…"),
        "Escape closes it before the list"
    );
    assert!(window.shows("Search"));
}

#[test]
fn what_cannot_be_compared_is_said_in_the_window() {
    let root = tempfile::tempdir().unwrap();
    study(root.path());
    let mut window = window_with(root.path(), 2);
    std::fs::write(root.path().join("P02/faces.csv"), "nonsense").unwrap();
    let ctx = window.harness.ctx.clone();
    let folders = ["P01", "P02"].map(|name| root.path().join(name)).to_vec();
    window
        .app()
        .execute(Command::CompareSessions(folders), &ctx);
    wait_for_words(&mut window, "faces.csv");
    assert!(!window.shows("Save table…"));
}
