#!/usr/bin/env python3
"""Hostile pages against `kpwatch extract`: none may take more than a second
of CPU or 64 MiB of memory.  Prints TAP.

The bound that fails is wider, as the machine may be busy; what it is there
for, work that grows faster than the page, passes any bound at these sizes."""
import os
import resource
import subprocess
import sys
import tempfile

M = 1000 * 1000
SECONDS, KIB = 3.0, 64 * 1024

PAGES = {
    "nesting": lambda: b"<div>" * M,
    "nested links": lambda: b"<a href=x>" * (M // 4),
    "nested tables": lambda: b"<table><tr><td>" * (M // 10),
    "nested svg": lambda: b"<svg>" * (M // 10) + b"<a href=x>",
    "nested templates": lambda: b"<template>" * (M // 10),
    "less-than signs": lambda: b"<" * (50 * M),
    "declarations": lambda: b"<!" * (10 * M),
    "open attribute": lambda: b'<a href="' + b"x" * (20 * M),
    "open attributes": lambda: b'<a href="x' * (2 * M),
    "open comment": lambda: b"<!--" + b"-" * (10 * M),
    "open script": lambda: b"<script>" + b"x<" * (8 * M),
    "open script in a comment": lambda: b"<script><!--" + b"<script " * M,
    "script of quotes": lambda: b"<script>" + b"'\"`\\" * (3 * M),
    "script of slashes": lambda: b"<script>" + b"/=/[" * (3 * M),
    "script of URLs": lambda: b"<script>" + b"'http://a.b/'," * M,
    "open title": lambda: b"<title>" + b"</titl " * M,
    "a million attributes": lambda:
        b"<a " + b"".join(b"a%d=b " % i for i in range(M)) + b"href=x>",
    "one attribute a million times": lambda: b"<a " + b"a=b " * M + b"href=x>",
    "NULs": lambda: b"\0" * (10 * M),
    "NULs between": lambda: b'<p>a\0b<a hr\0ef="x\0y">t</a>' * (M // 10),
    "ampersands in a value": lambda: b'<a href="' + b"&" * (15 * M) + b'">',
    "ampersands in text": lambda: b"<p>" + b"&amp" * (3 * M),
    "numbers": lambda: b"<p>" + b"&#x41;" * (2 * M),
    "dates": lambda: b"<p>" + b"2018-03-18 12:00 " * (M // 2),
    "digits": lambda: b"<p>" + b"1" * (10 * M),
    "hex": lambda: b"<p>" + b"a1" * (5 * M),
    "every byte": lambda: bytes(range(128, 256)) * 40000,
    "Cyrillic": lambda: "<p>я".encode() * M,
    "bad UTF-8": lambda: b"<meta charset=utf-8><p>" + b"\xf0\x9f" * (4 * M),
    "bad CP949": lambda: b"<meta charset=euc-kr><p>" + b"\xc9\xa1\xfe" * (2 * M),
    "bad GB18030": lambda: b"<meta charset=gb18030><p>" + b"\x81\x30\x81" * (2 * M),
    "ISO-2022-JP": lambda: b"<meta charset=iso-2022-jp>" + b"\x1b$B\xff\x1b(B" * M,
    "UTF-16": lambda: b"\xff\xfe" + b"<\0" * (4 * M),
    "srcset": lambda: b"<img srcset='" + b"a 1x," * (2 * M) + b"'>",
    "style": lambda: b"<p style='" + b"url(" * (2 * M) + b"'>",
    "feed": lambda: b"<rss><channel>" + b"<item><description>&lt;p>" * (M // 4),
    "random": lambda: os.urandom(10 * M),
}


def page_write(path, page):
    """In a process of its own: a child's peak counts its parent's size."""
    child = os.fork()
    if child == 0:
        with open(path, "wb") as out:
            out.write(page())
        os._exit(0)
    os.waitpid(child, 0)


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
    worst_time = worst_size = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "page")
        for at, (name, page) in enumerate(PAGES.items(), 1):
            page_write(path, page)
            code, usage = run(program, conf, path)
            cpu = usage.ru_utime + usage.ru_stime
            good = (code in (0, 1) and cpu <= SECONDS and
                    usage.ru_maxrss <= KIB)
            failed += not good
            worst_time = max(worst_time, cpu)
            worst_size = max(worst_size, usage.ru_maxrss)
            print("%sok %d - %s: exit %d, %.2f s, %.1f MiB" % (
                "" if good else "not ", at, name, code, cpu,
                usage.ru_maxrss / 1024))
    print("1..%d" % len(PAGES))
    print("# figure: %d hostile pages, worst %.2f s and %.1f MiB" % (
        len(PAGES), worst_time, worst_size / 1024))
    return failed > 0


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
sys.exit(main())
