"""kill -9 of each process at random moments, under load.

	kill.py CYCLES

Live: see growing.py.  Replay: the recording of the start of that run goes
into a state folder; where that is cut short, its events are the beginning of
those of a replay that nothing disturbed, and its log is whole.
"""
import collections
import glob
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import growing
import probe
import world

CYCLES = int(sys.argv[1])
# What only a running daemon says; where it was killed differs each time.
OWN = ("monitor.started", "monitor.stopped", "monitor.gap")


def kill_one(rng, parent, count):
    name, pid = rng.choice(growing.processes(parent))
    try:
        os.kill(pid, signal.SIGKILL)
        count[name] += 1
    except ProcessLookupError:
        pass


def counts(count):
    return ", ".join("%s %d" % k for k in sorted(count.items()))


class Kill(growing.Growing):
    def live(self):
        killed = collections.Counter()
        self.start()
        for cycle in range(CYCLES):
            if cycle % 2 == 0:
                self.grow()
            if self.rng.random() < 0.8:
                self.watching()
            time.sleep(self.rng.uniform(0, 0.8))
            kill_one(self.rng, self.p.process.pid, killed)
            time.sleep(0.02)
            self.again()
            if cycle % 100 == 99:
                self.t.note("%d cycles: %s" % (cycle + 1, dict(killed)))
        events = self.judge("live")
        self.t.figure("live: %d kills (%s), %d events, seed %d" % (
            sum(killed.values()), counts(killed), events, self.seed))

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
        want, wrong, whole = self.replayed(clean), [], 0
        self.unread_count = 0
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
                      "same, %d events, %d looks not analysed" % (
            sum(count.values()), counts(count), whole, len(want),
            self.unread_count))

    def unread(self, state):
        """When a page was not analysed as its analyser died, by target."""
        db = sqlite3.connect(state + "/kpwatch.sqlite")
        rows = db.execute(
            "SELECT t.id, min(o.time) FROM details d JOIN observations o USING "
            "(observation) JOIN pages p USING (page) JOIN targets t USING "
            "(target) WHERE d.analysis = 'failed' GROUP BY 1").fetchall()
        db.close()
        return dict(rows)

    def judge_replay(self, state, whole, want, wrong):
        """What is there is durable: another start writes the log anew.

        A page whose analyser died is not analysed; what it had is told at the
        target's next look.
        """
        self.replay_start(state, ["/dev/null"]).wait(120)
        unread = self.unread(state)
        self.unread_count += len(unread)
        got, late = self.parted(self.replayed(state), unread)
        expected, known = self.parted(want, unread)
        if not whole:
            expected = expected[:len(got)]
        if got != expected:
            where = next((i for i, pair in enumerate(zip(got, expected))
                          if pair[0] != pair[1]), min(len(got), len(expected)))
            wrong.append("%d events of %d, the %dth is %s, not %s" % (
                len(got), len(expected), where, got[where:where + 2],
                expected[where:where + 2]))
        invented = {e[1:] for e in late} - {e[1:] for e in known}
        if invented:
            wrong.append("told of a page not analysed: %s" % invented)
        self.verify_quiet(state, wrong)

    def parted(self, events, unread):
        """Those that must be as they are, and those after a look unread."""
        after = [e for e in events if e[0] >= unread.get(e[2], e[0] + 1)]
        return [e for e in events if e not in after], after

    def verify_quiet(self, state, wrong):
        code, out, err = self.p.command("verify", "-s", state)
        if code != 0:
            wrong.append(out + err)

    def tell(self):
        self.live()
        self.replay()


Kill().run()
