#include "schedule.h"

#include <string.h>

#include "limit.h"

#define ROBOTS_BYTES_MAX (500 * KIB) /* RFC 9309 section 2.5 */
/* Rules with `*` cost rule x path steps: a file with more of them than this
 * is made to hurt, and forbids everything. */
#define WILDCARDS_MAX	  200
#define WILDCARD_RULE_MAX 512

/* Does a rule path match a prefix of `path`?  `*` is any run, a final `$`
 * the end.  Two-pointer glob: linear in practice, bounded by
 * pattern x path, both of which are limited. */
static bool
rule_matches(struct span rule, struct span path)
{
	size_t r = 0, p = 0, star = SIZE_MAX, resume = 0;
	bool anchored = rule.n > 0 && rule.p[rule.n - 1] == '$';

	if (anchored)
		rule.n--;
	for (;;) {
		if (r == rule.n && (!anchored || p == path.n))
			return true;
		if (r < rule.n && rule.p[r] == '*') {
			star = r++;
			resume = p;
		} else if (r < rule.n && p < path.n && rule.p[r] == path.p[p]) {
			r++;
			p++;
		} else if (star != SIZE_MAX && resume < path.n) {
			r = star + 1;
			p = ++resume;
		} else {
			return false;
		}
	}
}

static bool
stands_for_itself(unsigned char c, bool was_escaped, const char *escaped)
{
	if (c <= ' ' || c >= 0x7f)
		return false;
	if (was_escaped)
		return ascii_alnum((char)c) || strchr("-._~", c) != NULL;
	return c != '%' && strchr(escaped, c) == NULL;
}

/* As paths are compared (RFC 9309 section 2.2.2): what needs no escape has
 * none, all beyond ASCII has one, and so have the bytes of `escaped`. */
static void
normalise(struct span path, const char *escaped, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_clear(out);
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];
		bool code = c == '%' && i + 2 < path.n &&
		    ascii_hex(path.p[i + 1]) >= 0 &&
		    ascii_hex(path.p[i + 2]) >= 0;

		if (code) {
			c = (unsigned char)(ascii_hex(path.p[i + 1]) * 16 +
			    ascii_hex(path.p[i + 2]));
			i += 2;
		}
		if (stands_for_itself(c, code, escaped)) {
			buf_add_char(out, (char)c);
			continue;
		}
		buf_add_char(out, '%');
		buf_add_char(out, hex[c >> 4]);
		buf_add_char(out, hex[c & 15]);
	}
}

struct group {
	bool named; /* the lines just read name agents */
	bool ours;  /* this group is for our agent by name */
	bool any;   /* this group is for "*" */
};

struct ruling {
	size_t length; /* of the longest rule that matched */
	bool allow;
	bool seen; /* a group of this kind exists */
	unsigned wildcards;
};

static void
rule_apply(struct ruling *ruling, struct span rule, struct span path,
    bool allow, struct buf *room)
{
	if (rule.n == 0 || rule.n > URL_MAX_LEN)
		return;
	if (span_find(rule, '*') < rule.n &&
	    (++ruling->wildcards > WILDCARDS_MAX ||
		rule.n > WILDCARD_RULE_MAX)) {
		ruling->length = SIZE_MAX;
		ruling->allow = false;
		return;
	}
	normalise(rule, "", room);
	rule = buf_span(room);
	if (!rule_matches(rule, path))
		return;
	if (rule.n > ruling->length || (rule.n == ruling->length && allow)) {
		ruling->length = rule.n;
		ruling->allow = allow;
	}
}

static void
agent_line(struct group *g, struct span value, struct span agent,
    struct ruling *ours, struct ruling *any)
{
	size_t n = 0;

	if (!g->named)
		*g = (struct group){.named = true};
	while (n < value.n &&
	    (ascii_alpha(value.p[n]) || value.p[n] == '-' || value.p[n] == '_'))
		n++;
	if (span_is(value, "*")) {
		g->any = any->seen = true;
	} else if (n > 0 && span_eq_i(span_slice(value, 0, n), agent)) {
		g->ours = ours->seen = true;
	}
}

/* Cuts the next line off *rest: CR, LF or both end it. */
static struct span
next_line(struct span *rest)
{
	struct span line = *rest;
	size_t n = 0;

	while (n < line.n && line.p[n] != '\n' && line.p[n] != '\r')
		n++;
	*rest = n < line.n ? span_slice(line, n + 1, line.n) : SPAN_NULL;
	return span_slice(line, 0, n);
}

static bool
read_rules(struct span rest, struct span agent, struct span path,
    struct buf *room)
{
	struct group g = {0};
	struct ruling ours = {.allow = true}, any = {.allow = true};

	if (span_starts(rest, "\xef\xbb\xbf"))
		rest = span_slice(rest, 3, rest.n);
	while (rest.p != NULL) {
		struct span line = next_line(&rest), key, value;
		size_t colon;
		bool allow;

		line = span_slice(line, 0, span_find(line, '#'));
		colon = span_find(line, ':');
		if (colon == line.n)
			continue;
		key = span_trim(span_slice(line, 0, colon));
		value = span_trim(span_slice(line, colon + 1, line.n));
		if (span_is_i(key, "user-agent")) {
			agent_line(&g, value, agent, &ours, &any);
			continue;
		}
		allow = span_is_i(key, "allow");
		if (!allow && !span_is_i(key, "disallow"))
			continue;
		g.named = false;
		if (g.ours)
			rule_apply(&ours, value, path, allow, room);
		if (g.any)
			rule_apply(&any, value, path, allow, room);
	}
	return ours.seen ? ours.allow : any.allow;
}

bool
robots_allows(struct span body, struct span agent, struct span path)
{
	struct buf at = BUF_INIT(3 * URL_MAX_LEN),
		   room = BUF_INIT(3 * URL_MAX_LEN);
	bool allowed = true;

	if (!span_is(path, "/robots.txt")) {
		/* What means more than itself in a rule. */
		normalise(span_slice(path, 0, URL_MAX_LEN), "*$", &at);
		allowed = read_rules(span_slice(body, 0, ROBOTS_BYTES_MAX),
		    agent, buf_span(&at), &room);
	}
	buf_release(&at);
	buf_release(&room);
	return allowed;
}
