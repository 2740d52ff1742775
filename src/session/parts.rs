//! The files that make up a session's video, and the stretch of time that each shows.
//!
//! What is played along with a video must count from that video's first picture, which need not be the session's first
//! frame: a new part begins when the camera changes its picture size.

use std::ops::Range;

use super::{manifest::Video, reader::Session};

/// A part of the video; the only part of a session without one.
pub struct VideoPart<'a> {
    /// The files that show it, such as the clean and the annotated one; empty if there is no video.
    pub files: Vec<&'a Video>,
    /// Its time, in ticks since the session's first frame. The last part has no end.
    pub time_90k: Range<u64>,
}

impl VideoPart<'_> {
    /// A stretch of the session's time as the part's own, in milliseconds; `None` if it lies outside.
    pub fn span_ms(&self, start_90k: u64, end_90k: u64) -> Option<Range<u64>> {
        let start = start_90k.max(self.time_90k.start);
        let end = end_90k.min(self.time_90k.end);
        let start_ms = milliseconds(start.checked_sub(self.time_90k.start)?);
        let end_ms = milliseconds(end.checked_sub(self.time_90k.start)?);
        (start_ms < end_ms).then_some(start_ms..end_ms)
    }
}

/// The parts, in order of time; at least one.
pub fn video_parts(session: &Session) -> Vec<VideoPart<'_>> {
    let mut main = session.video_parts();
    main.sort_by_key(|video| video.first_pts_90k);
    if main.is_empty() {
        return vec![VideoPart {
            files: Vec::new(),
            time_90k: 0..u64::MAX,
        }];
    }
    let part = |(index, video): (usize, &&'_ Video)| {
        let start = video.first_pts_90k;
        let end = main.get(index + 1).map(|next| next.first_pts_90k);
        let all = session.manifest.video.iter();
        // The clean video comes first: on it, an annotator sees the face without a verdict.
        let mut files: Vec<&Video> = all.filter(|other| other.first_pts_90k == start).collect();
        files.sort_by_key(|file| file.annotated);
        VideoPart {
            files,
            time_90k: start..end.unwrap_or(u64::MAX),
        }
    };
    main.iter().enumerate().map(part).collect()
}

/// Ticks as the nearest whole milliseconds.
fn milliseconds(ticks: u64) -> u64 {
    (ticks + 45) / 90
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixtures::{two_people, video};

    #[test]
    fn each_part_counts_from_its_own_first_picture() {
        let mut session = two_people();
        assert_eq!(video_parts(&session).len(), 1);
        assert_eq!(
            video_parts(&session)[0].span_ms(31_500, 40_500),
            Some(350..450)
        );
        session.manifest.video = vec![
            video("video.mp4", true, 1, 9_000),
            video("video-2.mp4", true, 12, 450_000),
            video("clean.mp4", false, 1, 9_000),
            video("clean-2.mp4", false, 12, 450_000),
        ];
        let parts = video_parts(&session);
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
            first.span_ms(0, 90_000),
            Some(0..900),
            "cut off at its beginning"
        );
        assert_eq!(
            first.span_ms(90_000, 900_000),
            Some(900..4_900),
            "and at its end"
        );
        assert_eq!(first.span_ms(0, 9_000), None);
        assert_eq!(first.span_ms(450_000, 459_000), None);
        assert_eq!(second.span_ms(90_000, 450_090), Some(0..1));
        assert_eq!(second.span_ms(0, 449_000), None);
    }
}
