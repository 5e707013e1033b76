/* Matching one address, taken apart, against the rules of its host. */

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "rules_subject.h"

/* www.h, m.h and so on are h. */
static const char *const mirrors[] = {"www", "m", "mobile", "wap", "touch",
    "web"};

/* The lists are left as they are: only what is in them is read, and they are
 * long. */
void
subject_init(struct subject *s, const struct rules *r, const struct url *url)
{
	s->rules = r;
	s->host = s->path = s->query = s->fragment = SPAN_NULL;
	if (url != NULL) {
		s->host = url->host;
		s->path = url->path;
		s->query = url->query;
		s->fragment = url->fragment;
	}
	s->nseg = s->nquery = s->nfseg = 0;
	s->query_split = s->fragment_split = false;
	s->fragment_query = SPAN_NULL;
	buf_init(&s->scratch, URL_MAX_LEN);
}

static bool
is_mirror(struct span label)
{
	for (size_t i = 0; i < ARRAY_LEN(mirrors); i++)
		if (span_is(label, mirrors[i]))
			return true;
	return false;
}

/* Segments of the pattern against those of the address. */
static bool
path_matches(const struct rules *r, const struct rule_segment *s, size_t ns,
    const struct span *v, const struct span *raw, size_t nv,
    struct rule_capture *c)
{
	size_t i = 0;

	for (; ns > 0; ns--, s++) {
		if (s->kind == SEGMENT_GLOB && ns == 1)
			return true;
		if (s->kind == SEGMENT_GLOB) {
			for (size_t k = i; k <= nv; k++)
				if (path_matches(r, s + 1, ns - 1, v + k,
					raw + k, nv - k, c))
					return true;
			return false;
		}
		if (i == nv)
			return false;
		struct span text = v[i];
		if (rules_takes_rest(r,
			s)) { /* raw segments lie in one string */
			text = raw[i];
			text.n =
			    (size_t)(raw[nv - 1].p + raw[nv - 1].n - raw[i].p);
		}
		if (!rule_segment_matches(r, s, text, c, false, true))
			return false;
		if (s->parts == 1 && !rules_takes_rest(r, s) &&
		    r->parts[s->part].slot == SLOT_CONTENT &&
		    raw[i].p != text.p) {
			c->slot[SLOT_CONTENT] = raw[i];
			c->decoded[SLOT_CONTENT] = false;
		}
		if (rules_takes_rest(r, s) || s->kind == SEGMENT_PREFIX)
			return true;
		i++;
	}
	return i == nv;
}

static void
split_query(struct subject *s)
{
	struct span rest = s->query;
	struct span n, v;

	if (s->query_split)
		return;
	s->query_split = true;
	while (s->nquery < QUERY_PAIRS_MAX && query_next(&rest, &n, &v)) {
		while (span_starts_i(n, "amp;")) /* "&amp;" left undecoded */
			n = span_slice(n, 4, n.n);
		s->name[s->nquery] = n;
		s->value[s->nquery++] = v;
	}
}

static bool
pair_matches(const struct rules *r, const struct rule_segment *s,
    const struct span *names, const struct span *values, size_t n,
    struct rule_capture *c)
{
	struct span key = rules_span(r, s->key);

	for (size_t i = 0; i < n; i++) {
		if (!span_eq_i(names[i], key))
			continue;
		if (s->parts == 0 ||
		    rule_segment_matches(r, s, values[i], c, true, false))
			return true;
	}
	return false;
}

static bool
query_matches(const struct rules *r, const struct rule_segment *s, size_t ns,
    struct subject *subject, struct rule_capture *c)
{
	split_query(subject);
	for (; ns > 0; ns--, s++) {
		if (s->key == RULE_NONE) {
			if (!rule_segment_matches(r, s, subject->query, c, true,
				false))
				return false;
		} else if (!pair_matches(r, s, subject->name, subject->value,
			       subject->nquery, c)) {
			return false;
		}
	}
	return true;
}

static size_t
split_path(struct span path, struct span *out)
{
	size_t n = 0;

	while (path.p != NULL && path.n > 0 && n < SEGMENTS_MAX)
		out[n++] = span_token(&path, '/');
	return n;
}

static bool
fragment_matches(const struct rules *r, const struct rule_pattern *p,
    struct subject *s, struct rule_capture *c)
{
	struct span names[QUERY_PAIRS_MAX], values[QUERY_PAIRS_MAX], rest;
	size_t n = 0;

	if (s->fragment.n == 0)
		return false;
	if (!s->fragment_split) {
		size_t mark = span_find(s->fragment, '?');

		s->fragment_split = true;
		s->fragment_query =
		    span_slice(s->fragment, mark + 1, s->fragment.n);
		s->nfseg =
		    split_path(span_slice(s->fragment, 0, mark), s->fseg);
	}
	if (!path_matches(r, r->segments + p->fragment, p->nfragment, s->fseg,
		s->fseg, s->nfseg, c))
		return false;
	rest = s->fragment_query;
	while (n < QUERY_PAIRS_MAX && query_next(&rest, &names[n], &values[n]))
		n++;
	for (size_t i = 0; i < p->nfragment_query; i++)
		if (!pair_matches(r, &r->segments[p->fragment_query + i], names,
			values, n, c))
			return false;
	return true;
}

/* The first path segment is an account, whatever it says. */
static bool
takes_any_account(const struct rules *r, const struct rule_pattern *p)
{
	const struct rule_segment *s = &r->segments[p->path];

	return p->npath > 0 && s->parts == 1 &&
	    r->parts[s->part].slot == SLOT_ACCOUNT;
}

/* Labels before the host entry: nothing, a mirror's, any, or a template. */
static bool
host_matches(const struct rules *r, const struct rule_pattern *p,
    struct span before, struct rule_capture *c)
{
	const struct rule_platform *pl = &r->platforms[p->platform];
	struct span rest = before;

	switch ((enum host_mode)p->host_mode) {
	case HOST_SCHEME:
		return true;
	case HOST_EXACT:
		return before.n == 0 || is_mirror(before);
	case HOST_ANY:
		if (before.n == 0 || is_mirror(before) ||
		    !takes_any_account(r, p))
			return true;
		while (rest.n > 0)
			if (rules_has_word(r, pl->subdomains, pl->nsubdomains,
				span_token(&rest, '.')))
				return false;
		return true;
	case HOST_LABELS:
		break;
	}
	for (size_t i = 0; i < p->nlabels; i++) {
		struct span label = span_token(&rest, '.');

		const struct rule_segment *seg = &r->segments[p->labels + i];

		if (label.n == 0 ||
		    !rule_segment_matches(r, seg, label, c, false, true))
			return false;
		if (r->parts[seg->part].slot == SLOT_LITERAL)
			continue;
		if (is_mirror(label) ||
		    rules_has_word(r, pl->subdomains, pl->nsubdomains, label))
			return false;
	}
	return rest.p == NULL;
}

/* A placeholder that is the whole first segment must not be one of the
 * platform's own words, nor a file. */
static bool
first_segment_free(const struct rules *r, const struct rule_pattern *p,
    const struct subject *s)
{
	const struct rule_platform *pl = &r->platforms[p->platform];
	const struct rule_segment *seg = &r->segments[p->path];

	if (p->npath == 0 || s->nseg == 0 || seg->kind != SEGMENT_PLAIN ||
	    seg->parts != 1)
		return true;
	const struct rule_part *part = &r->parts[seg->part];
	if (part->slot == SLOT_LITERAL || part->type != TYPE_ANY)
		return true;
	if (rules_has_word(r, pl->reserved, pl->nreserved, s->seg[0]))
		return false;
	if (part->slot != SLOT_ACCOUNT)
		return true;
	if (span_find(s->seg[0], '.') == s->seg[0].n)
		return true;
	for (size_t i = 0; i < r->nfile_endings; i++)
		if (span_ends_i(s->seg[0], rules_text(r, r->file_endings[i])))
			return false;
	return true;
}

/* What may be encoded or not without another meaning (RFC 3986, 2.3), and
 * what no address holds as it is. */
static bool
means_itself(char c)
{
	return (unsigned char)c >= 0x80 || ascii_alnum(c) || c == '-' ||
	    c == '.' || c == '_' || c == '~';
}

/* Percent-encoded letters decoded, all else as it stands. */
static void
decode_letters(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi =
		    i + 2 < s.n && s.p[i] == '%' ? ascii_hex(s.p[i + 1]) : -1;
		int lo = hi >= 0 ? ascii_hex(s.p[i + 2]) : -1;

		if (lo < 0 || !means_itself((char)(hi << 4 | lo))) {
			buf_add_char(out, s.p[i]);
			continue;
		}
		buf_add_char(out, (char)(hi << 4 | lo));
		i += 2;
	}
}

/* What a slot holds, decoded into *out.  In content ids only letters are,
 * since "%2F" is not "/" there, unless they are addresses themselves. */
void
subject_slot_text(const struct rule_capture *c, unsigned slot, struct buf *out)
{
	if (slot == SLOT_CONTENT && !span_starts_i(c->slot[slot], "http"))
		decode_letters(c->slot[slot], out);
	else if (c->decoded[slot])
		buf_add_span(out, c->slot[slot]);
	else if (c->form[slot])
		form_decode(c->slot[slot], out);
	else
		percent_decode(c->slot[slot], out);
}

static bool
syntax_holds(const struct rules *r, const struct rule_syntax *x, struct span v)
{
	const char *forbid = rules_text(r, x->forbid);
	size_t characters = 0;

	if (forbid[0] != '\0' && span_search(v, forbid) < v.n)
		return false;
	if (v.n < x->min)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned char ch = (unsigned char)v.p[i];

		if (ch >= 0x80 ? !x->utf8
			       : (x->bits[ch / 32] >> (ch % 32) & 1) == 0)
			return false;
		characters += (ch & 0xc0) != 0x80;
	}
	return characters <= x->max;
}

static bool
syntax_fits(const struct rules *r, const struct rule_pattern *p,
    const struct rule_capture *c)
{
	unsigned slot =
	    c->slot[SLOT_ACCOUNT].p != NULL ? SLOT_ACCOUNT : SLOT_CONTENT;
	struct buf text = BUF_INIT(NAME_MAX_LEN);
	bool good;

	if (p->syntax == RULE_NONE || c->slot[slot].p == NULL)
		return true;
	if (c->decoded[slot])
		return syntax_holds(r, &r->syntaxes[p->syntax], c->slot[slot]);
	subject_slot_text(c, slot, &text);
	good = !text.overflow &&
	    syntax_holds(r, &r->syntaxes[p->syntax], buf_span(&text));
	buf_release(&text);
	return good;
}

/* A page template that nobody filled in, "[username]" or "{name}", is no
 * account. */
static bool
account_is_filled_in(const struct rule_pattern *p, const struct rule_capture *c)
{
	struct span v = c->slot[SLOT_ACCOUNT];

	if (p->kind != SIGHTING_CHANNEL)
		return true;
	for (size_t i = 0; i < v.n; i++)
		if (strchr("{}[]<>", v.p[i]) != NULL && v.p[i] != '\0')
			return false;
	return true;
}

static bool
pattern_matches(struct subject *s, const struct rule_pattern *p,
    struct span before, struct rule_capture *c)
{
	const struct rules *r = s->rules;

	for (size_t i = 0; i < SLOT_COUNT; i++)
		c->slot[i] = SPAN_NULL;
	return (p->npath > 0 || s->nseg == 0) &&
	    path_matches(r, r->segments + p->path, p->npath, s->seg, s->raw,
		s->nseg, c) &&
	    (p->nquery == 0 ||
		query_matches(r, r->segments + p->query, p->nquery, s, c)) &&
	    ((p->flags & PATTERN_FRAGMENT) == 0 ||
		fragment_matches(r, p, s, c)) &&
	    host_matches(r, p, before, c) && first_segment_free(r, p, s) &&
	    syntax_fits(r, p, c) && account_is_filled_in(p, c);
}

/* The bracket behind an address in "[see https://example.com/x]". */
static void
drop_bracket(struct span *part)
{
	static const char *const pairs[][2] = {{")", "("}, {"]", "["},
	    {"%29", "%28"}, {"%5D", "%5B"}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (span_ends_i(*part, pairs[i][0]) &&
		    span_search_i(*part, pairs[i][1]) == part->n) {
			part->n -= strlen(pairs[i][0]);
			return;
		}
}

/* What people get wrong in links: blanks behind the address or a bracket that
 * opens before it, and '&', plain or encoded, where '?' should begin the
 * query. */
static void
mend_path(struct subject *s)
{
	struct span *path = &s->path;
	size_t at;

	while (path->n >= 3 && span_ends_i(*path, "%20"))
		path->n -= 3;
	drop_bracket(s->query.n > 0 ? &s->query : path);
	at = span_search_i(*path, "%26");
	if (at < path->n &&
	    span_search_i(span_slice(*path, at, path->n), "%3D") < path->n - at)
		path->n = at;
	at = span_find(*path, '&');
	if (at == path->n || s->query.n > 0 ||
	    span_find(span_slice(*path, at, path->n), '=') == path->n - at)
		return;
	s->query = span_slice(*path, at + 1, path->n);
	path->n = at;
}

/* Path segments, empty ones left out, each decoded by itself so that an
 * encoded slash stays inside it. */
void
subject_split(struct subject *s)
{
	struct span rest;

	if (s->path.n > 0)
		mend_path(s);
	rest = s->path;
	if (span_find(rest, '%') < rest.n &&
	    buf_reserve(&s->scratch, rest.n + 1) == NULL)
		return;
	while (rest.p != NULL && s->nseg < SEGMENTS_MAX) {
		struct span seg = span_token(&rest, '/');
		size_t from = s->scratch.len;

		if (seg.n == 0)
			continue;
		s->raw[s->nseg] = seg;
		if (span_find(seg, '%') < seg.n) {
			percent_decode(seg, &s->scratch); /* never moves */
			seg = span_slice(buf_span(&s->scratch), from, seg.n);
		}
		s->seg[s->nseg++] = seg;
	}
}

void
subject_try(struct subject *s, const struct rule_host *h, struct span before,
    struct best *best)
{
	uint64_t key = s->nseg == 0 ? 0 : key_lower(span_key(s->seg[0]));
	const struct path_shape *shape = s->rules->pattern_shape + h->first;
	struct rule_capture c;

	if (best->platform == RULE_NONE && h->platform != RULE_NONE) {
		best->platform = h->platform;
		best->asset = (h->flags & HOST_ASSET) != 0;
	}
	for (uint32_t i = 0; i < h->count; i++) {
		const struct rule_pattern *p =
		    &s->rules->patterns[h->first + i];

		if (best->pattern != NULL && p->score <= best->pattern->score)
			return;
		if ((key & shape[i].mask) != shape[i].key ||
		    (shape[i].segments != s->nseg &&
			shape[i].segments != SEGMENTS_ANY))
			continue;
		if (pattern_matches(s, p, before, &c)) {
			best->pattern = p;
			best->capture = c;
			return;
		}
	}
}
