//! Subtitles: each face's expression, and the notes of markers, to read along with the video.
//!
//! A cue is what was shown of one face for at least 0.2 s, with its exact times: an expression, whose percentage is its mean
//! probability, or that the face was uncertain or turned away. Markers show for a second. A note may contain text that would end a cue: line breaks become spaces, and
//! `-->` becomes an arrow in SRT. WebVTT has escapes for the rest.

use std::{
    io::{self, Write},
    ops::Range,
    time::Duration,
};

use super::{Selection, on_one_line, readable_ms};
use crate::{
    session::{about::About, tables::EventKind, timeline::FaceTrack},
    time::{Ticks, clock},
};

/// How long a marker's note is shown.
const MARKER: Ticks = Ticks(Ticks::PER_SECOND);

struct Cue {
    span_ms: Range<u64>,
    text: String,
}

pub(super) fn write_webvtt(
    selection: &Selection<'_>,
    part: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "WEBVTT")?;
    let about = &selection.session.manifest.about;
    if !about.is_empty() {
        writeln!(out, "\nNOTE")?;
        for field in About::FIELDS {
            let text = (field.get)(about);
            if !text.is_empty() {
                // An arrow would begin a cue.
                writeln!(
                    out,
                    "{}: {}",
                    field.column,
                    on_one_line(text).replace("-->", "→")
                )?;
            }
        }
    }
    for (index, cue) in cues(selection, part).iter().enumerate() {
        let text = cue.text.replace('&', "&amp;");
        let text = text.replace('<', "&lt;").replace('>', "&gt;");
        let (start, end) = (time(cue.span_ms.start, "."), time(cue.span_ms.end, "."));
        write!(out, "\n{}\n{start} --> {end}\n{text}\n", index + 1)?;
    }
    Ok(())
}

pub(super) fn write_srt(
    selection: &Selection<'_>,
    part: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (index, cue) in cues(selection, part).iter().enumerate() {
        let separation = if index == 0 { "" } else { "\n" };
        let text = cue.text.replace("-->", "→");
        let (start, end) = (time(cue.span_ms.start, ","), time(cue.span_ms.end, ","));
        write!(
            out,
            "{separation}{}\n{start} --> {end}\n{text}\n",
            index + 1
        )?;
    }
    Ok(())
}

/// All cues of a part of the video, sorted by start, as WebVTT requires.
fn cues(selection: &Selection<'_>, part: usize) -> Vec<Cue> {
    let parts = selection.session.parts();
    let Some(part) = parts.get(part) else {
        return Vec::new();
    };
    let mut cues = Vec::new();
    for run in selection.tracks.iter().flat_map(FaceTrack::shown_runs) {
        if let Some(span_ms) = readable_ms(part, &run) {
            let who = selection.names().words(run.track);
            let mut text = format!("{who}: {}", run.what.word());
            if run.what.is_named() {
                text.push_str(&format!(" {:.0} %", run.probability * 100.0));
            }
            cues.push(Cue { span_ms, text });
        }
    }
    let events = selection.session.events.iter();
    for event in events.filter(|event| event.kind == EventKind::Marker) {
        let end = event.time.saturating_add(MARKER);
        if let Some(span_ms) = part.span_ms(event.time, end) {
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

/// `hh:mm:ss.mmm`, with the decimal point of the format.
fn time(ms: u64, point: &str) -> String {
    let time = format!("{:#.3}", clock(Duration::from_millis(ms)));
    format!("{time:0>12}").replace('.', point)
}
