/* The doctype, standard sections 13.2.5.53 to 13.2.5.68. */
#include "html_tokens.h"

/* Quoted identifier at the front of *r; false when it is not closed. */
static bool
doctype_id(struct span *r, struct span *id)
{
	char quote = r->p[0];
	size_t end;

	*r = span_slice(*r, 1, r->n);
	end = span_find(*r, quote);
	*id = span_slice(*r, 0, end);
	if (end == r->n)
		return false;
	*r = span_slice(*r, end + 1, r->n);
	return true;
}

static void
span_skip_space(struct span *r)
{
	while (r->n > 0 && ascii_space(r->p[0]))
		*r = span_slice(*r, 1, r->n);
}

static bool
quote_next(struct span r)
{
	return r.n > 0 && (r.p[0] == '"' || r.p[0] == '\'');
}

/* Identifiers behind the name; true when all is as it should be. */
static bool
doctype_ids(struct span r, bool eof, struct html_token *t)
{
	bool public = span_starts_i(r, "PUBLIC");

	if (!public && !span_starts_i(r, "SYSTEM"))
		return false;
	r = span_slice(r, 6, r.n);
	span_skip_space(&r);
	if (!quote_next(r))
		return false;
	if (!doctype_id(&r, public ? &t->public_id : &t->system_id))
		return false;
	span_skip_space(&r);
	if (public && quote_next(r)) {
		if (!doctype_id(&r, &t->system_id))
			return false;
		span_skip_space(&r);
	} else if (public && r.n > 0) {
		return false;
	}
	return r.n > 0 || !eof;
}

void
html_doctype(struct html_tokens *h, struct html_token *t, size_t from)
{
	struct span r = span_slice(h->in, from, h->in.n);
	size_t end = from + span_find(r, '>'), n = 0;
	bool eof = end >= h->in.n;

	r = span_slice(h->in, from, end - from);
	t->type = HTML_DOCTYPE;
	t->name = t->public_id = t->system_id = SPAN_NULL;
	h->at = eof ? h->in.n : end + 1;
	span_skip_space(&r);
	while (n < r.n && !ascii_space(r.p[n]))
		n++;
	t->quirks = true;
	if (n == 0)
		return;
	t->name = span_slice(r, 0, n);
	r = span_slice(r, n, r.n);
	span_skip_space(&r);
	t->quirks = r.n == 0 ? eof : !doctype_ids(r, eof, t);
}
