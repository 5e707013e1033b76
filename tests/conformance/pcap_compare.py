#!/usr/bin/env python3
"""Compares `kpwatch inspect --json` with expected HTTP bodies.

usage: pcap_compare.py KPWATCH CAPTURES DIFFERENCES [--list]

Three tests: no capture makes the program crash or hang; at least 99 % of the
bodies that two tools agree on are found with their status and SHA-256; every
row of known truth is.  A row that is not found has to stand in DIFFERENCES
(file, what, cause, how checked) or the test fails."""
import collections
import csv
import json
import os
import subprocess
import sys

EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
program, captures, differences = sys.argv[1:4]
listing = '--list' in sys.argv


def rows(name):
    with open(os.path.join(captures, 'expected', name), newline='') as f:
        return list(csv.DictReader(f, delimiter='\t',
                                   quoting=csv.QUOTE_NONE))


def inspect(path):
    try:
        p = subprocess.run([program, 'inspect', '--json', path],
                           capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None, 'hang', ''
    lines = [json.loads(x) for x in p.stdout.decode().splitlines()]
    bad = '' if p.returncode in (0, 1) else 'exit %d' % p.returncode
    return lines, bad, p.stderr.decode(errors='replace')


def flagged_enough(row, lines):
    """No exact truth: the exchange has to be there, and not called whole."""
    note = row.get('note') or ''
    if 'no exact truth' not in note and 'no response' not in note:
        return False
    return any(x['target'] == row['uri'] and not x['complete'] and x['note']
               for x in lines)


def main():
    folder = os.path.join(captures, 'pcap')
    names = sorted(n for n in os.listdir(folder)
                   if not n.endswith(('.keylog', '.rsakey')))
    found = {}
    crashed = []
    for n in names:
        lines, bad, err = inspect(os.path.join(folder, n))
        if bad:
            crashed.append('%s: %s %s' % (n, bad, err[-300:]))
        found[n] = lines or []
    known = set()
    if os.path.exists(differences):
        with open(differences) as f:
            for line in f:
                known.add(tuple(line.rstrip('\n').split('\t')[:2]))

    failures = []

    def compare(title, expected, share):
        have = {n: collections.Counter((x['status'], x['sha256'])
                                       for x in found[n]) for n in found}
        missing = []
        for r in expected:
            status = int(r['status'] or 0)
            key = (status, r['body_sha256'])
            if flagged_enough(r, found[r['capture']]):
                continue
            c = have.get(r['capture'], collections.Counter())
            if c[key] > 0:
                c[key] -= 1
                continue
            where = r.get('uri') or ''
            what = '%s %d %s' % (where[:60], status, r['body_sha256'][:12])
            missing.append((r['capture'], what))
        ok = len(expected) - len(missing)
        print('# %s: %d of %d (%.2f %%)' % (title, ok, len(expected),
                                            100 * ok / len(expected)))
        unknown = [m for m in missing if m not in known]
        for m in (missing if listing else unknown):
            print('#   %s\t%s' % m)
        if ok < share * len(expected):
            failures.append('%s: too few' % title)
        if unknown:
            failures.append('%s: %d differences not in the table' %
                            (title, len(unknown)))

    print('1..3')
    compare('bodies that two tools agree on', rows('http_firm.tsv'), 0.99)
    compare('bodies known by construction', rows('synth_truth.tsv'), 1)
    print('# %d captures, %d exchanges' %
          (len(names), sum(len(v) for v in found.values())))
    for c in crashed:
        print('#   ' + c)
    for number, (title, bad) in enumerate((('robust', crashed), ('agreed bodies',
            [f for f in failures if 'agree' in f]),
            ('known bodies', [f for f in failures if 'known' in f])), 1):
        print('%s %d - %s%s' % ('not ok' if bad else 'ok', number, title,
                                ': ' + '; '.join(bad[:3]) if bad else ''))
    return 1 if crashed or failures else 0


sys.exit(main())
