"""The program: where it is, and what it says of a source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Literal, cast, overload

from ._tables import Backend, read_table
from ._types import Frame

if TYPE_CHECKING:
    import pandas
    import polars

Source = str | os.PathLike[str]


class FervisError(RuntimeError):
    """fervis ended with an error; the text is what it said."""


def program() -> Path:
    """The program `fervis`: what the variable FERVIS names, else that of this installation, else that on the PATH."""
    if named := os.environ.get("FERVIS"):
        return Path(named)
    name = "fervis.exe" if os.name == "nt" else "fervis"
    installed = Path(sysconfig.get_path("scripts")) / name
    if installed.is_file():
        return installed
    if found := shutil.which("fervis"):
        return Path(found)
    raise FileNotFoundError("the program fervis is not installed here and not on the PATH")


def run(*arguments: Source) -> str:
    """Runs a command, such as `run("export", "monday", "--format", "eaf", "--out", "monday.eaf")`; what it prints.

    Raises FervisError with what it says if it fails.
    """
    command = _command(*arguments)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise FervisError(done.stderr.strip())
    return done.stdout


@overload
def analyze(
    source: Source, *, checkpoint: Source | None = None, options: Sequence[Source] = (), backend: Literal["pandas"] = ...
) -> pandas.DataFrame: ...
@overload
def analyze(
    source: Source, *, checkpoint: Source | None = None, options: Sequence[Source] = (), backend: Literal["polars"]
) -> polars.DataFrame: ...
def analyze(
    source: Source, *, checkpoint: Source | None = None, options: Sequence[Source] = (), backend: Backend = "pandas"
) -> pandas.DataFrame | polars.DataFrame:
    """Analyzes every frame of a file, or a folder of images: one row per face of each frame.

    `checkpoint` is the name of a network or its file, `options` are further ones of `fervis analyze`, such as
    `["--seconds", "10"]`. Raises FervisError if the source cannot be read to its end.
    """
    with TemporaryDirectory() as folder:
        table = Path(folder) / "faces.csv"
        run("analyze", *_arguments(source, checkpoint, options), "--csv", table)
        return read_table(table, backend=backend)


def frames(source: Source = "camera", *, checkpoint: Source | None = None, options: Sequence[Source] = ()) -> Iterator[Frame]:
    """The analyzed frames of a camera or a file, while they are analyzed. The program ends with the loop."""
    command = _command("analyze", *_arguments(source, checkpoint, options), "--json", "-")
    # A file, because a pipe that nobody reads fills up.
    with TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, encoding="utf-8")
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield cast(Frame, json.loads(line))
            if process.wait():
                said.seek(0)
                raise FervisError(said.read().decode(errors="replace").strip())
        finally:
            # Whoever stops reading does not want the rest.
            process.kill()
            process.stdout.close()
            process.wait()


def _command(*arguments: Source) -> list[str]:
    return [os.fspath(argument) for argument in (program(), *arguments)]


def _arguments(source: Source, checkpoint: Source | None, options: Sequence[Source]) -> list[Source]:
    chosen: list[Source] = [] if checkpoint is None else ["--checkpoint", checkpoint]
    return [source, *chosen, *options]
