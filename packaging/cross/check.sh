#!/usr/bin/env bash
# Type-checks fervis for Windows, ARM and macOS, with warnings as errors, where a toolchain for them is there already. Makes
# none: that takes minutes, and `packaging/windows/build.sh --check`, `packaging/arm/build.sh --check` and
# `packaging/macos/check.sh` do it. One that is not done in time goes on the next time from where it was.
#   check.sh [SECONDS for each, 150 by default]
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

limit=${1:-150}
# Kept with the toolchains, apart from what other builds use.
export CARGO_TARGET_DIR="$cross_cache/target"
check() {
	local name=$1 target=$2 status=0
	shift 2
	if ! cross_has "$target"; then
		echo "$name: not checked, no toolchain here ($* makes it)"
		return
	fi
	echo "$name: checking"
	timeout "$limit" "$@" || status=$?
	case $status in
	0) ;;
	124) echo "$name: not checked to the end in $limit seconds" ;;
	*) stop "$* failed" ;;
	esac
}
check Windows x86_64-pc-windows-gnu packaging/windows/build.sh --check
check ARM aarch64-unknown-linux-gnu packaging/arm/build.sh --check
check macOS aarch64-apple-darwin packaging/macos/check.sh
