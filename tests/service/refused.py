"""The archive's disk is full for the second of two looks that end together.
usage: refused.py FOLDER

The first look's page has a tag (ETag).  What the store makes of a look is
lost, and the tag with it, when the look is not undone with its group and done
again: then the next one asks for the page without naming the tag.
"""
import http.server
import os
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/world"))
import quiet
import tap

FOLDER = sys.argv[1]
KPWATCH = os.environ["KPWATCH"]
STATE = os.path.join(FOLDER, "state")
ARCHIVE = os.path.join(STATE, "warc")
LOG = os.path.join(FOLDER, "log")
TAG = '"first"'


class Site(quiet.Quiet):
    both = threading.Barrier(2)
    tags = []  # that the looks at the first page named

    def do_GET(self):
        first = self.path == "/first"
        body = b"<title>x</title><p>All the news</p>"
        if first:
            Site.tags.append(self.headers.get("If-None-Match"))
        try:
            Site.both.wait(0 if len(Site.tags) > 1 else 20)
        except threading.BrokenBarrierError:
            pass
        if not first:
            time.sleep(0.005)
            # No packing makes it fit.
            body += os.urandom(150000).hex().encode()
        self.answer(body, ETag=TAG)


def configure(port):
    def write(name, text):
        with open(os.path.join(FOLDER, name), "w") as f:
            f.write(text)

    for name in ("platforms.yaml", "verdicts.yaml"):
        with open(os.path.join(TOP, "conf", name)) as f:
            write(name, f.read())
    write("accounts.yaml", "accounts: []\n")
    write("sites.yaml", "sites:\n" + "".join(
        '  - {id: %s, name: X, category: news, status: active, source: test, '
        'pages: [{name: main, url: "http://127.0.0.1:%d/%s"}]}\n' % (
            name, port, name) for name in ("first", "second")))
    write("kpwatch.yaml", """vantage: refused
intervals: {active: 2s, retry_first: 2s, retry_max: 2s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
record: {warc: true}
twin: {enabled: false}
""")


def size_archive(size, *how):
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(
        how + ("size=" + size, "mode=700")), "tmpfs", ARCHIVE], check=True)


def said(word):
    with open(LOG, errors="replace") as f:
        return word in f.read()


def wait(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


def tell(t):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    configure(server.server_address[1])
    os.makedirs(ARCHIVE, 0o700)
    size_archive("64k")
    daemon = subprocess.Popen(
        [KPWATCH, "run", "-c", FOLDER + "/kpwatch.yaml", "-s", STATE],
        stdin=subprocess.DEVNULL, stdout=open(LOG, "wb"),
        stderr=subprocess.STDOUT)
    try:
        t.check("says that the disk refuses",
                wait(lambda: said("the disk refuses")))
        t.same("the first page was asked for once", [None], Site.tags)
        size_archive("16m", "remount")
        t.check("takes data again", wait(lambda: said("takes data again")))
        t.check("the first page is asked for again",
                wait(lambda: len(Site.tags) > 1))
        t.same("by its tag", [TAG], Site.tags[1:2])
        daemon.terminate()
        t.same("ends well", [0], [daemon.wait(30)])
        t.same("each first look is told once", ["first", "second"], sorted(
            e["target"] for e in quiet.events(STATE)
            if e["type"] == "target.baseline"))
        t.same("and all is as it should be", [0], [subprocess.run(
            [KPWATCH, "verify", "-s", STATE], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode])
    finally:
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
    if t.failures:
        with open(LOG, errors="replace") as f:
            t.note(f.read()[-4000:])
    t.finish()


tell(tap.Tap())
