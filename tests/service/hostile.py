"""Pages that take over their analyser.  usage: hostile.py FOLDER

$PROGRAM is the daemon with hostile_analyser.c in it: /evil/MODE makes the
analyser do what MODE says there.  Other sites go on and must not notice.
"""
import contextlib
import glob
import http.server
import json
import os
import signal
import socket
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

FOLDER, PROGRAM = sys.argv[1], os.environ["PROGRAM"]
KPWATCH = os.environ["KPWATCH"]
GOOD = 4
# Whoever does one of these must be gone, the page recorded and left alone.
BAD = """short-frame long-frame unknown-type unknown-flag promised-descriptor
forged-stored forged-record forged-peer oversized interleaved half-message
half-frame closed wrong-id zero-id flood-wrong-id other-build ready-again
kill-order forged-event bad-frame-to-parent large-log crash hang
memory""".split()
# An answer that is refused, or is one about its own page alone.
FALSE = """noise-finding empty-finding forged-finding same-finding
no-finding log-flood terminal twice unasked""".split()
LATE = "pong-flood"
# Of net, store, courier, parent: what a rule-breaker can make them hold, a
# finding of the largest size and a record of it, and their own.
MEMORY_KIB = 128 * 1024
LOG_BYTES = 512 * 1024


class Site(quiet.Quiet):
    channels = 1
    late = threading.Event()  # LATE may be fetched
    fetched = threading.Event()
    count = 0

    def page(self, name):
        if name.startswith("good"):
            return "".join(
                '<a href="https://www.youtube.com/@%s-%d">%d</a>' % (
                    name, n, n) for n in range(Site.channels))
        if name == LATE:
            if not Site.late.is_set():
                return None
            Site.count += 1
            Site.fetched.set()
            return "page %d of %s" % (Site.count, name)
        return "the page of " + name

    def do_GET(self):
        body = self.page(self.path.rsplit("/", 1)[1])
        code = 200 if body is not None else 503
        body = ("<html><title>Paper</title><body><p>All the news</p>%s" %
                body).encode()
        self.answer(body, code)


def write(name, text):
    with open(os.path.join(FOLDER, name), "w") as f:
        f.write(text)


def configure(port):
    for name in ("platforms.yaml", "verdicts.yaml"):
        with open(os.path.join(TOP, "conf", name)) as f:
            write(name, f.read())
    write("accounts.yaml", "accounts: []\n")
    sites = [("good%d" % n, "good%d" % n) for n in range(GOOD)]
    sites += [("evil-" + m, "evil/" + m) for m in BAD + FALSE + [LATE]]
    write("sites.yaml", "sites:\n" + "".join(
        '  - {id: %s, name: X, category: news, status: active, source: test, '
        'pages: [{name: main, url: "http://127.0.0.1:%d/%s"}]}\n' % (
            target, port, path) for target, path in sites))
    write("told", "")
    hook = os.path.join(FOLDER, "hook")
    write("hook", "#!/bin/sh\nexec cat >> %s/told\n" % FOLDER)
    os.chmod(hook, 0o755)
    write("kpwatch.yaml", """vantage: hostile
intervals: {active: 1s, retry_first: 1s, retry_max: 1s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
limits: {analysers: 12}
twin: {enabled: false}
hooks:
  - {name: all, command: %s, types: ["*"]}
""" % hook)


def children(parent):
    found = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as f:
                text = f.read()
        except OSError:
            continue
        name = text.split("(", 1)[1].rpartition(")")[0]
        if int(text.rpartition(") ")[2].split()[1]) == parent:
            found.setdefault(name, []).append(int(path.split("/")[2]))
    return found


def peak_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    return 0


class Run:
    def __init__(self):
        self.t = tap.Tap()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        configure(server.server_address[1])
        self.state = os.path.join(FOLDER, "state")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(FOLDER, "notify"))
        self.notify.setblocking(False)
        self.log = os.path.join(FOLDER, "log")

    def start(self):
        self.daemon = subprocess.Popen(
            [PROGRAM, "-c", FOLDER + "/kpwatch.yaml", "-s", self.state],
            stdin=subprocess.DEVNULL, stdout=open(self.log, "wb"),
            stderr=subprocess.STDOUT, env=dict(
                os.environ, NOTIFY_SOCKET=FOLDER + "/notify",
                WATCHDOG_USEC="400000"))

    def told(self):
        """Datagrams that came for the service manager since last asked."""
        got = []
        while True:
            try:
                got.append(self.notify.recv(65536).decode())
            except BlockingIOError:
                return got

    def ask(self, sql, *args):
        return database.ask_soon(self.state, sql, *args)

    def wait(self, what, true, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.daemon.poll() is None:
            if true():
                return self.t.check(what, True)
            time.sleep(0.1)
        return self.t.check(what, bool(true()), self.tail())

    def tail(self):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-40:])

    def looks(self):
        return dict(self.ask("SELECT t.id, count(*) FROM observations o "
                             "JOIN pages USING (page) JOIN targets t "
                             "USING (target) GROUP BY 1"))

    def analyses(self, target):
        return self.ask("SELECT d.analysis, d.note FROM details d JOIN "
                        "observations USING (observation) JOIN pages USING "
                        "(page) JOIN targets t USING (target) WHERE t.id = ?"
                        " ORDER BY observation", target)

    def good_channels(self):
        return dict(self.ask("SELECT target, count(*) FROM sightings "
                             "JOIN targets USING (target) WHERE id LIKE "
                             "'good%' GROUP BY 1"))

    def begin(self):
        self.start()
        self.wait("every process comes up", lambda: any(
            "READY=1" in x for x in self.told()), 60)
        self.pids = {k: v[0] for k, v in children(self.daemon.pid).items()
                     if k != "analyser"}
        self.pids["parent"] = self.daemon.pid
        self.t.same("and they are", ["courier", "net", "parent", "store"],
                    sorted(self.pids))

    def flow(self, name):
        """The good sites tell of one more channel each."""
        Site.channels += 1
        self.wait("%s, other sites tell of their channels" % name,
                  lambda: len(self.ask(
                      "SELECT 1 FROM events WHERE type = 'channel.added' AND "
                      "name LIKE '%-' || ?", Site.channels - 1)) == GOOD)

    def unharmed(self):
        now = children(self.daemon.pid)
        self.t.same("no other process was harmed",
                    sorted((k, v) for k, v in self.pids.items()
                           if k != "parent"),
                    sorted((k, v[0]) for k, v in now.items()
                           if k != "analyser"))
        peaks = {k: peak_kib(v) for k, v in self.pids.items()}
        self.t.figure("memory at most: %s" % ", ".join(
            "%s %.1f MiB" % (k, v / 1024) for k, v in sorted(peaks.items())))
        if "address" not in PROGRAM:
            self.t.check("none of them grew beyond its bound",
                         max(peaks.values()) < MEMORY_KIB, peaks)

    def recorded(self):
        for mode in BAD:
            rows = self.analyses("evil-" + mode)
            tried = [r for r in rows if r[0] == "failed" and
                     "today" not in r[1]]
            # Once more when it met three analysers that had had others'
            # pages before: then it was not found out.
            self.t.check("%s: recorded, tried once, left alone" % mode,
                         len(tried) in (1, 2) and rows[0] == tried[0] and
                         "today" in rows[-1][1], rows)
        for mode in ("noise-finding", "empty-finding"):
            rows = self.analyses("evil-" + mode)
            # Or it met an analyser that was taken over before.
            self.t.check("%s: recorded as malformed" % mode, all(
                r[0] == "failed" for r in rows) and any(
                    "malformed" in r[1] or "out of turn" in r[1]
                    for r in rows), rows)

    def watchdog(self):
        """A hung loop is seen whatever an analyser says to the parent."""
        Site.late.set()
        if not self.wait("its page is fetched", Site.fetched.is_set, 30):
            return
        time.sleep(0.5)
        os.kill(self.pids["net"], signal.SIGSTOP)
        time.sleep(0.6)
        self.told()
        time.sleep(1.5)
        fed = [x for x in self.told() if "WATCHDOG" in x]
        os.kill(self.pids["net"], signal.SIGCONT)
        Site.late.clear()
        self.t.same("an analyser cannot feed the watchdog for net", [], fed)
        self.wait("net feeds it again", lambda: any(
            "WATCHDOG" in x for x in self.told()), 30)

    def judge(self):
        events = quiet.events(self.state)
        self.t.same("numbers without a hole", range(1, len(events) + 1),
                    [e["seq"] for e in events])
        known = {}
        for e in events:
            if e["type"] == "channel.added" and e["target"][:4] == "good":
                key = (e["target"], e["name"])
                known[key] = known.get(key, 0) + 1
        # Who is told of later was never part of a baseline here.
        self.t.same("each channel of the other sites told once",
                    sorted(("good%d" % g, "good%d-%d" % (g, n))
                           for g in range(GOOD)
                           for n in range(1, Site.channels)),
                    sorted(known))
        self.t.same("and never twice", [1], sorted(set(known.values())))
        self.t.same("no event of a page that was not analysed", [],
                    [e for e in events if (e["target"] or "")[:5] == "evil-"
                     and e["target"][5:] in BAD])
        liars = ("evil-forged-finding", "evil-log-flood", "evil-terminal",
                 "evil-twice",
                 "evil-unasked", "evil-same-finding", "evil-no-finding",
                 "evil-" + LATE)
        self.t.same("a lie is about its own page alone", [],
                    [e for e in events if e["target"] is not None and
                     e["target"][:4] != "good" and e["target"] not in liars])
        with open(os.path.join(FOLDER, "told")) as f:
            lines = [json.loads(x)["seq"] for x in f]
        # The last, monitor.stopped, is for the next start to tell.
        self.t.same("the hook was told all, in order",
                    range(1, len(events)), lines[:len(events) - 1])

    def end(self):
        self.daemon.send_signal(signal.SIGTERM)
        try:
            code = self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            code = "hangs"
        self.t.same("SIGTERM ends it well", [0], [code])
        with open(self.log, "rb") as f:
            said = f.read()
        self.t.figure("%d KiB of log" % (len(said) // 1024))
        self.t.check("an analyser cannot flood the log",
                     len(said) < LOG_BYTES, len(said))
        self.t.check("nor send a terminal anything", not any(
            x in said for x in (b"\x1b", b"\x80\xae", b"\xff")))
        self.t.check("nor speak for another", b"\nstore: error: " not in said)
        found = subprocess.run([KPWATCH, "verify", "-s", self.state],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT).stdout.decode()
        self.t.check("verify finds the forged hash and nothing else",
                     " 1 faults" in found and "body has sha256" in found, found)

    def all_looked_at(self):
        looks = self.looks()
        return all(looks.get("evil-" + m, 0) >= 3 for m in BAD + FALSE)

    def tell(self):
        try:
            self.begin()
            self.wait("baselines", lambda: len(self.good_channels()) == GOOD,
                      60)
            self.wait("every page has been looked at three times",
                      self.all_looked_at)
            self.flow("after it")
            self.watchdog()
            self.flow("in the end")
            self.unharmed()
            self.recorded()
            self.end()
            self.judge()
        finally:
            if self.daemon.poll() is None:
                for pid in self.pids.values():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        if self.t.failures:
            self.t.note(self.tail())
        self.t.finish()


Run().tell()
