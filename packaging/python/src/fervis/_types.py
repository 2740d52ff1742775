"""What fervis says of a frame: the keys of its JSON."""

from typing import TypedDict


class Mesh(TypedDict):
    """Measures of a face's mesh; angles in degrees."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    right_eye_open: float
    left_eye_open: float
    mouth_open: float
    mouth_width: float
    brow_height: float
    mesh_presence: float
    mesh_x: float
    mesh_y: float
    mesh_side: float
    mesh_roll_deg: float
    turned_away: bool


class Pose(TypedDict):
    """Which way a head points, degrees."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


class Second(TypedDict):
    """What the second network reads of a face."""

    raw: dict[str, float]
    smoothed: dict[str, float]
    label: str


class _Face(TypedDict):
    track: int
    box: list[float]
    score: float
    raw: dict[str, float]
    smoothed: dict[str, float]
    label: str


class Face(_Face, total=False):
    """A face. `box` is left, top, width and height in pixels; `raw` and `smoothed` are probabilities by label.

    `corrected` and `corrected_pose` are there once a resting face was learned, `second` with a second network.
    """

    mesh: Mesh
    corrected: dict[str, float]
    corrected_pose: Pose
    second: Second


class _Frame(TypedDict):
    frame: int
    time_s: float
    faces: list[Face]


class Frame(_Frame, total=False):
    """An analyzed frame. `file` names images only; the rest comes with live values only."""

    file: str
    source: int
    unix_s: float
    latency_ms: float
    size: list[int]
    checkpoint: str
