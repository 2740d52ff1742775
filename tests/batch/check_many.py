#!/usr/bin/env python3
"""Analyzes a few videos in parts, and reads the tables with pandas, polars and DuckDB as one data set.

    python3 -m venv venv
    venv/bin/pip install pandas pyarrow polars duckdb ray
    venv/bin/python tests/batch/check_many.py [--fervis target/release/fervis] [--copies 6]

The parts are analyzed by examples/many_files.slurm, with the variables that Slurm would set, and by
examples/many_files_ray.py with two workers. Every reader must find the same rows as in `faces.csv` of a run that was not
parted. Readers that are not installed, and Ray, are skipped and say so.
"""

import argparse
import csv
import glob
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
N_PARTS = 3


def is_installed(name):
    if importlib.util.find_spec(name):
        return True
    print(f"{name}: skipped, not installed")
    return False


def make_videos(folder, n_copies):
    """Copies of the demo clip and of two small videos, some with the same name in different folders."""
    for number in range(n_copies):
        day = folder / f"day{number % 2 + 1}"
        day.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "assets/demo.mp4", day / f"P{number // 2 + 1:02}_demo.mp4")
    for name in ("mjpeg.avi", "av1.webm"):
        shutil.copy(REPOSITORY / "tests/media" / name, folder / f"P99_{name}")


def fervis(program, *arguments, **options):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected(table):
    """Of each file: rows, the participant, and the sum of a column."""
    found = {}
    with open(table, newline="") as lines:
        for row in csv.DictReader(lines):
            n_rows, participant, total = found.get(row["file"], (0, row["participant"], 0.0))
            assert participant == row["participant"]
            found[row["file"]] = (n_rows + 1, participant, total + float(row["smoothed_happy"]))
    return found


def check(reader, found, wanted):
    assert found.keys() == wanted.keys(), f"{reader}: {sorted(found)} instead of {sorted(wanted)}"
    for file, (n_rows, participant, total) in wanted.items():
        same = found[file][:2] == (n_rows, participant) and abs(found[file][2] - total) < 0.01 * n_rows
        assert same, f"{reader}: {file}: {found[file]} instead of {wanted[file]}"
    print(f"{reader}: {sum(n for n, _, _ in found.values())} rows of {len(found)} files, as expected")


def read_parts(parts, wanted):
    """Reads the Parquet tables of all parts with every reader that is there."""
    tables = sorted(glob.glob(parts))
    assert tables, f"nothing is called {parts}"
    if is_installed("pandas"):
        import pandas

        table = pandas.concat(map(pandas.read_parquet, tables))
        groups = table.groupby("file")
        check("pandas", {f: (len(g), g.participant.iloc[0], g.smoothed_happy.sum()) for f, g in groups}, wanted)
    if is_installed("polars"):
        import polars

        table = polars.read_parquet(parts)
        groups = table.group_by("file").agg(
            polars.len(), polars.col("participant").first(), polars.col("smoothed_happy").sum().alias("sum")
        )
        check("polars", {f: (n, who, total) for f, n, who, total in groups.iter_rows()}, wanted)
    if is_installed("duckdb"):
        import duckdb

        query = "SELECT file, count(*), any_value(participant), sum(smoothed_happy) FROM '{}' GROUP BY file"
        found = duckdb.sql(query.format(parts)).fetchall()
        check("DuckDB", {file: (n, who, total) for file, n, who, total in found}, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fervis", default=REPOSITORY / "target/release/fervis", type=pathlib.Path)
    parser.add_argument("--copies", default=4, type=int)
    args = parser.parse_args()
    program = args.fervis.resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        videos = folder / "videos"
        make_videos(videos, args.copies)
        who = ["--pattern", "{participant}_*"]
        fervis(program, "analyze", videos, "--out", folder / "whole", *who)
        wanted = expected(folder / "whole/faces.csv")
        assert len(wanted) == args.copies, wanted
        read_parts(str(folder / "whole/faces.parquet"), wanted)

        for index in range(N_PARTS):
            slurm = {
                "SLURM_ARRAY_TASK_ID": str(index),
                "SLURM_ARRAY_TASK_MIN": "0",
                "SLURM_ARRAY_TASK_COUNT": str(N_PARTS),
                "FERVIS": str(program),
            }
            fervis(REPOSITORY / "examples/many_files.slurm", videos, folder / "slurm", *who, env={**os.environ, **slurm})
        read_parts(str(folder / "slurm/faces-*.parquet"), wanted)
        fervis(REPOSITORY / "examples/many_files.slurm", videos, folder / "slurm", *who, env={**os.environ, "FERVIS": str(program)})
        merged, whole = ((folder / out / "faces.csv").read_text() for out in ("slurm", "whole"))
        assert merged == whole, "merging the parts gives the table of one run"
        print("Slurm's script: the parts merge to the same table")

        if is_installed("ray"):
            script = REPOSITORY / "examples/many_files_ray.py"
            # Two workers: a core each, on a cluster of two.
            command = [script, videos, folder / "ray", "--shards", "2", "--cpus", "1", "--fervis", program, *who]
            print(fervis(sys.executable, *command).strip())
            read_parts(str(folder / "ray/faces-*.parquet"), wanted)
            merged = (folder / "ray/faces.csv").read_text()
            assert merged == whole, "merging the parts gives the table of one run"
            print("Ray's script: the parts merge to the same table")
    print("all as expected")


if __name__ == "__main__":
    main()
