/*
 * When to look, and how fast an address may be asked.  Pure: the caller says
 * what time it is, in microseconds of the monotonic clock.
 */
#ifndef KPWATCH_SCHEDULE_H
#define KPWATCH_SCHEDULE_H

#include "bytes.h"

/* Something that is due at a time; embedded in what it is about. */
struct task {
	int64_t due;
	size_t place; /* in the heap, from 1; 0: not scheduled */
};

/* Its time stands beside it, so that comparing touches one array only. */
struct slot {
	int64_t due;
	struct task *task; /* borrowed */
};

struct schedule {
	struct slot *heap;
	size_t n;
	size_t cap;
};

void schedule_init(struct schedule *);
void schedule_release(struct schedule *);
/* Puts the task in, or moves it. */
void schedule_set(struct schedule *, struct task *, int64_t due);
void schedule_remove(struct schedule *, struct task *);
/* The earliest task (borrows), or NULL. */
struct task *schedule_first(const struct schedule *);

/* A number in [0, 1) that depends on the key and the round alone, so that a
 * target's phase is the same after a restart. */
double schedule_phase(struct span key, uint64_t round);
/* The next regular look: `interval` from `last`, give or take a tenth. */
int64_t schedule_next(struct span key, uint64_t round, int64_t last,
    int64_t interval);
/* The first look at a page never seen: spread over `spread`. */
int64_t schedule_start(struct span key, int64_t now, int64_t spread);
/* The nth (from 0) confirming retry: `first`, doubling, at most `most`. */
int64_t schedule_retry(unsigned nth, int64_t first, int64_t most);

/*
 * Pace per address.  Several sites share one edge; an edge that refuses after
 * a burst of ours and accepts again is asked more slowly, and what it refused
 * meanwhile is `self_inflicted`, not downtime.
 */
struct pace;
struct pace *pace_new(int64_t spacing_us);
void pace_free(struct pace *);
/* A new normal pace, also for addresses that now have the old one. */
void pace_set_spacing(struct pace *, int64_t spacing_us);
/* Books the next slot for a connection to the address and returns when it
 * is: now or later. */
int64_t pace_reserve(struct pace *, struct span address, int64_t now);
/* Nothing is to go there before `until` (Retry-After). */
void pace_hold(struct pace *, struct span address, int64_t until);
/*
 * How a connection ended: accepted, or refused, reset or dropped before any
 * answer.  Returns true when the refusal is most likely our own doing: this
 * address accepted a burst of ours a moment ago.  Its spacing is then doubled.
 * After six such refusals in a row it is no longer our doing: it is down.
 */
bool pace_result(struct pace *, struct span address, bool accepted,
    int64_t now);
/* Spacing now in force there, for status. */
int64_t pace_spacing(const struct pace *, struct span address);
/* Forgets addresses that were quiet for a day. */
void pace_expire(struct pace *, int64_t now);

/*
 * robots.txt (RFC 9309): may `path` (with query) be fetched by an agent whose
 * product token is `agent`?  `body` is the file as fetched; the first 500 KiB
 * count.  Longest match wins, allow wins ties, `*` and `$` as in the RFC.
 */
bool robots_allows(struct span body, struct span agent, struct span path);

#endif
