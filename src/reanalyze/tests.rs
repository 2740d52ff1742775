//! Made-up sessions, reanalyzed by a network that always answers the same.

use std::collections::VecDeque;

use super::*;
use crate::{
    capture::{SourceInfo, SourceKind},
    expression::{Expression, Labels, Logits},
    frame::FrameId,
    model::{ModelError, Views},
    session::{
        fixtures::{two_people, video},
        manifest::Video,
    },
    time::Ticks,
};

const SIZE: Resolution = Resolution::new(4, 2);

/// Sees one expression everywhere, with logit 4, and remembers its calls.
struct OneMind {
    info: Arc<CheckpointInfo>,
    sees: Expression,
    n_boxes: Vec<usize>,
    views: Views,
}

fn one_mind(sees: Expression) -> OneMind {
    OneMind {
        info: Arc::new(CheckpointInfo {
            name: "one mind".to_owned(),
            path: None,
            architecture: "none".to_owned(),
            n_parameters: 0,
            labels: Labels::FER_2013,
            outputs: Vec::new(),
            temperature: 2.0,
            uncertain_below: 0.0,
            metrics: Vec::new(),
            sha256: "cd".repeat(32),
            assumed: None,
        }),
        sees,
        n_boxes: Vec::new(),
        views: Views::default(),
    }
}

impl ClassifyFaces for OneMind {
    fn info(&self) -> &Arc<CheckpointInfo> {
        &self.info
    }

    fn classify(
        &mut self,
        _: &Frame,
        faces: &[FaceRegion],
        views: Views,
    ) -> Result<Vec<Logits>, ModelError> {
        self.n_boxes.push(faces.len());
        self.views = views;
        let mut logits = Logits::default();
        logits.0[self.sees.index()] = 4.0;
        Ok(vec![logits; faces.len()])
    }
}

/// A file with pictures at these times, s.
struct Times {
    info: SourceInfo,
    times: VecDeque<f64>,
}

impl FrameSource for Times {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let Some(time) = self.times.pop_front() else {
            return Ok(None);
        };
        if time < 0.0 {
            let reason = "it is damaged".to_owned();
            let path = PathBuf::from("clip");
            return Err(CaptureError::Unsupported { path, reason });
        }
        let time = Duration::from_secs_f64(time);
        let size = self.info.resolution;
        let frame = Frame::new(FrameId(0), Instant::now(), time, size, pool.buffer(size));
        Ok(Some(frame))
    }
}

fn clip(times: &[f64]) -> Box<dyn FrameSource> {
    Box::new(Times {
        info: SourceInfo {
            name: "clip".to_owned(),
            kind: SourceKind::File,
            resolution: SIZE,
            rate_hz: None,
            n_frames: None,
            duration: None,
            format: String::new(),
            mirror_by_default: false,
        },
        times: times.iter().copied().collect(),
    })
}

fn part(file: &str, annotated: bool, first_frame: u64, first_ticks: u64) -> Video {
    Video {
        width: SIZE.width_px,
        height: SIZE.height_px,
        ..video(file, annotated, first_frame, first_ticks)
    }
}

/// Two people with a clean video in two parts, in which frame 4 is missing.
fn recorded() -> Session {
    let mut session = two_people();
    session.manifest.settings.smoothing_s = 0.0;
    session.manifest.settings.views = Views::Flip;
    session.manifest.video = vec![
        part("clean.mp4", false, 0, 0),
        part("clean-2.mp4", false, 12, 450_000),
    ];
    for frame in &mut session.frames {
        frame.video_frame = (frame.frame != 4).then_some(0);
    }
    session
}

/// The times of the pictures in the parts of [`recorded`].
fn parts(file: &Path) -> Result<Box<dyn FrameSource>, CaptureError> {
    let times = match file.file_name().and_then(|name| name.to_str()) {
        Some("clean.mp4" | "video.mp4") => {
            &[0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1][..]
        }
        // A little off, as a container with another clock would have it.
        Some("clean-2.mp4") => &[0.0, 0.1004, 0.1998, 0.3],
        other => panic!("{other:?} is no part"),
    };
    Ok(clip(times))
}

fn run(session: &Session, sees: Expression) -> Result<Reanalysis, ReanalyzeError> {
    reanalyze_from(session, &mut one_mind(sees), &parts, &mut |_, _| {
        ControlFlow::Continue(())
    })
}

#[test]
fn every_face_in_the_video_is_classified_where_it_was_recorded() {
    let session = recorded();
    let mut network = one_mind(Expression::Sad);
    let mut calls = Vec::new();
    let mut progress = |done, of| {
        calls.push((done, of));
        ControlFlow::Continue(())
    };
    let new = reanalyze_from(&session, &mut network, &parts, &mut progress).unwrap();
    // 13 frames with faces are in the video; in frames 3 and 7 there are two faces, in 5 the second is presumed.
    assert_eq!(network.views, Views::Flip, "as in the recording");
    assert_eq!(network.n_boxes, [1, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(
        (calls.first(), calls.last()),
        (Some(&(1, 13)), Some(&(13, 13)))
    );
    let counts = new.diff.faces;
    assert_eq!((counts.recorded, counts.compared), (18, 15));
    assert_eq!((counts.presumed, counts.without_picture), (1, 2));
    assert_eq!(new.diff.pictures.kind, PictureKind::Clean);
    assert_eq!(new.diff.notes, Vec::<String>::new());
    let after: u64 = new
        .diff
        .overall
        .confusion
        .iter()
        .map(|row| row[Expression::Sad.index()])
        .sum();
    assert_eq!(after, 15);
    // Temperature 2: logit 4 counts as 2.
    let e2 = 2f32.exp();
    assert!((new.faces[0].face.raw.of(Expression::Sad) - e2 / (e2 + 6.0)).abs() < 1e-6);
    assert_eq!(
        new.faces[0].face.box_in_frame,
        session.faces[0].face.box_in_frame
    );
    assert!(
        new.faces
            .iter()
            .all(|face| face.model == 1 && face.frame != 4)
    );
    // The presumed face of frame 5 keeps the value of frame 3, the last in the video.
    let presumed = new.faces.iter().find(|row| !row.is_found()).unwrap();
    assert_eq!(
        (presumed.frame, presumed.label()),
        (5, Expression::Sad.into())
    );
}

#[test]
fn probabilities_are_smoothed_as_in_the_recording() {
    /// Happy at first, then angry.
    struct Turning(OneMind);
    impl ClassifyFaces for Turning {
        fn info(&self) -> &Arc<CheckpointInfo> {
            &self.0.info
        }
        fn classify(
            &mut self,
            frame: &Frame,
            faces: &[FaceRegion],
            views: Views,
        ) -> Result<Vec<Logits>, ModelError> {
            if frame.time > Duration::ZERO {
                self.0.sees = Expression::Angry;
            }
            self.0.classify(frame, faces, views)
        }
    }
    let mut session = recorded();
    session.manifest.settings.smoothing_s = 0.1;
    let mut network = Turning(one_mind(Expression::Happy));
    let new = reanalyze_from(&session, &mut network, &parts, &mut |_, _| {
        ControlFlow::Continue(())
    })
    .unwrap();
    // After one time constant, 1 − 1/e of the way between the logarithms, which are 2 apart.
    let [angry, happy] =
        [Expression::Angry, Expression::Happy].map(|class| new.faces[1].face.smoothed.of(class));
    let way = 1.0 - (-1f32).exp();
    assert!(
        ((angry / happy).ln() - (4.0 * way - 2.0)).abs() < 1e-3,
        "{angry} {happy}"
    );
}

#[test]
fn the_original_file_comes_first_and_may_have_been_played_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    fs::write(&file, "").unwrap();
    let mut session = recorded();
    session.manifest.source.kind = "file".to_owned();
    session.manifest.source.path = Some(file.display().to_string());
    (
        session.manifest.source.width,
        session.manifest.source.height,
    ) = (SIZE.width_px, SIZE.height_px);
    for frame in session.frames.iter_mut().filter(|frame| frame.frame >= 12) {
        frame.source_s -= 5.0;
    }
    let times = [
        0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2,
    ];
    let open = |opened: &Path| {
        assert_eq!(opened, file);
        Ok(clip(&times))
    };
    let mut network = one_mind(Expression::Happy);
    let new = reanalyze_from(&session, &mut network, &open, &mut |_, _| {
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(new.diff.pictures.kind, PictureKind::Original);
    assert_eq!(
        (new.diff.faces.compared, new.diff.faces.without_picture),
        (17, 0)
    );
}

#[test]
fn annotated_and_damaged_videos_add_notes() {
    let mut session = recorded();
    session.manifest.video = vec![part("video.mp4", true, 0, 0)];
    let open = |_: &Path| Ok(clip(&[0.0, 0.1, -1.0, 0.2]));
    let mut network = one_mind(Expression::Happy);
    let new = reanalyze_from(&session, &mut network, &open, &mut |_, _| {
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(new.diff.pictures.kind, PictureKind::Annotated);
    assert_eq!(new.diff.faces.compared, 2);
    let [drawn, broken] = &new.diff.notes[..] else {
        panic!("{:?}", new.diff.notes);
    };
    assert!(
        drawn.contains("boxes and labels cover parts of faces"),
        "{drawn}"
    );
    assert!(broken.contains("it is damaged"), "{broken}");
}

#[test]
fn what_cannot_be_reanalyzed_is_explained_in_a_sentence() {
    let check = |change: fn(&mut Session), expected: &str| {
        let mut session = recorded();
        change(&mut session);
        let error = run(&session, Expression::Happy).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(
        |session| session.manifest.video.clear(),
        "only values were recorded; record with --video",
    );
    check(
        |session| {
            session.manifest.video.clear();
            session.manifest.source.kind = "file".to_owned();
            session.manifest.source.path = Some("/no/such/clip.mp4".to_owned());
        },
        "/no/such/clip.mp4 is gone",
    );
    check(
        |session| session.manifest.settings.privacy = Some("blurred".to_owned()),
        "faces are covered in its video (blurred)",
    );
    check(
        |session| session.manifest.video[0].width = 640,
        "its frames are 4×2 and not 640×2",
    );
    check(
        |session| {
            for frame in &mut session.frames {
                frame.time += Ticks::from_millis(50);
            }
        },
        "none of its frames has the time of a recorded frame",
    );
}

#[test]
fn without_faces_there_is_nothing_to_compare() {
    let mut session = recorded();
    session.faces.clear();
    let new = run(&session, Expression::Happy).unwrap();
    assert_eq!((new.faces.len(), new.diff.overall.agreement), (0, None));
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_not_unicode_can_be_read_again() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut session = recorded();
    session.folder = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    let new = run(&session, Expression::Sad).unwrap();
    new.write(folder.path(), true).unwrap();
    let diff = fs::read_to_string(folder.path().join(DIFF_FILE)).unwrap();
    assert!(diff.contains("caf\u{fffd}/clean.mp4"), "{diff}");
}

#[test]
fn results_go_to_their_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = recorded();
    session.folder = folder.path().to_owned();
    session.manifest.write(folder.path()).unwrap();
    let mut new = run(&session, Expression::Sad).unwrap();
    let out = default_folder(folder.path(), "my net/2.pt");
    assert_eq!(out, folder.path().join("reanalysis-my-net-2.pt"));
    assert_eq!(saved(folder.path()), Vec::<PathBuf>::new());
    new.write(&out, false).unwrap();
    assert_eq!(saved(folder.path()), [out.as_path()]);
    let rows: Vec<FaceRow> = crate::session::tables::read(&out.join("faces.csv")).unwrap();
    assert_eq!(rows.len(), new.faces.len());
    let read = || -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(out.join(DIFF_FILE)).unwrap()).unwrap()
    };
    let diff = read();
    assert_eq!(diff["schema"], SCHEMA);
    assert_eq!(diff["after"]["name"], "one mind");
    assert_eq!(diff["pictures"]["kind"], "clean");
    assert_eq!(diff["tracks"][1]["track"], 2);
    assert_eq!(diff["overall"]["classes"][4]["expression"], "sad");

    let refused = new.write(&out, false).unwrap_err().to_string();
    assert!(refused.contains("exists already"), "{refused}");
    new.diff.notes.push("again".to_owned());
    new.write(&out, true).unwrap();
    assert_eq!(read()["notes"][0], "again");
    let refused = new.write(folder.path(), true).unwrap_err().to_string();
    assert!(refused.contains("is a session"), "{refused}");
    assert!(!folder.path().join("faces.csv").exists());
}

#[test]
fn it_ends_when_it_is_canceled() {
    let mut network = one_mind(Expression::Sad);
    let mut cancel = |done, _| match done {
        5 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let result = reanalyze_from(&recorded(), &mut network, &parts, &mut cancel);
    assert!(matches!(result, Err(ReanalyzeError::Canceled)));
    assert_eq!(network.n_boxes.len(), 5);
}
