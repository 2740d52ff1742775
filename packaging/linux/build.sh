#!/usr/bin/env bash
# Builds both programs for this processor and for Linux of the last years, in target/release: they run with glibc 2.31
# (Debian 11, Ubuntu 20.04) and newer.
#
# They are linked with the libraries of Debian 11, which are fetched and not installed (../cross/lib.sh); all else is what
# `cargo build --release` makes. Other build commands link them anew, with this machine's libraries.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

max_glibc=2.31
cross_old_glibc
cargo rustc --release --locked --package fervis --bin fervis -- "${old_glibc[@]}"
# With the features that `--workspace` gives it, so that dependencies are not compiled twice.
cargo rustc --release --locked --package fervis-train --bin fervis-train --features fervis/default -- "${old_glibc[@]}"
for program in fervis fervis-train; do
	needed=$(objdump -T "${CARGO_TARGET_DIR:-target}/release/$program" |
		grep -oE 'GLIBC_[0-9.]+' | sed 's/GLIBC_//' | sort -uV | tail -1)
	say "$program needs glibc $needed"
	[ "$(printf '%s\n' "$needed" $max_glibc | sort -V | tail -1)" = $max_glibc ] || stop "that is newer than $max_glibc"
done
