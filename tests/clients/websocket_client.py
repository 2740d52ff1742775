#!/usr/bin/env python3
"""Prints each face's expression, read from fervis's WebSocket. Needs: pip install websockets

usage: websocket_client.py [URL [NUMBER-OF-FRAMES]]
"""
import itertools
import json
import sys
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:9117"
n_frames = int(sys.argv[2]) if len(sys.argv) > 2 else None


def open_when_there():
    """Waits for fervis to be started."""
    while True:
        try:
            return connect(url)
        except ConnectionRefusedError:
            time.sleep(0.05)


def words(face):
    """The expression of a face, and where it looks if a face mesh lies on it."""
    text = f'{face["track"]}: {face["label"]} {face["smoothed"][face["label"]]:.2f}'
    mesh = face.get("mesh")
    return f'{text}, yaw {mesh["yaw_deg"]:.0f}°, pitch {mesh["pitch_deg"]:.0f}°' if mesh else text


with open_when_there() as socket:
    greeting = json.loads(socket.recv())
    print(greeting["schema"], "from fervis", greeting["version"])
    try:
        for text in itertools.islice(socket, n_frames):
            frame = json.loads(text)
            faces = [words(face) for face in frame["faces"]]
            behind_ms = 1000 * (time.time() - frame["unix_s"])
            print(f'frame {frame["frame"]} at {frame["time_s"]:.3f} s, {behind_ms:.0f} ms ago:', ", ".join(faces) or "nobody")
    except ConnectionClosed:
        pass
