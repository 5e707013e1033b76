#!/bin/sh
# Builds the Debian package from this tree into build/deb, and shows what
# lintian says of it.  `make deb` calls it.  DEBFULLNAME and DEBEMAIL are its
# maintainer; without them it is kpwatch@example.org, which nobody reads.
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
# Whoever builds it maintains it, and says so as other tools of Debian ask.
if [ -n "${DEBEMAIL:-}" ]; then
	who="${DEBFULLNAME:-The kpwatch authors} <$DEBEMAIL>"
	sed -i "s/^Maintainer: .*/Maintainer: $who/" "$tree/debian/control"
	sed -i "s/^ -- .* <[^>]*>  / -- $who  /" "$tree/debian/changelog"
else
	echo "deb: the maintainer is a placeholder; DEBFULLNAME and DEBEMAIL" \
	    "name the true one" >&2
fi
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
