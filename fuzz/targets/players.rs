//! Video files and animated pictures, opened as users open them: a few frames, and a few more from another time.

#![no_main]

use std::time::Duration;

use fervis::{
    capture::{self, FrameSource, SourceSpec},
    frame::FramePool,
};
use libfuzzer_sys::fuzz_target;

const MAX_FRAMES: usize = 4;

fn play(source: &mut dyn FrameSource) {
    let pool = FramePool::default();
    for _ in 0..MAX_FRAMES {
        match source.next_frame(&pool) {
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return,
        }
    }
}

fuzz_target!(init: fervis_fuzz::hide_ffmpeg(), |bytes: &[u8]| {
    fervis_fuzz::with_file("input", bytes, |path| {
        if let Ok(mut source) = capture::open_to_end(&SourceSpec::Path(path.to_owned())) {
            play(&mut *source);
            if source.seek(Duration::from_millis(200)).is_ok() {
                play(&mut *source);
            }
        }
    });
});
