#!/usr/bin/env python3
"""Compares `kpwatch inspect --json` lines with records that independent
readers agree on.  usage: warc_compare.py EXPECTED.tsv INSPECTED.jsonl [KNOWN.tsv]

Every expected record must be found once in its file with the same type, URI,
time, status and SHA-256 of the decoded payload.  Prints figures and each
difference; KNOWN.tsv (file, n, cause) lists those that are understood.
Exit 1 when less than 99 % are found or a difference is not listed."""
import csv
import json
import sys
from datetime import datetime, timezone

EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'


def instant(text):
    """Milliseconds since the epoch, or None."""
    if not text:
        return None
    try:
        stamp = datetime.fromisoformat(text.replace('Z', '+00:00'))
    except ValueError:
        return text
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=timezone.utc)
    return int(stamp.timestamp() * 1000 + 0.5)


def time_key(text):
    """Instants alike to the millisecond cut."""
    if text and '.' in text:
        head, tail = text.split('.', 1)
        digits = ''.join(c for c in tail if c.isdigit())
        text = head + '.' + (digits + '000')[:3] + '+00:00'
    return instant(text)


def expected_key(row):
    return (row['type'], row['target_uri'], time_key(row['date']),
            int(row['http_status']) if row['http_status'] else None,
            row['decoded_sha256'] or EMPTY)


def found_key(row):
    return (row['type'], row['uri'] or '', time_key(row['time']),
            row['status'], row['sha256'] or EMPTY)


def main():
    expected = list(csv.DictReader(open(sys.argv[1], encoding='utf-8'),
                                   delimiter='\t', quoting=csv.QUOTE_NONE))
    found = {}
    for line in open(sys.argv[2], encoding='utf-8'):
        row = json.loads(line)
        found.setdefault(row['file'].split('/')[-1], []).append(row)
    known = set()
    if len(sys.argv) > 3:
        for row in csv.reader(open(sys.argv[3], encoding='utf-8'),
                              delimiter='\t'):
            if row and not row[0].startswith('#') and row[0] != 'file':
                known.add((row[0], row[1]))
    good = new = 0
    for row in expected:
        rows = found.get(row['file'], [])
        want = expected_key(row)
        hit = next((r for r in rows if found_key(r) == want), None)
        if hit is not None:
            rows.remove(hit)
            good += 1
            continue
        listed = (row['file'], row['n']) in known
        new += not listed
        near = [found_key(r) for r in rows if (r['uri'] or '') ==
                row['target_uri'] and r['type'] == row['type']]
        print('%s: %s n=%s\n  want %r\n  have %r' %
              ('listed' if listed else 'NEW', row['file'], row['n'], want,
               near[:2]))
    share = 100.0 * good / len(expected)
    print('# figure: %d of %d records found alike (%.2f %%), %d differences not '
          'listed' % (good, len(expected), share, new))
    print('%sok 2 - archive records against other readers' %
          ('' if share >= 99.0 and new == 0 else 'not '))
    return 0 if share >= 99.0 and new == 0 else 1


sys.exit(main())
