"""The story: the world moves as the sources tell of the real one, and the
change log must hold exactly the events of it, no more and no fewer.

	story.py own|real

"real" serves the saved pages of the shared folder in place of our own.
"""
import collections
import os
import shlex
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import probe
import tap
import world
from shares import TWELVE

YOUTUBE = ('<a href="https://www.youtube.com/channel/'
           'UCTwECeGqMZee77BjdoYtI2Q" class="block_right_sns brc_youtube" '
           'target="_blank"></a>')
CHANNEL = "UCTwECeGqMZee77BjdoYtI2Q"
SOUNDCLOUD = ('<a class="dprk-sound" href="https://soundcloud.com/dprktoday" '
              'target="_blank"></a>')
VIMEO = ('<a class="dprk-vimeo" href="https://vimeo.com/dprktoday" '
         'target="_blank"></a>')
WEIBO = ('<a href="https://weibo.com/u/6331567113" '
         'class="block_right_sns brc_weibo" target="_blank"></a>')
PLAYER = ('<a href="itv/php_tmp/youtubeplayer.php?no=38487" '
          'target="_blank"><i class="icon_sns_youtube"></i></a>')
HEADLINE = "<div class=\"title_css\">강안의 유원지에 새 놀이기구가 들어왔다</div>"

# Six of different operators, of different kinds of failure.
DARK = ["ryugyongclip", "tour-kumgangsan", "silibank", "dprkorea",
        "pyongyangtimes", "korstamp"]

Event = collections.namedtuple(
    "Event", "type target platform name before after failure")


def brief(event):
    """What of an event is compared."""
    shown = event["type"].split(".")[0] in ("channel", "share", "embed",
                                            "player")
    return Event(event["type"], event["target"], event.get("platform"),
                 event.get("name"),
                 event.get("before") if shown else None,
                 event.get("after") if shown else None,
                 event.get("failure"))


def ev(kind, target, platform=None, name=None, before=None, after=None,
       failure=None):
    return Event(kind, target, platform, name, before, after, failure)


class Story:
    def __init__(self, real):
        self.t = tap.Tap()
        self.real = real
        self.w = world.World(os.environ["WORLD"])
        self.p = probe.Probe(self.w, os.path.join(self.w.folder, "state"))
        self.expected = []

    # --- waiting -------------------------------------------------------------

    def has(self, events, want):
        return want in [brief(e) for e in events]

    def expect(self, *wants, seconds=40):
        """The events will come; waits until all have."""
        self.expected += wants
        counts = collections.Counter(self.expected)

        def there(events):
            have = collections.Counter(brief(e) for e in events)
            return all(have[w] >= counts[w] for w in wants)
        try:
            self.p.wait("events", there, seconds)
        except RuntimeError as error:
            have = [brief(e) for e in self.p.events()]
            self.t.note(str(error))
            missing = [w for w in wants if w not in have]
            for want in missing[:8]:
                self.t.note("missing: %s" % (want,))
            self.t.note("missing in all: %d of %d"
                        % (len(missing), len(wants)))
            for e in self.p.events():
                if e["type"] not in ("target.baseline", "monitor.started") \
                        and e["target"] in {w.target for w in wants}:
                    self.t.note(e)
            if not self.p.alive() or len(missing) == len(wants):
                raise

    def looks(self, target, n, path="/", seconds=40):
        """Waits until a page was asked for n times more."""
        since = time.time()
        self.w.wait("%d looks at %s" % (n, target),
                    lambda: len(self.w.requests(target, since, path)) >= n,
                    seconds)

    # --- chapters --------------------------------------------------------------

    def baseline(self):
        w, p, t = self.w, self.p, self.t
        began = time.monotonic()
        p.start()
        self.expected.append(ev("monitor.started", None))
        self.expect(*[ev("target.baseline", i) for i in w.targets],
                    seconds=90)
        t.figure("%d targets baselined in %.1f s"
                 % (len(w.targets), time.monotonic() - began))
        items = {e["target"]: e for e in p.events()
                 if e["type"] == "target.baseline"}
        self.baseline_of("uriminzokkiri", items, [
            ("channel", "googleplus", "104135929328788950083"),
            ("channel", "instagram", "uriminzok2017"),
            ("channel", "pinterest", "uriminzokkiri"),
            ("channel", "tumblr", "uriminzok"),
            ("channel", "twitter", "uriminzok"),
            ("channel", "vk", "uriminzokkiri"),
            ("channel", "weibo", "6331567113"),
            ("channel", "youku", "taesongsan"),
            ("feed", "rss", None), ("player", "vk", None),
            ("player", "youku", None), ("suspect", "flickr", "uriminzok")])
        self.baseline_of("dprktoday", items, [
            ("channel", "facebook", "Dprktoday"),
            ("channel", "flickr", "dprktoday"),
            ("channel", "googleplus", "+Dprktoday"),
            ("channel", "instagram", "dprktoday"),
            ("channel", "pinterest", "dprktoday"),
            ("channel", "tumblr", "dprktoday"),
            ("channel", "twitter", "dprktoday_com"),
            ("channel", "youku", "dprktoday"),
            ("channel", "youtube", "c/dprktoday"),
            ("feed", "rss", None), ("player", "youku", None),
            ("player", "youtube", None)])
        self.baseline_of("sogwang", items, [
            ("share", "facebook", None), ("share", "linkedin", None),
            ("share", "pinterest", None), ("share", "tumblr", None),
            ("share", "twitter", None)])

    def baseline_of(self, target, items, want):
        event = items.get(target)
        if event is None:
            self.t.check("baseline of " + target, False, "no event")
            return
        nameless = ("share", "player", "feed")
        got = sorted({(i["kind"], i["platform"],
                       None if i["kind"] in nameless else i.get("name"))
                      for i in event["sightings"]
                      if i["kind"] in nameless + ("channel", "suspect")},
                     key=str)
        self.t.same("baseline of %s: %d elements" % (target, len(want)),
                    sorted(want, key=str), got)

    def additions(self):
        w = self.w
        w.add_to_page("uriminzokkiri", YOUTUBE)
        w.add_to_page("dprktoday", SOUNDCLOUD + "\n" + VIMEO)
        w.edit_page("sogwang", lambda text: text.replace(
            "<!-- more -->", "\n".join(
                '<a class="btn-%s" href="%s" target="_blank"></a>'
                % (i, u.replace("U", "https%3A%2F%2Fsogwang.com%2F"))
                for i, u in TWELVE.items())))
        w.edit_page("arirangmeari", lambda text: text.replace(
            "3월21일", "3월22일"))
        w.edit_page("uriminzokkiri", lambda text: text.replace(
            "주체107(2018)년 3월 18일", "주체107(2018)년 3월 19일"))
        self.expect(
            ev("channel.added", "uriminzokkiri", "youtube", CHANNEL, 8, 9),
            ev("channel.added", "dprktoday", "soundcloud", "dprktoday",
               9, 11),
            ev("channel.added", "dprktoday", "vimeo", "dprktoday", 9, 11),
            *[ev("share.added", "sogwang", i, None, 5, 17) for i in TWELVE])

    def failures(self):
        w = self.w
        w.dns_nxdomain("mfa")
        w.dns_servfail("minju")
        w.packets("dropped", "youth")
        w.packets("reset", "fia")
        w.behave("korart", kind="status", code=503,
                 headers={"Retry-After": "1"})
        w.behave("pulbora", kind="endless",
                 start=w.get_page("pulbora").split("</body>")[0])
        w.behave("moph", kind="redirect", to="http://127.0.0.1/")
        w.behave("yongsaeng", kind="loop")
        w.behave("polestar", kind="redirect",
                 to="http://%s/" % world.BLOCK_HOST)
        w.dns_move("samhae", "175.45.178.77")
        w.certificate("kfausa", ends=-1)
        self.expect(
            ev("site.down", "mfa", failure="dns_nxdomain_error"),
            ev("site.down", "minju", failure="dns_servfail_error"),
            ev("site.down", "youth", failure="generic_timeout_error"),
            ev("site.down", "fia", failure="connection_refused"),
            ev("site.degraded", "korart"),
            ev("site.degraded", "moph"),
            ev("site.degraded", "yongsaeng",
               failure="http_unexpected_redirect_url"),
            ev("site.blocked", "polestar"),
            ev("address.changed", "samhae"),
            # The expired one is another than that of the baseline.
            ev("certificate.changed", "kfausa"),
            ev("site.degraded", "kfausa", failure="ssl_invalid_certificate"),
            seconds=60)
        self.t.same("no connection to loopback was tried", [0],
                    [w.inward_packets()])

    def recovery(self):
        w = self.w
        w.dns_back("mfa")
        w.dns_servfail("minju", False)
        w.packets("dropped", "youth", False)
        w.packets("reset", "fia", False)
        for target in ("korart", "pulbora", "moph", "yongsaeng", "polestar"):
            w.behave(target)
        w.certificate("kfausa")
        self.expect(
            *[ev("site.up", i) for i in (
                "mfa", "minju", "youth", "fia", "korart", "moph", "yongsaeng",
                "polestar", "kfausa")],
            ev("certificate.changed", "kfausa"), seconds=60)

    def elements(self):
        w = self.w
        # Gone for one look, and back: nothing.
        w.take_from_page("uriminzokkiri", YOUTUBE)
        self.looks("uriminzokkiri", 1)
        w.add_to_page("uriminzokkiri", YOUTUBE)
        self.looks("uriminzokkiri", 3)
        w.add_to_page("uriminzokkiri", PLAYER)
        w.add_to_page("arirangmeari", HEADLINE)
        self.expect(
            ev("player.added", "uriminzokkiri", "youtube", None, 2, 3),
            ev("content.changed", "arirangmeari"))
        w.take_from_page("uriminzokkiri", YOUTUBE)
        self.expect(
            ev("channel.removed", "uriminzokkiri", "youtube", CHANNEL, 9, 8))

    def uplink(self):
        self.w.uplink(False)
        self.expect(ev("vantage.offline", None), seconds=60)
        time.sleep(2)
        self.w.uplink(True)
        self.expect(ev("vantage.online", None), seconds=60)
        self.looks("uriminzokkiri", 2)

    def six_dark(self):
        for n, target in enumerate(DARK):
            self.w.packets("dropped" if n % 2 else "reset", target)
        self.expect(*[ev("site.down", i, failure=(
            "generic_timeout_error" if n % 2 else "connection_refused"))
            for n, i in enumerate(DARK)], seconds=60)
        code, out, err = self.p.command(
            "status", "-c", probe.CONF, "-s", self.p.state)
        self.t.check("status has one line for the six", code == 0 and any(
            "6 " in line and sum(i in line for i in DARK) >= 3
            for line in out.splitlines()), out[-3000:] + err)

    def transcript(self, path):
        """What the README shows, taken from this world, as on a terminal."""
        state = ["-s", self.p.state]
        with open(path, "w") as f:
            for words in (["check", "-c", probe.CONF] + probe.options(self.w) +
                          ["silibank", "sogwang",
                           "http://www.uriminzokkiri.com/"],
                          ["log", "--type", "channel.*"] + state,
                          ["log", "--type", "site.*"] + state,
                          ["status", "-c", probe.CONF] + state):
                done = subprocess.run(
                    ["script", "-qec", shlex.join([probe.KPWATCH] + words),
                     "/dev/null"], stdout=subprocess.PIPE, text=True,
                    env={**os.environ, "TERM": "dumb", "NO_COLOR": "1"})
                f.write("== %s\n%s" % (words[0], done.stdout))

    def ending(self):
        p, t = self.p, self.t
        # Long enough that anything more would have come.
        self.looks("uriminzokkiri", 4)
        t.figure("memory of all processes while busy: %.1f MiB"
                 % (p.memory_kib() / 1024))
        t.same("ends on SIGTERM", [0], [p.stop()])
        if "TRANSCRIPT" in os.environ:
            self.transcript(os.environ["TRANSCRIPT"])
        self.expected.append(ev("monitor.stopped", None))
        self.compare([brief(e) for e in p.logged()])
        self.chain(p.logged())
        t.same("the log is what the store has", p.events(), p.logged())
        code, out, err = p.command("verify", *sorted(
            os.path.join(p.state, "log", f)
            for f in os.listdir(p.state + "/log") if f.endswith(".gz")))
        t.check("verify passes", code == 0, out + err)
        with open(p.output, errors="replace") as f:
            bad = [line for line in f if "ERROR" in line or
                   "runtime error" in line or "analysis_failed" in line]
        t.same("no sanitizer report", [], bad[:20])

    def compare(self, got):
        """The exact list: same events, and in order for each target."""
        want = collections.defaultdict(collections.Counter)
        have = collections.defaultdict(collections.Counter)
        for e in self.expected:
            want[e.target][e] += 1
        for e in got:
            have[e.target][e] += 1
        lines = []
        for target in sorted(set(want) | set(have), key=str):
            for e in (want[target] - have[target]).elements():
                lines.append("missing %s" % (tuple(e),))
            for e in (have[target] - want[target]).elements():
                lines.append("unexpected %s" % (tuple(e),))
        self.t.same("exactly the %d expected events" % len(self.expected),
                    [], lines)
        for line in lines[:20]:
            if line.startswith("unexpected"):
                for e in self.p.events():
                    if "unexpected %s" % (tuple(brief(e)),) == line:
                        self.t.note(e)

    def chain(self, events):
        self.t.same("sequence without a hole", list(range(1, len(events) + 1)),
                    [e["seq"] for e in events])

    def tell(self):
        self.w.start()
        if self.real:
            self.w.use_real_pages()
        for chapter in (self.baseline, self.additions, self.failures,
                        self.recovery, self.elements, self.uplink,
                        self.six_dark, self.ending):
            at = time.monotonic()
            chapter()
            self.t.note("%s: %.1f s" % (chapter.__name__,
                                        time.monotonic() - at))

    def run(self):
        probe.run_story(self.t, self.w, self.p, self.tell)


Story(sys.argv[1:] == ["real"]).run()
