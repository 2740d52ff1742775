#!/bin/sh
# Ends recordings at random times by a signal and checks what is left, with ffprobe and ffmpeg as independent witnesses.
#
#   tests/kill_test.sh [-S SIGNAL] [-n RUNS] [-s SOURCE] [-k FOLDER] [FERVIS]
#
# SIGNAL is KILL, TERM, HUP or INT; without one it is KILL. RUNS is 50, SOURCE the demo clip, FERVIS target/release/fervis.
# With -k the folders of all runs are kept in FOLDER.
# FERVIS must understand `record SOURCE --out FOLDER --seconds N --video annotated` and `recover FOLDER`.
#
# After SIGKILL: the file opens and decodes; at most 0.6 s of what frames.csv knows are missing from it; after `recover` it
# has the same frames, the right duration, decodes to the end, every frame has a row and its time is that of the row within
# 1 ms; recovering again changes nothing. After any other signal: the session is complete, nothing is missing, and what the
# program said at its end is what session.json says. Needs ffmpeg and Python 3; takes about five seconds a run.
set -eu

signal=KILL
runs=50
source=demo
keep=
while getopts S:n:s:k: option; do
	case $option in
	S) signal=$OPTARG ;;
	n) runs=$OPTARG ;;
	s) source=$OPTARG ;;
	k) keep=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
fervis=${1:-target/release/fervis}

for program in ffmpeg ffprobe python3 "$fervis"; do
	command -v "$program" >/dev/null || {
		echo "$program is missing" >&2
		exit 2
	}
done

if [ -n "$keep" ]; then
	work=$keep
	mkdir -p "$work"
else
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi

failures=0
run=1
while [ "$run" -le "$runs" ]; do
	folder=$work/run-$run
	"$fervis" record "$source" --out "$folder" --seconds 30 --video annotated >"$work/record.log" 2>&1 &
	process=$!
	# 1.0 to 6.9 seconds; the number of the run makes each different, the clock makes each test different.
	tenths=$(python3 -c 'import random; print(random.randrange(10, 70))')
	sleep "$((tenths / 10)).$((tenths % 10))"
	kill -s "$signal" "$process" 2>/dev/null || echo "run $run: the recording had ended by itself: $(cat "$work/record.log")"
	wait "$process" 2>/dev/null || true
	cp "$work/record.log" "$work/run-$run.log"
	if ! python3 "$(dirname "$0")/check_killed.py" "$folder" "$fervis" "$run" "$tenths" "$signal"; then
		failures=$((failures + 1))
	fi
	run=$((run + 1))
done
echo "$((runs - failures)) of $runs runs passed ($signal)"
[ "$failures" = 0 ]
