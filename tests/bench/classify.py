#!/usr/bin/env python3
"""A million addresses on standard input of `kpwatch classify`: CPU seconds.

The addresses come from the test lines of the rules, in a shuffled order, with
another name and query each time, so that nothing can be remembered."""
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import figures

COUNT = 1000 * 1000
BAR = 3.0


def addresses(rules):
    with open(rules, encoding="utf-8") as lines:
        found = re.findall(r"test: '(https?:[^']*)'", lines.read())
    chance = random.Random(1)
    for i in range(COUNT):
        if i % len(found) == 0:
            chance.shuffle(found)
        url = found[i % len(found)]
        if i % 3 == 0:
            yield "http://host%d.example/page/%d.html" % (i % 997, i)
        elif "#" in url:
            yield url
        else:
            yield "%s%cn=%d" % (url, "&" if "?" in url else "?", i)


def main():
    program, conf = sys.argv[1:3]
    rules = os.path.join(os.path.dirname(conf), "platforms.yaml")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as urls:
        for url in addresses(rules):
            urls.write(url + "\n")
        urls.flush()
        urls.seek(0)
        child = subprocess.Popen([program, "classify", "-c", conf, "--json"],
                                 stdin=urls, stdout=subprocess.PIPE)
        lines = sum(part.count(b"\n")
                    for part in iter(lambda: child.stdout.read(1 << 20), b""))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
    cpu = usage.ru_utime + usage.ru_stime
    if status != 0 or lines != COUNT:
        sys.exit("classify: status %d, %d lines" % (status, lines))
    figures.bench("classify, 1,000,000 URLs", cpu, "s CPU", cpu / BAR,
                  "bar of 3 s", "<=1")
    figures.bench("classify", COUNT / cpu, "URL/s")


if __name__ == "__main__":
    main()
