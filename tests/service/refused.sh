#!/bin/bash
# The archive's file system is full in the middle of a group of looks: those
# before are kept once it has room, as if nothing had been.
. "$(dirname "$0")/../lib.sh"
flags="--mount"
[ "$(id -u)" = 0 ] || flags="--user --map-root-user $flags"
# shellcheck disable=SC2086
unshare $flags true 2>/dev/null || skip "this machine lets us make no namespaces"
make_work
# shellcheck disable=SC2086
unshare $flags python3 "$TOP/tests/service/refused.py" "$work"
