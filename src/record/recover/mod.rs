//! Repairs interrupted sessions.
//!
//! A crash costs at most a half-written line and the last half second of the video. Repairing cuts off incomplete
//! lines, writes the video's index, matches rows with frames of the video, and counts everything again. Bytes that it
//! cannot interpret are kept in a file beside the damaged one (`….tail`). Running it again changes nothing.
//!
//! A session may come from anybody, so only regular files in its own folder are opened; see [`files`].

mod rows;

use std::{
    fs,
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

pub(super) use self::rows::align;
use super::{
    clock::{now_rfc3339, rfc3339_at},
    description::latency_ms,
    video::{self, Recovered},
};
use crate::{
    error_text::error_text,
    percentiles::DurationHistogram,
    session::{
        Session, SessionError, files,
        folder::FolderLock,
        is_session,
        manifest::{Manifest, Recovery, Status, Video},
        tables::{EventKind, EventRow, FaceRow, FrameRow, FrameStatus, Row},
    },
    time::Ticks,
};

/// Maximum length of a line. Lines are far shorter, unless a note is a book.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// The extension of videos that builds without H.264 recorded until version 0.1.
const AVI: &str = ".avi";

/// The year 3000. A later wall clock is wrong, and date libraries may not support it.
const MAX_UNIX_S: f64 = 32_503_680_000.0;

/// The result of [`recover`].
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The session.
    pub folder: PathBuf,
    /// Whether it was repaired; if not, nothing was changed.
    pub repaired: bool,
    /// What was done and found, one sentence each.
    pub steps: Vec<String>,
    /// Frames with a row.
    pub n_frames: u64,
    /// From the first frame to the last, s.
    pub duration_s: f64,
}

/// Repairs the session in `folder` if it was interrupted.
///
/// # Errors
/// [`SessionError`]. A video that cannot be repaired is not an error: the report says so, and the rest of the session
/// is repaired.
pub fn recover(folder: &Path) -> Result<Report, SessionError> {
    if !is_session(folder) {
        return Err(SessionError::NotASession {
            folder: folder.to_owned(),
        });
    }
    // Locked before anything is read: a recording that ends in between would look interrupted.
    let lock = match FolderLock::take(folder) {
        Ok(lock) => Some(lock),
        // A finished session may be on a read-only disk.
        Err(error) if error.is_refusal() && Manifest::read(folder)?.status != Status::Recording => {
            None
        }
        Err(error) => return Err(error),
    };
    let manifest = Manifest::read(folder)?;
    let mut steps = Vec::new();
    if manifest.status != Status::Recording {
        let session = Session::open(folder)?;
        return Ok(report(&session, false, steps));
    }
    for table in [FrameRow::FILE, FaceRow::FILE, EventRow::FILE] {
        steps.extend(mend_table(&folder.join(table))?);
    }
    let mut videos = Vec::new();
    for mut video in all_videos(folder, &manifest.video) {
        let (step, is_there) = mend_video(folder, &mut video);
        steps.extend(step);
        if is_there {
            videos.push(video);
        }
    }
    let aligned = align(folder, &videos, manifest.clock.zero_unix_s)?;
    steps.extend(aligned_steps(aligned));
    let mut session = Session::open(folder)?;
    for video in &mut videos {
        // If its first frames are lost, it begins later.
        let after = session
            .frames
            .partition_point(|row| row.time < video.first_time);
        let first = session.frames.get(after).map_or(0, |row| row.frame);
        video.first_frame = video.first_frame.max(first);
    }
    session.manifest.video = videos;
    describe(&mut session, &steps);
    session.manifest.write(folder)?;
    drop(lock);
    Ok(report(&session, true, steps))
}

fn report(session: &Session, repaired: bool, steps: Vec<String>) -> Report {
    Report {
        folder: session.folder.clone(),
        repaired,
        steps,
        n_frames: session.frames.len() as u64,
        duration_s: session.last_time().as_secs_f64(),
    }
}

/// Cuts off an incomplete last line of a table.
fn mend_table(path: &Path) -> Result<Option<String>, SessionError> {
    let failed = |source| SessionError::write(path, source);
    let mut file = match files::open_to_change(path) {
        Ok(file) => file,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None), // Interrupted before it was created.
        Err(source) => return Err(failed(source)),
    };
    let len = file.metadata().map_err(failed)?.len();
    let window = len.min(MAX_LINE_BYTES);
    file.seek(SeekFrom::Start(len - window)).map_err(failed)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).map_err(failed)?;
    let torn_from = match end.iter().rposition(|&byte| byte == b'\n') {
        Some(at) => at + 1,
        None if window == len => 0,
        None => {
            let words = "its last line is too long for a session's table; the file was not changed";
            return Err(failed(io::Error::new(ErrorKind::InvalidData, words)));
        }
    };
    let torn = &end[torn_from..];
    if torn.is_empty() {
        return Ok(None);
    }
    let (tail_path, mut tail) = files::create_tail(path).map_err(failed)?;
    tail.write_all(torn)
        .and_then(|()| tail.sync_all())
        .map_err(failed)?;
    file.set_len(len - torn.len() as u64)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    let (name, tail) = (file_name(path), file_name(&tail_path));
    Ok(Some(format!(
        "{name}: the last line was incomplete; it was moved to {tail}."
    )))
}

/// The videos that the description lists, and video files that it does not list yet.
fn all_videos(folder: &Path, named: &[Video]) -> Vec<Video> {
    let mut videos = named.to_vec();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut unnamed: Vec<String> = entries
        .map(|entry| file_name(&entry.path()))
        .filter(|name| {
            let stem = name.strip_suffix(".mp4").or_else(|| name.strip_suffix(AVI));
            let is_ours = |stem: &str| {
                ["video", "clean"].iter().any(|first| {
                    let rest = stem.strip_prefix(first);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                })
            };
            stem.is_some_and(is_ours) && !named.iter().any(|video| video.file == *name)
        })
        .collect();
    unnamed.sort();
    videos.extend(unnamed.into_iter().map(|file| Video {
        annotated: file.starts_with("video"),
        file,
        width: 0,
        height: 0,
        first_frame: 0,
        first_time: Ticks::ZERO,
        codec: String::new(),
        encoder: String::new(),
        n_frames: None,
        n_bytes: None,
    }));
    videos
}

/// Repairs a video. Returns what was done, and whether there is a video now.
fn mend_video(folder: &Path, video: &mut Video) -> (Option<String>, bool) {
    let path = folder.join(&video.file);
    let file = video.file.clone();
    if file.ends_with(AVI) && fs::symlink_metadata(&path).is_ok() {
        let step = format!(
            "{file}: earlier versions recorded AVI, which plays without repair; the file was left as it is."
        );
        return (Some(step), true);
    }
    let mut found = |n_frames: u64| {
        video.n_frames = Some(n_frames);
        video.n_bytes = fs::symlink_metadata(&path).ok().map(|file| file.len());
    };
    match video::recover(&path) {
        Ok(Recovered::Complete { n_frames, .. }) => {
            found(n_frames);
            (None, true)
        }
        Ok(Recovered::Repaired {
            n_frames,
            duration,
            first_time,
            tail,
            ..
        }) => {
            found(n_frames);
            let mut step = format!(
                "{file}: repaired, {n_frames} frames, {:.2} s.",
                duration.as_secs_f64()
            );
            if first_time > Ticks::ZERO {
                video.first_time = video.first_time.saturating_add(first_time);
                step.push_str(&format!(
                    " The first {:.2} s are lost.",
                    first_time.as_secs_f64()
                ));
            }
            if let Some(tail) = tail {
                let n_bytes = fs::symlink_metadata(&tail).map_or(0, |tail| tail.len());
                let tail = file_name(&tail);
                step.push_str(&format!(
                    " {n_bytes} bytes are damaged and hold no readable frame; they are kept in {tail}."
                ));
            }
            (Some(step), true)
        }
        Ok(Recovered::Empty) => {
            let step = format!(
                "{file}: the recording ended before the first frame; the file can be deleted."
            );
            (Some(step), false)
        }
        Err(_) if fs::symlink_metadata(&path).is_err() => {
            (Some(format!("{file}: the file is missing.")), false)
        }
        Err(error) => (Some(format!("{}.", error_text(&error))), true),
    }
}

/// What matching rows with frames of the video changed, in words.
fn aligned_steps(aligned: rows::Aligned) -> Vec<String> {
    let file = FrameRow::FILE;
    let frames = |n: u64| {
        if n == 1 {
            "1 frame".to_owned()
        } else {
            format!("{n} frames")
        }
    };
    let mut steps = Vec::new();
    if aligned.n_without_picture > 0 {
        let frames = frames(aligned.n_without_picture);
        steps.push(format!(
            "{file}: {frames} missing from the video; the values are kept."
        ));
    }
    if aligned.n_added > 0 {
        let frames = frames(aligned.n_added);
        steps.push(format!(
            "{file}: rows were added for {frames} of the video whose results were lost."
        ));
    }
    if aligned.n_without_row > 0 {
        let frames = frames(aligned.n_without_row);
        steps.push(format!(
            "{file}: no row for {frames} of the video, because the times are damaged."
        ));
    }
    steps
}

/// Counts everything again and completes the description.
fn describe(session: &mut Session, steps: &[String]) {
    let mut latencies = DurationHistogram::default();
    let counts = &mut session.manifest.counts;
    *counts = Default::default();
    for frame in &session.frames {
        match frame.status {
            FrameStatus::Analyzed => counts.analyzed += 1,
            FrameStatus::Skipped => counts.skipped += 1,
        }
        counts.recorded += u64::from(frame.video_frame.is_some());
        if let Some(latency) = frame.latency {
            latencies.count(latency);
        }
    }
    let refused = session
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Refused);
    counts.refused = refused
        .filter_map(|event| event.detail.parse::<u64>().ok())
        .sum();
    counts.captured = session.frames.len() as u64 + counts.refused;
    counts.faces = session.faces.len() as u64;
    let last_unix_s = session.frames.last().map(|frame| frame.unix_s);
    let manifest = &mut session.manifest;
    manifest.latency_ms = latency_ms(&latencies);
    manifest.ended = last_unix_s.and_then(|unix_s| ended(&manifest.started, unix_s));
    manifest.ended_because = Some("the recording was interrupted".to_owned());
    manifest.status = Status::Recovered;
    manifest.recovery = Some(Recovery {
        at: now_rfc3339(),
        steps: steps.to_vec(),
    });
}

/// The end of a session whose last frame has this time, not before its start; `None` if no wall clock shows such a time.
fn ended(started: &str, unix_s: f64) -> Option<String> {
    if !(0.0..MAX_UNIX_S).contains(&unix_s) {
        return None;
    }
    let ended = Timestamp::from_microsecond((unix_s * 1e6) as i64).ok()?;
    let started: Option<Timestamp> = started.parse().ok();
    let ended = started.map_or(ended, |started| ended.max(started));
    Some(rfc3339_at(ended))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_its_last_frame_was_captured_if_possible() {
        let started = "2026-11-25T14:03:05+01:00";
        let at = |unix_s| {
            let ended = ended(started, unix_s)?;
            Some(ended.parse::<Timestamp>().unwrap().as_second())
        };
        assert_eq!(at(1_795_698_190.0), Some(1_795_698_190));
        assert_eq!(
            at(5.0),
            Some(started.parse::<Timestamp>().unwrap().as_second()),
            "not before it started"
        );
        for wrong in [
            f64::NAN,
            f64::INFINITY,
            -1.0,
            253_402_207_200.0,
            253_402_300_799.0,
            1e300,
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
        assert!(ended("9999-12-31T23:59:59+00:00", 1_795_698_190.0).is_some());
        assert!(ended("soon", 1_795_698_190.0).is_some());
    }
}
