#!/usr/bin/env python3
"""Analyzes a folder of videos on a Ray cluster: one task per shard, all into the same folder of results.

    pip install ray
    python3 many_files_ray.py VIDEOS RESULTS --shards 8

The folders must be there on every node, and `fervis` on its PATH (or say --fervis FILE). Tasks that fail are listed at the
end; run the same line again to start only what is missing. Further arguments go to fervis, for example
--pattern '{participant}_{condition}'.
"""

import argparse
import subprocess
import sys

import ray


@ray.remote(max_retries=2)
def analyze(command):
    """One shard. Returns its exit status and what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos")
    parser.add_argument("results")
    parser.add_argument("--shards", type=int, default=8, help="more than nodes, so that no node waits long for another")
    parser.add_argument("--cpus", type=float, default=4, help="cores for each shard")
    parser.add_argument("--address", help="of the cluster [default: a cluster on this machine]")
    parser.add_argument("--fervis", default="fervis")
    args, further = parser.parse_known_args()

    ray.init(address=args.address, log_to_driver=False)
    command = [args.fervis, "analyze", args.videos, "--out", args.results, *further]
    shards = {
        analyze.options(num_cpus=args.cpus).remote([*command, "--shard", f"{index}/{args.shards}"]): index
        for index in range(1, args.shards + 1)
    }
    waiting, n_failed = list(shards), 0
    while waiting:
        (done,), waiting = ray.wait(waiting)
        status, text = ray.get(done)
        n_failed += status != 0
        print(f"shard {shards[done]} of {args.shards}: exit status {status}\n{text}", flush=True)
    if n_failed:
        sys.exit(f"{n_failed} of {args.shards} shards failed; run it again to start what is missing")
    # Everything is finished, so this only writes one table of all.
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
