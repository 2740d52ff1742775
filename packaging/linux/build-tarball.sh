#!/usr/bin/env bash
# Builds fervis for this processor and Linux of the last years: target/linux/fervis-VERSION-linux-PROCESSOR.tar.gz with both
# programs, the licenses and the networks' cards. They run with glibc 2.31 (Debian 11, Ubuntu 20.04) and newer.
#
# The programs are linked with the libraries of Debian 11, which are fetched and not installed (../cross/lib.sh); all else is
# what `cargo build --release` makes. Options:
#   --test  also runs the programs in a Debian 11 without anything else (as root)
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

max_glibc=2.31
architecture=$(uname -m)
root="$cross_cache/bullseye-libraries"
debian_unpack "$root" bullseye libc6 libc6-dev libgcc-s1 libstdc++6
libraries="$root/usr/lib/$architecture-linux-gnu"
# The names by which a linker looks for them, which their -dev packages would bring.
ln -sfn libstdc++.so.6 "$libraries/libstdc++.so"
ln -sfn "$root/lib/$architecture-linux-gnu/libgcc_s.so.1" "$libraries/libgcc_s.so"

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}"
link=(-C link-arg=--sysroot="$root" -C link-arg=-B"$libraries" -C link-arg=-L"$libraries"
	-C link-arg=-L"$root/lib/$architecture-linux-gnu")
cargo rustc --release --locked --package fervis --bin fervis -- "${link[@]}"
cargo rustc --release --locked --package fervis-train --bin fervis-train -- "${link[@]}"

version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
name=fervis-$version-linux-$architecture
made="$CARGO_TARGET_DIR/linux"
rm -rf "${made:?}/$name"
mkdir -p "$made/$name"
cp "$CARGO_TARGET_DIR"/release/{fervis,fervis-train} "$made/$name"
packaging/licenses.sh "$made/$name"
for program in fervis fervis-train; do
	needed=$(objdump -T "$made/$name/$program" | grep -oE 'GLIBC_[0-9.]+' | sed 's/GLIBC_//' | sort -uV | tail -1)
	say "$program needs glibc $needed"
	[ "$(printf '%s\n' "$needed" $max_glibc | sort -V | tail -1)" = $max_glibc ] || stop "that is newer than $max_glibc"
done
if [ "${1:-}" = --test ]; then
	system=$(cross_system bullseye bullseye libstdc++6)
	rm -rf "$system/tmp/fervis"
	cp -r "$made/$name" "$system/tmp/fervis"
	cp assets/faces/astronaut.png "$system/tmp/fervis"
	chroot "$system" sh -euc '
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
ls -l "$made/$name.tar.gz"
