"""kill -9 of each process at random moments, under load.

	kill.py CYCLES

Live: sites share a page that grows by a channel in every other cycle; at the
end every site has told of every channel exactly once, the log holds what the
store holds, and `verify` finds nothing.  Replay: the recording of the start
of that run goes into a state folder; where that is cut short, its events are
the beginning of those of a replay that nothing disturbed, and its log is
whole.
"""
import collections
import glob
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../world"))
import many
import probe
import tap
import world

CYCLES = int(sys.argv[1])
SITES = 24
SEED = int(os.environ.get("SEED", time.time() % 100000))
# What only a running daemon says; where it was killed differs each time.
OWN = ("monitor.started", "monitor.stopped", "monitor.gap")


def processes(parent):
    """(name, pid) of the program's processes."""
    found = [("parent", parent)]
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            words = open(path).read()
        except OSError:
            continue
        name = words.split("(", 1)[1].rpartition(")")[0]
        if int(words.rpartition(") ")[2].split()[1]) == parent:
            found.append((name, int(path.split("/")[2])))
    return found


def kill_one(rng, parent, count):
    name, pid = rng.choice(processes(parent))
    try:
        os.kill(pid, signal.SIGKILL)
        count[name] += 1
    except ProcessLookupError:
        pass


def link(n):
    return '<a href="https://www.youtube.com/@torture%d">%d</a>' % (n, n)


class Kill:
    def __init__(self):
        self.t = tap.Tap()
        self.rng = random.Random(SEED)
        self.w = world.World(os.environ["WORLD"])
        self.w.start()
        self.state = os.path.join(self.w.folder, "state")
        conf = many.catalogue(self.w, SITES)
        self.p = probe.Probe(self.w, self.state, conf=conf, **{
            "intervals.active": "1s", "intervals.spacing": "0s",
            "record.warc": "true", "record.size": "4MiB"})
        self.killed = collections.Counter()
        self.links = 0
        self.at = 0

    def again(self):
        """Starts it where it is gone: one that loses a part before all are
        up ends, and the service manager starts it."""
        if not self.p.alive():
            self.at = os.path.getsize(self.p.output)
            self.p.start()

    def watching(self):
        """Waits until it is up, most of the time."""
        if self.rng.random() < 0.2:
            return
        end = time.monotonic() + 20
        while time.monotonic() < end and self.p.alive():
            with open(self.p.output, errors="replace") as f:
                f.seek(self.at)
                if "watching" in f.read():
                    return
            time.sleep(0.02)

    def live(self):
        self.p.start()
        self.p.wait("baselines", lambda e: sum(
            x["type"] == "target.baseline" for x in e) == SITES, 60)
        for cycle in range(CYCLES):
            if cycle % 2 == 0:
                self.links += 1
                self.w.add_to_page("many.kp", link(self.links))
            self.watching()
            time.sleep(self.rng.uniform(0, 0.8))
            kill_one(self.rng, self.p.process.pid, self.killed)
            time.sleep(0.02)
            self.again()
            if cycle % 100 == 99:
                self.t.note("%d cycles: %s" % (cycle + 1, dict(self.killed)))

    def told(self):
        """How often each site told of each channel."""
        db = sqlite3.connect("file:%s/kpwatch.sqlite?mode=ro" % self.state,
                             uri=True, timeout=10)
        rows = db.execute(
            "SELECT target, name, count(*) FROM events WHERE type = "
            "'channel.added' AND name LIKE 'torture%' GROUP BY 1, 2")
        found = {(r[0], r[1]): r[2] for r in rows}
        db.close()
        return found

    def judge_live(self):
        want, end = SITES * self.links, time.monotonic() + 60
        while len(self.told()) < want and time.monotonic() < end:
            self.again()
            time.sleep(0.3)
        self.t.same("ends on SIGTERM", [0], [self.p.stop()])
        told = self.told()
        self.t.same("channels that no site, or not every site, told of",
                    [], [(s, n) for s in range(SITES)
                         for n in range(1, self.links + 1)
                         if ("s%d" % s, "torture%d" % n) not in told])
        self.t.same("told twice", [], [k for k in told if told[k] > 1])
        store, log = self.p.events(), self.p.logged()
        self.t.same("the log has the store's events, each once",
                    [e["seq"] for e in store], [e["seq"] for e in log])
        self.t.same("no hole in the numbers", [], [
            e["seq"] for n, e in enumerate(store) if e["seq"] != n + 1])
        self.verify("live", self.state)
        self.t.figure("live: %d kills (%s), %d events, seed %d" % (
            sum(self.killed.values()), ", ".join(
                "%s %d" % k for k in sorted(self.killed.items())),
            len(store), SEED))

    def verify(self, name, state):
        code, out, err = self.p.command("verify", "-s", state)
        self.t.check("verify finds nothing, " + name, code == 0, out + err)

    # --- replay ---------------------------------------------------------

    def replayed(self, state):
        db = sqlite3.connect(state + "/kpwatch.sqlite")
        rows = db.execute("SELECT time, type, target, platform, name FROM "
                          "events ORDER BY seq").fetchall()
        db.close()
        return [r for r in rows if r[1] not in OWN]

    def replay_start(self, state, files):
        return subprocess.Popen(
            [probe.KPWATCH, "replay", "-c", self.p.conf, "-s", state, *files],
            cwd=world.TOP, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(self.p.output, "ab"))

    def replay(self):
        files = sorted(glob.glob(self.state + "/warc/*.warc.gz"))[:2]
        clean = os.path.join(self.w.folder, "clean")
        began = time.monotonic()
        code = self.replay_start(clean, files).wait(120)
        usual = time.monotonic() - began
        self.t.check("a replay that nothing disturbs", code in (0, 1), code)
        want, count, wrong, whole = self.replayed(clean), {}, [], 0
        count = collections.Counter()
        for cycle in range(CYCLES // 2):
            state = os.path.join(self.w.folder, "again%d" % cycle)
            child = self.replay_start(state, files)
            time.sleep(self.rng.uniform(0, usual))
            if child.poll() is None:
                kill_one(self.rng, child.pid, count)
            ended = child.wait(120)
            if os.path.exists(state + "/kpwatch.sqlite"):
                self.judge_replay(state, ended == code, want, wrong)
                whole += ended == code
            shutil.rmtree(state, ignore_errors=True)
        self.t.same("replays killed leave a clean beginning of the events", [],
                    wrong)
        self.t.figure("replay: %d kills (%s), %d came to their end all the "
                      "same, %d events" % (
            sum(count.values()), ", ".join(
                "%s %d" % k for k in sorted(count.items())), whole, len(want)))

    def judge_replay(self, state, whole, want, wrong):
        """What is there is durable: another start writes the log anew."""
        self.replay_start(state, ["/dev/null"]).wait(120)
        got = self.replayed(state)
        if got != (want if whole else want[:len(got)]):
            wrong.append("%d events, %s" % (len(got), state))
        self.verify_quiet(state, wrong)

    def verify_quiet(self, state, wrong):
        code, out, err = self.p.command("verify", "-s", state)
        if code != 0:
            wrong.append(out + err)

    def tell(self):
        try:
            self.live()
            self.judge_live()
            self.replay()
        except Exception as error:
            self.t.check("all of it", False, "%r\n%s" % (
                error, self.p.tail(30)))
            raise
        finally:
            if self.p.alive():
                self.p.stop()
            self.w.stop()
        self.t.finish()


Kill().tell()
