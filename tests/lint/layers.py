#!/usr/bin/python3
"""Checks every include and every call in probe/ against layers.table."""
import fnmatch
import glob
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def read_table(path):
    table = {"layer": [], "foreign": [], "pure": [], "pure_call": [],
             "except": []}
    for line in open(path, encoding="utf-8"):
        words = line.split("#")[0].split()
        if words:
            table[words[0]].append(words[1:])
    return table


def matches(name, globs):
    return any(fnmatch.fnmatchcase(name, g) for g in globs)


def layer_of(table, name):
    base = os.path.splitext(name)[0]
    for row in table["layer"]:
        if matches(base, row[1:]) or matches(name, row[1:]):
            return int(row[0])
    return 2


def without_comments_and_strings(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text,
                  flags=re.S)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def check_file(table, path):
    base = os.path.splitext(os.path.basename(path))[0]
    layer = layer_of(table, base + ".c")
    text = open(path, encoding="utf-8").read()
    allowed = {w for row in table["except"] if row[0] == base
               for w in row[1:]}
    for quote, header in INCLUDE.findall(text):
        if header in allowed:
            continue
        if quote == '"':
            other = layer_of(table, os.path.basename(header))
            if other > layer:
                yield "layer %d includes %s of layer %d" % (
                    layer, header, other)
            continue
        owners = [row[1:] for row in table["foreign"]
                  if fnmatch.fnmatchcase(header, row[0])]
        if owners and not any(matches(base, o) for o in owners):
            yield "<%s> belongs to %s" % (header, owners[0][0])
        if layer <= 2 and any(matches(header, row) for row in table["pure"]):
            yield "<%s> in a file of layer %d" % (header, layer)
    if layer != 2:
        return
    code = without_comments_and_strings(text)
    for row in table["pure_call"]:
        for name in row:
            if name in allowed:
                continue
            found = re.search(r"(?<![\w.>])%s\s*\(" % name, code)
            if found:
                line = code.count("\n", 0, found.start()) + 1
                yield "line %d: %s() in a file of layer 2" % (line, name)


def main():
    table = read_table(os.path.join(TOP, "tests/lint/layers.table"))
    bad = 0
    for path in sorted(glob.glob(os.path.join(TOP, "probe/*.c"))):
        problems = list(check_file(table, path))
        name = os.path.relpath(path, TOP)
        print("%s - layers of %s" % ("not ok 1" if problems else "ok 1", name))
        for problem in problems:
            print("# %s: %s" % (name, problem))
        bad += bool(problems)
    sys.exit(bad > 0)


main()
