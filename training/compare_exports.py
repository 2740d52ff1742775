#!/usr/bin/env python3
"""Checks that exported networks give the same logits everywhere: fervis, ONNX Runtime, PyTorch, and torchvision.

    pip install numpy onnx onnxruntime safetensors torch torchvision
    cargo build --release -p fervis-train
    python3 training/compare_exports.py [CHECKPOINT ...]

Without arguments it takes the built-in networks, and for every other architecture a network with random weights, which
torchvision or a few lines here make. Of those the original's logits are compared too. The images are noise, and every
network sees the same ones. Prints the largest difference of any logit, and ends with an error if it is above 1e-4 of
the largest logit.
"""

import argparse
import csv
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torchvision
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
TRAINER = ROOT / "target/release/fervis-train"
N_IMAGES = 12
TOLERANCE = 1e-4


def flattened(channels, hidden, custom):
    """three-block or custom-cnn for 48 pixels, under the names of the checkpoint."""
    layers, c_in = nn.ModuleDict(), 1
    for number, c_out in enumerate(channels, 1):
        conv = nn.Conv2d(c_in, c_out, 3, padding=1, bias=custom)
        norm = nn.BatchNorm2d(c_out)
        if custom:
            layers[f"conv{number}"], layers[f"bn{number}"] = conv, norm
        else:
            layers[f"block{number}"] = nn.ModuleDict({"conv": conv, "bn": norm})
        c_in = c_out
    layers["fc1"], layers["fc2"] = nn.Linear(c_in * 36, hidden), nn.Linear(hidden, 7)

    def forward(x):
        for number in range(1, 4):
            if custom:
                x = layers[f"bn{number}"](layers[f"conv{number}"](x).relu())
            else:
                block = layers[f"block{number}"]
                x = block["bn"](block["conv"](x)).relu()
            x = nn.functional.max_pool2d(x, 2)
        x = layers["fc1"](x.flatten(1))
        return layers["fc2"](x if custom else x.relu())

    return layers, forward


def vgg_focal(channels, hidden):
    layers, c_in = nn.ModuleDict(), 1
    for number, c_out in enumerate(channels, 1):
        sizes = {1: c_in, 2: c_out}
        parts = {f"conv{n}": nn.Conv2d(size, c_out, 3, padding=1, bias=False) for n, size in sizes.items()}
        layers[f"block{number}"] = nn.ModuleDict(parts | {f"bn{n}": nn.BatchNorm2d(c_out) for n in sizes})
        c_in = c_out
    n_in = c_in * 9
    for number, n_out in enumerate([*hidden, 7], 1):
        layers[f"fc{number}"] = nn.Linear(n_in, n_out)
        if number < 3:
            layers[f"bn{number}"] = nn.BatchNorm1d(n_out)
        n_in = n_out

    def forward(x):
        for number in range(1, 5):
            block = layers[f"block{number}"]
            for n in (1, 2):
                x = block[f"bn{n}"](block[f"conv{n}"](x)).relu()
            x = nn.functional.max_pool2d(x, 2)
        x = x.flatten(1)
        for number in (1, 2):
            x = layers[f"bn{number}"](layers[f"fc{number}"](x)).relu()
        return layers["fc3"](x)

    return layers, forward


def photo(name, head):
    network = getattr(torchvision.models, name)()
    if name.startswith("vgg"):
        network.avgpool, network.classifier = nn.AdaptiveAvgPool2d(2), head(512 * 4)
    elif name.startswith("resnet"):
        network.fc = head(network.fc.in_features)
    else:
        network.classifier = head(1024)
    return network, lambda x: network(x.expand(-1, 3, -1, -1))


def plain(n_in):
    return nn.Linear(n_in, 7)


def deep(n_in):
    return nn.Sequential(nn.Linear(n_in, 40), nn.ReLU(), nn.Dropout(), nn.Linear(40, 7))


MADE = {
    "custom-cnn": lambda: flattened([16, 24, 32], 40, custom=True),
    "three-block": lambda: flattened([16, 24, 32], 40, custom=False),
    "vgg-focal": lambda: vgg_focal([8, 12, 16, 24], [40, 24]),
    "resnet18": lambda: photo("resnet18", deep),
    "resnet50": lambda: photo("resnet50", plain),
    "vgg16": lambda: photo("vgg16", deep),
    "vgg19": lambda: photo("vgg19", plain),
    "densenet121": lambda: photo("densenet121", plain),
}


def run(*arguments):
    done = subprocess.run([TRAINER, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"fervis-train {' '.join(map(str, arguments))}: {done.stderr}")


def write_data(path, images):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["emotion", "pixels", "Usage"])
        for index, image in enumerate(images):
            for split in ["Training", "PublicTest", "PrivateTest"]:
                rows.writerow([index % 7, " ".join(map(str, image.ravel())), split])


def fervis_logits(checkpoint, data, folder):
    """The logits in the order of the network's labels."""
    table = folder / "logits.csv"
    run("evaluate", checkpoint, "--data", data, "--split", "PublicTest", "--logits", table, "--force", "--device", "cpu")
    with open(table) as file:
        return list(csv.DictReader(file))


def check(checkpoint, images, data, folder, original=None):
    run("export", checkpoint, folder / "net.onnx", "--force")
    run("export", checkpoint, folder / "net.pt", "--force")
    model = onnx.load(folder / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    about = json.loads(next(p.value for p in model.metadata_props if p.key == "fervis"))
    rows = fervis_logits(checkpoint, data, folder)
    ours = np.array([[float(row[label]) for label in about["labels"]] for row in rows])

    spec = importlib.util.spec_from_file_location("net", folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    size = (about["input"]["width"], about["input"]["height"])
    if size != (48, 48):
        sys.exit(f"{checkpoint} takes {size}, and this script makes images of 48x48")
    inputs = module.prepare(images)
    found = {"ONNX Runtime": onnxruntime.InferenceSession(folder / "net.onnx").run(None, {"input": inputs.numpy()})[0]}
    with torch.no_grad():
        found["PyTorch"] = module.load()(inputs).numpy()
        if original is not None:
            found["original"] = original(inputs).numpy()
    scale = max(1.0, np.abs(ours).max())
    gaps = {name: np.abs(logits - ours).max() / scale for name, logits in found.items()}
    print(f"{about['name']:16} {about['architecture']:12}", *(f"{name} {gap:.1e}" for name, gap in gaps.items()), sep="  ")
    return max(gaps.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="*", type=Path)
    parser.add_argument("--trainer", type=Path, default=TRAINER)
    parser.add_argument("--only", help="of the networks that are made here, this one")
    arguments = parser.parse_args()
    globals()["TRAINER"] = arguments.trainer
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, 48, 48), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data = folder / "noise.csv"
        write_data(data, images)
        checkpoints = arguments.checkpoints
        if not checkpoints and not arguments.only:
            checkpoints = sorted((ROOT / "models").glob("*.safetensors"))
        gaps = [check(path, images, data, folder) for path in checkpoints]
        for name, make in {} if arguments.checkpoints else MADE.items():
            if arguments.only not in (None, name):
                continue
            network, forward = make()
            for key, value in network.state_dict().items():
                # As after training: normalizations that come after ReLU have positive means, and no other set has.
                if key.endswith("running_mean"):
                    noise = 0.1 * torch.randn(value.shape)
                    value.copy_(noise.abs() if name == "custom-cnn" else noise)
                elif key.endswith("running_var"):
                    value.copy_(1 + 0.5 * torch.rand(value.shape))
            with torch.no_grad():
                torch.save(network.state_dict(), folder / f"{name}.pth")
            network.eval()
            run("import", folder / f"{name}.pth", folder / f"{name}.safetensors", "--architecture", name)
            gaps.append(check(folder / f"{name}.safetensors", images, data, folder, forward))
    if max(gaps) > TOLERANCE:
        sys.exit(f"logits differ by {max(gaps):.1e}")


if __name__ == "__main__":
    main()
