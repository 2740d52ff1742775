#!/usr/bin/env python3
"""Writes a table like FER-2013's with a few synthetic images of each class: tiny-fer2013.py FILE

Each class is a grating of another direction, so that even a few steps of training learn something.
"""

import csv
import math
import random
import sys

N_CLASSES, SIDE = 7, 48
N_IMAGES = {"Training": 12, "PublicTest": 4, "PrivateTest": 4}

chance = random.Random(0)
with open(sys.argv[1], "w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["emotion", "pixels", "Usage"])
    for usage, n_images in N_IMAGES.items():
        for emotion in range(N_CLASSES):
            angle = math.pi * emotion / N_CLASSES
            for _ in range(n_images):
                phase = chance.uniform(0, 2 * math.pi)
                pixels = [
                    round(128 + 70 * math.sin((x * math.cos(angle) + y * math.sin(angle)) / 3 + phase) + chance.gauss(0, 12))
                    for y in range(SIDE)
                    for x in range(SIDE)
                ]
                table.writerow([emotion, " ".join(str(min(max(pixel, 0), 255)) for pixel in pixels), usage])
