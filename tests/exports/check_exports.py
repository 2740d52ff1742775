#!/usr/bin/env python3
"""Exports a session in every format and reads each file with the program or library that it is made for.

    python3 -m venv venv
    venv/bin/pip install pandas pyarrow webvtt-py srt pympi-ling lxml pillow pybids bids-validator-deno
    venv/bin/pip install --no-deps py-feat
    venv/bin/python tests/exports/check_exports.py [--fervis target/debug/fervis] [SESSION]

A session must have the seven expressions as its labels. Without one it makes one up, with two people, gaps, and a note
that is full of quotes, tags and line breaks. What a reader finds is compared with the session's own tables, by a second
implementation of how long frames last. Readers that are not installed are skipped and say so. py-feat needs PyTorch and
much else to be imported; its reader of tables does not, so whatever is missing is replaced by an empty module.
"""

import argparse
import importlib.abc
import importlib.machinery
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types

import pandas as pd

LABELS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
PYFEAT = dict(
    angry="anger", disgust="disgust", fear="fear", happy="happiness", sad="sadness", surprise="surprise", neutral="neutral"
)
NOTE = '"so" <b>&</b> --> näher\nzweite Zeile;\tTab, 😀'


# --- A made-up session -----------------------------------------------------------------------------------------------


def make_session(folder):
    """Two people for 20 s at about 30 Hz: every seventh frame skipped, 5 s of pause, one of them away for a while."""
    folder.mkdir(parents=True)
    frames, faces, pts = [], [], 0
    for frame in range(600):
        pts += 3000 + (frame * 7919) % 401 - 200 + (450_000 if frame == 300 else 0)
        skipped = frame % 7 == 3
        here = [] if skipped else [track for track in (1, 2) if track == 1 or not 100 <= frame % 250 < 160]
        for track in here:
            label = (frame // (40 + 23 * track) + track) % 7 if frame % 90 != 45 else 2
            p = [0.05] * 7
            p[label] = 0.7
            faces.append(
                [frame, f"{pts / 9e4:.6f}", pts, track, 12.5, -1.5, 20.0, 100.25, 101.0]
                + [0.1 if frame % 50 == 49 else 0.0, *p, *p, LABELS[label], 0, 11.25, 1.5]
            )
        frames.append(
            [frame, f"{pts / 9e4:.6f}", pts, f"{1.7e9 + pts / 9e4:.6f}", f"{pts / 9e4:.6f}"]
            + ["skipped" if skipped else "analysed", "", "" if skipped else len(here), "" if skipped else 31.25, ""]
        )
    names = [f"{kind}_{label}" for kind in ("raw", "smoothed") for label in LABELS]
    columns = "frame time_s pts_90k track score x y width height unseen_s".split() + names
    columns += "label model detect_ms classify_ms".split()
    pd.DataFrame(faces, columns=columns).to_csv(folder / "faces.csv", index=False)
    columns = "frame time_s pts_90k unix_s source_s status video_frame n_faces latency_ms file".split()
    pd.DataFrame(frames, columns=columns).to_csv(folder / "frames.csv", index=False)
    events = [(0, "started", ""), (300_000, "marker", NOTE), (300_000, "marker", "again"), (910_000, "paused", "")]
    events += [(1_350_000, "resumed", ""), (pts, "stopped", "stopped")]
    rows = [(f"{at / 9e4:.6f}", at, f"{1.7e9 + at / 9e4:.6f}", kind, detail) for at, kind, detail in events]
    pd.DataFrame(rows, columns="time_s pts_90k unix_s event detail".split()).to_csv(folder / "events.csv", index=False)
    video = dict(annotated=True, width=64, height=48, codec="H.264", encoder="", n_frames=None, n_bytes=None)
    manifest = dict(
        schema="fervis-session/1",
        app=dict(name="fervis", version="0.1.0"),
        status="complete",
        started="2026-11-25T14:03:05+01:00",
        ended=None,
        ended_because="stopped",
        clock=dict(zero_unix_s=1.7e9, time_zone=None, time_s="made up"),
        source=dict(kind="camera", name="Caméra <1> & 2", path=None, width=64, height=48, nominal_rate_hz=30.0, format="MJPG"),
        device=None,
        models=[dict(name="none", architecture="none", path=None, sha256="00" * 32, labels=LABELS, temperature=1.0)],
        settings=dict(smoothing_s=0.3, min_face_size_px=40, score_threshold=4.0, video="annotated", privacy=None),
        video=[dict(file="my video.mp4", first_frame=0, first_pts_90k=int(frames[0][2]), **video)],
        counts=dict(captured=600, analysed=0, skipped=0, recorded=0, refused=0, faces=len(faces)),
        latency_ms=dict(p50=None, p95=None),
        columns={},
    )
    (folder / "session.json").write_text(json.dumps(manifest), encoding="utf-8")


# --- A second implementation of what the exports say -----------------------------------------------------------------


class Session:
    def __init__(self, folder):
        self.folder = folder
        self.manifest = json.loads((folder / "session.json").read_text(encoding="utf-8"))
        self.frames = pd.read_csv(folder / "frames.csv")
        self.faces = pd.read_csv(folder / "faces.csv")
        self.events = pd.read_csv(folder / "events.csv", keep_default_na=False)
        self.analyzed = self.frames[self.frames.status == "analysed"].reset_index(drop=True)
        gaps = self.analyzed.pts_90k.shift(-1) - self.analyzed.pts_90k
        known = sorted(gaps.dropna())
        usual = known[len(known) // 2] if known else 3000
        end = self.analyzed.pts_90k + gaps.clip(upper=max(45_000, 2 * usual)).fillna(usual)
        for pause in self.events.pts_90k[self.events.event == "paused"]:
            end = end.where((self.analyzed.pts_90k >= pause) | (end <= pause), pause)
        self.analyzed["end"] = end
        self.analyzed["position"] = self.analyzed.index
        self.faces = self.faces.merge(self.analyzed[["frame", "end", "position"]], on="frame")
        self.faces["duration"] = self.faces.end - self.faces.pts_90k

    def runs(self):
        """Rows of track, label, start, end (ticks), mean probability."""
        runs = []
        for track, rows in self.faces.groupby("track"):
            before = None
            for row in rows.itertuples():
                follows = before is not None and row.position == before.position + 1 and before.end == row.pts_90k
                p = getattr(row, f"smoothed_{row.label}")
                if follows and before.label == row.label and before.model == row.model:
                    runs[-1][3] = row.end
                    runs[-1][4].append((p, row.duration))
                else:
                    runs.append([track, row.label, row.pts_90k, row.end, [(p, row.duration)]])
                before = row
        for run in runs:
            run[4] = sum(p * d for p, d in run[4]) / sum(d for _, d in run[4])
        return runs

    def parts(self):
        """Begin and end in ticks of the parts of the video."""
        videos = self.manifest["video"]
        has_clean = any(not video["annotated"] for video in videos)
        starts = sorted(v["first_pts_90k"] for v in videos if v["annotated"] != has_clean) or [0]
        return list(zip(starts, starts[1:] + [float("inf")]))


def near(a, b, what, tolerance):
    assert abs(a - b) <= tolerance, f"{what}: {a} is not {b}"


# --- The formats -----------------------------------------------------------------------------------------------------


def check_jsonl(session, files):
    lines = [json.loads(line) for line in files[0].read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(session.analyzed)
    assert sum(len(line["faces"]) for line in lines) == len(session.faces)
    faces = [(line["frame"], face) for line in lines for face in line["faces"]]
    for (frame, face), row in zip(faces, session.faces.itertuples()):
        assert (frame, face["track"], face["label"]) == (row.frame, row.track, row.label)
        near(face["smoothed"][row.label], getattr(row, f"smoothed_{row.label}"), "smoothed", 1e-6)
        assert face["box"] == [row.x, row.y, row.width, row.height]
    table = pd.read_json(files[0], lines=True)
    assert list(table.columns) == ["frame", "time_s", "faces"]
    return f"{len(lines)} lines, {len(faces)} faces"


def expected_cues(session, part):
    """Start and end in ms, and the text without escapes, of every cue."""
    begin, end = session.parts()[part]
    clip = lambda at: (min(max(at, begin), end) - begin) / 90
    runs = [run for run in session.runs() if run[3] - run[2] >= 18_000]
    cues = [(clip(run[2]), clip(run[3]), f"face {run[0]}: {run[1]} {run[4] * 100:.0f} %") for run in runs]
    for event in session.events[session.events.event == "marker"].itertuples():
        note = " ".join(event.detail.split())
        text = f"[marker: {note}]" if note else "[marker]"
        cues.append((clip(event.pts_90k), clip(event.pts_90k + 90_000), text))
    return sorted((cue for cue in cues if cue[1] - cue[0] >= 1), key=lambda cue: cue[0])


def compare_cues(found, expected):
    assert len(found) == len(expected), f"{len(found)} cues instead of {len(expected)}"
    for a, b in zip(found, expected):
        near(a[0], b[0], "start", 0.51)
        near(a[1], b[1], "end", 0.51)
    assert sorted(cue[2] for cue in found) == sorted(cue[2] for cue in expected)
    return f"{len(found)} cues"


def check_webvtt(session, files):
    import html

    import webvtt

    said = []
    for part, file in enumerate(files):
        ms = lambda t: ((t.hours * 60 + t.minutes) * 60 + t.seconds) * 1000 + t.milliseconds
        cues = [(ms(c.start_time), ms(c.end_time), html.unescape(c.raw_text)) for c in webvtt.read(file)]
        said.append(compare_cues(cues, expected_cues(session, part)))
    return ", ".join(said)


def check_srt(session, files):
    import srt

    said = []
    for part, file in enumerate(files):
        subtitles = list(srt.parse(file.read_text(encoding="utf-8")))
        ms = lambda t: t.total_seconds() * 1000
        cues = [(ms(s.start), ms(s.end), s.content) for s in subtitles]
        expected = [(a, b, text.replace("-->", "→")) for a, b, text in expected_cues(session, part)]
        said.append(compare_cues(cues, expected))
        assert [s.index for s in subtitles] == list(range(1, len(subtitles) + 1))
    return ", ".join(said)


def check_eaf(session, files):
    import pympi
    from lxml import etree

    said = []
    for part, file in enumerate(files):
        eaf = pympi.Elan.Eaf(str(file))
        begin, end = session.parts()[part]
        n = 0
        for track in session.faces.track.unique():
            annotations = sorted(eaf.get_annotation_data_for_tier(f"face {track}"))
            runs = [r for r in session.runs() if r[0] == track and r[3] - r[2] >= 18_000]
            expected = [((max(r[2], begin) - begin) / 90, (min(r[3], end) - begin) / 90, r[1]) for r in runs]
            expected = [e for e in expected if e[1] - e[0] >= 1]
            assert [a[2] for a in annotations] == [e[2] for e in expected]
            for a, e in zip(annotations, expected):
                near(a[0], e[0], "start", 0.51)
                near(a[1], e[1], "end", 0.51)
            n += len(annotations)
        for tier in eaf.get_tier_names():
            annotations = sorted(eaf.get_annotation_data_for_tier(tier))
            assert all(a[1] <= b[0] for a, b in zip(annotations, annotations[1:])), f"{tier} overlaps"
            assert all(a[0] < a[1] for a in annotations)
        assert set(eaf.get_controlled_vocabulary_names()) == {"expressions"}
        for media in eaf.get_linked_files():
            relative = file.parent / pathlib.PurePosixPath(media["RELATIVE_MEDIA_URL"].replace("%20", " "))
            assert relative.resolve().parent == session.folder.resolve(), relative
        check_eaf_structure(etree.parse(str(file)).getroot())
        # A document that pympi writes from it says the same.
        with tempfile.TemporaryDirectory() as folder:
            again = pathlib.Path(folder) / "again.eaf"
            eaf.to_file(str(again))
            assert pympi.Elan.Eaf(str(again)).get_tier_names() == eaf.get_tier_names()
        said.append(f"{n} annotations, {len(eaf.get_annotation_data_for_tier('events'))} events")
    return ", ".join(said)


def check_eaf_structure(root):
    """What the format's description says about order, identifiers and references."""
    order = "LICENSE HEADER TIME_ORDER TIER LINGUISTIC_TYPE LOCALE LANGUAGE CONSTRAINT CONTROLLED_VOCABULARY".split()
    positions = [order.index(child.tag) for child in root]
    assert root.tag == "ANNOTATION_DOCUMENT" and positions == sorted(positions)
    pd.Timestamp(root.get("DATE"))
    assert {"AUTHOR", "DATE", "FORMAT", "VERSION"} <= set(root.keys()) and root.get("FORMAT") == "3.0"
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    types = {kind.get("LINGUISTIC_TYPE_ID") for kind in root.iter("LINGUISTIC_TYPE")}
    entries = {entry.get("CVE_ID"): entry[0].text for entry in root.iter("CV_ENTRY_ML")}
    languages = {language.get("LANG_ID") for language in root.iter("LANGUAGE")}
    assert {e.get("LANG_REF") for e in root.iter() if e.get("LANG_REF")} <= languages
    assert all(tier.get("LINGUISTIC_TYPE_REF") in types for tier in root.iter("TIER"))
    annotations = list(root.iter("ALIGNABLE_ANNOTATION"))
    ids = [a.get("ANNOTATION_ID") for a in annotations]
    assert len(set(ids) | set(slots)) == len(ids) + len(slots), "identifiers are unique in the document"
    for a in annotations:
        assert a.get("TIME_SLOT_REF1") in slots and a.get("TIME_SLOT_REF2") in slots
        assert a.get("CVE_REF") is None or entries[a.get("CVE_REF")] == a[0].text
    for media in root.iter("MEDIA_DESCRIPTOR"):
        assert media.get("MEDIA_URL").startswith("file:///") and " " not in media.get("MEDIA_URL")
        assert media.get("MIME_TYPE")


def check_bids(session, files):
    table = pd.read_csv(files[0], sep="\t", na_values=["n/a"], keep_default_na=False)
    assert list(table.columns)[:3] == ["onset", "duration", "trial_type"]
    assert table.onset.is_monotonic_increasing and (table.duration >= 0).all()
    runs = sorted(session.runs(), key=lambda run: (run[2], run[0]))
    rows = table[table.track.notna()]
    assert len(rows) == len(runs) and len(table) == len(runs) + len(session.events)
    for row, run in zip(rows.itertuples(), runs):
        assert (row.track, row.trial_type) == (run[0], run[1])
        near(row.onset, run[2] / 9e4, "onset", 1e-6)
        near(row.duration, (run[3] - run[2]) / 9e4, "duration", 1e-6)
        near(row.probability, run[4], "probability", 1e-4)
    notes = [" ".join(detail.split()) for detail in session.events.detail if detail]
    assert sorted(table.detail.dropna()) == sorted(notes)
    description = json.loads(files[1].read_text(encoding="utf-8"))
    assert set(description) == set(table.columns)
    assert set(table.trial_type) <= set(description["trial_type"]["Levels"])
    return f"{len(table)} rows; " + ", ".join(check_bids_dataset(files))


def check_bids_dataset(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "dataset_description.json").write_text(
            json.dumps(dict(Name="Faces", BIDSVersion="1.10.0", DatasetType="raw", License="CC0", Authors=["A", "B"]))
        )
        (root / "README.md").write_text("Expressions of faces, exported by fervis for a check of its files.\n" * 4)
        beh = root / "sub-01" / "beh"
        beh.mkdir(parents=True)
        for file, ending in zip(files, ("tsv", "json")):
            shutil.copy(file, beh / f"sub-01_task-watching_events.{ending}")
        try:
            from bids import BIDSLayout

            found = BIDSLayout(root, validate=True).get(suffix="events", extension=".tsv")
            assert len(found) == 1 and found[0].get_metadata()["onset"]["Units"] == "s"
            yield f"pybids read {len(found[0].get_df())} rows"
        except ImportError:
            yield "pybids is not installed"
        validator = pathlib.Path(sys.executable).with_name("bids-validator-deno")
        if not validator.exists():
            yield "bids-validator-deno is not installed"
            return
        run = subprocess.run([validator, "--format", "json", root], capture_output=True, text=True)
        try:
            issues = json.loads(run.stdout)["issues"]["issues"]
        except (ValueError, KeyError):
            yield f"bids-validator did not run: {(run.stderr or run.stdout).strip().splitlines()[-1:]}"
            return
        errors = [issue for issue in issues if issue["severity"] == "error"]
        assert not errors, errors
        codes = sorted({issue["code"] for issue in issues})
        yield f"bids-validator: no errors, warnings {codes}"


class EmptyKind(type):
    """The kind of classes that have whatever is asked of them, which is another such class."""

    def __getattr__(cls, name):
        if name.startswith("__") and name != "__setstate__":
            raise AttributeError(name)
        return EmptyKind(name, (Empty,), {})

    def __getitem__(cls, _):
        return cls


class Empty(metaclass=EmptyKind):
    def __init__(self, *_, **__):
        pass

    def __call__(self, *args, **_):
        return args[0] if args else self

    def __getattr__(self, name):
        return getattr(type(self), name)


class EmptyModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the libraries that py-feat imports and that are not installed."""

    def find_spec(self, name, path=None, target=None):
        # Installed libraries look around for others that they can do without: those they must not be given.
        frame = sys._getframe(1)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        importer = frame.f_globals.get("__name__", "") if frame else ""
        if importer.split(".")[0] != "feat" or name.split(".")[0] == "feat":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: getattr(Empty, name)
        return module

    def exec_module(self, module):
        pass


def check_pyfeat(session, files):
    stand_in = EmptyModules()
    sys.meta_path.append(stand_in)
    try:
        import feat.utils as names
        from feat.utils.io import read_feat

        fex = read_feat(str(files[0]))
    finally:
        sys.meta_path.remove(stand_in)
    assert list(fex.emotions.columns) == names.FEAT_EMOTION_COLUMNS
    assert list(fex.faceboxes.columns) == names.FEAT_FACEBOX_COLUMNS
    n_empty = int(fex.emotions.isna().all(axis=1).sum())
    with_faces = set(session.faces.frame)
    assert n_empty == len(set(session.analyzed.frame) - with_faces)
    rows = fex[fex.Identity.notna()].reset_index(drop=True)
    assert len(rows) == len(session.faces)
    for label, name in PYFEAT.items():
        assert (rows[name] - session.faces[f"raw_{label}"]).abs().max() < 1e-6
    assert (rows.time_s - session.faces.time_s).abs().max() < 2e-6
    return f"{type(fex).__name__} of {len(fex)} rows, {n_empty} without a face"


def check_summary(session, files):
    table = pd.read_csv(files[0]).set_index("track")
    assert set(table.index) == set(session.faces.track)
    for track, rows in session.faces.groupby("track"):
        row, seconds = table.loc[track], rows.duration.sum() / 9e4
        near(row.seen_s, seconds, "seen_s", 1e-5)
        near(row.presumed_s, rows[rows.unseen_s > 0].duration.sum() / 9e4, "presumed_s", 1e-5)
        for label in LABELS:
            share = rows[rows.label == label].duration.sum() / 9e4 / seconds
            near(row[f"share_{label}"], share, f"share_{label}", 1e-5)
            mean = (rows[f"smoothed_{label}"] * rows.duration).sum() / 9e4 / seconds
            near(row[f"mean_{label}"], mean, f"mean_{label}", 1e-5)
        runs = [run for run in session.runs() if run[0] == track]
        n = sum(a[3] == b[2] and a[1] != b[1] for a, b in zip(runs, runs[1:]))
        assert row.transitions == n == row.filter(like="_to_").sum()
    return f"{len(table)} faces, {table.shape[1]} columns"


def check_semicolons(session, files):
    table = pd.read_csv(files[0], sep=";", decimal=",").set_index("track")
    assert table.dtypes.map(pd.api.types.is_numeric_dtype).all()
    return f"{len(table)} faces"


def check_parquet(session, files):
    import pyarrow.parquet as pq

    faces, frames = (pq.read_table(file).to_pandas() for file in files)
    assert pq.read_schema(files[0]).metadata[b"fervis-session"]
    for table, name in ((faces, "faces.csv"), (frames, "frames.csv")):
        recorded = pd.read_csv(session.folder / name)
        added = [column for column in table if column not in recorded]
        # What earlier versions did not record is empty.
        about = ["participant", "session", "condition", "note"]
        assert added[:4] == about and table[added[4:]].isna().all(axis=None), added
        # Single precision has seven digits.
        pd.testing.assert_frame_equal(table[list(recorded)], recorded, check_dtype=False, atol=2e-6, rtol=1e-6)
    return f"{len(faces)} faces, {len(frames)} frames"


def check_svg(session, files):
    from lxml import etree

    root = etree.parse(str(files[0])).getroot()
    words = [text.text.strip() for text in root.iter("{*}text")]
    assert root.tag.endswith("}svg") and "share of time" in words
    assert session.manifest["source"]["name"] in words[0]
    return f"{root.get('width')} × {root.get('height')}, {len(words)} texts"


def check_png(session, files):
    from PIL import Image

    with Image.open(files[0]) as picture:
        picture.load()
        return f"{picture.size[0]} × {picture.size[1]}"


CHECKS = [
    ("jsonl", "out.jsonl", [], check_jsonl),
    ("webvtt", "out.vtt", [], check_webvtt),
    ("srt", "out.srt", [], check_srt),
    ("eaf", "out.eaf", [], check_eaf),
    ("bids", "out.tsv", [], check_bids),
    ("pyfeat", "out.csv", [], check_pyfeat),
    ("summary", "summary.csv", [], check_summary),
    ("summary", "excel.csv", ["--separator", ";"], check_semicolons),
    ("parquet", "out.parquet", [], check_parquet),
    ("svg", "out.svg", [], check_svg),
    ("png", "out.png", [], check_png),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("session", nargs="?", type=pathlib.Path)
    parser.add_argument("--fervis", default="target/debug/fervis", help="the program (default: %(default)s)")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the exported files, to look at")
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.session or pathlib.Path(scratch) / "made up & odd"
        if args.session is None:
            make_session(folder)
        session = Session(folder)
        out = args.keep or pathlib.Path(scratch) / "out"
        out.mkdir(parents=True, exist_ok=True)
        for name, file, options, check in CHECKS:
            command = [args.fervis, "export", folder, "--format", name, "--out", out / file, "--force", *options]
            run = subprocess.run(command, capture_output=True, text=True)
            title = " ".join([name, *options])
            if run.returncode != 0:
                is_missing = "this build" in run.stderr
                failed |= not is_missing
                print(f"{title:24} {'skipped' if is_missing else 'FAILED'}: {run.stderr.strip()}")
                continue
            try:
                print(f"{title:24} ok: {check(session, [pathlib.Path(line) for line in run.stdout.splitlines()])}")
            except ImportError as error:
                print(f"{title:24} skipped: {error}")
            except Exception as error:
                failed = True
                print(f"{title:24} FAILED: {type(error).__name__}: {error}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
