//! The panel, drawn and clicked.

use egui_kittest::{Harness, kittest::Queryable as _};

use egui::{Event, Key, Modifiers};

use super::*;
use crate::{expression::Expression, ui::fixtures};

/// What the panel shows of `faces`, when nothing else is known.
fn data<'a>(faces: &'a [FaceAnalysis], hint: FaceHint, names: &'a FaceNames) -> FacePanelData<'a> {
    FacePanelData {
        faces,
        uncertain_below: 0.4,
        hint,
        shown: None,
        names,
        portraits: None,
        mirror: false,
        strips: None,
        networks: None,
    }
}

fn harness(faces: Vec<FaceAnalysis>, hint: FaceHint) -> Harness<'static> {
    let mut panel = FacePanel::default();
    let mut harness = Harness::builder()
        .with_size([280.0, 700.0])
        .build_ui(move |ui| {
            let names = FaceNames::default();
            panel.ui(ui, data(&faces, hint, &names));
        });
    harness.run_ok();
    harness
}

#[test]
fn every_class_of_every_face_is_listed_and_accessible() {
    let faces = vec![
        fixtures::face(3, Expression::Happy, 0.87),
        fixtures::face(5, Expression::Fear, 0.5),
    ];
    let harness = harness(faces, FaceHint::NoFrame);
    harness.get_by_label("Face 3: happy 87 %");
    harness.get_by_label("Face 5: fear 50 %");
    for class in Expression::ALL {
        assert_eq!(
            harness
                .query_all_by_label_contains(&format!(": {class} "))
                .count(),
            2
        );
    }
}

/// Below the threshold no expression is named, and the bars stay.
#[test]
fn a_face_below_the_threshold_is_uncertain() {
    let faces = vec![
        fixtures::face(1, Expression::Sad, 0.41),
        fixtures::face(2, Expression::Sad, 0.39),
    ];
    let harness = harness(faces, FaceHint::NoFrame);
    harness.get_by_label("uncertain");
    harness.get_by_label("sad");
    harness.get_by_label("Face 2: sad 39 %");
}

/// In an auditorium, everybody has a line; a click shows the bars of one face.
#[test]
fn many_faces_are_folded_to_a_line_each() {
    let faces = fixtures::faces(12);
    let label = faces[4].label;
    let mut harness = harness(faces, FaceHint::NoFrame);
    for number in 0..12 {
        let name = format!("Face {number}: ");
        let line = harness.get_by_label_contains(&name);
        assert!(line.rect().bottom() < 700.0, "{number}");
    }
    harness
        .get_by_label_contains(&format!("Face 4: {label}"))
        .click();
    harness.run_ok();
    for class in Expression::ALL {
        let name = format!("Face 4: {class} ");
        let rows = harness.query_all_by_label_contains(&name);
        let n_lines = usize::from(label == class);
        assert_eq!(rows.count(), 1 + n_lines, "{class}");
    }
}

#[test]
fn faces_and_classes_keep_their_order() {
    let faces = vec![
        fixtures::face(9, Expression::Sad, 0.6),
        fixtures::face(2, Expression::Angry, 0.9),
    ];
    let harness = harness(faces, FaceHint::NoFrame);
    let top = |label: &str| harness.get_by_label_contains(label).rect().top();
    assert!(top("Face 9: angry") < top("Face 9: neutral"));
    assert!(top("Face 9: neutral") < top("Face 2: angry"));
}

#[test]
fn while_faces_are_covered_each_can_be_shown() {
    let shown = [TrackId(2)];
    let click = |shown: Option<&'static [TrackId]>, idx: usize| {
        let faces = fixtures::faces(3);
        let mut panel = FacePanel::default();
        let mut harness = Harness::builder().with_size([280.0, 700.0]).build_ui_state(
            move |ui, sent: &mut Option<Command>| {
                let names = FaceNames::default();
                let data = FacePanelData {
                    shown,
                    ..data(&faces, FaceHint::NoFrame, &names)
                };
                let command = panel.ui(ui, data);
                *sent = command.or(sent.take());
            },
            None,
        );
        harness.run_ok();
        let boxes: Vec<_> = harness.query_all_by_label("Show face").collect();
        boxes.get(idx)?.click();
        drop(boxes);
        harness.run_ok();
        harness.into_state()
    };
    let shown: &'static [TrackId] = shown.to_vec().leak();
    assert_eq!(
        click(Some(shown), 1),
        Some(Command::ShowFace(TrackId(1), true))
    );
    assert_eq!(
        click(Some(shown), 2),
        Some(Command::ShowFace(TrackId(2), false))
    );
    assert_eq!(click(None, 0), None);
}

#[test]
fn no_faces_say_why() {
    let check = |hint, words: &str| {
        harness(Vec::new(), hint).get_by_label_contains(words);
    };
    check(FaceHint::Loading, "Loading the network");
    check(FaceHint::NoNetwork, "Model menu");
    check(
        FaceHint::NoFace {
            min_face_size_px: 80,
        },
        "smaller than 80 px",
    );
    check(FaceHint::Searching, "Searching for faces");
    check(FaceHint::NoFrame, "No frame yet");
}

/// The panel with faces that come and go, and the names that it asks for.
struct Named {
    faces: Vec<FaceAnalysis>,
    names: FaceNames,
}

fn naming(faces: Vec<FaceAnalysis>) -> Harness<'static, Named> {
    let mut panel = FacePanel::default();
    let state = Named {
        faces,
        names: FaceNames::default(),
    };
    let mut harness = Harness::builder().with_size([280.0, 700.0]).build_ui_state(
        move |ui, state: &mut Named| {
            let asked = panel.ui(ui, data(&state.faces, FaceHint::NoFrame, &state.names));
            if let Some(Command::NameFace(track, name)) = asked {
                state.names.set(track.0, &name);
            }
        },
        state,
    );
    harness.run_ok();
    harness
}

fn type_name(harness: &mut Harness<'static, Named>, field: &str, name: &str, key: Key) {
    harness.get_by_label(field).focus();
    harness.run_ok();
    harness.event(Event::Text(name.to_owned()));
    harness.run_ok();
    harness.key_press_modifiers(Modifiers::NONE, key);
    harness.run_ok();
}

#[test]
fn a_face_is_named_in_its_card() {
    let mut harness = naming(fixtures::faces(2));
    type_name(&mut harness, "Name of face 1", "Anna", Key::Enter);
    harness.get_by_label_contains("Anna: disgust ");
    harness.get_by_label_contains("Face 0: angry ");
    type_name(&mut harness, "Name of face 0", "Ben", Key::Escape);
    harness.get_by_label_contains("Face 0: angry ");
    // A line of many has the name, and the field is in the card that it opens.
    harness.state_mut().faces = fixtures::faces(6);
    harness.run_ok();
    harness.get_by_label_contains("Anna: disgust ").click();
    harness.run_ok();
    type_name(&mut harness, "Name of face 1", " Maria", Key::Enter);
    let named = harness.query_all_by_label_contains("Anna Maria: disgust 45 %");
    assert_eq!(named.count(), 2, "the line and the bar");
}

#[test]
fn names_are_written_one_after_another_by_keys_alone() {
    for n_faces in [2, 5] {
        let mut harness = naming(fixtures::faces(n_faces));
        for text in ["Anna", "Ben"] {
            harness.key_press_modifiers(Modifiers::NONE, Key::F2);
            harness.run_ok();
            harness.event(Event::Text(text.to_owned()));
            harness.run_ok();
        }
        // Back to the first, which keeps what was written in the second.
        for _ in 1..n_faces {
            harness.key_press_modifiers(Modifiers::NONE, Key::F2);
            harness.run_ok();
        }
        let names = &harness.state().names;
        let names: Vec<_> = names.iter().collect();
        assert_eq!(names, [(0, "Anna"), (1, "Ben")]);
    }
}

#[test]
fn a_name_is_not_lost_when_its_face_leaves_meanwhile() {
    let mut harness = naming(fixtures::faces(2));
    harness.get_by_label("Name of face 1").focus();
    harness.run_ok();
    harness.event(Event::Text("An".to_owned()));
    harness.run_ok();
    for n_left in [1, 0] {
        harness.state_mut().faces = fixtures::faces(n_left);
        harness.run_ok();
        harness.get_by_label("Face 1, not in view now");
    }
    harness.event(Event::Text("na".to_owned()));
    harness.key_press_modifiers(Modifiers::NONE, Key::Enter);
    harness.run_ok();
    assert_eq!(harness.state().names.get(1), Some("Anna"));
    assert!(harness.query_by_label_contains("not in view").is_none());
}
