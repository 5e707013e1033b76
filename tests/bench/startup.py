"""Start-up after a year of logs.  usage: startup.py DAYS  (see startup.sh)

From the start of the program to READY=1, which is told when every process is
up; the network is one without a way out.
"""
import glob
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures

DAYS, RUNS, LIMIT_S = int(sys.argv[1]), 5, 1
LOOKS_A_DAY = 96
FOLDER, KPWATCH = os.environ["WORLD"], os.environ["KPWATCH"]
STATE = os.path.join(FOLDER, "state")


def add_looks():
    """Of all pages, unchanged, spread over the time."""
    db = sqlite3.connect(STATE + "/kpwatch.sqlite")
    pages = [r[0] for r in db.execute("SELECT page FROM pages")]
    last, result = db.execute("SELECT observation, result FROM observations "
                              "ORDER BY 1 DESC LIMIT 1").fetchone()
    begin = int(time.time() * 1000) - DAYS * 86400000
    step = 86400000 // LOOKS_A_DAY
    rows = ((last + 1 + n * len(pages) + i, page, begin + n * step, result,
             200) for n in range(DAYS * LOOKS_A_DAY)
            for i, page in enumerate(pages))
    db.executemany("INSERT INTO observations VALUES(?, ?, ?, ?, ?)", rows)
    db.commit()
    counts = [db.execute("SELECT count(*) FROM " + t).fetchone()[0]
              for t in ("events", "observations")]
    db.close()
    return counts


def start(notify):
    began = time.monotonic()
    p = subprocess.Popen([KPWATCH, "run", "-c", "conf/kpwatch.yaml", "-s",
                          STATE], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL,
                         stderr=open(FOLDER + "/log", "ab"),
                         env=dict(os.environ, NOTIFY_SOCKET=FOLDER + "/notify"))
    while not notify.recv(65536).startswith(b"READY=1"):
        pass
    took = time.monotonic() - began
    p.send_signal(signal.SIGTERM)
    if p.wait(60) != 0:
        sys.exit("the daemon did not end well")
    return took


os.mkdir(STATE)
began = time.monotonic()
subprocess.run([os.environ["WRITER"], STATE, str(DAYS)], check=True)
events, looks = add_looks()
logs = glob.glob(STATE + "/log/*.gz")
figures.note("written in %.0f s: %d events in %d log files of %.1f MB, %d "
             "looks, a database of %.0f MB" % (
                 time.monotonic() - began, events, len(logs),
                 sum(map(os.path.getsize, logs)) / 1e6, looks,
                 os.path.getsize(STATE + "/kpwatch.sqlite") / 1e6))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(FOLDER + "/notify")
notify.settimeout(120)
times = [start(notify) for _ in range(RUNS)]
figures.note("seconds to READY: " + " ".join("%.2f" % x for x in times))
took = statistics.median(times)
figures.bench("start after %d days, %d events, %.1f M looks" % (
    DAYS, events, looks / 1e6), took, "s", took / LIMIT_S,
    "limit %d s" % LIMIT_S, "<=1")
