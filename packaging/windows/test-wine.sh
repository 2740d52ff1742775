#!/usr/bin/env bash
# Runs the Windows programs under Wine, in a new prefix without anything beside them:
#   test-wine.sh ZIP [FOLDER]
# FOLDER keeps what was made, the window's screenshot (window.png) among it.
#
# Uses the installed Wine and Xvfb, or else those of a Debian that is unpacked into the cache (as root).
set -euo pipefail
cd "$(dirname "$0")/../.."
zip=$(realpath "$1")
kept=${2:-}
. packaging/cross/lib.sh

# Wine and what it needs run here.
if command -v wine >/dev/null && command -v Xvfb >/dev/null && command -v import >/dev/null; then
	system=/
else
	system=$(cross_wine)
fi
if [ "$system" = / ]; then
	folder=$(mktemp -d)
	inside=$folder
else
	inside=/tmp/fervis
	folder=$system$inside
	rm -rf "$folder"
	mkdir -p "$folder"
fi
python3 -m zipfile -e "$zip" "$folder/unpacked"
mv "$folder"/unpacked/*/ "$folder/program"
cp assets/faces/astronaut.png "$folder/Ünïcode фото.png"
python3 packaging/windows/tiny-fer2013.py "$folder/tiny.csv"
cp packaging/windows/in-wine.sh "$folder"
status=0
if [ "$system" = / ]; then
	bash "$folder/in-wine.sh" "$inside" || status=$?
else
	chroot "$system" bash "$inside/in-wine.sh" "$inside" || status=$?
fi
if [ -n "$kept" ]; then
	rm -rf "$kept"
	cp -r "$folder" "$kept"
fi
rm -rf "$folder"
exit $status
