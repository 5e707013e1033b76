#!/bin/bash
# Every ready-made hook against a real receiver on loopback.
set -u
cd "$(dirname "$0")/../.." || exit 1
for tool in jq curl python3 xmllint logger; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
hooks=$PWD/contrib/hooks
tmp=$(mktemp -d)
pids=()
finish() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	rm -rf "$tmp"
}
trap finish EXIT
checks=0 failed=0

check() { # WHAT COMMAND...: the command must succeed
	local what=$1
	shift
	checks=$((checks + 1))
	"$@" >"$tmp/out" 2>&1 || { echo "not ok: $what"; sed 's/^/    /' "$tmp/out"; failed=$((failed + 1)); }
}
not() { ! "$@"; }

receiver() { # KIND: sets $at and $got
	got=$tmp/$1
	mkdir "$got"
	python3 tests/hooks/receiver.py "$1" "$got" &
	pids+=($!)
	for _ in $(seq 100); do [ -e "$got/address" ] && break; sleep 0.05; done
	at=$(cat "$got/address")
}

event() { # SEQ TYPE NAME
	printf '{"v":1,"seq":%d,"time":"2019-01-14T06:00:03.120Z","type":"%s","target":"sogwang","vantage":"seoul-1","source":"live","page":"main","url":"http://sogwang.example/?a=1&b=<2>","platform":"vk","name":%s,"before":5,"after":17,"evidence":{"sha256":"ab12","warc":"k-00.warc.gz","offset":88213,"element":"a.btn","text":"\\u001b[31m\\u202e보내기"},"prev":null}\n' "$1" "$2" "$3"
}
event 1207 share.added null > "$tmp/one"
{ cat "$tmp/one"; event 1208 channel.added '"@uri minzok"'; event 1209 site.down null; } > "$tmp/three"
export KPWATCH_SEQ=1207 KPWATCH_LAST_SEQ=1207 KPWATCH_VANTAGE=seoul-1

# webhook
receiver http
check "webhook delivers" "$hooks/webhook" "http://$at/in" < "$tmp/one"
check "webhook sends the event" cmp <(jq -S . "$got/bodies") <(jq -S . "$tmp/one")
check "webhook sends several as an array" "$hooks/webhook" "http://$at/in" < "$tmp/three"
check "the array has all" test "$(tail -1 "$got/bodies" | jq length)" = 3
for status in 301 404 429 500 503; do
	echo $status > "$got/status"
	check "webhook fails on $status" not "$hooks/webhook" "http://$at/in" < "$tmp/one"
	check "chat fails on $status" not "$hooks/chat" ntfy "http://$at/in" < "$tmp/one"
done
rm "$got/status"
check "webhook fails without a receiver" not "$hooks/webhook" http://127.0.0.1:1/ < "$tmp/one"
check "webhook fails on broken input" not "$hooks/webhook" "http://$at/in" < <(echo '{"v":')
mkdir "$tmp/secrets"
echo s3cret > "$tmp/secrets/webhook"
check "webhook sends its credential" env CREDENTIALS_DIRECTORY="$tmp/secrets" "$hooks/webhook" "http://$at/in" < "$tmp/one"
check "the credential arrived" grep -q '^Authorization: Bearer s3cret' "$got/headers"
check "deliveries can be told apart" grep -q '^Idempotency-Key: kpwatch-seoul-1-1207-1207' "$got/headers"

# chat
rm -f "$got/bodies"
check "ntfy delivers" "$hooks/chat" ntfy "http://$at/topic" < "$tmp/one"
check "ntfy message says it" grep -q '^sogwang: share button added: vk (5 -> 17)$' "$got/bodies"
check "no control characters" not grep -qP '[\x00-\x09\x0b-\x1f]|\x{202e}' "$got/bodies"
rm -f "$got/bodies"
check "slack delivers" "$hooks/chat" slack "http://$at/in" < "$tmp/three"
check "slack message is escaped" grep -q '3 events' "$got/bodies"
check "slack has no raw marks" not grep -q '<2>' "$got/bodies"

# mail: by SMTP, and by the sendmail interface
receiver smtp
check "mail delivers by SMTP" "$hooks/mail" kpwatch@a.example desk@b.example "smtp://$at" < "$tmp/three"
check "the recipient is right" grep -qi '^RCPT TO:<desk@b.example>' "$got/dialogue"
python3 - "$got/mail" > "$tmp/mail.txt" <<-'PY'
	import email, email.policy, sys
	m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
	print(m["Subject"]); print(m["Message-ID"]); print(m.get_content())
PY
check "the subject says it" grep -q '^\[kpwatch\] 3 events: 1 channel.added' "$tmp/mail.txt"
check "the text lists it" grep -q 'new channel: vk/@uri minzok' "$tmp/mail.txt"
printf '#!/bin/sh\necho "$@" > %s/args; cat > %s/sent\n' "$tmp" "$tmp" > "$tmp/sendmail"
chmod +x "$tmp/sendmail"
check "mail delivers by sendmail" env SENDMAIL="$tmp/sendmail" "$hooks/mail" kpwatch@a.example desk@b.example < "$tmp/one"
check "sendmail arguments" grep -qx -- '-i -f kpwatch@a.example -- desk@b.example' "$tmp/args"
printf '#!/bin/sh\nexit 75\n' > "$tmp/sendmail"
check "mail fails when sendmail does" not env SENDMAIL="$tmp/sendmail" "$hooks/mail" a@a.example b@b.example < "$tmp/one"

# syslog
receiver syslog
check "syslog delivers" "$hooks/syslog" -u "$at" < "$tmp/three"
for _ in $(seq 40); do [ "$(wc -l < "$got/lines" 2>/dev/null)" = 3 ] && break; sleep 0.05; done
check "syslog has a line each" test "$(wc -l < "$got/lines")" = 3
check "syslog warns of an outage" grep -q '^<28>.*sogwang: down' "$got/lines"
check "syslog fails without a receiver" not "$hooks/syslog" -u "$tmp/none" < "$tmp/one"

# atom
check "atom writes" "$hooks/atom" "$tmp/feed.xml" "News & more" http://feed.example/ 5 < "$tmp/one"
check "atom adds" "$hooks/atom" "$tmp/feed.xml" "News & more" http://feed.example/ 5 < "$tmp/three"
check "atom is well-formed" xmllint --noout "$tmp/feed.xml"
check "a repeat adds nothing" test "$(grep -c '<entry>' "$tmp/feed.xml")" = 3
for i in $(seq 10 16); do event "$i" share.added null; done > "$tmp/more"
check "atom keeps" "$hooks/atom" "$tmp/feed.xml" "News & more" http://feed.example/ 5 < "$tmp/more"
check "atom keeps the newest only" test "$(grep -c '<entry>' "$tmp/feed.xml")" = 5
before=$(sha256sum < "$tmp/feed.xml")
check "atom fails on broken input" not "$hooks/atom" "$tmp/feed.xml" "News" < <(echo '{"v":')
check "and leaves the feed" test "$(sha256sum < "$tmp/feed.xml")" = "$before"

# stix
mkdir "$tmp/stix"
check "stix writes" "$hooks/stix" "$tmp/stix" < "$tmp/three"
bundle=$tmp/stix/kpwatch-seoul-1-1207-1207.json
check "stix ids are those of STIX 2.1" python3 - "$bundle" <<-'PY'
	import json, sys, uuid
	space = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
	objects = json.load(open(sys.argv[1]))["objects"]
	keys = {"url": ["value"], "user-account": ["account_login", "account_type"]}
	seen = 0
	for o in objects:
	    if o["type"] in keys:
	        name = json.dumps({k: o[k] for k in keys[o["type"]]}, separators=(",", ":"), ensure_ascii=False)
	        assert o["id"] == "%s--%s" % (o["type"], uuid.uuid5(space, name)), (o["id"], name)
	        seen += 1
	refs = {r for o in objects for r in o.get("object_refs", [])}
	assert seen == 2 and refs <= {o["id"] for o in objects}, (seen, refs)
	assert sum(o["type"] == "observed-data" for o in objects) == 3
PY
sum=$(sha256sum < "$bundle")
check "stix again" "$hooks/stix" "$tmp/stix" < "$tmp/three"
check "a repeat is the same bytes" test "$(sha256sum < "$bundle")" = "$sum"

echo "$checks checks, $failed failed"
[ $failed = 0 ]
