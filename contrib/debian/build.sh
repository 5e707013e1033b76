#!/bin/sh
# Builds the Debian package from this tree into build/deb, and shows what
# lintian says of it.  `make deb` calls it.
set -eu
cd "$(dirname "$0")/../.."
command -v dh >/dev/null ||
    { echo "deb: install debhelper (apt-get install debhelper)" >&2; exit 1; }
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' contrib/debian/changelog)
[ "$version" = "$(sed -n 's/^VERSION = //p' Makefile)" ] ||
    { echo "deb: changelog and Makefile name different versions" >&2; exit 1; }
out=build/deb
tree=$out/kpwatch-$version

rm -rf "$out"
mkdir -p "$tree"
cp -R Makefile README.md LICENSE probe include conf contrib "$tree"
mv "$tree/contrib/debian" "$tree/debian"
rm "$tree/debian/build.sh"
jobs=$(nproc)
(cd "$tree" && DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-parallel=$jobs}" \
    dpkg-buildpackage -b -us -uc >../build.log 2>&1) ||
    { tail -n 30 "$out/build.log" >&2; exit 1; }
rm -rf "$tree"
for f in "$out"/*.deb; do echo "$f"; done
if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error,warning,info,pedantic \
	    "$out"/*.changes
	echo "lintian: clean"
fi
