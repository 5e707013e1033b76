/*
 * From a source (live network or capture reader) through the analysers to
 * the store: one job an analyser, records to the store in the order of their
 * ids, a bounded window, and what happens when one of them dies.
 *
 * An analyser that crashes or is silent for JOB_TIME_MS costs its job: the
 * observation is stored with a finding of status `failed` and its body hash
 * is remembered, so that the same bytes are not tried again that day.
 */
#ifndef KPWATCH_PIPELINE_H
#define KPWATCH_PIPELINE_H

#include "channel.h"
#include "limit.h"
#include "observation.h"

struct budget;
struct peer;

#define JOB_TIME_MS	  5000
#define JOBS_WAITING_MAX  32
#define UNSTORED_MAX	  256
#define UNSTORED_FREE	  64	    /* of them, whatever their size */
#define UNSTORED_BYTES	  (8 * MIB) /* of all, where there are more */
#define WAITING_BYTES_MAX (64 * MIB)

struct pipeline;

struct pipeline_handler {
	/* The store has it on disk; advice is the payload of MSG_STORED. */
	void (*stored)(uint64_t id, struct span advice, void *arg);
	/* What was known: payload of MSG_RESUME. */
	void (*resumed)(struct span known, void *arg);
	/* There is room again after pipeline_ready() was false. */
	void (*room)(void *arg);
	void *arg;
};

/* Bytes of what is not yet stored are in the budget (borrowed; may be NULL). */
struct pipeline *pipeline_new(struct event_base *, enum role self,
    struct channel *parent, struct budget *, const struct pipeline_handler *);
void pipeline_free(struct pipeline *);
/* A socket to analyser `index` or to the store (a new one replaces the old;
 * unstored records are then sent again).  Takes peer->fd. */
void pipeline_peer(struct pipeline *, const struct peer *);
/* The parent saw analyser `index` die; `why` for the record. */
void pipeline_worker_lost(struct pipeline *, uint32_t index, struct span why);
/* The same for the store: records are kept until a new one comes. */
void pipeline_start_ids(struct pipeline *, uint64_t next_id);
/* False: start no new work. */
bool pipeline_ready(const struct pipeline *);
/* Submitted and not yet stored. */
size_t pipeline_pending(const struct pipeline *);
/*
 * Takes the contents of *o (left empty), gives it the next id, which it
 * returns.  `bodies`: which raw bytes the store wants (recording).  `same`:
 * the look before brought the same bytes and a finding; none is made.
 */
uint64_t pipeline_submit(struct pipeline *, struct observation *o, enum bodies,
    bool same);
/* Asks the store what it knows, and a new one again where the old one died
 * with the answer; `resumed` answers, once. */
void pipeline_resume(struct pipeline *);
/* A message of this source to the store, behind all records submitted. */
void pipeline_send_store(struct pipeline *, enum message_type, uint64_t id,
    struct span data);
/* Analyser restarts so far, for metrics. */
uint64_t pipeline_restarts(const struct pipeline *);

#endif
