//! Made-up sessions, and what is to come out.

use super::*;
use crate::{
    expression::Expression::{Happy, Sad},
    session::{fixtures, tables::FaceRow},
    time::Ticks,
};

/// A session of this participant and condition: happy for so many of ten frames of 0.1 s, then sad.
fn session(participant: &str, condition: &str, n_happy: usize) -> Session {
    let two = fixtures::two_people();
    let mut session = fixtures::empty();
    session.folder = format!("{participant}-{condition}-{n_happy}").into();
    session.manifest.about.participant = participant.to_owned();
    session.manifest.about.condition = condition.to_owned();
    for at in 0..10 {
        let label = if at < n_happy { Happy } else { Sad };
        let time = Ticks::from_millis(100 * at as u64);
        let mut frame = two.frames[0].clone();
        (frame.frame, frame.time) = (at as u64, time);
        session.frames.push(frame);
        let mut row: FaceRow = two.faces[0].clone();
        (row.frame, row.time) = (at as u64, time);
        row.face.smoothed = fixtures::mostly(label);
        row.face.label = label.into();
        session.faces.push(row);
    }
    session
}

fn summary(by: &[By], sessions: Vec<Session>) -> Summary {
    let mut summarizer = Summarizer::new(by);
    for session in sessions {
        summarizer.add(session).unwrap();
    }
    summarizer.finish()
}

fn figure<'a>(group: &'a Group, measure: Measure, label: &str, to: &str) -> &'a Figure {
    let mut figures = group.figures.iter();
    figures
        .find(|figure| figure.measure == measure && figure.label == label && figure.to == to)
        .unwrap()
}

fn study() -> Vec<Session> {
    vec![
        session("P01", "control", 4),
        session("P02", "control", 6),
        // Counts once, with the session before.
        session("P02", "control", 8),
        session("P01", "treated", 10),
    ]
}

#[test]
fn every_participant_counts_once() {
    let summary = summary(&[By::Condition], study());
    let [control, treated] = &summary.groups[..] else {
        panic!("{}", summary.groups.len());
    };
    assert_eq!(control.values, ["control"]);
    assert_eq!((control.n_participants, control.n_sessions), (2, 3));
    assert!((control.seen_s - 3.0).abs() < 1e-9);
    let happy = figure(control, Measure::Share, "happy", "");
    // 0.4 and the 0.7 of P02's two sessions.
    assert!((happy.mean - 0.55).abs() < 1e-9, "{happy:?}");
    assert_eq!(happy.n, 2);
    let (low, high) = happy.interval.unwrap();
    let reach = 12.7062 * 0.15;
    assert!((low - (0.55 - reach)).abs() < 1e-3 && (high - (0.55 + reach)).abs() < 1e-3);
    let mean = figure(control, Measure::Mean, "happy", "");
    // 0.4 while happy, 0.1 while sad.
    assert!((mean.mean - (0.1 + 0.3 * 0.55)).abs() < 1e-6, "{mean:?}");
    let once = figure(treated, Measure::Share, "happy", "");
    assert_eq!((once.n, once.interval), (1, None));
    // A change in a second of each.
    let changes = figure(control, Measure::Transitions, "happy", "sad");
    assert!((changes.mean - 60.0).abs() < 1e-6, "{changes:?}");
    let changes = figure(treated, Measure::Transitions, "", "");
    assert_eq!(changes.mean, 0.0);
}

#[test]
fn groups_of_one_participant_are_over_sessions() {
    let summary = summary(&[By::Participant, By::Condition], study());
    let values: Vec<_> = summary.groups.iter().map(|g| g.values.join("/")).collect();
    assert_eq!(values, ["P01/control", "P01/treated", "P02/control"]);
    let happy = figure(&summary.groups[2], Measure::Share, "happy", "");
    assert_eq!(happy.n, 2);
    assert!((happy.mean - 0.7).abs() < 1e-9);
    let csv = String::from_utf8(summary.csv()).unwrap();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "participant,condition,measure,label,to,over,n,mean,ci_low,ci_high,n_participants,n_sessions,seen_s"
        )
    );
    assert!(
        csv.contains("\nP02,control,share,happy,,sessions,2,0.700000,"),
        "{csv}"
    );
    assert!(
        csv.contains("\nP01,treated,share,sad,,sessions,1,0.000000,,,1,1,1.000\n"),
        "{csv}"
    );
}

#[test]
fn two_faces_at_a_time_agree_or_not() {
    let summary = summary(&[], vec![fixtures::two_people()]);
    let [all] = &summary.groups[..] else { panic!() };
    assert_eq!(all.values, [""; 0]);
    // Track 1 is happy or neutral while track 2 is sad or surprised.
    let agree = figure(all, Measure::FacesAgree, "", "");
    assert_eq!(agree.mean, 0.0);
}

#[test]
fn excluded_spans_do_not_count() {
    let mut session = session("P01", "", 5);
    let span = Ticks::from_millis(500)..Ticks::from_millis(2000);
    session.annotations.exclude(span, String::new());
    let summary = summary(&[], vec![session]);
    let happy = figure(&summary.groups[0], Measure::Share, "happy", "");
    assert_eq!(happy.mean, 1.0);
}

#[test]
fn the_text_and_the_picture_name_the_groups() {
    let summary = summary(&[By::Condition], study());
    let text = summary.text();
    assert!(text.contains("mean over participants"), "{text}");
    assert!(text.contains("control    2"), "{text}");
    assert!(
        text.contains("control: 2 participants, 3 sessions"),
        "{text}"
    );
    #[cfg(feature = "plots")]
    {
        let svg = summary.svg().unwrap();
        assert!(svg.contains("control") && svg.contains("treated") && svg.contains("happy"));
    }
}

#[test]
fn sessions_with_other_labels_are_refused() {
    let mut summarizer = Summarizer::new(&[By::Condition]);
    summarizer.add(session("P01", "", 5)).unwrap();
    let mut other = fixtures::empty();
    other.manifest.labels = Labels::new(&["mask", "no mask"]).unwrap();
    let error = summarizer.add(other).unwrap_err().to_string();
    assert!(error.contains("mask, no mask"), "{error}");
}

#[test]
fn faces_with_the_same_name_count_together() {
    let mut all = study();
    for (session, name) in all.iter_mut().zip(["Anna", "Ben", "Anna", ""]) {
        session.manifest.face_names.set(1, name);
    }
    let summary = summary(&[By::Name], all);
    let groups: Vec<_> = summary
        .groups
        .iter()
        .map(|group| (group.values[0].as_str(), group.n_sessions))
        .collect();
    assert_eq!(groups, [("", 1), ("Anna", 2), ("Ben", 1)]);
    let csv = String::from_utf8(summary.csv()).unwrap();
    assert!(csv.starts_with("name,measure,label"), "{csv}");
    let happy = figure(&summary.groups[1], Measure::Share, "happy", "");
    // 0.4 of P01 and 0.8 of P02.
    assert!((happy.mean - 0.6).abs() < 1e-9, "{happy:?}");
}
