/* Buffers, and what is written into them; cursors, which read it. */
#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

void
buf_release(struct buf *b)
{
	size_t max = b->max;

	if (b->cap > 0)
		free(b->data);
	*b = BUF_INIT(max);
}

void
buf_show(struct buf *b, char *text, size_t n)
{
	buf_release(b);
	b->data = text;
	b->len = n;
}

/* Are its bytes another's? */
static bool
buf_shows(const struct buf *b)
{
	return b->cap == 0 && b->data != NULL;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *
buf_reserve(struct buf *b, size_t n)
{
	size_t want;

	if (b->overflow || n > b->max - b->len) {
		b->overflow = true;
		return NULL;
	}
	if (b->len + n + 1 > b->cap) {
		if (buf_shows(b))
			bug("more bytes for a buffer that only shows some");
		want = b->cap < 64 ? 64 : b->cap * 2;
		if (want > b->max + 1)
			want = b->max + 1;
		if (want < b->len + n + 1)
			want = b->len + n + 1;
		b->data = xrealloc(b->data, want);
		b->cap = want;
	}
	return b->data + b->len;
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	char *at = buf_reserve(b, n);

	if (at == NULL)
		return false;
	if (n > 0)
		memcpy(at, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return true;
}

bool
buf_add_span(struct buf *b, struct span s)
{
	return buf_add(b, s.p, s.n);
}

bool
buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool
buf_add_char(struct buf *b, char c)
{
	if (!b->overflow && b->len + 1 < b->cap && b->len < b->max) {
		b->data[b->len++] = c;
		b->data[b->len] = '\0';
		return true;
	}
	return buf_add(b, &c, 1);
}

/* One to four bytes at `to`; returns how many. */
static size_t
utf8_encode(char *to, uint32_t cp)
{
	if (cp < 0x80) {
		to[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		to[0] = (char)(0xc0 | cp >> 6);
		to[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		to[0] = (char)(0xe0 | cp >> 12);
		to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		to[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | cp >> 18);
	to[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	to[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	to[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

bool
buf_add_utf8(struct buf *b, uint32_t cp)
{
	char out[4];

	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	/* the capacity is never more than the maximum and one */
	if (!b->overflow && b->len + sizeof(out) < b->cap) {
		b->len += utf8_encode(b->data + b->len, cp);
		b->data[b->len] = '\0';
		return true;
	}
	return buf_add(b, out, utf8_encode(out, cp));
}

bool
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char small[256];
	char *at;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0)
		bug("bad format in buf_addf");
	if ((size_t)n < sizeof small)
		return buf_add(b, small, (size_t)n);
	at = buf_reserve(b, (size_t)n);
	if (at == NULL)
		return false;
	va_start(ap, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return true;
}

void
buf_drain(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
	b->data[b->len] = '\0';
}

struct span
buf_span(const struct buf *b)
{
	return (struct span){b->data == NULL ? "" : b->data, b->len};
}

const char *
buf_str(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

char *
buf_detach(struct buf *b, size_t *len)
{
	char *data = buf_shows(b) ? span_dup(buf_span(b)) : b->data;
	size_t max = b->max;

	if (len != NULL)
		*len = b->len;
	if (data == NULL)
		data = xcalloc(1, 1);
	*b = BUF_INIT(max);
	return data;
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

INLINE void
put_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t out[8];

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(v >> (8 * i));
	buf_add(b, out, n);
}

void
buf_put_u16(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void
buf_put_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
buf_put_i64(struct buf *b, int64_t v)
{
	put_le(b, (uint64_t)v, 8);
}

void
buf_put_bytes(struct buf *b, struct span s)
{
	if (s.n > UINT32_MAX - 1) {
		b->overflow = true;
		return;
	}
	buf_put_u32(b, (uint32_t)s.n);
	buf_add(b, s.p, s.n);
}

size_t
buf_open_bytes(struct buf *b)
{
	buf_put_u32(b, 0);
	return b->len;
}

void
buf_close_bytes(struct buf *b, size_t start)
{
	size_t n = b->len - start;

	if (b->overflow)
		return;
	if (n > UINT32_MAX - 1) {
		b->overflow = true;
		return;
	}
	for (size_t i = 0; i < 4; i++)
		b->data[start - 4 + i] = (char)(n >> 8 * i & 0xff);
}

/* NULL is written as the length that no string may have. */
#define NULL_STRING UINT32_MAX

void
buf_put_str(struct buf *b, const char *s)
{
	if (s == NULL)
		buf_put_u32(b, NULL_STRING);
	else
		buf_put_bytes(b, span_of(s));
}

void
cursor_init(struct cursor *c, const void *p, size_t n)
{
	c->p = p;
	c->end = p == NULL ? NULL : c->p + n;
	c->bad = false;
}

size_t
cursor_left(const struct cursor *c)
{
	return c->bad || c->p == NULL ? 0 : (size_t)(c->end - c->p);
}

bool
cursor_done(const struct cursor *c)
{
	return !c->bad && c->p == c->end;
}

struct span
cursor_take(struct cursor *c, size_t n)
{
	struct span s = {(const char *)c->p, n};

	if (c->bad || n > cursor_left(c)) {
		c->bad = true;
		return (struct span){"", 0};
	}
	if (n > 0)
		c->p += n;
	return s;
}

void
cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_take(c, n);
}

/* Of a fixed size it is one load. */
INLINE uint64_t
take_le(struct cursor *c, size_t n)
{
	struct span s = cursor_take(c, n);
	uint64_t v = 0;

	if (s.n != n)
		return 0;
	for (size_t i = n; i > 0; i--)
		v = v << 8 | (uint8_t)s.p[i - 1];
	return v;
}

static uint64_t
take_be(struct cursor *c, size_t n)
{
	struct span s = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (uint8_t)s.p[i];
	return v;
}

uint8_t
cursor_u8(struct cursor *c)
{
	return (uint8_t)take_le(c, 1);
}

uint16_t
cursor_u16le(struct cursor *c)
{
	return (uint16_t)take_le(c, 2);
}

uint32_t
cursor_u32le(struct cursor *c)
{
	return (uint32_t)take_le(c, 4);
}

uint64_t
cursor_u64le(struct cursor *c)
{
	return take_le(c, 8);
}

int64_t
cursor_i64le(struct cursor *c)
{
	return (int64_t)take_le(c, 8);
}

uint16_t
cursor_u16be(struct cursor *c)
{
	return (uint16_t)take_be(c, 2);
}

uint32_t
cursor_u24be(struct cursor *c)
{
	return (uint32_t)take_be(c, 3);
}

uint32_t
cursor_u32be(struct cursor *c)
{
	return (uint32_t)take_be(c, 4);
}

uint64_t
cursor_u64be(struct cursor *c)
{
	return take_be(c, 8);
}

struct span
cursor_bytes(struct cursor *c, size_t max)
{
	uint32_t n = cursor_u32le(c);

	if (n > max) {
		c->bad = true;
		return (struct span){"", 0};
	}
	return cursor_take(c, n);
}

/* What buf_put_str() wrote; p is NULL for NULL and on `bad`. */
static struct span
take_str(struct cursor *c, size_t max)
{
	uint32_t n = cursor_u32le(c);
	struct span s;

	if (c->bad || n == NULL_STRING)
		return SPAN_NULL;
	if (n > max) {
		c->bad = true;
		return SPAN_NULL;
	}
	s = cursor_take(c, n);
	if (c->bad || memchr(s.p, '\0', s.n) != NULL) {
		c->bad = true;
		return SPAN_NULL;
	}
	return s;
}

char *
cursor_str(struct cursor *c, size_t max)
{
	return span_dup(take_str(c, max));
}

char *
cursor_text(struct cursor *c, size_t max, struct text_pool **pool)
{
	struct span s = take_str(c, max);

	return s.p == NULL ? NULL : text_pool_add(pool, s);
}
