/* Matching one address against the compiled rules. */

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "rules_table.h"
#include "url.h"

#define SEGMENTS_MAX	32 /* path segments looked at */
#define QUERY_PAIRS_MAX 48 /* query pairs looked at */
#define HOST_LABELS_MAX 16
#define REDIRECTS_MAX	3 /* redirectors inside redirectors */

/* An address taken apart, all borrowed. */
struct subject {
	const struct rules *rules;
	struct span host; /* or "scheme:" */
	struct span path;
	struct span query;
	struct span fragment;
	struct span seg[SEGMENTS_MAX];
	size_t nseg;
	struct span name[QUERY_PAIRS_MAX];
	struct span value[QUERY_PAIRS_MAX];
	size_t nquery;
	bool query_split;
	struct span fseg[SEGMENTS_MAX];
	size_t nfseg;
	struct span fragment_query;
	bool fragment_split;
	struct span raw[SEGMENTS_MAX]; /* the same, still encoded */
	struct buf scratch;	       /* decoded segments */
};

/* www.h, m.h and so on are h. */
static const char *const mirrors[] = {"www", "m", "mobile", "wap", "touch",
    "web"};

/* A first segment that ends so is a file, not an account. */
static const char *const file_endings[] = {".php", ".html", ".htm", ".ico",
    ".png", ".txt", ".jpg", ".jpeg", ".gif", ".js", ".css", ".xml", ".asp",
    ".aspx", ".jsp", ".json", ".svg", ".do", ".nhn", ".cgi", ".shtml", ".webp",
    ".pl", ".action", ".swf", ".webmanifest", ".pdf"};

/* The lists are left as they are: only what is in them is read, and they are
 * long. */
static void
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

void
match_init(struct match *m)
{
	*m = (struct match){.kind = SIGHTING_KIND_COUNT};
	buf_init(&m->name, NAME_MAX_LEN);
}

void
match_release(struct match *m)
{
	buf_release(&m->name);
	match_init(m);
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
		if (span_starts_i(n, "amp;")) /* "&amp;" left undecoded */
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
	for (size_t i = 0; i < ARRAY_LEN(file_endings); i++)
		if (span_ends_i(s->seg[0], file_endings[i]))
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
static void
slot_text(const struct rule_capture *c, unsigned slot, struct buf *out)
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

	if (forbid[0] != '\0' && span_search(v, forbid) < v.n)
		return false;
	if (v.n < x->min || (v.n > x->max && !x->utf8))
		return false;
	for (size_t i = 0; i < v.n; i++) {
		unsigned char ch = (unsigned char)v.p[i];

		if (ch >= 0x80 ? !x->utf8
			       : (x->bits[ch / 32] >> (ch % 32) & 1) == 0)
			return false;
	}
	return true;
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
	slot_text(c, slot, &text);
	good = !text.overflow &&
	    syntax_holds(r, &r->syntaxes[p->syntax], buf_span(&text));
	buf_release(&text);
	return good;
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
	    syntax_fits(r, p, c);
}

/* What people get wrong in links: blanks behind the address, and '&' where
 * '?' should begin the query. */
static void
mend_path(struct subject *s)
{
	struct span *path = &s->path;
	size_t at;

	while (path->n >= 3 && span_ends_i(*path, "%20"))
		path->n -= 3;
	at = span_find(*path, '&');
	if (at == path->n || s->query.n > 0 ||
	    span_find(span_slice(*path, at, path->n), '=') == path->n - at)
		return;
	s->query = span_slice(*path, at + 1, path->n);
	path->n = at;
}

/* Path segments, empty ones left out, each decoded by itself so that an
 * encoded slash stays inside it. */
static void
split_subject(struct subject *s)
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

struct best {
	const struct rule_pattern *pattern;
	struct rule_capture capture;
	uint32_t platform; /* of the longest host that is a platform's own */
	bool asset;
};

static void
try_entry(struct subject *s, const struct rule_host *h, struct span before,
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

/* A label that may be followed by any public suffix. */
static bool
can_be_suffixed(const struct rules *r, struct span label)
{
	return (r->suffix_lengths[label.p[0] & 127] >> (label.n % 32) & 1) != 0;
}

/* Every host entry that is the host or one of its parents. */
static void
try_hosts(struct subject *s, struct best *best)
{
	const struct rules *r = s->rules;
	struct span host = s->host, tail = host;
	char key[HOST_MAX_LEN + 3];

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	tail = host;
	for (int i = 0; i < HOST_LABELS_MAX && tail.p != NULL; i++) {
		struct span before =
		    span_slice(host, 0, (size_t)(tail.p - host.p));
		const struct rule_host *h = rules_host(r, tail);
		struct span label;

		if (before.n > 0)
			before.n--;
		if (h != NULL)
			try_entry(s, h, before, best);
		label = span_token(&tail, '.');
		if (tail.p == NULL || label.n == 0 || label.n > HOST_MAX_LEN ||
		    !can_be_suffixed(r, label))
			continue;
		memcpy(key, label.p, label.n);
		memcpy(key + label.n, ".*", 3);
		h = rules_host(r, (struct span){key, label.n + 2});
		if (h != NULL && (h->flags & HOST_SUFFIX) != 0 &&
		    host_is_public_suffix(tail))
			try_entry(s, h, before, best);
	}
}

static bool
utf8_valid(struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		uint32_t cp;
		size_t used;

		if (s.p[i] >= 0x20 && s.p[i] < 0x7f) {
			i++;
			continue;
		}
		used = utf8_decode(span_slice(s, i, s.n), &cp);

		if (cp == 0xfffd || cp < 0x20 || cp == 0x7f)
			return false;
		i += used;
	}
	return true;
}

static void
write_name(const struct rules *r, const struct best *b, struct match *m)
{
	const struct rule_pattern *p = b->pattern;
	unsigned slot = b->capture.slot[SLOT_ACCOUNT].p != NULL ? SLOT_ACCOUNT
								: SLOT_CONTENT;

	if (p->kind == SIGHTING_SHARE || b->capture.slot[slot].p == NULL)
		return;
	if (p->name != RULE_NONE) {
		const struct rule_segment *s = &r->segments[p->name];

		for (size_t i = 0; i < s->parts; i++) {
			const struct rule_part *part = &r->parts[s->part + i];

			if (part->slot == SLOT_LITERAL)
				buf_add(&m->name, r->text + part->text,
				    part->length);
			else if (b->capture.slot[part->slot].p != NULL)
				slot_text(&b->capture, part->slot, &m->name);
		}
	} else {
		slot_text(&b->capture, slot, &m->name);
	}
	if (m->name.overflow || !utf8_valid(buf_span(&m->name))) {
		buf_clear(&m->name);
		buf_add_span(&m->name,
		    span_slice(b->capture.slot[slot], 0, NAME_MAX_LEN));
		if (!utf8_valid(buf_span(&m->name)))
			buf_clear(&m->name);
	}
	m->has_name = m->name.len > 0;
}

static bool classify(const struct rules *, struct span, const struct url *,
    struct match *, int depth);

static bool
follow(const struct rules *r, const struct rule_capture *c,
    const struct url *url, struct match *m, int depth)
{
	struct buf target = BUF_INIT(URL_MAX_LEN);
	bool good = false;

	if (depth < REDIRECTS_MAX && c->slot[SLOT_URL].p != NULL) {
		slot_text(c, SLOT_URL, &target);
		good = !target.overflow && target.len > 0 &&
		    classify(r, buf_span(&target), url, m, depth + 1);
	}
	buf_release(&target);
	return good;
}

/* A frame that is given the address of what it shows: the name is that one's.
 */
static void
name_of_shown(const struct rules *r, const struct rule_capture *c,
    const struct url *url, struct match *m, int depth)
{
	struct match shown;

	if (m->kind != SIGHTING_EMBED || m->has_name)
		return;
	match_init(&shown);
	if (follow(r, c, url, &shown, depth) && shown.has_name &&
	    strcmp(shown.platform, m->platform) == 0) {
		buf_add_span(&m->name, buf_span(&shown.name));
		m->has_name = true;
	}
	match_release(&shown);
}

/* The verdict on a subject into *m. */
static bool
decide(struct subject *s, const struct url *url, struct match *m, int depth)
{
	const struct rules *r = s->rules;
	struct best best = {.platform = RULE_NONE};

	split_subject(s);
	if (url != NULL) {
		try_hosts(s, &best);
	} else {
		const struct rule_host *h = rules_host(r, s->host);

		if (h != NULL)
			try_entry(s, h, SPAN_NULL, &best);
	}
	if (best.pattern != NULL &&
	    (best.pattern->flags & PATTERN_REDIRECT) != 0) {
		if (follow(r, &best.capture, url, m, depth))
			return true;
		if (best.platform == RULE_NONE)
			best.platform = best.pattern->platform;
		best.pattern = NULL;
	}
	if (best.pattern == NULL && best.platform == RULE_NONE)
		return false;
	m->kind = SIGHTING_OTHER;
	m->script = best.asset;
	if (best.pattern != NULL) {
		m->kind = (enum sighting_kind)best.pattern->kind;
		m->unverified = (best.pattern->flags & PATTERN_UNVERIFIED) != 0;
		m->script = (best.pattern->flags & PATTERN_SCRIPT) != 0;
		best.platform = best.pattern->platform;
		write_name(r, &best, m);
		m->fold = m->kind == SIGHTING_CHANNEL &&
		    (best.pattern->flags & PATTERN_EXACT) == 0 &&
		    (r->platforms[best.platform].flags & PLATFORM_FOLD) != 0;
	}
	m->platform = rules_text(r, r->platforms[best.platform].id);
	if (best.pattern != NULL)
		name_of_shown(r, &best.capture, url, m, depth);
	return true;
}

bool
rules_match_url(const struct rules *r, const struct url *url, struct match *m)
{
	struct subject s;
	bool found;

	buf_clear(&m->name);
	m->has_name = m->unverified = m->script = m->fold = false;
	m->kind = SIGHTING_KIND_COUNT;
	if (!url_is_http(url) || url->host_kind != URL_HOST_DOMAIN)
		return false;
	subject_init(&s, r, url);
	found = decide(&s, url, m, 0);
	buf_release(&s.scratch);
	return found;
}

static size_t
scheme_end(struct span s)
{
	size_t i = 0;

	if (s.n == 0 || !ascii_alpha(s.p[0]))
		return 0;
	while (i < s.n &&
	    (ascii_alnum(s.p[i]) || s.p[i] == '+' || s.p[i] == '-' ||
		s.p[i] == '.'))
		i++;
	return i < s.n && s.p[i] == ':' ? i + 1 : 0;
}

/* "mailto:x", "tg://resolve?domain=x": compared as written. */
static bool
classify_scheme(const struct rules *r, struct span scheme, struct span rest,
    struct match *m, int depth)
{
	char name[40];
	struct subject s;
	size_t hash, mark;
	bool found;

	if (scheme.n > sizeof(name))
		return false;
	for (size_t i = 0; i < scheme.n; i++)
		name[i] = ascii_lower(scheme.p[i]);
	subject_init(&s, r, NULL);
	s.host = (struct span){name, scheme.n};
	if (rules_host(r, s.host) == NULL)
		return false;
	hash = span_find(rest, '#');
	s.fragment = span_slice(rest, hash + 1, rest.n);
	rest.n = hash;
	mark = span_find(rest, '?');
	s.path = span_slice(rest, 0, mark);
	s.query = span_slice(rest, mark + 1, rest.n);
	found = decide(&s, NULL, m, depth);
	buf_release(&s.scratch);
	return found;
}

/* A host with a port looks like a scheme: "example.com:8080/". */
static bool
is_port(struct span scheme, struct span rest)
{
	return span_find(scheme, '.') < scheme.n && rest.n > 0 &&
	    ascii_digit(rest.p[0]);
}

static bool
plain_host_char(char c)
{
	return ascii_alnum(c) || c == '.' || c == '-' || c == '_';
}

bool
rules_foreign(const struct rules *r, struct span rest)
{
	char host[HOST_MAX_LEN + 1];
	struct span tail;
	size_t n = 0;

	while (n < rest.n && n < HOST_MAX_LEN && plain_host_char(rest.p[n])) {
		host[n] = ascii_lower(rest.p[n]);
		n++;
	}
	if (n == 0 || n == HOST_MAX_LEN ||
	    (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' &&
		rest.p[n] != '#'))
		return false;
	if (host[n - 1] == '.')
		return false;
	tail = (struct span){host, n};
	while (tail.p != NULL) {
		char key[HOST_MAX_LEN + 3];
		struct span label;

		if (rules_host(r, tail) != NULL)
			return false;
		label = span_token(&tail, '.');
		if (tail.p == NULL)
			break;
		if (label.n == 0 || !can_be_suffixed(r, label))
			continue;
		memcpy(key, label.p, label.n);
		memcpy(key + label.n, ".*", 3);
		if (rules_host(r, (struct span){key, label.n + 2}) != NULL)
			return false;
	}
	return true;
}

/* Without a scheme: "//host/x", or "host/x" when it can be a host. */
static bool
host_first(struct span a)
{
	size_t n = 0;
	bool dot = false;

	if (a.n == 0 || a.p[0] == '.' || a.p[0] == '/')
		return false;
	for (; n < a.n && a.p[n] != '/' && a.p[n] != '?' && a.p[n] != '#'; n++)
		dot = dot || a.p[n] == '.';
	return dot;
}

static bool
classify(const struct rules *r, struct span address, const struct url *base,
    struct match *m, int depth)
{
	struct span rest = address;
	size_t scheme = scheme_end(address);
	struct buf whole = BUF_INIT(URL_MAX_LEN);
	struct url url;
	bool found = false;

	if (scheme > 0 &&
	    !is_port(span_slice(rest, 0, scheme),
		span_slice(rest, scheme, rest.n))) {
		struct span name = span_slice(address, 0, scheme);

		rest = span_slice(rest, scheme, rest.n);
		if (!span_is_i(name, "http:") && !span_is_i(name, "https:"))
			return classify_scheme(r, name, rest, m, depth);
		while (rest.n > 0 && (rest.p[0] == '/' || rest.p[0] == '\\'))
			rest = span_slice(rest, 1, rest.n);
	} else if (span_starts(address, "//")) {
		rest = span_slice(address, 2, address.n);
	} else if (base == NULL && !host_first(address)) {
		return false;
	} else if (base != NULL && !host_first(address)) {
		rest = SPAN_NULL;
	}
	if (rest.p != NULL && rules_foreign(r, rest))
		return false;
	url_init(&url);
	if (rest.p != NULL) {
		buf_add_str(&whole, "http://");
		buf_add_span(&whole, rest);
		rest = buf_span(&whole);
	} else {
		rest = address;
	}
	if (!whole.overflow && url_parse(&url, rest, base) &&
	    url.host_kind == URL_HOST_DOMAIN) {
		struct subject s;

		subject_init(&s, r, &url);
		found = decide(&s, &url, m, depth);
		buf_release(&s.scratch);
	}
	url_release(&url);
	buf_release(&whole);
	return found;
}

bool
rules_classify(const struct rules *r, struct span address, struct match *m)
{
	buf_clear(&m->name);
	m->has_name = m->unverified = m->script = m->fold = false;
	m->kind = SIGHTING_KIND_COUNT;
	return classify(r, span_trim(address), NULL, m, 0);
}
