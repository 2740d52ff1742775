//! The parts of a session's video, and the stretch of time that each shows.
//!
//! What is played along with a video counts from that video's first frame, which need not be the session's first: a new
//! part begins when the camera changes its frame size.

use std::{ops::Range, path::PathBuf};

use super::{SessionError, files, manifest::Video, reader::Session};
use crate::time::Ticks;

/// A part of the video; the only part of a session without one.
pub struct VideoPart<'a> {
    /// The files that show it, such as the clean and the annotated one; empty if there is no video.
    pub files: Vec<&'a Video>,
    /// Its time in the session. The last part has no end.
    pub time: Range<Ticks>,
}

impl VideoPart<'_> {
    /// A stretch of the session's time as the part's own, in milliseconds; `None` if it lies outside.
    pub fn span_ms(&self, start: Ticks, end: Ticks) -> Option<Range<u64>> {
        let start = start.max(self.time.start);
        let end = end.min(self.time.end);
        let start_ms = start.checked_sub(self.time.start)?.as_millis();
        let end_ms = end.checked_sub(self.time.start)?.as_millis();
        (start_ms < end_ms).then_some(start_ms..end_ms)
    }
}

impl Session {
    /// The parts of the video that is best to look at, in order: the clean one if there is one, else the annotated one.
    pub fn video_parts(&self) -> Vec<&Video> {
        let videos = &self.manifest.video;
        let has_clean = videos.iter().any(|part| !part.annotated);
        let wanted = videos.iter().filter(|part| part.annotated != has_clean);
        wanted.collect()
    }

    /// The stretches of time that the parts of the video show, in order, with all files of each; at least one.
    pub fn parts(&self) -> Vec<VideoPart<'_>> {
        let mut main = self.video_parts();
        main.sort_by_key(|video| video.first_time);
        if main.is_empty() {
            return vec![VideoPart {
                files: Vec::new(),
                time: Ticks::ZERO..Ticks::MAX,
            }];
        }
        let part = |(index, video): (usize, &&'_ Video)| {
            let start = video.first_time;
            let end = main.get(index + 1).map(|next| next.first_time);
            let all = self.manifest.video.iter();
            // The clean video comes first: on it, an annotator sees the face without a verdict.
            let mut files: Vec<&Video> = all.filter(|other| other.first_time == start).collect();
            files.sort_by_key(|file| file.annotated);
            VideoPart {
                files,
                time: start..end.unwrap_or(Ticks::MAX),
            }
        };
        main.iter().enumerate().map(part).collect()
    }

    /// Where a part of a video lies.
    ///
    /// # Errors
    /// [`SessionError::Read`] if it is not there, or is not a regular file but a link, say.
    pub fn video_path(&self, part: &Video) -> Result<PathBuf, SessionError> {
        let path = self.folder.join(&part.file);
        match files::open(&path) {
            Ok(_) => Ok(path),
            Err(source) => Err(SessionError::read(&path, source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixtures::{two_people, video};

    #[test]
    fn each_part_counts_from_its_own_first_picture() {
        let mut session = two_people();
        assert_eq!(session.parts().len(), 1);
        assert_eq!(
            session.parts()[0].span_ms(Ticks(31_500), Ticks(40_500)),
            Some(350..450)
        );
        session.manifest.video = vec![
            video("video.mp4", true, 1, 9_000),
            video("video-2.mp4", true, 12, 450_000),
            video("clean.mp4", false, 1, 9_000),
            video("clean-2.mp4", false, 12, 450_000),
        ];
        let parts = session.parts();
        let names: Vec<Vec<&str>> = parts
            .iter()
            .map(|part| part.files.iter().map(|file| file.file.as_str()).collect())
            .collect();
        assert_eq!(
            names,
            [["clean.mp4", "video.mp4"], ["clean-2.mp4", "video-2.mp4"]]
        );
        let [first, second] = &parts[..] else {
            panic!("{} parts", parts.len());
        };
        assert_eq!(
            first.span_ms(Ticks(0), Ticks(90_000)),
            Some(0..900),
            "cut off at its beginning"
        );
        assert_eq!(
            first.span_ms(Ticks(90_000), Ticks(900_000)),
            Some(900..4_900),
            "and at its end"
        );
        assert_eq!(first.span_ms(Ticks(0), Ticks(9_000)), None);
        assert_eq!(first.span_ms(Ticks(450_000), Ticks(459_000)), None);
        assert_eq!(second.span_ms(Ticks(90_000), Ticks(450_090)), Some(0..1));
        assert_eq!(second.span_ms(Ticks(0), Ticks(449_000)), None);
    }
}
