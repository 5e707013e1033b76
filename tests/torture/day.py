"""Hours of the whole catalogue in seconds: looks come as often as a day has
of them, pages change, sites go down and come back.

	day.py HOURS

Memory and descriptors stay flat: the slope of each after the first tenth, in
parts of its size per day.  Log and store grow by what was planned for a look
and an event.
"""
import glob
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import growing
import probe
import tap
import world

HOURS = float(sys.argv[1])
PACE = 450
INTERVAL = 900
# Bytes of log and store, see the bench; of what a page's text takes.
LOOK, EVENT, PAGE = 60, 1500, 4000
SLOPE = 0.05


def descriptors(parent):
    total = 0
    for _, pid in growing.processes(parent):
        try:
            total += len(os.listdir("/proc/%d/fd" % pid))
        except OSError:
            pass
    return total


def slope(points):
    """Of a line through (hours, value): change per day."""
    n = len(points)
    mx = sum(x for x, _ in points) / n
    my = sum(y for _, y in points) / n
    down = sum((x - mx) ** 2 for x, _ in points)
    return 24 * sum((x - mx) * (y - my) for x, y in points) / (down or 1)


def disk(state):
    """Bytes of log and store, without the write-ahead log."""
    return sum(os.path.getsize(f) for f in glob.glob(state + "/log/*.gz") +
               [state + "/kpwatch.sqlite"] if os.path.exists(f))


class Day:
    def __init__(self):
        self.t = tap.Tap()
        self.rng = random.Random(1)
        self.w = world.World(os.environ["WORLD"])
        self.w.start()
        every = "%dms" % (INTERVAL * 1000 // PACE)
        self.p = probe.Probe(
            self.w, os.path.join(self.w.folder, "state"), **{
                "intervals.active": every, "intervals.dead": every,
                "intervals.accounts": every, "record.warc": "false",
                "metrics.listen": "127.0.0.1:9464"})
        self.down = []

    def change(self, n):
        """A headline, a channel, a failure or a recovery somewhere."""
        site = self.rng.choice([i for i, t in self.w.targets.items()
                                if not t.account])
        if n % 3 == 0:
            self.w.add_to_page(site, "<p>headline %d of the day</p>" % n)
        elif n % 3 == 1:
            self.w.add_to_page(site, growing.link(n))
        elif self.down:
            self.w.behave(self.down.pop())
        else:
            self.w.behave(site, kind="status", code=503)
            self.down.append(site)

    def live(self):
        """(hours, PSS in KiB, descriptors) now and then."""
        seconds, points, began = HOURS * 3600 / PACE, [], time.monotonic()
        n = 0
        while time.monotonic() - began < seconds:
            time.sleep(0.5)
            n += 1
            self.change(n)
            hours = (time.monotonic() - began) * PACE / 3600
            if hours > HOURS / 10:
                points.append((hours, self.p.memory_kib(),
                               descriptors(self.p.process.pid)))
        return points

    def tell(self):
        t, p = self.t, self.p
        p.start()
        p.wait("baselines", lambda e: sum(
            x["type"] == "target.baseline" for x in e) > 100, 90)
        began = disk(p.state)
        points = self.live()
        t.same("ends on SIGTERM", [0], [p.stop()])
        events = len(p.events())
        looks = sum(1 for _ in open(self.w.folder + "/run/access.log"))
        for name, at, unit in (("memory", 1, "KiB"), ("descriptors", 2, "")):
            values = [x[at] for x in points]
            mean = sum(values) / len(values)
            # A short run is noise: judged by what it moved, not by a day.
            change = slope([(x[0], x[at]) for x in points]) * (
                1 if HOURS >= 12 else HOURS / 24)
            t.figure("%s: from %d to %d, mean %d %s; slope %+.1f in %s" % (
                name, values[0], values[-1], mean, unit, change,
                "a day" if HOURS >= 12 else "%g hours" % HOURS))
            t.check(name + " flat", change <= SLOPE * mean, values)
        planned = LOOK * looks + EVENT * events + \
            PAGE * len(self.w.targets)
        grown = disk(p.state)
        t.figure("%g hours: %d requests, %d events; log and store %d KB, of "
                 "it at the start %d KB; planned at most %d KB" % (
                     HOURS, looks, events, grown / 1e3, began / 1e3,
                     planned / 1e3))
        t.check("log and store as planned", grown <= planned)

    def run(self):
        probe.run_story(self.t, self.w, self.p, self.tell)


Day().run()
