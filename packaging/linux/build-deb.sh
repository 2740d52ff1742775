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
deb=$(cargo deb --no-build --locked --fast)
# Packed again, so that compression reaches from one program to the other, whose networks are the same: half the size.
dpkg-deb -R "$deb" "$made/deb"
dpkg-deb --root-owner-group -Zxz -z9 -b "$made/deb" "$deb.new" >/dev/null
mv "$deb.new" "$deb"
ls -l "$deb"
