"""The world itself, seen with curl and kdig: what the other tests stand on."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap
import world

t = tap.Tap()
w = world.World(os.environ["WORLD"])
w.start()
world.name_servers_file(w.folder)


def curl(target, *more):
    """ "CODE" or "exit N" """
    try:
        return world.run(
            "curl", "-s", "-m", "2", "--cacert", w.ca_file, "-o", "/dev/null",
            "-w", "%{http_code}", w.targets[target].url, *more)
    except world.CommandFailed as failed:
        return str(failed).split(": ")[-2]


def rcode(target):
    text = world.run("kdig", "@" + world.NAME_SERVER, w.host(target), "A")
    return text.split("status: ")[1].split(";")[0].strip()


bad = ["%s: %s" % (i, c) for i in w.targets for c in [curl(i)] if c != "200"]
t.same("all of %d targets answer" % len(w.targets), [], bad)
for name, do, undo, want in [
        ("NXDOMAIN", lambda: w.dns_nxdomain("mfa"),
         lambda: w.dns_back("mfa"), "exit 6"),
        ("SERVFAIL", lambda: w.dns_servfail("mfa"),
         lambda: w.dns_servfail("mfa", False), "exit 6"),
        ("dropped packets", lambda: w.packets("dropped", "mfa"),
         lambda: w.packets("dropped", "mfa", False), "exit 28"),
        ("refused connections", lambda: w.packets("reset", "mfa"),
         lambda: w.packets("reset", "mfa", False), "exit 7"),
        ("another address", lambda: w.dns_move("mfa", "175.45.178.9"),
         lambda: w.dns_move("mfa", "175.45.177.9"), "200"),
        ("an error of the server",
         lambda: w.behave("mfa", kind="status", code=503),
         lambda: w.behave("mfa"), "503"),
        ("an endless body", lambda: w.behave("mfa", kind="endless"),
         lambda: w.behave("mfa"), "exit 28"),
        ("a cut body", lambda: w.behave("mfa", kind="cut"),
         lambda: w.behave("mfa"), "exit 18"),
        ("no uplink", lambda: w.uplink(False), lambda: w.uplink(True),
         "exit 6")]:
    do()
    if name.isupper():
        t.same("the name server says " + name, [name], [rcode("mfa")])
    t.same(name, [want], [curl("mfa")])
    undo()
    t.same(name + ": over", ["200"], [curl("mfa")])
w.behave("mfa", kind="redirect", to="http://127.0.0.1/")
curl("mfa", "-L")
t.check("a connection to loopback is counted", w.inward_packets() == 1)
w.behave("mfa", kind="loop")
t.same("a redirect loop", ["exit 47"], [curl("mfa", "-L")])
w.certificate("sogwang", -100, -5)
t.same("an expired certificate", ["exit 60"], [curl("sogwang")])
w.certificate("sogwang")
t.same("a renewed certificate", ["200"], [curl("sogwang")])
w.stop()
t.finish()
