"""Each process killed at each message.  usage: messages.py FOLDER NTH...

A session: the daemon ($PROGRAM, see tests/service/kill_points.c) watches a few
pages that show one channel more at every look; it is told to reload in
the middle, and to stop when every page has shown all that it will.  The first
session writes down who sends and takes what; then one session for each line of
that, in which the process dies there.  A daemon that ends is started again, as
the service manager does it.

In the end every channel of every page has been told exactly once, the hook was
told every event, in order, at most one call of it twice, and the log is whole.
"""
import concurrent.futures
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/world"))
import database
import quiet
import tap

FOLDER, NTH = sys.argv[1], [int(n) for n in sys.argv[2:]]
ONLY = os.environ.get("ONLY", "")  # those that it fits
PROGRAM, KPWATCH = os.environ["PROGRAM"], os.environ["KPWATCH"]
TARGETS, CHANNELS = 3, 4
WORKERS = 10
# Their number in a session is the clock's affair.
TIMED = ("stats", "ping", "pong", "log")


class Site(quiet.Quiet):
    """/SESSION/TARGET: how often it was asked for says what it shows."""
    asked = {}
    lock = threading.Lock()

    def do_GET(self):
        with Site.lock:
            n = Site.asked[self.path] = Site.asked.get(self.path, 0) + 1
        links = "".join(
            '<p><a href="https://www.youtube.com/@%s-%d">%d</a></p>' % (
                self.path.rsplit("/", 1)[1], i, i)
            for i in range(min(n, CHANNELS)))
        # No two are the same bytes: those on which an analyser died are
        # left alone.
        body = ("<html><title>Paper</title><body><p>All the news</p>%s"
                "<!-- %d --></body></html>" % (links, n)).encode()
        self.answer(body)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


class Session:
    def __init__(self, name, port, at=None):
        self.name, self.at = name, at
        self.folder = os.path.join(FOLDER, name)
        os.mkdir(self.folder)
        self.state = self.folder + "/state"
        self.mark = self.folder + "/mark"
        self.told = self.folder + "/told"
        self.faults = []
        write(self.mark, "")
        write(self.told, "")
        for conf in ("platforms.yaml", "verdicts.yaml"):
            os.symlink(os.path.join(TOP, "conf", conf),
                       os.path.join(self.folder, conf))
        write(self.folder + "/accounts.yaml", "accounts: []\n")
        write(self.folder + "/sites.yaml", "sites:\n" + "".join(
            '  - {id: t%d, name: X, category: news, status: active, '
            'source: test, pages: [{name: main, url: '
            '"http://127.0.0.1:%d/%s/t%d"}]}\n' % (i, port, name, i)
            for i in range(TARGETS)))
        write(self.folder + "/hook",
              "#!/bin/sh\nexec cat >> %s\n" % self.told)
        os.chmod(self.folder + "/hook", 0o755)
        write(self.folder + "/kpwatch.yaml", """vantage: messages
intervals: {active: 1s, retry_first: 1s, retry_max: 1s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
limits: {analysers: 1}
twin: {enabled: false}
hooks:
  - {name: all, command: %s/hook, types: ["*"], retry_first: 100ms, retry_max: 300ms}
""" % self.folder)

    def start(self):
        env = dict(os.environ, KILL_MARK=self.mark, WATCHDOG_USEC="1000000")
        if self.at is not None:
            env["KILL_AT"] = self.at
        self.at_start = self.said_size()
        self.daemon = subprocess.Popen(
            [PROGRAM, "-c", self.folder + "/kpwatch.yaml", "-s", self.state],
            stdin=subprocess.DEVNULL,
            stdout=open(self.folder + "/log", "ab"),
            stderr=subprocess.STDOUT, env=env)

    def ask(self, sql):
        return database.ask_soon(self.state, sql)

    def known(self):
        return len(self.ask("SELECT 1 FROM sightings WHERE kind = 'channel' "
                            "AND present = 1"))

    def until(self, what, true):
        """Waits; starts the daemon again where it ended."""
        end = time.monotonic() + 60
        while not true():
            if time.monotonic() > end:
                self.faults.append("%s does not come about" % what)
                return
            if self.daemon.poll() is not None:
                self.start()
            time.sleep(0.05)

    def said_size(self):
        log = self.folder + "/log"
        return os.path.getsize(log) if os.path.exists(log) else 0

    def said(self, text, since=0):
        with open(self.folder + "/log", errors="replace") as f:
            f.seek(since)
            return f.read().count(text)

    def watching(self):
        """Is it up, the one that runs now?"""
        return self.daemon.poll() is None and self.said(
            "watching", self.at_start) > 0

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            return self.daemon.wait(20)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
            self.faults.append("does not stop")
            return 1

    def reloaded(self):
        return self.said("configuration reloaded") > 0

    def reload(self):
        if self.watching():
            self.daemon.send_signal(signal.SIGHUP)
            time.sleep(0.3)
        return self.reloaded()

    def run(self):
        try:
            self.start()
            self.until("half of the channels",
                       lambda: self.known() >= TARGETS * CHANNELS // 2)
            self.until("a reload", self.reload)
            self.until("every channel",
                       lambda: self.known() == TARGETS * CHANNELS)
            self.stop()
            # Once more, whole: what is left for the hook is told.
            self.start()
            # Which the store tells in its own time.
            self.until("another start", lambda: self.watching() and self.said(
                "monitor.started", self.at_start) > 0)
            self.until("an end of deliveries", lambda: not self.ask(
                "SELECT 1 FROM events e, hooks h WHERE e.seq > h.position "
                "UNION ALL SELECT 1 FROM deliveries"))
            if self.stop() != 0:
                self.faults.append("does not end well")
            self.judge()
        except Exception as error:
            self.faults.append(repr(error))
        finally:
            if self.daemon.poll() is None:
                self.daemon.kill()
        return self

    def judge(self):
        events = quiet.events(self.state)
        if [e["seq"] for e in events] != list(range(1, len(events) + 1)):
            self.faults.append("numbers with a hole")
        self.judge_channels(events)
        self.judge_hook(events)
        code = subprocess.run([KPWATCH, "verify", "-s", self.state],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if code.returncode != 0:
            self.faults.append(code.stdout.decode())

    def judge_channels(self, events):
        count = {}
        for e in events:
            names = []
            if e["type"] == "channel.added":
                names = [e["name"]]
            elif e["type"] == "target.baseline":
                names = [s["name"] for s in e["sightings"]]
            for name in names:
                count[name] = count.get(name, 0) + 1
        want = {"t%d-%d" % (t, c): 1 for t in range(TARGETS)
                for c in range(CHANNELS)}
        if count != want:
            self.faults.append("channels told: %s" % sorted(count.items()))

    def judge_hook(self, events):
        with open(self.told) as f:
            told = [json.loads(line)["seq"] for line in f]
        once = []
        for seq in told:
            if seq not in once:
                once.append(seq)
        # The last, monitor.stopped, is for the next start to tell.
        last = events[-1]["seq"]
        if [s for s in once if s != last] != list(range(1, last)):
            self.faults.append("the hook was told %s of %d" % (told, last))
        if len(told) - len(once) > 1:
            self.faults.append("told again: %s" % told)

    def tail(self):
        with open(self.folder + "/log", errors="replace") as f:
            return "".join(f.readlines()[-25:])

    def reached(self):
        return os.path.getsize(self.mark) > 0


class Run:
    def __init__(self):
        self.t = tap.Tap()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_address[1]

    def points(self):
        """{"net send job": how often} of an undisturbed session."""
        s = Session("whole", self.port).run()
        self.t.check("an undisturbed session", not s.faults,
                     "\n".join(s.faults) + s.tail())
        count = {}
        with open(s.mark) as f:
            for line in f:
                count[line.strip()] = count.get(line.strip(), 0) + 1
        return count

    def tell(self):
        began = time.monotonic()
        points = self.points()
        plan = ["%s %d" % (p, n) for p in sorted(points) for n in NTH
                if n <= points[p] and re.search(ONLY, p)]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            done = list(pool.map(lambda at: Session(
                at.replace(" ", "-"), self.port, at).run(), plan))
        for s in done:
            self.t.check("killed: " + s.at, not s.faults,
                         "\n".join(s.faults) + "\n" + s.tail())
        missed = [s.at for s in done if not s.reached()]
        # A repeat of what there is but a few of may not come.
        firm = [at for at in missed if at.endswith(" 1") and
                at.split()[2] not in TIMED]
        self.t.same("messages that did not come", [], firm)
        self.t.figure("%d kills at %d messages of %d processes, %d that did "
                      "not come, %.0f s" % (
                          len(done) - len(missed), len(points),
                          len({p.split()[0] for p in points}), len(missed),
                          time.monotonic() - began))
        self.t.finish()


Run().tell()
