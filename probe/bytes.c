#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
span_find_last(struct span s, char c)
{
	const char *p = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

	return p == NULL ? s.n : (size_t)(p - s.p);
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
