"""A catalogue of many targets, each looked at once a minute: lateness of
looks, delay of the event loop, bytes on disk of unchanged looks, then a start
on a state that knows a million sightings.

	schedule.py TARGETS
"""
import glob
import os
import sqlite3
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../world"))
sys.path.insert(0, HERE)
import figures
import many
import probe
import world

TARGETS = int(sys.argv[1])
SECONDS = int(os.environ.get("BENCH_SCHEDULE_SECONDS", "60"))
SIGHTINGS = 1000000
LAG_MS, START_S, BYTES = 50, 1, 60


def metrics():
    text = urllib.request.urlopen("http://127.0.0.1:9464/metrics").read()
    found = {}
    for line in text.decode().splitlines():
        if line.startswith("kpwatch_"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def quantile(before, after, q):
    """Milliseconds, by interpolation inside a step of the histogram."""
    steps = []
    for name in after:
        if name.startswith("kpwatch_look_delay_seconds_bucket"):
            le = name.split('"')[1]
            steps.append((float("inf") if le == "+Inf" else float(le) * 1e3,
                          after[name] - before.get(name, 0)))
    total, low, seen = steps[-1][1], 0.0, 0.0
    for high, count in steps:
        if count >= q * total:
            part = (q * total - seen) / max(count - seen, 1)
            return low + (high - low) * part if high != float("inf") \
                else float("inf")
        low, seen = high, count
    return float("inf")


def disk(state):
    """Bytes in use: of the database without its free pages and with what
    the write-ahead log would add, of the change log."""
    db = sqlite3.connect(state + "/kpwatch.sqlite")
    used = db.execute("SELECT (page_count - freelist_count) * page_size FROM "
                      "pragma_page_count, pragma_freelist_count, "
                      "pragma_page_size").fetchone()[0]
    looks = db.execute("SELECT count(*) FROM observations").fetchone()[0]
    db.close()
    return looks, used + sum(os.path.getsize(p)
                             for p in glob.glob(state + "/log/*.gz"))


def wait_looks(p, state, count):
    end = time.monotonic() + 420
    while time.monotonic() < end and p.alive():
        time.sleep(1)
        try:
            if disk(state)[0] >= count:
                return
        except sqlite3.OperationalError:
            pass
    raise RuntimeError("no %d looks:\n%s" % (count, p.tail()))


def fill(state):
    """Sightings until there are a million."""
    db = sqlite3.connect(state + "/kpwatch.sqlite")
    targets = [r[0] for r in db.execute("SELECT target FROM targets")]
    each = SIGHTINGS // len(targets)
    for t in targets:
        page = db.execute("SELECT page FROM pages WHERE target = ?",
                          (t,)).fetchone()[0]
        db.executemany(
            "INSERT INTO sightings(target, kind, platform, name, url, "
            "element, text, count, present, first_seen, last_seen) VALUES("
            "?, 'channel', 'youtube', ?, 'https://www.youtube.com/', 'a', "
            "'x', 1, 1, 1, 1)", ((t, "@n%d" % n) for n in range(each)))
        db.execute("INSERT INTO places(sighting, page, missing, first_seen, "
                   "last_seen) SELECT sighting, ?, 0, 1, 1 FROM sightings "
                   "WHERE target = ? AND name LIKE '@n%'",
                   (page, t))
    db.commit()
    db.close()


def start_time(p, last):
    """Seconds from the start of the program to its first new look."""
    began = time.monotonic()
    p.start()
    while time.monotonic() - began < 60:
        with open(p.output, errors="replace") as f:
            f.seek(last)
            if "watching" in f.read():
                break
        time.sleep(0.002)
    return time.monotonic() - began


def main():
    w = world.World(os.environ["WORLD"])
    w.start()
    state = os.path.join(w.folder, "state")
    p = probe.Probe(w, state, conf=many.catalogue(w, TARGETS), **{
        "intervals.active": "60s", "intervals.spacing": "0s",
        "record.warc": "false",
        "metrics.listen": "127.0.0.1:9464"})
    p.start()
    try:
        # The first, three that learn what the page changes by itself, and
        # one that finds nothing new.
        wait_looks(p, state, 5 * TARGETS)
        time.sleep(6)
        before, looks, delay = metrics(), disk(state), 0.0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(4)
            delay = max(delay, metrics()["kpwatch_loop_delay_seconds"])
        time.sleep(5)
        after, later = metrics(), disk(state)
        memory = p.memory_kib() / 1024
    finally:
        if p.stop() != 0:
            print(p.tail())
    tag = ", %d targets a minute" % TARGETS
    p50, p99 = (quantile(before, after, q) for q in (0.5, 0.99))
    figures.bench("schedule lag p50" + tag, p50, "ms", p50 / LAG_MS,
                  "limit %d ms" % LAG_MS)
    figures.bench("schedule lag p99" + tag, p99, "ms", p99 / LAG_MS,
                  "limit %d ms" % LAG_MS, "<=1")
    figures.bench("event-loop delay, worst" + tag, delay * 1e3, "ms",
                  delay * 1e3 / LAG_MS, "limit %d ms" % LAG_MS)
    figures.bench("memory busy (PSS)" + tag, memory, "MiB", memory / 160,
                  "limit 160 MiB", "<=1")
    each = (later[1] - looks[1]) / max(1, later[0] - looks[0])
    figures.bench("log and store per unchanged look" + tag, each, "bytes",
                  each / BYTES, "limit %d bytes" % BYTES, "<=1")
    if TARGETS >= 10000:
        fill(state)
        at = os.path.getsize(p.output)
        took = start_time(p, at)
        p.stop()
        figures.bench("start with 10,000 targets, 1,000,000 sightings", took,
                      "s", took / START_S, "limit %d s" % START_S, "<=1")
    w.stop()


main()
