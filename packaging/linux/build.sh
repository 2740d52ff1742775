#!/usr/bin/env bash
# Builds both programs for this processor and for Linux of the last years, in target/release: they run with glibc 2.31
# (Debian 11, Ubuntu 20.04) and newer. Their libraries are fetched and not installed (../cross/lib.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/cross/lib.sh

cross_old_glibc
cross_build_linux "$CARGO_TARGET_DIR/release" "" --release
