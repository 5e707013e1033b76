#!/usr/bin/env python3
"""Hostile pages against `kpwatch extract`: none may take more than a second
of CPU or 64 MiB of memory.  Prints TAP.

Most pages fill the 16 MiB that are looked at, so each shape is seen at its
worst.  The time that fails is five times the bar, as the machine may be busy;
what the test is there for, work that grows faster than the page, passes any
bound at these sizes.  Times over the bar are said."""
import os
import random
import resource
import subprocess
import sys
import tempfile

M = 1000 * 1000
FULL = 17 * M
BAR, FACTOR, KIB = 1.0, 5, 64 * 1024


def fill(text, before=b"", after=b"", size=FULL):
    """The text again and again, up to the size."""
    text = text.encode() if isinstance(text, str) else text
    return before + text * (size // len(text)) + after


def count(form, times, before=b"", after=b""):
    """The form with 0, 1, 2 ... in it."""
    return before + b"".join(form % i for i in range(times)) + after


def charset(name, text):
    return fill(text, b"<meta charset=" + name.encode() + b"><p>")


def noise(alphabet, before=b""):
    """Bytes drawn from an alphabet, the same in every run."""
    table = bytes(alphabet[i % len(alphabet)] for i in range(256))
    return before + random.Random(1).randbytes(FULL).translate(table)


def json_ld(text, after=b""):
    return fill(text, b'<script type="application/ld+json">', after)


MARKUP = b"<>/='\"&;!-? ab\n[]\0"
HIGH = bytes(range(128, 256))

PAGES = {
    # nesting
    "nesting": lambda: fill("<div>"),
    "nested links": lambda: fill("<a href=x>"),
    "nested tables": lambda: fill("<table><tr><td>"),
    "nested formatting": lambda: fill("<b><i><font color=a>"),
    "nested svg": lambda: fill("<svg>", after=b"<a href=x>"),
    "nested templates": lambda: fill("<template>"),
    "nested lists": lambda: fill("<ul><li>x"),
    "closed and never opened": lambda: fill("</div></a></p>"),
    "links in a table": lambda: fill("<a href=x>1", b"<table>"),
    "options": lambda: fill("<option><a href=x>", b"<select>"),
    # what never ends
    "less-than signs": lambda: fill("<", size=50 * M),
    "open tags": lambda: fill("<a", size=50 * M),
    "declarations": lambda: fill("<!"),
    "questions": lambda: fill("<?x"),
    "open doctype": lambda: fill(" 'a' ", b"<!DOCTYPE html PUBLIC "),
    "open cdata": lambda: fill("<![CDATA["),
    "open attribute": lambda: fill("x", b'<a href="', size=50 * M),
    "open attributes": lambda: fill('<a href="x'),
    "open tag": lambda: fill('y="z" ', b'<a href="x" '),
    "open comment": lambda: fill("-", b"<!--"),
    "comments": lambda: fill("<!--x--!>"),
    "comment openings": lambda: fill("<!--x--"),
    "open script": lambda: fill("x<", b"<script>"),
    "half a script's end": lambda: fill("</scrip ", b"<script>"),
    "script in a comment": lambda: fill("<script ", b"<script><!--"),
    "open style": lambda: fill("</styl", b"<style>"),
    "open title": lambda: fill("</titl ", b"<title>"),
    "open textarea": lambda: fill("</textare&amp;", b"<textarea>"),
    "open noscript": lambda: fill("<noscript><a href=x>"),
    "plaintext": lambda: fill("<a href=x>", b"<plaintext>"),
    # attributes
    "a million attributes": lambda: count(b"a%d=b ", M, b"<a ", b"href=x>"),
    "one attribute again": lambda: fill("a=b ", b"<a ", b"href=x>"),
    "equal signs": lambda: fill("=", b"<a "),
    "slashes in a tag": lambda: fill("/", b"<a "),
    "quotes in a tag": lambda: fill("'\"", b"<a "),
    "long attribute name": lambda: fill("n", b"<a ", b"=x>"),
    "long tag name": lambda: fill("n", b"<"),
    "value of 50 MB": lambda: fill("x", b'<a href="', b'">', 50 * M),
    "ampersands in a value": lambda: fill("&", b'<a href="', b'">'),
    "entities in a value": lambda: fill("&notit;&lt", b'<a href="', b'">'),
    "classes": lambda: fill("jiathis_button_ ", b"<a class='", b"'>"),
    "a class for each of a million": lambda: count(b"<i class=c%d>", M),
    "kit elements": lambda: fill("<a class=jiathis_button_tsina>"),
    "kit services": lambda:
        fill("vkontakte,", b"<div class=ya-share2 data-services='", b"'>"),
    "handlers": lambda: fill("<a onclick=\"share('x',"),
    "handler of quotes": lambda: fill("'\\", b'<a onclick="', b'">'),
    # links
    "a million equal links": lambda: fill("<a href='http://vk.com/x'>"),
    "a million links": lambda: count(b"<a href=http://vk.com/a%d>", M // 2),
    "a million other hosts": lambda: count(b"<a href=http://a%d.kp>", M // 2),
    "a million near misses": lambda:
        count(b"<a href=http://twitter%d.com/x>", M // 2),
    "own players": lambda: count(b"<a href=/youtubeplayer.php?no=%d>", M // 2),
    "bases": lambda: fill("<base href='http://vk.com/a/../'><a href=x>"),
    "long base": lambda:
        fill("<a href=x>", b"<base href='http://a.kp/" + b"a/" * 4000 + b"'>"),
    "dots": lambda: fill("<a href='" + "a/../" * 1600 + "'>"),
    "redirector in itself": lambda: fill(
        "<a href='" + "out.php?url=" * 600 + "http://vk.com/x'>"),
    "escaped redirectors": lambda: fill(
        "<a href='http://l.facebook.com/l.php?u=" + "%2525" * 1500 + "'>"),
    "redirect keys": lambda: fill("<a href='?" + "url=a&" * 1300 + "'>"),
    "punycode": lambda: count(b"<a href=http://xn--n3h%d.kp/>", M // 2),
    "long punycode": lambda: fill(
        "<a href=http://xn--" + "9c" * 30 + ".kp/>"),
    "other scripts' hosts": lambda: fill("<a href=http://조선.한국/>"),
    "long host": lambda: fill("<a href='http://" + "a." * 4000 + "kp'>"),
    "numbers as hosts": lambda: fill("<a href=http://0x7f.1/>"),
    "tabs in an address": lambda: fill("<a href='h\tt\ntp://vk\t.com/x'>"),
    "srcset": lambda: fill("a 1x,", b"<img srcset='", b"'>"),
    "commas in a srcset": lambda: fill(",", b"<img srcset='", b"'>"),
    "brackets in a srcset": lambda: fill("a (,", b"<img srcset='", b"'>"),
    "style": lambda: fill("url(", b"<p style='", b"'>"),
    "style sheet": lambda: fill("a{b:url('x", b"<style>"),
    "refreshes": lambda: fill(
        "<meta http-equiv=refresh content='0;url=http://vk.com/x'>"),
    # scripts
    "script of quotes": lambda: fill("'\"`\\", b"<script>"),
    "script of slashes": lambda: fill("/=/[", b"<script>"),
    "script of strings": lambda: fill("'a'+", b"<script>"),
    "script of URLs": lambda: fill("'http://a.b/',", b"<script>"),
    "script of escapes": lambda:
        fill("'http:\\/\\/\\u0061\\x62.kp',", b"<script>"),
    "script of one string": lambda: fill("http://", b"<script>'"),
    "many scripts": lambda: fill("<script>'//a.kp'</script>"),
    "script of openings": lambda: fill("window.open(", b"<script>"),
    "script of locations": lambda: fill("location.href='", b"<script>"),
    "JSON-LD of lists": lambda: json_ld("["),
    "JSON-LD of maps": lambda: json_ld('{"sameAs":', b"1</script>"),
    "JSON-LD of links": lambda: fill(
        '"http://vk.com/x",', b'<script type="application/ld+json">'
        b'{"sameAs":[', b'"x"]}</script>'),
    "many JSON-LD": lambda: fill(
        '<script type="application/ld+json">{"sameAs":"//vk.com/x"}</script>'),
    # text
    "NULs": lambda: fill("\0"),
    "NULs between": lambda: fill('<p>a\0b<a hr\0ef="x\0y">t</a>'),
    "ampersands in text": lambda: fill("&amp", b"<p>"),
    "longest entity": lambda:
        fill("&CounterClockwiseContourIntegral", b"<p>"),
    "numbers": lambda: fill("&#x41;", b"<p>"),
    "long number": lambda: fill("1", b"<p>&#"),
    "dates": lambda: fill("2018-03-18 12:00 ", b"<p>"),
    "Juche dates": lambda: fill("주체107(2018)년 3월 18일 ", b"<p>"),
    "digits": lambda: fill("1", b"<p>"),
    "hex": lambda: fill("a1", b"<p>"),
    "blank": lambda: fill(" \n\t", b"<p>"),
    "pre": lambda: fill("\n", b"<pre>"),
    "paragraphs": lambda: fill("<p>x"),
    "Cyrillic": lambda: fill("<p>я"),
    "buttons": lambda: fill(
        "<button class='" + "ab " * 64 + "'>", b"<button class=share>"),
    "share bars": lambda: fill("<div class=share>"),
    "share bars in share bars": lambda: fill(
        "<div class=share><a class=vk href=#>"),
    "links in an open share bar": lambda: fill(
        "<a class=vk href=#>x</a>", b"<div class=share>"),
    "links far from a share bar": lambda: fill(
        "<a class=vk href=#>x</a>" + "share " * 1400),
    "clicks in share bars": lambda: fill(
        "<div class=share><li class=vk><i class=x onclick='goShare()'>"),
    "buttons in share bars": lambda: fill(
        "<div class=share><button class=vk title='\u5206\u4eab'>"),
    "share words": lambda: fill(
        "<p class='" + "share " * 100 + "'><a class=vk href=#>x</a>"),
    "tweets": lambda: fill(
        "<blockquote class=twitter-tweet>"
        "<a href=https://twitter.com/a/status/638793490521001985>"),
    "links in an open tweet": lambda: fill(
        "<a href=https://twitter.com/a/status/638793490521001985>x</a>",
        b"<blockquote class=twitter-tweet>"),
    "calls": lambda: fill("VK.Widgets.Group({", b"<script src="
                          b"//vk.com/js/api/openapi.js></script><script>"),
    "calls with blanks": lambda: fill(
        "<script>" + ("Kakao.Link.x(" + " " * 2000 + ")") * 60 + "</script>",
        b"<script src=//developers.kakao.com/sdk/js/kakao.js></script>"),
    "keys behind blanks": lambda: fill(
        "<script>" + ("Kakao.Channel.x(" + " " * 2000 + ")") * 60 + "</script>",
        b"<script src=//developers.kakao.com/sdk/js/kakao.js></script>"),
    "scripts with calls": lambda: fill(
        "<script>" + "Kakao.Link.x((" * 40 + "</script>",
        b"<script src=//developers.kakao.com/sdk/js/kakao.js></script>"),
    "feed": lambda: fill("<item><description>&lt;p>", b"<rss><channel>"),
    "feed in a feed": lambda: fill("<rss><channel>", b"<?xml version='1'?>"),
    # charsets
    "every byte": lambda: fill(HIGH),
    "bad UTF-8": lambda: charset("utf-8", b"\xf0\x9f"),
    "long UTF-8": lambda: charset("utf-8", b"\xfc\x80\x80\x80\x80\x80"),
    "bad CP949": lambda: charset("euc-kr", b"\xc9\xa1\xfe"),
    "bad GB18030": lambda: charset("gb18030", b"\x81\x30\x81"),
    "bad Big5": lambda: charset("big5", b"\x87\x40\xfe"),
    "bad Shift_JIS": lambda: charset("shift_jis", b"\x81\xff\xe0"),
    "bad EUC-JP": lambda: charset("euc-jp", b"\x8f\xa1\xff"),
    "ISO-2022-JP": lambda: charset("iso-2022-jp", b"\x1b$B\xff\x1b(B"),
    "KPS 9566": lambda: charset("kps9566", b"\xb0\xa1\xff"),
    "hz": lambda: charset("hz-gb-2312", b"~{VP~}"),
    "x-user-defined": lambda: charset("x-user-defined", HIGH),
    "UTF-16": lambda: fill(b"<\0", b"\xff\xfe"),
    "UTF-16 of surrogates": lambda: fill(b"\xd8\0", b"\xfe\xff"),
    "metas": lambda: fill("<meta charset=x>"),
    # chance
    "random": lambda: noise(bytes(range(256))),
    "random markup": lambda: noise(MARKUP),
    "random script": lambda: noise(b"'\"`\\/*\n<>x(){}[]=", b"<script>"),
    "random tag": lambda: noise(b"ab='\" \t\n/\0", b"<a "),
    "random high": lambda: noise(HIGH, b"<meta charset=gb18030>"),
}


def page_write(path, page):
    """In a process of its own: a child's peak counts its parent's size."""
    child = os.fork()
    if child == 0:
        with open(path, "wb") as out:
            out.write(page())
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("cannot make a page")


def run(program, conf, path):
    with open(path, "rb") as page:
        child = subprocess.Popen(
            [program, "extract", "-c", conf, "--json", "--base",
             "http://a.example/", "-"], stdin=page,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    return os.waitstatus_to_exitcode(status), usage


def main():
    program, conf = sys.argv[1:3]
    pages = {n: p for n, p in PAGES.items()
             if not sys.argv[3:] or n in sys.argv[3:]}
    worst_time = worst_size = failed = over = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "page")
        for at, (name, page) in enumerate(pages.items(), 1):
            page_write(path, page)
            code, usage = run(program, conf, path)
            cpu = usage.ru_utime + usage.ru_stime
            good = (code in (0, 1) and cpu <= BAR * FACTOR and
                    usage.ru_maxrss <= KIB)
            failed += not good
            over += cpu > BAR
            worst_time = max(worst_time, cpu)
            worst_size = max(worst_size, usage.ru_maxrss)
            print("%sok %d - %s: exit %d, %.2f s, %.1f MiB%s" % (
                "" if good else "not ", at, name, code, cpu,
                usage.ru_maxrss / 1024, ", over the bar" * (cpu > BAR)))
    print("1..%d" % len(pages))
    print("# figure: %d hostile pages, worst %.2f s (bar %.0f, %d over) and "
          "%.1f MiB (bar 64)" % (len(pages), worst_time, BAR, over,
                                 worst_size / 1024))
    return failed > 0


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
sys.exit(main())
