//! Makes an interrupted session whole again.
//!
//! A crash costs at most a line that was half written and the last half second of the video. Repairing takes off what is
//! torn, writes the video's index, and counts what there is. Bytes whose meaning is not certain are moved to a file
//! beside the damaged one (`….tail`), never deleted, and running it again changes nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

use crate::error_text::error_text;

use super::{
    SessionError,
    description::{ended, now_rfc3339},
    folder::FolderLock,
    latency::LatencyHistogram,
    manifest::{Manifest, Recovery, Status, Video},
    reader::Session,
    tables::{EventKind, EventRow, FaceRow, FrameRow, FrameStatus, Row, seconds},
    video::{self, Recovered},
};

/// What repairing a session came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The session.
    pub folder: PathBuf,
    /// Whether it had to be repaired; if not, nothing was touched.
    pub repaired: bool,
    /// What was done and found, a sentence each.
    pub steps: Vec<String>,
    /// Frames with a row.
    pub n_frames: u64,
    /// From the first frame to the last, s.
    pub duration_s: f64,
}

/// Repairs the session in `folder` if it was interrupted.
///
/// # Errors
/// [`SessionError`] in the user's words. A video that cannot be repaired is no error: the report says so, and the rest
/// of the session is made whole.
pub fn recover(folder: &Path) -> Result<Report, SessionError> {
    let manifest = Manifest::read(folder)?;
    let _lock = FolderLock::take(folder)?;
    let mut steps = Vec::new();
    if manifest.status != Status::Recording {
        let session = Session::open(folder)?;
        return Ok(report(&session, false, steps));
    }
    for table in [FrameRow::FILE, FaceRow::FILE, EventRow::FILE] {
        steps.extend(mend_table(&folder.join(table))?);
    }
    let mut session = Session::open(folder)?;
    let videos = all_videos(folder, &session.manifest.video);
    session.manifest.video.clear();
    for mut video in videos {
        let (step, is_there) = mend_video(folder, &mut video);
        steps.extend(step);
        if is_there {
            steps.extend(missing_pictures(&session, &video));
            session.manifest.video.push(video);
        }
    }
    describe(&mut session, &steps);
    session.manifest.write(folder)?;
    Ok(report(&session, true, steps))
}

fn report(session: &Session, repaired: bool, steps: Vec<String>) -> Report {
    Report {
        folder: session.folder.clone(),
        repaired,
        steps,
        n_frames: session.frames.len() as u64,
        duration_s: seconds(session.end_pts_90k()),
    }
}

/// Takes a line off a table's end that has no end itself.
fn mend_table(path: &Path) -> Result<Option<String>, SessionError> {
    let failed = |source| SessionError::write(path, source);
    let Ok(mut file) = File::options().read(true).write(true).open(path) else {
        return Ok(None); // It was interrupted before this file was made.
    };
    let len = file.metadata().map_err(failed)?.len();
    // A line is far shorter than this, unless a note is a book.
    let window = len.min(1 << 20);
    file.seek(SeekFrom::Start(len - window)).map_err(failed)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).map_err(failed)?;
    let torn_from = end
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    let torn = &end[torn_from..];
    if torn.is_empty() {
        return Ok(None);
    }
    let mut tail_path = path.as_os_str().to_owned();
    tail_path.push(".tail");
    let mut tail = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&tail_path)
        .map_err(failed)?;
    tail.write_all(torn)
        .and_then(|()| tail.sync_all())
        .map_err(failed)?;
    file.set_len(len - torn.len() as u64)
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    let name = file_name(path);
    Ok(Some(format!(
        "{name}: the last line was torn off; its beginning is in {name}.tail."
    )))
}

/// The videos that the description names, and those whose files are there although it does not name them yet.
fn all_videos(folder: &Path, named: &[Video]) -> Vec<Video> {
    let mut videos = named.to_vec();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut unnamed: Vec<String> = entries
        .map(|entry| file_name(&entry.path()))
        .filter(|name| {
            let stem = name
                .strip_suffix(".mp4")
                .or_else(|| name.strip_suffix(".avi"));
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
        first_pts_90k: 0,
        codec: String::new(),
        encoder: String::new(),
        n_frames: None,
        n_bytes: None,
    }));
    videos
}

/// Repairs a video; says what was done, and whether there is one now.
fn mend_video(folder: &Path, video: &mut Video) -> (Option<String>, bool) {
    let path = folder.join(&video.file);
    let file = video.file.clone();
    let mut found = |n_frames: u64| {
        video.n_frames = Some(n_frames);
        video.n_bytes = fs::metadata(&path).ok().map(|file| file.len());
    };
    match video::recover(&path) {
        Ok(Recovered::Complete { n_frames, .. }) => {
            found(n_frames);
            (None, true)
        }
        Ok(Recovered::Repaired {
            n_frames,
            duration,
            lost_bytes,
            tail,
        }) => {
            found(n_frames);
            let mut step = format!(
                "{file}: repaired, {n_frames} pictures, {:.2} s.",
                duration.as_secs_f64()
            );
            if let Some(tail) = tail {
                let tail = file_name(&tail);
                step.push_str(&format!(
                    " {lost_bytes} bytes at its end are no picture; they are in {tail}."
                ));
            }
            (Some(step), true)
        }
        Ok(Recovered::Empty) => {
            let step = format!(
                "{file}: the recording ended before its first picture; the file can be deleted."
            );
            (Some(step), false)
        }
        Err(_) if !path.exists() => (Some(format!("{file}: the file is missing.")), false),
        Err(error) => (Some(format!("{}.", error_text(&error))), true),
    }
}

/// Rows whose pictures did not reach the disk.
fn missing_pictures(session: &Session, video: &Video) -> Option<String> {
    let n_frames = video.n_frames?;
    let parts = &session.manifest.video;
    let is_last = |frame: &&FrameRow| frame.frame >= video.first_frame;
    // Rows count the pictures of the first video only.
    if !video.file.starts_with("video") && parts.iter().any(|part| part.annotated) {
        return None;
    }
    let numbers = session
        .frames
        .iter()
        .filter(is_last)
        .filter_map(|frame| frame.video_frame);
    let n_missing = numbers.filter(|&number| number >= n_frames).count();
    (n_missing > 0).then(|| {
        format!(
            "{}: the last {n_missing} pictures had not reached the disk; their values are there.",
            video.file
        )
    })
}

/// Counts what there is.
fn describe(session: &mut Session, steps: &[String]) {
    let mut latencies = LatencyHistogram::default();
    let counts = &mut session.manifest.counts;
    *counts = Default::default();
    for frame in &session.frames {
        match frame.status {
            FrameStatus::Analysed => counts.analysed += 1,
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
    let last =
        last_unix_s.and_then(|unix_s| Timestamp::from_microsecond((unix_s * 1e6) as i64).ok());
    let manifest = &mut session.manifest;
    manifest.latency_ms = latencies.percentiles();
    manifest.ended = last.map(|time| ended(&manifest.started, &time.to_zoned(TimeZone::system())));
    manifest.ended_because = Some("the recording was interrupted".to_owned());
    manifest.status = Status::Recovered;
    manifest.recovery = Some(Recovery {
        at: now_rfc3339(),
        steps: steps.to_vec(),
    });
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
