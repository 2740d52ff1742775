"""fervis in Python: analyzes files, reads sessions and tables of results, and listens to live values.

Tables are pandas DataFrames, or polars ones with `backend="polars"`. Neither is imported before a table is asked for.
"""

from ._program import FervisError, analyze, frames, program, run
from ._stream import listen
from ._tables import Backend, Session, read_results, read_table
from ._types import Face, Frame, Mesh, Pose, Second

__all__ = [
    "Backend",
    "Face",
    "FervisError",
    "Frame",
    "Mesh",
    "Pose",
    "Second",
    "Session",
    "analyze",
    "frames",
    "listen",
    "program",
    "read_results",
    "read_table",
    "run",
]
