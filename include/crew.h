/*
 * A few threads that do pieces of work for one: used where a capture is read
 * and more than one core is there.  The files that threads run are those that
 * keep no state of their own (decoding, hashing); everything else stays with
 * the thread that owns the crew.
 *
 * A crew is made before its process shuts itself in, and each of its threads
 * shuts itself in by `enter` before any work.
 */
#ifndef KPWATCH_CREW_H
#define KPWATCH_CREW_H

#include <stdbool.h>
#include <stddef.h>

struct crew;

enum job_state { JOB_NONE, JOB_WAITING, JOB_TAKEN, JOB_DONE };

/* One piece of work; zero it and set `work` and `arg`. */
struct crew_job {
	void (*work)(void *arg);
	void *arg;
	/* crew.c's own. */
	enum job_state state;
	struct crew_job *next;
};

/* Threads beside the caller's that this process could use, by its cores. */
unsigned crew_size(void);
/*
 * Returns owned: a crew of n threads, or NULL for n = 0 (every function below
 * takes NULL: the caller then does the work itself, in crew_wait()).  When
 * `enter` fails in a thread, *ok is false.
 */
struct crew *crew_new(unsigned n, bool (*enter)(void *arg), void *arg,
    bool *ok);
/* Jobs that wait are dropped; those under way are waited for. */
void crew_free(struct crew *);
/* Hands a job over (borrows it until it is done). */
void crew_add(struct crew *, struct crew_job *);
/* Returns when the job is done: does it here when no thread has begun it. */
void crew_wait(struct crew *, struct crew_job *);
/* Is it done already?  Does not wait. */
bool crew_done(struct crew *, struct crew_job *);

#endif
