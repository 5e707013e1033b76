/* Rows of the database, in memory. */
#include "store_kept.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "limit.h"

#define BUCKETS	  8192 /* a power of two */
#define PIECE_FEE 16   /* what the allocator adds to a piece, about */

/* A row of a target, by one word or two. */
struct kept_row {
	TAILQ_ENTRY(kept_row) next;
	struct span key[2];
	size_t bytes;
	size_t text; /* of them, of its page's text */
	bool lent;   /* a look has it */
};

/* The latest used come first. */
TAILQ_HEAD(kept_rows, kept_row);

struct kept_page {
	struct kept_row head; /* is first */
	struct row_page row;
};

struct kept_host {
	struct kept_row head; /* is first */
	struct row_host row;
};

struct kept_target {
	struct kept_target *next; /* in its bucket */
	struct row_target row;
	struct kept_rows pages;
	struct kept_rows hosts;
	char id[];
};

struct kept {
	struct kept_target *buckets[BUCKETS];
	size_t bytes; /* of all, about */
	size_t texts; /* of them, of pages */
	size_t max;
	size_t hand;	  /* the bucket that is emptied next */
	size_t text_hand; /* and whose pages lose their texts */
	bool spoilt;
};

struct kept *
kept_new(size_t max)
{
	struct kept *k = xcalloc(1, sizeof *k);

	k->max = max;
	return k;
}

void
kept_free(struct kept *k)
{
	if (k != NULL)
		kept_clear(k);
	free(k);
}

static struct kept_page *
as_page(struct kept_row *r)
{
	return (struct kept_page *)r;
}

static struct kept_host *
as_host(struct kept_row *r)
{
	return (struct kept_host *)r;
}

static void
page_drop(struct kept *k, struct kept_target *t, struct kept_row *r)
{
	TAILQ_REMOVE(&t->pages, r, next);
	k->bytes -= r->bytes;
	k->texts -= r->text;
	row_page_release(&as_page(r)->row);
	free(r);
}

static void
host_drop(struct kept *k, struct kept_target *t, struct kept_row *r)
{
	TAILQ_REMOVE(&t->hosts, r, next);
	k->bytes -= r->bytes;
	row_host_release(&as_host(r)->row);
	free(r);
}

void
kept_pages_drop(struct kept *k, struct kept_target *t)
{
	while (t != NULL && !TAILQ_EMPTY(&t->pages))
		page_drop(k, t, TAILQ_FIRST(&t->pages));
}

static size_t
target_bytes(const struct kept_target *t)
{
	return sizeof *t + strlen(t->id) + 1 + PIECE_FEE;
}

static void
bucket_drop(struct kept *k, size_t at)
{
	struct kept_target *t;

	while ((t = k->buckets[at]) != NULL) {
		k->buckets[at] = t->next;
		kept_pages_drop(k, t);
		while (!TAILQ_EMPTY(&t->hosts))
			host_drop(k, t, TAILQ_FIRST(&t->hosts));
		k->bytes -= target_bytes(t);
		free(t);
	}
}

void
kept_clear(struct kept *k)
{
	for (size_t i = 0; i < BUCKETS && k->bytes > 0; i++)
		bucket_drop(k, i);
	k->spoilt = false;
}

static void
bucket_drop_texts(struct kept *k, size_t at)
{
	struct kept_row *r;

	for (struct kept_target *t = k->buckets[at]; t != NULL; t = t->next)
		TAILQ_FOREACH (r, &t->pages, next) {
			page_text_free(as_page(r)->row.text);
			as_page(r)->row.text = NULL;
			k->bytes -= r->text;
			k->texts -= r->text;
			r->bytes -= r->text;
			r->text = 0;
		}
}

/* Texts, which are needed least often, go first.  Where looks go round, what
 * was used longest ago is what comes next: the order of the hashes is as good
 * as any other. */
void
kept_begin(struct kept *k)
{
	if (k->spoilt)
		kept_clear(k);
	while (k->bytes > k->max && k->texts > 0) {
		bucket_drop_texts(k, k->text_hand);
		k->text_hand = (k->text_hand + 1) % BUCKETS;
	}
	while (k->bytes > k->max) {
		bucket_drop(k, k->hand);
		k->hand = (k->hand + 1) % BUCKETS;
	}
}

void
kept_spoil(struct kept *k)
{
	k->spoilt = true;
}

static size_t
bucket_of(struct span id)
{
	return hash_place(bytes_hash(id), BUCKETS);
}

struct kept_target *
kept_target(const struct kept *k, const char *id)
{
	struct kept_target *t = k->buckets[bucket_of(span_of(id))];

	if (k->spoilt)
		return NULL;
	while (t != NULL && strcmp(t->id, id) != 0)
		t = t->next;
	return t;
}

const struct row_target *
kept_target_row(const struct kept_target *t)
{
	return &t->row;
}

/* As it would be read: what no column holds is not kept either. */
void
kept_target_set(struct kept_target *t, const struct row_target *row)
{
	t->row = *row;
	t->row.last = NULL;
	t->row.dirty = false;
	if (t->row.v.candidate == VERDICT_UNKNOWN)
		t->row.v.candidate_since = INSTANT_NONE;
}

struct kept_target *
kept_target_add(struct kept *k, const char *id, const struct row_target *row)
{
	struct span name = span_of(id);
	size_t at = bucket_of(name);
	struct kept_target *t;

	if (k->spoilt)
		return NULL;
	t = xcalloc(1, sizeof *t + name.n + 1);
	memcpy(t->id, id, name.n + 1);
	TAILQ_INIT(&t->pages);
	TAILQ_INIT(&t->hosts);
	kept_target_set(t, row);
	t->row.kept = t;
	t->next = k->buckets[at];
	k->buckets[at] = t;
	k->bytes += target_bytes(t);
	return t;
}

static struct kept_row *
row_find(struct kept_rows *rows, struct span a, struct span b)
{
	struct kept_row *r;

	TAILQ_FOREACH (r, rows, next)
		if (span_eq(r->key[0], a) && span_eq(r->key[1], b))
			break;
	if (r != NULL && r != TAILQ_FIRST(rows)) {
		TAILQ_REMOVE(rows, r, next);
		TAILQ_INSERT_HEAD(rows, r, next);
	}
	return r;
}

/* A new one of that size, with its key behind it. */
static struct kept_row *
row_add(struct kept_rows *rows, size_t size, struct span a, struct span b)
{
	struct kept_row *r = xcalloc(1, size + a.n + b.n);
	char *key = (char *)r + size;

	r->key[0] = (struct span){memcpy(key, a.p, a.n), a.n};
	if (b.n > 0)
		memcpy(key + a.n, b.p, b.n);
	r->key[1] = (struct span){key + a.n, b.n};
	TAILQ_INSERT_HEAD(rows, r, next);
	return r;
}

/* It came back and may have grown; `size` without its key. */
static void
row_weigh(struct kept *k, struct kept_row *r, size_t size, size_t texts)
{
	size_t bytes = size + r->key[0].n + r->key[1].n + texts + PIECE_FEE;

	k->bytes += bytes - r->bytes;
	r->bytes = bytes;
}

static size_t
text_bytes(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1 + PIECE_FEE;
}

/* The row beyond so many, which is not the first; NULL when there is none. */
static struct kept_row *
row_beyond(struct kept_rows *rows, size_t max)
{
	struct kept_row *r;
	size_t n = 0;

	TAILQ_FOREACH (r, rows, next)
		if (n++ == max)
			break;
	return r;
}

bool
kept_page_take(struct kept_target *t, const char *slot, const char *url,
    struct row_page *row)
{
	struct kept_row *r =
	    t == NULL ? NULL : row_find(&t->pages, span_of(slot), span_of(url));

	if (r == NULL || r->lent)
		return false;
	r->lent = true;
	*row = as_page(r)->row;
	memset(&as_page(r)->row, 0, sizeof *row);
	return true;
}

void
kept_page_put(struct kept *k, struct kept_target *t, const char *slot,
    const char *url, struct row_page *row)
{
	struct span a = span_of(slot), b = span_of(url);
	struct kept_row *r;

	if (t == NULL) {
		row_page_release(row);
		return;
	}
	r = row_find(&t->pages, a, b);
	if (r == NULL) {
		r = row_add(&t->pages, sizeof(struct kept_page), a, b);
		if (row_beyond(&t->pages, KEPT_PAGES_MAX) != NULL)
			page_drop(k, t, TAILQ_LAST(&t->pages, kept_rows));
	}
	if (r->bytes == 0 || row->changed) {
		k->texts -= r->text;
		r->text = page_text_bytes(row->text);
		k->texts += r->text;
		row_weigh(k, r, sizeof(struct kept_page),
		    text_bytes(row->title) + text_bytes(row->final_url) +
			text_bytes(row->etag) + text_bytes(row->last_modified) +
			r->text);
	}
	r->lent = row->is_new = row->changed = false;
	as_page(r)->row = *row;
	memset(row, 0, sizeof *row);
}

bool
kept_host_take(struct kept_target *t, const char *host, struct row_host *row)
{
	struct kept_row *r =
	    t == NULL ? NULL : row_find(&t->hosts, span_of(host), SPAN_NULL);

	if (r == NULL || r->lent)
		return false;
	r->lent = true;
	*row = as_host(r)->row;
	memset(&as_host(r)->row, 0, sizeof *row);
	return true;
}

void
kept_host_put(struct kept *k, struct kept_target *t, const char *host,
    struct row_host *row)
{
	struct kept_row *r;

	if (t == NULL) {
		row_host_release(row);
		return;
	}
	r = row_find(&t->hosts, span_of(host), SPAN_NULL);
	if (r == NULL) {
		r = row_add(&t->hosts, sizeof(struct kept_host), span_of(host),
		    SPAN_NULL);
		if (row_beyond(&t->hosts, KEPT_HOSTS_MAX) != NULL)
			host_drop(k, t, TAILQ_LAST(&t->hosts, kept_rows));
	}
	row_weigh(k, r, sizeof(struct kept_host),
	    text_bytes(row->addresses) + text_bytes(row->certificates) +
		text_bytes(row->name_servers));
	r->lent = false;
	as_host(r)->row = *row;
	memset(row, 0, sizeof *row);
}
