"""Sites that take over a second to answer, so that looks are always under way;
then the system clock is set, the machine is suspended (as far as its clocks
can tell), the net process does not run for a while.  None of it makes an event
about a site or a look that failed; each is in the journal.
"""
import json
import os
import re
import signal
import struct
import sys
import time

sys.dont_write_bytecode = True
import database
import many
import probe
import tap
import world

SITES = 12
HOUR = 3630
PAGE = ("<html><title>News</title><body><p>The daily paper, all of it, and "
        "what it has to say</p></body></html>")


class Clock:
    def __init__(self):
        self.t = tap.Tap()
        self.w = world.World(os.environ["WORLD"])
        self.w.start()
        self.conf = many.catalogue(self.w, SITES)
        for n in range(SITES):
            self.behave(n)
        self.shift_file = os.path.join(self.w.folder, "shift")
        self.wall = self.boot = 0
        self.shift()
        self.p = probe.Probe(
            self.w, os.path.join(self.w.folder, "state"), conf=self.conf,
            **{"intervals.active": "1s", "intervals.spacing": "0s",
               "twin.enabled": "false", "timeouts.total": "3s"})

    def behave(self, n):
        path = os.path.join(self.w.folder, "behaviour", "s%d.many.kp" % n)
        with open(path, "w") as f:
            json.dump({"kind": "late", "seconds": 1.2, "body": PAGE}, f)

    def shift(self, wall=0, boot=0):
        """Moves the clocks by so many seconds more."""
        self.wall += wall
        self.boot += boot
        new = struct.pack("qq", self.wall * 10**9, self.boot * 10**9)
        flags = os.O_RDWR | os.O_CREAT
        fd = os.open(self.shift_file, flags, 0o644)
        os.pwrite(fd, new, 0)
        os.close(fd)

    def net(self):
        parent = self.p.process.pid
        with open("/proc/%d/task/%d/children" % (parent, parent)) as f:
            for pid in f.read().split():
                if open("/proc/%s/comm" % pid).read().strip() == "net":
                    return int(pid)
        raise RuntimeError("no net process")

    def looks(self, where="1"):
        return database.ask(self.p.state, "SELECT count(*) FROM observations o "
                        "LEFT JOIN details d USING (observation) WHERE "
                        + where)[0][0]

    def said(self, what):
        """How many looks the journal calls void for that reason."""
        with open(self.p.output, errors="replace") as f:
            return [int(n) for n in re.findall(
                what + r"[^;]*; looks under way are void: (\d+)", f.read())]

    def till(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.1)
        return condition()

    def goes_on(self, name):
        """Every site is looked at again, twice."""
        before = self.looks()
        self.t.check(name + ": the looks go on", self.till(
            lambda: self.looks() >= before + 2 * SITES, 30))

    def one(self, name, what, act):
        act()
        self.t.check(name + ": the journal says so", self.till(
            lambda: self.said(what)), self.p.tail(5))
        self.t.check(name + ": looks were under way", sum(self.said(what)) > 0)
        self.goes_on(name)

    def late(self):
        pid = self.net()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(4.5)
        os.kill(pid, signal.SIGCONT)

    def tell(self):
        self.p.start(under=[
            "env", "LD_PRELOAD=" + os.environ["CLOCK_LIBRARY"],
            "CLOCK_SHIFT=" + self.shift_file])
        self.p.wait("baselines", lambda e: sum(
            x["type"] == "target.baseline" for x in e) == SITES, 60)
        self.goes_on("at first")
        self.one("forwards", r"the system clock was set by 1 h",
                 lambda: self.shift(wall=HOUR))
        # The store has seen a later time than that which now comes.
        self.one("backwards", r"the system clock was set by 2 h",
                 lambda: self.shift(wall=-2 * HOUR))
        self.one("suspended", r"the machine was suspended by 5 min",
                 lambda: self.shift(wall=310, boot=310))
        self.one("late", r"the event loop was late by", self.late)
        events = self.p.events()
        self.t.same("events after the baselines", ["clock.stepped"], [
            e["type"] for e in events
            if not e["type"].startswith(("target.", "monitor."))])
        self.t.same("looks that failed", [0],
                    [self.looks("failure IS NOT NULL")])
        self.t.same("ends on SIGTERM", [0], [self.p.stop()])
        code, out, err = self.p.command("verify", "-s", self.p.state)
        self.t.check("verify finds nothing", code == 0, out + err)

    def run(self):
        probe.run_story(self.t, self.w, self.p, self.tell)


Clock().run()
