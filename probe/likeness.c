#include "likeness.h"

#include <string.h>

static void
add(struct span s)
{
	fingerprint_add(s);
	fingerprint_add((struct span){"", 1});
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
add_headers(struct span headers)
{
	while (headers.p != NULL)
		add(steady_part(span_token(&headers, '\n')));
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

	l->known = false;
	if (!is_whole(o, h))
		return;
	fingerprint_start();
	for (size_t i = 0; i < o->nhops; i++)
		add(span_of(o->hops[i].url));
	add_headers(buf_span(&h->headers));
	fingerprint_add(buf_span(&h->body));
	fingerprint_end(l->print);
	l->known = true;
}

bool
likeness_same(const struct likeness *a, const struct likeness *b)
{
	return a->known && b->known &&
	    memcmp(a->print, b->print, sizeof a->print) == 0;
}
