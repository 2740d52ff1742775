#!/usr/bin/env python3
"""MediaPipe's two face networks as safetensors: `blazeface-short-range` and `face-mesh`.

They are in the wheel of mediapipe 0.10.21, the last version that contains them; it need not be installed:

    pip download --no-deps mediapipe==0.10.21
    pip install numpy safetensors tflite
    python3 assets/convert-face-networks.py mediapipe-0.10.21-*.whl

writes the two files and their license beside this script. The values are those of the wheel, 16-bit floats; only the
order of their dimensions changes, to PyTorch's: kernels `(c_out, c_in, k, k)`, depthwise kernels
`(channels, 1, 3, 3)`, biases and slopes `(channels,)`.
"""

import argparse
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import tflite
from safetensors.numpy import save_file

FOLDER = Path(__file__).resolve().parent
SOURCE = "https://pypi.org/project/mediapipe/0.10.21"


def block(name):
    return [f"{name}.depthwise", f"{name}.pointwise"]


# The layers with weights, in the order of the operators in the files. A slope belongs to the activation after a layer.
SHORT_RANGE = {
    "file": "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "convolutions": [
        "stem",
        *(layer for i in range(1, 17) for layer in block(f"block{i}")),
        *("head16.score", "head8.score", "head16.box", "head8.box"),
    ],
    "slopes": [],
}
MESH = {
    "file": "mediapipe/modules/face_landmark/face_landmark.tflite",
    "convolutions": [
        "stem",
        *(layer for i in range(1, 15) for layer in block(f"block{i}")),
        *block("points.block1"),
        *block("points.block2"),
        # From here on the two branches alternate.
        *("flag.block1.depthwise", "points.block3.depthwise", "flag.block1.pointwise", "points.block3.pointwise"),
        *("flag.squeeze", "points.squeeze"),
        *("flag.last.depthwise", "points.last.depthwise", "flag.last.pointwise", "points.last.pointwise"),
        *("flag.head", "points.head"),
    ],
    "slopes": [
        "stem",
        *(f"block{i}" for i in range(1, 15)),
        *("points.block1", "points.block2", "flag.block1", "points.block3"),
        *("flag.squeeze", "points.squeeze", "flag.last", "points.last"),
    ],
}


class Graph:
    """The operators of a file and their constants."""

    def __init__(self, data):
        self.model = tflite.Model.GetRootAs(data)
        self.graph = self.model.Subgraphs(0)
        # Constants are stored as 16-bit floats, each converted by an operator.
        self.widened = {op.Outputs(0): op.Inputs(0) for op in self.operators("DEQUANTIZE")}

    def operators(self, *names):
        codes = [getattr(tflite.BuiltinOperator, name) for name in names]
        for index in range(self.graph.OperatorsLength()):
            op = self.graph.Operators(index)
            code = self.model.OperatorCodes(op.OpcodeIndex())
            if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) in codes:
                yield op

    def constant(self, index):
        tensor = self.graph.Tensors(self.widened[index])
        assert tensor.Type() == tflite.TensorType.FLOAT16
        values = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        return values.view(np.float16).reshape(tensor.ShapeAsNumpy())


def weights(graph, network):
    tensors = {}
    convolutions = list(graph.operators("CONV_2D", "DEPTHWISE_CONV_2D"))
    for name, op in zip(network["convolutions"], convolutions, strict=True):
        kernel = graph.constant(op.Inputs(1))  # (c_out, k, k, c_in), or (1, 3, 3, channels) of a depthwise one
        order = (3, 0, 1, 2) if name.endswith("depthwise") else (0, 3, 1, 2)
        tensors[f"{name}.weight"] = np.ascontiguousarray(kernel.transpose(order))
        tensors[f"{name}.bias"] = graph.constant(op.Inputs(2))
    for name, op in zip(network["slopes"], graph.operators("PRELU"), strict=True):
        tensors[f"{name}.slope"] = graph.constant(op.Inputs(1)).reshape(-1)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="mediapipe-0.10.21-….whl")
    with zipfile.ZipFile(parser.parse_args().wheel) as wheel:
        for name, network in [("blazeface-short-range", SHORT_RANGE), ("face-mesh", MESH)]:
            data = wheel.read(network["file"])
            tensors = weights(Graph(data), network)
            metadata = {
                "source": f"{SOURCE}, {network['file']}",
                "source_sha256": hashlib.sha256(data).hexdigest(),
                "license": "Apache-2.0, Copyright The MediaPipe Authors",
                "made_by": f"assets/{Path(__file__).name}",
            }
            path = FOLDER / f"{name}.safetensors"
            save_file(tensors, path, metadata)
            print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes, from {metadata['source_sha256']}")
        license_text = wheel.read("mediapipe-0.10.21.dist-info/LICENSE")
        (FOLDER / "mediapipe.LICENSE").write_bytes(license_text)


if __name__ == "__main__":
    main()
