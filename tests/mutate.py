#!/usr/bin/env python3
"""Damages inputs at random and runs the programs on them: no panic, no hang, no more memory than a process may take.

    python3 tests/mutate.py [--bin target/release] [--seed 1] [--count 300] [KIND…]

Kinds: video, picture, checkpoint, session, data, recipe; all of them without an argument. The same seed and count give the same
inputs. Whatever goes wrong is printed with the command, and its input is kept in the folder named at the end. Exit status 1 if anything did.
Needs Python 3.9 on Linux or macOS, and nothing else; ffmpeg is used if it is there, as by the programs.
"""
import argparse
import gzip
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A hang is more processor time than this, which other work on the machine does not lengthen, or more time altogether than that.
MAX_PROCESSOR_SECONDS = 20
MAX_SECONDS = 120
MAX_BYTES = 1 << 30
# Allocators reserve more than they use; this only keeps a runaway from taking the machine along.
MAX_ADDRESS_SPACE = 6 << 30
EXPORT_FORMATS = ["summary", "svg", "webvtt", "srt", "eaf", "bids", "pyfeat", "jsonl"]


def damaged(data, rng):
    """The bytes with a few bits, numbers or pieces changed, most often near the beginning, where headers are."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 5, 10])):
        if len(data) < 8:
            break
        index = bytes(data).find(b"moov")
        first = index if index > 0 and rng.random() < 0.5 else 0
        reach = len(data) - first
        if rng.random() < 0.7:
            reach = min(reach, rng.choice([64, 200, 600, 2000]))
        at = first + rng.randrange(reach)
        kind = rng.randrange(7)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 2:
            number = rng.choice([0, 1, 8, 0x7FFFFFFF, 0xFFFFFFFF, 0x00FFFFFF, 0xFFFF0000])
            data[at : at + 4] = number.to_bytes(4, rng.choice(["big", "little"]))
        elif kind == 3:
            del data[at : at + rng.choice([1, 2, 4, 8, 64])]
        elif kind == 4:
            data[at:at] = rng.randbytes(rng.choice([1, 4, 8]))
        elif kind == 5:
            source = rng.randrange(len(data))
            length = rng.choice([4, 8, 32])
            data[at : at + length] = data[source : source + length]
        else:
            del data[max(16, at) :]
    return bytes(data)


class Runner:
    def __init__(self, binaries, folder):
        self.binaries, self.folder = binaries, folder
        self.n_run, self.wrong, self.largest = 0, [], 0
        self.environment = dict(os.environ, HOME=str(folder), LC_ALL="C.UTF-8", RUST_BACKTRACE="0")

    def run(self, program, *arguments):
        """Runs a program; what is wrong with how it went, or nothing."""
        command = [str(self.binaries / program), *map(str, arguments)]
        errors = self.folder / "stderr"

        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE,) * 2)
            resource.setrlimit(resource.RLIMIT_CPU, (MAX_PROCESSOR_SECONDS,) * 2)

        with errors.open("wb") as sink:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sink,
                                     env=self.environment, preexec_fn=limits, start_new_session=True)
        self.n_run += 1
        end = time.monotonic() + MAX_SECONDS
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                os.killpg(child.pid, signal.SIGKILL)
                os.wait4(child.pid, 0)
                child.returncode = -9
                return command, f"still running after {MAX_SECONDS} s"
            time.sleep(0.005)
        code = child.returncode = os.waitstatus_to_exitcode(status)
        text = errors.read_text(errors="replace")
        if usage.ru_utime + usage.ru_stime > MAX_PROCESSOR_SECONDS - 0.5:
            return command, f"still running after {MAX_PROCESSOR_SECONDS} s of processor time"
        n_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self.largest = max(self.largest, n_bytes)
        if "panicked" in text or code == 101:
            return command, "panicked: " + text.strip()[-200:]
        if code not in (0, 1, 2):
            return command, f"exit status {code}: " + text.strip()[-200:]
        if code and not text.strip():
            return command, f"exit status {code} without a word"
        if n_bytes > MAX_BYTES:
            return command, f"{n_bytes >> 20} MiB of memory"
        return None

    def check(self, paths, program, *arguments):
        outcome = self.run(program, *arguments)
        if outcome:
            command, words = outcome
            kept = self.folder / f"wrong-{len(self.wrong) + 1}"
            kept.mkdir()
            for path in paths:
                (shutil.copytree if path.is_dir() else shutil.copy)(path, kept / path.name)
            self.wrong.append(words)
            print(f"wrong: {' '.join(command)}\n  {words}\n  input kept in {kept}", flush=True)


def files_in(*patterns):
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.suffix != ".md")


def mutated(path, runner, rng):
    target = runner.folder / ("input" + path.suffix)
    target.write_bytes(damaged(path.read_bytes(), rng))
    return target


def video(runner, rng):
    path = mutated(rng.choice(files_in("tests/media/*", "assets/demo.mp4")), runner, rng)
    runner.check([path], "fervis", "analyze", path, "--json", "-", "--seconds", "1")


def picture(runner, rng):
    path = mutated(rng.choice(runner.pictures), runner, rng)
    runner.check([path], "fervis", "analyze", path, "--json", "-")


def checkpoint(runner, rng):
    path = mutated(ROOT / "models/fervis-plus.safetensors", runner, rng)
    runner.check([path], "fervis", "analyze", runner.pictures[0], "--json", "-", "--checkpoint", path)


def session(runner, rng):
    copy = runner.folder / "session"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(runner.session, copy)
    path = rng.choice(sorted(path for path in copy.iterdir() if path.is_file()))
    path.write_bytes(damaged(path.read_bytes(), rng))
    if rng.random() < 0.5:
        manifest = copy / "session.json"
        manifest.write_bytes(manifest.read_bytes().replace(b'"complete"', b'"recording"'))
    runner.check([copy], "fervis", "recover", copy)
    target = runner.folder / "exported"
    arguments = ["--format", rng.choice(EXPORT_FORMATS), "--out", target, "--force"]
    runner.check([copy], "fervis", "export", copy, *arguments)


def data(runner, rng):
    path = mutated(rng.choice(runner.data), runner, rng)
    runner.check([path], "fervis-train", "doctor", "--data", path)


def recipe(runner, rng):
    names = ["three-block", "custom-cnn", "fervis-plus", "vgg-focal"]
    path = mutated(ROOT / f"training/recipes/{rng.choice(names)}.toml", runner, rng)
    out = runner.folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    # Seven images are an epoch of one step.
    runner.check([path], "fervis-train", "train", "--data", runner.data[0], "--recipe", path, "--epochs", "1", "--out", out)


KINDS = {f.__name__: f for f in [video, picture, checkpoint, session, data, recipe]}


def prepare(runner):
    """Small inputs that are whole: pictures of several formats, a session, a data set."""
    folder = runner.folder
    portrait = ROOT / "assets/faces/astronaut.png"
    runner.pictures = [portrait]
    if shutil.which("ffmpeg"):
        for suffix in ["jpg", "bmp", "gif", "tiff", "webp"]:
            path = folder / f"portrait.{suffix}"
            made = subprocess.run(["ffmpeg", "-v", "error", "-i", portrait, "-vf", "crop=256:256:96:0", path])
            if made.returncode == 0:
                runner.pictures.append(path)
    sessions = folder / "whole"
    subprocess.run([runner.binaries / "fervis", "record", "demo", "--seconds", "2", "--out", sessions],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=runner.environment)
    runner.session = next(sessions.rglob("session.json")).parent
    pixels = " ".join(str(value % 256) for value in range(48 * 48))
    rows = [f"{label},{pixels},{split}" for split in ["Training", "PublicTest", "PrivateTest"] for label in range(7)]
    text = "\n".join(["emotion,pixels,Usage", *rows, ""])
    table = folder / "data.csv"
    table.write_text(text)
    (folder / "data.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    with zipfile.ZipFile(folder / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fer2013.csv", text)
    runner.data = [table, folder / "data.csv.gz", folder / "data.zip"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=ROOT / "target/release", type=pathlib.Path)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--count", default=300, type=int)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    options = parser.parse_args()
    unknown = set(options.kinds) - set(KINDS)
    if unknown:
        parser.error(f"unknown kind: {', '.join(sorted(unknown))}")
    runner = Runner(options.bin.resolve(), pathlib.Path(tempfile.mkdtemp(prefix="fervis-mutate-")))
    prepare(runner)
    kinds = options.kinds or list(KINDS)
    for number in range(options.count):
        kind = kinds[number % len(kinds)]
        KINDS[kind](runner, random.Random(f"{options.seed} {number} {kind}"))
        if number % 200 == 199:
            print(f"{number + 1} of {options.count}: {len(runner.wrong)} wrong, at most {runner.largest >> 20} MiB", flush=True)
    print(f"{options.count} inputs, {runner.n_run} runs: {len(runner.wrong)} wrong, at most {runner.largest >> 20} MiB")
    if runner.wrong:
        print(f"inputs kept in {runner.folder}")
    else:
        shutil.rmtree(runner.folder, ignore_errors=True)
    sys.exit(bool(runner.wrong))


if __name__ == "__main__":
    main()
