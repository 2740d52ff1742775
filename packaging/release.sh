#!/usr/bin/env bash
# Makes every package that this machine can make, in target/packages, with SHA256SUMS and a list of all components (CycloneDX):
#   a tarball and a .deb for Linux, the zip for Windows, tarballs for ARM and for NVIDIA's GPUs, a wheel with the SBOM for Linux,
#   one for Windows
#
# release.sh [PART…]: linux deb windows arm cuda wheel, or all of them. What needs a tool that is missing is said and left out.
# Archives carry the time of the commit, so the same programs give the same archives.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- linux deb windows arm cuda wheel

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
# Messages of panics name source files: of the project, not of the machine that built it.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=fervis --remap-path-prefix=$HOME/.cargo=cargo"
version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
out="$CARGO_TARGET_DIR/packages"
mkdir -p "$out"

if [ -n "$(git status --porcelain)" ]; then
	echo "release.sh: the checkout has changes that are in no commit" >&2
fi
if ! grep -q "^## $version\b" CHANGELOG.md; then
	echo "release.sh: CHANGELOG.md has no section \"## $version\" yet" >&2
fi

has() {
	command -v "$1" >/dev/null || {
		echo "release.sh: $part is left out, because $1 is missing ($2)" >&2
		return 1
	}
}

for part; do
	case $part in
	linux)
		packaging/linux/build-tarball.sh
		said=$("$CARGO_TARGET_DIR/release/fervis" --version)
		[ "$said" = "fervis $version" ] || {
			echo "release.sh: the program says $said" >&2
			exit 1
		}
		cp "$CARGO_TARGET_DIR/linux/fervis-$version-linux-$(uname -m).tar.gz" "$out"
		;;
	cuda)
		packaging/linux/build-cuda.sh
		cp "$CARGO_TARGET_DIR"/linux/*-cuda.tar.gz "$out"
		;;
	deb)
		has cargo-deb "cargo install cargo-deb" || continue
		packaging/linux/build-deb.sh
		cp "$CARGO_TARGET_DIR"/debian/fervis_"$version"*.deb "$out"
		;;
	windows)
		packaging/windows/build.sh
		cp "$CARGO_TARGET_DIR"/windows/*.zip "$out"
		;;
	arm)
		packaging/arm/build.sh
		cp "$CARGO_TARGET_DIR"/arm/*.tar.gz "$out"
		;;
	wheel)
		has maturin "pip install maturin" || continue
		(
			. packaging/cross/lib.sh
			cross_old_glibc
			cd packaging/python && maturin build --release --out "$out" -- "${old_glibc[@]}"
		)
		# maturin lists all components in the wheel; beside it they are easier to find.
		python3 -m zipfile -e "$out/fervis-$version"-py3-none-*linux*.whl "$out/unpacked"
		mv "$out"/unpacked/*.dist-info/sboms/fervis.cyclonedx.json "$out/fervis-$version.cyclonedx.json"
		rm -r "$out/unpacked"
		if [ -e "$CARGO_TARGET_DIR/x86_64-pc-windows-gnu/release/fervis.exe" ]; then
			packaging/windows/build.sh --wheel "$out"
		fi
		;;
	*)
		echo "release.sh: unknown part $part" >&2
		exit 2
		;;
	esac
done
cd "$out"
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
cat SHA256SUMS
