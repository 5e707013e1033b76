/*
 * Inside the store: one observation on its way through it, and the steps that
 * it takes.  For store_*.c only.
 */
#ifndef KPWATCH_STORE_LOOK_H
#define KPWATCH_STORE_LOOK_H

#include <stdlib.h>

#include "store_db.h"

/* One observation on its way through the store. */
struct look {
	struct store *st;
	const struct observation *o;
	const struct finding *f;
	const struct target *config;  /* NULL: not in the catalogue */
	const struct page_slot *slot; /* NULL likewise */
	struct row_target target;
	struct row_page page;
	struct diff diff;
	enum verdict seen;
	bool news;  /* worth a row of details */
	bool proof; /* that the line is up, while others fail */
	bool soon;  /* something waits for confirmation */
	bool learn; /* new or changed text: a twin would tell more */
};

static inline uint32_t
or_default(uint32_t configured, uint32_t otherwise)
{
	return configured == 0 ? otherwise : configured;
}

/* Replaces an owned string by a copy. */
static inline void
set_text(char **to, const char *from)
{
	free(*to);
	*to = xstrdup(from);
}

/* An event of this look, which becomes worth a row of details. */
void look_emit(struct look *, struct event *);
/* Did anything beyond our own line answer? */
bool network_answered(const struct observation *);

/* Outages of our own line: what this look says of it. */
void look_vantage(struct look *);
/* The same of a control target, which is no target otherwise. */
void look_control(struct look *);

/* The target's verdict, when this look may speak for it. */
void look_verdict(struct look *);
/* Flapping begins or ends. */
void look_flapping(struct look *);
/* A new verdict of the target of that name is told, unless it flaps. */
void look_tell_verdict(struct look *, const char *id, struct row_target *,
    enum verdict before, int64_t attempts);

/* Addresses, name servers and certificates. */
void look_hosts(struct look *);
/* A second look at what was just seen: what differs changes by itself. */
void look_twin(struct look *);
/* An article that was sampled before and vanished, or is back; true while it
 * is gone. */
bool look_deletion(struct look *);
/* May this look speak for the content of the target? */
bool content_counts(const struct look *);
/* Sightings, title, text, redirects, validators; the baseline of a new
 * target. */
void look_content(struct look *);

#endif
