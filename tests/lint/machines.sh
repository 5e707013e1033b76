#!/bin/bash
# Every source compiles without a warning as for machines other than this one:
# where char has no sign (ARM, POWER), and without SSE2.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1

flags=$(pkg-config --cflags libevent_core libcurl libcares libpcap zlib \
    libdeflate sqlite3 yaml-0.1 jansson libcrypto uchardet libidn2 libpsl)

as_elsewhere() {
	# shellcheck disable=SC2086
	cc -std=gnu11 -O1 -fsyntax-only -D_GNU_SOURCE \
	    -DKPWATCH_VERSION='"x"' -iquote include $flags -Wall -Wextra \
	    -Wshadow -Wconversion -Werror -funsigned-char -U__SSE2__ "$1" 2>&1 |
	    sed 's/^/# /'
	[ "${PIPESTATUS[0]}" = 0 ]
}

for source in probe/*.c; do
	as_elsewhere "$source" || bad="$bad $source"
done
check "char without a sign, no SSE2:${bad:- all sources}" [ -z "$bad" ]
finish
