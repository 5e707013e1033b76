"""Memory of all processes together: idle on the shipped catalogue, and with
10,000 targets.

	memory.py shipped|many
"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import many
import probe
import tap
import world

MANY = 10000
LIMIT_MIB = {"shipped": 48, "many": 160}


t = tap.Tap()
which = sys.argv[1]
w = world.World(os.environ["WORLD"])
w.start()
conf = probe.CONF if which == "shipped" else many.catalogue(w, MANY)
targets = len(w.targets) if which == "shipped" else MANY
p = probe.Probe(w, os.path.join(w.folder, "state"), conf=conf, **{
    "intervals.active": "20s" if which == "shipped" else "60s",
    "intervals.dead": "20s" if which == "shipped" else "60s",
    "intervals.accounts": "20s",
    "twin.enabled": "false"})
p.start()
began = time.monotonic()
try:
    p.wait("all baselines", lambda events: sum(
        e["type"] == "target.baseline" for e in events) >= targets, 300)
except RuntimeError as error:
    t.check("all baselines", False, error)
t.figure("%d targets looked at in %.0f s" % (
    targets, time.monotonic() - began))
peak = 0
for _ in range(10):
    time.sleep(1)
    peak = max(peak, p.memory_kib() / 1024)
t.figure("%s: %.1f MiB proportional set size of all processes, at most %d"
         % (which, peak, LIMIT_MIB[which]))
print("# bench:\tmemory idle (PSS), %s\t%.4g\tMiB\t%.3g\tlimit %d MiB\t<=1" % (
    "%d targets" % targets, peak, peak / LIMIT_MIB[which], LIMIT_MIB[which]),
    flush=True)
t.check("memory, " + which, 0 < peak <= LIMIT_MIB[which])
t.same("ends on SIGTERM", [0], [p.stop()])
w.stop()
t.finish()
