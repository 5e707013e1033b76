#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "limit.h"

#define LIST_MAX	 (8 * 1024u) /* a list of known values */
#define NAME_SERVERS_MAX 16	     /* remembered for one host */
#define ADDRESSES_MAX	 64	     /* addresses remembered for one host */
#define LEAVES_MAX	 8	     /* certificates remembered for one host */

static bool
list_has(const char *list, const char *value)
{
	return words_shared(span_of(list), span_of(value));
}

/* Appends to a list, dropping the oldest beyond `max` values. */
static void
list_add(struct buf *list, const char *value, size_t max)
{
	size_t n = 1, cut;

	for (size_t i = 0; i < list->len; i++)
		n += list->data[i] == ' ';
	if (list->len > 0 && n >= max) {
		cut = span_find(buf_span(list), ' ');
		buf_drain(list, cut == list->len ? cut : cut + 1);
	}
	if (list->len > 0)
		buf_add_char(list, ' ');
	buf_add_str(list, value);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t
answer_addresses(const struct dns_lookup *dns, const char **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < dns->nrecords && n < max; i++)
		if (dns_record_is_address(&dns->records[i]))
			out[n++] = dns->records[i].value;
	return n;
}

/* How many of the answers are in the list.  As list_has() of each, but it is
 * done at every look: the list is taken apart once. */
static size_t
count_listed(const char *list, const char *const *answer, size_t n)
{
	struct span words[ADDRESSES_MAX], rest = span_of(list), a;
	size_t nwords = 0, shared = 0;

	while (rest.p != NULL && nwords < ADDRESSES_MAX)
		words[nwords++] = span_token(&rest, ' ');
	for (size_t i = 0; i < n; i++) {
		a = span_of(answer[i]);
		for (size_t j = 0; a.n > 0 && j < nwords; j++) {
			/* They begin alike. */
			if (words[j].n == a.n &&
			    ascii_lower(words[j].p[a.n - 1]) ==
				ascii_lower(a.p[a.n - 1]) &&
			    (span_eq(words[j], a) || span_eq_i(words[j], a))) {
				shared++;
				break;
			}
		}
	}
	return shared;
}

static void
emit_list(const struct diff *d, enum event_type type, const char *old,
    const char *new)
{
	struct event e;

	diff_event(d, &e, type);
	e.old = old;
	e.new = new;
	d->emit(d->arg, &e);
}

bool
diff_addresses(const struct diff *d, char **known)
{
	const char *answer[ADDRESSES_MAX];
	const struct dns_lookup *dns = &d->o->hops[0].dns;
	size_t n = answer_addresses(dns, answer, ADDRESSES_MAX);
	size_t shared = count_listed(*known, answer, n);
	struct buf list = BUF_INIT(LIST_MAX);
	bool moved;

	if (shared == n)
		return false;
	/* In a fixed order: name servers rotate them. */
	qsort(answer, n, sizeof *answer, by_text);
	/* Round robin and growing pools share something with what we know. */
	moved = *known != NULL && shared == 0;
	if (*known != NULL && !moved)
		buf_add_str(&list, *known);
	for (size_t i = 0; i < n; i++)
		if (moved || *known == NULL || !list_has(*known, answer[i]))
			list_add(&list, answer[i], ADDRESSES_MAX);
	if (moved && !d->silent)
		emit_list(d, EVENT_ADDRESS_CHANGED, *known, buf_str(&list));
	free(*known);
	*known = buf_detach(&list, NULL);
	buf_release(&list);
	return true;
}

static int
by_name(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

bool
diff_name_servers(const struct diff *d, char **known)
{
	const struct dns_lookup *dns = &d->o->hops[0].dns;
	const char *names[DNS_ANSWERS_MAX];
	struct buf list = BUF_INIT(LIST_MAX);
	size_t n = 0;
	bool changed;

	for (size_t i = 0; i < dns->nrecords && n < ARRAY_LEN(names); i++)
		if (strcmp(dns->records[i].type, "NS") == 0)
			names[n++] = dns->records[i].value;
	if (n == 0)
		return false;
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++)
		list_add(&list, names[i], NAME_SERVERS_MAX);
	changed = *known == NULL || strcasecmp(*known, buf_str(&list)) != 0;
	if (changed) {
		free(*known);
		*known = buf_detach(&list, NULL);
	}
	buf_release(&list);
	return changed;
}

/* The last of a list: what was seen first most lately. */
static const char *
list_last(const char *list)
{
	const char *space = strrchr(list, ' ');

	return space == NULL ? list : space + 1;
}

bool
diff_certificate(const struct diff *d, char **known)
{
	const struct hop *h = &d->o->hops[d->o->nhops - 1];
	struct buf list = BUF_INIT(LIST_MAX);

	if (h->nchain == 0 || h->chain[0].sha256[0] == '\0')
		return false;
	/* Hosts behind several front ends show several certificates in turn:
	 * one that was seen before is no news. */
	if (*known != NULL && list_has(*known, h->chain[0].sha256))
		return false;
	if (*known != NULL && !d->silent)
		emit_list(d, EVENT_CERTIFICATE_CHANGED, list_last(*known),
		    h->chain[0].sha256);
	if (*known != NULL)
		buf_add_str(&list, *known);
	list_add(&list, h->chain[0].sha256, LEAVES_MAX);
	free(*known);
	*known = buf_detach(&list, NULL);
	buf_release(&list);
	return true;
}

static struct span
without_query(const char *url)
{
	return url == NULL ? SPAN_NULL : (struct span){url, strcspn(url, "?#")};
}

char *
redirect_target(const struct observation *o)
{
	struct span from, to;

	if (o->nhops < 2)
		return NULL;
	from = without_query(o->hops[0].url);
	to = without_query(o->hops[o->nhops - 1].url);
	return to.n == 0 || span_eq(from, to) ? NULL : span_dup(to);
}
