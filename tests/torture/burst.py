"""Thousands of targets that fail at once.  usage: burst.py TARGETS

In a network of its own, where each target has an address of its own: many that
refuse on one address are taken for an edge that has enough of us.

A hook with a window gets one message with all of them.  How long it takes to be
sure of so many is the machine's affair, so the window is of hours, and cut
short by a reload when all are down.
"""
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../hooks"))
import receive
from receive import wait
import tap

FOLDER, FAIL = os.environ["WORLD"], int(sys.argv[1])
STAY = FAIL
EVERY = 10 if FAIL < 1000 else 30  # seconds between looks


class Site(receive.Quiet):
    def do_GET(self):
        self.answer(b"<html><title>News</title><body><p>The daily paper of "
                    b"today</p></body></html>")


def settings(port, window):
    hook = os.path.join(receive.TOP, "contrib/hooks/webhook")
    with open(FOLDER + "/mail", "w") as f:
        f.write("#!/bin/sh\n{ cat; echo END; } >> %s/mails\n" % FOLDER)
    os.chmod(FOLDER + "/mail", 0o755)
    with open(FOLDER + "/desk", "w") as f:
        f.write("#!/bin/sh\nSENDMAIL=%s/mail exec %s/contrib/hooks/mail "
                "kpwatch@a.example desk@b.example\n" % (FOLDER, receive.TOP))
    os.chmod(FOLDER + "/desk", 0o755)
    return """vantage: burst
intervals: {active: %ds, retry_first: 1s, retry_max: 2s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
limits: {analysers: 1, concurrency: 64}
record: {warc: false}
twin: {enabled: false}
hooks:
  - {name: web, command: %s, args: ["http://127.0.0.1:%d/"], types: ["site.*"], batch: %s, retry_max: 10s}
  - {name: desk, command: %s/desk, types: ["site.*"], batch: %s, retry_max: 10s}
""" % (EVERY, hook, port, window, FOLDER, window)


def tell(t, d, site):
    began = time.monotonic()
    d.start()
    t.check("all are watched", wait(
        lambda: d.count("target.baseline") == FAIL + STAY, 120), d.tail())
    site.end()
    t.check("they are down", wait(
        lambda: d.count("site.down") == FAIL, 600 if FAIL > 1000 else 120),
        d.ask("SELECT t.id, t.verdict, t.candidate, t.looks, t.held, "
              "o.failure, o.status, o.address, max(o.observation) "
              "FROM targets t JOIN pages USING (target) LEFT JOIN "
              "(observations JOIN details USING (observation)) o USING (page) "
              "WHERE t.id LIKE 'fail%' AND t.verdict <> 'down' GROUP BY 1"))
    t.figure("all down after %.0f s" % (time.monotonic() - began))
    t.check("nobody was told yet", not receive.Receiver.calls)
    d.write("kpwatch.yaml", settings(receiver.server_port, "1s"))
    d.process.send_signal(signal.SIGHUP)
    t.check("a message comes to both hooks", wait(
        lambda: receive.Receiver.calls and
        os.path.exists(FOLDER + "/mails"), 100), d.tail())
    t.check("and nothing more waits", wait(lambda: all(
        w == (0, 0) for w in d.waiting().values()), 60), d.waiting())
    t.same("SIGTERM ends it well", [0], [d.stop()])
    t.same("one message to the web hook", [FAIL],
           [len(c) for c in receive.Receiver.calls])
    got = receive.Receiver.calls[0]
    t.same("it lists every one of them once", sorted(
        "fail%d" % i for i in range(FAIL)), sorted(e["target"] for e in got))
    with open(FOLDER + "/mails") as f:
        mails = f.read()
    t.same("one mail", [1], [mails.count("\nEND\n")])
    t.check("that says how many", "%d events: %d site.down" % (FAIL, FAIL)
            in mails, mails[:400])
    t.check("no vantage went offline: others answered",
            d.count("vantage.offline") == 0)


def address(net, n):
    return "127.%d.%d.%d" % (net, n // 250, n % 250 + 1)


def targets(name, net, port):
    return {"%s%d" % (name, i): "http://%s:%d/" % (address(net, i), port)
            for i in range(FAIL)}


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
t = tap.Tap()
site = receive.Server(Site, "0.0.0.0").begin()
other = receive.Server(Site, "0.0.0.0").begin()
receiver = receive.Server(receive.Receiver).begin()
sites = {**targets("fail", 1, site.server_port),
         **targets("stay", 2, other.server_port)}
d = receive.Daemon(FOLDER, sites, settings(receiver.server_port, "3h"))
try:
    tell(t, d, site)
finally:
    if d.process.poll() is None:
        d.process.kill()
t.finish()
