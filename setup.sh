#!/bin/sh
# Installs the missing system packages that fervis needs to build and run.
#
# Debian and Ubuntu only, as root or through sudo. Elsewhere it says what is needed.
# Building: a C++ compiler (openh264), nasm (AV1's assembler; makes openh264 three times faster), libclang (camera bindings).
# Running: the X11 and OpenGL libraries that the window loads when it starts.
set -eu

[ "$(uname)" = Linux ] || exit 0

if ! command -v cargo >/dev/null; then
	echo "fervis needs Rust 1.95 or newer: https://rustup.rs" >&2
	exit 1
fi

packages="g++ nasm libx11-6 libx11-xcb1 libxi6 libxcursor1 libxkbcommon-x11-0 libegl1 libgl1"
if command -v dpkg-query >/dev/null; then
	# Any version of libclang will do; install the distribution's default only if there is none.
	if ! ls /usr/lib/*/libclang-[0-9]*.so* /usr/lib/*/libclang.so* /usr/lib/llvm-*/lib/libclang.so* 2>/dev/null | grep -q .; then
		packages="$packages libclang1"
	fi
	missing=""
	for package in $packages; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
	done
	[ -z "$missing" ] && exit 0
	if [ "$(id -u)" = 0 ]; then
		sudo=""
	elif command -v sudo >/dev/null; then
		sudo="sudo"
	else
		echo "Please install these packages first:$missing" >&2
		exit 1
	fi
	echo "Installing$missing"
	$sudo apt-get update -qq
	# shellcheck disable=SC2086 # A list of words on purpose.
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
	echo "This is not Debian or Ubuntu. If the build fails, install a C++ compiler, nasm and libclang;" >&2
	echo "if the window does not open, the X11 (or Wayland) and OpenGL libraries." >&2
fi
