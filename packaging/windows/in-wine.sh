#!/usr/bin/env bash
# The part of test-wine.sh that runs where Wine is: in-wine.sh FOLDER, which holds program/, an image and tiny.csv.
set -uo pipefail
cd "$1"
export HOME=$PWD/home WINEPREFIX=$PWD/prefix WINEDEBUG=-all WINEDLLOVERRIDES='winemenubuilder.exe=d;mscoree=d;mshtml=d'
export PATH="$PATH:/usr/lib/wine" LANG=C.UTF-8 LIBGL_ALWAYS_SOFTWARE=1
mkdir -p "$HOME"
failures=0

# check WORDS COMMAND...: runs it, with its output in a log, and says how it went.
check() {
	local words=$1 log="log-$((++number)).txt"
	shift
	if "$@" >"$log" 2>&1; then
		echo "ok    $words"
	else
		echo "FAIL  $words ($?)"
		tail -5 "$log" | sed 's/^/      /'
		failures=$((failures + 1))
	fi
}
number=0
fervis() { timeout 300 wine program/fervis.exe "$@"; }
train() { timeout 600 wine program/fervis-train.exe "$@"; }

display=:87
Xvfb $display -screen 0 1280x860x24 >xvfb.log 2>&1 &
xvfb=$!
export DISPLAY=$display
# Waits for the first start too, which makes the prefix.
timeout 600 wine wineboot -i >wineboot.log 2>&1

check "version" fervis --version
check "models" fervis models
check "devices, without any camera" fervis devices
check "analyze the clip" fervis analyze demo --csv demo.csv --json demo.jsonl
check "analyze an image whose name is not ASCII" fervis analyze "Ünïcode фото.png" --csv image.csv
check "replace with --force" fervis analyze "Ünïcode фото.png" --csv image.csv --force
check "record into a folder whose name is not ASCII" fervis record demo --seconds 5 --out "Zoë Müller/first" --video both
check "a path of more than 260 characters" fervis record demo --seconds 1 --out \
	"$(printf 'long%.0s' {1..40})/$(printf 'path%.0s' {1..40})/session"
for format in summary svg png webvtt srt eaf bids pyfeat jsonl parquet; do
	mkdir -p "exports/$format"
	check "export $format" fervis export "Zoë Müller/first" --format $format --out "exports/$format/first.$format"
done
check "reanalyze" fervis reanalyze "Zoë Müller/first" --checkpoint three-block
check "redraw with hidden faces" fervis redraw "Zoë Müller/first" --out redrawn --hide-faces blur
check "analyze many files" fervis analyze "Zoë Müller/first" --out results

# Killed: what was written until then is repaired.
wine program/fervis.exe record demo --out killed >killed.txt 2>&1 &
for _ in $(seq 100); do
	[ -e killed/video.mp4 ] && [ "$(wc -l <killed/frames.csv)" -gt 30 ] && break
	sleep 0.1
done
wine taskkill /f /im fervis.exe >>killed.txt 2>&1
wait $! 2>/dev/null
check "the killed recording was not complete" grep -q '"status": "recording"' killed/session.json
check "recover it" fervis recover killed
check "it is recovered" grep -q '"status": "recovered"' killed/session.json
check "and can be exported" fervis export killed --format summary --out killed.csv

check "train" train train --data tiny.csv --recipe three-block --epochs 2 --out run
check "export the network" train export run/best.safetensors net.onnx --format onnx
check "evaluate" train evaluate run/best.safetensors --data tiny.csv --split PublicTest

wine program/fervis.exe --source demo >window.txt 2>&1 &
window=$!
sleep 25
import -window root window.png
check "the window is there" kill -0 $window
# Pixels of a color in the screenshot.
pixels() {
	convert window.png -fuzz 2% -fill black +opaque "$1" -fill white -opaque "$1" -format '%[fx:int(mean*w*h)]' info:
}
check "it shows a face in its box" [ "$(pixels '#F4E83C')" -gt 500 ]
check "and its bar" [ "$(pixels '#A98600')" -gt 500 ]
wine taskkill /im fervis.exe >taskkill.txt 2>&1
for _ in $(seq 50); do
	kill -0 $window 2>/dev/null || break
	sleep 0.1
done
check "the window closes when asked" bash -c "! kill -0 $window 2>/dev/null"
check "settings are where Windows keeps them" bash -c 'ls prefix/drive_c/users/*/AppData/Roaming/fervis/settings.json'
kill $window 2>/dev/null
wineserver -k 2>/dev/null
kill $xvfb
echo "$number checks, $failures failed"
[ $failures = 0 ]
