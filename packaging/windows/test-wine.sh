#!/usr/bin/env bash
# Runs the Windows programs under Wine, in a new prefix without anything beside them:
#   test-wine.sh ZIP [FOLDER]
# FOLDER keeps what was made, the window's screenshot (window.png) among it.
#
# Uses the installed Wine and Xvfb, or else those of a Debian that is unpacked into the cache (as root).
set -euo pipefail
zip=$(realpath "$1")
kept=${2:+$(realpath -m "$2")}
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh
if [ -n "$kept" ] && [ -e "$kept" ]; then
	stop "$kept exists already; name a new folder"
fi

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
	cross_chroot "$system" bash "$inside/in-wine.sh" "$inside" || status=$?
fi
if [ -n "$kept" ]; then
	cp -r "$folder" "$kept"
fi
rm -rf "$folder"
exit $status
