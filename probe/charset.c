#include "charset.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "charset_table.h"
#include "log.h"

enum shape {
	SHAPE_UTF8,
	SHAPE_SINGLE, /* one byte a character, ASCII below 0x80 */
	SHAPE_DOUBLE, /* lead byte above 0x80 and one or more behind it */
	SHAPE_WHOLE,  /* stateful: by iconv, from the start */
	SHAPE_UTF16,
	SHAPE_UTF32
};

struct charset {
	const char *name;
	const char *iconv; /* NULL: decoded by us */
	enum shape shape;
	bool big; /* byte order of UTF-16 and UTF-32 */
};

static const struct charset charsets[] = {
    {"utf-8", NULL, SHAPE_UTF8, false},
    {"windows-1252", "CP1252", SHAPE_SINGLE, false},
    {"euc-kr", "UHC", SHAPE_DOUBLE, false},
    {"gbk", "GB18030", SHAPE_DOUBLE, false},
    {"gb18030", "GB18030", SHAPE_DOUBLE, false},
    {"big5", "BIG5-HKSCS", SHAPE_DOUBLE, false},
    {"shift_jis", "CP932", SHAPE_DOUBLE, false},
    {"euc-jp", "EUC-JP-MS", SHAPE_DOUBLE, false},
    {"iso-2022-jp", "ISO-2022-JP", SHAPE_WHOLE, false},
    {"koi8-r", "KOI8-R", SHAPE_SINGLE, false},
    {"koi8-u", "KOI8-U", SHAPE_SINGLE, false},
    {"windows-1251", "CP1251", SHAPE_SINGLE, false},
    {"windows-1250", "CP1250", SHAPE_SINGLE, false},
    {"windows-1253", "CP1253", SHAPE_SINGLE, false},
    {"windows-1254", "CP1254", SHAPE_SINGLE, false},
    {"windows-1255", "CP1255", SHAPE_SINGLE, false},
    {"windows-1256", "CP1256", SHAPE_SINGLE, false},
    {"windows-1257", "CP1257", SHAPE_SINGLE, false},
    {"windows-1258", "CP1258", SHAPE_SINGLE, false},
    {"windows-874", "CP874", SHAPE_SINGLE, false},
    {"ibm866", "IBM866", SHAPE_SINGLE, false},
    {"ibm855", "IBM855", SHAPE_SINGLE, false},
    {"iso-8859-2", "ISO-8859-2", SHAPE_SINGLE, false},
    {"iso-8859-3", "ISO-8859-3", SHAPE_SINGLE, false},
    {"iso-8859-4", "ISO-8859-4", SHAPE_SINGLE, false},
    {"iso-8859-5", "ISO-8859-5", SHAPE_SINGLE, false},
    {"iso-8859-6", "ISO-8859-6", SHAPE_SINGLE, false},
    {"iso-8859-7", "ISO-8859-7", SHAPE_SINGLE, false},
    {"iso-8859-8", "ISO-8859-8", SHAPE_SINGLE, false},
    {"iso-8859-8-i", "ISO-8859-8", SHAPE_SINGLE, false},
    {"iso-8859-10", "ISO-8859-10", SHAPE_SINGLE, false},
    {"iso-8859-13", "ISO-8859-13", SHAPE_SINGLE, false},
    {"iso-8859-14", "ISO-8859-14", SHAPE_SINGLE, false},
    {"iso-8859-15", "ISO-8859-15", SHAPE_SINGLE, false},
    {"iso-8859-16", "ISO-8859-16", SHAPE_SINGLE, false},
    {"macintosh", "MACINTOSH", SHAPE_SINGLE, false},
    {"x-mac-cyrillic", "MAC-UK", SHAPE_SINGLE, false},
    {"viscii", "VISCII", SHAPE_SINGLE, false},
    {"x-user-defined", NULL, SHAPE_SINGLE, false},
    {"utf-16le", NULL, SHAPE_UTF16, false},
    {"utf-16be", NULL, SHAPE_UTF16, true},
    {"utf-32le", NULL, SHAPE_UTF32, false},
    {"utf-32be", NULL, SHAPE_UTF32, true},
    {"iso-2022-kr", "ISO-2022-KR", SHAPE_WHOLE, false},
    {"euc-tw", "EUC-TW", SHAPE_DOUBLE, false},
    {"johab", "JOHAB", SHAPE_DOUBLE, false},
};

#define COUNT	   ARRAY_LEN(charsets)
#define LEAD_FIRST 0x80
#define NO_ICONV   ((iconv_t)-1)

/*
 * Converters and the tables made from them.  A table of one byte has 128
 * code points; one of two bytes 128 rows of 256, where 0 means "ask iconv".
 */
static iconv_t converters[COUNT];
static uint16_t *tables[COUNT];
static bool ready;

bool
charset_init(void)
{
	bool all = true;

	if (ready)
		return true;
	ready = true;
	for (size_t i = 0; i < COUNT; i++) {
		converters[i] = NO_ICONV;
		if (charsets[i].iconv == NULL)
			continue;
		converters[i] = iconv_open("UTF-8", charsets[i].iconv);
		if (converters[i] == NO_ICONV) {
			log_warn("no converter for charset %s",
			    charsets[i].name);
			all = false;
		}
	}
	return all;
}

static const struct charset *
charset_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(charsets[i].name, name) == 0)
			return &charsets[i];
	return NULL;
}

static int
label_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct charset_label *)row)->label);
}

const struct charset *
charset_find(struct span label)
{
	const struct charset_label *l;
	char word[48];

	label = span_trim(label);
	if (label.n == 0 || label.n >= sizeof(word))
		return NULL;
	for (size_t i = 0; i < label.n; i++)
		word[i] = ascii_lower(label.p[i]);
	word[label.n] = '\0';
	l = bsearch(word, charset_labels, charset_label_count,
	    sizeof(*charset_labels), label_cmp);
	return l == NULL ? NULL : charset_by_name(l->name);
}

const char *
charset_name(const struct charset *cs)
{
	return cs == NULL ? "utf-8" : cs->name;
}

bool
charset_is_utf8(const struct charset *cs)
{
	return cs == NULL || cs->shape == SHAPE_UTF8;
}

bool
charset_is_superset(const struct charset *cs)
{
	return cs == NULL || cs->shape == SHAPE_UTF8 ||
	    cs->shape == SHAPE_SINGLE || cs->shape == SHAPE_DOUBLE;
}

static void
bad_add(struct buf *out, uint32_t *bad)
{
	(void)buf_add_utf8(out, 0xfffd);
	if (bad != NULL && *bad < UINT32_MAX)
		(*bad)++;
}

/* Bytes below 0x80 at the front. */
static size_t
ascii_run(struct span s)
{
	size_t i = 0;
	uint64_t v;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&v, s.p + i, 8);
		if (v & 0x8080808080808080ull)
			break;
	}
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i;
}

/*
 * Length of the character at s, or 0 when it is malformed; *bad_len is then
 * the length of its longest prefix that could have begun one (Unicode 3.9,
 * as the Encoding standard replaces it).
 */
static size_t
utf8_length(struct span s, size_t *bad_len)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need, i;

	*bad_len = 1;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	if (p[0] == 0xed)
		hi = 0x9f;
	if (p[0] == 0xf0)
		lo = 0x90;
	if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < need; i++) {
		if (i == s.n || p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
		*bad_len = i + 1;
	}
	return need;
}

size_t
utf8_valid_length(struct span s)
{
	size_t i = 0, n, unused;

	while (i < s.n) {
		n = ascii_run(span_slice(s, i, s.n));
		i += n;
		if (i == s.n)
			break;
		n = utf8_length((struct span){s.p + i, s.n - i}, &unused);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

bool
utf8_valid(struct span s)
{
	return utf8_valid_length(s) == s.n;
}

static bool
utf8_append(struct span in, struct buf *out, uint32_t *bad)
{
	size_t n;

	while (in.n > 0) {
		n = utf8_valid_length(in);
		if (n > 0 && !buf_add(out, in.p, n))
			return false;
		in = span_slice(in, n, in.n);
		if (in.n == 0)
			break;
		(void)utf8_length(in, &n);
		bad_add(out, bad);
		in = span_slice(in, n, in.n);
	}
	return !out->overflow;
}

/* One character of n bytes by iconv; its code point, 0 when there is none. */
static uint32_t
iconv_one(iconv_t cd, const char *bytes, size_t n)
{
	char out[16], *in = (char *)(uintptr_t)bytes, *to = out;
	size_t left = n, room = sizeof(out), used;
	uint32_t cp;

	(void)iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &left, &to, &room) == (size_t)-1 || left != 0)
		return 0;
	(void)iconv(cd, NULL, NULL, &to, &room);
	used = sizeof(out) - room;
	if (used == 0 || utf8_decode((struct span){out, used}, &cp) != used)
		return 0;
	return cp;
}

static const uint16_t *
single_table(size_t id)
{
	uint16_t *t = xcalloc(128, sizeof(*t));
	uint32_t cp;
	char c;

	for (uint32_t i = 0; i < 128; i++) {
		c = (char)(i + 0x80);
		if (charsets[id].iconv == NULL)
			cp = 0xf780 + i;
		else
			cp = iconv_one(converters[id], &c, 1);
		/* the standard gives the holes of windows-125x to C1 */
		if (cp == 0)
			cp = i < 0x20 ? i + 0x80 : 0xfffd;
		t[i] = (uint16_t)cp;
	}
	return tables[id] = t;
}

/* Rows are made when their lead byte is first met. */
static const uint16_t *
double_row(size_t id, unsigned lead)
{
	uint16_t *t = tables[id], *row;
	char pair[2];
	uint32_t cp;

	if (t == NULL)
		t = tables[id] = xcalloc(128 * 256, sizeof(*t));
	row = t + (lead - LEAD_FIRST) * 256;
	if (row[0] != 0)
		return row;
	row[0] = 1; /* made; NUL is never a trail byte */
	pair[0] = (char)lead;
	for (unsigned i = 0x21; i < 0x100; i++) {
		pair[1] = (char)i;
		cp = iconv_one(converters[id], pair, 2);
		if (cp < 0x10000)
			row[i] = (uint16_t)cp;
	}
	return row;
}

static bool
single_append(size_t id, struct span in, struct buf *out, uint32_t *bad)
{
	const uint16_t *t = tables[id];
	size_t n;
	uint16_t cp;

	if (t == NULL)
		t = single_table(id);
	while (in.n > 0 && !out->overflow) {
		n = ascii_run(in);
		if (n > 0)
			(void)buf_add(out, in.p, n);
		for (; n < in.n && (unsigned char)in.p[n] >= 0x80; n++) {
			cp = t[(unsigned char)in.p[n] - 0x80];
			if (cp == 0xfffd)
				bad_add(out, bad);
			else
				(void)buf_add_utf8(out, cp);
		}
		in = span_slice(in, n, in.n);
	}
	return !out->overflow;
}

/* Characters that the two-byte table has not: one byte (half-width kana),
 * pairs of code points, three and four bytes.  Bytes used. */
static size_t
odd_append(size_t id, struct span in, struct buf *out, uint32_t *bad)
{
	uint32_t cp;

	for (size_t n = 1; n <= 4 && n <= in.n; n++) {
		cp = iconv_one(converters[id], in.p, n);
		if (cp != 0) {
			(void)buf_add_utf8(out, cp);
			return n;
		}
	}
	bad_add(out, bad);
	/* an ASCII byte behind a bad lead stands for itself */
	if (in.n > 1 && (unsigned char)in.p[1] >= 0x80)
		return 2;
	return 1;
}

static bool
double_append(size_t id, struct span in, struct buf *out, uint32_t *bad)
{
	const uint16_t *row;
	unsigned lead;
	uint16_t cp;
	size_t i, n;

	while (in.n > 0 && !out->overflow) {
		i = ascii_run(in);
		if (i > 0)
			(void)buf_add(out, in.p, i);
		while (i < in.n && (lead = (unsigned char)in.p[i]) >= 0x80) {
			row = double_row(id, lead);
			cp = i + 1 < in.n ? row[(unsigned char)in.p[i + 1]] : 0;
			if (cp > 1) {
				(void)buf_add_utf8(out, cp);
				i += 2;
				continue;
			}
			n = odd_append(id, span_slice(in, i, in.n), out, bad);
			i += n;
		}
		in = span_slice(in, i, in.n);
	}
	return !out->overflow;
}

static bool
whole_append(size_t id, struct span in, struct buf *out, uint32_t *bad)
{
	char step[4096], *to, *from = (char *)(uintptr_t)in.p;
	size_t left = in.n, room, rc;

	(void)iconv(converters[id], NULL, NULL, NULL, NULL);
	while (left > 0 && !out->overflow) {
		to = step;
		room = sizeof(step);
		rc = iconv(converters[id], &from, &left, &to, &room);
		(void)buf_add(out, step, sizeof(step) - room);
		if (rc == (size_t)-1 && room >= 16 && left > 0) {
			bad_add(out, bad);
			from++;
			left--;
		}
	}
	return !out->overflow;
}

static uint32_t
unit16(const unsigned char *p, bool big)
{
	return big ? (uint32_t)(p[0] << 8 | p[1])
		   : (uint32_t)(p[1] << 8 | p[0]);
}

static bool
utf16_append(struct span in, bool big, struct buf *out, uint32_t *bad)
{
	const unsigned char *p = (const unsigned char *)in.p;
	uint32_t u, low;
	size_t i;

	for (i = 0; i + 2 <= in.n && !out->overflow; i += 2) {
		u = unit16(p + i, big);
		if (u < 0xd800 || u >= 0xe000) {
			(void)buf_add_utf8(out, u);
			continue;
		}
		low = i + 4 <= in.n ? unit16(p + i + 2, big) : 0;
		if (u >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
			bad_add(out, bad);
			continue;
		}
		(void)buf_add_utf8(out,
		    0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00));
		i += 2;
	}
	if (i < in.n)
		bad_add(out, bad);
	return !out->overflow;
}

static bool
utf32_append(struct span in, bool big, struct buf *out, uint32_t *bad)
{
	const unsigned char *p = (const unsigned char *)in.p;
	uint32_t u;
	size_t i;

	for (i = 0; i + 4 <= in.n && !out->overflow; i += 4) {
		u = big ? unit16(p + i, true) << 16 | unit16(p + i + 2, true)
			: unit16(p + i + 2, false) << 16 | unit16(p + i, false);
		if (u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
			bad_add(out, bad);
		else
			(void)buf_add_utf8(out, u);
	}
	if (i < in.n)
		bad_add(out, bad);
	return !out->overflow;
}

bool
charset_append(const struct charset *cs, struct span in, struct buf *out,
    uint32_t *bad)
{
	size_t id;

	if (cs == NULL || cs->shape == SHAPE_UTF8)
		return utf8_append(in, out, bad);
	if (cs->shape == SHAPE_UTF16)
		return utf16_append(in, cs->big, out, bad);
	if (cs->shape == SHAPE_UTF32)
		return utf32_append(in, cs->big, out, bad);
	(void)charset_init();
	id = (size_t)(cs - charsets);
	if (cs->iconv != NULL && converters[id] == NO_ICONV)
		id = 1;
	switch (charsets[id].shape) {
	case SHAPE_SINGLE:
		return single_append(id, in, out, bad);
	case SHAPE_DOUBLE:
		return double_append(id, in, out, bad);
	case SHAPE_WHOLE:
		return whole_append(id, in, out, bad);
	case SHAPE_UTF8:
	case SHAPE_UTF16:
	case SHAPE_UTF32:
		break;
	}
	return false;
}
