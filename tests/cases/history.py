"""Archives of what four sites looked like on the days of which something is
known, and the timeline that `kpwatch replay --timeline` makes of them.

	history.py WORK PAGES

PAGES holds saved home pages of March 2018 (NAME.html, or NAME.com.html, or
NAME.com.part*.html); what they linked on other days is put in and taken out.
"""
import base64
import glob
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys

work, pages = sys.argv[1:3]
program = os.environ["KPWATCH"]
top = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(top, "tests/world"))
from shares import FIVE, TWELVE

CHANNEL = "UCTwECeGqMZee77BjdoYtI2Q"
URLS = {"dprktoday": "http://www.dprktoday.com/",
        "uriminzokkiri": "http://www.uriminzokkiri.com/",
        "arirangmeari": "http://www.arirangmeari.com/",
        "sogwang": "https://sogwang.com/"}
failed = 0


def check(name, want, got):
    global failed
    print(("ok" if want == got else "not ok") + " - " + name)
    if want == got:
        return
    failed += 1
    for line in sorted(set(want) - set(got)) if isinstance(want, list) \
            else [want]:
        print("# missing: %s" % (line,))
    for line in sorted(set(got) - set(want)) if isinstance(got, list) \
            else [got]:
        print("# too much: %s" % (line,))


def saved(site):
    """The home page of March 2018."""
    for name in (site + ".html", site + ".com.html", site + ".com.part*"):
        found = sorted(glob.glob(os.path.join(pages, name)))
        if found:
            return b"\n".join(open(f, "rb").read() for f in found).decode()
    sys.exit("no page of %s" % site)


def without(page, *parts):
    """Links whose address holds one of the parts, taken out."""
    for part in parts:
        page = re.sub(r'<a\b[^>]*href\s*=\s*"[^"]*%s[^"]*"[^>]*>.*?</a>'
                      % re.escape(part), "", page, flags=re.S)
    return page


def adding(page, *urls):
    links = "".join('<a class="sns" href="%s" target="_blank"></a>\n' % u
                    for u in urls)
    return re.sub(r"(<body\b[^>]*>)", lambda m: m.group(1) + links, page,
                  count=1) if "<body" in page else links + page


def shares(*services):
    """A page whose only links are share buttons."""
    buttons = "".join('<a class="btn" href="%s"></a>\n'
                      % url.replace("U", "https%3A%2F%2Fsogwang.com%2F")
                      for s in services for url in s.values())
    return ('<!doctype html><meta charset="utf-8"><title>서광</title><body>'
            "<h1>서광</h1><p>서광편집사가 운영하는 홈페지입니다. 여러분을 "
            "환영합니다. 오늘의 소식과 화면편집물, 음악을 여기에서 보십시오."
            "</p>%s</body>" % buttons)


def captures():
    """(date, site, page): what each site showed on that day."""
    today = saved("dprktoday")
    before = without(today, "tumblr", "youku.com", "instagram")
    later = adding(today, "https://soundcloud.com/dprktoday",
                   "https://vimeo.com/dprktoday")
    closed = without(later, "youtube.com")
    meari = saved("arirangmeari")
    bare = without(meari, "tumblr", "flickr", "plus.google", "twitter")
    urimin = saved("uriminzokkiri")
    again = adding(urimin, "https://www.youtube.com/channel/" + CHANNEL)
    yield "2014-12-21", "dprktoday", before
    yield "2016-11-23", "dprktoday", before
    yield "2016-04-10", "arirangmeari", bare
    yield "2016-04-11", "arirangmeari", meari
    yield "2018-03-21", "arirangmeari", meari
    yield "2018-03-21", "dprktoday", today
    yield "2018-03-18", "uriminzokkiri", urimin
    yield "2018-12-23", "dprktoday", later
    yield "2018-12-20", "sogwang", shares(FIVE)
    yield "2019-01-14", "sogwang", shares(FIVE, TWELVE)
    yield "2019-02-08", "uriminzokkiri", again
    yield "2019-03-11", "uriminzokkiri", again
    yield "2019-03-11", "sogwang", shares(FIVE, TWELVE)
    yield "2020-01-14", "dprktoday", later
    yield "2020-01-14", "uriminzokkiri", again
    # Three good looks without it, and it is gone.
    for day in ("2020-01-16", "2020-01-17", "2020-01-18", "2020-01-19"):
        yield day, "dprktoday", closed
        yield day, "uriminzokkiri", urimin


def expected():
    """target kind platform name first last still-there, by hand."""
    def rows(site, first, last, there, kind, *pairs):
        for platform, name in pairs:
            yield (site, kind, platform, name, first, last, there)
    end = "2020-01-19"
    yield from rows(
        "dprktoday", "2014-12-21", end, True, "channel",
        ("facebook", "Dprktoday"), ("twitter", "dprktoday_com"),
        ("googleplus", "+Dprktoday"), ("flickr", "dprktoday"),
        ("pinterest", "dprktoday"))
    yield from rows("dprktoday", "2014-12-21", "2020-01-14", False, "channel",
                    ("youtube", "c/dprktoday"))
    yield from rows("dprktoday", "2018-03-21", end, True, "channel",
                    ("tumblr", "dprktoday"), ("youku", "dprktoday"),
                    ("instagram", "dprktoday"))
    yield from rows("dprktoday", "2018-12-23", end, True, "channel",
                    ("soundcloud", "dprktoday"), ("vimeo", "dprktoday"))
    yield from rows("arirangmeari", "2016-04-11", "2018-03-21", True,
                    "channel", ("tumblr", "arirangmeari"),
                    ("flickr", "arirangmeari"), ("twitter", "MeariArirang"),
                    ("googleplus", "114647316430354052490"))
    yield from rows(
        "uriminzokkiri", "2018-03-18", end, True, "channel",
        ("twitter", "uriminzok"), ("youku", "taesongsan"),
        ("googleplus", "104135929328788950083"),
        ("pinterest", "uriminzokkiri"), ("tumblr", "uriminzok"),
        ("instagram", "uriminzok2017"), ("weibo", "6331567113"),
        ("vk", "uriminzokkiri"))
    yield from rows("uriminzokkiri", "2019-02-08", "2020-01-14", False,
                    "channel", ("youtube", CHANNEL))
    yield from rows("sogwang", "2018-12-20", "2019-03-11", True, "share",
                    *((p, None) for p in FIVE))
    yield from rows("sogwang", "2019-01-14", "2019-03-11", True, "share",
                    *((p, None) for p in TWELVE))


def record(kind, url, date, content_type, block, extra=""):
    digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
    head = ("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%s>\r\n"
            "WARC-Date: %s\r\nWARC-Target-URI: %s\r\n%s"
            "WARC-Block-Digest: sha1:%s\r\nContent-Type: %s\r\n"
            "Content-Length: %d\r\n\r\n"
            % (kind, hashlib.md5((kind + url + date).encode()).hexdigest(),
               date, url, extra, digest, content_type, len(block)))
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


def write_archives():
    """One file a year; the records of a file in no order of time."""
    years = {}
    for date, site, page in captures():
        body = page.encode()
        url, when = URLS[site], date + "T06:00:03Z"
        block = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8"
                 b"\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
        payload = "WARC-Payload-Digest: sha1:%s\r\n" % base64.b32encode(
            hashlib.sha1(body).digest()).decode()
        years.setdefault(date[:4], []).append((when, record(
            "response", url, when, "application/http; msgtype=response",
            block, payload)))
    for year, records in years.items():
        with open("%s/history-%s.warc.gz" % (work, year), "wb") as f:
            f.write(b"".join(r for _, r in sorted(records)))
    return len(years)


def replay(*arguments):
    p = subprocess.run([program, "replay", "-c",
                        os.path.join(top, "conf/kpwatch.yaml"), *arguments,
                        work + "/history-*.warc.gz"],
                       capture_output=True, text=True, timeout=120)
    return p.returncode, p.stdout, p.stderr


files = write_archives()
code, out, err = replay("--timeline", "--json")
check("exit code", 0, code)
found = [json.loads(line) for line in out.splitlines()]
rows = [(r["target"], r["kind"], r["platform"], r["name"],
         r["first_seen"][:10], r["last_seen"][:10], r["present"])
        for r in found if r["kind"] in ("channel", "share")]
check("who linked what, first and last", sorted(expected(), key=str),
      sorted(rows, key=str))
check("by target and time", True,
      [(r["target"], r["first_seen"]) for r in found] ==
      sorted((r["target"], r["first_seen"]) for r in found))
check("the summary counts", True,
      "%d files (0 damaged)" % files in err and "4 targets, " in err)
code, table, err = replay("--timeline")
check("as a table: one line for each", [len(found), 0],
      [len(table.splitlines()), code])
check("a line of the table", True,
      "dprktoday\t2018-12-23T06:00\t2020-01-19T06:00\tthere\tchannel\t"
      "soundcloud\tdprktoday\t" in table)
code, out, err = replay()
events = [json.loads(line) for line in out.splitlines()]
check("the channel that came back and went", [
    ("channel.added", "2019-02-08"), ("channel.removed", "2020-01-18")],
    [(e["type"], e["time"][:10]) for e in events
     if e["target"] == "uriminzokkiri" and e.get("platform") == "youtube"])
check("share services, from and to", [5, 17],
      [min(e["before"] for e in events if e["type"] == "share.added"),
       max(e["after"] for e in events if e["type"] == "share.added")])
print("# figure: %d elements in the timeline of %d files" % (len(found), files))
sys.exit(failed > 0)
