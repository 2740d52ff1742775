#!/usr/bin/env bash
# Makes target/linux/fervis-VERSION-linux-PROCESSOR.tar.xz: both programs, the licenses and the networks' cards. They run with
# glibc 2.31 (Debian 11, Ubuntu 20.04) and newer. Options:
#   --test  also runs the programs in a Debian 11 without anything else (as root)
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

packaging/linux/build.sh
version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
name=fervis-$version-linux-$(uname -m)
made="$CARGO_TARGET_DIR/linux"
rm -rf "${made:?}/$name"
mkdir -p "$made/$name"
cp "$CARGO_TARGET_DIR"/release/{fervis,fervis-train} "$made/$name"
packaging/licenses.sh "$made/$name"
if [ "${1:-}" = --test ]; then
	system=$(cross_system bullseye bullseye libstdc++6)
	rm -rf "$system/tmp/fervis"
	cp -r "$made/$name" "$system/tmp/fervis"
	cp assets/faces/astronaut.png "$system/tmp/fervis"
	cross_chroot "$system" sh -euc '
		cd /tmp/fervis
		ldd --version | head -1
		./fervis --version
		./fervis models >/dev/null
		./fervis analyze demo --csv demo.csv
		./fervis analyze astronaut.png
		./fervis record demo --seconds 3 --out session
		./fervis export session --format summary --out summary.csv
		./fervis-train --version'
	rm -r "$system/tmp/fervis"
fi
packaging/zip.py "$made/$name" --tar
ls -l "$made/$name.tar.xz"
