#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "log.h"

bool
span_ends_i(struct span a, const char *s)
{
	size_t n = strlen(s);

	return a.n >= n &&
	    span_eq_i(span_slice(a, a.n - n, n), (struct span){s, n});
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && ascii_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && ascii_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t
span_find(struct span s, char c)
{
	const char *hit;

	if (s.n == 0)
		return 0;
	hit = memchr(s.p, c, s.n);
	return hit == NULL ? s.n : (size_t)(hit - s.p);
}

size_t
span_search(struct span s, const char *needle)
{
	size_t n = strlen(needle);
	const char *hit;

	if (s.n == 0)
		return 0;
	/* the library prepares itself for more than a short text */
	if (s.n < 96 && n > 0) {
		for (size_t i = 0; i + n <= s.n; i++)
			if (s.p[i] == needle[0] &&
			    memcmp(s.p + i, needle, n) == 0)
				return i;
		return s.n;
	}
	hit = memmem(s.p, s.n, needle, n);
	return hit == NULL ? s.n : (size_t)(hit - s.p);
}

size_t
span_search_i(struct span s, const char *needle)
{
	size_t n = strlen(needle);

	if (n > s.n)
		return s.n;
	for (size_t i = 0; i + n <= s.n; i++)
		if (n == 0 ||
		    (ascii_lower(s.p[i]) == ascii_lower(needle[0]) &&
			span_eq_i((struct span){s.p + i, n},
			    (struct span){needle, n})))
			return i;
	return s.n;
}

struct span
span_token(struct span *rest, char sep)
{
	struct span head = *rest;
	size_t at = span_find(*rest, sep);

	if (rest->p == NULL)
		return SPAN_NULL;
	head.n = at;
	if (at == rest->n)
		*rest = SPAN_NULL;
	else
		*rest = span_slice(*rest, at + 1, rest->n);
	return head;
}

bool
words_shared(struct span a, struct span b)
{
	struct span rest, word;

	while (a.p != NULL) {
		word = span_token(&a, ' ');
		for (rest = b; word.n > 0 && rest.p != NULL;)
			if (span_eq_i(span_token(&rest, ' '), word))
				return true;
	}
	return false;
}

bool
span_u64(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit(s.p[i]))
			return false;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

int
span_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

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

void *
xmalloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		fatal("out of memory (%zu bytes)", n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);

	if (p == NULL)
		fatal("out of memory (%zu x %zu bytes)", n, size);
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n == 0 ? 1 : n);

	if (p == NULL)
		fatal("out of memory (%zu bytes)", n);
	return p;
}

void *
xreallocarray(void *old, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		fatal("out of memory (%zu x %zu bytes)", n, size);
	return xrealloc(old, bytes);
}

char *
xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	if (n > 0)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
xstrdup(const char *s)
{
	return s == NULL ? NULL : xstrndup(s, strlen(s));
}

char *
span_dup(struct span s)
{
	return s.p == NULL ? NULL : xstrndup(s.p, s.n);
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		fatal("out of memory");
	return s;
}

size_t
sorted_place(const void *array, size_t count, size_t size, int64_t key)
{
	size_t low = 0, high = count, middle;
	int64_t at;

	while (low < high) {
		middle = low + (high - low) / 2;
		memcpy(&at, (const char *)array + middle * size, sizeof at);
		if (at < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *
xgrow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap == 0 ? 8 : *cap;

	if (need <= *cap)
		return array;
	while (want < need)
		want *= 2;
	*cap = want;
	return xreallocarray(array, want, size);
}

void
hex_encode(char *out, const void *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *in = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[in[i] >> 4];
		out[2 * i + 1] = digit[in[i] & 15];
	}
	out[2 * n] = '\0';
}

bool
hex_decode(void *out, size_t n, struct span s)
{
	uint8_t *o = out;

	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = ascii_hex(s.p[2 * i]);
		int lo = ascii_hex(s.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		o[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static uint64_t
hash_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

uint64_t
bytes_hash(struct span s)
{
	uint64_t h = 0xcbf29ce484222325u ^ s.n, word;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	for (; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
	return hash_mix(h);
}

/*
 * The last seven steps of bytes_hash() are taken for every length, as zeros
 * where there are fewer bytes: a step with a zero is a multiplication, which
 * that with the prime's inverse, once for each, undoes beforehand.
 */
uint64_t
bytes_hash_in(struct span text, size_t from, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	static const uint64_t undo[8] = {0x375026270df5d953, 0xf30a275cb8c04809,
	    0xba88eb8deeba674b, 0xb10f8d2ca6bd8471, 0x9af153df54080c03,
	    0x501d877bc9ac6919, 0xce965057aff6957b, 1};
	const char *p = text.p + from;
	uint64_t h = 0xcbf29ce484222325u ^ n, word;
	unsigned bits = n % 8 * 8;

	if (from + n < 8)
		return bytes_hash((struct span){p, n});
	for (size_t i = 0; i + 8 <= n; i += 8) {
		memcpy(&word, p + i, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	memcpy(&word, p + n - 8, 8);
	word &= ~(UINT64_MAX >> bits);
	h *= undo[n % 8];
	for (unsigned i = 8; i < 64; i += 8)
		h = (h ^ (word >> i & 0xff)) * 0x100000001b3u;
	return hash_mix(h);
#else
	return bytes_hash(span_slice(text, from, n));
#endif
}

uint64_t
bytes_hash_i(struct span s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)ascii_lower(s.p[i])) * 0x100000001b3u;
	return hash_mix(h);
}

size_t
utf8_clip(struct span s, size_t max)
{
	if (s.n <= max)
		return s.n;
	while (max > 0 && ((uint8_t)s.p[max] & 0xc0) == 0x80)
		max--;
	return max;
}

size_t
utf8_decode(struct span s, uint32_t *cp)
{
	const uint8_t *u = (const uint8_t *)s.p;
	size_t n;
	uint32_t c, low;

	*cp = 0xfffd;
	if (u[0] < 0x80) {
		*cp = u[0];
		return 1;
	}
	if (u[0] >= 0xc2 && u[0] <= 0xdf) {
		n = 2;
		c = u[0] & 0x1f;
		low = 0x80;
	} else if (u[0] >= 0xe0 && u[0] <= 0xef) {
		n = 3;
		c = u[0] & 0x0f;
		low = 0x800;
	} else if (u[0] >= 0xf0 && u[0] <= 0xf4) {
		n = 4;
		c = u[0] & 0x07;
		low = 0x10000;
	} else {
		return 1;
	}
	for (size_t i = 1; i < n; i++) {
		if (i >= s.n || (u[i] & 0xc0) != 0x80)
			return i;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < low || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 1;
	*cp = c;
	return n;
}
