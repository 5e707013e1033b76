/*
 * Which target of the catalogue an address belongs to: for replay, where
 * captures hold whatever was fetched.
 */
#ifndef KPWATCH_SITE_INDEX_H
#define KPWATCH_SITE_INDEX_H

#include "config.h"

struct site_index;
struct url;

/* Borrows the configuration. */
struct site_index *site_index_new(const struct config *);
void site_index_free(struct site_index *);

struct site_hit {
	const char *target; /* id; borrows */
	const char *page;   /* slot, or "page" for another page of the site */
};

/*
 * The target whose pages live on the URL's host (with or without "www."), and
 * the slot: the one with this very URL, else the sampled one whose pattern
 * matches, else "page".  False when no target has the host.
 */
bool site_index_find(const struct site_index *, const struct url *,
    struct site_hit *);
/* The first target with a page on the host, and that page's URL (borrows):
 * for failures, which have a host and no URL. */
bool site_index_host(const struct site_index *, struct span host,
    struct site_hit *, const char **url);

#endif
