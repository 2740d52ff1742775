#!/bin/sh
# Builds a package for Debian and Ubuntu: target/debian/fervis_VERSION_ARCH.deb. Needs cargo-deb (cargo install cargo-deb).
set -eu
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
packaging/linux/build.sh
made=target/packaging
rm -rf "$made"
mkdir -p "$made/completions"
for program in fervis fervis-train; do
	"$target/release/$program" man "$made/man"
	"$target/release/$program" completions bash >"$made/completions/$program"
	"$target/release/$program" completions zsh >"$made/completions/_$program"
	"$target/release/$program" completions fish >"$made/completions/$program.fish"
done
cargo deb --no-build --locked
