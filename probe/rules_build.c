/* From the pattern notation of platforms.yaml to the compiled tables. */

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "rules_table.h"
#include "url.h"

#define SCORE_LITERAL 8 /* a literal character; the rest breaks ties */

static const struct slot_name {
	const char *name;
	enum rule_slot slot;
} slot_names[] = {
    {"account", SLOT_ACCOUNT},
    {"content", SLOT_CONTENT},
    {"url", SLOT_URL},
    {"service", SLOT_SERVICE},
};

static const struct type_name {
	const char *name;
	enum rule_type type;
} type_names[] = {
    {"d", TYPE_DIGITS},
    {"o", TYPE_SIGNED},
    {"oo", TYPE_OWNER},
    {"w", TYPE_WORD},
    {"rest", TYPE_REST},
    {"rumv", TYPE_RUMV},
};

uint32_t
rules_add_text(struct rules *r, struct span s)
{
	uint32_t at;

	if (r->ntext == 0) {
		r->text = xgrow(r->text, &r->text_cap, 1, 1);
		r->text[r->ntext++] = '\0';
	}
	if (s.n == 0)
		return 0;
	at = (uint32_t)r->ntext;
	r->text = xgrow(r->text, &r->text_cap, r->ntext + s.n + 1, 1);
	memcpy(r->text + r->ntext, s.p, s.n);
	r->ntext += s.n;
	r->text[r->ntext++] = '\0';
	return at;
}

static uint32_t
add_lower(struct rules *r, struct span s)
{
	uint32_t at = rules_add_text(r, s);

	for (char *p = r->text + at; *p != '\0'; p++)
		*p = ascii_lower(*p);
	return at;
}

uint32_t
rules_add_host(struct rules *r, struct span name, uint32_t platform,
    unsigned flags)
{
	for (size_t i = 0; i < r->nhosts; i++) {
		struct rule_host *h = &r->hosts[i];

		if (name.n == 0 || ascii_lower(name.p[0]) != r->text[h->name] ||
		    !span_is_i(name, rules_text(r, h->name)))
			continue;
		h->flags |= flags;
		if (h->platform == RULE_NONE)
			h->platform = platform;
		return (uint32_t)i;
	}
	r->hosts =
	    xgrow(r->hosts, &r->hosts_cap, r->nhosts + 1, sizeof(*r->hosts));
	r->hosts[r->nhosts] =
	    (struct rule_host){.platform = platform, .flags = flags};
	r->hosts[r->nhosts].name = add_lower(r, name);
	return (uint32_t)r->nhosts++;
}

static bool
add_part(struct rules *r, struct span literal, enum rule_slot slot,
    enum rule_type type)
{
	if (slot == SLOT_LITERAL && literal.n == 0)
		return true;
	r->parts =
	    xgrow(r->parts, &r->parts_cap, r->nparts + 1, sizeof(*r->parts));
	r->parts[r->nparts++] = (struct rule_part){
	    .text = rules_add_text(r, literal),
	    .length = (uint16_t)literal.n,
	    .slot = (uint8_t)slot,
	    .type = (uint8_t)type,
	};
	return literal.n < UINT16_MAX;
}

/* "{account}", "{content:d}": false when the braces do not close. */
static bool
add_slot(struct rules *r, struct span *text)
{
	size_t close = span_find(*text, '}');
	struct span name = span_slice(*text, 1, close - 1), type;
	enum rule_slot slot = SLOT_OTHER;
	enum rule_type t = TYPE_ANY;
	size_t colon = span_find(name, ':');

	if (close == text->n || name.n == 0)
		return false;
	type = span_slice(name, colon + 1, name.n);
	if (colon < name.n) {
		t = TYPE_COUNT;
		for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
			if (span_is(type, type_names[i].name))
				t = type_names[i].type;
		if (t == TYPE_COUNT)
			return false;
	}
	name.n = colon < name.n ? colon : name.n;
	for (size_t i = 0; i < ARRAY_LEN(slot_names); i++)
		if (span_is(name, slot_names[i].name))
			slot = slot_names[i].slot;
	*text = span_slice(*text, close + 1, text->n);
	return add_part(r, SPAN_NULL, slot, t);
}

/* One template; adds its literal length to *score. */
static bool
add_segment(struct rules *r, struct span text, uint32_t key, unsigned *score)
{
	struct rule_segment s = {.part = (uint32_t)r->nparts, .key = key};

	if (span_is(text, "**")) {
		s.kind = SEGMENT_GLOB;
		text = SPAN_NULL;
	} else if (text.n > 2 && span_ends_i(text, "**")) {
		s.kind = SEGMENT_PREFIX;
		text.n -= 2;
	}
	while (text.n > 0) {
		size_t open = span_find(text, '{');

		*score += SCORE_LITERAL * (unsigned)open;
		if (!add_part(r, span_slice(text, 0, open), SLOT_LITERAL,
			TYPE_ANY))
			return false;
		text = span_slice(text, open, text.n);
		if (text.n > 0 && !add_slot(r, &text))
			return false;
		/* A placeholder says less than a letter, a typed one more
		 * than a free one. */
		if (r->nparts > s.part &&
		    r->parts[r->nparts - 1].type != TYPE_ANY)
			*score += 1;
	}
	s.parts = (uint16_t)(r->nparts - s.part);
	r->segments = xgrow(r->segments, &r->segments_cap, r->nsegments + 1,
	    sizeof(*r->segments));
	r->segments[r->nsegments++] = s;
	return true;
}

/* A path: text between slashes, an empty last one dropped. */
static bool
add_path(struct rules *r, struct span path, uint8_t *count, unsigned *score)
{
	*count = 0;
	while (path.p != NULL && path.n > 0) {
		struct span s = span_token(&path, '/');

		if (*count == 32 || !add_segment(r, s, RULE_NONE, score))
			return false;
		(*count)++;
	}
	return true;
}

static bool
add_query(struct rules *r, struct span query, uint8_t *count, unsigned *score)
{
	struct span name, value;

	*count = 0;
	if (span_find(query, '=') == query.n && query.n > 0 &&
	    query.p[0] == '{') {
		*count = 1;
		return add_segment(r, query, RULE_NONE, score);
	}
	while (query_next(&query, &name, &value)) {
		bool bare = value.p == NULL || value.n == 0;

		if (*count == 16)
			return false;
		*score += SCORE_LITERAL * (unsigned)name.n;
		if (!add_segment(r, bare ? SPAN("{any}") : value,
			add_lower(r, name), score))
			return false;
		if (bare) /* "?chat": the key is enough */
			r->segments[r->nsegments - 1].parts = 0;
		(*count)++;
	}
	return true;
}

static bool
has_slot(struct span s)
{
	return span_find(s, '{') < s.n;
}

/* Host of a pattern: mode, literal part as host entry, labels before it. */
static bool
add_host(struct rules *r, struct rule_pattern *p, struct span host,
    uint32_t platform, unsigned *score)
{
	struct span rest = host;
	unsigned flags = 0;
	size_t labels = 0;

	(void)platform;
	p->host_mode = HOST_EXACT;
	p->labels = (uint32_t)r->nsegments;
	if (span_starts(rest, "*.")) {
		p->host_mode = HOST_ANY;
		rest = span_slice(rest, 2, rest.n);
	}
	/* Labels with placeholders, from the left, up to the last of them. */
	for (;;) {
		struct span tail = rest, label = span_token(&tail, '.');

		if (tail.p == NULL || !has_slot(rest) ||
		    (!has_slot(label) && !has_slot(tail)) ||
		    span_is(rest, "{tld}"))
			break;
		if (span_is(tail, "{tld}"))
			break;
		if (!add_segment(r, label, RULE_NONE, score))
			return false;
		labels++;
		rest = tail;
	}
	if (labels > 0) {
		if (p->host_mode != HOST_EXACT || labels > 8)
			return false;
		p->host_mode = HOST_LABELS;
		p->nlabels = (uint8_t)labels;
	}
	struct buf name = BUF_INIT(HOST_MAX_LEN);
	if (span_ends_i(rest, ".{tld}")) {
		buf_add(&name, rest.p, rest.n - 6);
		buf_add_str(&name, ".*");
		flags = HOST_SUFFIX;
	} else {
		buf_add_span(&name, rest);
	}
	*score += SCORE_LITERAL * (unsigned)name.len;
	bool good = name.len > 0 && !has_slot(buf_span(&name));
	if (good)
		p->host = rules_add_host(r, buf_span(&name), RULE_NONE, flags);
	buf_release(&name);
	return good;
}

/* Length of "scheme:" at the start when it is not a web address, else 0. */
static size_t
scheme_length(struct span s)
{
	size_t i = 0;

	while (i < s.n &&
	    (ascii_alnum(s.p[i]) || s.p[i] == '+' || s.p[i] == '-' ||
		s.p[i] == '.'))
		i++;
	if (i == 0 || i == s.n || s.p[i] != ':')
		return 0;
	return i + 1;
}

static bool
add_name(struct rules *r, struct rule_pattern *p, struct span name)
{
	unsigned unused = 0;

	p->name = RULE_NONE;
	if (name.p == NULL)
		return true;
	p->name = (uint32_t)r->nsegments;
	return add_segment(r, name, RULE_NONE, &unused);
}

static bool
build(struct rules *r, const struct pattern_source *src, struct rule_pattern *p,
    const char **reason)
{
	struct span text = src->text, host, query, fragment;
	size_t scheme = scheme_length(text), hash, mark;
	unsigned score = 0;

	hash = span_find(text, '#');
	fragment = span_slice(text, hash + 1, text.n);
	text.n = hash < text.n ? hash : text.n;
	mark = span_find(text, '?');
	query = span_slice(text, mark + 1, text.n);
	text.n = mark < text.n ? mark : text.n;

	*reason = "malformed host";
	if (scheme > 0) {
		p->host_mode = HOST_SCHEME;
		score = SCORE_LITERAL * (unsigned)scheme;
		p->host = rules_add_host(r, span_slice(text, 0, scheme),
		    RULE_NONE, 0);
		text = span_slice(text, scheme, text.n);
		while (text.n > 0 && text.p[0] == '/')
			text = span_slice(text, 1, text.n);
	} else {
		host = span_token(&text, '/');
		if (!add_host(r, p, host, src->platform, &score))
			return false;
	}
	*reason = "malformed path";
	p->path = (uint32_t)r->nsegments;
	if (!add_path(r, text, &p->npath, &score))
		return false;
	if (p->npath > 0 &&
	    r->segments[p->path + p->npath - 1u].kind != SEGMENT_PLAIN)
		p->flags |= PATTERN_GLOB;
	*reason = "malformed query";
	p->query = (uint32_t)r->nsegments;
	if (!add_query(r, query, &p->nquery, &score))
		return false;
	*reason = "malformed fragment";
	if (hash < src->text.n)
		p->flags |= PATTERN_FRAGMENT;
	mark = span_find(fragment, '?');
	p->fragment = (uint32_t)r->nsegments;
	if (!add_path(r, span_slice(fragment, 0, mark), &p->nfragment, &score))
		return false;
	p->fragment_query = (uint32_t)r->nsegments;
	if (!add_query(r, span_slice(fragment, mark + 1, fragment.n),
		&p->nfragment_query, &score))
		return false;
	*reason = "malformed name";
	if (!add_name(r, p, src->name))
		return false;
	score = score > UINT16_MAX - 4 ? UINT16_MAX - 4 : score;
	if ((p->flags & PATTERN_GLOB) == 0)
		score += 2; /* exact beats "**" */
	if ((p->flags & PATTERN_LOW) != 0)
		score = 0;
	p->score = (uint16_t)score;
	return true;
}

bool
rules_add_pattern(struct rules *r, const struct pattern_source *src,
    const char **reason)
{
	struct rule_pattern p = {
	    .platform = src->platform,
	    .kind = (uint8_t)src->kind,
	    .flags = (uint8_t)src->flags,
	    .syntax = src->syntax,
	};

	*reason = "too many patterns";
	if (r->npatterns >= RULE_PATTERNS_MAX || !build(r, src, &p, reason))
		return false;
	r->patterns = xgrow(r->patterns, &r->patterns_cap, r->npatterns + 1,
	    sizeof(*r->patterns));
	r->patterns[r->npatterns++] = p;
	return true;
}

static int
compare_patterns(const void *a, const void *b)
{
	const struct rule_pattern *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	/* File order: the segments were made in it. */
	return x->path < y->path ? -1 : x->path > y->path;
}

void
rules_sort(struct rules *r)
{
	if (r->npatterns > 0)
		qsort(r->patterns, r->npatterns, sizeof(*r->patterns),
		    compare_patterns);
	for (size_t i = 0; i < r->npatterns; i++) {
		struct rule_host *h = &r->hosts[r->patterns[i].host];

		if (h->count++ == 0)
			h->first = (uint32_t)i;
	}
}
