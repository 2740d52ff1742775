//! Sessions as the window shows them, from made-up tables.

use std::{sync::Arc, time::Duration};

use egui::{Color32, Theme, accesskit::Role};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

use super::{
    draw_thread::{self, Lane, Request, Values},
    fixtures::{INTERVAL, add_video, event, session},
    loaded_session::{self, LoadedSession, Readings, ReplayVideo},
    raster::LaneStyle,
    timeline_panel::TimelinePanel,
    video, *,
};
use crate::{
    expression::Expression,
    frame::FramePool,
    pipeline::{FaceValues, SourceState, face_names::FaceNames},
    privacy::{Effect, Who},
    session::tables::{EventKind, FrameStatus},
    ui::commands::PlayCommand,
};

/// The first track as it was recorded.
const OWN: Lane = Lane {
    reading: 0,
    track: 0,
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_face_is_found_at_any_time_between_its_results() {
    let mut session = session(300, &[(1, 0..200), (2, 60..90)]);
    // Frames 30 to 39 were skipped.
    for frame in &mut session.frames[30..40] {
        frame.status = FrameStatus::Skipped;
    }
    session.faces.retain(|face| !(30..40).contains(&face.frame));
    let loaded = LoadedSession::new(session);
    assert_eq!(loaded.duration, Duration::from_secs(10));
    let recorded = loaded.recorded();
    let tracks: Vec<_> = recorded
        .tracks
        .iter()
        .map(|track| (track.id, track.rows.len()))
        .collect();
    assert_eq!(tracks, [(1, 190), (2, 30)]);
    let faces_at = |time: Duration| {
        let faces = loaded.faces_at(time);
        faces
            .iter()
            .map(|row| (row.face.track.0, row.frame))
            .collect::<Vec<_>>()
    };
    assert_eq!(faces_at(ms(0)), [(1, 0)]);
    assert_eq!(
        faces_at(ms(1_200)),
        [(1, 29)],
        "of the frame before the gap"
    );
    assert_eq!(faces_at(ms(2_500)), [(1, 75), (2, 75)]);
    assert_eq!(faces_at(ms(8_000)), [], "analyzed, and nobody there");
    // Its last result holds until the next frame, in which the face is not.
    let first = &recorded.tracks[0];
    let is_held = |time| recorded.row_at(first, time, &loaded.spans).is_some();
    assert!(is_held(ms(6_660)));
    assert!(!is_held(ms(6_670)));
}

#[test]
fn an_empty_session_has_no_faces_at_any_time() {
    let loaded = LoadedSession::new(session(0, &[]));
    assert_eq!(loaded.duration, Duration::ZERO);
    assert_eq!(loaded.faces_at(ms(500)), []);
}

#[test]
fn a_session_without_its_video_still_shows_its_values() {
    let mut session = session(30, &[(1, 0..30)]);
    session
        .manifest
        .video
        .push(crate::session::manifest::Video {
            file: "video.mp4".to_owned(),
            annotated: true,
            width: 1280,
            height: 720,
            first_frame: 0,
            first_time: Default::default(),
            codec: "H.264".to_owned(),
            encoder: String::new(),
            n_frames: Some(30),
            n_bytes: Some(1),
        });
    let loaded = LoadedSession::new(session);
    assert_eq!(loaded.video, ReplayVideo::None);
    let warning = loaded.warning.unwrap();
    assert!(warning.contains("video.mp4 could not be read"), "{warning}");
}

/// A session of one second with a video, in which nothing is known of frames 10 to 29, and the face is lost in frame 5.
fn with_video(folder: &std::path::Path) -> Arc<LoadedSession> {
    let mut session = session(60, &[(1, 0..5), (1, 30..60)]);
    add_video(&mut session, folder);
    for frame in &mut session.frames[10..30] {
        frame.status = FrameStatus::Skipped;
    }
    Arc::new(LoadedSession::new(session))
}

#[test]
fn with_privacy_frames_are_shown_that_were_searched_and_faces_in_them_are_covered() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = with_video(folder.path());
    assert_eq!(loaded.video, ReplayVideo::Clean);
    let privacy = FacePrivacy {
        effect: Effect::Blur,
        who: Who::All,
    };
    let mut video = video::open(&loaded).unwrap();
    let pool = FramePool::default();
    let mut searched = Searched::default();
    let mut shown = Vec::new();
    for number in 0..60 {
        let frame = Arc::new(video.next_frame(&pool).unwrap().unwrap());
        assert_eq!(frame.id.0, number);
        searched.see(&frame, &loaded);
        let (to_show, cover) = searched.frame_to_show(Some(privacy.clone()), Some(&frame), &loaded);
        let n_covered = match cover {
            Cover::Faces(_, boxes) => Some(boxes.len()),
            Cover::Everything(_) => None,
            Cover::Nothing => panic!("frame {number} is not covered"),
        };
        shown.push((to_show.unwrap().id.0, n_covered));
        let off = searched.frame_to_show(None, Some(&frame), &loaded);
        assert_eq!((off.0.unwrap().id.0, off.1), (number, Cover::Nothing));
    }
    assert_eq!(shown[4], (4, Some(1)));
    // It stays covered for a second after it was lost.
    assert_eq!(shown[9], (9, Some(1)));
    // Then nothing is known: the last searched frame stays for half a second, and after that all is covered.
    assert_eq!(shown[10], (9, Some(1)));
    assert_eq!(shown[23], (9, Some(1)));
    assert_eq!(shown[24], (24, None));
    assert_eq!(shown[29], (29, None));
    assert_eq!(shown[30], (30, Some(1)));
    assert_eq!(shown[59], (59, Some(1)));
}

#[test]
fn with_privacy_what_was_sought_is_covered_as_if_it_had_played() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = with_video(folder.path());
    let boxes = |number: u64| privacy::boxes_at(&loaded, ms(number * 1000 / 30));
    // The face that was lost four frames ago, where it may have gone since.
    let lost = boxes(8).unwrap();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].1.width > boxes(4).unwrap()[0].1.width);
    assert_eq!(boxes(20), None, "nothing is known");
    assert_eq!(boxes(100), None, "there is no row");
    // Without a network nobody was found.
    let mut session = session(60, &[]);
    add_video(&mut session, folder.path());
    session.manifest.models.clear();
    let loaded = LoadedSession::new(session);
    assert_eq!(privacy::boxes_at(&loaded, ms(100)), None);
}

#[test]
fn without_a_video_every_frame_is_blank() {
    let loaded = Arc::new(LoadedSession::new(session(30, &[(1, 0..30)])));
    let mut video = video::open(&loaded).unwrap();
    assert_eq!(video.info().duration, Some(Duration::from_secs(1)));
    let pool = FramePool::default();
    let next = |video: &mut Box<dyn crate::capture::FrameSource>| {
        let frame = video.next_frame(&pool).unwrap()?;
        Some((frame.id.0, frame.time.as_millis()))
    };
    assert_eq!(next(&mut video), Some((0, 0)));
    assert_eq!(next(&mut video), Some((1, 33)));
    assert!(video.seek(ms(510)).unwrap());
    assert_eq!(next(&mut video), Some((15, 500)));
    video.seek(ms(99_000)).unwrap();
    assert_eq!(next(&mut video), Some((29, 966)));
    assert_eq!(next(&mut video), None);
}

#[test]
fn a_frame_has_the_faces_of_its_time() {
    let loaded = Arc::new(LoadedSession::new(session(300, &[(7, 0..300)])));
    let (wake, woken) = crossbeam_channel::unbounded();
    let engine = ReplayEngine::start(loaded, move || {
        wake.send(()).ok();
    })
    .unwrap();
    let patience = Duration::from_secs(20);
    let shown = || loop {
        if let Some(frame) = engine.take_preview() {
            break (frame, engine.take_analysis().unwrap());
        }
        woken.recv_timeout(patience).expect("it plays");
    };
    shown();
    engine.set_paused(true);
    assert!(engine.seek(ms(5_010)));
    let (frame, analysis) = shown();
    assert_eq!(frame.id.0, 150);
    let face = &analysis.faces[0];
    assert_eq!(face.track.0, 7);
    assert!((face.smoothed.of(Expression::Happy) - 0.5).abs() < 1e-3);
    // The box is scaled to the small blank frame.
    let scale = frame.resolution().width_px as f32 / 1280.0;
    assert!((face.box_in_frame.width - 100.25 * scale).abs() < 1e-3);
    assert!(engine.take_analysis().is_none());
}

#[test]
fn lanes_are_drawn_from_the_requested_values() {
    let mut session = session(300, &[(1, 0..150)]);
    for face in &mut session.faces {
        let face = &mut face.face;
        face.raw.0 = [0.0; 7].into();
        face.raw.0[Expression::Angry.index()] = 1.0;
        face.smoothed.0 = [0.0; 7].into();
        face.smoothed.0[Expression::Sad.index()] = 1.0;
    }
    let loaded = LoadedSession::new(session);
    let draw = |values, range| {
        let request = Request {
            range,
            size_px: [10, 4],
            lanes: vec![OWN],
            values,
            style: LaneStyle::Areas,
            theme: Theme::Dark,
            uncertain_below: 0.0,
        };
        let drawn = draw_thread::draw(&loaded, request);
        drawn.lanes[0].image.pixels[..10].to_vec()
    };
    let color = |expression: Expression| crate::ui::colors::label(expression.into(), Theme::Dark);
    let smoothed = draw(Values::Smoothed, 0.0..10.0);
    assert_eq!(smoothed[2], color(Expression::Sad));
    assert_eq!(smoothed[8], Color32::TRANSPARENT);
    assert_eq!(draw(Values::Raw, 0.0..10.0)[2], color(Expression::Angry));
    // A range within one frame has one value.
    assert_eq!(
        draw(Values::Raw, 2.01..2.02),
        [color(Expression::Angry); 10]
    );
}

/// An hour of rows is more than a window has columns.
#[test]
fn an_hour_is_drawn_in_columns() {
    let loaded = LoadedSession::new(session(108_000, &[(1, 0..108_000)]));
    let request = Request {
        range: 0.0..3600.0,
        size_px: [1200, 58],
        lanes: vec![OWN],
        values: Values::Smoothed,
        style: LaneStyle::Lines,
        theme: Theme::Light,
        uncertain_below: 0.0,
    };
    let drawn = draw_thread::draw(&loaded, request);
    assert_eq!(drawn.lanes[0].image.size, [1200, 58]);
    assert_eq!(loaded.session.frames[107_999].time.0, 107_999 * INTERVAL);
}

/// A timeline of this session at 10 s, and the commands it sent.
fn timeline(session: crate::session::Session) -> Harness<'static, Vec<Command>> {
    timeline_of(LoadedSession::new(session))
}

fn timeline_of(loaded: LoadedSession) -> Harness<'static, Vec<Command>> {
    timeline_with(loaded, 1000.0, 0.0)
}

fn timeline_with(
    loaded: LoadedSession,
    width: f32,
    uncertain_below: f32,
) -> Harness<'static, Vec<Command>> {
    let mut timeline = TimelinePanel::new(Arc::new(loaded), None);
    let mut harness = Harness::builder().with_size([width, 320.0]).build_ui_state(
        move |ui, sent: &mut Vec<Command>| {
            let names = FaceNames::default();
            sent.extend(timeline.ui(ui, ms(10_000), uncertain_below, &names));
        },
        Vec::new(),
    );
    harness.run_steps(2);
    harness
}

fn minute() -> crate::session::Session {
    let mut session = session(1800, &[(1, 0..1800), (4, 300..600)]);
    session.events = vec![
        event(0, EventKind::Started, ""),
        event(20, EventKind::Marker, "smile task"),
        event(60, EventKind::Stopped, "stopped"),
    ];
    session
}

#[test]
fn every_face_has_a_lane_with_a_description() {
    let mut harness = timeline(minute());
    harness.get_by_label_contains("Face 1 from 0:00.0 to 0:59.9, now ");
    harness.get_by_label_contains("Face 4 from 0:10.0 to 0:19.9");
    harness.get_by_label("All faces").click();
    harness.run_steps(2);
    harness.get_by_label("Face 4").click();
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("Face 1 from").is_none());
    harness.get_by_label_contains("Face 4 from");
}

#[test]
fn a_lane_says_where_a_face_has_no_name() {
    let mut session = minute();
    let at_ten = session.faces.iter_mut().filter(|row| row.frame == 300);
    for row in at_ten.filter(|row| row.face.track.0 == 4) {
        row.face.shape = Some(crate::session::fixtures::turned_away());
    }
    let harness = timeline_with(LoadedSession::new(session.clone()), 1000.0, 0.5);
    harness.get_by_label("Face 1 from 0:00.0 to 0:59.9, now uncertain 17 %");
    harness.get_by_label("Face 4 from 0:10.0 to 0:19.9, now turned away");
    let loaded = LoadedSession::new(session);
    let request = Request {
        range: 0.0..20.0,
        size_px: [600, 4],
        lanes: vec![Lane {
            reading: 0,
            track: 1,
        }],
        values: Values::Raw,
        style: LaneStyle::Areas,
        theme: Theme::Dark,
        uncertain_below: 0.0,
    };
    let drawn = draw_thread::draw(&loaded, request);
    let [turned_away] = &drawn.lanes[0].not_named[..] else {
        panic!("{:?}", drawn.lanes[0].not_named);
    };
    assert!((turned_away.start - 10.0).abs() < 1e-9, "{turned_away:?}");
    assert!((turned_away.end - 10.0 - 1.0 / 30.0).abs() < 1e-9);
}

#[test]
fn a_narrow_timeline_has_its_legend_too() {
    for width in [720.0, 1280.0] {
        let harness = timeline_with(LoadedSession::new(minute()), width, 0.0);
        for name in ["angry", "neutral", "uncertain"] {
            harness.get_by_label(name);
        }
    }
}

#[test]
fn a_click_on_a_lane_seeks() {
    let mut harness = timeline(minute());
    let lane = harness.get_by_label_contains("Face 4 from").rect();
    harness.drag_at(lane.center());
    harness.run_steps(3);
    harness.drop_at(lane.center());
    harness.run_steps(2);
    let [
        Command::Play(PlayCommand::Drag(place)),
        Command::Play(PlayCommand::EndDrag),
    ] = harness.state()[..]
    else {
        panic!("{:?}", harness.state());
    };
    assert!(
        place.abs_diff(Duration::from_secs(30)) < ms(100),
        "{place:?}"
    );
}

/// On a slow computer, both ends of a click may come in one frame of the window.
#[test]
fn a_quick_click_on_a_lane_seeks_too() {
    let mut harness = timeline(minute());
    let lane = harness.get_by_label_contains("Face 4 from").rect();
    let pos = lane.center();
    harness.hover_at(pos);
    harness.run_steps(2);
    for pressed in [true, false] {
        harness.input_mut().events.push(egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
    }
    harness.step();
    let [Command::Play(PlayCommand::Seek(place))] = harness.state()[..] else {
        panic!("{:?}", harness.state());
    };
    assert!(place.abs_diff(Duration::from_secs(30)) < ms(100));
}

#[test]
fn a_click_on_an_event_seeks_to_it() {
    let mut harness = timeline(minute());
    harness.get_by_label("0:20.0  smile task").click();
    harness.run_steps(2);
    assert_eq!(
        harness.state(),
        &[Command::from(PlayCommand::Seek(Duration::from_secs(20)))]
    );
    harness.get_by_label("Events").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("0:20.0  smile task").is_none());
}

#[test]
fn zooming_in_keeps_the_playback_position() {
    let mut harness = timeline(minute());
    harness.get_by_label("Zoom in").click();
    harness.run_steps(2);
    // From 0..60 s to 5..35 s.
    let lane = harness.get_by_label_contains("Face 1 from").rect();
    harness.drag_at(lane.left_center() + egui::vec2(1.0, 0.0));
    harness.run_steps(2);
    let Some(Command::Play(PlayCommand::Drag(place))) = harness.state().last() else {
        panic!("{:?}", harness.state());
    };
    assert!(
        place.abs_diff(Duration::from_secs(5)) < ms(200),
        "{place:?}"
    );
    harness.drop_at(lane.left_center());
    harness.run_steps(2);
    harness.get_by_label("Zoom to fit").click();
    harness.run_steps(2);
    let fit = harness.get_by_role_and_label(Role::Button, "Zoom to fit");
    assert!(fit.accesskit_node().is_disabled());
}

#[test]
fn sessions_without_faces_say_so() {
    timeline(session(0, &[])).get_by_label("Nothing was recorded.");
    timeline(session(30, &[])).get_by_label("No face was seen.");
}

#[test]
fn an_empty_session_ends_at_once() {
    let (wake, woken) = crossbeam_channel::unbounded();
    let loaded = Arc::new(LoadedSession::new(session(0, &[])));
    let engine = ReplayEngine::start(loaded, move || {
        wake.send(()).ok();
    })
    .unwrap();
    let state = loop {
        match engine.take_event() {
            Some(crate::pipeline::Event::Source(SourceState::Starting)) => {}
            Some(crate::pipeline::Event::Source(state)) => break state,
            _ => woken
                .recv_timeout(Duration::from_secs(20))
                .expect("a state"),
        }
    };
    assert_eq!(state, SourceState::Ended);
}

#[test]
fn another_reading_stands_below_the_recorded_one() {
    let mut loaded = LoadedSession::new(minute());
    let mut faces = loaded.recorded().faces.clone();
    faces.retain(|row| row.face.track.0 == 1);
    for row in &mut faces {
        row.face
            .smoothed
            .0
            .swap(Expression::Happy.index(), Expression::Fear.index());
    }
    let other = Readings {
        agreement: Some(0.83),
        ..Readings::new("fervis-plus".to_owned(), faces)
    };
    loaded.readings.push(other);
    let mut harness = timeline_of(loaded);
    let top =
        |harness: &Harness<'_, _>, label: &str| harness.get_by_label_contains(label).rect().top();
    let own = top(&harness, "Face 1 from");
    let other = top(&harness, "Face 1 by fervis-plus from");
    let next = top(&harness, "Face 4 from");
    assert!(own < other && other < next);
    harness
        .get_by_label("With fervis-plus (agrees 83 %)")
        .click();
    harness.run_steps(2);
    harness.get_by_label("Recorded only").click();
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("by fervis-plus").is_none());
}

#[test]
fn the_second_network_is_a_reading_of_its_own() {
    let mut session = session(30, &[(1, 0..30)]);
    session.manifest.second_models = session.manifest.models.clone();
    session.manifest.second_models[0].name = "beside".to_owned();
    for (n, row) in session.faces.iter_mut().enumerate() {
        let label = if n < 3 {
            Expression::Fear.into()
        } else {
            row.face.label
        };
        row.face.second = Some(FaceValues {
            raw: row.face.raw,
            smoothed: row.face.smoothed,
            label,
        });
    }
    let loaded = LoadedSession::new(session);
    let second = &loaded.readings[1];
    assert_eq!(second.name, "beside");
    assert_eq!(second.agreement, Some(0.9));
    let row = &loaded.recorded().faces[2];
    let shown = loaded_session::shown(row, 1.0, Some(second));
    assert_eq!(shown.second.unwrap().label, Expression::Fear);
    assert_eq!(loaded_session::shown(row, 1.0, None).second, None);
}

#[test]
fn other_readings_are_found_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = session(30, &[(1, 0..30)]);
    fixtures::write(&recorded, folder.path());
    let other = folder.path().join("reanalysis-plus");
    std::fs::create_dir(&other).unwrap();
    fixtures::write(&recorded, &other);
    let diff = r#"{"after": {"name": "fervis-plus"}, "overall": {"agreement": 0.5}}"#;
    std::fs::write(other.join("diff.json"), diff).unwrap();
    let damaged = folder.path().join("reanalysis-zzz");
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(damaged.join("faces.csv"), "frame\n1\n").unwrap();
    let loaded = LoadedSession::open(folder.path()).unwrap();
    let names: Vec<&str> = loaded
        .readings
        .iter()
        .map(|readings| readings.name.as_str())
        .collect();
    assert_eq!(names, ["three-block", "fervis-plus"]);
    assert_eq!(loaded.readings[1].agreement, Some(0.5));
    let warning = loaded.warning.unwrap();
    assert!(warning.contains("reanalysis-zzz"), "{warning}");
}
