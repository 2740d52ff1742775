#!/usr/bin/env python3
"""Writes face-geometry.safetensors: the canonical face of MediaPipe's face mesh, its triangles, and the weights of its rigid points.

    npm pack @mediapipe/face_mesh@0.4.1657299874 && tar xzf mediapipe-face_mesh-*.tgz
    python3 assets/convert-face-geometry.py package assets/face-geometry.safetensors

Apache-2.0 (the package's package.json; see face-networks.LICENSE). Needs `pip install numpy safetensors`.
"""
import hashlib
import json
import pathlib
import re
import sys

import numpy as np
from safetensors.numpy import save_file

NAME = "geometry_pipeline_metadata_landmarks.binarypb"


def fields(data):
    """The fields of a protocol buffer message: number and value, varints as int, the rest as bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, data[at : at + length]
        at += length


def main(package, target):
    package = pathlib.Path(package)
    loader = (package / "face_mesh_solution_packed_assets_loader.js").read_text()
    start, end = map(int, re.search(NAME + r'", "start": (\d+), "end": (\d+)', loader).groups())
    message = (package / "face_mesh_solution_packed_assets.data").read_bytes()[start:end]

    vertices, indices, weights = [], [], np.zeros(468, np.float32)
    for number, value in fields(message):
        if number == 1:  # The canonical mesh: x, y, z, u, v for each vertex.
            for inner, data in fields(value):
                if inner == 3:
                    vertices.append(np.frombuffer(data, "<f4")[0])
                elif inner == 4:
                    indices.append(data)
        elif number == 2:  # A landmark of the Procrustes basis.
            landmark = dict(fields(value))
            weights[landmark[1]] = np.frombuffer(landmark[2], "<f4")[0]
    points = np.asarray(vertices, np.float32).reshape(468, 5)[:, :3].copy()
    triangles = np.asarray(indices, np.uint16).reshape(-1, 3)
    save_file(
        {"points": points, "rigid_weights": weights, "triangles": triangles},
        target,
        metadata={
            "source": "npm @mediapipe/face_mesh 0.4.1657299874, " + NAME,
            "sha256": hashlib.sha256(message).hexdigest(),
            "license": "Apache-2.0",
            "version": json.loads((package / "package.json").read_text())["version"],
        },
    )
    print(f"{len(points)} points, {len(triangles)} triangles, {np.count_nonzero(weights)} rigid points")


if __name__ == "__main__":
    main(*sys.argv[1:3])
