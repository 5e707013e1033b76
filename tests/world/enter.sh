#!/bin/bash
# Runs a program in namespaces of its own: network (no way out), mounts,
# processes (all of them end with it).  As root, or as a user where the kernel
# lets users make namespaces.  Exit 77 where it cannot be done.
#
#	enter.sh PROGRAM [ARGUMENT]...
set -u
. "$(dirname "$0")/../lib.sh"

for tool in nginx knotd nft ip unshare nsenter openssl; do
	PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null ||
	    skip "no $tool"
done
PATH=$PATH:/usr/sbin:/sbin
export PATH
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "no python3-yaml"

flags="--net --mount --pid --fork --kill-child --mount-proc"
[ "$(id -u)" = 0 ] || flags="--user --map-root-user $flags"
# shellcheck disable=SC2086
unshare $flags true 2>/dev/null ||
    skip "this machine lets us make no namespaces"
work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-world.XXXXXX") || exit 1
chmod 755 "$work"
export WORLD=$work
# shellcheck disable=SC2086
unshare $flags "$@"
rc=$?
if [ $rc = 0 ] || [ $rc = 77 ] || [ -z "${KEEP_WORLD:-}" ]; then
	rm -rf "$work"
else
	echo "# the world is kept in $work"
fi
exit $rc
