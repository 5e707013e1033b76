"""Captures read, beside others that read the same files.

	replay.py WORK KPWATCH SHARED

WORK holds `bare` (bare_bodies.c) and, where npm could fetch it, warcio.
Every candidate reads the file once before it counts, and then three times,
in turn with the others; the best counts.
"""
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures

work, program, shared = sys.argv[1:4]
PCAP_MB = os.environ.get("BENCH_PCAP_MB", "1024")
WARC_MB = os.environ.get("BENCH_WARC_MB", "500")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
perf = os.path.join(shared, "captures/perf")
pcap = os.path.join(work, "bench.pcap")
warc = os.path.join(work, "bench.warc.gz")


def generate():
    for script, out, size in (("gen_pcap.py", pcap, PCAP_MB),
                              ("gen_warc.py", warc, WARC_MB)):
        subprocess.run([sys.executable, os.path.join(perf, script), out, size],
                       check=True, stdout=subprocess.DEVNULL)


def run(command, cwd=work, codes=(0,)):
    """Seconds and peak KiB of a command with its output thrown away."""
    start = time.monotonic()
    p = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode not in codes:
        sys.exit("%s: exit %d" % (command[0], p.returncode))
    return time.monotonic() - start, usage.ru_maxrss


def bare():
    out = subprocess.run([os.path.join(work, "bare"), "bodies"], cwd=work,
                         check=True, capture_output=True, text=True)
    return float(out.stdout), 0


def tcpflow():
    took = run(["tcpflow", "-q", "-e", "http", "-r", pcap, "-o", "flows"])
    shutil.rmtree(os.path.join(work, "flows"))
    return took


def best(candidates):
    """The shortest time and the largest memory of each, in turns."""
    results = {}
    for name, f, rounds in candidates:
        results[name] = []
    for i in range(ROUNDS + 1):
        for name, f, rounds in candidates:
            if i < rounds:
                took = f()
                if i > 0 or rounds == 1:
                    results[name].append(took)
    return {n: (min(t[0] for t in r), max(t[1] for t in r))
            for n, r in results.items()}


def write_bodies():
    """The bodies of the capture as they were sent, for the bare loop: from
    the same pages by the same choice, found by their hash."""
    import glob
    import gzip
    import hashlib
    import struct
    pages = {}
    for path in glob.glob(os.path.join(shared, "captures/html/*.html.gz")):
        page = gzip.open(path).read()
        pages[hashlib.sha256(page).hexdigest()] = [page, None]
    lines = subprocess.run([program, "inspect", "--json", pcap], check=True,
                           capture_output=True, text=True).stdout
    truth = [l.rstrip("\n").split("\t")
             for l in open(pcap[:-5] + ".truth.tsv")][1:]
    want = sorted((t[2], t[3], t[5]) for t in truth)
    import json
    have = sorted((x["host"], x["target"], x["sha256"])
                  for x in map(json.loads, lines.splitlines()))
    if want != have:
        sys.exit("the bodies that were found are not those that were sent")
    figures.note("%d responses, every body as sent" % len(have))
    stats = json.load(open(pcap[:-5] + ".truth.json"))
    share = stats["gzip"] / stats["responses"]
    debt = 0.0
    with open(os.path.join(work, "bodies"), "wb") as out:
        for t in truth:
            page = pages[t[5]]
            debt += share
            coded = debt >= 1
            if coded:
                debt -= 1
                if page[1] is None:
                    page[1] = gzip.compress(page[0], 6, mtime=0)
            body = page[1] if coded else page[0]
            out.write(struct.pack("<IB", len(body), coded) + body)


def captures():
    write_bodies()
    r = best([("kpwatch", lambda: run([program, "inspect", "--json", pcap]),
               ROUNDS + 1),
              ("bare", bare, ROUNDS + 1),
              ("tcpflow", tcpflow, 2),
              ("tshark", lambda: run(
                  ["tshark", "-n", "-q", "-r", pcap, "--export-objects",
                   "http,objects"]), 1)])
    mb = os.path.getsize(pcap) / 1e6
    ours, memory = r["kpwatch"]
    figures.bench("pcap to decoded, hashed bodies", mb / ours, "MB/s")
    for name, peer, bar in (("tcpflow", "tcpflow -e http", ">=4"),
                            ("tshark", "tshark", ">=15")):
        figures.bench("pcap: bodies, speed", mb / r[name][0], "MB/s",
                      r[name][0] / ours, peer, bar)
    figures.bench("pcap: bodies, time", ours, "s", ours / r["bare"][0],
                  "inflate and hash, 2 cores", "<=1.5")
    figures.bench("pcap: peak memory", memory / 1024, "MiB",
                  memory / 1024 / 128, "128 MiB", "<=1")


def archives():
    candidates = [
        ("inspect", lambda: run([program, "inspect", "--json", warc]),
         ROUNDS + 1),
        ("replay", lambda: run([program, "replay", "-c", "conf/kpwatch.yaml",
                                warc], cwd=os.path.dirname(program),
                               # the generator's revisits have no original
                               codes=(0, 1)),
         ROUNDS + 1),
        ("zcat", lambda: run(["sh", "-c", "zcat '%s' | sha256sum" % warc]),
         ROUNDS + 1)]
    if os.path.exists(os.path.join(work, "node_modules/warcio")):
        candidates.append(("warcio", lambda: run(
            ["node", "warcio_read.mjs", warc]), 2))
    r = best(candidates)
    mb = float(WARC_MB)
    for name in ("inspect", "replay"):
        ours, memory = r[name]
        figures.bench("WARC: %s, digests checked" % name, mb / ours, "MB/s",
                      r["zcat"][0] / ours, "zcat | sha256sum", ">=1.3")
        if "warcio" in r:
            figures.bench("WARC: %s" % name, mb / ours, "MB/s",
                          r["warcio"][0] / ours, "npm warcio", ">=2")
        figures.bench("WARC: %s, peak memory" % name, memory / 1024, "MiB",
                      memory / 1024 / 128, "128 MiB", "<=1")


generate()
archives()
os.unlink(warc)
captures()
