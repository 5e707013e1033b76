/*
 * The pages that are watched and when each is due: the network process's
 * working copy of the catalogue, with what it needs to know of each page.
 * Times are microseconds of the monotonic clock.
 */
#ifndef KPWATCH_WATCHLIST_H
#define KPWATCH_WATCHLIST_H

#include "advice.h"
#include "config.h"
#include "likeness.h"
#include "observation.h"
#include "schedule.h"

struct watched {
	struct task task; /* first: the schedule gives it back */
	char *key;	  /* "target\npage\nurl" */
	char *target;	  /* id */
	char *page;
	char *url;
	char *after;  /* key of the page to be seen first; NULL none */
	char *proxy;  /* NULL: direct */
	bool sample;  /* one of a sampled slot's pages */
	bool archive; /* of them, an old one */
	bool control;
	bool busy;	  /* being visited or stored */
	bool gone;	  /* left the catalogue while busy */
	bool stale;	  /* private to reload */
	int64_t interval; /* us */
	uint64_t round;
	unsigned retries;      /* confirming looks in a row */
	unsigned conditionals; /* conditional looks in a row */
	enum variant next;     /* of the next look */
	int64_t not_before;    /* Retry-After */
	char *etag;
	char *last_modified;
	struct likeness last; /* of the last good look */
	unsigned same;	      /* looks in a row that brought the same */
};

struct watchlist;

struct watchlist *watchlist_new(void);
void watchlist_free(struct watchlist *);
/*
 * Makes the list follow the configuration: new pages are scheduled over
 * `spread`, known ones keep their state, others are dropped (those under way
 * are marked gone and freed by watchlist_done()).  Of a target that is new, no
 * page is due before its first one came back: the baseline is the main page's.
 * A sampled slot whose list is another slot's page has no page of its own.
 */
void watchlist_load(struct watchlist *, const struct config *, int64_t now,
    int64_t spread);
/* Applies what the store knew: a page is next due an interval after its last
 * look, or within `spread` when that is past or its last look, by the clock of
 * now, is still to come.  wall_now in ms. */
void watchlist_resume(struct watchlist *, const struct resume *, int64_t now,
    int64_t wall_now, int64_t spread);
/* The page that is due now, taken off the schedule and marked busy; NULL. */
struct watched *watchlist_take(struct watchlist *, int64_t now);
/* When the next one is due; INT64_MAX for none. */
int64_t watchlist_next(const struct watchlist *);
/* Pages past their time, and by how much the first is, for status. */
size_t watchlist_overdue(const struct watchlist *, int64_t now, int64_t *lag);
size_t watchlist_count(const struct watchlist *);
/* Puts a busy page back, due at `due` (or at its not_before if later). */
void watchlist_return(struct watchlist *, struct watched *, int64_t due);
/* Watches exactly these samples of the slot from now on. */
void watchlist_samples(struct watchlist *, const struct config *,
    const char *target, const struct advice *, int64_t now, int64_t spread);

#endif
