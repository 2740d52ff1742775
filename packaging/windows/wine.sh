#!/usr/bin/env bash
# Runs a Windows program under Wine, in this folder and with these paths: wine.sh PROGRAM [ARGUMENT…]
#
# Uses the installed Wine, or else that of a Debian that is unpacked into the cache (as root).
set -euo pipefail
. "$(dirname "$0")/../cross/lib.sh"

export WINEPREFIX="$cross_cache/wine-prefix" WINEDEBUG=-all
export WINEDLLOVERRIDES='winemenubuilder.exe=d;mscoree=d;mshtml=d'
if command -v wine >/dev/null; then
	exec wine "$@"
fi
system=$(cross_wine)
root=$(realpath "$(dirname "$0")/../..")
export system root
# In a namespace of its own, so that what is mounted goes when the program ends.
exec unshare --mount bash -euc '
	for folder in "$root" "$CARGO_TARGET_DIR" "$WINEPREFIX" "$(dirname "$1")"; do
		mkdir -p "$folder" "$system$folder"
		mount --bind "$folder" "$system$folder"
	done
	mount -t proc proc "$system/proc"
	exec chroot "$system" sh -euc "cd \"\$0\"; PATH=\$PATH:/usr/lib/wine exec wine \"\$@\"" "$PWD" "$@"
' bash "$@"
