#!/usr/bin/env python3
"""Writes probe/html_entities.c: the named character references of the WHATWG
HTML standard, from the list that Python's standard library carries.

    contrib/html_entities.py > probe/html_entities.c
"""
from html.entities import html5

rows = sorted((name.encode("ascii"), value) for name, value in html5.items())
longest = max(len(name) for name, _ in rows)
assert longest < 33 and all(len(value) in (1, 2) for _, value in rows)

print("/* Made by contrib/html_entities.py; do not edit. */")
print('#include "html_entities.h"\n')
print("/* clang-format off */\n")
print("/* Sorted bytewise, so that a name stands before its extensions. */")
print("const struct html_entity html_entities[] = {")
line = "   "
for name, value in rows:
    points = [ord(c) for c in value] + [0]
    item = ' {"%s", %d, %d},' % (name.decode(), points[0], points[1])
    if len(line + item) > 80:
        print(line)
        line = "   "
    line += item
print(line.rstrip(",") + "};\n")
print("const unsigned html_entity_count = %d;\n" % len(rows))
print("/* First row of each initial letter, by its ASCII code; one more ends it. */")
print("const uint16_t html_entity_first[129] = {")
firsts = [sum(1 for name, _ in rows if name[0] < c) for c in range(129)]
for at in range(0, 129, 10):
    print("\t" + ", ".join(str(n) for n in firsts[at:at + 10]) + ",")
print("};")
