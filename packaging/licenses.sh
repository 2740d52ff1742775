#!/bin/sh
# Copies what belongs to every package beside the programs: licenses, the networks' cards, the changelog.
# licenses.sh FOLDER
set -eu
cd "$(dirname "$0")/.."
out=$1
mkdir -p "$out/licenses" "$out/models" "$out/docs"
cp LICENSE-MIT LICENSE-APACHE assets/*.LICENSE assets/README.md "$out/licenses/"
cp models/*.md "$out/models/"
cp docs/*.md "$out/docs/"
cp README.md CHANGELOG.md "$out/"
