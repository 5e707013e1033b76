"""The sniffer: packets of failed and changed looks are kept, one capture for
each; what they show joins the observation; replayed, they give the events of
the run.
"""
import datetime
import glob
import json
import os
import re
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import database
import probe
import tap
import world
from catalogue import small_catalogue

SITES = """uriminzokkiri dprktoday arirangmeari youth fia korart moph kcna
rodong naenara minju vok gnu korfilm cooks""".split()
YOUTUBE = ('<a href="https://www.youtube.com/channel/'
           'UCTwECeGqMZee77BjdoYtI2Q">film</a>')
HEADLINE = "<div class=\"title_css\">강안의 유원지에 새 놀이기구가 들어왔다</div>"
# A reset in the middle of a connection, with a time to live of its own.
FORGER = """
table inet forger {
    chain in {
        type filter hook input priority 1;
        ip daddr %(a)s tcp flags & psh == psh reject with tcp reset
    }
    chain out {
        type filter hook output priority 1;
        ip saddr %(a)s tcp flags & rst == rst ip ttl set 200
    }
}"""


# What only a live run has, and what names the evidence.
NOT_COMPARED = ("source", "prev", "seq", "evidence")
# `since` of what was removed is the last look that showed it, which brought
# nothing new, so that its packets are gone.
TIMES = ("time", "since", "from", "to")
LIVE_ONLY = ("monitor.started", "monitor.stopped", "monitor.gap",
             "clock.stepped")


def apart_in_order(live, again):
    """Pairs of looks that stand in another order, though one began long before
    the other."""
    def lines(events):
        return [("%s %s %s %s" % (e["type"], e["target"], e["platform"],
                                  e["name"]), seconds(e["time"]))
                for e in sorted(events, key=lambda e: e["seq"])
                if e["type"] not in LIVE_ONLY]
    place = {}
    for i, (line, _) in enumerate(lines(again)):
        place.setdefault(line, []).append(i)
    ordered = [(line, time, place[line].pop(0))
               for line, time in lines(live) if place.get(line)]
    return [(a[0], b[0]) for i, a in enumerate(ordered)
            for b in ordered[i + 1:]
            if a[2] > b[2] and abs(a[1] - b[1]) > 0.1]


def seconds(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def comparable(events):
    """(lines without times, their times), target by target: looks at several
    targets overlap, and those of one do not."""
    found = []
    for e in sorted(events, key=lambda e: (e["target"] or "", e["seq"])):
        if e["type"] in LIVE_ONLY:
            continue
        kept = {k: v for k, v in e.items() if k not in NOT_COMPARED + TIMES}
        evidence = e["evidence"] or {}
        if "cluster" in kept:  # TARGET@TIME of the event that began it
            kept["cluster"] = kept["cluster"].split("@")[0]
        kept.update({k: evidence.get(k) for k in ("sha256", "element",
                                                  "text")})
        found.append((json.dumps(kept, ensure_ascii=False),
                      [seconds(e[k]) for k in TIMES if k in e and not
                       (k == "since" and "removed" in e["type"])]))
    return [x[0] for x in found], [(t, x[0][:120]) for x in found
                                   for t in x[1]]


class Sniffed:
    def __init__(self):
        self.t = tap.Tap()
        self.w = world.World(os.environ["WORLD"])
        self.conf = small_catalogue(self.w, SITES)
        # Two that share no more than who answers for their names.
        self.w.address[self.w.host("youth")] = "218.25.43.200"
        self.w.address[self.w.host("fia")] = "210.150.0.200"
        self.p = probe.Probe(
            self.w, os.path.join(self.w.folder, "state"), self.conf,
            **{"record.packets": "yes", "metrics.listen": "127.0.0.1:9464",
               "intervals.active": "1s",
               # Packets do not say why a look was made.
               "twin.enabled": "no"})

    def wait_for(self, kind, *targets, seconds=30):
        self.p.wait("%s of %s" % (kind, " ".join(targets)), lambda events:
                    set(targets) <= {e["target"] for e in events
                                     if e["type"] == kind}, seconds)

    def forge(self, target, on):
        if on:
            self.w.inside("nft", "-f", "-", input=FORGER % {
                "a": self.w.address[self.w.host(target)]})
        else:
            self.w.inside("nft", "delete", "table", "inet", "forger")

    def run(self):
        w, p = self.w, self.p
        p.start()
        self.wait_for("target.baseline", *SITES, seconds=60)
        w.add_to_page("uriminzokkiri", YOUTUBE)
        w.add_to_page("arirangmeari", HEADLINE)
        w.dns_nxdomain("korfilm")
        w.packets("dropped", "youth")
        w.packets("reset", "fia")
        w.behave("korart", kind="status", code=503)
        self.forge("moph", True)
        self.wait_for("channel.added", "uriminzokkiri")
        self.wait_for("content.changed", "arirangmeari")
        self.wait_for("site.down", "korfilm", "youth", "fia")
        self.wait_for("site.degraded", "korart")
        self.wait_for("site.blocked", "moph")
        w.dns_back("korfilm")
        w.packets("dropped", "youth", False)
        w.packets("reset", "fia", False)
        w.behave("korart")
        self.forge("moph", False)
        w.take_from_page("uriminzokkiri", YOUTUBE)
        self.wait_for("site.up", "korfilm", "youth", "fia", "korart", "moph")
        self.wait_for("channel.removed", "uriminzokkiri")
        self.metrics()
        self.t.same("ends on SIGTERM", [0], [p.stop()])

    def metrics(self):
        """What the daemon says of its sniffer while it runs."""
        time.sleep(0.1)
        end = time.monotonic() + 15
        while True:
            with urllib.request.urlopen("http://127.0.0.1:9464/metrics") as f:
                text = f.read().decode()
            found = dict(re.findall(
                r"^kpwatch_(sniffer_up|packets_\w+|captures_total) (\d+)$",
                text, re.M))
            if int(found.get("captures_total", 0)) > 0 or \
                    time.monotonic() > end:
                break
            time.sleep(0.5)
        self.t.note(found)
        self.t.check("metrics: packets seen and kept, none lost",
                     found["sniffer_up"] == "1" and
                     int(found["packets_seen_total"]) > 100 and
                     found["packets_lost_total"] == "0" and
                     found["packets_evicted_total"] == "0" and
                     int(found["captures_total"]) > 0, found)

    def causes(self):
        """Went down together, and by their name servers belong together."""
        found = {e["target"]: (e.get("cluster"), e.get("cause"))
                 for e in self.p.logged() if e["type"] == "site.down" and
                 e["target"] in ("youth", "fia")}
        self.t.note(found)
        self.t.check("a common name server is named", any(
            cause == "same name server" for _, cause in found.values()), found)

    def captures(self):
        return sorted(glob.glob(self.p.state + "/packets/*/*.pcap"))

    def rows(self, sql):
        return database.ask(self.p.state, sql)

    def kept(self):
        """Which looks have a capture."""
        t = self.t
        looks = dict(self.rows("SELECT observation, result"
                               " FROM observations"))
        files = {int(os.path.basename(f)[:-5]) for f in self.captures()}
        told = {r[0] for r in self.rows("SELECT observation FROM details"
                                        " WHERE variant <> 'control'")}
        t.check("every look with news has a capture", told <= files,
                sorted(told - files))
        t.check("looks that brought nothing have none",
                files and len(files) < len(looks) / 2 and
                len(files - told) <= 2 * len(SITES),
                (len(files), len(told), len(looks)))
        t.figure("%d looks, %d with news, %d captures of %d KiB" % (
            len(looks), len(told), len(files),
            sum(os.path.getsize(f) for f in self.captures()) // 1024))
        named = [e["evidence"]["pcap"] for e in self.p.logged()
                 if e["target"] and e.get("evidence")]
        t.check("every event of a target names one", named and None not in
                named, named)

    def measured(self):
        """What the packets show has joined the observations."""
        t = self.t
        rows = self.rows(
            "SELECT t.id, d.failure, k.packets, k.synack_us, k.ttl,"
            " k.reset_ttl, k.reset_by, k.injected, k.resent_up,"
            " k.incomplete FROM packets k JOIN observations o"
            " USING (observation) JOIN details d USING (observation)"
            " JOIN pages p USING (page) JOIN targets t USING (target)"
            " WHERE hop = 0")
        good = [r for r in rows if r[1] is None]
        t.check("of an answer: packets, SYN-ACK and its time to live",
                good and all(r[2] > 6 and 0 < r[3] < 500000 and r[4] == 64
                             for r in good),
                [r for r in good if not (r[2] > 6 and r[3] and r[4] == 64)])
        fia = [r for r in rows if r[0] == "fia" and r[1]]
        t.check("of a refusal: the server's reset", fia and all(
            r[6] == "server" and r[5] and r[3] is None and not r[7]
            for r in fia), fia)
        youth = [r for r in rows if r[0] == "youth" and r[1]]
        t.check("of silence: the SYN alone, and no SYN-ACK", youth and all(
            r[2] >= 1 and r[3] is None and r[6] is None for r in youth),
            youth)
        moph = [r for r in rows if r[0] == "moph" and r[1]]
        t.check("of a forged reset: its time to live, and who did not send it",
                moph and all(r[4] == 64 and r[5] == 200 and r[6] == "server"
                             and r[7] for r in moph), moph)
        t.check("no capture lacks packets", not any(r[9] for r in rows), rows)

    def verify(self):
        t, p = self.t, self.p
        words = ("verify", "-c", self.conf, "-s", p.state)
        code, out, err = p.command(*words)
        t.check("verify finds the captures whole", code == 0 and
                " 0 no longer" in out, out + err)
        named = [e["evidence"] for e in p.logged() if e["target"]]
        first, last = named[0]["pcap"], named[-1]["pcap"]
        folder = os.path.join(p.state, "packets")
        with open(os.path.join(folder, first), "r+b") as f:
            f.seek(60)
            byte = f.read(1)
            f.seek(60)
            f.write(bytes([byte[0] ^ 1]))
            f.flush()
            code, out, err = p.command(*words)
            f.seek(60)
            f.write(byte)
        t.check("a changed capture is found", code == 1 and first in err,
                out + err)
        path = os.path.join(folder, last)
        os.rename(path, path + ".away")
        code, out, err = p.command(*words)
        os.rename(path + ".away", path)
        t.check("a deleted capture is counted, not damage",
                code == 0 and " 0 no longer" not in out, out + err)

    def replay(self, analysers):
        state = os.path.join(self.w.folder, "replay-%d" % analysers)
        code, out, err = self.p.command(
            "replay", "-c", self.conf, "-s", state, *probe.options(self.w),
            "-o", "limits.analysers=%d" % analysers, *self.captures())
        self.t.check("replay by %d analysers ends well" % analysers,
                     code == 0, err)
        self.t.note(err)
        return out

    def replayed(self):
        t = self.t
        live, live_times = comparable(self.p.logged())
        out = self.replay(1)
        again, times = comparable([json.loads(x) for x in out.splitlines()])
        t.same("the events of each target, in order, field by field", live,
               again)
        events = [json.loads(x) for x in out.splitlines()]
        t.same("in one order over all targets", [],
               apart_in_order(self.p.logged(), events))
        apart, which = max((abs(a[0] - b[0]), a[1])
                           for a, b in zip(live_times, times))
        t.check("their times within 50 ms", apart < 0.05, (apart, which))
        t.figure("times at most %.1f ms apart" % (apart * 1000))
        t.check("the same bytes from 2 analysers", out == self.replay(2))

    def without(self):
        """No packet socket is to be had: said once, and the watch goes on."""
        p = probe.Probe(self.w, os.path.join(self.w.folder, "without"),
                        self.conf, **{"record.packets": "yes"})
        p.start(("setpriv", "--bounding-set=-net_raw"))
        p.wait("a baseline", lambda events: any(
            e["type"] == "target.baseline" for e in events))
        self.t.same("ends on SIGTERM without packets", [0], [p.stop()])
        with open(p.output) as f:
            said = f.read().count("packets are not recorded: no permission")
        self.t.check("the lack of a capability is said once", said == 1, said)
        self.t.check("and nothing is kept",
                     not glob.glob(p.state + "/packets/*/*"))

    def tell(self):
        t, w = self.t, self.w
        began = time.monotonic()
        w.start()
        for zone in "youth.rep.kp", "law.kp":
            w.dns_zone(zone, "ns1.star-jv.world")
        self.run()
        self.causes()
        t.figure("%d events in %.0f s" % (len(self.p.logged()),
                                          time.monotonic() - began))
        self.kept()
        self.measured()
        self.replayed()
        self.verify()
        self.without()

    def main(self):
        probe.run_story(self.t, self.w, self.p, self.tell)


Sniffed().main()
