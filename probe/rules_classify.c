/* What an address means, however it is written: its host is looked for among
 * those of the rules, redirectors are followed. */

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "rules_subject.h"
#include "url.h"

#define HOST_LABELS_MAX 16
#define REDIRECTS_MAX	3 /* redirectors inside redirectors */

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
			subject_try(s, h, before, best);
		label = span_token(&tail, '.');
		if (tail.p == NULL || label.n == 0 || label.n > HOST_MAX_LEN ||
		    !can_be_suffixed(r, label))
			continue;
		memcpy(key, label.p, label.n);
		memcpy(key + label.n, ".*", 3);
		h = rules_host(r, (struct span){key, label.n + 2});
		if (h != NULL && (h->flags & HOST_SUFFIX) != 0 &&
		    host_is_public_suffix(tail))
			subject_try(s, h, before, best);
	}
}

/* UTF-8 without controls? */
static bool
is_printable(struct span s)
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
				subject_slot_text(&b->capture, part->slot,
				    &m->name);
		}
	} else {
		subject_slot_text(&b->capture, slot, &m->name);
	}
	if (m->name.overflow || !is_printable(buf_span(&m->name))) {
		buf_clear(&m->name);
		buf_add_span(&m->name,
		    span_slice(b->capture.slot[slot], 0, NAME_MAX_LEN));
		if (!is_printable(buf_span(&m->name)))
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
		subject_slot_text(c, SLOT_URL, &target);
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

	subject_split(s);
	if (url != NULL) {
		try_hosts(s, &best);
	} else {
		const struct rule_host *h = rules_host(r, s->host);

		if (h != NULL)
			subject_try(s, h, SPAN_NULL, &best);
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

/* "vk://vk.com/x", of an application: what the web shows at vk.com/x.  After
 * "javascript:" the slashes begin a comment. */
static bool
classify_by_host(const struct rules *r, struct span scheme, struct span rest,
    struct match *m, int depth)
{
	return depth < REDIRECTS_MAX && !span_is_i(scheme, "javascript:") &&
	    span_starts(rest, "//") &&
	    host_first(span_slice(rest, 2, rest.n)) &&
	    classify(r, rest, NULL, m, depth + 1);
}

/* "mailto:x", "tg://resolve?domain=x": compared as written. */
static bool
classify_scheme(const struct rules *r, struct span scheme, struct span rest,
    struct match *m, int depth)
{
	char name[40];
	struct span whole = rest;
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
	return found || classify_by_host(r, scheme, whole, m, depth);
}

/* "intent://HOST/PATH#Intent;scheme=S;S.browser_fallback_url=U;end", as
 * Android's browsers read it: S://HOST/PATH, or U where no application takes
 * that. */
static bool
classify_intent(const struct rules *r, struct span rest, const struct url *base,
    struct match *m, int depth)
{
	static const char *const mark = "#Intent;";
	size_t at = span_search(rest, mark);
	struct span extras = span_slice(rest, at + strlen(mark), rest.n);
	struct span scheme = SPAN_NULL, fallback = SPAN_NULL;
	struct buf target = BUF_INIT(URL_MAX_LEN);
	bool found = false;

	if (depth >= REDIRECTS_MAX)
		return false;
	while (extras.p != NULL) {
		struct span extra = span_token(&extras, ';');
		size_t equals = span_find(extra, '=');
		struct span key = span_slice(extra, 0, equals);
		struct span value = span_slice(extra, equals + 1, extra.n);

		if (span_is(key, "scheme"))
			scheme = value;
		else if (span_is(key, "S.browser_fallback_url"))
			fallback = value;
	}
	if (scheme.n > 0) {
		buf_add_span(&target, scheme);
		buf_add_char(&target, ':');
		buf_add_span(&target, span_slice(rest, 0, at));
		found = !target.overflow &&
		    classify(r, buf_span(&target), base, m, depth + 1);
	}
	if (!found && fallback.n > 0) {
		buf_clear(&target);
		percent_decode(fallback, &target);
		found = !target.overflow &&
		    classify(r, buf_span(&target), base, m, depth + 1);
	}
	buf_release(&target);
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
		if (span_is_i(name, "intent:"))
			return classify_intent(r, rest, base, m, depth);
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
