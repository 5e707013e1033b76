#!/usr/bin/env python3
"""Writes probe/charset_labels.c: the labels of the WHATWG Encoding standard
(from the list that pip carries with its copy of webencodings) and a few more
that pages and detectors use.

    contrib/charset_labels.py > probe/charset_labels.c
"""
from pip._vendor.webencodings.labels import LABELS

labels = {label: name for label, name in LABELS.items()}
labels.update({
    "x-x-big5": "big5", "cp949": "euc-kr", "uhc": "euc-kr", "ms949": "euc-kr",
    "x-windows-949": "euc-kr", "cp936": "gbk", "ms936": "gbk",
    "windows-936": "gbk", "cp932": "shift_jis", "x-ms-cp932": "shift_jis",
    "cp950": "big5", "ms950": "big5", "euckr": "euc-kr", "eucjp": "euc-jp",
    "unicode": "utf-16le", "ucs-2": "utf-16le", "csunicode": "utf-16le",
    "iso-10646-ucs-2": "utf-16le", "unicodefeff": "utf-16le",
    "unicodefffe": "utf-16be", "unicode11utf8": "utf-8",
    "unicode20utf8": "utf-8", "x-unicode20utf8": "utf-8", "utf_8": "utf-8",
    "iso-2022-kr": "iso-2022-kr", "csiso2022kr": "iso-2022-kr",
    "euc-tw": "euc-tw", "x-euc-tw": "euc-tw",
    "johab": "johab", "ms1361": "johab", "cp1361": "johab",
    "utf-32": "utf-32le", "utf-32le": "utf-32le", "utf-32be": "utf-32be",
    "ibm855": "ibm855", "cp855": "ibm855", "viscii": "viscii",
    "mac-cyrillic": "x-mac-cyrillic", "georgian-academy": "windows-1252",
    "kps9566": "kps9566", "kps-9566": "kps9566", "kps9566-97": "kps9566",
    "kps-9566-97": "kps9566", "kps9566-2003": "kps9566",
    "x-kps9566": "kps9566", "euc-kp": "kps9566", "iso-ir-202": "kps9566",
})
# A code that no page was ever written in: such a page is read by detection.
del labels["hz-gb-2312"]
print("/* Made by contrib/charset_labels.py; do not edit. */")
print('#include "charset_table.h"\n')
print("/* Sorted bytewise. */")
print("const struct charset_label charset_labels[] = {")
for label in sorted(labels):
    print('\t{"%s", "%s"},' % (label, labels[label].lower()))
print("};\n")
print("const unsigned charset_label_count =")
print("    sizeof(charset_labels) / sizeof(charset_labels[0]);")
