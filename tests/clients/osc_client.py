#!/usr/bin/env python3
"""Prints what fervis sends as OSC. Needs: pip install python-osc

usage: osc_client.py [PORT [NUMBER-OF-FRAMES]]
"""
import sys

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
n_frames = int(sys.argv[2]) if len(sys.argv) > 2 else None
n_seen = 0


def on_frame(address, number, time_s, n_faces, width_px, height_px):
    global n_seen
    n_seen += 1
    print(f"frame {number} at {time_s:.3f} s: {n_faces} faces in {width_px} x {height_px} px")


def on_value(address, *values):
    print("  ", address, *values)


dispatcher = Dispatcher()
dispatcher.map("/fervis/frame", on_frame)
dispatcher.map("/fervis/face/*", on_value)
with BlockingOSCUDPServer(("127.0.0.1", port), dispatcher) as server:
    while n_frames is None or n_seen < n_frames:
        server.handle_request()
