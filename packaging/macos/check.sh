#!/usr/bin/env bash
# Type-checks fervis for macOS on Linux, with warnings as errors. It compiles no C and links nothing, so it makes no program.
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

target=aarch64-apple-darwin
cross_rust $target
# Build scripts want to compile C; for checking, an empty object does.
mkdir -p "$cross_cache/no-compiler"
cat >"$cross_cache/no-compiler/cc" <<'CC'
#!/bin/sh
# Creates the output that is asked for, empty.
while [ $# -gt 0 ]; do
	case $1 in
	-o) : >"$2" ;;
	*.a) : >"$1" ;;
	esac
	shift
done
CC
chmod +x "$cross_cache/no-compiler/cc"
export CC_aarch64_apple_darwin="$cross_cache/no-compiler/cc" CXX_aarch64_apple_darwin="$cross_cache/no-compiler/cc"
export AR_aarch64_apple_darwin="$cross_cache/no-compiler/cc"
# `h264-bundled` and `av1-asm` are left out: they are C++ and assembler.
cross_check --target $target --package fervis --no-default-features --features gui,camera,av1,parquet,plots,stream
cross_check --target $target --package fervis-train
