//! Sessions that are recorded from picture files.

use super::*;

#[test]
fn the_tables_name_the_picture_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::None));
    let network = checkpoint("first");
    let first = script.capture();
    script.analyze(&first, 1, &network);
    let later = Duration::from_millis(40);
    let mut second = Frame::new(
        FrameId(1),
        first.captured_at + later,
        first.time + later,
        SMALL,
        first.rgba().to_vec().into(),
    );
    second.file = Some("a, b.jpg".into());
    let second = Arc::new(second);
    script.tap.captured(RUN, &second);
    script.analyze(&second, 1, &network);
    script.recorder.stop("stopped");
    let (_, session) = script.finish();
    let frames: Vec<_> = session
        .frames
        .iter()
        .map(|row| row.file.as_deref())
        .collect();
    assert_eq!(frames, [None, Some("a, b.jpg")]);
    let faces: Vec<_> = session
        .faces
        .iter()
        .map(|row| row.file.as_deref())
        .collect();
    assert_eq!(faces, frames);
}
