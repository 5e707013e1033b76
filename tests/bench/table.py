"""Gathers the figures of a bench log into one table and a JSON file.

	table.py LOG JSON [whole]

Exit 1 when one falls short of its bar.  `whole`: all benches ran; a figure
that none of them gave is in the table too, as missing, and falls short.
"""
import json
import sys

# Name, and peer where there are several.
LOADS = ", %d targets a minute"
WANTED = [
    ("fetches per CPU second, pages unchanged", peer) for peer in (
        "bare libcurl loop", "wrk", "blackbox_exporter", "urlwatch")] + [
    ("fetches per CPU second, pages %s" % kind, None)
    for kind in ("not modified", "changed")] + [
    ("%s, pages %s" % (name, kind), None)
    for name in ("CPU per 1,000 fetches", "fetch rate")
    for kind in ("unchanged", "not modified", "changed")] + [
    ("analysis, whole", "libxml2 (SAX, links)"),
    ("analysis, whole", "Gumbo (tree, no walk)"), ("classify", None),
    ("pcap: bodies, speed", "tcpflow -e http"),
    ("pcap: bodies, speed", "tshark"),
    ("WARC: replay, digests checked", "zcat | sha256sum"),
    ("WARC: replay", "npm warcio"),
    ("change log, bytes", None), ("change log, bytes per event", None),
    ("store, bytes per event", None)] + [
    (name + LOADS % n, None) for n in (1000, 10000) for name in (
        "schedule lag p50", "schedule lag p99", "event-loop delay, worst",
        "memory busy (PSS)", "log and store per unchanged look")] + [
    ("memory idle (PSS), 10000 targets", None),
    ("start with 10,000 targets, 1,000,000 sightings", None)]

rows, short = [], 0
for line in open(sys.argv[1], errors="replace"):
    words = line.rstrip("\n").split("\t")
    if words[0] != "# bench:" or len(words) != 7:
        continue
    name, value, unit, ratio, peer, bar = words[1:]
    row = {"name": name, "value": float(value), "unit": unit,
           "ratio": None if ratio == "-" else float(ratio),
           "peer": None if peer == "-" else peer,
           "bar": None if bar == "-" else bar, "reached": None}
    if row["bar"] and row["ratio"] is not None:
        limit = float(bar[2:])
        row["reached"] = row["ratio"] >= limit if bar.startswith(">=") \
            else row["ratio"] <= limit
        short += not row["reached"]
    rows.append(row)

for name, peer in WANTED if sys.argv[3:] == ["whole"] else []:
    if not any(r["name"] == name and peer in (None, r["peer"]) for r in rows):
        rows.append({"name": name, "value": None, "unit": "", "ratio": None,
                     "peer": peer, "bar": None, "reached": False})
        short += 1

form = "%-52s %10s %-6s %9s  %-26s %-7s %s"
print(form % ("figure", "value", "", "ratio to", "", "bar", ""))
for r in rows:
    print(form % (
        r["name"], "missing" if r["value"] is None else "%.4g" % r["value"],
        r["unit"],
        "" if r["ratio"] is None else "%.3g" % r["ratio"], r["peer"] or "",
        r["bar"] or "",
        {None: "", True: "reached", False: "SHORT"}[r["reached"]]))
print("Load averages at the end: %s; a busy machine makes slow figures."
      % open("/proc/loadavg").read().rpartition(" ")[0])
print("%d figures, %d short of their bar" % (len(rows), short))
for r in rows:  # JSON has no infinity
    for key in ("value", "ratio"):
        if r[key] == float("inf"):
            r[key] = None
with open(sys.argv[2], "w") as f:
    json.dump(rows, f, indent=1, ensure_ascii=False, allow_nan=False)
    f.write("\n")
sys.exit(short > 0)
