#!/bin/bash
# The manual pages, and that every command of the program has its words there.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
command -v mandoc >/dev/null || skip "no mandoc"
shopt -s nullglob
pages=(contrib/man/*.[1-8])
[ ${#pages[@]} -gt 0 ] || skip "no manual pages"

clean() {
	# Pages of ours that are not installed here are no fault.
	! mandoc -Tlint -W warning "$1" | grep -v 'referenced manual not found' |
	    sed 's/^/# /' | grep .
}

for page in "${pages[@]}"; do
	check "$page" clean "$page"
done
version=$(sed -n 's/.*define STORE_SCHEMA_VERSION //p' include/store_db.h)
same "kpwatch-log(5) has the schema's version" "is $version." \
    "$(grep -A1 'user_version' contrib/man/kpwatch-log.5 | tail -n 1)"
finish
