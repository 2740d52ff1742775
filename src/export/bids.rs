//! `events.tsv` of the Brain Imaging Data Structure, and the JSON that describes its columns.
//!
//! A row is a stretch in which a face showed one expression, however short, or something that happened. Onsets are
//! seconds since the session's first frame; to line up with other data, add their difference to `zero_unix_s` in
//! `session.json`. The specification (bids-specification.readthedocs.io, Task events) wants `onset` and `duration`
//! first, rows by onset, and `n/a` where there is no value.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use serde_json::{Map, Value, json};

use super::{View, on_one_line};
use crate::{
    expression::Expression,
    session::tables::{EventKind, seconds},
};

const MISSING: &str = "n/a";
const COLUMNS: [&str; 6] = [
    "onset",
    "duration",
    "trial_type",
    "track",
    "probability",
    "detail",
];

pub(super) fn write_events(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<(u64, [String; 5])> = Vec::new();
    let missing = || MISSING.to_owned();
    for run in view.tracks.iter().flat_map(|track| track.runs()) {
        let fields = [
            format!("{:.6}", seconds(run.duration_90k())),
            run.label.name().to_owned(),
            run.track.to_string(),
            format!("{:.4}", run.probability),
            missing(),
        ];
        rows.push((run.start_90k, fields));
    }
    for event in &view.session.events {
        let detail = Some(on_one_line(&event.detail)).filter(|detail| !detail.is_empty());
        let fields = [
            "0".to_owned(),
            event.kind.name().to_owned(),
            missing(),
            missing(),
            detail.unwrap_or_else(missing),
        ];
        rows.push((event.pts_90k, fields));
    }
    rows.sort_by_key(|(onset, _)| *onset);
    // A detail with quotes is put in quotes, or readers would take what follows for a part of it.
    let mut table = WriterBuilder::new()
        .delimiter(b'\t')
        .terminator(Terminator::Any(b'\n'))
        .from_writer(out);
    table.write_record(COLUMNS)?;
    for (onset, fields) in rows {
        table.write_field(format!("{:.6}", seconds(onset)))?;
        table.write_record(fields)?;
    }
    table.flush()
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
        EventKind::Privacy => "faces in the video were covered from here on, or not any longer",
        EventKind::Blink => "somebody closed the eyes for a moment",
        EventKind::Settings => "something was set otherwise that changes the values",
        EventKind::Refused => "frames came faster than they could be written",
        EventKind::Warning => "something went wrong that stopped nothing",
        EventKind::Error => "something went wrong that ended the recording",
        EventKind::Stopped => "the recording ended",
    }
}
