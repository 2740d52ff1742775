#!/usr/bin/env bash
# Builds fervis for 64-bit ARM Linux on another Linux: a tarball in target/arm. Only the kernels' tests were ever built by
# these steps, not the whole program. Options:
#   --check  only type-checks, with warnings as errors
#   --test   builds the tests of the kernels and of the whole, and runs them by qemu
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

target=aarch64-unknown-linux-gnu
cross_arm
cross_rust $target aarch64-linux-gnu-gcc
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}"
case ${1:-} in
"") ;;
--check)
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-D warnings" \
		cargo check --release --locked --workspace --bins --target $target
	exit
	;;
--test)
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$(cross_qemu)
	export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER
	# Without the window, and with few optimizations: the emulation is what takes the time.
	exec cargo test --locked --package fervis --lib --target $target --no-default-features --features h264-bundled \
		--config 'profile.quick.inherits="release"' --config 'profile.quick.opt-level=1' --profile quick \
		-- "${@:2}"
	;;
*) stop "unknown option $1" ;;
esac
cargo build --locked --release --workspace --bins --target $target
version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
name=fervis-$version-linux-aarch64
made="$CARGO_TARGET_DIR/arm"
rm -rf "${made:?}/$name"
mkdir -p "$made/$name"
cp "$CARGO_TARGET_DIR/$target/release"/{fervis,fervis-train} "$made/$name"
packaging/licenses.sh "$made/$name"
packaging/zip.py "$made/$name" --tar
ls -l "$made/$name.tar.gz"
