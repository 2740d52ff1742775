#!/usr/bin/env python3
"""Measures the two networks of the face chain in LiteRT, and the ratio to `cargo bench --bench face_networks`.

Both run on the same core, taking turns, so that other load slows both:

    pip download --no-deps mediapipe==0.10.21
    pip install ai-edge-litert
    python3 training/compare_face_networks.py mediapipe-0.10.21-*.whl [--core 1] [--rounds 5] [--seconds 2]

LiteRT runs MediaPipe's files unchanged, on one thread with XNNPACK, and only `invoke` is timed. Our time includes decoding
the results. Prints the minimum time of all rounds and the median of the rounds' medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
import zipfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = {
    "mesh": ("mediapipe/modules/face_landmark/face_landmark.tflite", 192, 0, 1),
    "short-range": ("mediapipe/modules/face_detection/face_detection_short_range.tflite", 128, -1, 1),
}


def litert(wheel, name):
    file, side, low, high = NETWORKS[name]
    net = Interpreter(model_content=wheel.read(file), num_threads=1)
    net.allocate_tensors()
    i = np.arange(side * side * 3)
    noise = low + (high - low) * ((i * 7919 + i // 64 * 104729) % 1009) / 1008
    net.set_tensor(net.get_input_details()[0]["index"], noise.reshape(1, side, side, 3).astype(np.float32))
    return net.invoke


def times_ms(run, seconds):
    """The minimum and the median."""
    run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times), statistics.median(times)


def built_bench():
    command = ["cargo", "bench", "--bench", "face_networks", "--no-run", "--message-format", "json"]
    lines = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines if line.startswith("{")]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "face_networks")


def ours_ms(bench, seconds):
    """The minimum and the median of each network."""
    command = [bench, "--seconds", str(seconds)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.split() for line in lines[1:]]
    return {row[0]: (float(row[1]), float(row[2])) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=zipfile.ZipFile, help="mediapipe-0.10.21-….whl")
    parser.add_argument("--core", type=int, default=None, help="core to run on (Linux); default: the system's choice")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="per network and round")
    args = parser.parse_args()
    bench = built_bench()
    if args.core is not None:
        os.sched_setaffinity(0, {args.core})
    runs = {name: litert(args.wheel, name) for name in NETWORKS}
    results = {(name, who): [] for name in NETWORKS for who in ("fervis", "LiteRT")}
    for _ in range(args.rounds):
        ours = ours_ms(bench, args.seconds)
        for name, run in runs.items():
            results[name, "fervis"].append(ours[name])
            results[name, "LiteRT"].append(times_ms(run, args.seconds))
    print(f"{'one thread':24} {'min ms':>9} {'p50 ms':>9}")
    for name in NETWORKS:
        rows = {}
        for who in ("fervis", "LiteRT"):
            least, medians = zip(*results[name, who])
            rows[who] = min(least), statistics.median(medians)
            print(f"{f'{name}, {who}':24} {rows[who][0]:9.3f} {rows[who][1]:9.3f}")
        ratios = [ours / theirs for ours, theirs in zip(rows["fervis"], rows["LiteRT"])]
        print(f"{f'{name}, ratio':24} {ratios[0]:9.2f} {ratios[1]:9.2f}")


if __name__ == "__main__":
    main()
