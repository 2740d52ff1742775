#!/usr/bin/env python3
"""Starts fervis and reads its JSON Lines. Needs nothing but Python.

usage: json_lines_client.py [SOURCE [FERVIS]]
"""
import json
import subprocess
import sys

source = sys.argv[1] if len(sys.argv) > 1 else "camera"
program = sys.argv[2] if len(sys.argv) > 2 else "fervis"

with subprocess.Popen([program, "analyze", source, "--json", "-"], stdout=subprocess.PIPE, text=True) as fervis:
    for line in fervis.stdout:
        frame = json.loads(line)
        for face in frame["faces"]:
            print(f'{frame["time_s"]:.3f} s, face {face["track"]}: {face["label"]} {face["smoothed"][face["label"]]:.2f}')
