"""What was recorded gives, replayed, the events of the run that recorded it:
the same in the same order with the same fields, whatever the number of
analysers.
"""
import json
import os
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe
import tap
import world
from catalogue import small_catalogue

# What a live run alone can know, and what names the file it was read from.
NOT_COMPARED = ("source", "prev", "seq")
LIVE_ONLY = ("monitor.started", "monitor.stopped", "monitor.gap",
             "clock.stepped")
# Those that change, and enough others to tell that the line is up.
SITES = """uriminzokkiri dprktoday sogwang arirangmeari mfa youth fia korart
moph samhae kfausa kcna rodong naenara minju vok gnu korfilm cooks minzu
korea-np kcna-jp aha-ru""".split()
YOUTUBE = ('<a href="https://www.youtube.com/channel/'
           'UCTwECeGqMZee77BjdoYtI2Q">film</a>')
VK = ('<a href="https://vk.com/share.php?url=https%3A%2F%2Fsogwang.com%2F">'
      'share</a>')
HEADLINE = "<div class=\"title_css\">강안의 유원지에 새 놀이기구가 들어왔다</div>"


def comparable(events):
    lines = []
    for e in events:
        if e["type"] in LIVE_ONLY:
            continue
        kept = {k: v for k, v in e.items() if k not in NOT_COMPARED}
        lines.append(json.dumps(kept, ensure_ascii=False))
    return lines


def store_rows(state):
    """Everything in the store that is not of its own making."""
    db = sqlite3.connect("file:%s/kpwatch.sqlite?mode=ro" % state, uri=True)
    names = [r[0] for r in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows = [(n,) + r for n in names
            for r in db.execute("SELECT * FROM \"%s\"" % n)]
    db.close()
    return rows


class Replayed:
    def __init__(self):
        self.t = tap.Tap()
        self.w = world.World(os.environ["WORLD"])
        self.conf = small_catalogue(self.w, SITES)
        self.p = probe.Probe(self.w, os.path.join(self.w.folder, "state"),
                             self.conf, **{"record.warc": "true",
                                           "record.size": "1MiB"})

    def wait_for(self, kind, *targets, seconds=40):
        def there(events):
            return set(targets) <= {e["target"] for e in events
                                    if e["type"] == kind}
        try:
            self.p.wait("%s of %s" % (kind, " ".join(targets)[:200]), there,
                        seconds)
        except RuntimeError as error:
            missing = set(targets) - {e["target"] for e in self.p.events()
                                      if e["type"] == kind}
            raise RuntimeError("%s; missing %s" % (error, sorted(missing)))

    def run(self):
        w, p = self.w, self.p
        p.start()
        self.wait_for("target.baseline", *SITES, seconds=90)
        w.add_to_page("uriminzokkiri", YOUTUBE)
        w.add_to_page("sogwang", VK)
        w.add_to_page("arirangmeari", HEADLINE)
        w.dns_nxdomain("mfa")
        w.packets("dropped", "youth")
        w.packets("reset", "fia")
        w.behave("korart", kind="status", code=503)
        w.behave("moph", kind="redirect", to="http://127.0.0.1/")
        w.dns_move("samhae", "175.45.178.77")
        w.certificate("kfausa", ends=-1)
        self.wait_for("channel.added", "uriminzokkiri")
        self.wait_for("share.added", "sogwang")
        self.wait_for("content.changed", "arirangmeari")
        self.wait_for("site.down", "mfa")
        self.wait_for("site.degraded", "korart", "moph", "kfausa")
        self.wait_for("address.changed", "samhae")
        w.dns_back("mfa")
        w.packets("dropped", "youth", False)
        w.packets("reset", "fia", False)
        w.behave("korart")
        w.behave("moph")
        w.certificate("kfausa")
        w.take_from_page("uriminzokkiri", YOUTUBE)
        self.wait_for("site.up", "mfa", "korart", "moph", "kfausa")
        self.wait_for("channel.removed", "uriminzokkiri")
        self.t.same("ends on SIGTERM", [0], [p.stop()])

    def replay(self, analysers):
        """(events printed, rows of the store)"""
        state = os.path.join(self.w.folder, "replay-%s" % analysers)
        folder = os.path.join(self.p.state, "warc")
        files = sorted(os.path.join(folder, f) for f in os.listdir(folder)
                       if f.endswith(".warc.gz"))
        began = time.monotonic()
        code, out, err = self.p.command(
            "replay", "-c", self.conf, "-s", state, *probe.options(self.w),
            "-o", "limits.analysers=%d" % analysers, *files)
        self.t.figure("%d files replayed by %d analysers in %.1f s"
                      % (len(files), analysers, time.monotonic() - began))
        self.t.check("replay by %d analysers ends well" % analysers,
                     code == 0, err)
        if analysers == 1:
            self.t.note(err)
        return out, store_rows(state)

    def evidence(self, live):
        """Every record that an event names is there and says what the event
        says; one byte changed in one of them is found."""
        t, p = self.t, self.p
        named = sorted({(e["evidence"]["warc"], e["evidence"]["offset"])
                        for e in live if e.get("evidence") and
                        e["evidence"]["warc"] and e["evidence"]["sha256"]})
        logs = sorted(os.path.join(p.state, "log", f)
                      for f in os.listdir(p.state + "/log"))
        for name, words in (("state folder", ("-s", p.state)),
                            ("files", logs)):
            code, out, err = p.command("verify", "-c", self.conf, *words)
            t.check("evidence of the %s is whole" % name,
                    code == 0 and "evidence: 0" not in out, out + err)
        path = os.path.join(p.state, "warc", named[0][0])
        with open(path, "r+b") as f:
            f.seek(named[0][1] + 200)
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ 1]))
        code, out, err = p.command("verify", "-c", self.conf, "-s", p.state)
        t.check("one flipped byte of evidence is found, with its place",
                code == 1 and "%s at %d" % named[0] in err, out + err)

    def tell(self):
        t = self.t
        began = time.monotonic()
        self.w.start()
        self.run()
        live = comparable(self.p.logged())
        t.figure("%d events recorded in %.0f s"
                 % (len(live), time.monotonic() - began))
        out, rows = self.replay(1)
        events = [json.loads(line) for line in out.splitlines()]
        t.same("the events of the run, in order, field by field", live,
               comparable(events))
        t.same("each says where it comes from", ["warc"],
               sorted({e["source"] for e in events}))
        for n in (2, 4):
            again, rows_again = self.replay(n)
            t.check("the same bytes from %d analysers" % n, out == again)
            t.check("the same store from %d analysers" % n,
                    rows == rows_again, [
                        (a, b) for a, b in zip(rows, rows_again)
                        if a != b][:5])
        self.evidence(self.p.logged())

    def main(self):
        probe.run_story(self.t, self.w, self.p, self.tell)


Replayed().main()
