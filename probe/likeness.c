#include "likeness.h"

#include <string.h>

static void
add(struct digest *d, struct span s)
{
	digest_update(d, s);
	digest_update(d, (struct span){"", 1});
}

/* What is left of a header line when its value says nothing. */
static struct span
steady_part(struct span line)
{
	static const char *const fleeting[] = {"date", "age", "expires"};
	size_t colon = span_find(line, ':');
	struct span name = span_slice(line, 0, colon);

	for (size_t i = 0; i < ARRAY_LEN(fleeting); i++)
		if (span_is_i(name, fleeting[i]))
			return name;
	if (span_is_i(name, "set-cookie"))
		return span_slice(line, 0, span_find(line, '='));
	return line;
}

static void
add_headers(struct digest *d, struct span headers)
{
	while (headers.p != NULL)
		add(d, steady_part(span_token(&headers, '\n')));
}

static bool
is_whole(const struct observation *o, const struct hop *h)
{
	bool counts =
	    o->variant == VARIANT_NORMAL || o->variant == VARIANT_CONFIRM;

	return counts && h->status == 200 && h->failure == FAILURE_NONE &&
	    h->outcome == OUTCOME_NONE && !h->body_cut;
}

void
likeness_of(const struct observation *o, struct likeness *l)
{
	const struct hop *h = observation_last(o);
	struct digest *d;

	l->known = false;
	if (!is_whole(o, h))
		return;
	d = digest_new(DIGEST_SHA256);
	for (size_t i = 0; i < o->nhops; i++)
		add(d, span_of(o->hops[i].url));
	add_headers(d, buf_span(&h->headers));
	digest_update(d, buf_span(&h->body));
	digest_final(d, l->digest);
	digest_free(d);
	l->known = true;
}

bool
likeness_same(const struct likeness *a, const struct likeness *b)
{
	return a->known && b->known &&
	    memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}
