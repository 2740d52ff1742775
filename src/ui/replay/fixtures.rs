//! Made-up sessions for tests: 30 frames per second, with faces that smile more and more.

use std::{fs, path::Path};

use crate::{
    expression::Labels,
    session::{
        self, Session,
        annotations::Annotations,
        manifest,
        tables::{self, EventKind, EventRow, FrameRow, FrameStatus, Row},
    },
    time::Ticks,
};

/// Ticks from one frame to the next.
pub const INTERVAL: u64 = 3000;

/// A session of `n_frames` frames without video; each of `faces` is a track and the frames in which it is seen.
pub fn session(n_frames: u64, faces: &[(u64, std::ops::Range<u64>)]) -> Session {
    let mut session = Session {
        folder: "/sessions/2026-11-25 14.03.05".into(),
        manifest: manifest::tests::manifest(),
        frames: (0..n_frames).map(frame).collect(),
        faces: Vec::new(),
        events: Vec::new(),
        annotations: Annotations::default(),
        annotations_problem: None,
        left_out: Default::default(),
    };
    for at in 0..n_frames {
        for (track, seen) in faces {
            if seen.contains(&at) {
                let happy = at as f32 / n_frames as f32;
                session.faces.push(tables::tests::face(at, *track, happy));
            }
        }
    }
    session
}

/// Gives a session a video without boxes, in `folder`: the demo, which has 270 frames of 640×480.
pub fn add_video(session: &mut Session, folder: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.mp4");
    fs::copy(demo, folder.join("clean.mp4")).unwrap();
    let source = &mut session.manifest.source;
    (source.width, source.height) = (640, 480);
    let video = session::fixtures::video("clean.mp4", false, 0, 0);
    session.manifest.video = vec![video];
    for frame in &mut session.frames {
        frame.video_frame = Some(frame.frame);
    }
    session.folder = folder.to_owned();
}

/// An analyzed frame.
pub fn frame(frame: u64) -> FrameRow {
    FrameRow {
        frame,
        time: Ticks(frame * INTERVAL),
        unix_s: 0.0,
        source_s: 0.0,
        status: FrameStatus::Analyzed,
        video_frame: None,
        n_faces: Some(1),
        latency: None,
        file: None,
    }
}

/// An event at `time_s` seconds.
pub fn event(time_s: u64, kind: EventKind, detail: &str) -> EventRow {
    EventRow {
        time: Ticks(time_s * Ticks::PER_SECOND),
        unix_s: 0.0,
        kind,
        detail: detail.to_owned(),
        sent: None,
    }
}

/// Writes a session into `folder`.
pub fn write(session: &Session, folder: &Path) {
    session.manifest.write(folder).unwrap();
    write_table(&session.frames, folder);
    write_table(&session.faces, folder);
    write_table(&session.events, folder);
}

fn write_table<R: Row>(rows: &[R], folder: &Path) {
    fs::write(folder.join(R::FILE), tables::table(Labels::FER_2013, rows)).unwrap();
}
