//! `events.tsv` of the Brain Imaging Data Structure, and the JSON that describes its columns.
//!
//! A row is a stretch of time in which a face showed one expression, however short, or an event. Onsets are seconds
//! since the session's first frame; to align them with other data, add `zero_unix_s` of `session.json`. The
//! specification (bids-specification.readthedocs.io, Task events) requires `onset` and `duration` first, rows sorted by
//! onset, and `n/a` for missing values.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use serde_json::{Map, Value, json};

use super::{Selection, on_one_line};
use crate::{
    expression::Labels,
    session::{about::About, tables::EventKind},
    time::Ticks,
};

const MISSING: &str = "n/a";
/// The kind of a span that does not count.
const EXCLUDED: &str = "excluded";
const COLUMNS: [&str; 8] = [
    "onset",
    "duration",
    "trial_type",
    "track",
    "name",
    "probability",
    "named",
    "detail",
];

pub(super) fn write_events(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<(Ticks, [String; 7])> = Vec::new();
    let missing = || MISSING.to_owned();
    for run in selection.tracks.iter().flat_map(|track| track.runs()) {
        let name = selection.names().get(run.track);
        let fields = [
            format!("{:.6}", run.duration().as_secs_f64()),
            run.what.name().to_owned(),
            run.track.to_string(),
            name.map_or_else(missing, str::to_owned),
            format!("{:.4}", run.probability),
            format!("{:.4}", run.named),
            missing(),
        ];
        rows.push((run.start, fields));
    }
    for event in &selection.session.events {
        let detail = Some(on_one_line(&event.detail)).filter(|detail| !detail.is_empty());
        let fields = [
            "0".to_owned(),
            event.kind.name().to_owned(),
            missing(),
            missing(),
            missing(),
            missing(),
            detail.unwrap_or_else(missing),
        ];
        rows.push((event.time, fields));
    }
    for excluded in &selection.session.left_out.spans {
        let duration = excluded.time.end.saturating_sub(excluded.time.start);
        let detail = Some(on_one_line(&excluded.detail)).filter(|detail| !detail.is_empty());
        let fields = [
            format!("{:.6}", duration.as_secs_f64()),
            EXCLUDED.to_owned(),
            missing(),
            missing(),
            missing(),
            missing(),
            detail.unwrap_or_else(missing),
        ];
        rows.push((excluded.time.start, fields));
    }
    rows.sort_by_key(|(onset, _)| *onset);
    // A detail that contains quotes must be quoted, or readers would join it with what follows.
    let mut table = WriterBuilder::new()
        .delimiter(b'\t')
        .terminator(Terminator::Any(b'\n'))
        .from_writer(out);
    table.write_record(COLUMNS)?;
    for (onset, fields) in rows {
        table.write_field(format!("{:.6}", onset.as_secs_f64()))?;
        table.write_record(fields)?;
    }
    table.flush()
}

pub(super) fn write_description(
    labels: Labels,
    about: &About,
    out: &mut dyn Write,
) -> io::Result<()> {
    let all = match labels == Labels::FER_2013 {
        true => "seven expressions".to_owned(),
        false => format!("{} labels", labels.len()),
    };
    let of_faces = labels.names().map(|label| {
        let meaning = format!("{label} is the most probable of {all} for this face");
        (label.to_owned(), Value::from(meaning))
    });
    let events = EventKind::ALL.map(|kind| {
        let meaning = Value::from(meaning(kind));
        (kind.name().to_owned(), meaning)
    });
    let excluded = Value::from("somebody excluded this span in replay; no expression in it counts");
    let levels: Map<String, Value> = of_faces
        .chain(events)
        .chain([(EXCLUDED.to_owned(), excluded)])
        .collect();
    let mut description = json!({
        "onset": {
            "Description": "When it began, since the first frame of the session",
            "Units": "s",
        },
        "duration": {
            "Description": "How long it lasted; 0 for events. An expression ends when another one becomes the most \
                            probable, when the face is lost, and half a second after its last result",
            "Units": "s",
        },
        "trial_type": {
            "LongName": "Expression or event",
            "Description": "The expression that a network saw in a face, smoothed over time, or the kind of event",
            "Levels": levels,
        },
        "track": {
            "Description": "Number of the face, the same while it was tracked; n/a for events",
        },
        "name": {
            "Description": "What the user calls the face; n/a for events and for faces without a name",
        },
        "probability": {
            "Description": "Mean probability of the expression, smoothed and weighted by time, 0 to 1; n/a for events",
        },
        "named": {
            "Description": "Share of the duration in which the expression was shown, 0 to 1: in the rest, the face was \
                            uncertain or turned away; n/a for events",
        },
        "detail": {
            "Description": "The note of a marker, the name of a network, or a reason; n/a for expressions",
        },
    });
    // The standard has no place for these beside the columns, and lets programs add keys.
    if !about.is_empty()
        && let Some(keys) = description.as_object_mut()
    {
        keys.insert("fervis_session".to_owned(), json!(about));
    }
    serde_json::to_writer_pretty(&mut *out, &description)?;
    out.write_all(b"\n")
}

fn meaning(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Started => "the recording began",
        EventKind::Marker => "the user set a marker",
        EventKind::Paused => "the user paused the recording",
        EventKind::Resumed => "the user resumed the recording",
        EventKind::Checkpoint => "the network was changed",
        EventKind::SourceLost => "the camera was lost",
        EventKind::SourceBack => "the camera came back",
        EventKind::Part => "a new part of the video began",
        EventKind::Privacy => "faces in the video were covered from here on, or no longer",
        EventKind::Blink => "somebody closed the eyes for a moment",
        EventKind::Settings => "a setting that changes the values was changed",
        EventKind::Refused => {
            "frames were dropped because they came faster than they could be written"
        }
        EventKind::Warning => "something went wrong, and the recording continued",
        EventKind::Error => "something went wrong and ended the recording",
        EventKind::Stopped => "the recording ended",
    }
}
