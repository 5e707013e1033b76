#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "charset_table.h"
#include "charset_unicode.h"
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
    {"kps9566", NULL, SHAPE_DOUBLE, false},
};

#define COUNT	   ARRAY_LEN(charsets)
#define LEAD_FIRST 0x80
#define NO_ICONV   ((iconv_t)-1)

/*
 * Converters and the tables made from them.  A table of one byte has 128
 * code points; one of two bytes 128 rows of 256, where PAIR_ASK means "ask
 * iconv" and PAIR_BAD that no character begins so.  No trail byte is below
 * ROW_SINGLE, where the row keeps what its lead byte means alone.
 */
enum { PAIR_ASK, ROW_MADE, PAIR_BAD, ROW_SINGLE = 1 };

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

/* One character of n bytes by iconv, as UTF-8: its length, 0 when there is
 * none.  *more: it may be one when more bytes follow. */
static size_t
iconv_text(iconv_t cd, const char *bytes, size_t n, char out[16], bool *more)
{
	char *in = (char *)(uintptr_t)bytes, *to = out;
	size_t left = n, room = 16;

	*more = false;
	(void)iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &left, &to, &room) == (size_t)-1) {
		*more = errno == EINVAL;
		return 0;
	}
	if (left != 0)
		return 0;
	(void)iconv(cd, NULL, NULL, &to, &room);
	return 16 - room;
}

/* Its code point; 0 when it is none or not one alone. */
static uint32_t
iconv_one(iconv_t cd, const char *bytes, size_t n)
{
	char out[16];
	uint32_t cp;
	bool more;
	size_t used = iconv_text(cd, bytes, n, out, &more);

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

/* What the table says of a pair. */
static uint16_t
pair_code(size_t id, const char *pair)
{
	char out[16];
	uint32_t cp;
	bool more;
	size_t used = iconv_text(converters[id], pair, 2, out, &more);

	if (used == 0)
		return more ? PAIR_ASK : PAIR_BAD;
	if (utf8_decode((struct span){out, used}, &cp) != used || cp > 0xffff)
		return PAIR_ASK;
	return (uint16_t)cp;
}

/* Rows are made when their lead byte is first met. */
static const uint16_t *
double_row(size_t id, unsigned lead)
{
	uint16_t *t = tables[id], *row;
	char pair[2];

	if (t == NULL)
		t = tables[id] = xcalloc(128 * 256, sizeof(*t));
	row = t + (lead - LEAD_FIRST) * 256;
	if (row[0] != 0)
		return row;
	row[0] = ROW_MADE;
	if (charsets[id].iconv == NULL) {
		for (unsigned i = ROW_SINGLE + 1; i < 0x100; i++)
			row[i] = PAIR_BAD;
		kps9566_row(lead, row);
		return row;
	}
	pair[0] = (char)lead;
	row[ROW_SINGLE] = (uint16_t)iconv_one(converters[id], pair, 1);
	for (unsigned i = 0x21; i < 0x100; i++) {
		pair[1] = (char)i;
		row[i] = pair_code(id, pair);
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
		n = charset_ascii_run(in);
		if (n > 0)
			(void)buf_add(out, in.p, n);
		for (; n < in.n && (unsigned char)in.p[n] >= 0x80; n++) {
			cp = t[(unsigned char)in.p[n] - 0x80];
			if (cp == 0xfffd)
				charset_bad(out, bad);
			else
				(void)buf_add_utf8(out, cp);
		}
		in = span_slice(in, n, in.n);
	}
	return !out->overflow;
}

/* Four bytes of GB18030 have a shape of their own, and behind the BMP their
 * code points are counted. */
static size_t
gb18030_length(struct span in, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)in.p;
	uint32_t at;

	if (!ascii_digit(in.p[1]))
		return 2;
	if (in.n < 4 || p[2] < 0x81 || p[2] > 0xfe || !ascii_digit(in.p[3]))
		return 0;
	if (p[0] < 0x90)
		return 4;
	at = (((p[0] - 0x90u) * 10 + (p[1] - 0x30u)) * 126 + (p[2] - 0x81u)) *
		10 +
	    (p[3] - 0x30u);
	if (at > 0xfffff)
		return 0;
	(void)buf_add_utf8(out, 0x10000 + at);
	return SIZE_MAX;
}

/* Characters that the two-byte table has not: pairs of code points, three
 * and four bytes.  Bytes used, 0 when there is none. */
static size_t
long_append(size_t id, struct span in, struct buf *out)
{
	char text[16];
	bool more = true;
	size_t used, n = 2;

	if (strcmp(charsets[id].iconv, "GB18030") == 0) {
		n = gb18030_length(in, out);
		if (n == 0 || n == SIZE_MAX)
			return n == 0 ? 0 : 4;
	}
	for (; more && n <= 4 && n <= in.n; n++) {
		used = iconv_text(converters[id], in.p, n, text, &more);
		if (used > 0) {
			(void)buf_add(out, text, used);
			return n;
		}
	}
	return 0;
}

/* A character whose lead byte is the row's.  Bytes used. */
static size_t
pair_append(size_t id, const uint16_t *row, struct span in, struct buf *out,
    uint32_t *bad)
{
	unsigned trail = in.n > 1 ? (unsigned char)in.p[1] : 0;
	uint16_t cp = trail > ROW_SINGLE ? row[trail] : PAIR_BAD;
	size_t n;

	if (cp > PAIR_BAD) {
		(void)buf_add_utf8(out, cp);
		return 2;
	}
	if (row[ROW_SINGLE] != 0) {
		(void)buf_add_utf8(out, row[ROW_SINGLE]);
		return 1;
	}
	n = cp == PAIR_BAD ? 0 : long_append(id, in, out);
	if (n > 0)
		return n;
	charset_bad(out, bad);
	/* an ASCII byte behind a bad lead stands for itself */
	return trail >= 0x80 ? 2 : 1;
}

static bool
double_append(size_t id, struct span in, struct buf *out, uint32_t *bad)
{
	unsigned lead;
	size_t i;

	while (in.n > 0 && !out->overflow) {
		i = charset_ascii_run(in);
		if (i > 0)
			(void)buf_add(out, in.p, i);
		while (i < in.n && (lead = (unsigned char)in.p[i]) >= 0x80)
			i += pair_append(id, double_row(id, lead),
			    span_slice(in, i, in.n), out, bad);
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
			charset_bad(out, bad);
			from++;
			left--;
		}
	}
	return !out->overflow;
}

bool
charset_append(const struct charset *cs, struct span in, struct buf *out,
    uint32_t *bad)
{
	size_t id;

	if (cs == NULL || cs->shape == SHAPE_UTF8)
		return charset_utf8(in, out, bad);
	if (cs->shape == SHAPE_UTF16)
		return charset_utf16(in, cs->big, out, bad);
	if (cs->shape == SHAPE_UTF32)
		return charset_utf32(in, cs->big, out, bad);
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
