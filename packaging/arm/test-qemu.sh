#!/usr/bin/env bash
# Runs the ARM programs on this processor, by qemu, and compares what they find with what fervis finds here:
#   test-qemu.sh TARBALL FERVIS
# TARBALL is what build.sh made, FERVIS a program for this machine of the same state. They run with Debian 11's libraries.
# Takes minutes: qemu emulates.
set -euo pipefail
tarball=$(realpath "$1")
native=$(realpath "$2")
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

cross_old_glibc aarch64
read -ra qemu <<<"$(cross_qemu "$old_libraries")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tar -xf "$tarball" -C "$folder" --strip-components 1
arm() { "${qemu[@]}" "$folder/fervis" "$@"; }
arm --version
arm models >/dev/null
"${qemu[@]}" "$folder/fervis-train" --version
"$native" analyze demo --seconds 2 --csv "$folder/native.csv" >/dev/null
for kernels in neon portable; do
	say "analyzing two seconds of the demo with FERVIS_KERNELS=$kernels"
	FERVIS_KERNELS=$kernels arm analyze demo --seconds 2 --csv "$folder/$kernels.csv"
	packaging/compare_tables.py "$folder/native.csv" "$folder/$kernels.csv"
done
"$native" analyze assets/faces/astronaut.png --csv "$folder/native-image.csv" >/dev/null
arm analyze assets/faces/astronaut.png --csv "$folder/image.csv" >/dev/null
packaging/compare_tables.py "$folder/native-image.csv" "$folder/image.csv"
arm record demo --seconds 1 --out "$folder/session"
arm export "$folder/session" --format summary --out "$folder/summary.csv"
say "the session that ARM recorded, read here"
"$native" export "$folder/session" --format jsonl --out "$folder/session.jsonl"
