#!/bin/sh
# Makes FOLDER/fervis.app of the programs in BINARIES, such as target/release.
# bundle.sh BINARIES FOLDER
#
# On macOS the bundle is signed: with the identity in SIGNING_IDENTITY, or else ad hoc, so that it runs on this computer and
# others ask before they open it. Notarization needs an account with Apple and is not done here.
set -eu
binaries=$1
mkdir -p "$2"
app=$(cd "$2" && pwd)/fervis.app
here=$(cd "$(dirname "$0")" && pwd)

version=$(sed -nE 's/^version = "(.*)"/\1/p' "$here/../../Cargo.toml" | head -1)
rm -rf "$app"
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
cp "$binaries/fervis" "$binaries/fervis-train" "$app/Contents/MacOS/"
sed "s/VERSION/$version/" "$here/Info.plist" >"$app/Contents/Info.plist"
printf 'APPL????' >"$app/Contents/PkgInfo"
cp "$here/fervis.icns" "$app/Contents/Resources/"
"$here/../licenses.sh" "$app/Contents/Resources"
if command -v codesign >/dev/null; then
	for signed in "$app/Contents/MacOS/fervis-train" "$app"; do
		codesign --force --options runtime --entitlements "$here/entitlements.plist" --sign "${SIGNING_IDENTITY:--}" "$signed"
	done
else
	echo "bundle.sh: not signed, because this is not macOS" >&2
fi
