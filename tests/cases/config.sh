#!/bin/bash
# `kpwatch config`: the shipped files are good, every mistake of every file is
# printed with its place, and the exit code says so.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
make_work
cd "$work" || exit 1

fresh() {
	cp "$TOP"/conf/*.yaml . && chmod 600 ./*.yaml
}

# run ARGUMENT...: sets out, err and rc.
run() {
	"$KPWATCH" config -c kpwatch.yaml "$@" >out 2>err
	rc=$?
	out=$(cat out)
	err=$(cat err)
}

fresh
run --self-test
same "shipped files: exit 0" 0 "$rc"
same "shipped files: nothing to complain" "" "$err"
for line in 'sites +172 by status' 'accounts +91 by attribution' \
    'platforms +[0-9]+ with' 'verdicts +[0-9]+ rules' 'self-test'; do
	check "prints: $line" grep -Eq "^$line" out
done
sed 's/^/# /' out

cat >kpwatch.yaml <<'Y'
vantage: one
intervals: {activ: 15m, dead: 6 hours}
network:
  allow: [10.0.0.1/8]
Y
cat >sites.yaml <<'Y'
sites:
  - {id: a, name: A, category: news, status: active, source: s,
     pages: [{name: main, url: "htp://a.example/"}]}
  - {id: a, name: B, category: news, status: active, source: s}
Y
printf 'accounts:\n  - {id: b\n' >accounts.yaml
printf 'rules: []\n' >verdicts.yaml
run
same "mistakes: exit 2" 2 "$rc"
same "mistakes: nothing else printed" "" "$out"
same "mistakes: all, each with its place" \
"kpwatch.yaml:2:13: unknown key activ
kpwatch.yaml:2:31: 'dead' must be
kpwatch.yaml:4:11: 'allow': 10.0.0.1/8 has
sites.yaml:3:32: 'url': htp://a.example/ is
sites.yaml:4:10: id 'a' is
accounts.yaml:3:1: not YAML
6 mistakes in the configuration" \
"$(sed -E "s/(unknown key [a-z]+|must be|has|is|not YAML)[ :;].*/\1/" err)"

fresh
run -o intervals.active=5m -o 'network.allow=[10.0.0.0/8]' -o proxy=
same "overrides: exit 0" 0 "$rc"
run -o intervals.active=5parsecs -o nope=1
same "bad overrides: exit 2" 2 "$rc"
check "bad overrides are named" grep -q '^-o intervals.active=5parsecs: ' err
check "every bad override is" grep -q '^-o nope=1: unknown key nope' err

fresh
chmod 666 sites.yaml
run
same "a file that others may write: exit 2" 2 "$rc"
check "and what to do about it" grep -q 'chmod go-w sites.yaml' err
same "and not that its sites are missing" "1 mistake in the configuration" \
    "$(tail -n 1 err)"
fresh
rm accounts.yaml
run
same "a missing list: exit 2" 2 "$rc"
rm kpwatch.yaml
run
same "no settings: exit 2" 2 "$rc"
same "and one mistake only" "1 mistake in the configuration" \
    "$(tail -n 1 err)"
"$KPWATCH" config --help >out
same "--help: exit 0" 0 $?
check "--help explains -o" grep -q 'KEY=VALUE' out
"$KPWATCH" config --nonsense >/dev/null 2>&1
same "unknown option: exit 2" 2 $?
finish
