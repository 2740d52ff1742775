"""Runs the program on its demo clip. FERVIS names it; without it, the installed one."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

import fervis

BACKENDS = ["pandas", "polars"]


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> fervis.Session:
    folder = tmp_path_factory.mktemp("recordings") / "demo"
    about = ["--participant", "007", "--name", "first"]
    fervis.run("record", "demo", "--out", folder, "--seconds", "2", "--video", "clean", *about)
    return fervis.Session(folder)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_session_is_three_tables(session: fervis.Session, backend: fervis.Backend) -> None:
    assert session.is_complete and session.about["participant"] == "007"
    assert [video.name for video in session.videos] == ["video.mp4"]
    faces, frames = session.faces(backend=backend), session.frames(backend=backend)
    # A busy machine does not analyze every frame of a live recording.
    assert len(frames) >= 55 and 0 < len(faces) <= len(frames)
    assert {f"smoothed_{label}" for label in session.labels} <= set(faces.columns)
    assert set(faces["label"]) <= set(session.labels)
    assert "event" in session.events(backend=backend).columns
    assert session.annotations(backend=backend) is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_annotations_are_a_table(session: fervis.Session, tmp_path: Path, backend: fervis.Backend) -> None:
    shutil.copy(session.folder / "session.json", tmp_path)
    # As the window writes it.
    (tmp_path / "annotations.csv").write_text(
        "time_s,pts_90k,end_s,end_pts_90k,annotation,detail,recorded_pts_90k\n"
        "0.5,45000,,,marker,007,\n1.0,90000,1.5,135000,excluded,looked away,\n"
    )
    annotations = fervis.Session(tmp_path).annotations(backend=backend)
    assert annotations is not None
    assert list(annotations["annotation"]) == ["marker", "excluded"]
    assert list(annotations["detail"]) == ["007", "looked away"] and annotations["end_pts_90k"][1] == 135_000


def test_a_second_network_is_in_the_frames() -> None:
    frame = next(fervis.frames("demo", options=["--second", "three-block"]))
    second = frame["faces"][0]["second"]
    assert sum(second["smoothed"].values()) == pytest.approx(1) and second["label"] in second["raw"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_is_analyzed(backend: fervis.Backend) -> None:
    faces = fervis.analyze("demo", options=["--seconds", "1"], backend=backend)
    assert set(faces["track"]) == {1} and max(faces["time_s"]) < 1.01


def test_both_backends_read_the_same(session: fervis.Session) -> None:
    pandas_faces, polars_faces = session.faces(), session.faces(backend="polars")
    assert list(pandas_faces.columns) == polars_faces.columns
    assert pandas_faces["smoothed_happy"].tolist() == polars_faces["smoothed_happy"].to_list()


@pytest.mark.parametrize("backend", BACKENDS)
def test_results_of_many_files_are_one_table(session: fervis.Session, tmp_path: Path, backend: fervis.Backend) -> None:
    video = tmp_path / "007_first.mp4"
    shutil.copy(session.videos[0], video)
    fervis.run("analyze", video, "--out", tmp_path / "results", "--pattern", "{participant}_{name}")
    faces = fervis.read_results(tmp_path / "results", backend=backend)
    assert set(faces["participant"]) == {"007"} and len(faces) >= 55


def test_frames_arrive_while_they_are_analyzed() -> None:
    numbers = [frame["frame"] for frame, _ in zip(fervis.frames("demo"), range(5))]
    assert numbers == [0, 1, 2, 3, 4]


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(fervis.FervisError, match="nowhere.mp4"):
        fervis.analyze(tmp_path / "nowhere.mp4")
    with pytest.raises(fervis.FervisError, match="nowhere.mp4"):
        list(fervis.frames(tmp_path / "nowhere.mp4"))
    (tmp_path / "session.json").write_text('{"schema": "fervis-session/9"}')
    with pytest.raises(ValueError, match="fervis-session/9"):
        fervis.Session(tmp_path)


def test_live_values_are_heard(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(fervis.program()), "record", "demo", "--out", str(tmp_path / "live"), "--websocket", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                first = next(iter(fervis.listen(f"ws://127.0.0.1:{port}")), None)
                break
            except OSError:
                time.sleep(0.1)
        process.kill()
    assert first is not None and first["source"] == 1 and first["size"] == [640, 480]
