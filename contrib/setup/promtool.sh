#!/bin/sh
# Puts promtool of Debian's package prometheus into a folder, for the tests;
# the server, which would start by itself, is not installed.
#
#	promtool.sh FOLDER
set -eu

to=$1/promtool
if [ -x "$to" ] || command -v promtool >/dev/null; then
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Not as the user that apt-get otherwise becomes, which cannot write here.
if ! (cd "$work" &&
    apt-get -q -o APT::Sandbox::User="$(id -un)" download prometheus &&
    dpkg-deb -x ./*.deb .) >"$work/log" 2>&1; then
	tail -n 3 "$work/log" >&2
	echo "promtool: cannot get it; its tests are skipped" >&2
	exit 0
fi
mkdir -p "$1"
cp "$work/usr/bin/promtool" "$to"
