# Sourced by the scripts beside it and under packaging/: a Rust that builds for another system, made in a cache folder.
#
# Nothing that is installed is changed. Where `rustup target add` has been run, that `std` is used. Elsewhere the toolchain
# is copied once and a `std` is built into the copy, from Rust's sources: rustup's component `rust-src`, or Debian's package.
# Needs: cargo; for what is not installed, apt-get and dpkg-deb (Debian or Ubuntu, no root) and about 3 GB.

# Also what runs in $(…) ends with its first error.
shopt -s inherit_errexit

CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
cross_cache="${FERVIS_CROSS:-${XDG_CACHE_HOME:-$HOME/.cache}/fervis-cross}"
mkdir -p "$cross_cache"

stop() {
	echo "${0##*/}: $*" >&2
	exit 1
}

say() {
	echo "== $*" >&2
}

# The mirror of Debian that this machine's own package lists name.
debian_mirror() {
	local mirror
	mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		sed -nE 's/^(deb |URIs:) *(\[[^]]*\] *)?(https?:\/\/[a-z0-9.]*debian\.org\/debian)\/?( .*)?$/\3/p' | head -1)
	echo "${mirror:-http://deb.debian.org/debian}"
}

# debian_unpack FOLDER SUITE PACKAGE...: the newest of each package, unpacked and not installed. For another processor than
# this one, SUITE is bullseye:arm64, for example.
debian_unpack() {
	local folder=$1 suite=${2%:*} processor=${2#*:} apt
	shift 2
	[ -e "$folder/.complete" ] && return
	command -v dpkg-deb >/dev/null || stop "needs $* installed; on Debian or Ubuntu this script fetches them itself"
	[ "$processor" != "$suite" ] || processor=$(dpkg --print-architecture)
	apt="$cross_cache/apt-$suite-$processor"
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$folder"
	touch "$apt/status"
	# Ubuntu's package debian-archive-keyring puts the keys here, too.
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e $keys ] || stop "needs Debian's keys; on Ubuntu, install debian-archive-keyring"
	echo "deb [signed-by=$keys] $(debian_mirror) $suite main" >"$apt/sources.list"
	cat >"$apt/apt.conf" <<-CONF
		Dir::State "$apt/state";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt/cache";
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "-";
		APT::Sandbox::User "";
		APT::Architecture "$processor";
		APT::Architectures "$processor";
	CONF
	say "fetching $* from Debian $suite"
	(
		export APT_CONFIG="$apt/apt.conf"
		apt-get update -qq -o APT::Update::Error-Mode=any || exit 1
		mkdir -p "$folder/debs" && cd "$folder/debs" && apt-get download -qq "$@"
	) || stop "Debian $suite has no $*, or its mirror cannot be reached"
	local deb
	for deb in "$folder"/debs/*.deb; do
		dpkg-deb -x "$deb" "$folder" || stop "$deb could not be unpacked"
	done
	rm -r "$folder/debs"
	touch "$folder/.complete"
}

# cross_system NAME SUITE PACKAGE...: the folder of a Debian to `chroot` into, with the packages. Needs root.
cross_system() {
	local system="$cross_cache/$1" suite=$2 tool
	shift 2
	if [ ! -e "$system/.complete" ]; then
		[ "$(id -u)" = 0 ] || stop "needs root to unpack Debian $suite"
		tool=$(command -v debootstrap || true)
		if [ -z "$tool" ]; then
			debian_unpack "$cross_cache/debootstrap" bookworm debootstrap
			tool="$cross_cache/debootstrap/usr/sbin/debootstrap"
			export DEBOOTSTRAP_DIR="$cross_cache/debootstrap/usr/share/debootstrap"
		fi
		say "unpacking Debian $suite with $*"
		rm -rf "$system"
		"$tool" --variant=minbase "$suite" "$system" "$(debian_mirror)" >"$system.log" || stop "see $system.log"
		[ $# = 0 ] || chroot "$system" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends "$@" >>"$system.log" || stop "see $system.log"
		touch "$system/.complete"
	fi
	mkdir -p "$system/dev/shm" "$system/proc"
	echo "$system"
}

# cross_chroot SYSTEM COMMAND…: runs a command in such a Debian, with /proc until it ends. Needs root.
cross_chroot() {
	unshare --mount sh -euc 'mount -t proc proc "$1/proc"; exec chroot "$@"' sh "$@"
}

# The folder of a Debian with Wine, a display, and what takes pictures of it. Needs root.
cross_wine() {
	cross_system wine trixie wine wine64 xvfb imagemagick xdotool libgl1 libglx-mesa0 libgl1-mesa-dri libegl1 fonts-dejavu-core
}

# cross_has TARGET: whether `std` for the target is installed, or was made before.
cross_has() {
	local own="$cross_cache/rust-$(rustc --version | cut -d' ' -f2)/lib/rustlib/$1/lib/.complete"
	ls "$(rustc --print sysroot)/lib/rustlib/$1/lib"/libstd-*.rlib >/dev/null 2>&1 || [ -e "$own" ]
}

# cross_rust TARGET [LINKER]: sets RUSTC to a compiler that has `std` for the target.
cross_rust() {
	local target=$1 linker=${2:-} version toolchain lib
	command -v cargo >/dev/null || stop "needs Rust; see the Install section of README.md"
	version=$(rustc --version | cut -d' ' -f2)
	if ls "$(rustc --print sysroot)/lib/rustlib/$target/lib"/libstd-*.rlib >/dev/null 2>&1; then
		RUSTC=$(rustc --print sysroot)/bin/rustc
		export RUSTC
		return
	fi
	toolchain="$cross_cache/rust-$version"
	if [ ! -e "$toolchain/.complete" ]; then
		say "copying Rust $version to $toolchain"
		mkdir -p "$toolchain"
		# "/." since the sysroot may be reached by a link. What else it holds are 800 MB of documentation.
		local part
		for part in bin lib; do
			cp -a "$(rustc --print sysroot)/$part/." "$toolchain/$part/"
		done
		touch "$toolchain/.complete"
	fi
	# Its cargo too: rustup's would set a library path by which its own rustc is found.
	export RUSTC="$toolchain/bin/rustc" PATH="$toolchain/bin:$PATH"
	unset RUSTUP_TOOLCHAIN
	lib="$toolchain/lib/rustlib/$target/lib"
	[ -e "$lib/.complete" ] && return
	local sources="$toolchain/lib/rustlib/src/rust"
	if [ ! -d "$sources/library" ]; then
		say "rustup target add $target would be enough, where rustup can fetch it"
		debian_unpack "$cross_cache/rust-src-$version" trixie-backports "rust-src=$version*"
		mkdir -p "${sources%/*}"
		ln -sfn "$cross_cache/rust-src-$version/usr/src/rustc-$version" "$sources"
	fi
	mkdir -p "$lib"
	say "building std for $target"
	local empty="$cross_cache/std-$target"
	mkdir -p "$empty/src"
	printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n' >"$empty/Cargo.toml"
	: >"$empty/src/lib.rs"
	(
		cd "$empty"
		unset CARGO_TARGET_DIR
		[ -z "$linker" ] || export "CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')_LINKER=$linker"
		# As in the `std` that rustup installs, for optimizations at link time.
		export CARGO_ENCODED_RUSTFLAGS=-Cembed-bitcode=yes
		RUSTC_BOOTSTRAP=1 cargo build --release --quiet --target "$target" \
			-Zbuild-std=std,panic_abort,panic_unwind,proc_macro,test
	) || stop "std for $target could not be built"
	find "$empty/target/$target/release/deps" -name '*.rlib' ! -name 'libempty-*' -exec cp {} "$lib/" \;
	case $target in
	*-windows-gnu)
		local object
		for object in rsbegin rsend; do
			RUSTC_BOOTSTRAP=1 "$RUSTC" --target "$target" --emit=obj -o "$lib/$object.o" "$sources/library/rtstartup/$object.rs"
		done
		;;
	esac
	rm -r "$empty/target"
	touch "$lib/.complete"
}

# Few optimizations, to try something, and for checks, which then share what was compiled to try it.
cross_quick=(--config 'profile.quick.inherits="release"' --config 'profile.quick.opt-level=1' --profile quick)

# cross_check ARGUMENTS: `cargo check`, with warnings as errors. They are looked for in what it prints, because flags for the
# compiler would reach what build scripts compile, and have it compiled again.
cross_check() {
	local log="$cross_cache/check.log"
	cargo check --locked "${cross_quick[@]}" "$@" 2>&1 | tee "$log" >&2
	! grep -q '^warning: ' "$log" || stop "there are warnings"
}

# Sets PATH to a MinGW C and C++ compiler and nasm, and the linker for Rust.
cross_mingw() {
	local prefix=x86_64-w64-mingw32 folder="$cross_cache/mingw" name
	mkdir -p "$folder/links"
	if ! command -v $prefix-g++ >/dev/null || ! command -v $prefix-windres >/dev/null; then
		# The flavor whose threads are Windows' own, so that no winpthread is needed.
		debian_unpack "$folder" bookworm gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32 \
			gcc-mingw-w64-x86-64-win32-runtime gcc-mingw-w64-base binutils-mingw-w64-x86-64 mingw-w64-common \
			mingw-w64-x86-64-dev nasm
		for name in gcc g++; do
			ln -sfn "$folder/usr/bin/$prefix-$name-win32" "$folder/links/$prefix-$name"
		done
		PATH="$folder/links:$PATH:$folder/usr/bin"
	fi
	command -v nasm >/dev/null || stop "needs nasm"
	# rustc asks for the C++ runtime and libgcc as DLLs, which no Windows has.
	cat >"$folder/links/link-static" <<-'LINK'
		#!/usr/bin/env bash
		arguments=()
		for argument; do
			case $argument in
			-Wl,-Bdynamic) ;;
			-lgcc_s) arguments+=(-lgcc_eh) ;;
			*) arguments+=("$argument") ;;
			esac
		done
		exec x86_64-w64-mingw32-gcc -static "${arguments[@]}"
	LINK
	chmod +x "$folder/links/link-static"
	export PATH CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER="$folder/links/link-static"
}

# Sets the C and C++ compilers, the linker and bindgen's headers for 64-bit ARM Linux.
cross_arm() {
	local prefix=aarch64-linux-gnu folder="$cross_cache/arm" include=/usr/aarch64-linux-gnu/include
	if ! command -v $prefix-g++ >/dev/null; then
		debian_unpack "$folder" bookworm gcc-aarch64-linux-gnu g++-aarch64-linux-gnu binutils-aarch64-linux-gnu \
			cpp-12-aarch64-linux-gnu gcc-12-aarch64-linux-gnu g++-12-aarch64-linux-gnu gcc-12-aarch64-linux-gnu-base \
			libgcc-12-dev-arm64-cross libgcc-s1-arm64-cross libc6-arm64-cross libc6-dev-arm64-cross \
			libstdc++-12-dev-arm64-cross libstdc++6-arm64-cross linux-libc-dev-arm64-cross libgomp1-arm64-cross \
			libatomic1-arm64-cross libasan8-arm64-cross libubsan1-arm64-cross
		# Scripts of the linker, with the paths of an installed package.
		sed -i "s| /usr/$prefix/| $folder/usr/$prefix/|g" "$folder/usr/$prefix"/lib/{libc,libm}.so 2>/dev/null || true
		PATH="$PATH:$folder/usr/bin"
		include="$folder$include"
		# The linker's own libraries; their names end in -arm64.
		LD_LIBRARY_PATH="$folder/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
		export LD_LIBRARY_PATH
	fi
	export PATH CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$prefix-gcc
	export BINDGEN_EXTRA_CLANG_ARGS_aarch64_unknown_linux_gnu="-I$include"
}

# Sets `old_glibc`, the arguments for rustc that link with the libraries of Debian 11, so that programs run with glibc 2.31.
# Sets `old_libraries`, the folder that holds them. cross_old_glibc [PROCESSOR], as uname calls it: aarch64, for example.
cross_old_glibc() {
	local processor=${1:-$(uname -m)} root libraries debian link
	case $processor in
	x86_64) debian=amd64 ;;
	aarch64) debian=arm64 ;;
	*) debian=$processor ;;
	esac
	root="$cross_cache/bullseye-$processor"
	old_libraries=$root
	libraries="$root/usr/lib/$processor-linux-gnu"
	debian_unpack "$root" "bullseye:$debian" libc6 libc6-dev libgcc-s1 libstdc++6
	# Links to /lib would lead to this machine's libraries.
	find "$root" -lname '/lib/*' | while read -r link; do
		ln -sfn "$root$(readlink "$link")" "$link"
	done
	# The names by which a linker looks for them, which their -dev packages would bring.
	ln -sfn libstdc++.so.6 "$libraries/libstdc++.so"
	ln -sfn "$root/lib/$processor-linux-gnu/libgcc_s.so.1" "$libraries/libgcc_s.so"
	old_glibc=(-C link-arg=--sysroot="$root" -C link-arg=-B"$libraries" -C link-arg=-L"$libraries"
		-C link-arg=-L"$root/lib/$processor-linux-gnu")
}

# cross_build_linux FOLDER FEATURES ARGUMENTS...: both programs, linked with `old_glibc`. FOLDER is where cargo puts them,
# FEATURES are further ones, such as fervis/cuda, or empty, and the arguments are cargo's. All but the linking is what `cargo build` does; other build commands link anew, without `old_glibc`.
cross_build_linux() {
	local folder=$1 features=fervis/default,$2 max_glibc=2.31 program needed
	shift 2
	for program in fervis fervis-train; do
		# With the same features, so that dependencies are not compiled twice.
		cargo rustc --locked "$@" --package $program --bin $program --features "$features" -- "${old_glibc[@]}"
		needed=$(objdump -T "$folder/$program" | grep -oE 'GLIBC_[0-9.]+' | sed 's/GLIBC_//' | sort -uV | tail -1)
		say "$program needs glibc $needed"
		[ "$(printf '%s\n' "$needed" $max_glibc | sort -V | tail -1)" = $max_glibc ] || stop "that is newer than $max_glibc"
	done
}

# cross_qemu [FOLDER]: prints the command that runs ARM programs here, with the libraries in the folder, or those of the
# ARM compiler.
cross_qemu() {
	local qemu root=${1:-/usr/aarch64-linux-gnu}
	[ -d "$root" ] || root="$cross_cache/arm$root"
	qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
	if [ -z "$qemu" ]; then
		debian_unpack "$cross_cache/qemu" bookworm qemu-user-static
		qemu="$cross_cache/qemu/usr/bin/qemu-aarch64-static"
	fi
	echo "$qemu -L $root"
}
