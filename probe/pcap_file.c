#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"

enum {
	MAGIC_USEC = 0xa1b2c3d4,
	MAGIC_NSEC = 0xa1b23c4d,
	MAGIC_MODIFIED = 0xa1b2cd34, /* Kuznetzov: 8 more bytes a record */
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_SECRETS = 10,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	SECRETS_TLS = 0x544c534b, /* a key log of TLS */
	OPTION_TSRESOL = 9,
	OPTION_TSOFFSET = 14
};

struct interface {
	uint32_t link;
	uint32_t snaplen;
	int64_t offset_s;
	uint64_t per_second; /* clock ticks */
};

struct capture {
	capture_read *read;
	void *arg;
	char *window; /* grows to CAPTURE_WINDOW for a large packet */
	size_t cap;
	size_t start;  /* next byte to use */
	size_t end;    /* of the bytes read */
	uint64_t base; /* file offset of window[start] */
	bool eof;
	bool failed; /* the callback did */
	bool begun;
	bool ng;
	bool big; /* byte order of the file or section */
	bool nanosecond;
	size_t record_len; /* classic record header */
	uint32_t link;
	struct interface *ifs;
	size_t nifs, ifs_cap;
	uint32_t ifs_before; /* interfaces of earlier sections */
	struct tls_keys *keys;
	unsigned secrets_unused;
	bool damaged;
	char note[160];
};

struct capture *
capture_new(capture_read *read, void *arg)
{
	struct capture *c = xcalloc(1, sizeof *c);

	c->read = read;
	c->arg = arg;
	c->cap = CAPTURE_WINDOW / 8;
	c->window = xmalloc(c->cap);
	return c;
}

void
capture_small(struct capture *c)
{
	c->cap = CAPTURE_WINDOW_MANY;
	c->window = xrealloc(c->window, c->cap);
}

void
capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	free(c->window);
	free(c->ifs);
	free(c);
}

const char *
capture_note(const struct capture *c)
{
	return c->note[0] == '\0' ? NULL : c->note;
}

uint64_t
capture_offset(const struct capture *c)
{
	return c->base;
}

void
capture_keys(struct capture *c, struct tls_keys *keys)
{
	c->keys = keys;
}

unsigned
capture_secrets_unused(const struct capture *c)
{
	return c->secrets_unused;
}

ssize_t
capture_read_span(void *arg, void *buf, size_t n)
{
	struct span *s = arg;

	if (n > s->n)
		n = s->n;
	if (n > 0)
		memcpy(buf, s->p, n);
	*s = span_slice(*s, n, s->n);
	return (ssize_t)n;
}

static uint32_t
order32(const struct capture *c, const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return c->big ? __builtin_bswap32(v) : v;
}

static uint32_t
order16(const struct capture *c, const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return c->big ? __builtin_bswap16(v) : v;
}

static enum capture_result
damage(struct capture *c, const char *what)
{
	c->damaged = true;
	snprintf(c->note, sizeof c->note, "%s at offset %llu", what,
	    (unsigned long long)c->base);
	return CAPTURE_DAMAGED;
}

static void
refill(struct capture *c)
{
	ssize_t n;

	if (c->start > 0) {
		memmove(c->window, c->window + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	while (!c->eof && c->end < c->cap) {
		n = c->read(c->arg, c->window + c->end, c->cap - c->end);
		if (n <= 0) {
			c->eof = true;
			c->failed = n < 0;
			return;
		}
		c->end += (size_t)n;
		/* A pipe gives little at a time: be content with it. */
		if (c->end >= c->cap / 2)
			return;
	}
}

/* n bytes at the front (n <= CAPTURE_WINDOW), or NULL when the file is too
 * short. */
static const char *
peek(struct capture *c, size_t n)
{
	if (n > c->cap) {
		while (c->cap < n)
			c->cap *= 2;
		c->window = xrealloc(c->window, c->cap);
	}
	while (c->end - c->start < n && !c->eof)
		refill(c);
	return c->end - c->start < n ? NULL : c->window + c->start;
}

static void
take(struct capture *c, size_t n)
{
	c->start += n;
	c->base += n;
}

/* Past n bytes that need not fit the window; false when the file ends. */
static bool
skip(struct capture *c, uint64_t n)
{
	size_t have;

	while (n > 0) {
		if (peek(c, 1) == NULL)
			return false;
		have = c->end - c->start;
		if (have > n)
			have = (size_t)n;
		take(c, have);
		n -= have;
	}
	return true;
}

static enum capture_result
end_here(struct capture *c, const char *what)
{
	if (c->failed)
		return damage(c, "compressed data is cut off or corrupt");
	if (c->end == c->start)
		return CAPTURE_END;
	return damage(c, what);
}

static bool
classic_magic(struct capture *c, uint32_t magic)
{
	c->nanosecond = magic == MAGIC_NSEC;
	c->record_len = magic == MAGIC_MODIFIED ? 24 : 16;
	return magic == MAGIC_USEC || magic == MAGIC_NSEC ||
	    magic == MAGIC_MODIFIED;
}

bool
capture_is(struct span s)
{
	struct capture c = {.big = false};
	uint32_t magic;

	if (s.n < 12)
		return false;
	memcpy(&magic, s.p, sizeof magic);
	if (magic == BLOCK_SECTION)
		return order32(&c, s.p + 8) == BYTE_ORDER_MAGIC ||
		    order32(&c, s.p + 8) == __builtin_bswap32(BYTE_ORDER_MAGIC);
	return classic_magic(&c, magic) ||
	    classic_magic(&c, __builtin_bswap32(magic));
}

static enum capture_result
begin(struct capture *c)
{
	const char *p = peek(c, 4);
	uint32_t magic;

	c->begun = true;
	if (p == NULL)
		return c->failed || c->end != c->start
		    ? end_here(c, "no capture file")
		    : damage(c, "empty file");
	memcpy(&magic, p, sizeof magic);
	if (magic == BLOCK_SECTION) {
		c->ng = true;
		return CAPTURE_PACKET;
	}
	if (!classic_magic(c, magic)) {
		c->big = true;
		if (!classic_magic(c, __builtin_bswap32(magic)))
			return damage(c, "no capture file");
	}
	p = peek(c, 24);
	if (p == NULL)
		return end_here(c, "file header cut off");
	/* The upper bits tell of frame check sequences. */
	c->link = order32(c, p + 20) & 0xffff;
	take(c, 24);
	return CAPTURE_PACKET;
}

static enum capture_result
next_classic(struct capture *c, struct capture_packet *out)
{
	const char *p = peek(c, c->record_len);
	uint32_t n;

	if (p == NULL)
		return end_here(c, "packet record cut off");
	n = order32(c, p + 8);
	if (n > CAPTURE_PACKET_MAX)
		return damage(c, "impossible packet length");
	out->offset = c->base;
	out->link = c->link;
	out->interface = 0;
	out->wire_len = order32(c, p + 12);
	out->time_ns = (int64_t)order32(c, p) * 1000000000 +
	    (int64_t)order32(c, p + 4) * (c->nanosecond ? 1 : 1000);
	p = peek(c, c->record_len + n);
	if (p == NULL)
		return end_here(c, "packet cut off");
	out->data = (struct span){p + c->record_len, n};
	if (out->wire_len < n)
		out->wire_len = n;
	take(c, c->record_len + n);
	return CAPTURE_PACKET;
}

/* Blocks of pcapng. */

static uint64_t
ticks_per_second(uint8_t resolution)
{
	uint64_t v = 1;
	unsigned exponent = resolution & 0x7f;

	if (resolution & 0x80)
		return exponent < 63 ? (uint64_t)1 << exponent : 1000000;
	if (exponent > 18)
		return 1000000;
	while (exponent-- > 0)
		v *= 10;
	return v;
}

static void
interface_options(struct capture *c, struct interface *f, const char *p,
    size_t n)
{
	uint64_t v;

	while (n >= 4) {
		uint32_t code = order16(c, p);
		size_t len = order16(c, p + 2);
		size_t padded = (len + 3) & ~(size_t)3;

		if (code == 0 || padded > n - 4)
			return;
		if (code == OPTION_TSRESOL && len >= 1)
			f->per_second = ticks_per_second((uint8_t)p[4]);
		if (code == OPTION_TSOFFSET && len >= 8) {
			memcpy(&v, p + 4, sizeof v);
			f->offset_s =
			    (int64_t)(c->big ? __builtin_bswap64(v) : v);
		}
		p += 4 + padded;
		n -= 4 + padded;
	}
}

static bool
add_interface(struct capture *c, const char *body, size_t n)
{
	struct interface *f;

	if (n < 8 || c->nifs >= CAPTURE_INTERFACES_MAX)
		return false;
	c->ifs = xgrow(c->ifs, &c->ifs_cap, c->nifs + 1, sizeof *c->ifs);
	f = &c->ifs[c->nifs++];
	*f = (struct interface){.link = order16(c, body),
	    .snaplen = order32(c, body + 4),
	    .per_second = 1000000};
	interface_options(c, f, body + 8, n - 8);
	return true;
}

static int64_t
clock_ns(const struct interface *f, uint64_t ticks)
{
	uint64_t s = ticks / f->per_second, rest = ticks % f->per_second;
	unsigned __int128 ns =
	    (unsigned __int128)rest * 1000000000 / f->per_second;
	int64_t total;

	if (s > 9000000000u || f->offset_s > 9000000000 ||
	    f->offset_s < -9000000000 ||
	    __builtin_mul_overflow((int64_t)s + f->offset_s, 1000000000,
		&total))
		return 0;
	return total + (int64_t)ns;
}

/* Fills the packet from a packet block's body; false when it is malformed. */
static bool
packet_block(struct capture *c, uint32_t type, const char *body, size_t n,
    struct capture_packet *out)
{
	const struct interface *f;
	uint32_t id, len;

	if (type == BLOCK_SIMPLE) {
		if (n < 4 || c->nifs == 0)
			return false;
		f = &c->ifs[0];
		out->wire_len = order32(c, body);
		len = out->wire_len;
		if (f->snaplen != 0 && len > f->snaplen)
			len = f->snaplen;
		if (len > n - 4)
			len = (uint32_t)(n - 4);
		out->data = (struct span){body + 4, len};
		out->time_ns = CAPTURE_NO_TIME;
		out->interface = c->ifs_before;
		out->link = f->link;
		return true;
	}
	if (n < 20)
		return false;
	id = type == BLOCK_PACKET ? order16(c, body) : order32(c, body);
	len = order32(c, body + 12);
	if (id >= c->nifs || len > n - 20)
		return false;
	f = &c->ifs[id];
	out->time_ns = clock_ns(f,
	    (uint64_t)order32(c, body + 4) << 32 | order32(c, body + 8));
	out->wire_len = order32(c, body + 16);
	if (out->wire_len < len)
		out->wire_len = len;
	out->data = (struct span){body + 20, len};
	out->interface = c->ifs_before + id;
	out->link = f->link;
	return true;
}

static bool
begin_section(struct capture *c)
{
	const char *p = peek(c, 12);
	uint32_t magic;

	if (p == NULL)
		return false;
	memcpy(&magic, p + 8, sizeof magic);
	if (magic == BYTE_ORDER_MAGIC)
		c->big = false;
	else if (magic == __builtin_bswap32(BYTE_ORDER_MAGIC))
		c->big = true;
	else
		return false;
	c->ifs_before += (uint32_t)c->nifs;
	c->nifs = 0;
	return true;
}

/* Past a decryption secrets block of that length; false when the file ends. */
static bool
secrets_block(struct capture *c, uint32_t len)
{
	const char *p = len < 20 ? NULL : peek(c, 16);
	uint32_t left, have;

	if (p == NULL || c->keys == NULL || order32(c, p + 8) != SECRETS_TLS) {
		c->secrets_unused++;
		return skip(c, len);
	}
	left = order32(c, p + 12);
	if (left > len - 20)
		left = len - 20;
	len -= 16 + left;
	take(c, 16);
	while (left > 0) {
		p = peek(c, 1);
		if (p == NULL)
			return false;
		have = (uint32_t)(c->end - c->start);
		have = have < left ? have : left;
		tls_keys_feed(c->keys, (struct span){p, have});
		take(c, have);
		left -= have;
	}
	tls_keys_end(c->keys);
	return skip(c, len);
}

static bool
is_packet_block(uint32_t type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE ||
	    type == BLOCK_PACKET;
}

static enum capture_result
next_block(struct capture *c, struct capture_packet *out)
{
	const char *p;
	uint32_t type, len;
	bool ok = true;

	for (;;) {
		p = peek(c, 12);
		if (p == NULL)
			return end_here(c, "block cut off");
		type = order32(c, p);
		if (type == BLOCK_SECTION && !begin_section(c))
			return damage(c, "section without byte order");
		p = c->window + c->start;
		len = order32(c, p + 4);
		if (len < 12 || len % 4 != 0)
			return damage(c, "impossible block length");
		if (!is_packet_block(type) && type != BLOCK_INTERFACE) {
			if (type == BLOCK_SECRETS ? !secrets_block(c, len)
						  : !skip(c, len))
				return damage(c, "block cut off");
			continue;
		}
		if (len > CAPTURE_WINDOW / 2)
			return damage(c, "impossible block length");
		p = peek(c, len);
		if (p == NULL)
			return end_here(c, "block cut off");
		out->offset = c->base;
		ok = type == BLOCK_INTERFACE
		    ? add_interface(c, p + 8, len - 12)
		    : packet_block(c, type, p + 8, len - 12, out);
		if (!ok)
			return damage(c, "malformed block");
		take(c, len);
		if (type != BLOCK_INTERFACE)
			return CAPTURE_PACKET;
	}
}

enum capture_result
capture_next(struct capture *c, struct capture_packet *out)
{
	enum capture_result r;

	if (c->damaged)
		return CAPTURE_DAMAGED;
	if (!c->begun) {
		r = begin(c);
		if (r != CAPTURE_PACKET)
			return r;
	}
	return c->ng ? next_block(c, out) : next_classic(c, out);
}
