#!/usr/bin/env python3
"""Passes every face on to Lab Streaming Layer, and the markers of its streams on to fervis.

Needs: pip install pylsl websockets. Usage: lsl_bridge.py [URL]

The values are the stream "fervis", a sample for each face of each frame, at the time when the frame was captured. Each
text of a stream of type "Markers" becomes a marker in the recording. Its sender's time is in seconds since 1970: LSL's
own time, corrected for the sender's clock, plus the clock offset below, which is a marker too, so that it is written down.
"""
import json
import sys
import threading
import time

import pylsl
from websockets.sync.client import connect


def clock_offset_s():
    """Seconds since 1970 at the time 0 of LSL's clock on this computer."""
    return time.time() - pylsl.local_clock()


def outlet_for(labels):
    """A stream for the values of a network with these labels."""
    names = ["track", *labels]
    info = pylsl.StreamInfo("fervis", "Expression", len(names), pylsl.IRREGULAR_RATE, pylsl.cf_double64, "fervis-1")
    channels = info.desc().append_child("channels")
    for name in names:
        channels.append_child("channel").append_child_value("label", name)
    info.desc().append_child_value("clock_offset_s", f"{clock_offset_s():.6f}")
    return pylsl.StreamOutlet(info)


def mark(socket, text, time_s):
    socket.send(json.dumps({"type": "marker", "text": text, "time": time_s}))


def pass_markers(socket, info):
    """Passes on the markers of one stream until fervis ends."""
    inlet = pylsl.StreamInlet(info)
    correction_s = inlet.time_correction()
    words = f"LSL markers from {info.name()}: clock offset {clock_offset_s():.6f} s, sender's correction {correction_s:.6f} s"
    mark(socket, words, time.time())
    while True:
        sample, lsl_s = inlet.pull_sample()
        mark(socket, str(sample[0]), lsl_s + inlet.time_correction() + clock_offset_s())


def find_markers(socket):
    """Waits for streams of markers, and passes on each in a thread of its own."""
    known = set()
    while True:
        for info in pylsl.resolve_byprop("type", "Markers", timeout=2):
            if info.uid() not in known:
                known.add(info.uid())
                threading.Thread(target=pass_markers, args=(socket, info), daemon=True).start()


url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:9117"
with connect(url) as socket:
    threading.Thread(target=find_markers, args=(socket,), daemon=True).start()
    for message in map(json.loads, socket):
        if "labels" in message:  # The greeting, which comes again when another network has other labels.
            labels = message["labels"]
            outlet = outlet_for(labels)
        elif "marker" in message:
            if message["marker"] is None:
                print(f'no marker was set: {message["error"]}', file=sys.stderr)
        else:
            captured_s = message["unix_s"] - clock_offset_s()
            for face in message["faces"]:
                values = [face["smoothed"][label] for label in labels]
                outlet.push_sample([face["track"], *values], captured_s)
