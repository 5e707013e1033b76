#include "packet.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

/* Offsets count in units of eight bytes; a datagram has 65,535 bytes. */
enum { UNIT = 8, UNITS = 8192, DATAGRAM_MAX = 65535 };

struct datagram {
	struct fragment_key key;
	int64_t first_ns;
	uint64_t age; /* running number: the lowest goes first */
	char *data;   /* grows */
	size_t cap;
	size_t total;		    /* once the last fragment came; else 0 */
	size_t end;		    /* of the furthest fragment */
	size_t have;		    /* bytes */
	uint64_t units[UNITS / 64]; /* which are there */
};

struct fragments {
	struct datagram *list[FRAGMENT_DATAGRAMS_MAX];
	size_t n;
	size_t bytes;
	uint64_t count;
	uint64_t lost;
	char *whole; /* handed out last */
};

struct fragments *
fragments_new(void)
{
	return xcalloc(1, sizeof(struct fragments));
}

static void
drop(struct fragments *f, size_t at)
{
	f->bytes -= f->list[at]->cap;
	free(f->list[at]->data);
	free(f->list[at]);
	f->list[at] = f->list[--f->n];
}

void
fragments_free(struct fragments *f)
{
	if (f == NULL)
		return;
	while (f->n > 0)
		drop(f, f->n - 1);
	free(f->whole);
	free(f);
}

uint64_t
fragments_lost(const struct fragments *f)
{
	return f->lost;
}

static void
drop_oldest(struct fragments *f)
{
	size_t oldest = 0;

	for (size_t i = 1; i < f->n; i++)
		if (f->list[i]->age < f->list[oldest]->age)
			oldest = i;
	drop(f, oldest);
	f->lost++;
}

static void
drop_aged(struct fragments *f, int64_t now)
{
	for (size_t i = f->n; i > 0; i--)
		if (now - f->list[i - 1]->first_ns > FRAGMENT_AGE_NS) {
			drop(f, i - 1);
			f->lost++;
		}
}

static size_t
find_or_add(struct fragments *f, const struct fragment_key *key, int64_t now)
{
	struct datagram *d;

	for (size_t i = 0; i < f->n; i++)
		if (memcmp(&f->list[i]->key, key, sizeof *key) == 0)
			return i;
	if (f->n == FRAGMENT_DATAGRAMS_MAX)
		drop_oldest(f);
	d = xcalloc(1, sizeof *d);
	d->key = *key;
	d->first_ns = now;
	d->age = f->count++;
	f->list[f->n] = d;
	return f->n++;
}

static void
make_room(struct fragments *f, struct datagram *d, size_t need)
{
	size_t cap = d->cap == 0 ? 4096 : d->cap;

	if (need <= d->cap)
		return;
	while (cap < need)
		cap *= 2;
	d->data = xrealloc(d->data, cap);
	f->bytes += cap - d->cap;
	d->cap = cap;
}

/* Copies the units that are not there yet: the first copy wins. */
static void
fill(struct datagram *d, size_t offset, struct span s)
{
	for (size_t at = 0; at < s.n; at += UNIT) {
		size_t unit = (offset + at) / UNIT;
		size_t n = s.n - at < UNIT ? s.n - at : UNIT;

		if (d->units[unit / 64] >> (unit % 64) & 1)
			continue;
		d->units[unit / 64] |= (uint64_t)1 << (unit % 64);
		memcpy(d->data + offset + at, s.p + at, n);
		d->have += n;
	}
}

bool
fragments_add(struct fragments *f, const struct fragment_key *key,
    size_t offset, bool more, struct span s, int64_t now, struct span *whole)
{
	struct datagram *d;
	size_t at;

	/* Only the last piece may end between units. */
	if (more)
		s.n -= s.n % UNIT;
	if (s.n == 0 || offset % UNIT != 0 || offset + s.n > DATAGRAM_MAX)
		return false;
	drop_aged(f, now);
	at = find_or_add(f, key, now);
	d = f->list[at];
	if (d->total != 0 && offset + s.n > d->total)
		return false;
	/* A last piece in front of others: no datagram has both. */
	if (!more && offset + s.n < d->end) {
		drop(f, at);
		f->lost++;
		return false;
	}
	make_room(f, d, offset + s.n);
	if (!more)
		d->total = offset + s.n;
	if (offset + s.n > d->end)
		d->end = offset + s.n;
	fill(d, offset, s);
	if (d->total != 0 && d->have >= d->total) {
		free(f->whole);
		f->whole = d->data;
		*whole = (struct span){d->data, d->total};
		d->data = NULL;
		drop(f, at);
		return true;
	}
	while (f->bytes > FRAGMENT_BYTES_MAX)
		drop_oldest(f);
	return false;
}
