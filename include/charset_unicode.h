/*
 * Between charset.c and charset_unicode.c: forms of Unicode, made UTF-8, with
 * U+FFFD for what is malformed (Encoding standard; Unicode 3.9).
 */
#ifndef KPWATCH_CHARSET_UNICODE_H
#define KPWATCH_CHARSET_UNICODE_H

#include "bytes.h"

/* Appends U+FFFD and counts it in *bad, which may be NULL. */
void charset_bad(struct buf *out, uint32_t *bad);
/* How many bytes at the front are below 0x80. */
size_t charset_ascii_run(struct span);
/* Append all of `in`; false when *out is full. */
bool charset_utf8(struct span in, struct buf *out, uint32_t *bad);
bool charset_utf16(struct span in, bool big_endian, struct buf *out,
    uint32_t *bad);
bool charset_utf32(struct span in, bool big_endian, struct buf *out,
    uint32_t *bad);

#endif
