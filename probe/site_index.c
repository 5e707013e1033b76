#include "site_index.h"

#include <stdlib.h>
#include <string.h>

#include "url.h"

#define OTHER_PAGE "page"

struct place {
	char *host; /* without "www." */
	const struct target *target;
	const struct page_slot *slot;
	char *url;   /* canonical form of the slot's */
	size_t next; /* of the same host, +1; 0: none */
};

struct site_index {
	struct place *places;
	size_t n;
	size_t cap;
	size_t *table; /* by host, place + 1; open addressing */
	size_t table_cap;
};

static struct span
bare(struct span host)
{
	return span_starts_i(host, "www.") ? span_slice(host, 4, host.n) : host;
}

static size_t
slot_of(const struct site_index *x, struct span host)
{
	size_t at = hash_place(bytes_hash_i(host), x->table_cap);

	while (x->table[at] != 0 &&
	    !span_eq_i(host, span_of(x->places[x->table[at] - 1].host)))
		at = (at + 1) & (x->table_cap - 1);
	return at;
}

static void
add(struct site_index *x, const struct target *t, const struct page_slot *slot)
{
	struct url url;

	url_init(&url);
	if (url_parse(&url, span_of(slot->url), NULL) && url.host.n > 0) {
		x->places =
		    xgrow(x->places, &x->cap, x->n + 1, sizeof *x->places);
		x->places[x->n++] = (struct place){span_dup(bare(url.host)), t,
		    slot, span_dup(buf_span(&url.href)), 0};
	}
	url_release(&url);
}

static void
build_table(struct site_index *x)
{
	x->table_cap = 64;
	while (x->table_cap < 2 * x->n + 2)
		x->table_cap *= 2;
	x->table = xcalloc(x->table_cap, sizeof *x->table);
	/* From the last: chains then run in catalogue order. */
	for (size_t i = x->n; i > 0; i--) {
		size_t at = slot_of(x, span_of(x->places[i - 1].host));

		x->places[i - 1].next = x->table[at];
		x->table[at] = i;
	}
}

struct site_index *
site_index_new(const struct config *c)
{
	struct site_index *x = xcalloc(1, sizeof *x);

	for (size_t i = 0; i < c->ntargets; i++)
		for (size_t k = 0; k < c->targets[i].npages; k++)
			add(x, &c->targets[i], &c->targets[i].pages[k]);
	build_table(x);
	return x;
}

void
site_index_free(struct site_index *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < x->n; i++) {
		free(x->places[i].host);
		free(x->places[i].url);
	}
	free(x->places);
	free(x->table);
	free(x);
}

/* http and https of one page, with and without "www.", are one slot here. */
static struct span
after_host(struct span url)
{
	size_t at = span_search(url, "://");

	url = span_slice(url, at + 3, url.n);
	return bare(url);
}

bool
site_index_find(const struct site_index *x, const struct url *url,
    struct site_hit *hit)
{
	struct span wanted = after_host(buf_span(&url->href));
	size_t at;
	const struct place *first = NULL, *sampled = NULL;

	if (url->host.n == 0)
		return false;
	wanted = span_slice(wanted, 0, span_find(wanted, '#'));
	at = x->table[slot_of(x, bare(url->host))];
	for (; at != 0; at = x->places[at - 1].next) {
		const struct place *p = &x->places[at - 1];

		if (span_eq(wanted, after_host(span_of(p->url)))) {
			*hit = (struct site_hit){p->target->id, p->slot->name};
			return true;
		}
		if (first == NULL)
			first = p;
		if (sampled == NULL && p->slot->match != NULL &&
		    glob_match(p->slot->match, buf_str(&url->href)))
			sampled = p;
	}
	if (first == NULL)
		return false;
	if (sampled != NULL)
		*hit =
		    (struct site_hit){sampled->target->id, sampled->slot->name};
	else
		*hit = (struct site_hit){first->target->id, OTHER_PAGE};
	return true;
}

bool
site_index_host(const struct site_index *x, struct span host,
    struct site_hit *hit, const char **url)
{
	size_t at = x->table[slot_of(x, bare(host))];
	const struct place *p;

	if (at == 0)
		return false;
	p = &x->places[at - 1];
	*hit = (struct site_hit){p->target->id, p->slot->name};
	*url = p->slot->url;
	return true;
}
