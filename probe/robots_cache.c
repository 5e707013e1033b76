#include "robots_cache.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "schedule.h"
#include "url.h"

#define ENTRIES_MAX   4096
#define BODY_KEEP_MAX (64 * KIB) /* of rules kept for one origin */
#define HOUR	      INT64_C(3600000000)
#define FRESH_TIME    (24 * HOUR)

struct entry {
	char *url; /* of the robots.txt */
	struct buf body;
	bool forbid_all;
	int64_t until;
};

struct robots_cache {
	struct entry *list;
	size_t n;
	size_t cap;
};

struct robots_cache *
robots_cache_new(void)
{
	return xcalloc(1, sizeof(struct robots_cache));
}

void
robots_cache_free(struct robots_cache *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].url);
		buf_release(&c->list[i].body);
	}
	free(c->list);
	free(c);
}

char *
robots_cache_url(const char *url)
{
	struct url page;
	char *robots = NULL;

	url_init(&page);
	if (url_parse(&page, span_of(url), NULL))
		robots = url_resolve(SPAN("/robots.txt"), &page);
	url_release(&page);
	return robots;
}

static struct entry *
find(struct robots_cache *c, const char *robots_url)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i].url, robots_url) == 0)
			return &c->list[i];
	return NULL;
}

/* The product token: "kpwatch/0.1 (...)" -> "kpwatch". */
static struct span
product_token(const char *user_agent)
{
	struct span s = span_of(user_agent);
	size_t n = 0;

	while (
	    n < s.n && (ascii_alpha(s.p[n]) || s.p[n] == '-' || s.p[n] == '_'))
		n++;
	return span_slice(s, 0, n);
}

static bool
entry_allows(const struct entry *e, const char *url, const char *user_agent)
{
	struct url page;
	struct span path;
	bool allowed = false;

	url_init(&page);
	if (url_parse(&page, span_of(url), NULL)) {
		path = page.path;
		if (page.query.p != NULL)
			path.n = (size_t)(page.query.p - path.p) + page.query.n;
		allowed = robots_allows(buf_span(&e->body),
		    product_token(user_agent), path);
	}
	url_release(&page);
	return allowed;
}

enum robots_answer
robots_cache_ask(struct robots_cache *c, const char *url,
    const char *user_agent, int64_t now)
{
	char *robots = robots_cache_url(url);
	struct entry *e = robots == NULL ? NULL : find(c, robots);
	enum robots_answer answer = ROBOTS_UNKNOWN;

	if (robots == NULL)
		answer = ROBOTS_FORBIDDEN;
	else if (e != NULL && e->until > now)
		answer = !e->forbid_all && entry_allows(e, url, user_agent)
		    ? ROBOTS_ALLOWED
		    : ROBOTS_FORBIDDEN;
	free(robots);
	return answer;
}

static struct entry *
entry_for(struct robots_cache *c, const char *robots_url)
{
	struct entry *e = find(c, robots_url);

	if (e != NULL)
		return e;
	if (c->n == ENTRIES_MAX) {
		e = &c->list[0];
		for (size_t i = 1; i < c->n; i++)
			if (c->list[i].until < e->until)
				e = &c->list[i];
		free(e->url);
	} else {
		c->list = xgrow(c->list, &c->cap, c->n + 1, sizeof *c->list);
		e = &c->list[c->n++];
		buf_init(&e->body, BODY_KEEP_MAX);
	}
	e->url = xstrdup(robots_url);
	return e;
}

void
robots_cache_put(struct robots_cache *c, const struct observation *o,
    int64_t now)
{
	struct entry *e = entry_for(c, o->url);
	const struct hop *h = observation_last(o);
	bool answered = observation_answered(o);

	buf_release(&e->body);
	e->forbid_all = !answered || h->status >= 500;
	e->until = now + (e->forbid_all ? HOUR : FRESH_TIME);
	if (answered && h->status >= 200 && h->status < 300)
		buf_add_span(&e->body,
		    span_slice(buf_span(&h->body), 0, BODY_KEEP_MAX));
}
