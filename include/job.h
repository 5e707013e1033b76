/*
 * One observation on its way through the pipeline, as bytes: what an analyser
 * gets and what the store gets; and the bodies that no analyser gets again.
 */
#ifndef KPWATCH_JOB_H
#define KPWATCH_JOB_H

#include <sys/queue.h>

#include "observation.h"

#define POISON_MAX     256
#define POISON_TIME_MS (24 * INT64_C(3600000))

enum job_state {
	JOB_WAITING, /* for an analyser */
	JOB_ANALYSING,
	JOB_FINISHED, /* has its finding, waits for its turn to the store */
	JOB_SENT,     /* to the store, not yet on disk */
};

struct job {
	TAILQ_ENTRY(job) next;
	uint64_t id;
	enum job_state state;
	int64_t time; /* of the observation */
	uint32_t worker;
	unsigned tries;
	char body_sha256[65]; /* "": not needed so far, see job_sha256() */
	struct span analyse;  /* observation with bodies, in one of the next */
	struct buf without;   /* it, where the store wants another form */
	struct buf record;    /* what the store gets */
	size_t packet_bytes;  /* of it */
	size_t charge;	      /* of the budget */
};

/* Makes a new job of an observation, whose bodies are cut where no message has
 * room for them.  `bodies`: those that the store wants; without `analyse` there
 * is nothing for an analyser. */
void job_encode(struct job *, struct observation *, enum bodies bodies,
    bool analyse);
/* Puts the finding behind what the record has; nothing is left to analyse. */
void job_add_finding(struct job *, struct span finding);
/* Of the body that is to be analysed; borrows. */
const char *job_sha256(struct job *);
void job_release(struct job *);

/* Bodies that made an analyser fail, for a day each. */
struct poison_list {
	struct poison {
		char body_sha256[65];
		int64_t until;
	} list[POISON_MAX];
	size_t n;
};

/* Is the job's body one of them?  It is hashed only if there are any. */
bool poison_has(const struct poison_list *, struct job *);
/* From the job's time on; with no room another one goes. */
void poison_add(struct poison_list *, struct job *);

#endif
