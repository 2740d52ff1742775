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

CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
# Messages of panics name source files: of the project, not of the machine that built it.
CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=fervis"$'\x1f'"--remap-path-prefix=$HOME/.cargo=cargo"
export CARGO_TARGET_DIR SOURCE_DATE_EPOCH CARGO_ENCODED_RUSTFLAGS
version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
out="$CARGO_TARGET_DIR/packages"
mkdir -p "$out"

if [ -n "$(git status --porcelain)" ]; then
	echo "release.sh: the checkout has changes that are in no commit" >&2
fi
if ! grep -q "^## $version\b" CHANGELOG.md; then
	echo "release.sh: CHANGELOG.md has no section \"## $version\" yet" >&2
fi

# has PART TOOL HOW: whether a part's tool is installed.
has() {
	command -v "$2" >/dev/null || {
		echo "release.sh: $1 is left out, because $2 is missing ($3)" >&2
		return 1
	}
}

make_part() {
	case $1 in
	linux)
		packaging/linux/build-tarball.sh
		said=$("$CARGO_TARGET_DIR/release/fervis" --version)
		[ "$said" = "fervis $version" ] || {
			echo "release.sh: the program says $said" >&2
			return 1
		}
		cp "$CARGO_TARGET_DIR/linux/fervis-$version-linux-$(uname -m).tar.xz" "$out"
		;;
	deb)
		has deb cargo-deb "cargo install cargo-deb" || return 0
		packaging/linux/build-deb.sh
		cp "$CARGO_TARGET_DIR"/debian/fervis_"$version"*.deb "$out"
		;;
	windows)
		packaging/windows/build.sh
		cp "$CARGO_TARGET_DIR/windows/fervis-$version-windows-x86_64.zip" "$out"
		;;
	arm)
		packaging/arm/build.sh
		cp "$CARGO_TARGET_DIR/arm/fervis-$version-linux-aarch64.tar.xz" "$out"
		;;
	cuda)
		packaging/linux/build-cuda.sh
		cp "$CARGO_TARGET_DIR/linux/fervis-$version-linux-x86_64-cuda.tar.xz" "$out"
		;;
	wheel)
		has wheel maturin "pip install maturin" || return 0
		new="$CARGO_TARGET_DIR/new-wheels"
		rm -rf "$new"
		(
			. packaging/cross/lib.sh
			cross_old_glibc
			cd packaging/python && maturin build --release --out "$new" -- "${old_glibc[@]}"
		)
		# maturin lists all components in the wheel; beside it they are easier to find.
		python3 -m zipfile -e "$new"/*.whl "$new/unpacked"
		mv "$new"/unpacked/*.dist-info/sboms/fervis.cyclonedx.json "$out/fervis-$version-linux-$(uname -m).cyclonedx.json"
		if [ -e "$CARGO_TARGET_DIR/x86_64-pc-windows-gnu/release/fervis.exe" ]; then
			packaging/windows/build.sh --wheel "$new"
		fi
		mv "$new"/*.whl "$out"
		;;
	esac
}

for part; do
	case $part in
	linux | deb | windows | arm | cuda | wheel) ;;
	*)
		echo "release.sh: unknown part $part" >&2
		exit 2
		;;
	esac
done
missing=()
for part; do
	# One that fails leaves the others. (In a condition, `set -e` would not hold.)
	set +e
	(set -e && make_part "$part")
	status=$?
	set -e
	[ $status = 0 ] || missing+=("$part")
done
cd "$out"
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
cat SHA256SUMS
[ ${#missing[@]} = 0 ] || {
	echo "release.sh: could not be made: ${missing[*]}" >&2
	exit 1
}
