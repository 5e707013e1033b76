"""Gathers the figures of a bench log into one table and a JSON file.

	table.py LOG JSON

Exit 1 when one falls short of its bar.
"""
import json
import sys

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

form = "%-52s %10s %-6s %9s  %-26s %-7s %s"
print(form % ("figure", "value", "", "ratio to", "", "bar", ""))
for r in rows:
    print(form % (
        r["name"], "%.4g" % r["value"], r["unit"],
        "" if r["ratio"] is None else "%.3g" % r["ratio"], r["peer"] or "",
        r["bar"] or "",
        {None: "", True: "reached", False: "SHORT"}[r["reached"]]))
print("Load averages at the end: %s; a busy machine makes slow figures."
      % open("/proc/loadavg").read().rpartition(" ")[0])
print("%d figures, %d short of their bar" % (len(rows), short))
with open(sys.argv[2], "w") as f:
    json.dump(rows, f, indent=1, ensure_ascii=False)
    f.write("\n")
sys.exit(short > 0)
