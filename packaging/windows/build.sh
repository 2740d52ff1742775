#!/usr/bin/env bash
# Builds fervis for Windows on Linux: target/windows/fervis-VERSION-windows-x86_64.zip with both programs, the licenses and
# the networks' cards. No DLL is needed beside them.
#
# Uses MinGW and nasm if they are installed, else fetches them (../cross/lib.sh). Options:
#   --quick  with few optimizations, to try something
#   --check  only type-checks, with warnings as errors
#   --test [ARGUMENT…]  builds the tests and runs them under Wine, as `cargo test ARGUMENT…` does
#   --wheel FOLDER  makes the wheel for Windows instead (../python); needs maturin
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

target=x86_64-pc-windows-gnu
cross_mingw
cross_rust $target x86_64-w64-mingw32-gcc
profile=release
arguments=(--profile release)
# Without it the linker keeps what nothing uses: for this target rustc does not give each function a section of its own.
smaller() {
	export CARGO_PROFILE_RELEASE_LTO=thin
}
case ${1:-} in
"") smaller ;;
--quick)
	profile=quick
	arguments=("${cross_quick[@]}")
	;;
--wheel)
	smaller
	out=$(realpath -m "$2")
	cd packaging/python
	exec maturin build --release --target $target --out "$out"
	;;
--test)
	shift
	export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="$PWD/packaging/windows/wine.sh"
	exec cargo test --release --config tests/profile.toml --locked --target $target "$@"
	;;
--check)
	cross_check --workspace --bins --target $target
	exit
	;;
*) stop "unknown option $1" ;;
esac
cargo build --locked --workspace --bins --target $target "${arguments[@]}"

version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
name=fervis-$version-windows-x86_64
made="$CARGO_TARGET_DIR/windows"
rm -rf "${made:?}/$name" "$made/$name.zip"
mkdir -p "$made/$name"
cp "$CARGO_TARGET_DIR/$target/$profile"/{fervis,fervis-train}.exe "$made/$name"
packaging/licenses.sh "$made/$name"
# Imports from anything but Windows itself would be missing there.
for program in fervis fervis-train; do
	foreign=$(x86_64-w64-mingw32-objdump -p "$made/$name/$program.exe" | sed -nE 's/.*DLL Name: (lib.*)/\1/p')
	[ -z "$foreign" ] || stop "$program.exe needs $foreign, which no Windows has"
done
packaging/zip.py "$made/$name"
ls -l "$made/$name.zip"
