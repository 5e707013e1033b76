"""The pages that live.py has served.

slices(): stretches of saved real pages of about SLICE bytes each, with a head
that names their charset, where there are saved pages; front_page(): one of our own making.  Each in VARIANTS, which
differ in the first twelfth of their texts, as a front page does whose newest
articles change.
"""
import glob
import gzip
import os
import random
import re

SLICE = 20480
HEAD = '<!DOCTYPE html><meta charset="utf-8">\n'
VARIANTS = 32
CHANGED = 12  # one text in so many
TEXT = re.compile(r">([^<>{};]{24,400})(?=<)")
WORDS = """the of and to in spring exhibition opened guests libraries provinces
books printed new work factory students workers visited garden river bridge
school music festival delegation friendship meeting report harvest machine
instruments mountain weather tomorrow statement committee anniversary""".split()


def sentence(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n)).capitalize() + "."


def front_page(seed, news=150):
    """Menus, platform links, headlines, scripts, a foot: 44 KB."""
    rng = random.Random(seed)
    texts = [sentence(rng, 14) for _ in range(news)]
    links = "".join(
        '<li class="m%d"><a href="/index.php?part=%d" title="%s">%s</a></li>\n'
        % (n % 7, n, sentence(rng, 2), sentence(rng, 2)) for n in range(80))
    platforms = "".join(
        '<a class="sns" href="%s" target="_blank"><img src="/i/%d.png" '
        'alt=""></a>\n' % (url, n) for n, url in enumerate([
            "https://www.youtube.com/@example%d" % seed,
            "https://twitter.com/example%d" % seed,
            "https://www.flickr.com/people/example%d/" % seed,
            "https://weibo.com/u/12345%d" % seed,
            "https://vk.com/example%d" % seed,
            "https://www.instagram.com/example%d/" % seed]))
    items = "".join(
        '<div class="item"><a href="/news/%d.html"><img src="/t/%d.jpg" '
        'width="120" height="90" alt=""></a><p>%s</p></div>\n'
        % (n, n, text) for n, text in enumerate(texts))
    script = "".join("var v%d = document.getElementById('e%d');\n"
                     "if (v%d) { v%d.onclick = function () { go(%d); }; }\n"
                     % (n, n, n, n, n) for n in range(40))
    return ("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n"
            "<title>Site %d</title>\n<script>%s</script></head><body>\n"
            "<ul>%s</ul>\n<div class=\"sns\">%s</div>\n<div id=\"news\">%s"
            "</div>\n<div class=\"foot\">Copyright</div></body></html>\n"
            % (seed, script, links, platforms, items))


def slices(folder):
    """Of each saved page, the stretches in a row; a page of our own of that
    size when there are none.  They are of many sizes, as pages are: rows of one
    size fall into the pages of a peer's database in one way, good or bad."""
    rng = random.Random(1)
    pages = []
    for path in sorted(glob.glob(folder + "/readability__*.html.gz")):
        with gzip.open(path, "rb") as f:
            page = f.read()
        at = 0
        while at + SLICE < len(page):
            size = rng.randrange(SLICE - 2048, SLICE + 2048)
            text = page[at:at + size].decode("utf-8", "ignore")
            pages.append(HEAD + text)
            at += size
    return pages or [front_page(7, 37)[:SLICE]]


def variant(page, v):
    """The page with its newest texts those of the variant."""
    rng = random.Random(1000 + v)
    if not TEXT.search(page):
        return page + "\n<p>" + sentence(rng, 14) + "</p>\n"
    left = max(1, len(TEXT.findall(page)) // CHANGED)

    def change(m):
        nonlocal left
        if left == 0:
            return m.group()
        left -= 1
        return ">" + sentence(rng, max(4, len(m.group(1)) // 7))

    return TEXT.sub(change, page)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    body = text.encode()
    with open(path, "wb") as f:
        f.write(body)
    with open(path + ".gz", "wb") as f:
        f.write(gzip.compress(body, 6, mtime=0))
    return len(body), os.path.getsize(path + ".gz")
