//! A document for ELAN (archive.mpi.nl/tla/elan) in its format EAF 3.0, for reviewing and correcting what a network saw.
//!
//! Each face has a tier with the expressions that were shown for at least 0.2 s; where it was uncertain or turned away, the
//! tier says so. Annotations hold only the name, so that ELAN can count them and compare them with a human coder's; the
//! names are a controlled vocabulary. Events have a tier of
//! their own. ELAN allows neither overlaps within a tier nor annotations without a duration, so an event lasts half a
//! second or until the next one, and events of the same millisecond share an annotation.
//!
//! The videos are linked twice, as ELAN does it: by their absolute path, and relative to the document, which keeps
//! working when both are moved together.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use super::{Selection, readable_ms};
use crate::{
    expression::Labels,
    pipeline::{TURNED_AWAY, UNCERTAIN},
    session::{
        about::About, annotations::Excluded, manifest::Video, parts::VideoPart, tables::EventRow,
    },
    time::Ticks,
};

/// How long an event is shown.
const EVENT: Ticks = Ticks::from_millis(500);

/// Identifier of the language of the annotations, as ELAN writes it for English.
const LANGUAGE: &str = "eng";
const LANGUAGE_DEFINITION: &str = "http://cdb.iso.org/lg/CDB-00138502-001";

struct Tier {
    name: String,
    kind: &'static str,
    /// In order of time, without overlaps.
    annotations: Vec<(Range<u64>, String)>,
}

const EXPRESSIONS: &str = "expressions";
const EVENTS: &str = "events";

pub(super) fn write(
    selection: &Selection<'_>,
    part: usize,
    file: &Path,
    out: &mut dyn Write,
) -> io::Result<()> {
    let parts = selection.session.parts();
    let Some(part) = parts.get(part) else {
        return Ok(());
    };
    let mut tiers: Vec<Tier> = selection
        .tracks
        .iter()
        .map(|track| Tier {
            // Names of tiers must differ, and names of faces need not.
            name: match selection.names().get(track.number) {
                Some(name) => format!("{name} (face {})", track.number),
                None => format!("face {}", track.number),
            },
            kind: EXPRESSIONS,
            annotations: track
                .shown_runs()
                .iter()
                .filter_map(|run| Some((readable_ms(part, run)?, run.what.word().to_owned())))
                .collect(),
        })
        .collect();
    tiers.push(Tier {
        name: EVENTS.to_owned(),
        kind: EVENTS,
        annotations: events(&selection.session.events, part),
    });
    let excluded = excluded(&selection.session.left_out.spans, part);
    if !excluded.is_empty() {
        tiers.push(Tier {
            name: "excluded".to_owned(),
            kind: EVENTS,
            annotations: excluded,
        });
    }
    out.write_all(document(selection, part, file, &tiers).as_bytes())
}

/// Events as annotations that do not overlap.
fn events(events: &[EventRow], part: &VideoPart<'_>) -> Vec<(Range<u64>, String)> {
    let mut by_start: BTreeMap<u64, (u64, Vec<String>)> = BTreeMap::new();
    for event in events {
        let end = event.time.saturating_add(EVENT);
        if let Some(span) = part.span_ms(event.time, end) {
            let words = match event.detail.as_str() {
                "" => event.kind.name().to_owned(),
                detail => format!("{}: {detail}", event.kind.name()),
            };
            let (_, texts) = by_start.entry(span.start).or_insert((span.end, Vec::new()));
            texts.push(words);
        }
    }
    let starts: Vec<u64> = by_start.keys().copied().collect();
    let next = starts.into_iter().skip(1).map(Some).chain([None]);
    by_start
        .into_iter()
        .zip(next)
        .map(|((start, (end, texts)), next)| {
            let end = next.map_or(end, |next| end.min(next));
            (start..end, texts.join("\n"))
        })
        .collect()
}

/// Excluded spans as annotations that do not overlap.
fn excluded(excluded: &[Excluded], part: &VideoPart<'_>) -> Vec<(Range<u64>, String)> {
    let mut spans: Vec<(Range<u64>, String)> = Vec::new();
    for one in excluded {
        let Some(span) = part.span_ms(one.time.start, one.time.end) else {
            continue;
        };
        let why = match one.detail.as_str() {
            "" => "excluded",
            why => why,
        };
        match spans.last_mut() {
            Some((last, detail)) if span.start < last.end => {
                last.end = last.end.max(span.end);
                *detail = format!("{detail}\n{why}");
            }
            _ => spans.push((span, why.to_owned())),
        }
    }
    spans
}

fn document(
    selection: &Selection<'_>,
    part: &VideoPart<'_>,
    file: &Path,
    tiers: &[Tier],
) -> String {
    let manifest = &selection.session.manifest;
    let labels = selection.session.labels();
    let mut xml = String::new();
    // Writing to a string does not fail.
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(xml, "{text}").unwrap_or_default();
    line(format_args!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    line(format_args!(
        "<ANNOTATION_DOCUMENT AUTHOR=\"{}\" DATE=\"{}\" FORMAT=\"3.0\" VERSION=\"3.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">",
        escaped(&format!("{} {}", manifest.app.name, manifest.app.version)),
        escaped(&manifest.started),
    ));
    line(format_args!(
        "    <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">"
    ));
    for video in &part.files {
        let link = Link::new(&selection.session.folder, video, file);
        line(format_args!(
            "        <MEDIA_DESCRIPTOR MEDIA_URL=\"{}\" MIME_TYPE=\"{}\" RELATIVE_MEDIA_URL=\"{}\"/>",
            escaped(&link.absolute),
            link.mime_type,
            escaped(&link.relative),
        ));
    }
    let n_annotations: usize = tiers.iter().map(|tier| tier.annotations.len()).sum();
    line(format_args!(
        "        <PROPERTY NAME=\"lastUsedAnnotationId\">{n_annotations}</PROPERTY>"
    ));
    for field in About::FIELDS {
        let text = (field.get)(&manifest.about);
        if !text.is_empty() {
            line(format_args!(
                "        <PROPERTY NAME=\"{}\">{}</PROPERTY>",
                field.column,
                escaped(text)
            ));
        }
    }
    line(format_args!("    </HEADER>"));

    // Annotation n has two time slots of its own, 2n − 1 and 2n.
    line(format_args!("    <TIME_ORDER>"));
    let mut slots: Vec<(u64, usize)> = tiers
        .iter()
        .flat_map(|tier| &tier.annotations)
        .flat_map(|(span, _)| [span.start, span.end])
        .zip(1..)
        .collect();
    slots.sort_unstable();
    for (time, slot) in slots {
        line(format_args!(
            "        <TIME_SLOT TIME_SLOT_ID=\"ts{slot}\" TIME_VALUE=\"{time}\"/>"
        ));
    }
    line(format_args!("    </TIME_ORDER>"));
    let participant = match manifest.about.participant.as_str() {
        "" => String::new(),
        participant => format!(" PARTICIPANT=\"{}\"", escaped(participant)),
    };
    let mut number = 0;
    for tier in tiers {
        line(format_args!(
            "    <TIER LANG_REF=\"{LANGUAGE}\" LINGUISTIC_TYPE_REF=\"{}\"{participant} TIER_ID=\"{}\">",
            tier.kind,
            escaped(&tier.name)
        ));
        for (_, text) in &tier.annotations {
            number += 1;
            let (start, end) = (2 * number - 1, 2 * number);
            let entry = match tier.kind {
                EXPRESSIONS => {
                    format!(" CVE_REF=\"{}\"", entry_id(text, labels))
                }
                _ => String::new(),
            };
            line(format_args!(
                "        <ANNOTATION>\n            \
                 <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{number}\"{entry} \
                 TIME_SLOT_REF1=\"ts{start}\" TIME_SLOT_REF2=\"ts{end}\">\n                \
                 <ANNOTATION_VALUE>{}</ANNOTATION_VALUE>\n            \
                 </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>",
                escaped(text)
            ));
        }
        line(format_args!("    </TIER>"));
    }
    line(format_args!(
        "    <LINGUISTIC_TYPE CONTROLLED_VOCABULARY_REF=\"{EXPRESSIONS}\" GRAPHIC_REFERENCES=\"false\" \
         LINGUISTIC_TYPE_ID=\"{EXPRESSIONS}\" TIME_ALIGNABLE=\"true\"/>\n    \
         <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"{EVENTS}\" TIME_ALIGNABLE=\"true\"/>\n    \
         <LANGUAGE LANG_DEF=\"{LANGUAGE_DEFINITION}\" LANG_ID=\"{LANGUAGE}\" LANG_LABEL=\"English (eng)\"/>\n    \
         <CONTROLLED_VOCABULARY CV_ID=\"{EXPRESSIONS}\">\n        \
         <DESCRIPTION LANG_REF=\"{LANGUAGE}\">{}</DESCRIPTION>",
        match labels == Labels::FER_2013 {
            true => "The seven expressions of FER-2013",
            false => "The labels of the network",
        }
    ));
    let unnamed = [UNCERTAIN, TURNED_AWAY].into_iter();
    let unnamed = unnamed.filter(|word| labels.find(word).is_none());
    for name in labels.names().chain(unnamed) {
        line(format_args!(
            "        <CV_ENTRY_ML CVE_ID=\"{}\">\n            \
             <CVE_VALUE DESCRIPTION=\"\" LANG_REF=\"{LANGUAGE}\">{}</CVE_VALUE>\n        </CV_ENTRY_ML>",
            entry_id(name, labels),
            escaped(name),
        ));
    }
    line(format_args!(
        "    </CONTROLLED_VOCABULARY>\n</ANNOTATION_DOCUMENT>"
    ));
    xml
}

/// The identifier of a name in the vocabulary, which may hold neither spaces nor most signs.
fn entry_id(name: &str, labels: Labels) -> String {
    match labels.find(name) {
        Some(_) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => format!("cve_{name}"),
        Some(label) => format!("cve_label-{}", label.index() + 1),
        // No label's has such a sign.
        None => format!("cve_unnamed_{}", name.replace(' ', "-")),
    }
}

/// A document's link to a video.
struct Link {
    absolute: String,
    relative: String,
    mime_type: &'static str,
}

impl Link {
    fn new(session: &Path, video: &Video, document: &Path) -> Self {
        let absolute = |path: &Path| {
            // If the folder does not exist, its name is better than nothing.
            path.canonicalize()
                .or_else(|_| std::path::absolute(path))
                .unwrap_or_else(|_| path.to_owned())
        };
        let folder = absolute(session);
        let document_folder = match document.parent() {
            Some(parent) if parent != Path::new("") => absolute(parent),
            _ => absolute(Path::new(".")),
        };
        let video_file = folder.join(&video.file);
        let extension = video_file
            .extension()
            .unwrap_or_default()
            .to_ascii_lowercase();
        Self {
            absolute: url(&slashed(&video_file), "file://"),
            relative: url(&slashed(&relative(&video_file, &document_folder)), ""),
            mime_type: match extension.to_str() {
                Some("avi") => "video/x-msvideo",
                Some("mkv") => "video/x-matroska",
                _ => "video/mp4",
            },
        }
    }
}

/// The relative path from a folder to a file, both absolute; the file itself if there is none (another drive).
fn relative(file: &Path, folder: &Path) -> PathBuf {
    let n_common = file
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    if n_common == 0 {
        return file.to_owned();
    }
    let up = folder.components().skip(n_common).map(|_| Path::new(".."));
    let down = file
        .components()
        .skip(n_common)
        .map(|part| Path::new(part.as_os_str()));
    let mut way: PathBuf = up.chain(down).collect();
    if !way.starts_with("..") {
        way = Path::new(".").join(way);
    }
    way
}

/// A path with slashes on every system. On Windows, without the prefix of a canonical path and with a slash before the
/// drive letter.
fn slashed(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = match text.strip_prefix(r"\\?\UNC\") {
        Some(on_server) => format!(r"\\{on_server}"),
        None => text.strip_prefix(r"\\?\").unwrap_or(&text).to_owned(),
    };
    let text = text.replace('\\', "/");
    if text.contains(":/") && !text.starts_with('/') {
        format!("/{text}")
    } else {
        text
    }
}

/// Percent-encodes characters that a URL path must not contain (RFC 3986).
fn url(path: &str, scheme: &str) -> String {
    let mut url = scheme.to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// Escapes a text for XML, between tags and in double quotes. Characters that XML 1.0 cannot represent become the
/// replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(char),
            // Unescaped, it would be read as a line feed.
            '\r' => escaped.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_xml_and_paths_become_urls() {
        assert_eq!(
            escaped("\"a\" <b>&</b> --> ä\n\u{7}\u{ffff}"),
            "&quot;a&quot; &lt;b&gt;&amp;&lt;/b&gt; --&gt; ä\n\u{fffd}\u{fffd}"
        );
        assert_eq!(
            url("/a b/ä#1.mp4", "file://"),
            "file:///a%20b/%C3%A4%231.mp4"
        );
        for windows in ["C:\\a\\b.mp4", r"\\?\C:\a\b.mp4"] {
            assert_eq!(slashed(Path::new(windows)), "/C:/a/b.mp4");
        }
        let on_server = slashed(Path::new(r"\\?\UNC\server\share\b.mp4"));
        assert_eq!(url(&on_server, "file://"), "file:////server/share/b.mp4");
    }

    #[test]
    fn links_are_relative_to_the_document() {
        let check = |file: &str, folder: &str, expected: &str| {
            let way = relative(Path::new(file), Path::new(folder));
            assert_eq!(slashed(&way), expected);
        };
        check("/s/one/video.mp4", "/s/one", "./video.mp4");
        check("/s/one/video.mp4", "/s", "./one/video.mp4");
        check("/s/one/video.mp4", "/s/exports/eaf", "../../one/video.mp4");
    }
}
