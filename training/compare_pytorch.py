#!/usr/bin/env python3
"""Measures the three-block network in PyTorch and ONNX Runtime, for the ratio to `cargo bench --workspace --bench kernels`.

All run one after the other on the same machine with the same number of threads:

    python3 training/compare_pytorch.py [--threads N]

This needs PyTorch; ONNX Runtime is measured too if it and onnx are installed (`pip install torch onnx onnxruntime`). A
training step is forward, loss and backward, without the optimizer, as in the bench. Prints the median of the steps, the
column p50 of the bench. All use the given number of threads, but the system chooses the cores: with fewer threads than
cores, run it under `taskset -c 0,1`.
"""

import argparse
import io
import os
import statistics
import subprocess
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

BATCH = 64
ROOT = Path(__file__).resolve().parent.parent


def network():
    blocks = []
    for c_in, c_out in [(1, 64), (64, 128), (128, 256)]:
        blocks += [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.Dropout2d(0.25), nn.Flatten(), nn.Linear(9216, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 7)]
    return nn.Sequential(*blocks, *head)


def median_s(run, warm_up=3, at_least=10, seconds=8.0):
    for _ in range(warm_up):
        run()
    times, end = [], time.perf_counter() + seconds
    while len(times) < at_least or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def training(name, channels_last, bf16):
    net = network().train()
    images, labels = torch.randn(BATCH, 1, 48, 48), torch.arange(BATCH) % 7
    if channels_last:
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)

    def step():
        net.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = functional.cross_entropy(net(images), labels)
        loss.backward()

    print(f"{name:40} {BATCH / median_s(step):6.0f} images/s")


def inference_by_torch(n_faces):
    net = network().eval().to(memory_format=torch.channels_last)
    faces = torch.randn(n_faces, 1, 48, 48)
    with torch.inference_mode():
        print(f"{f'PyTorch f32, {n_faces} faces':40} {1e3 * median_s(lambda: net(faces)):6.2f} ms")


def inference_by_onnx(n_faces, threads):
    try:
        import onnxruntime
    except ImportError:
        print("ONNX Runtime is not installed: not measured")
        return
    file = io.BytesIO()
    faces = torch.randn(n_faces, 1, 48, 48)
    torch.onnx.export(network().eval(), (faces,), file, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: faces.numpy()}
    print(f"{f'ONNX Runtime, {n_faces} faces':40} {1e3 * median_s(lambda: session.run(None, inputs)):6.2f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    print(f"PyTorch {torch.__version__}, {threads} threads")
    training("PyTorch f32", channels_last=False, bf16=False)
    training("PyTorch f32, channels last", channels_last=True, bf16=False)
    training("PyTorch bfloat16, channels last", channels_last=True, bf16=True)
    for n_faces in (1, 4):
        inference_by_torch(n_faces)
        inference_by_onnx(n_faces, threads)
    print(f"\nfervis and candle, {threads} threads:", flush=True)
    # The memory settings of `fervis-train train`; PyTorch keeps freed memory anyway.
    tunables = {"mmap_threshold": 1 << 32, "trim_threshold": 1 << 35, "arena_max": 1, "hugetlb": 1}
    tunables = ":".join(f"glibc.malloc.{name}={value}" for name, value in tunables.items())
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads), "GLIBC_TUNABLES": tunables}
    subprocess.run(["cargo", "bench", "--workspace", "--bench", "kernels"], check=True, env=environment, cwd=ROOT)


if __name__ == "__main__":
    main()
