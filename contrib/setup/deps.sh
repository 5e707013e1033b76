#!/bin/sh
# Installs the Debian packages that are missing; does nothing, and asks for
# nothing, when all of them are there.
#
#	deps.sh [build] [test] [bench] [fuzz] [deb]
set -eu

build="gcc make pkgconf libc6-dev libevent-dev libcurl4-openssl-dev
libc-ares-dev libpcap0.8-dev zlib1g-dev libdeflate-dev libbrotli-dev libzstd-dev
libsqlite3-dev libyaml-dev libjansson-dev libssl-dev
libuchardet-dev libidn2-dev libpsl-dev ca-certificates publicsuffix"

# Servers, namespaces, linters: what the tests talk to and look with.
test="libcmocka-dev nginx-light knot knot-dnsutils iproute2 nftables
util-linux procps openssl libgnutls30 curl python3-minimal python3 python3-yaml sqlite3
shellcheck strace mandoc jq libxml2-utils bsdutils clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev"

# What the measurements compare with.
bench="libxml2-dev libgumbo-dev wrk prometheus-blackbox-exporter urlwatch tcpflow
tshark"

# libFuzzer comes with clang, which the tests need too.
fuzz="afl++"

# What a Debian package is built and looked at with.
deb="debhelper fakeroot lintian debootstrap wget debian-archive-keyring"

fail() {
	echo "deps: $*" >&2
	exit 1
}

missing() {
	for package in "$@"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
		    2>/dev/null) || state=
		[ "$state" = installed ] || printf '%s ' "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "must install $want: run as root, or install sudo"
	fi
}

want=
for set in "${@:-build}"; do
	case $set in
	build) want="$want $build" ;;
	test) want="$want $test" ;;
	bench) want="$want $bench" ;;
	fuzz) want="$want $fuzz" ;;
	deb) want="$want $deb" ;;
	*) fail "no set '$set'; there are: build, test, bench, fuzz, deb" ;;
	esac
done
command -v dpkg-query >/dev/null ||
    fail "this is not a Debian system; install the equivalents of: $want"

# Word splitting is the point: package names have no spaces.
# shellcheck disable=SC2086
want=$(missing $want)
[ -n "$want" ] || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "deps: installing $want"
export DEBIAN_FRONTEND=noninteractive
install_missing() {
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
	    --no-install-recommends $want >"$log" 2>&1
}
# The package lists may be old or absent: fetch them once and try again.
install_missing || {
	as_root apt-get update -q >>"$log" 2>&1 ||
	    { tail -n 5 "$log" >&2; fail "apt-get update failed"; }
	install_missing ||
	    { tail -n 15 "$log" >&2; fail "apt-get could not install $want"; }
}
# A test server that starts by itself on installation is in the way.
case " $want" in
*" nginx"* | *" knot"* | *" prometheus"*)
	for service in nginx knot prometheus-blackbox-exporter; do
		as_root service "$service" stop >/dev/null 2>&1 || true
	done
	;;
esac
