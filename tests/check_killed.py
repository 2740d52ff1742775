"""Checks one recording that a signal ended: `check_killed.py FOLDER FERVIS RUN TENTHS SIGNAL`; a part of kill_test.sh.

Reads the video with ffprobe before and after `FERVIS recover FOLDER`, and compares it with frames.csv. What the recording
said is in FOLDER.log.
"""

import csv
import hashlib
import json
import pathlib
import re
import subprocess
import sys

MAX_LOST_S = 0.6
MAX_ERROR_S = 0.001
TYPICAL_INTERVAL_S = 1 / 30


def probe(path: pathlib.Path) -> tuple[list[float], float | None]:
    """Presentation times of all packets, and the duration of the file, seconds."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "json"]
    command += ["-show_entries", "packet=pts_time,size:format=duration", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if done.stderr.strip():
        raise AssertionError(f"ffprobe: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    times = sorted(float(packet["pts_time"]) for packet in answer["packets"] if int(packet["size"]) > 0)
    duration = answer["format"].get("duration")
    return times, float(duration) if duration else None


def decode(path: pathlib.Path) -> None:
    """Decodes all of it; any word of ffmpeg's is an error."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr.strip():
        raise AssertionError(f"ffmpeg: {done.stderr.strip()}")


def rows(path: pathlib.Path) -> list[dict[str, str]]:
    """The rows of a table; a last line without its end is half written and does not count."""
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    return list(csv.DictReader(whole.splitlines()))


def digest(folder: pathlib.Path) -> str:
    videos = sorted(path for path in folder.iterdir() if path.stem == "video")
    return hashlib.sha256(b"".join(path.read_bytes() for path in videos)).hexdigest()


def manifest(folder: pathlib.Path) -> dict:
    return json.loads((folder / "session.json").read_text())


def check_rows(folder: pathlib.Path, n_frames: int) -> None:
    """Every frame of the video has a row that names it, and session.json counts the same."""
    named = [int(row["video_frame"]) for row in rows(folder / "frames.csv") if row["video_frame"]]
    if named != list(range(n_frames)):
        raise AssertionError(f"{n_frames} frames in the video, and rows name {len(named)}")
    session = manifest(folder)
    counts = session["counts"]
    if counts["recorded"] != n_frames or session["video"][0]["n_frames"] != n_frames:
        raise AssertionError(f"{n_frames} frames in the video, and session.json counts {counts['recorded']}")
    n_rows = len(rows(folder / "frames.csv"))
    if counts["captured"] != n_rows + counts["refused"]:
        raise AssertionError(f"{counts['captured']} captured, {n_rows} rows, {counts['refused']} refused")


def check_ended(folder: pathlib.Path, fervis: str) -> str:
    """Checks the folder after a signal that asks the program to end; returns what to say about it."""
    session = manifest(folder)
    if session["status"] != "complete":
        raise AssertionError(f"the status is {session['status']}")
    video = folder / session["video"][0]["file"]
    times, duration = probe(video)
    decode(video)
    check_rows(folder, len(times))
    table = rows(folder / "frames.csv")
    if len(times) != len(table):
        raise AssertionError(f"{len(table)} rows, {len(times)} frames in the video")
    said = folder.with_name(folder.name + ".log").read_text()
    counts = session["counts"]
    for words, count in [("frames captured", counts["captured"]), ("in the video", counts["recorded"])]:
        if not re.search(rf"\b{count} {words}", said):
            raise AssertionError(f"session.json counts {count} {words}, and the program said: {said.strip()}")
    before = digest(folder)
    done = subprocess.run([fervis, "recover", str(folder)], check=True, capture_output=True, text=True)
    if "nothing to repair" not in done.stdout or digest(folder) != before:
        raise AssertionError(f"recover changed a complete session: {done.stdout.strip()}")
    return f"{len(times)} frames, {duration:.2f} s, complete"


def check_killed(folder: pathlib.Path, fervis: str) -> str:
    """Checks the folder after SIGKILL; returns what to say about it."""
    video = folder / "video.mp4"
    table = [row for row in rows(folder / "frames.csv") if row["pts_90k"]]
    expected = [int(row["pts_90k"]) / 90_000 for row in table if row["video_frame"]]
    killed, _ = probe(video)
    if not killed:
        raise AssertionError("the killed file has no frames")
    decode(video)
    # From the first missing frame on: a gap before it, when the recorder could not keep up, is not lost here.
    missing = expected[len(killed) :]
    lost = missing[-1] - missing[0] + TYPICAL_INTERVAL_S if missing else 0.0
    if lost > MAX_LOST_S:
        raise AssertionError(f"{lost:.3f} s are lost")

    def recover() -> None:
        subprocess.run([fervis, "recover", str(folder)], check=True, capture_output=True, text=True)

    recover()
    recovered, duration = probe(video)
    decode(video)
    check_rows(folder, len(recovered))
    if len(recovered) != len(killed):
        raise AssertionError(f"{len(killed)} frames before recovery, {len(recovered)} after it")
    # The last frame is shown until the next one came, although that is missing.
    latest_end = max(recovered[-1] + 0.5, missing[0] + MAX_ERROR_S if missing else 0.0)
    if duration is None or not recovered[-1] <= duration <= latest_end:
        raise AssertionError(f"the last frame is at {recovered[-1]} s, and the file ends at {duration} s")
    error = max(abs(found - true) for found, true in zip(recovered, expected))
    if error > MAX_ERROR_S:
        raise AssertionError(f"a frame's time is wrong by {error * 1000:.3f} ms")
    exact_rows = max(abs(float(row["time_s"]) - float(table[0]["time_s"]) - int(row["pts_90k"]) / 90_000) for row in table)
    if exact_rows > MAX_ERROR_S:
        raise AssertionError(f"a row's two times differ by {exact_rows * 1000:.3f} ms")
    before = digest(folder)
    recover()
    if digest(folder) != before:
        raise AssertionError("recovering again changed the video")
    return f"{len(recovered)} of {len(expected)} frames, {lost * 1000:.0f} ms lost, times within {error * 1e6:.0f} µs"


def main() -> int:
    folder, fervis, run, tenths, signal = sys.argv[1:]
    check = check_killed if signal == "KILL" else check_ended
    try:
        verdict, status = check(pathlib.Path(folder), fervis), 0
    except (AssertionError, subprocess.CalledProcessError, StopIteration, OSError) as err:
        words = err.stderr if isinstance(err, subprocess.CalledProcessError) else err
        verdict, status = f"FAILED: {words or type(err).__name__}", 1
    print(f"run {run}, SIG{signal} after {int(tenths) / 10} s: {verdict}")
    return status


if __name__ == "__main__":
    sys.exit(main())
