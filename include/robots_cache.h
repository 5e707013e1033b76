/*
 * robots.txt files by origin, as fetched, for sampled pages (RFC 9309).
 */
#ifndef KPWATCH_ROBOTS_CACHE_H
#define KPWATCH_ROBOTS_CACHE_H

#include "observation.h"

struct robots_cache;

enum robots_answer { ROBOTS_ALLOWED, ROBOTS_FORBIDDEN, ROBOTS_UNKNOWN };

struct robots_cache *robots_cache_new(void);
void robots_cache_free(struct robots_cache *);
/* May `url` be fetched by the agent named at the start of user_agent?
 * UNKNOWN: fetch robots_cache_url() and report it first.  now in us. */
enum robots_answer robots_cache_ask(struct robots_cache *, const char *url,
    const char *user_agent, int64_t now);
/* "http://host/robots.txt" for a page's URL.  Returns owned, or NULL. */
char *robots_cache_url(const char *url);
/* What came of fetching it: 2xx is used, 4xx means no rules, anything else
 * forbids everything for an hour. */
void robots_cache_put(struct robots_cache *, const struct observation *,
    int64_t now);

#endif
