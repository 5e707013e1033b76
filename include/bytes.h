/*
 * Bytes: the one view type, the one growable buffer, and the one reader.
 *
 * A `span` borrows bytes it does not own.  A `buf` owns bytes and cannot be
 * made without a maximum; once an append would pass it the buffer is marked
 * `overflow`, keeps what it had, and refuses further appends, so that a
 * writer checks once at the end.  A `cursor` reads bytes that we did not
 * write; the first read past the end makes it `bad` for good and every later
 * read gives zeros, so that a reader checks once at the end.
 *
 * The x*alloc family never returns NULL: out of memory ends the process.  In
 * the analyser that costs one job; elsewhere the parent restarts the role.
 */
#ifndef KPWATCH_BYTES_H
#define KPWATCH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN(lit)    ((struct span){(lit), sizeof(lit) - 1})
#define SPAN_NULL    ((struct span){NULL, 0})
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* For printf("%.*s"): a span's length is cut to int range. */
#define SPAN_ARG(s) (int)((s).n > 65535 ? 65535 : (s).n), (s).p ? (s).p : ""

/* The smallest are inline: they are called for every byte that is read.  Those
 * that are given literals must be, else the literal's length is counted at
 * every call. */
#define INLINE static inline __attribute__((always_inline))
/* What is rarely called must not burden the function that may call it. */
#define RARELY static __attribute__((noinline))

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* HTML's: tab, LF, FF, CR, space. */
static inline bool
ascii_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static inline bool
ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_alpha(char c)
{
	return (unsigned char)((unsigned char)(c | 0x20) - 'a') < 26;
}

static inline bool
ascii_alnum(char c)
{
	return ascii_alpha(c) || ascii_digit(c);
}

/* Value of a hex digit, or -1. */
static inline int
ascii_hex(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of a C string (borrows); NULL gives an empty span. */
INLINE struct span
span_of(const char *s)
{
	return (struct span){s, s == NULL ? 0 : strlen(s)};
}

INLINE bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equality with a C string. */
INLINE bool
span_is(struct span a, const char *s)
{
	return span_eq(a, span_of(s));
}

/* The n bytes at p, at most eight, as one number with zeros behind them, by
 * loads of fixed sizes: a copy of n bytes is slow to be read again. */
INLINE uint64_t
bytes_upto8(const char *p, size_t n)
{
	uint64_t v = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const unsigned char *b = (const unsigned char *)p;
	uint32_t head, tail;

	if (n >= 8) {
		memcpy(&v, p, 8);
	} else if (n >= 4) { /* they overlap, with equal bits */
		memcpy(&head, p, 4);
		memcpy(&tail, p + n - 4, 4);
		v = head | (uint64_t)tail << 8 * (n - 4);
	} else if (n > 0) {
		v = b[0] | (uint64_t)b[n / 2] << 8 * (n / 2) |
		    (uint64_t)b[n - 1] << 8 * (n - 1);
	}
#else
	if (n > 0)
		memcpy(&v, p, n);
#endif
	return v;
}

/*
 * The first eight bytes as one number, zeros behind a shorter end: names are
 * told apart by it and their length, and by what follows where they are
 * longer.  Of a literal it is a constant.
 */
INLINE uint64_t
span_key(struct span s)
{
	return bytes_upto8(s.p, s.n < 8 ? s.n : 8);
}

/* The same with ASCII letters in lower case. */
static inline uint64_t
key_lower(uint64_t key)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t low = key & ones * 0x7f;
	uint64_t upper =
	    (low + ones * (0x80 - 'A')) ^ (low + ones * (0x7f - 'Z'));

	return key | (upper & ~key & ones * 0x80) >> 2;
}

/* Bytes from `from` (clipped to the end), at most `n` of them. */
INLINE struct span
span_slice(struct span s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct span){s.p == NULL ? NULL : s.p + from, n};
}

/* As span_is(); the _i forms ignore the case of ASCII letters. */

static inline bool
span_eq_i(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

INLINE bool
span_is_i(struct span a, const char *s)
{
	return span_eq_i(a, span_of(s));
}

INLINE bool
span_starts(struct span a, const char *s)
{
	size_t n = strlen(s);

	return a.n >= n && (n == 0 || memcmp(a.p, s, n) == 0);
}

INLINE bool
span_starts_i(struct span a, const char *s)
{
	size_t n = strlen(s);

	return a.n >= n && span_eq_i(span_slice(a, 0, n), (struct span){s, n});
}

bool span_ends_i(struct span, const char *);
/* Without ASCII white space (space, tab, LF, FF, CR) at both ends. */
struct span span_trim(struct span);
/* Index of the first byte `c`, or n when there is none. */
size_t span_find(struct span, char c);
/* The same of the last one. */
size_t span_find_last(struct span, char c);
/* Index of the first place where `needle` stands, or n; ASCII case ignored
 * in the _i form.  Linear in practice for the short needles it is used for. */
size_t span_search(struct span, const char *needle);
size_t span_search_i(struct span, const char *needle);
/* Cuts the text before the next `sep` off `rest` and returns it; at the end
 * returns the remainder and leaves rest->p NULL. */
struct span span_token(struct span *rest, char sep);
/* Have two lists of words a word in common?  Spaces part them; ASCII case does
 * not count. */
bool words_shared(struct span, struct span);
/* Decimal digits only, whole span, no overflow: true and *out set. */
bool span_u64(struct span, uint64_t *out);
int span_cmp(struct span, struct span); /* bytewise, as memcmp */

struct buf {
	char *data; /* NUL-terminated when not NULL; may hold NULs */
	size_t len;
	size_t cap;
	size_t max;
	bool overflow;
};

#define BUF_INIT(limit) ((struct buf){NULL, 0, 0, (limit), false})

void buf_init(struct buf *, size_t max);
/* Frees the bytes; the buffer is empty and usable again with its maximum. */
void buf_release(struct buf *);
/* An empty buffer shows a text_pool_add() of n bytes, which stays the pool's.
 * It cannot be added to. */
void buf_show(struct buf *, char *text, size_t n);
/* Empties, keeps the memory, clears `overflow`. */
void buf_clear(struct buf *);
/* Appends return false, and set `overflow`, when the maximum would be passed;
 * nothing is appended then. */
bool buf_add(struct buf *, const void *, size_t);
bool buf_add_span(struct buf *, struct span);
bool buf_add_str(struct buf *, const char *);
bool buf_add_char(struct buf *, char);
bool buf_add_utf8(struct buf *, uint32_t code_point);
bool buf_addf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at the end, to be filled by the caller who then adds
 * to len; NULL (and overflow) when past the maximum. */
char *buf_reserve(struct buf *, size_t n);
/* Removes n bytes from the front. */
void buf_drain(struct buf *, size_t n);
struct span buf_span(const struct buf *);
/* NUL-terminated view, never NULL (borrows). */
const char *buf_str(const struct buf *);
/* Returns owned bytes (NUL-terminated, free() them) and empties the buffer. */
char *buf_detach(struct buf *, size_t *len);

/* Fixed-width little-endian writers, and strings with a u32 length before
 * them: the wire form of our own frames (cursor_* are their readers). */
void buf_put_u8(struct buf *, uint8_t);
void buf_put_u16(struct buf *, uint16_t);
void buf_put_u32(struct buf *, uint32_t);
void buf_put_u64(struct buf *, uint64_t);
void buf_put_i64(struct buf *, int64_t);
void buf_put_bytes(struct buf *, struct span);
/* As buf_put_bytes() of what is appended between the two; the first returns
 * where it starts, for the second. */
size_t buf_open_bytes(struct buf *);
void buf_close_bytes(struct buf *, size_t start);
/* NULL and "" are kept apart. */
void buf_put_str(struct buf *, const char *);

struct cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

void cursor_init(struct cursor *, const void *, size_t);
size_t cursor_left(const struct cursor *);
/* True when nothing was read past the end and every byte was read. */
bool cursor_done(const struct cursor *);
uint8_t cursor_u8(struct cursor *);
uint16_t cursor_u16le(struct cursor *);
uint32_t cursor_u32le(struct cursor *);
uint64_t cursor_u64le(struct cursor *);
int64_t cursor_i64le(struct cursor *);
uint16_t cursor_u16be(struct cursor *);
uint32_t cursor_u24be(struct cursor *);
uint32_t cursor_u32be(struct cursor *);
uint64_t cursor_u64be(struct cursor *);
/* The next n bytes (borrows), or an empty span and `bad`. */
struct span cursor_take(struct cursor *, size_t n);
void cursor_skip(struct cursor *, size_t n);
/* Readers of buf_put_bytes and buf_put_str; a length over max is `bad`.
 * cursor_str returns owned memory, or NULL for NULL and on `bad`. */
struct span cursor_bytes(struct cursor *, size_t max);
char *cursor_str(struct cursor *, size_t max);
/* The same; the text is the pool's. */
struct text_pool;
char *cursor_text(struct cursor *, size_t max, struct text_pool **);

void *xmalloc(size_t);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t);
/* n * size with overflow check. */
void *xreallocarray(void *, size_t n, size_t size);
char *xstrdup(const char *); /* NULL gives NULL */
char *xstrndup(const char *, size_t);
char *span_dup(struct span); /* NUL-terminated copy; NULL p gives NULL */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Grows an array for one more element: capacity doubles. */
void *xgrow(void *array, size_t *cap, size_t need, size_t size);
/* Where the first element not below `key` stands in an array in ascending
 * order, `count` where none does.  Elements of `size` bytes begin with the
 * int64_t that they are ordered by. */
size_t sorted_place(const void *array, size_t count, size_t size, int64_t key);

/* Texts one behind the other: many, short, that go all at once.  Whoever adds
 * them bounds their sum.  NULL is a pool without any. */
/* A copy with a NUL behind it; the pool's. */
char *text_pool_add(struct text_pool **, struct span);
/* n * size zero bytes, aligned for pointers and numbers; the pool's.  NULL
 * when n is 0. */
void *text_pool_array(struct text_pool **, size_t n, size_t size);
/* An empty pool whose first piece has so many bytes. */
struct text_pool *text_pool_new(size_t);
void text_pool_free(struct text_pool *);
/* Empties it; one piece is left for what comes next. */
void text_pool_clear(struct text_pool **);

/* Lower-case hex of n bytes into out[2n+1]. */
void hex_encode(char *out, const void *, size_t n);
/* Decodes 2n hex digits; false on any other byte. */
bool hex_decode(void *out, size_t n, struct span);

/* 64-bit hash for in-memory tables (not evidence): FNV-1a folded. */
uint64_t bytes_hash(struct span);
uint64_t bytes_hash_i(struct span); /* ASCII case ignored */
/* A place in a table, whose size is a power of two, for one of these hashes:
 * its highest bits first.  What tells "site0001" and "site0002" apart may not
 * reach the lowest. */
static inline size_t
hash_place(uint64_t hash, size_t size)
{
	return (size_t)__builtin_bswap64(hash) & (size - 1);
}
/* bytes_hash() of the n bytes of the text from `from`, which lie within it;
 * faster for many short ones, whatever their lengths. */
uint64_t bytes_hash_in(struct span text, size_t from, size_t n);

/* Length of the longest prefix of s of at most max bytes that ends on a
 * UTF-8 character boundary. */
size_t utf8_clip(struct span, size_t max);
/* Decodes one code point at s (n > 0); returns bytes used (>= 1), sets *cp,
 * to U+FFFD on a bad sequence. */
size_t utf8_decode(struct span, uint32_t *cp);

#endif
