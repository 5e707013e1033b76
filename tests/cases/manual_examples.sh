#!/bin/bash
# Every command has an example in kpwatch(8), and each does what it says, as
# it stands there: typed into a shell where the files that it names exist.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
offline=(unshare --net)
[ "$(id -u)" = 0 ] || offline+=(--user --map-root-user)
"${offline[@]}" true 2>/dev/null || skip "no network namespaces here"
make_work
cd "$work" || exit 1
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export HOME=$work STATE_DIRECTORY=$work/state KPWATCH_CONFIG=$work/kpwatch.yaml

mkdir bin && ln -s "$KPWATCH" bin/kpwatch
# What a reader has and this shell has not.
printf '#!/bin/sh\necho "systemctl $*"\n' >bin/systemctl
chmod 755 bin/systemctl
PATH=$work/bin:$PATH

cp "$TOP"/conf/*.yaml .
sed -i 's|^hooks:.*|hooks: [{name: new-channels, command: /bin/cat}]|' \
    kpwatch.yaml
page='<p>News</p><a href="https://vk.com/uriminzokkiri">VK</a>
<a href="https://twitter.com/intent/tweet?url=http://paper.example/">Tweet</a>'
echo "$page" >page.html
body=$'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n'$page
for day in 2 3; do
	printf 'WARC/1.1\r\nWARC-Type: response\r\n'
	printf 'WARC-Target-URI: http://paper.example/\r\n'
	printf 'WARC-Date: 2020-01-0%dT03:04:05Z\r\n' $day
	printf 'WARC-Record-ID: <urn:x:%d>\r\n' $day
	printf 'Content-Type: application/http;msgtype=response\r\n'
	printf 'Content-Length: %d\r\n\r\n%s\r\n\r\n' ${#body} "$body"
done | gzip >old-pages.warc.gz

sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\$ //p' "$TOP/contrib/man/kpwatch.8" |
    sed "s|/etc/kpwatch/|$work/|" >examples
same "every command has one" \
    "$("$KPWATCH" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | sort)" \
    "$(sed 's/kpwatch \([a-z]*\).*/\1/' examples | sort -u)"

# Nothing leaves this machine.  The daemon stops as at a terminal.
while read -r line; do
	case $line in
	"kpwatch run"*) limit=(--preserve-status -s INT 6) ;;
	*) limit=(20) ;;
	esac
	timeout -k 10 "${limit[@]}" "${offline[@]}" bash -c "$line" >out 2>err \
	    </dev/null
	same "$line" 0 $?
	case $line in
	*" run "*) check "... began" grep -q 'watching' err ;;
	*" status"* | *" check "*)
		check "... tells of it" grep -q '^sogwang' out ;;
	*" --test "*) check "... calls it" grep -q channel.added out ;;
	*" config "*) check "... reloads" grep -q '^systemctl reload' out ;;
	*" classify "*) check "... knows it" grep -q '"vk"' out ;;
	*" extract "* | *" --timeline "*)
		check "... finds the channel" grep -q 'vk.*uriminzokkiri' out ;;
	*" inspect "*) check "... lists it" grep -q http://paper.example/ out ;;
	*" replay -s "*) check "... gives events" grep -q '"target.baseline"' out ;;
	*" verify") check "... judges" grep -q ' 0 faults' out ;;
	esac
	[ $failures = 0 ] || sed 's/^/# /' err out | head -n 20
done <examples
finish
