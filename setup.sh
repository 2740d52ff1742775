#!/bin/sh
# Installs the missing system packages that fervis needs to build and run, and Rust where the distribution has rustup.
#
# Debian and Ubuntu only, as root or through sudo. Elsewhere it says what to install.
# Building: a C++ compiler (openh264), nasm (AV1's assembler; makes openh264 three times faster), libclang (camera bindings).
# Running: the X11 and OpenGL libraries that the window loads when it starts.
set -eu

# Empty if there is none. (rustup's programs are there, but do not run, before a toolchain is installed.)
version=$(rustc --version 2>/dev/null | cut -d' ' -f2)
needs_rust=true
if [ -n "$version" ] && command -v cargo >/dev/null &&
	[ "$(printf '1.95\n%s\n' "$version" | sort -V | head -1)" = 1.95 ]; then
	needs_rust=false
fi

require_rust() {
	[ "$needs_rust" = true ] || return 0
	echo "fervis needs Rust 1.95 or newer${version:+, and $version is installed}. To install it, type:" >&2
	if command -v rustup >/dev/null; then
		echo "  rustup update stable && rustup default stable" >&2
	else
		echo "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
		echo "and open a new terminal." >&2
	fi
	exit 1
}

# One that is there and too old is the user's to replace.
[ -z "$version" ] || require_rust

if [ "$(uname)" != Linux ]; then
	require_rust
	exit 0
fi

if ! command -v dpkg-query >/dev/null; then
	require_rust
	# Each lists what the packages below are called there.
	if command -v dnf >/dev/null; then
		install="sudo dnf install gcc-c++ nasm clang-libs libX11-xcb libXi libXcursor libxkbcommon-x11 mesa-libEGL mesa-libGL"
	elif command -v pacman >/dev/null; then
		install="sudo pacman -S --needed gcc nasm clang libx11 libxi libxcursor libxkbcommon-x11 libglvnd"
	else
		install=""
	fi
	if [ -n "$install" ]; then
		echo "If the build fails or the window does not open, type: $install" >&2
	else
		echo "If the build fails, install a C++ compiler, nasm and libclang;" >&2
		echo "if the window does not open, the X11 (or Wayland) and OpenGL libraries." >&2
	fi
	exit 0
fi

packages="g++ nasm libx11-6 libx11-xcb1 libxi6 libxcursor1 libxkbcommon-x11-0 libegl1 libgl1"
# Any version of libclang will do; install the distribution's default only if there is none.
if ! ls /usr/lib/*/libclang-[0-9]*.so* /usr/lib/*/libclang.so* /usr/lib/llvm-*/lib/libclang.so* 2>/dev/null | grep -q .; then
	packages="$packages libclang1"
fi
missing=""
for package in $packages; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
needs_rustup=false
if [ "$needs_rust" = true ] && ! command -v rustup >/dev/null; then
	needs_rustup=true
fi

if [ -n "$missing" ] || [ "$needs_rustup" = true ]; then
	if [ "$(id -u)" = 0 ]; then
		sudo=""
	elif command -v sudo >/dev/null; then
		sudo="sudo"
	else
		[ "$needs_rustup" = false ] || require_rust
		echo "Please install these packages first:$missing" >&2
		exit 1
	fi
	$sudo apt-get update -qq
	# Debian 13 and Ubuntu 24.04 have rustup; the Rust that they package is too old.
	if [ "$needs_rustup" = true ]; then
		[ -n "$(apt-cache search --names-only '^rustup$')" ] || require_rust
		missing="$missing rustup ca-certificates" # Its downloads need the certificates.
	fi
	echo "Installing$missing"
	# shellcheck disable=SC2086 # A list of words on purpose.
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
if [ "$needs_rust" = true ]; then
	rustup default stable
fi
