"""Many archives at once, whose records come by turns: the events are those of
one archive that holds them all, and memory does not grow with their number.

	many_archives.py WORK
"""
import glob
import gzip
import json
import os
import random
import subprocess
import sys
import time

FILES, RECORDS = 240, 6
work = sys.argv[1]
program = os.environ["KPWATCH"]
top = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
rng = random.Random(5)
words = ["%x" % rng.getrandbits(40) for _ in range(4000)]
cases = failed = 0


def check(name, good, *notes):
    global cases, failed
    cases += 1
    failed += not good
    print("%s %d - %s" % ("ok" if good else "not ok", cases, name))
    for note in notes if not good else ():
        print("# %s" % (note,))


def record(kind, date, block, more=""):
    return ("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Date: %s\r\n%s"
            "Content-Length: %d\r\n\r\n" % (kind, date, more, len(block))
            ).encode() + block + b"\r\n\r\n"


def visit(site, when, request_first):
    """The records of one visit, as one text each."""
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1577836800 + when))
    uri = ("WARC-Target-URI: http://s%d.test/\r\nContent-Type: "
           "application/http; msgtype=" % site)
    text = " ".join(rng.choices(words, k=4500))
    response = record("response", date, (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
        "<!DOCTYPE html><title>%d</title><p>%s" % (when, text)).encode(),
        uri + "response\r\n")
    request = record("request", date, b"GET / HTTP/1.1\r\nHost: s.test\r\n"
                     b"If-None-Match: \"x\"\r\n\r\n", uri + "request\r\n")
    return [request, response] if request_first else [response, request]


def write(path, records, form):
    with open(path, "wb") as out:
        for r in records:
            out.write(gzip.compress(r, 1) if form == "members" else r)
    if form == "stream":
        with open(path, "rb") as f:
            whole = gzip.compress(f.read(), 1)
        with open(path, "wb") as f:
            f.write(whole)


def replay(*files):
    """(output, standard error, peak of the reader in MiB)"""
    p = subprocess.Popen([program, "replay", "-c", top + "/conf/kpwatch.yaml",
                          "--all-hosts", *files], stdout=open(
                              work + "/out", "w"),
                         stderr=open(work + "/err", "w"))
    peak = 0
    while p.poll() is None:
        for status in glob.glob("/proc/[0-9]*/status"):
            try:
                with open(status) as f:
                    text = f.read()
                if "\nPPid:\t%d\n" % p.pid not in text:
                    continue
                with open(status[:-6] + "cmdline") as f:
                    if "role=reader" not in f.read():
                        continue
                peak = max(peak, int(text.split("VmHWM:")[1].split()[0]))
            except (OSError, IndexError):
                pass
        time.sleep(0.05)
    with open(work + "/out") as f, open(work + "/err") as e:
        return f.read(), e.read(), peak / 1024, p.returncode


def comparable(text):
    found = []
    for line in text.splitlines():
        e = json.loads(line)
        e["evidence"].pop("warc", None)
        e["evidence"].pop("offset", None)
        del e["prev"]
        found.append(json.dumps(e))
    return found


everything, names = [], []
for i in range(FILES):
    form = ("plain", "stream")[i // 40 % 2] if i % 40 == 0 else "members"
    mine = [record("warcinfo", "2024-01-01T00:00:00Z", b"software: x\r\n")]
    for k in range(RECORDS):
        when = k * FILES + (i * 7 + k * 31) % FILES  # no two at once
        records = visit(i % 30, when, i % 3 != 0)
        everything.append((when, records))
        mine += records
    names.append("%s/%03d.warc%s" % (work, i, "" if form == "plain"
                                     else ".gz"))
    write(names[-1], mine, form)
everything.sort(key=lambda x: x[0])
write(work + "/all.warc.gz", [r for x in everything for r in x[1]], "members")

want, said, alone, code = replay(work + "/all.warc.gz")
check("one archive: exit 0", code == 0, said)
want = comparable(want)
check("one archive: events", len(want) > FILES, len(want))
got, said, peak, code = replay(*names)
check("many archives: exit 0", code == 0, said)
got = comparable(got)
check("many archives: the same events", want == got, len(want), len(got),
      *[x for x in zip(want, got) if x[0] != x[1]][:1])
check("many archives: every record once", "%d records, %d exchanges" % (
    FILES * (1 + 2 * RECORDS), FILES * RECORDS) in said, said)
print("# figure: reader: %.0f MiB for %d archives, %.0f MiB for one"
      % (peak, FILES, alone))
if "address" not in program:
    # All of them open would take a third of a MiB each, at least.
    check("many archives: memory is bounded", 0 < peak < 70, peak)

# Damage is said once, however often its place is read.
with open(names[3], "r+b") as f:
    f.seek(os.path.getsize(names[3]) // 2)
    f.write(b"\0" * 64)
shorter = os.path.getsize(names[5]) - 1000
os.truncate(names[5], shorter)
got, said, peak, code = replay(*names)
check("damaged: exit 1", code == 1, said)
check("damaged: two files", "%d files (2 damaged)" % FILES in said, said)
lines = [x for x in said.splitlines() if "/003.warc" in x or "/005.warc" in x]
check("damaged: said", any("003" in x for x in lines) and
      any("005" in x for x in lines), said)
check("damaged: said once", len(lines) == len(set(lines)), lines)
print("1..%d" % cases)
sys.exit(failed > 0)
