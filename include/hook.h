/*
 * Which hook is told what, when, and what happens when that fails.
 *
 * Pure: time comes in, rows go out.  One row says that one
 * hook is still to be told of one event, or never was (a dead letter); it is
 * added in the transaction that adds the event and removed once the hook has
 * exited 0.  So delivery is at least once, across any crash; a hook has one
 * call under way at most, the oldest events first, so it is in order; and no
 * hook waits for another.
 *
 * Alerts that are open are kept likewise, one row per target.  The tables are
 * `deliveries` and `alerts` of the store's database, kpwatch-log(5).
 */
#ifndef KPWATCH_HOOK_H
#define KPWATCH_HOOK_H

#include "config.h"

/* What selection needs to know of an event; strings are borrowed, and NULL
 * where the event has none. */
struct hook_event {
	uint64_t seq;
	int64_t time; /* ms since the epoch */
	const char *type;
	const char *target;
	const char *category; /* of the target */
	const char *platform;
};

/* Every list of globs that the hook has must match; an event without the
 * field matches no list on it.  A baseline is no alert: it is told only to
 * hooks whose `types` ask for it. */
bool hook_wants(const struct hook_config *, const struct hook_event *);

/* States that last.  Such an alert is told when it begins or changes, not
 * again while it is open, and its end is told. */
enum alert_edge { ALERT_NONE, ALERT_BEGINS, ALERT_ENDS };
enum alert_edge alert_edge(const char *type);

struct alert {
	char type[32]; /* "" when none is open */
	uint64_t seq;
	int64_t since; /* ms since the epoch */
};

/* One row, as the caller keeps it. */
struct hook_row {
	uint64_t seq;
	uint32_t attempts;
	int64_t next_at;
};

/* Where rows are kept.  Every call is durable when it returns, or once the
 * transaction it is made in has been committed. */
struct hook_rows {
	/* Oldest pending row of a hook; false when there is none. */
	bool (*head)(void *arg, const char *hook, struct hook_row *);
	/* False when the row was there before, or had been. */
	bool (*add)(void *arg, const char *hook, const struct hook_row *);
	/* Appends the lines of the oldest pending rows to *lines, each with a
	 * newline, up to `max` of them and while *lines has room; sets the
	 * first and last seq; returns how many.  A row whose event is gone is
	 * passed over and counts. */
	size_t (*take)(void *arg, const char *hook, size_t max,
	    struct buf *lines, uint64_t *first, uint64_t *last);
	/* Removes the pending rows from first to last. */
	void (*remove)(void *arg, const char *hook, uint64_t first,
	    uint64_t last);
	/* Adds an attempt to the pending rows from first to last, with the
	 * reason; those with `most` attempts become dead, the others wait
	 * until next_at.  Returns how many became dead. */
	size_t (*fail)(void *arg, const char *hook, uint64_t first,
	    uint64_t last, uint32_t most, int64_t next_at, const char *reason);
	/* Open alert of a target; type "" when none is open. */
	void (*alert)(void *arg, const char *target, struct alert *);
	/* Keeps it; type "" removes. */
	void (*set_alert)(void *arg, const char *target, const struct alert *);
	void *arg;
};

/* One call of a hook that should be made now. */
struct delivery {
	uint64_t id;	  /* of this call, in this process */
	const char *hook; /* borrows from the configuration */
	uint64_t first;	  /* seq */
	uint64_t last;
	size_t count;
	struct buf lines; /* event lines, each with its newline */
};

struct hook_queues;

/* Borrows *config until hook_queues_configure or _free; copies *rows. */
struct hook_queues *hook_queues_new(const struct config *config,
    const struct hook_rows *rows, int64_t now);
void hook_queues_free(struct hook_queues *);
/* Another configuration: hooks of the same name keep what they have under
 * way. */
void hook_queues_configure(struct hook_queues *, const struct config *,
    int64_t now);
/* A new event: adds the rows of the hooks that want it.  To be called in the
 * transaction that adds the event. */
void hook_queues_event(struct hook_queues *, const struct hook_event *,
    int64_t now);
/* Fills *out (its buffer is released by the caller) with a call that is due
 * and marks it as under way; false when none is. */
bool hook_queues_next(struct hook_queues *, int64_t now, struct delivery *out);
/* A call has ended; reason NULL: the hook exited 0.  Unknown ids (calls of a
 * courier that was since lost) are ignored. */
void hook_queues_done(struct hook_queues *, uint64_t id, const char *reason,
    int64_t now);
/* The courier was lost: what was under way will be called again, and this
 * counts as no attempt. */
void hook_queues_lost(struct hook_queues *);
/* Somebody else changed the rows (dead letters sent again). */
void hook_queues_refresh(struct hook_queues *);
/* Milliseconds until hook_queues_next() can have something new, -1 when that
 * needs an event. */
int64_t hook_queues_wait(struct hook_queues *, int64_t now);

/* Delay before the next try after that many failures: retry_first (5 s),
 * doubled each time, at most retry_max (an hour). */
int64_t hook_retry_delay(const struct hook_config *, uint32_t failures);

/* What a hook is told in its environment about its lines. */
struct hook_facts {
	char *type; /* NULL when the lines differ in it, or have none */
	char *target;
	char *platform;
	char *name;
	char *url;
	char *page;
	char *time; /* of the first line */
	char *vantage;
	uint64_t first; /* seq of the first line */
	uint64_t last;
	size_t count;
};
/* Reads event lines; returns false when none was one. */
bool hook_facts_read(struct hook_facts *, struct span lines);
void hook_facts_release(struct hook_facts *);
/* Appends an event line such as the daemon would send, for a trial. */
void hook_sample(struct buf *line, const char *type, const char *vantage,
    int64_t now);

/* Payload of MSG_DELIVER (read by delivery_decode, which sets hook and lines
 * to owned memory: free(name), buf_release) and of MSG_DELIVERED.  Both
 * decoders return false on malformed bytes; nothing is owned then. */
void delivery_encode(struct buf *, const struct delivery *);
bool delivery_decode(struct span, struct delivery *, char **name);
void delivered_encode(struct buf *, const char *reason);
bool delivered_decode(struct span, char **reason);

#endif
