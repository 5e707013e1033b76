#!/bin/bash
# A damaged database is named: by the commands that read it, which never say
# less than before and that this is all; and by the daemon, which ends instead
# of waiting for a disk that is in order.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
/usr/bin/python3 -c 'import sqlite3' 2>/dev/null || skip "no python3 sqlite3"
make_work
cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
echo "accounts: []" > "$work/accounts.yaml"
cat > "$work/sites.yaml" <<EOT
sites:
  - {id: shut, name: Shut, category: news, status: active, source: test,
     pages: [{name: main, url: "http://127.0.0.1:9/"}]}
EOT
cat > "$work/kpwatch.yaml" <<EOT
intervals: {active: 1s, retry_first: 1s, retry_max: 1s, spacing: 0s}
network: {allow: [127.0.0.0/8], name_servers: ["127.0.0.1:9"]}
limits: {analysers: 1}
hooks: [{name: all, command: /bin/true, types: ["*"]}]
EOT
/usr/bin/python3 "$TOP/tests/cases/damaged_database.py" "$KPWATCH" "$work"
