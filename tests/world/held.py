"""A site asks for a rest, and another of its address waits with it: what the
other shows when its turn comes is dated then, not when it was due.  A site
that leads to a port that is closed is degraded, however often its address was
asked before."""
import datetime
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe
import tap
import world

REST = 8
WAITS, RESTS = "friend", "kass"  # of one address
LINK = '<a href="https://www.youtube.com/@heldchannel">x</a>'

t = tap.Tap()
w = world.World(os.environ["WORLD"])
p = probe.Probe(w, os.path.join(w.folder, "state"))


def seconds(event):
    return datetime.datetime.strptime(
        event["time"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def tell():
    w.start()
    p.start()
    p.wait("baselines", lambda events: {WAITS, RESTS} <= {
        e["target"] for e in events if e["type"] == "target.baseline"})
    since = time.time()
    w.wait("looks", lambda: all(
        len(w.requests(i, since, "/")) > 1 for i in (WAITS, RESTS)), 40)
    w.behave(RESTS, kind="status", code=503,
             headers={"Retry-After": str(REST)})
    since = time.time()
    w.wait("the refusal", lambda: w.requests(RESTS, since, "/"), 40)
    time.sleep(REST / 2)
    w.add_to_page(WAITS, LINK)
    changed = time.time()
    event = next(e for e in p.wait("the channel", lambda events: any(
        e["type"] == "channel.added" for e in events))
        if e["type"] == "channel.added")
    t.same("the channel", [(WAITS, "heldchannel")],
           [(event["target"], event["name"])])
    t.check("is not dated before it was there",
            seconds(event) >= changed - 0.002,
            "%s, there at %.3f" % (event["time"], changed))
    # Of an address that is asked often; nobody listens there.
    w.behave(RESTS, kind="redirect", to="http://%s:81/" % w.host(RESTS))
    closed = lambda e: (e["type"], e["target"], e.get("failure")) == (
        "site.degraded", RESTS, "connection_refused")
    events = p.wait("the closed port", lambda events: any(
        map(closed, events)))
    t.same("a port that is closed is the site's", [1],
           [len(list(filter(closed, events)))])
    t.same("ends on SIGTERM", [0], [p.stop()])


probe.run_story(t, w, p, tell)
