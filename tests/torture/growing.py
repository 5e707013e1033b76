"""Sites that share a page which grows by a channel now and then, and a daemon
that watches them while it is maltreated: in the end every site has told of
every channel exactly once, the log holds what the store holds, and `verify`
finds nothing.
"""
import glob
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../world"))
import database
import many
import probe
import tap
import world

SITES = 24


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


def kill_hard(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def link(n):
    return '<a href="https://www.youtube.com/@torture%d">%d</a>' % (n, n)


class Growing:
    def __init__(self, **more):
        self.seed = int(os.environ.get("SEED", time.time() % 100000))
        self.t = tap.Tap()
        self.rng = random.Random(self.seed)
        self.w = world.World(os.environ["WORLD"])
        self.w.start()
        self.state = os.path.join(self.w.folder, "state")
        conf = many.catalogue(self.w, SITES)
        self.p = probe.Probe(self.w, self.state, conf=conf, **{
            "intervals.active": "1s", "intervals.spacing": "0s",
            "record.warc": "true", "record.size": "4MiB", **more})
        self.links = 0
        self.at = 0

    def start(self):
        self.p.start()
        self.p.wait("baselines", lambda e: sum(
            x["type"] == "target.baseline" for x in e) == SITES, 60)

    def grow(self):
        self.links += 1
        self.w.add_to_page("many.kp", link(self.links))

    def pid(self, name):
        """Of a process of the daemon; None."""
        found = [p for n, p in processes(self.p.process.pid) if n == name]
        return self.rng.choice(found) if found else None

    def again(self):
        """Starts it where it is gone: one that loses a part before all are
        up ends, and the service manager starts it."""
        if not self.p.alive():
            self.at = os.path.getsize(self.p.output)
            self.p.start()

    def watching(self):
        """Waits until it is up."""
        end = time.monotonic() + 20
        while time.monotonic() < end and self.p.alive():
            with open(self.p.output, errors="replace") as f:
                f.seek(self.at)
                if "watching" in f.read():
                    return
            time.sleep(0.02)

    def told(self):
        """How often each site told of each channel."""
        return {(r[0], r[1]): r[2] for r in database.ask(
            self.state,
            "SELECT target, name, count(*) FROM events WHERE type = "
            "'channel.added' AND name LIKE 'torture%' GROUP BY 1, 2")}

    def judge(self, name):
        # Bytes on which an analyser died twice are left alone for the day;
        # other bytes tell what they had to tell.
        self.grow()
        want, end = SITES * self.links, time.monotonic() + 60
        while len(self.told()) < want and time.monotonic() < end:
            self.again()
            time.sleep(0.3)
        # One that is not up yet ends by the signal itself, its log to be
        # brought up to date by the next.
        self.watching()
        while not self.p.alive() and time.monotonic() < end + 30:
            self.again()
            self.watching()
        self.t.same("ends on SIGTERM, " + name, [0], [self.p.stop()])
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
        self.verify(name, self.state)
        return len(store)

    def run(self):
        """The subclass's tell(), between start and end of the world."""
        probe.run_story(self.t, self.w, self.p, self.tell)

    def verify(self, name, state):
        # It reads all that was recorded.
        code, out, err = self.p.command("verify", "-s", state, timeout=1800)
        self.t.check("verify finds nothing, " + name, code == 0, out + err)
        self.t.check("every byte has its digest, " + name,
                     "as they were written, 0 with bytes that have none" in
                     out, out)
