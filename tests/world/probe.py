"""The program under test: running, stopping, reading its change log."""
import contextlib
import glob
import json
import os
import signal
import sqlite3
import subprocess
import time
import zlib

import world

KPWATCH = os.environ.get("KPWATCH", os.path.join(world.TOP, "kpwatch"))
CONF = os.path.join(world.TOP, "conf/kpwatch.yaml")

# A program built with sanitizers needs longer for an endless page.
PATIENCE = "30s" if "address" in KPWATCH else "6s"

# Everything else is as shipped.
QUICK = {
    "vantage": "world-1",
    "network.name_servers": "[%s]" % world.NAME_SERVER,
    "intervals.active": "2s",
    "intervals.dead": "2s",
    "intervals.accounts": "5s",
    "intervals.retry_first": "300ms",
    "intervals.retry_max": "1s",
    "intervals.spacing": "5ms",
    "intervals.offline_window": "3s",
    "twin.delay": "300ms",
    "timeouts.dns": "1s",
    "timeouts.connect": "1s",
    "timeouts.total": PATIENCE,
}


def options(w, **more):
    words = []
    for key, value in {**QUICK, "network.ca_file": w.ca_file, **more}.items():
        words += ["-o", "%s=%s" % (key, value)]
    return words


def members(data):
    """The text of all whole gzip members."""
    text = b""
    while data:
        d = zlib.decompressobj(31)
        try:
            part = d.decompress(data)
        except zlib.error:
            break
        if not d.eof:
            break
        text += part
        data = d.unused_data
    return text


class Probe:
    def __init__(self, w, state, conf=CONF, **more):
        self.w = w
        self.conf = conf
        self.state = state
        self.more = more
        self.process = None
        self.output = os.path.join(w.folder, "run/kpwatch.log")

    def start(self, under=()):
        """`under`: a command that runs it."""
        self.process = subprocess.Popen(
            [*under, KPWATCH, "run", "-c", self.conf, "-s", self.state] +
            options(self.w, **self.more), cwd=world.TOP,
            stdin=subprocess.DEVNULL, stdout=open(self.output, "ab"),
            stderr=subprocess.STDOUT)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=15):
        """Exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed after %d s" % seconds

    def tail(self, n=40):
        with open(self.output, errors="replace") as f:
            return "".join(f.readlines()[-n:])

    def events(self):
        """Those that are durable: from the store, as the log gathers lines
        for up to a minute before it writes a member."""
        for path in glob.glob(self.state + "/*.sqlite"):
            try:
                # One left open would hold the database's log after its end.
                with contextlib.closing(sqlite3.connect(
                        "file:%s?mode=ro" % path, uri=True,
                        timeout=5)) as db:
                    rows = db.execute("SELECT line FROM events ORDER BY seq")
                    return [json.loads(row[0]) for row in rows]
            except sqlite3.OperationalError:
                pass
        return []

    def logged(self):
        """Those in the log files."""
        found = []
        for path in sorted(glob.glob(self.state + "/log/*.gz")):
            with open(path, "rb") as f:
                for line in members(f.read()).decode().splitlines():
                    found.append(json.loads(line))
        return found

    def wait(self, what, condition, seconds=40):
        """Polls the events until condition(events); those events."""
        end = time.monotonic() + seconds
        while True:
            events = self.events()
            if condition(events):
                return events
            if not self.alive():
                raise RuntimeError("kpwatch ended while waiting for %s:\n%s"
                                   % (what, self.tail()))
            if time.monotonic() > end:
                raise RuntimeError("waited %d s for %s" % (seconds, what))
            time.sleep(0.1)

    def command(self, *words, **more):
        """(exit code, standard output, standard error)"""
        more.setdefault("timeout", 120)
        done = subprocess.run([KPWATCH, *words], cwd=world.TOP,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, **more)
        return done.returncode, done.stdout, done.stderr

    def memory_kib(self):
        """Proportional set size of all processes of the program."""
        total = 0
        for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
            try:
                exe = os.readlink(os.path.dirname(path) + "/exe")
                if os.path.basename(exe) != os.path.basename(KPWATCH):
                    continue
                with open(path) as f:
                    total += sum(int(line.split()[1]) for line in f
                                 if line.startswith("Pss:"))
            except OSError:
                pass
        return total


def run_story(t, w, p, tell):
    """tell(), then the end of the program, of the world and of the test."""
    began = time.monotonic()
    try:
        tell()
    except Exception as error:
        t.check("it can be told to its end", False, error)
        if not isinstance(error, RuntimeError):
            raise
    finally:
        if t.failures and p.process:
            t.note(p.tail(60))
        if p.alive():
            p.stop()
        w.stop()
    t.figure("all of it: %.0f s" % (time.monotonic() - began))
    t.finish()
