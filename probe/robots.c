#include "schedule.h"

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
    bool allow)
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

bool
robots_allows(struct span body, struct span agent, struct span path)
{
	struct group g = {0};
	struct ruling ours = {.allow = true}, any = {.allow = true};
	struct span rest = span_slice(body, 0, ROBOTS_BYTES_MAX);

	if (span_is(path, "/robots.txt"))
		return true;
	if (span_starts(rest, "\xef\xbb\xbf"))
		rest = span_slice(rest, 3, rest.n);
	while (rest.p != NULL) {
		struct span line = span_token(&rest, '\n'), key, value;
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
			rule_apply(&ours, value, path, allow);
		if (g.any)
			rule_apply(&any, value, path, allow);
	}
	return ours.seen ? ours.allow : any.allow;
}
