#include "schedule.h"

#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define DAY    (86400 * SECOND)
/* A refusal is laid at our own door only this long after the address last
 * accepted us; after that it is simply down. */
#define BLAME_TIME  (30 * 60 * SECOND)
#define BLAME_BURST 5 /* accepted within BURST_TIME make a burst */
/* An edge that is still closed after so many slower attempts is down. */
#define BLAME_MAX   6
#define BURST_TIME  (60 * SECOND)
#define SPACING_MAX (60 * SECOND)
#define TABLE_START 256

struct edge {
	char *address; /* NULL: free */
	int64_t next;  /* earliest next slot */
	int64_t spacing;
	int64_t last_accepted; /* 0 never */
	int64_t last_used;
	int64_t burst_start;
	unsigned burst;	  /* accepted since burst_start */
	unsigned good;	  /* accepted in a row since it was slowed */
	unsigned refused; /* refused in a row */
};

struct pace {
	int64_t spacing;
	struct edge *edges; /* open addressing, power of two */
	size_t cap;
	size_t n;
};

struct pace *
pace_new(int64_t spacing_us)
{
	struct pace *p = xcalloc(1, sizeof *p);

	p->spacing = spacing_us;
	p->cap = TABLE_START;
	p->edges = xcalloc(p->cap, sizeof *p->edges);
	return p;
}

void
pace_free(struct pace *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->cap; i++)
		free(p->edges[i].address);
	free(p->edges);
	free(p);
}

void
pace_set_spacing(struct pace *p, int64_t spacing_us)
{
	for (size_t i = 0; i < p->cap; i++)
		if (p->edges[i].spacing == p->spacing)
			p->edges[i].spacing = spacing_us;
	p->spacing = spacing_us;
}

static struct edge *
slot(struct edge *edges, size_t cap, struct span address)
{
	size_t at = hash_place(bytes_hash(address), cap);

	while (
	    edges[at].address != NULL && !span_is(address, edges[at].address))
		at = (at + 1) & (cap - 1);
	return &edges[at];
}

static void
rebuild(struct pace *p, size_t cap, int64_t oldest)
{
	struct edge *old = p->edges;
	size_t n = p->cap;

	p->edges = xcalloc(cap, sizeof *p->edges);
	p->cap = cap;
	p->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (old[i].address == NULL)
			continue;
		if (old[i].last_used < oldest) {
			free(old[i].address);
			continue;
		}
		*slot(p->edges, cap, span_of(old[i].address)) = old[i];
		p->n++;
	}
	free(old);
}

static struct edge *
edge_get(struct pace *p, struct span address)
{
	struct edge *e = slot(p->edges, p->cap, address);

	if (e->address != NULL)
		return e;
	if (p->n * 2 >= p->cap) {
		rebuild(p, p->cap * 2, INT64_MIN);
		e = slot(p->edges, p->cap, address);
	}
	e->address = span_dup(address);
	e->spacing = p->spacing;
	p->n++;
	return e;
}

int64_t
pace_reserve(struct pace *p, struct span address, int64_t now)
{
	struct edge *e = edge_get(p, address);
	int64_t at = e->next > now ? e->next : now;

	e->next = at + e->spacing;
	e->last_used = at;
	return at;
}

void
pace_hold(struct pace *p, struct span address, int64_t until)
{
	struct edge *e = edge_get(p, address);

	if (e->next < until)
		e->next = until;
}

bool
pace_result(struct pace *p, struct span address, bool accepted, int64_t now)
{
	struct edge *e = edge_get(p, address);

	if (accepted) {
		e->last_accepted = now;
		e->refused = 0;
		if (now - e->burst_start > BURST_TIME) {
			e->burst_start = now;
			e->burst = 0;
		}
		e->burst++;
		/* Back to the normal pace by and by. */
		if (e->spacing > p->spacing && ++e->good >= 10) {
			e->good = 0;
			e->spacing /= 2;
			if (e->spacing < p->spacing)
				e->spacing = p->spacing;
		}
		return false;
	}
	e->good = 0;
	e->refused++;
	if (e->last_accepted == 0 || now - e->last_accepted > BLAME_TIME ||
	    e->refused > BLAME_MAX ||
	    (e->burst < BLAME_BURST && e->spacing <= p->spacing))
		return false;
	e->spacing *= 2;
	if (e->spacing > SPACING_MAX)
		e->spacing = SPACING_MAX;
	if (e->next < now + e->spacing)
		e->next = now + e->spacing;
	return true;
}

int64_t
pace_spacing(const struct pace *p, struct span address)
{
	const struct edge *e = slot(p->edges, p->cap, address);

	return e->address == NULL ? p->spacing : e->spacing;
}

void
pace_expire(struct pace *p, int64_t now)
{
	rebuild(p, p->cap, now - DAY);
}
