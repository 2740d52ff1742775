#!/usr/bin/env bash
# Builds fervis for 64-bit ARM Linux on another Linux: a tarball in target/arm, for glibc 2.31 (Debian 11, Ubuntu 20.04) and
# newer. Options:
#   --quick  with few optimizations, to try something
#   --check  only type-checks, with warnings as errors
#   --test [FILTER…]  builds the tests and runs those of the kernels and the golden vectors by qemu
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

target=aarch64-unknown-linux-gnu
cross_arm
cross_rust $target aarch64-linux-gnu-gcc
profile=release
arguments=(--profile release)
case ${1:-} in
"") ;;
--quick)
	profile=quick
	arguments=("${cross_quick[@]}")
	;;
--check)
	cross_check --workspace --bins --target $target
	exit
	;;
--test)
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$(cross_qemu)
	export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER
	shift
	[ $# -gt 0 ] || set -- kernels golden architectures network::
	exec cargo test --release --config tests/profile.toml --locked --package fervis --lib --test it --target $target -- "$@"
	;;
*) stop "unknown option $1" ;;
esac
cross_old_glibc aarch64
cross_build_linux "$CARGO_TARGET_DIR/$target/$profile" "" --target $target "${arguments[@]}"
version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
name=fervis-$version-linux-aarch64
made="$CARGO_TARGET_DIR/arm"
rm -rf "${made:?}/$name"
mkdir -p "$made/$name"
cp "$CARGO_TARGET_DIR/$target/$profile"/{fervis,fervis-train} "$made/$name"
packaging/licenses.sh "$made/$name"
packaging/zip.py "$made/$name" --tar
ls -l "$made/$name.tar.xz"
