/*
 * The DNS look-ups of a capture, so that connections and exchanges find the
 * one that was made for them.  The latest are kept.
 */
#ifndef KPWATCH_REPLAY_LOOKUPS_H
#define KPWATCH_REPLAY_LOOKUPS_H

#include "exchange.h"
#include "observation.h"

/* A name and what it was answered with. */
struct seen_lookup {
	struct dns_lookup lookup; /* times not set */
	int64_t query_ns;
	int64_t answer_ns; /* TCP_NEVER: no answer came */
	uint64_t used_by;  /* stream of the one connection it was made for, and
			    * one more; 0: none */
	uint16_t type;	   /* of the question */
};

struct lookups;

struct lookups *lookups_new(void); /* returns owned */
void lookups_free(struct lookups *);
/* Remembers it (borrows) and returns it, good until the next; NULL when it is
 * no question for addresses or name servers. */
const struct seen_lookup *lookups_add(struct lookups *,
    const struct dns_seen *);
/* The latest before `at` (ns) of that host (p NULL: any) with that address;
 * NULL.  The caller may say that a connection has it. */
struct seen_lookup *lookups_find(struct lookups *, struct span host,
    const char *address, int64_t at);
/* Fills *out, which is empty, with a copy of it and of the name servers that
 * were asked for together with it; times are left to the caller. */
void lookups_join(struct lookups *, const struct seen_lookup *,
    struct dns_lookup *out);

#endif
