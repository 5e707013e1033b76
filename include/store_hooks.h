/*
 * Hook deliveries in the store's database: the rows that hook.h asks for.
 */
#ifndef KPWATCH_STORE_HOOKS_H
#define KPWATCH_STORE_HOOKS_H

#include "hook.h"
#include "store.h"

/* Fills *rows with calls on this store (borrowed).  They change rows inside
 * the store's transaction: store_commit() makes them durable. */
void store_hook_rows(struct store *, struct hook_rows *rows);
/* A hook that is new to this state begins behind the last event.  To be called
 * with each new configuration, after older events have been considered.
 * Commits; false when the disk refuses. */
bool store_hooks_begin(struct store *, const struct config *);
/* Gives every committed event that was not considered yet to the queues, and
 * commits that.  False when the disk refuses; then it is done again later. */
bool store_hooks_select(struct store *, struct hook_queues *,
    const struct config *, int64_t now);
/* True when another process has written since the last call. */
bool store_hooks_changed(struct store *);

struct store_totals {
	uint64_t events;	/* number of the last one */
	uint64_t hooks_waiting; /* deliveries */
	uint64_t hooks_dead;
	uint64_t log_bytes; /* of all files of the change log */
	uint64_t volatile_places;
	uint64_t suppressed; /* of the pages that are known */
};

void store_totals(struct store *, struct store_totals *);
/* Confirmed verdict on a target. */
enum verdict store_verdict(struct store *, const char *target);

/*
 * Beside a running daemon: makes dead letters of one hook (NULL: of all)
 * pending again.  Returns how many; *why (owned) is set when the state could
 * not be used.
 */
size_t store_hooks_revive(const char *state_dir, const char *hook, int64_t now,
    char **why);

#endif
