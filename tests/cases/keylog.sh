#!/bin/bash
# Where the secrets of a TLS capture may come from, and what is said of them.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
captures=$KPWATCH_SHARED/captures/pcap
[ -e "$captures/synth__tls13-http11.pcap" ] || skip "no shared captures"
make_work
for v in 12 13; do
	cp "$captures/synth__tls$v-http11.pcap" "$work/$v.pcap"
	cp "$captures/synth__tls$v-http11.pcap.keylog" "$work/$v.secrets"
	cp "$captures/synth__tls$v-http11-dsb.pcapng" "$work/$v.pcapng"
done
config=$TOP/conf/kpwatch.yaml

# rows OPTION...: "status sha256" of the exchanges.
rows() {
	"$KPWATCH" inspect --json "$@" 2>"$work/err" |
	    sed -n 's/.*"status":\([0-9]*\).*"sha256":"\(.\{8\}\).*"note":\(.*\)}$/\1 \2 \3/p'
}

page12='200 2898bce5 "decrypted"'
page13='200 0e05cb3b "decrypted"'
same "no secrets: no exchange" "" "$(rows "$work/13.pcap")"
check "no secrets: said" grep -q '1 without keys' "$work/err"
same "--keylog, TLS 1.2" "$page12" \
    "$(rows --keylog "$work/12.secrets" "$work/12.pcap")"
same "--keylog twice, two captures" "$page12
$page13" "$(rows --keylog "$work/12.secrets" --keylog "$work/13.secrets" \
    "$work/12.pcap" "$work/13.pcap")"
same "secrets of another connection" "" \
    "$(rows --keylog "$work/12.secrets" "$work/13.pcap")"
same "inside the capture" "$page12
$page13" "$(rows "$work/12.pcapng" "$work/13.pcapng")"
cp "$work/13.secrets" "$work/13.pcap.keylog"
same "beside the capture" "$page13" "$(rows "$work/13.pcap")"
same "standard input" "$page13" \
    "$(rows --keylog "$work/13.secrets" - <"$work/13.pcap")"
"$KPWATCH" inspect --keylog "$work/none" "$work/13.pcap" >"$work/out" 2>&1
same "no such key log: exit 1" 1 $?
check "no such key log: said" grep -q 'none: No such file' "$work/out"
check "no such key log: the captures are read" grep -q '/tls13.html' "$work/out"
rows --keylog "$config" "$work/12.pcap" >/dev/null
check "no key log: said" grep -q 'no new TLS secrets' "$work/err"

# urls OPTION...: of the events of a replay.
urls() {
	"$KPWATCH" replay -c "$config" --all-hosts "$@" 2>"$work/err" |
	    sed -n 's/.*"url":"\([^"]*\)".*/\1/p'
}
same "replay --keylog" "https://tls.example.test/tls12.html" \
    "$(urls --keylog "$work/12.secrets" "$work/12.pcap")"
check "replay: said" grep -q '1 TLS connections: 1 decrypted' "$work/err"
same "replay, beside the capture" "https://tls.example.test/tls13.html" \
    "$(urls "$work/13.pcap")"
same "replay, inside the capture" "https://tls.example.test/tls12.html" \
    "$(urls "$work/12.pcapng")"
same "replay without secrets" "" "$(urls "$work/12.pcap")"
check "replay without secrets: said" grep -q '1 without keys' "$work/err"
finish
