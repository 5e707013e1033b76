"""A receiver that is down for an hour.  usage: outage.py FOLDER

All times are a 360th of what is usual: an hour takes ten seconds, the first
delay of 5 s is 14 ms, and the longest, of an hour, ten seconds.  Every event of
that time comes to the webhook's receiver, in order, once, in calls of one event
and in calls of many.
"""
import itertools
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import receive
from receive import wait
import tap

FOLDER = sys.argv[1]
PACE = 360
SITES = 3


class Site(receive.Quiet):
    number = itertools.count()
    still = False

    def do_GET(self):
        n = next(Site.number) if not Site.still else 0
        self.answer(('<html><title>News</title><body><p>The daily paper</p>'
                     '<a href="https://www.youtube.com/@channel%d">c</a>'
                     '</body></html>' % n).encode())


def settings(port):
    hook = os.path.join(receive.TOP, "contrib/hooks/webhook")
    usual = ("command: %s, types: [channel.added], retry_first: %dms, "
             "retry_max: %dms" % (hook, 5000 // PACE, 3600000 // PACE))
    return """vantage: outage
intervals: {active: 1s, retry_first: 1s, retry_max: 1s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
limits: {analysers: 1}
twin: {enabled: false}
hooks:
  - {name: single, %s, args: ["http://127.0.0.1:%d/single"]}
  - {name: many, %s, batch: 1s, args: ["http://127.0.0.1:%d/many"]}
""" % (usual, port, usual, port)


def got(name):
    """Sequence numbers in each call of that hook."""
    return [[e["seq"] for e in call] for call in
            receive.Receiver.of_path.get("/" + name, [])]


def tell(t, d, receiver):
    d.start()
    t.check("events wait for a receiver that is down", wait(
        lambda: d.waiting().get("single", (0, 0))[0] > 5, 60), d.tail())
    time.sleep(3600 / PACE)
    receiver.begin()
    # It has flowed while it was down; and it flows on for a while.
    t.check("they come when it is up", wait(
        lambda: len(got("single")) > 10, 60), d.tail())
    Site.still = True
    t.check("until none waits", wait(lambda: all(
        w == (0, 0) for w in d.waiting().values()), 120), d.waiting())
    t.same("SIGTERM ends it well", [0], [d.stop()])
    want = [e["seq"] for e in d.events() if e["type"] == "channel.added"]
    for name in ("single", "many"):
        calls = got(name)
        t.figure("%s: %d events in %d calls" % (
            name, sum(len(c) for c in calls), len(calls)))
        t.same("%s: every event, in order, once" % name, want,
               [seq for c in calls for seq in c])
    t.check("single: one in a call", all(
        len(c) == 1 for c in got("single")))
    t.check("many: many in a call", any(
        len(c) > 2 for c in got("many")))


t = tap.Tap()
site = receive.Server(Site).begin()
receiver = receive.Server(receive.Receiver)
d = receive.Daemon(FOLDER, {
    "s%d" % i: "http://127.0.0.1:%d/%d" % (site.server_port, i)
    for i in range(SITES)}, settings(receiver.server_port))
try:
    tell(t, d, receiver)
finally:
    if d.process.poll() is None:
        d.process.kill()
t.finish()
