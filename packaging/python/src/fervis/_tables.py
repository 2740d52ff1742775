"""Sessions and tables of results, as pandas or polars DataFrames."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    import pandas
    import polars

Backend = Literal["pandas", "polars"]

# The labels of a session whose session.json names none.
_FER_2013 = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
# Texts, also in tables where all their fields are empty or look like numbers.
_TEXTS = (
    "label", "file", "participant", "session", "condition", "note", "name", "status", "event", "detail", "sender",
    "annotation", "model", "path",
)


@overload
def read_table(path: str | os.PathLike[str], *, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
@overload
def read_table(path: str | os.PathLike[str], *, backend: Literal["polars"]) -> polars.DataFrame: ...
@overload
def read_table(path: str | os.PathLike[str], *, backend: Backend) -> pandas.DataFrame | polars.DataFrame: ...
def read_table(path: str | os.PathLike[str], *, backend: Backend = "pandas") -> pandas.DataFrame | polars.DataFrame:
    """Reads a CSV or Parquet table that fervis wrote. A participant such as 007 stays a text."""
    path = Path(path)
    is_parquet = path.suffix == ".parquet"
    if backend == "polars":
        import polars

        if is_parquet:
            return polars.read_parquet(path)
        with path.open(encoding="utf-8") as file:
            header = file.readline().strip().split(",")
        texts = {name: polars.String for name in _TEXTS if name in header}
        return polars.read_csv(path, schema_overrides=texts, infer_schema_length=None)
    if backend == "pandas":
        import pandas

        if is_parquet:
            return pandas.read_parquet(path)
        # Later versions always read numbers exactly.
        exact: dict[str, Any] = {"float_precision": "round_trip"} if int(pandas.__version__.split(".")[0]) < 3 else {}
        table: pandas.DataFrame = pandas.read_csv(path, dtype={name: "string" for name in _TEXTS}, **exact)
        return table
    raise ValueError(f"backend is pandas or polars, not {backend!r}")


@overload
def read_results(folder: str | os.PathLike[str], *, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
@overload
def read_results(folder: str | os.PathLike[str], *, backend: Literal["polars"]) -> polars.DataFrame: ...
def read_results(
    folder: str | os.PathLike[str], *, backend: Backend = "pandas"
) -> pandas.DataFrame | polars.DataFrame:
    """The faces of all files of `fervis analyze FILES --out FOLDER`, also of parts written by several machines."""
    folder = Path(folder)
    parts = [folder / "faces.parquet"]
    if not parts[0].is_file():
        parts = sorted(folder.glob("faces-*-of-*.parquet"))
    if not parts:
        return read_table(folder / "faces.csv", backend=backend)
    if backend == "polars":
        import polars

        return polars.concat([polars.read_parquet(part) for part in parts])
    import pandas

    return pandas.concat([pandas.read_parquet(part) for part in parts], ignore_index=True)


class Session:
    """A folder that fervis recorded.

    `info` is the content of session.json, `labels` are the network's in the order of the columns, `about` says who and
    what the session is about.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.info: dict[str, Any] = json.loads((self.folder / "session.json").read_text(encoding="utf-8"))
        schema = self.info.get("schema")
        if schema != "fervis-session/1":
            raise ValueError(f"{self.folder} is of schema {schema}; this module reads fervis-session/1")
        self.labels: list[str] = self.info.get("labels", _FER_2013)
        self.about: dict[str, str] = self.info.get("about", {})

    def __repr__(self) -> str:
        return f"Session({str(self.folder)!r})"

    @property
    def is_complete(self) -> bool:
        """Whether the recording has ended, also one that was repaired."""
        return self.info["status"] in ("complete", "recovered")

    @property
    def videos(self) -> list[Path]:
        """The recorded videos, part by part."""
        return [self.folder / video["file"] for video in self.info.get("video", [])]

    @overload
    def faces(self, *, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def faces(self, *, backend: Literal["polars"]) -> polars.DataFrame: ...
    def faces(self, *, backend: Backend = "pandas") -> pandas.DataFrame | polars.DataFrame:
        """One row per face of each analyzed frame, also in spans that were excluded afterward."""
        return read_table(self.folder / "faces.csv", backend=backend)

    @overload
    def frames(self, *, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def frames(self, *, backend: Literal["polars"]) -> polars.DataFrame: ...
    def frames(self, *, backend: Backend = "pandas") -> pandas.DataFrame | polars.DataFrame:
        """One row per captured frame."""
        return read_table(self.folder / "frames.csv", backend=backend)

    @overload
    def events(self, *, backend: Literal["pandas"] = ...) -> pandas.DataFrame: ...
    @overload
    def events(self, *, backend: Literal["polars"]) -> polars.DataFrame: ...
    def events(self, *, backend: Backend = "pandas") -> pandas.DataFrame | polars.DataFrame:
        """Markers, pauses, changes of settings, and what else happened."""
        return read_table(self.folder / "events.csv", backend=backend)

    @overload
    def annotations(self, *, backend: Literal["pandas"] = ...) -> pandas.DataFrame | None: ...
    @overload
    def annotations(self, *, backend: Literal["polars"]) -> polars.DataFrame | None: ...
    def annotations(self, *, backend: Backend = "pandas") -> pandas.DataFrame | polars.DataFrame | None:
        """What was said afterward: markers, removed ones, and excluded spans. None if nothing was."""
        table = self.folder / "annotations.csv"
        return read_table(table, backend=backend) if table.is_file() else None
