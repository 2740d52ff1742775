#!/usr/bin/env python3
"""Passes the first face on to Lab Streaming Layer. Needs: pip install pylsl websockets, and liblsl

usage: lsl_bridge.py [URL]
"""
import json
import sys
import time

import pylsl
from websockets.sync.client import connect

url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:9117"
with connect(url) as socket:
    labels = json.loads(socket.recv())["labels"]
    info = pylsl.StreamInfo("fervis", "Expression", len(labels), pylsl.IRREGULAR_RATE, pylsl.cf_float32, "fervis-1")
    channels = info.desc().append_child("channels")
    for label in labels:
        channels.append_child("channel").append_child_value("label", label)
    outlet = pylsl.StreamOutlet(info)
    for frame in map(json.loads, socket):
        for face in frame["faces"][:1]:
            age_s = time.time() - frame["unix_s"]  # LSL has a clock of its own; both are read now.
            outlet.push_sample([face["smoothed"][label] for label in labels], pylsl.local_clock() - age_s)
