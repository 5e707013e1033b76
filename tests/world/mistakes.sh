#!/bin/bash
# What an operator gets wrong: one clear line that says what to do, the right
# exit code, nothing half done.
here=$(dirname "$0")
. "$here/../lib.sh"
"$KPWATCH" run --help >/dev/null 2>&1 || skip "no run command"
if [ -z "${IN_NAMESPACE:-}" ]; then
	export IN_NAMESPACE=1
	exec "$here/enter.sh" "$0"
fi
cd "$TOP" || exit 1
ip link set lo up
work=$WORLD
mkdir "$work/conf"
cp conf/*.yaml "$work/conf"
conf=$work/conf/kpwatch.yaml
# Nothing is to be watched for real: one site at a long interval.
quiet=(-o intervals.active=1d -o intervals.dead=1d -o intervals.accounts=1d
    -o "network.name_servers=[127.0.0.1]")

# refused NAME CODE PATTERN COMMAND...: ends by itself within five seconds with
# that code and a line on standard error that fits.
refused() {
	local name=$1 code=$2 pattern=$3 got

	shift 3
	timeout 5 "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	if [ $got = "$code" ] && grep -qE "$pattern" "$work/err"; then
		ok "$name"
	else
		not_ok "$name"
		echo "# exit $got, wanted $code and $pattern"
		sed 's/^/# /' "$work/err" | head -n 10
	fi
}

refused "no such configuration" 2 "missing.yaml" \
    "$KPWATCH" run -c "$work/missing.yaml" -s "$work/s1"
check "nothing was made for it" test ! -e "$work/s1"
sed -i 's/^vantage: .*/vantage: [a, b]\nvolume: 11/' "$conf"
refused "a broken configuration" 2 "kpwatch.yaml:[0-9]+:[0-9]+: .*" \
    "$KPWATCH" run -c "$conf" -s "$work/s1"
check "both mistakes are named" test "$(grep -c yaml: "$work/err")" -ge 2
check "nothing was made for it" test ! -e "$work/s1"
cp conf/kpwatch.yaml "$conf"
refused "an override that is no key" 2 "intervals.often" \
    "$KPWATCH" run -c "$conf" -s "$work/s1" -o intervals.often=1s
echo "a file" >"$work/file"
refused "a state folder that is a file" 1 "$work/file" \
    "$KPWATCH" run -c "$conf" -s "$work/file" "${quiet[@]}"
refused "a state folder that cannot be made" 1 "proc" \
    "$KPWATCH" run -c "$conf" -s /proc/none "${quiet[@]}"
refused "no such command" 2 "no command 'rum'" "$KPWATCH" rum
refused "an option that is none" 2 "usage|option" \
    "$KPWATCH" run --frobnicate
refused "a target that is none" 2 "nosuchsite" \
    "$KPWATCH" check -c "$conf" nosuchsite

"$KPWATCH" run -c "$conf" -s "$work/state" "${quiet[@]}" \
    >"$work/first" 2>&1 </dev/null &
first=$!
for _ in $(seq 600); do
	[ -e "$work/state" ] && grep -q watching "$work/first" && break
	sleep 0.1
done
check "a first daemon runs" grep -q watching "$work/first"
refused "a second daemon on the same state" 1 "$work/state|already|another" \
    "$KPWATCH" run -c "$conf" -s "$work/state" "${quiet[@]}"
check "the first still runs" kill -0 $first

# A reload with mistakes keeps the old configuration and says so.
echo "volume: 11" >>"$conf"
kill -HUP $first
for _ in $(seq 50); do
	grep -q "old one" "$work/first" && break
	sleep 0.1
done
check "a broken reload is reported" grep -q "old one" "$work/first"
check "and the daemon goes on" kill -0 $first
kill -TERM $first
wait $first
same "ends with 0 on SIGTERM" 0 $?
finish
