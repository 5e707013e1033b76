#!/bin/bash
# The Debian package: built, looked at by lintian, installed in a clean root
# of this release made by debootstrap, tried there, removed and purged.  The
# archive is the one that this machine's apt uses.  Minutes, and as root.
set -u
. "$(dirname "$0")/../lib.sh"
[ "$(id -u)" = 0 ] || skip "not root"
PATH=$PATH:/usr/sbin:/sbin
for tool in debootstrap dh lintian unshare; do
	command -v $tool >/dev/null || skip "no $tool"
done
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' \
	'Created-By: Packages' | awk -v s="$suite" '$1 == s { print $2; exit }')
[ -n "$mirror" ] || skip "apt has no archive of this release"
proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
[ -z "$proxy" ] || export http_proxy=$proxy
# Whatever is mounted in the root goes with the name space.
[ "${1:-}" = inside ] || exec unshare --mount --pid --fork --kill-child "$0" inside

work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
root=$work/root
finish_all() {
	umount -R "$root/proc" "$root/sys" 2>/dev/null
	rm -rf --one-file-system "$work"
}
trap finish_all EXIT

"$TOP/contrib/debian/build.sh" > "$work/build.log" 2>&1
built=$?
check "it builds, and lintian finds nothing" test $built = 0
[ $built = 0 ] || { tail -n 30 "$work/build.log" | sed 's/^/# /'; finish; }
deb=$(ls "$TOP"/build/deb/kpwatch_*.deb)

debootstrap --variant=minbase "$suite" "$root" "$mirror" > "$work/boot.log" 2>&1 ||
	{ tail -n 5 "$work/boot.log" | sed 's/^/# /'; die "debootstrap"; }
# The same places to fetch from, and no service that starts.
rm -f "$root"/etc/apt/sources.list
cp -a /etc/apt/sources.list* "$root/etc/apt/" 2>/dev/null
cp -a /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null
cp -aL /usr/share/keyrings/. "$root/usr/share/keyrings/"
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
cp "$deb" "$root/tmp/kpwatch.deb"

inside() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		${http_proxy:+http_proxy="$http_proxy"} DEBIAN_FRONTEND=noninteractive "$@"
}
apt() {
	inside apt-get -y -q --no-install-recommends "$@" > "$work/apt.log" 2>&1 ||
		{ tail -n 15 "$work/apt.log" | sed 's/^/# /'; return 1; }
}
# What there is outside of the package tools' own records.
tree() {
	inside find / -xdev \( -path /proc -o -path /tmp -o -path /var/lib/dpkg \
		-o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
		-o -path /var/lib/systemd \) -prune -o -print | sort
}
apt update || die "apt-get update in the root"
# What it depends on first: the rest is the package alone.
deps=$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
# shellcheck disable=SC2086
apt install $deps || die "its dependencies"
tree > "$work/before"
cp "$root/etc/passwd" "$work/passwd"
check "it installs" apt install /tmp/kpwatch.deb
check "the program runs" inside kpwatch --version
check "kpwatch config accepts what came with it" inside kpwatch config
same "the configuration is the operator's" \
	"accounts.yaml kpwatch.yaml platforms.yaml sites.yaml verdicts.yaml" \
	"$(inside dpkg-query -W -f '${Conffiles}\n' kpwatch |
	sed -n 's|^ /etc/kpwatch/\([^ ]*\) .*|\1|p' | sort | xargs)"
units="$root/lib/systemd/system"
for unit in kpwatch.service kpwatch@.service; do
	program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$units/$unit")
	check "$unit starts a program that is there" test -x "$root$program"
	check "$unit waits for the operator" test -z \
		"$(find "$root/etc/systemd" -name "$unit")"
done
for page in kpwatch.8 kpwatch.yaml.5 kpwatch-platforms.5 kpwatch-hooks.7 kpwatch-log.5; do
	check "manual page $page" gzip -t "$root/usr/share/man/man${page##*.}/$page.gz"
done
for hook in "$TOP"/contrib/hooks/*; do
	[ -x "$hook" ] || continue
	check "hook $(basename "$hook")" test -x "$root/usr/lib/kpwatch/hooks/$(basename "$hook")"
done
check "completion of bash" test -s "$root/usr/share/bash-completion/completions/kpwatch"
check "the drop-in for packets" test -s "$root/usr/share/kpwatch/packets.conf"

# The daemon as installed, in a network with nothing in it.
inside unshare --net sh -c 'kpwatch run -s /tmp/state & p=$!
	for i in $(seq 300); do
		[ -e /tmp/state/kpwatch.sqlite ] && kpwatch status -s /tmp/state && break
		sleep 0.1
	done; sleep 1; kill -TERM $p; wait $p' > "$work/run.log" 2>&1
same "the daemon starts and ends there" 0 $?
check "and watched" grep -q 'watching [0-9]* targets' "$work/run.log"

echo "# of the operator" >> "$root/etc/kpwatch/kpwatch.yaml"
check "it installs again" apt install --reinstall /tmp/kpwatch.deb
check "what the operator wrote stays" grep -q 'of the operator' "$root/etc/kpwatch/kpwatch.yaml"
check "it is removed" apt remove kpwatch
tree > "$work/removed"
same "the configuration stays, and nothing else" "/etc/kpwatch" \
	"$(comm -13 "$work/before" "$work/removed" | grep -v '^/etc/kpwatch/')"
check "what the operator wrote stays still" grep -q 'of the operator' "$root/etc/kpwatch/kpwatch.yaml"
check "it is purged" apt purge kpwatch
tree > "$work/purged"
same "nothing is left, and nothing missing" "" "$(comm -3 "$work/before" "$work/purged")"
check "no user was added" cmp "$work/passwd" "$root/etc/passwd"

# The mail hook and a mail server of the distribution's own, as it comes: on
# loopback, local delivery only.
check "a mail server installs" apt install exim4-daemon-light iproute2 curl jq /tmp/kpwatch.deb
inside useradd -m desk
cat > "$root/tmp/event" <<'EOT'
{"v":1,"seq":7,"time":"2019-01-14T06:00:03.120Z","type":"channel.added","target":"sogwang","vantage":"seoul-1","source":"live","page":"main","url":"http://sogwang.example/","platform":"vk","name":"보내기","before":5,"after":6,"evidence":null,"prev":null}
EOT
cat > "$root/tmp/mail.yaml" <<'EOT'
vantage: mail
network: {name_servers: ["127.0.0.1:9"]}
hooks:
  - {name: desk, command: /usr/lib/kpwatch/hooks/mail, types: ["monitor.*"],
     args: [kpwatch@localhost, desk@localhost, "smtp://127.0.0.1"]}
EOT
cp "$root"/etc/kpwatch/[apsv]*.yaml "$root/tmp/"
cat > "$root/tmp/mail.sh" <<'EOT'
ip link set lo up
hook=/usr/lib/kpwatch/hooks/mail
export KPWATCH_SEQ=7 KPWATCH_LAST_SEQ=7 KPWATCH_VANTAGE=seoul-1
$hook kpwatch@localhost desk@localhost smtp://127.0.0.1 < /tmp/event ||
	echo refused
exim4 -bd -q5s
touch /var/mail/desk
chown desk:mail /var/mail/desk
until_mails() { # COUNT
	for i in $(seq 300); do
		[ "$(grep -c '^Message-I[Dd]: <kpwatch' /var/mail/desk 2>/dev/null)" -ge "$1" ] && return
		sleep 0.1
	done
	return 1
}
$hook kpwatch@localhost desk@localhost < /tmp/event && until_mails 1 && echo sendmail
$hook kpwatch@localhost desk@localhost smtp://127.0.0.1 < /tmp/event &&
	until_mails 2 && echo smtp
kpwatch run -c /tmp/mail.yaml -s /tmp/mailed & p=$!
until_mails 3 && echo daemon
kill -TERM $p
wait $p
kpwatch hooks -c /tmp/mail.yaml -s /tmp/mailed
EOT
inside unshare --net sh /tmp/mail.sh > "$work/mail.log" 2>&1
for way in sendmail smtp refused daemon; do
	check "mail to a mailbox: $way" grep -qx $way "$work/mail.log"
done
python3 - "$root/var/mail/desk" > "$work/mails" 2>&1 <<'EOT'
import email, email.policy, mailbox, sys
read = lambda f: email.message_from_binary_file(f, policy=email.policy.default)
for m in mailbox.mbox(sys.argv[1], factory=read):
    print(m["Subject"], "|", m["From"], "|", m.get_content().splitlines()[0])
EOT
check "a mail says what happened" grep -q 'vk/보내기.*kpwatch@localhost' "$work/mails"
same "three mails came" 3 "$(wc -l < "$work/mails")"
[ "$failures" = 0 ] || tail -n 20 "$work/run.log" "$work/mail.log" "$work/mails" | sed 's/^/# /'
finish
