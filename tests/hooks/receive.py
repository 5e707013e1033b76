"""A receiver that may be down, and a daemon whose events go to it."""
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
KPWATCH = os.environ["KPWATCH"]
sys.path.insert(0, os.path.join(TOP, "tests/world"))
import database
from quiet import Quiet


class Server(http.server.ThreadingHTTPServer):
    """Its port is its own from the start; it refuses until begin()."""
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, handler, address="127.0.0.1"):
        super().__init__((address, 0), handler, bind_and_activate=False)
        self.server_bind()

    def begin(self):
        self.server_activate()
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def end(self):
        self.shutdown()
        self.server_close()


class Receiver(Quiet):
    calls = []  # the events of each
    of_path = {}  # the same by the path that was called

    def do_POST(self):
        got = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        events = got if isinstance(got, list) else [got]
        # Calls of several hooks come at once, each in a thread.
        Receiver.calls.append(events)
        Receiver.of_path.setdefault(self.path, []).append(events)
        self.answer(b"")


class Daemon:
    def __init__(self, folder, sites, settings):
        """sites: {target: URL}; settings: text of kpwatch.yaml."""
        self.folder, self.state = folder, os.path.join(folder, "state")
        for name in ("platforms.yaml", "verdicts.yaml"):
            os.symlink(os.path.join(TOP, "conf", name),
                       os.path.join(folder, name))
        self.write("accounts.yaml", "accounts: []\n")
        self.write("sites.yaml", "sites:\n" + "".join(
            '  - {id: %s, name: X, category: news, status: active, '
            'source: test, pages: [{name: main, url: "%s"}]}\n' % s
            for s in sites.items()))
        self.write("kpwatch.yaml", settings)
        self.conf = os.path.join(folder, "kpwatch.yaml")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(text)

    def start(self):
        self.process = subprocess.Popen(
            [KPWATCH, "run", "-c", self.conf, "-s", self.state],
            stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
            stdout=open(os.path.join(self.folder, "log"), "ab"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "hangs"

    def waiting(self):
        """{hook: (waiting, dead)}"""
        out = subprocess.run(
            [KPWATCH, "hooks", "-c", self.conf, "-s", self.state],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        rows = [line.split() for line in out.splitlines()]
        return {r[0]: (int(r[1]), int(r[3])) for r in rows
                if len(r) > 3 and r[1].isdigit() and r[3].isdigit()}

    def events(self):
        out = subprocess.run(
            [KPWATCH, "log", "-c", self.conf, "-s", self.state, "--json"],
            stdout=subprocess.PIPE).stdout.decode()
        return [json.loads(line) for line in out.splitlines()]

    def count(self, what):
        """Events of a type, of a daemon that runs."""
        found = self.ask("SELECT count(*) FROM events WHERE type = ?", what)
        return found[0][0] if found else 0

    def ask(self, sql, *args):
        return database.ask_soon(self.state, sql, *args)

    def tail(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return "".join(f.readlines()[-30:])


def wait(true, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.3)
    return bool(true())
