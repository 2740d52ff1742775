//! Made-up sessions in every format, word for word where people or programs depend on that.

mod labels;
mod names;
mod unnamed;

use std::fs;

use super::*;
use crate::session::{
    about::About,
    fixtures::{ODD_NOTE, empty, nobody, two_people, video},
};

/// Exports and gives the content of each file by its name.
fn exported(session: &Session, format: Format, options: &ExportOptions) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join(format!("out.{}", format.extension()));
    let written = export(session, format, &out, options).unwrap();
    assert_eq!(written, files(session, format, &out));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        written.len(),
        "no draft is left"
    );
    written
        .iter()
        .map(|file| {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(file).unwrap())
        })
        .collect()
}

fn text(session: &Session, format: Format) -> String {
    let mut files = exported(session, format, &ExportOptions::default());
    String::from_utf8(files.remove(0).1).unwrap()
}

#[test]
fn formats_have_unique_names() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
        let n_same = Format::ALL
            .iter()
            .filter(|other| other.title() == format.title())
            .count();
        assert_eq!(n_same, 1, "{format}");
    }
}

#[test]
fn json_lines_have_the_keys_of_analyze() {
    let lines = text(&two_people(), Format::JsonLines);
    assert_eq!(lines.lines().count(), 15, "all but the skipped frame");
    assert_eq!(
        lines.lines().next().unwrap(),
        concat!(
            r#"{"frame":0,"time_s":0.0,"faces":[{"track":1,"box":[-1.5,20.0,100.25,101.0],"score":12.5,"#,
            r#""raw":{"angry":0.1,"disgust":0.1,"fear":0.1,"happy":0.4,"sad":0.1,"surprise":0.1,"neutral":0.1},"#,
            r#""smoothed":{"angry":0.1,"disgust":0.1,"fear":0.1,"happy":0.4,"sad":0.1,"surprise":0.1,"neutral":0.1},"#,
            r#""label":"happy"}]}"#
        )
    );
    let away = lines.lines().nth(7).unwrap();
    assert_eq!(away, r#"{"frame":8,"time_s":0.8,"faces":[]}"#);
}

#[test]
fn webvtt_word_for_word() {
    assert_eq!(
        text(&two_people(), Format::WebVtt),
        "WEBVTT\n\
         \n1\n00:00:00.000 --> 00:00:00.500\nface 1: happy 40 %\n\
         \n2\n00:00:00.300 --> 00:00:00.700\nface 2: sad 40 %\n\
         \n3\n00:00:00.350 --> 00:00:01.350\n\
         [marker: \"so\" &lt;b&gt;&amp;&lt;/b&gt; --&gt; näher zweite Zeile; Tab, 😀]\n\
         \n4\n00:00:00.500 --> 00:00:00.800\nface 1: neutral 40 %\n\
         \n5\n00:00:00.900 --> 00:00:01.200\nface 1: happy 40 %\n\
         \n6\n00:00:05.000 --> 00:00:05.400\nface 1: happy 40 %\n"
    );
}

#[test]
fn srt_word_for_word() {
    let srt = text(&two_people(), Format::Srt);
    let begin = "1\n00:00:00,000 --> 00:00:00,500\nface 1: happy 40 %\n\n\
                 2\n00:00:00,300 --> 00:00:00,700\nface 2: sad 40 %\n\n\
                 3\n00:00:00,350 --> 00:00:01,350\n[marker: \"so\" <b>&</b> → näher zweite Zeile; Tab, 😀]\n\n";
    assert!(srt.starts_with(begin), "{srt}");
    assert!(
        srt.ends_with("\n\n6\n00:00:05,000 --> 00:00:05,400\nface 1: happy 40 %\n"),
        "{srt}"
    );
    let mut late = two_people();
    for row in &mut late.faces {
        row.time += Ticks(Ticks::PER_SECOND * 36_000);
    }
    late.frames.clear();
    assert!(text(&late, Format::Srt).contains("10:00:00,000 --> 10:00:00,500"));
}

#[test]
fn each_part_of_the_video_has_subtitles_of_its_own() {
    let mut session = two_people();
    session.manifest.video = vec![
        video("video.mp4", true, 1, 9_000),
        video("video-2.mp4", true, 12, 450_000),
    ];
    let files = exported(&session, Format::WebVtt, &ExportOptions::default());
    let [(first, _), (second, content)] = &files[..] else {
        panic!("{files:?}");
    };
    assert_eq!((first.as_str(), second.as_str()), ("out.vtt", "out-2.vtt"));
    assert_eq!(
        std::str::from_utf8(content).unwrap(),
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:00.400\nface 1: happy 40 %\n"
    );
}

#[test]
fn elan_word_for_word() {
    let mut session = two_people();
    session.manifest.video = vec![video("my video.mp4", true, 0, 0)];
    let eaf = text(&session, Format::Elan);
    let tier = "\
    <TIER LANG_REF=\"eng\" LINGUISTIC_TYPE_REF=\"expressions\" TIER_ID=\"face 2\">
        <ANNOTATION>
            <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a5\" CVE_REF=\"cve_sad\" TIME_SLOT_REF1=\"ts9\" TIME_SLOT_REF2=\"ts10\">
                <ANNOTATION_VALUE>sad</ANNOTATION_VALUE>
            </ALIGNABLE_ANNOTATION>
        </ANNOTATION>
    </TIER>\n";
    assert!(eaf.contains(tier), "{eaf}");
    for words in [
        "FORMAT=\"3.0\" VERSION=\"3.0\"",
        "DATE=\"2026-11-25T14:03:05+01:00\"",
        "<TIME_SLOT TIME_SLOT_ID=\"ts9\" TIME_VALUE=\"300\"/>\n",
        "<TIME_SLOT TIME_SLOT_ID=\"ts10\" TIME_VALUE=\"700\"/>\n",
        "<ANNOTATION_VALUE>marker: &quot;so&quot; &lt;b&gt;&amp;&lt;/b&gt; --&gt; näher\nzweite Zeile;\tTab, 😀</ANNOTATION_VALUE>",
        "/session/my%20video.mp4\" MIME_TYPE=\"video/mp4\" RELATIVE_MEDIA_URL=\"",
        "<PROPERTY NAME=\"lastUsedAnnotationId\">10</PROPERTY>",
    ] {
        assert!(eaf.contains(words), "{words} is not in {eaf}");
    }
}

#[test]
fn elans_annotations_never_overlap_within_a_tier() {
    let mut session = two_people();
    // Two at once, and a third a moment later.
    let mut again = session.events[1].clone();
    again.detail = "again".to_owned();
    session.events.insert(2, again.clone());
    again.time += Ticks::from_millis(10);
    session.events.insert(3, again);
    let eaf = text(&session, Format::Elan);
    let time_of = |slot: &str| -> u64 {
        let start = eaf
            .find(&format!("TIME_SLOT_ID=\"{slot}\" TIME_VALUE=\""))
            .unwrap();
        let value = eaf[start..].split('"').nth(3).unwrap();
        value.parse().unwrap()
    };
    for tier in eaf.split("<TIER ").skip(1) {
        let mut end_before = 0;
        for annotation in tier.split("TIME_SLOT_REF1=\"").skip(1) {
            let slots: Vec<&str> = annotation.split('"').collect();
            let (start, end) = (time_of(slots[0]), time_of(slots[2]));
            assert!(
                end_before <= start && start < end,
                "{start} to {end} after {end_before}"
            );
            end_before = end;
        }
        assert!(end_before > 0, "every tier has annotations");
    }
    assert!(
        eaf.contains("Tab, 😀\nmarker: again</ANNOTATION_VALUE>"),
        "{eaf}"
    );
}

#[test]
fn bids_word_for_word() {
    let files = exported(&two_people(), Format::Bids, &ExportOptions::default());
    let [(_, events), (name, description)] = &files[..] else {
        panic!("{files:?}");
    };
    assert_eq!(
        std::str::from_utf8(events).unwrap(),
        "onset\tduration\ttrial_type\ttrack\tname\tprobability\tnamed\tdetail\n\
         0.000000\t0.500000\thappy\t1\tn/a\t0.4000\t1.0000\tn/a\n\
         0.000000\t0\tstarted\tn/a\tn/a\tn/a\tn/a\tn/a\n\
         0.300000\t0.400000\tsad\t2\tn/a\t0.4000\t1.0000\tn/a\n\
         0.350000\t0\tmarker\tn/a\tn/a\tn/a\tn/a\t\"\"\"so\"\" <b>&</b> --> näher zweite Zeile; Tab, 😀\"\n\
         0.500000\t0.300000\tneutral\t1\tn/a\t0.4000\t1.0000\tn/a\n\
         0.700000\t0.100000\tsurprise\t2\tn/a\t0.4000\t1.0000\tn/a\n\
         0.900000\t0.300000\thappy\t1\tn/a\t0.4000\t1.0000\tn/a\n\
         1.200000\t0\tpaused\tn/a\tn/a\tn/a\tn/a\tn/a\n\
         5.000000\t0.400000\thappy\t1\tn/a\t0.4000\t1.0000\tn/a\n\
         5.000000\t0\tresumed\tn/a\tn/a\tn/a\tn/a\tn/a\n\
         5.400000\t0\tstopped\tn/a\tn/a\tn/a\tn/a\tstopped\n"
    );
    assert_eq!(name, "out.json");
    let description: serde_json::Value = serde_json::from_slice(description).unwrap();
    let columns: Vec<&String> = description.as_object().unwrap().keys().collect();
    assert_eq!(columns.len(), 8);
    assert_eq!(description["onset"]["Units"], "s");
    assert!(description["trial_type"]["Levels"]["source_lost"].is_string());
}

#[test]
fn pyfeat_word_for_word() {
    let csv = text(&two_people(), Format::PyFeat);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,\
         anger,disgust,fear,happiness,sadness,surprise,neutral,Pitch,Roll,Yaw,input,approx_time,Identity,time_s,\
         participant,session,condition,note"
    );
    assert_eq!(
        lines[1],
        "0,-1.50,20.00,100.25,101.00,12.50,\
         0.1000,0.1000,0.1000,0.4000,0.1000,0.1000,0.1000,,,,C920,00:00,Person_1,0.000000,,,,"
    );
    assert_eq!(
        lines[12], "8,,,,,,,,,,,,,,,,C920,00:00,,0.800000,,,,",
        "a frame without a face"
    );
    assert_eq!(lines.len(), 1 + 18 + 1);
}

#[test]
fn summary_word_for_word() {
    let csv = text(&two_people(), Format::Summary);
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let value = |row: usize, column: &str| {
        let at = lines[0].iter().position(|name| *name == column).unwrap();
        lines[row][at]
    };
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0].len(), 4 + 6 + 14 + 1 + 42);
    let check = |row: usize, values: &[(&str, &str)]| {
        for (column, expected) in values {
            assert_eq!(value(row, column), *expected, "{column}");
        }
    };
    check(
        1,
        &[
            ("track", "1"),
            ("first_s", "0.000000"),
            ("last_s", "5.400000"),
            ("seen_s", "1.500000"),
            ("presumed_s", "0.000000"),
            ("share_happy", "0.800000"),
            ("share_neutral", "0.200000"),
            ("share_sad", "0.000000"),
            ("mean_happy", "0.340000"),
            // From happy to neutral at once; then the face was away.
            ("transitions", "1"),
            ("happy_to_neutral", "1"),
            ("neutral_to_happy", "0"),
        ],
    );
    check(
        2,
        &[
            ("track", "2"),
            ("seen_s", "0.500000"),
            ("presumed_s", "0.200000"),
            ("share_sad", "0.800000"),
            ("sad_to_surprise", "1"),
        ],
    );
}

#[test]
fn tables_for_spreadsheets_have_semicolons_and_decimal_commas() {
    let options = ExportOptions {
        separator: Separator::Semicolon,
        ..ExportOptions::default()
    };
    let mut session = two_people();
    session.manifest.source.name = "Camera; 2.0".to_owned();
    let files = exported(&session, Format::PyFeat, &options);
    let csv = std::str::from_utf8(&files[0].1).unwrap();
    assert!(
        csv.contains("\n8;;;;;;;;;;;;;;;;\"Camera; 2.0\";00:00;;0,800000;;;;\n"),
        "{csv}"
    );
}

#[test]
fn one_face_can_be_exported_alone() {
    let only = |track| ExportOptions {
        track: Some(track),
        ..ExportOptions::default()
    };
    let session = two_people();
    let vtt = exported(&session, Format::WebVtt, &only(2)).remove(0).1;
    let vtt = String::from_utf8(vtt).unwrap();
    assert!(!vtt.contains("face 1") && vtt.contains("face 2") && vtt.contains("marker"));
    let jsonl = exported(&session, Format::JsonLines, &only(2)).remove(0).1;
    let jsonl = String::from_utf8(jsonl).unwrap();
    assert!(jsonl.lines().count() == 15 && !jsonl.contains("\"track\":1"));
    let out = Path::new("never-written");
    let refused = export(&session, Format::Srt, out, &only(3))
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "there is no face 3 in the session (it has 2 from 1 to 2)"
    );
    let refused = export(&nobody(), Format::Srt, out, &only(1))
        .unwrap_err()
        .to_string();
    assert_eq!(refused, "there is no face 1 in the session (it has none)");
}

#[test]
fn sessions_without_faces_or_frames_export_too() {
    for session in [nobody(), empty()] {
        for format in Format::ALL
            .into_iter()
            .filter(|format| format.missing_feature().is_none())
        {
            let files = exported(&session, format, &ExportOptions::default());
            let is_table = matches!(format, Format::Bids | Format::PyFeat | Format::Summary);
            for (name, content) in files {
                let has_something = !content.is_empty();
                let may_be_empty = matches!(format, Format::Srt | Format::JsonLines);
                assert!(has_something || may_be_empty, "{name} of {format}");
            }
            if is_table {
                assert!(text(&session, format).contains('\n'), "at least a header");
            }
        }
    }
    assert_eq!(text(&empty(), Format::WebVtt), "WEBVTT\n");
    assert_eq!(text(&nobody(), Format::PyFeat).lines().count(), 16);
}

/// What the user said of the session stands in every format that has a place for it.
#[test]
fn who_and_what_a_session_is_about_is_in_every_export() {
    let mut session = two_people();
    session.manifest.about = About {
        participant: "P<01>".to_owned(),
        name: "first".to_owned(),
        condition: "control".to_owned(),
        note: "a --> b".to_owned(),
    };
    let formats = Format::ALL.into_iter().filter(|format| {
        let has_text = !matches!(format, Format::Srt | Format::Png);
        has_text && format.missing_feature().is_none()
    });
    for format in formats {
        let files = exported(&session, format, &ExportOptions::default());
        let content: Vec<u8> = files.into_iter().flat_map(|(_, content)| content).collect();
        let content = String::from_utf8_lossy(&content);
        let participant = match format {
            Format::Elan | Format::Svg => "P&lt;01&gt;",
            _ => "P<01>",
        };
        for said in [participant, "first", "control"] {
            assert!(content.contains(said), "{format}: {said}");
        }
    }
    let vtt = text(&session, Format::WebVtt);
    assert!(
        vtt.starts_with("WEBVTT\n\nNOTE\nparticipant: P<01>\n"),
        "{vtt}"
    );
    assert!(vtt.contains("note: a → b\n\n1\n"), "{vtt}");
}

#[test]
fn nothing_is_overwritten_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let session = two_people();
    let out = folder.path().join("events.tsv");
    let description = folder.path().join("events.json");
    fs::write(&description, "mine").unwrap();
    let mut options = ExportOptions::default();
    let refused = export(&session, Format::Bids, &out, &options)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("events.json exists already"), "{refused}");
    assert!(!out.exists(), "nothing is written by halves");
    assert_eq!(fs::read_to_string(&description).unwrap(), "mine");
    options.overwrite = true;
    export(&session, Format::Bids, &out, &options).unwrap();
    assert_ne!(fs::read_to_string(&description).unwrap(), "mine");
    let nowhere = folder.path().join("no/such/folder.srt");
    let refused = export(&session, Format::Srt, &nowhere, &options)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("there is no folder"), "{refused}");
}

#[test]
#[cfg(unix)]
fn a_device_takes_a_format_of_one_file() {
    let session = two_people();
    let options = ExportOptions::default();
    let nothing = Path::new("/dev/null");
    export(&session, Format::Summary, nothing, &options).unwrap();
    let refused = export(&session, Format::Bids, nothing, &options).unwrap_err();
    assert!(refused.to_string().contains("2 files"), "{refused}");
}

#[test]
fn the_recording_itself_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = two_people();
    session.folder = folder.path().to_owned();
    session.manifest.video = vec![video("video.mp4", true, 0, 0)];
    let options = ExportOptions {
        overwrite: true,
        ..ExportOptions::default()
    };
    let own = [
        "faces.csv",
        "frames.csv",
        "events.csv",
        "session.json",
        "video.mp4",
    ];
    for name in own {
        fs::write(folder.path().join(name), "recorded").unwrap();
        let out = folder.path().join(".").join(name);
        let refused = export(&session, Format::Summary, &out, &options)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("belongs to the session"), "{refused}");
        let link = folder.path().join(format!("link-{name}"));
        fs::hard_link(folder.path().join(name), &link).unwrap();
        assert!(export(&session, Format::Summary, &link, &options).is_err());
    }
    // Its description would be session.json.
    let out = folder.path().join("session.tsv");
    assert!(export(&session, Format::Bids, &out, &options).is_err());
    for name in own {
        assert_eq!(
            fs::read_to_string(folder.path().join(name)).unwrap(),
            "recorded"
        );
    }
    let out = folder.path().join("summary.csv");
    export(&session, Format::Summary, &out, &options).unwrap();
}

#[test]
fn companions_are_named_after_the_file() {
    let session = two_people();
    let names = |format, out: &str| files(&session, format, Path::new(out));
    assert_eq!(
        names(Format::Bids, "a/sub-01_events.tsv")[1],
        Path::new("a/sub-01_events.json")
    );
    assert_eq!(
        names(Format::Bids, "a/events.json")[1],
        Path::new("a/events.json.json")
    );
    assert_eq!(
        names(Format::Parquet, "a/x.parquet")[1],
        Path::new("a/x-frames.parquet")
    );
    assert_eq!(names(Format::Png, "x"), [Path::new("x")]);
}

#[test]
fn control_characters_leave_the_lines_whole() {
    assert_eq!(
        on_one_line(ODD_NOTE),
        "\"so\" <b>&</b> --> näher zweite Zeile; Tab, 😀"
    );
    assert_eq!(on_one_line("\u{7}a\r\n\u{85}\u{2028}b\u{0}"), "a b");
}

#[cfg(feature = "plots")]
#[test]
fn plots_show_every_face_event_and_share() {
    let svg = text(&two_people(), Format::Svg);
    assert!(
        svg.contains("width=\"1200\"") && svg.contains("viewBox=\"0 0 2400 "),
        "{}",
        &svg[..200]
    );
    for words in [
        "face 1",
        "face 2",
        "C920, 2026-11-25 14:03:05",
        "paused",
        "happy 80 %",
        "sad 80 %",
        "seen for 1.5 s",
        "&lt;b&gt;&amp;&lt;/b&gt; --&gt;",
    ] {
        assert!(svg.contains(words), "{words} is not in {svg}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("\"so\" <b>"));
    // 7 curves for each of 3 stretches of face 1 and one of face 2.
    let curves = svg.matches("stroke-width=\"3\"").count();
    assert_eq!(curves, 7 * 4);
    assert!(text(&nobody(), Format::Svg).contains("no face was seen"));
}

#[cfg(feature = "plots")]
#[test]
fn the_png_is_the_same_picture_in_pixels() {
    let png = exported(&two_people(), Format::Png, &ExportOptions::default())
        .remove(0)
        .1;
    let picture = image::load_from_memory(&png).unwrap().into_rgb8();
    assert_eq!(picture.width(), 2400);
    let n_dark = picture
        .pixels()
        .filter(|pixel| pixel.0.iter().all(|&value| value < 80))
        .count();
    assert!(n_dark > 2000, "there are words: {n_dark}");
    for expression in [
        crate::expression::Expression::Happy,
        crate::expression::Expression::Sad,
    ] {
        let color = crate::palette::label(expression.into(), crate::palette::Ground::Light);
        let n = picture.pixels().filter(|pixel| pixel.0 == color).count();
        assert!(n > 1000, "{expression}: {n}");
    }
}

#[cfg(feature = "plots")]
#[test]
fn crowds_are_cut_to_the_faces_seen_longest() {
    let mut session = two_people();
    let one = session.faces[0].clone();
    for track in 10..40 {
        let mut another = one.clone();
        another.face.track.0 = track;
        session.faces.push(another);
    }
    session.faces.sort_by_key(|row| (row.frame, row.face.track));
    let svg = text(&session, Format::Svg);
    assert!(
        svg.contains("20 more faces were seen for a shorter time"),
        "{svg}"
    );
    assert!(svg.contains("face 1\n") && svg.contains("face 2\n"));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_files_come_back() {
    use ::parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };
    let files = exported(&two_people(), Format::Parquet, &ExportOptions::default());
    let [(_, faces), (name, frames)] = files.try_into().unwrap();
    assert_eq!(name, "out-frames.parquet");
    let open = |content: Vec<u8>| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        SerializedFileReader::new(file).unwrap()
    };
    let faces = open(faces);
    assert_eq!(faces.metadata().file_metadata().num_rows(), 18);
    let row = faces.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let column = |name: &str| {
        row.get_column_iter()
            .position(|(column, _)| column == name)
            .unwrap()
    };
    assert_eq!(row.get_string(column("label")).unwrap(), "happy");
    assert_eq!(row.get_float(column("raw_happy")).unwrap(), 0.4);
    assert_eq!(row.get_long(column("track")).unwrap(), 1);
    let frames = open(frames);
    let skipped = frames.get_row_iter(None).unwrap().nth(6).unwrap().unwrap();
    assert!(skipped.get_long(7).is_err(), "n_faces is null");
}
