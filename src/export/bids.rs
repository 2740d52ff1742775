//! `events.tsv` of the Brain Imaging Data Structure, and the JSON that describes its columns.
//!
//! A row is a stretch in which a face showed one expression, however short, or something that happened. Onsets are
//! seconds since the session's first frame; to line up with other data, add their difference to `zero_unix_s` in
//! `session.json`. The specification (bids-specification.readthedocs.io, Task events) wants `onset` and `duration`
//! first, rows by onset, and `n/a` where there is no value.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{View, on_one_line};
use crate::{
    expression::Expression,
    record::tables::{EventKind, seconds},
};

const MISSING: &str = "n/a";

pub(super) fn write_events(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<(u64, String)> = Vec::new();
    for run in view.tracks.iter().flat_map(|track| track.runs()) {
        let duration = seconds(run.duration_90k());
        let rest = format!(
            "{duration:.6}\t{}\t{}\t{:.4}\t{MISSING}",
            run.label, run.track, run.probability
        );
        rows.push((run.start_90k, rest));
    }
    for event in &view.session.events {
        let detail = match on_one_line(&event.detail) {
            empty if empty.is_empty() => MISSING.to_owned(),
            detail => detail,
        };
        let rest = format!("0\t{}\t{MISSING}\t{MISSING}\t{detail}", event.kind.name());
        rows.push((event.pts_90k, rest));
    }
    rows.sort_by_key(|(onset, _)| *onset);
    writeln!(
        out,
        "onset\tduration\ttrial_type\ttrack\tprobability\tdetail"
    )?;
    for (onset, rest) in rows {
        writeln!(out, "{:.6}\t{rest}", seconds(onset))?;
    }
    Ok(())
}

pub(super) fn write_description(out: &mut dyn Write) -> io::Result<()> {
    let expressions = Expression::ALL.map(|expression| {
        let meaning =
            format!("{expression} is the most probable of seven expressions for this face");
        (expression.name().to_owned(), Value::from(meaning))
    });
    let events = EventKind::ALL.map(|kind| {
        let meaning = Value::from(meaning(kind));
        (kind.name().to_owned(), meaning)
    });
    let levels: Map<String, Value> = expressions.into_iter().chain(events).collect();
    let description = json!({
        "onset": {
            "Description": "When it began, since the first frame of the session",
            "Units": "s",
        },
        "duration": {
            "Description": "How long it lasted; 0 for events. A stretch ends when another expression becomes the most \
                            probable, when the face is lost, and where more than half a second is not known",
            "Units": "s",
        },
        "trial_type": {
            "LongName": "Expression or event",
            "Description": "The expression that a network saw in a face, smoothed over time, or what happened",
            "Levels": levels,
        },
        "track": {
            "Description": "Which face, the same number as long as it was followed; n/a for events",
        },
        "probability": {
            "Description": "Mean probability of the expression, smoothed and weighted by time, 0 to 1; n/a for events",
        },
        "detail": {
            "Description": "The note of a marker, the name of a network, or a reason; n/a for expressions",
        },
    });
    serde_json::to_writer_pretty(&mut *out, &description)?;
    out.write_all(b"\n")
}

fn meaning(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Started => "the recording began",
        EventKind::Marker => "the user set a mark",
        EventKind::Paused => "the user paused the recording",
        EventKind::Resumed => "the user went on recording",
        EventKind::Checkpoint => "another network came into force",
        EventKind::SourceLost => "the camera was gone",
        EventKind::SourceBack => "the camera was back",
        EventKind::Part => "a new part of the video began",
        EventKind::Refused => "frames came faster than they could be written",
        EventKind::Warning => "something went wrong that stopped nothing",
        EventKind::Error => "something went wrong that ended the recording",
        EventKind::Stopped => "the recording ended",
    }
}
