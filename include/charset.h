/*
 * Character encodings: names and labels (WHATWG Encoding standard), which
 * one a page is in (HTML standard 13.2.3, then detection), and conversion to
 * UTF-8 that never fails: what cannot be decoded becomes U+FFFD and is
 * counted.
 *
 * charset_init() opens every converter of the C library and must run before
 * a sandbox closes the file system.  One thread only.
 */
#ifndef KPWATCH_CHARSET_H
#define KPWATCH_CHARSET_H

#include "bytes.h"

struct charset;

/* Repeated calls do nothing.  Logs which converter is missing and returns
 * false when one is; pages in it are then read as windows-1252. */
bool charset_init(void);
/* The encoding a label means ("ks_c_5601-1987" is "euc-kr"), or NULL. */
const struct charset *charset_find(struct span label);
/* Its name in lower case; NULL stands for UTF-8 in all of these. */
const char *charset_name(const struct charset *);
bool charset_is_utf8(const struct charset *);
/* True when markup can be read from the raw bytes: every byte below 0x40
 * means itself.  False for UTF-16, UTF-32 and the ISO-2022 family. */
bool charset_is_superset(const struct charset *);
/* Appends `in` as UTF-8.  Adds the number of undecodable sequences to *bad
 * (may be NULL).  False when *out is full: it then holds what fitted. */
bool charset_append(const struct charset *, struct span in, struct buf *out,
    uint32_t *bad);

struct charset_choice {
	const struct charset *charset;
	const char *from; /* "bom", "header", "meta", "detected", "default" */
	size_t bom;	  /* bytes of byte-order mark at the front */
};

/* How a page is to be read.  `content_type` is the header's value, p NULL
 * when there is none. */
void charset_choose(struct span body, struct span content_type,
    struct charset_choice *);
/* Value of the charset parameter of a Content-Type; p NULL when none. */
struct span charset_parameter(struct span content_type);
/* What the first 64 KiB say of themselves: a meta element or an XML
 * declaration; NULL when they do not. */
const struct charset *charset_prescan(struct span body, bool *found);
/* True when all of it is well-formed UTF-8. */
bool utf8_valid(struct span);
/* Length of its well-formed front. */
size_t utf8_valid_length(struct span);

#endif
