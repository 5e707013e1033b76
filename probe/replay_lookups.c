/* The look-ups of a capture: a ring of the latest. */
#include "replay_lookups.h"

#include <stdlib.h>
#include <string.h>

#include "url.h"

#define LOOKUPS_KEPT 4096
#define TOGETHER_NS  (INT64_C(1000000000)) /* questions of one look-up */
#define TAKEN	     UINT64_MAX

struct lookups {
	struct seen_lookup list[LOOKUPS_KEPT];
	size_t count; /* ever; the ring's place is modulo */
};

struct lookups *
lookups_new(void)
{
	return xcalloc(1, sizeof(struct lookups));
}

static void
lookup_clear(struct seen_lookup *s)
{
	dns_lookup_release(&s->lookup);
	memset(s, 0, sizeof *s);
}

static void
lookup_fill(struct dns_lookup *d, const struct dns_seen *seen)
{
	const struct dns_message *m = seen->message;
	char text[ENDPOINT_TEXT_MAX], type[16];

	d->host = xstrdup(m->name);
	d->server = xstrdup(endpoint_text(&seen->server, text));
	d->rcode = seen->answer_ns == TCP_NEVER ? -1 : (int)m->rcode;
	for (size_t i = 0; i < m->nrecords; i++) {
		const struct dns_rr *rr = &m->records[i];

		if (rr->section != DNS_ANSWER || rr->value == NULL ||
		    (rr->type != DNS_A && rr->type != DNS_AAAA &&
			rr->type != DNS_CNAME && rr->type != DNS_NS))
			continue;
		dns_record_add(d, span_of(dns_type_name(rr->type, type)),
		    rr->ttl, span_of(rr->value));
	}
}

static void
lookup_append(struct dns_lookup *to, const struct dns_lookup *from)
{
	for (size_t i = 0; i < from->nrecords; i++)
		dns_record_add(to, span_of(from->records[i].type),
		    from->records[i].ttl, span_of(from->records[i].value));
}

static void
lookup_copy(struct dns_lookup *to, const struct dns_lookup *from)
{
	*to = *from;
	to->host = xstrdup(from->host);
	to->server = xstrdup(from->server);
	to->records = NULL;
	to->nrecords = to->records_cap = 0;
	lookup_append(to, from);
}

static bool
lookup_has(const struct dns_lookup *d, const char *address)
{
	for (size_t i = 0; i < d->nrecords; i++)
		if (strcmp(d->records[i].value, address) == 0)
			return true;
	return false;
}

struct seen_lookup *
lookups_find(struct lookups *s, struct span host, const char *address,
    int64_t at)
{
	size_t n = s->count < LOOKUPS_KEPT ? s->count : LOOKUPS_KEPT;

	for (size_t i = 0; i < n; i++) {
		struct seen_lookup *l =
		    &s->list[(s->count - 1 - i) % LOOKUPS_KEPT];

		if (l->query_ns > at ||
		    (host.p != NULL && !span_is_i(host, l->lookup.host)))
			continue;
		if (lookup_has(&l->lookup, address))
			return l;
	}
	return NULL;
}

const struct seen_lookup *
lookups_add(struct lookups *s, const struct dns_seen *seen)
{
	const struct dns_message *m = seen->message;
	struct seen_lookup *l;

	if (m->name == NULL ||
	    (m->type != DNS_A && m->type != DNS_AAAA && m->type != DNS_NS))
		return NULL;
	l = &s->list[s->count++ % LOOKUPS_KEPT];
	lookup_clear(l);
	lookup_fill(&l->lookup, seen);
	l->query_ns =
	    seen->query_ns != TCP_NEVER ? seen->query_ns : seen->answer_ns;
	l->answer_ns = seen->answer_ns;
	l->type = m->type;
	return l;
}

/* The probe asks who serves a zone together with the addresses of a host. */
static void
join_name_servers(struct lookups *s, struct dns_lookup *d,
    const struct seen_lookup *addresses)
{
	struct span zone = host_site(span_of(d->host));

	for (size_t i = 0; i < LOOKUPS_KEPT; i++) {
		struct seen_lookup *l = &s->list[i];

		if (l->type != DNS_NS || l->used_by != 0 ||
		    !span_is_i(zone, l->lookup.host) ||
		    llabs(l->query_ns - addresses->query_ns) > TOGETHER_NS)
			continue;
		l->used_by = TAKEN;
		lookup_append(d, &l->lookup);
	}
}

void
lookups_join(struct lookups *s, const struct seen_lookup *l,
    struct dns_lookup *out)
{
	lookup_copy(out, &l->lookup);
	join_name_servers(s, out, l);
}

void
lookups_free(struct lookups *s)
{
	for (size_t i = 0; s != NULL && i < LOOKUPS_KEPT; i++)
		lookup_clear(&s->list[i]);
	free(s);
}
