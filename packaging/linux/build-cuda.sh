#!/usr/bin/env bash
# Builds both programs for NVIDIA's GPUs on a machine without CUDA: target/linux/fervis-VERSION-linux-x86_64-cuda.tar.xz.
# They run with glibc 2.31 and newer.
#
# NVIDIA's compiler comes from PyPI into the cache (400 MB). The driver and NVIDIA's libraries are loaded at run time, so the
# programs also start where there are none, say so, and use the CPU. No GPU was tried. Options:
#   --test  also starts the programs here
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

[ "$(uname -m)" = x86_64 ] || stop "is for x86-64 processors"
target=x86_64-unknown-linux-gnu
cuda="$cross_cache/cuda"
export CUDA_HOME="$cuda/nvidia/cu13"
if [ ! -e "$cuda/.complete" ]; then
	say "fetching NVIDIA's compiler from PyPI"
	packages=()
	for part in cuda-nvcc nvvm cuda-crt cuda-runtime cuda-cccl; do
		packages+=("nvidia-$part==13.0.*")
	done
	mkdir -p "$cuda"
	python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$cuda/wheels" \
		"${packages[@]}" "nvidia-curand==10.4.0.*" || stop "PyPI has not all of them for this machine"
	for wheel in "$cuda"/wheels/*.whl; do
		python3 -m zipfile -e "$wheel" "$cuda"
	done
	rm -r "$cuda/wheels"
	find "$cuda/nvidia" -path '*/bin/*' -type f -exec chmod +x {} +
	# Linked in, so that it need not be installed.
	mkdir -p "$cuda/link"
	ln -sfn "$CUDA_HOME/lib/libcudart_static.a" "$cuda/link/libcudart.a"
	# candle asks the linker for these; nothing refers to them, since cudarc loads them.
	for library in cuda cublas cublasLt curand nvrtc; do
		gcc -shared -x c /dev/null -o "$cuda/link/lib$library.so"
	done
	touch "$cuda/.complete"
fi
# Kernels for this generation and, compiled by the driver, all later ones: 80 is Ampere (A100, RTX 30).
export CUDA_COMPUTE_CAP="${CUDA_COMPUTE_CAP:-80}" CUDARC_CUDA_VERSION=13000
# cudarc has the feature `dynamic-loading`, and candle selects another one. With --target this does not reach build scripts,
# which would refuse both.
flags=(${CARGO_ENCODED_RUSTFLAGS:+"$CARGO_ENCODED_RUSTFLAGS"} --cfg 'feature="dynamic-loading"' "-Lnative=$cuda/link")
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
cross_old_glibc
cross_build_linux "$CARGO_TARGET_DIR/$target/release" fervis/cuda --release --target $target

version=$(sed -nE 's/^version = "(.*)"/\1/p' Cargo.toml | head -1)
name=fervis-$version-linux-x86_64-cuda
made="$CARGO_TARGET_DIR/linux"
rm -rf "${made:?}/$name"
mkdir -p "$made/$name"
cp "$CARGO_TARGET_DIR/$target/release"/{fervis,fervis-train} "$made/$name"
packaging/licenses.sh "$made/$name"
for program in fervis fervis-train; do
	needed=$(objdump -p "$made/$name/$program" | sed -nE 's/.*NEEDED *(lib(cu|nv).*)/\1/p')
	[ -z "$needed" ] || stop "$program does not start without $needed"
done
if [ "${1:-}" = --test ]; then
	"$made/$name/fervis" analyze demo --device cuda
fi
packaging/zip.py "$made/$name" --tar
ls -l "$made/$name.tar.xz"
