#!/usr/bin/env python3
"""Compares two tables of `fervis analyze --csv`, from two systems or devices.

    compare_tables.py A.csv B.csv [PROBABILITY] [PIXELS]

Rows and texts must be the same, probabilities within PROBABILITY (0.01 by default), and all other numbers within PIXELS (1).
Prints the largest difference of each kind.
"""

import csv
import sys


def main() -> None:
    tables = [list(csv.DictReader(open(name, encoding="utf-8", newline=""))) for name in sys.argv[1:3]]
    limits = {"probability": 0.01, "other": 1.0}
    limits.update(zip(limits, map(float, sys.argv[3:5]), strict=False))
    if len(tables[0]) != len(tables[1]) or not tables[0]:
        sys.exit(f"{len(tables[0])} and {len(tables[1])} rows")
    if tables[0][0].keys() != tables[1][0].keys():
        sys.exit("the columns are not the same")
    largest = {kind: (0.0, "") for kind in limits}
    texts = []
    for number, (a, b) in enumerate(zip(*tables, strict=True), 2):
        for column in a:
            where = f"line {number}, {column}: {a[column]} and {b[column]}"
            try:
                difference = abs(float(a[column]) - float(b[column]))
            except ValueError:
                if a[column] != b[column]:
                    texts.append(where)
                continue
            kind = "probability" if column.startswith(("raw_", "smoothed_", "mesh_presence")) else "other"
            largest[kind] = max(largest[kind], (difference, where))
    print(f"{len(tables[0])} rows")
    for kind, (difference, where) in largest.items():
        print(f"largest difference, {kind}: {difference:.4g}{f' ({where})' if difference else ''}")
    for where in texts[:10]:
        print(where)
    if texts or any(largest[kind][0] > limits[kind] for kind in limits):
        sys.exit("the tables differ")


main()
