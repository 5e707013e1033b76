"""`kpwatch check` over the whole catalogue, with some of its hosts in
trouble of every kind: every verdict right, and fast."""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe
import tap
import world

LIMIT_SECONDS = 20

t = tap.Tap()
w = world.World(os.environ["WORLD"])
w.start()

# target: (verdict, failure; None: whatever is documented for the verdict)
trouble = {
    "mfa": ("down", "dns_nxdomain_error"),
    "minju": ("down", "dns_servfail_error"),
    "youth": ("down", "generic_timeout_error"),
    "fia": ("down", "connection_refused"),
    "samhae": ("down", "host_unreachable"),
    "korart": ("degraded", None),
    "moph": ("degraded", None),
    "yongsaeng": ("degraded", None),
    "polestar": ("blocked", None),
    "kfausa": ("degraded", "ssl_invalid_certificate"),
    "manmulsang": ("degraded", None),
    "krfair": ("moved", None),
    "pyongsu": ("parked", None),
    "mirae": ("degraded", None),
}
w.dns_nxdomain("mfa")
w.dns_servfail("minju")
w.packets("dropped", "youth")
w.packets("reset", "fia")
w.packets("unreachable", "samhae")
w.behave("korart", kind="status", code=503)
w.behave("moph", kind="redirect", to="http://127.0.0.1/")
w.behave("yongsaeng", kind="loop")
w.behave("polestar", kind="redirect", to="http://%s/" % world.BLOCK_HOST)
w.certificate("kfausa", ends=-1)
w.behave("manmulsang", kind="status", code=404)
w.behave("krfair", kind="redirect", code=301,
         to=w.targets["mediaryugyong"].url)
w.behave("pyongsu", kind="html", body=(
    "<html><head><title>pyongsu.com</title></head><body><h1>pyongsu.com</h1>"
    "<p>This domain is for sale.</p><p>Buy this domain</p>"
    "</body></html>"))
w.behave("mirae", kind="html", body="<html><body></body></html>")

arguments = ["check", "-c", probe.CONF, "--json", "-o",
             "network.name_servers=[%s]" % world.NAME_SERVER, "-o",
             "network.ca_file=" + w.ca_file, "-o", "vantage=world-1"]
p = probe.Probe(w, os.path.join(w.folder, "state"))
began = time.monotonic()
code, out, err = p.command(*arguments)
took = time.monotonic() - began
t.check("ends well", code == 0, err[-2000:])
t.figure("%d targets looked at in %.1f s" % (len(w.targets), took))
t.check("in under %d s" % LIMIT_SECONDS, took < LIMIT_SECONDS,
        "%.1f s" % took)

rows = [json.loads(line) for line in out.splitlines()]
main = {r["target"]: r for r in rows
        if r["page"] == "main" and r.get("variant") != "unverified"}
t.same("every target once", sorted(w.targets), sorted(main))
wrong = []
for target in sorted(w.targets):
    row = main.get(target)
    verdict, failure = trouble.get(target, ("up", None))
    if row is None:
        continue
    if row["verdict"] != verdict or (failure and row["failure"] != failure):
        wrong.append({k: v for k, v in row.items() if k in (
            "target", "verdict", "failure", "outcome", "stage", "status",
            "page_class", "final_url", "title")})
t.same("every verdict right", [], wrong)
t.check("a bad certificate gets a second, labelled look", any(
    r["target"] == "kfausa" and r.get("variant") == "unverified" and
    r["status"] == 200 for r in rows))
t.same("no connection to loopback was tried", [0], [w.inward_packets()])
for target, charset, declared, title in world.OLD_CHARSETS:
    row = main.get(target, {})
    t.same("title of a %s page (declared by %s)" % (charset, declared),
           [title], [row.get("title")])
v6 = {i: main[i]["address"] for i in ("kfauk",) if i in main}
t.same("a host with IPv6 only", {"kfauk": w.address6["www.kfauk.com"]}.items(),
       v6.items())
# A host with more IPv6 addresses than are tried, and one of IPv4.
dual = next(i for i, x in w.targets.items() if x.host == world.DUAL[0])
w.change_zone(*[("zone-set", world.DUAL[0] + ".", "1", "AAAA",
                 "2a01:4f8:c0c::d%d" % n) for n in range(4)])


def dual_is(name, want):
    out = p.command(*arguments, "-o", "timeouts.connect=2s", dual)[1]
    row = json.loads(out.splitlines()[0])
    t.same(name, [want], [(row["verdict"], row["failure"])])


w.inside("nft", "add rule inet world in meta nfproto ipv6 meta l4proto tcp "
         "drop")
dual_is("IPv6 that leads nowhere is no outage", ("up", None))
world.run("ip", "-6", "route", "del", "default")
dual_is("no way by IPv6 is no outage", ("up", None))
w.packets("reset", dual)
dual_is("what IPv4 says is told where there is no IPv6",
        ("down", "connection_refused"))
w.packets("reset", dual, False)
world.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
dual_is("IPv6 switched off hides no site", ("up", None))
w.packets("reset", dual)
dual_is("what IPv4 says is told where IPv6 is switched off",
        ("down", "connection_refused"))
w.stop()
t.finish()
