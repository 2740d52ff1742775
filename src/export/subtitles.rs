//! Subtitles: what each face shows, and the notes of markers, to be read along with the video.
//!
//! A cue is a stretch of one expression, with its exact times, if it lasts at least 0.2 s; the percentage is its mean
//! probability. Markers show for a second. A note may hold anything, and some things end a cue: line breaks become
//! spaces and `-->` an arrow; WebVTT has escapes for the rest, SRT has none.

use std::{
    io::{self, Write},
    ops::Range,
};

use super::{View, on_one_line, readable_ms};
use crate::{
    session::{parts::video_parts, tables::EventKind},
    time::TICKS_PER_SECOND,
};

/// How long a marker's note is shown, in ticks.
const MARKER_90K: u64 = TICKS_PER_SECOND;

struct Cue {
    span_ms: Range<u64>,
    text: String,
}

pub(super) fn write_webvtt(view: &View<'_>, part: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "WEBVTT")?;
    for (index, cue) in cues(view, part).iter().enumerate() {
        let text = cue.text.replace('&', "&amp;");
        let text = text.replace('<', "&lt;").replace('>', "&gt;");
        let (start, end) = (time(cue.span_ms.start, '.'), time(cue.span_ms.end, '.'));
        write!(out, "\n{}\n{start} --> {end}\n{text}\n", index + 1)?;
    }
    Ok(())
}

pub(super) fn write_srt(view: &View<'_>, part: usize, out: &mut dyn Write) -> io::Result<()> {
    for (index, cue) in cues(view, part).iter().enumerate() {
        let separation = if index == 0 { "" } else { "\n" };
        let text = cue.text.replace("-->", "→");
        let (start, end) = (time(cue.span_ms.start, ','), time(cue.span_ms.end, ','));
        write!(
            out,
            "{separation}{}\n{start} --> {end}\n{text}\n",
            index + 1
        )?;
    }
    Ok(())
}

/// All cues of a part of the video by their beginnings, as WebVTT demands.
fn cues(view: &View<'_>, part: usize) -> Vec<Cue> {
    let parts = video_parts(view.session);
    let Some(part) = parts.get(part) else {
        return Vec::new();
    };
    let mut cues = Vec::new();
    for run in view.tracks.iter().flat_map(|track| track.runs()) {
        if let Some(span_ms) = readable_ms(part, &run) {
            let percent = run.probability * 100.0;
            let text = format!("face {}: {} {percent:.0} %", run.track, run.label);
            cues.push(Cue { span_ms, text });
        }
    }
    let events = view.session.events.iter();
    for event in events.filter(|event| event.kind == EventKind::Marker) {
        let end = event.pts_90k.saturating_add(MARKER_90K);
        if let Some(span_ms) = part.span_ms(event.pts_90k, end) {
            let text = match on_one_line(&event.detail).as_str() {
                "" => "[marker]".to_owned(),
                note => format!("[marker: {note}]"),
            };
            cues.push(Cue { span_ms, text });
        }
    }
    cues.sort_by_key(|cue| cue.span_ms.start);
    cues
}

/// `hh:mm:ss.mmm`.
fn time(ms: u64, point: char) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!(
        "{:02}:{:02}:{:02}{point}{ms:03}",
        s / 3600,
        s / 60 % 60,
        s % 60
    )
}
