/* One template of a pattern against one segment, label or value. */

#include "limit.h"
#include "rules_table.h"

#define SEGMENT_MAX_LEN 1024 /* longer ones are nobody's name */

static bool
type_holds(enum rule_type type, struct span v)
{
	size_t i = 0;

	if (v.n == 0)
		return false;
	switch (type) {
	case TYPE_ANY:
	case TYPE_REST:
		return true;
	case TYPE_SIGNED:
	case TYPE_OWNER:
		i = v.p[0] == '-' ? 1 : 0;
		break;
	case TYPE_WORD:
		while (i < v.n && ascii_alnum(v.p[i]))
			i++;
		return i == v.n;
	case TYPE_RUMV:
		if (v.n < 5 || v.n > 9 || v.p[0] != 'v')
			return false;
		for (i = 1; i < v.n; i++)
			if (!ascii_alnum(v.p[i]))
				return false;
		return true;
	case TYPE_DIGITS:
	case TYPE_COUNT:
		break;
	}
	bool digit = false, under = false;
	for (; i < v.n; i++) {
		if (ascii_digit(v.p[i])) {
			digit = true;
		} else if (type == TYPE_OWNER && v.p[i] == '_' && digit &&
		    !under) {
			under = true;
			digit = false;
			if (i + 1 < v.n && v.p[i + 1] == '-')
				i++;
		} else {
			return false;
		}
	}
	return digit && (type != TYPE_OWNER || under);
}

/* How far a typed placeholder can reach at the start of v; it need not hold
 * at that length, but it cannot hold at a greater one. */
static size_t
type_reach(enum rule_type type, struct span v)
{
	size_t n = 0;

	switch (type) {
	case TYPE_SIGNED:
	case TYPE_OWNER:
		while (n < v.n &&
		    (ascii_digit(v.p[n]) || v.p[n] == '-' || v.p[n] == '_'))
			n++;
		return n;
	case TYPE_DIGITS:
		while (n < v.n && ascii_digit(v.p[n]))
			n++;
		return n;
	case TYPE_WORD:
	case TYPE_RUMV:
		while (n < v.n && ascii_alnum(v.p[n]))
			n++;
		return n;
	case TYPE_ANY:
	case TYPE_REST:
	case TYPE_COUNT:
		break;
	}
	return v.n;
}

static void
keep(struct rule_capture *c, unsigned slot, struct span v, bool form,
    bool decoded)
{
	if (slot == SLOT_LITERAL || slot >= SLOT_COUNT)
		return;
	c->slot[slot] = v;
	c->form[slot] = form;
	c->decoded[slot] = decoded;
}

/* Cheap look ahead: the literal after a placeholder stands at k. */
static bool
literal_next(const struct rules *r, const struct rule_part *p, struct span v,
    size_t k)
{
	return p->slot != SLOT_LITERAL ||
	    (k < v.n && ascii_lower(v.p[k]) == ascii_lower(r->text[p->text]));
}

/*
 * Parts against text.  Placeholders are greedy; the literal after one is
 * looked for from the right, so the work is at most length times parts per
 * placeholder and the segment's length is limited.
 */
static bool
parts_match(const struct rules *r, const struct rule_part *p, size_t n,
    struct span v, bool open_end, struct rule_capture *c, bool form,
    bool decoded)
{
	if (n == 0)
		return v.n == 0 || open_end;
	if (p->slot == SLOT_LITERAL) {
		struct span lit = {r->text + p->text, p->length};

		return v.n >= lit.n &&
		    span_eq_i(span_slice(v, 0, lit.n), lit) &&
		    parts_match(r, p + 1, n - 1, span_slice(v, lit.n, v.n),
			open_end, c, form, decoded);
	}
	if (n == 1) {
		size_t reach =
		    form && p->type != TYPE_ANY ? type_reach(p->type, v) : v.n;
		struct span got = span_slice(v, 0, reach);

		if (!type_holds(p->type, got))
			return false;
		keep(c, p->slot, got, form, decoded);
		return true;
	}
	for (size_t k = type_reach(p->type, v); k >= 1; k--) {
		struct span got = span_slice(v, 0, k);

		if (!literal_next(r, p + 1, v, k) || !type_holds(p->type, got))
			continue;
		if (parts_match(r, p + 1, n - 1, span_slice(v, k, v.n),
			open_end, c, form, decoded)) {
			keep(c, p->slot, got, form, decoded);
			return true;
		}
	}
	return false;
}

bool
rule_segment_matches(const struct rules *r, const struct rule_segment *s,
    struct span v, struct rule_capture *c, bool form, bool decoded)
{
	/* A file whose segments are all empty has no parts at all. */
	const struct rule_part *first =
	    s->parts == 0 ? NULL : r->parts + s->part;

	if (s->parts > 1 && v.n > SEGMENT_MAX_LEN)
		return false;
	return parts_match(r, first, s->parts, v, s->kind == SEGMENT_PREFIX, c,
	    form, decoded);
}
