"""Memory of all processes together: idle on the shipped catalogue, and with
10,000 targets.

	memory.py shipped|many
"""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe
import tap
import world

MANY = 10000
LIMIT_MIB = {"shipped": 48, "many": 160}


def make_many(w):
    """A catalogue of that many sites, all on names under one wildcard."""
    folder = os.path.join(w.folder, "conf")
    os.mkdir(folder)
    for name in os.listdir(os.path.join(world.TOP, "conf")):
        if name.endswith(".yaml") and name not in (
                "sites.yaml", "accounts.yaml"):
            with open(os.path.join(world.TOP, "conf", name)) as f:
                text = f.read()
            open(os.path.join(folder, name), "w").write(text)
    with open(os.path.join(folder, "sites.yaml"), "w") as f:
        f.write("sites:\n")
        for n in range(MANY):
            f.write("  - {id: s%d, name: Site %d, operator: O, "
                    "category: other, status: unknown, source: none, pages: "
                    "[{name: main, url: \"http://s%d.many.kp/\"}]}\n"
                    % (n, n, n))
    open(os.path.join(folder, "accounts.yaml"), "w").write("accounts: []\n")
    w.change_zone(*[("zone-set", "*.many.kp.", "1", "A",
                     "175.45.179.%d" % n) for n in range(1, 9)])
    w.many_root()
    return os.path.join(folder, "kpwatch.yaml")


t = tap.Tap()
which = sys.argv[1]
w = world.World(os.environ["WORLD"])
w.start()
conf = probe.CONF if which == "shipped" else make_many(w)
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
t.check("memory, " + which, 0 < peak <= LIMIT_MIB[which])
t.same("ends on SIGTERM", [0], [p.stop()])
w.stop()
t.finish()
