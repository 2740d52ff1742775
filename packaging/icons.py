#!/usr/bin/env python3
"""Draws the icons of the Windows program and the macOS bundle: the shapes of linux/fervis.svg, antialiased.

Writes windows/fervis.ico and macos/fervis.icns beside this file. Both hold PNG images, which Windows has read since Vista.
"""

import math
import struct
import zlib
from pathlib import Path

GROUND, LINES = (26, 99, 192), (255, 255, 255)
# Samples per pixel and axis.
SAMPLES = 4


def sample(x: float, y: float) -> tuple[int, int, int, int]:
    """The color at a point; coordinates from -1 to 1, y down."""
    radius, half = 0.42, 0.94
    dx, dy = abs(x) - (half - radius), abs(y) - (half - radius)
    square = math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
    if square > 0:
        return 0, 0, 0, 0
    eye = math.hypot(abs(x) - 0.3, (y + 0.2) * 0.8) < 0.1
    # The lower part of a ring, with round ends.
    end_x, end_y = 0.46, 0.2
    if y >= end_y * abs(x) / end_x:
        mouth = abs(math.hypot(x, y) - math.hypot(end_x, end_y)) < 0.075
    else:
        mouth = math.hypot(abs(x) - end_x, y - end_y) < 0.075
    return (*(LINES if eye or mouth else GROUND), 255)


def png(side: int) -> bytes:
    """The icon as a PNG file."""
    steps = side * SAMPLES
    lines = []
    for row in range(side):
        line = bytearray(b"\0")
        for column in range(side):
            total = [0, 0, 0, 0]
            for index in range(SAMPLES * SAMPLES):
                dy, dx = divmod(index, SAMPLES)
                x = (column * SAMPLES + dx + 0.5) / steps * 2 - 1
                y = (row * SAMPLES + dy + 0.5) / steps * 2 - 1
                *color, alpha = sample(x, y)
                total = [sum_ + part * alpha for sum_, part in zip(total, color)] + [total[3] + alpha]
            line += bytes(round(part / max(total[3], 1)) for part in total[:3])
            line.append(round(total[3] / SAMPLES**2))
        lines.append(bytes(line))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(lines), 9)) + chunk(b"IEND", b"")


def ico(pngs: dict[int, bytes]) -> bytes:
    """A Windows icon of several sizes."""
    head = struct.pack("<HHH", 0, 1, len(pngs))
    offset = len(head) + 16 * len(pngs)
    entries, data = b"", b""
    for side, image in pngs.items():
        entries += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(image), offset + len(data))
        data += image
    return head + entries + data


def icns(pngs: dict[int, bytes]) -> bytes:
    """A macOS icon; the names are Apple's for these sizes."""
    kinds = {b"ic11": 32, b"ic12": 64, b"ic07": 128, b"ic08": 256, b"ic09": 512}
    body = b"".join(kind + struct.pack(">I", 8 + len(pngs[side])) + pngs[side] for kind, side in kinds.items())
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


if __name__ == "__main__":
    here = Path(__file__).parent
    drawn = {side: png(side) for side in (16, 24, 32, 48, 64, 128, 256, 512)}
    (here / "windows/fervis.ico").write_bytes(ico({side: drawn[side] for side in (16, 24, 32, 48, 64, 256)}))
    (here / "macos/fervis.icns").write_bytes(icns(drawn))
