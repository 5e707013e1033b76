#include "crew.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "limit.h"
#include "log.h"

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a job waits, or the end */
	pthread_cond_t ready; /* a job is done, or a thread has entered */
	pthread_t *threads;
	unsigned n;
	unsigned entered;
	bool failed;
	bool over;
	bool (*enter)(void *arg);
	void *enter_arg;
	struct crew_job *first, *last;
};

unsigned
crew_size(void)
{
	cpu_set_t set;
	unsigned n;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 0;
	n = (unsigned)CPU_COUNT(&set) - 1;
	return n > CREW_MAX ? CREW_MAX : n;
}

static struct crew_job *
take_first(struct crew *c)
{
	struct crew_job *job = c->first;

	c->first = job->next;
	if (c->first == NULL)
		c->last = NULL;
	job->state = JOB_TAKEN;
	return job;
}

static bool
enter_thread(struct crew *c)
{
	bool ok = c->enter == NULL || c->enter(c->enter_arg);

	c->entered++;
	c->failed = c->failed || !ok;
	pthread_cond_broadcast(&c->ready);
	return ok;
}

static void *
thread_main(void *arg)
{
	struct crew *c = arg;
	struct crew_job *job;

	pthread_mutex_lock(&c->lock);
	if (!enter_thread(c))
		c->over = true;
	while (!c->over) {
		if (c->first == NULL) {
			pthread_cond_wait(&c->work, &c->lock);
			continue;
		}
		job = take_first(c);
		pthread_mutex_unlock(&c->lock);
		job->work(job->arg);
		pthread_mutex_lock(&c->lock);
		job->state = JOB_DONE;
		pthread_cond_broadcast(&c->ready);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Signals are the owner's. */
static void
start_threads(struct crew *c, unsigned n)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (c->n = 0; c->n < n; c->n++)
		if (pthread_create(&c->threads[c->n], NULL, thread_main, c) !=
		    0)
			fatal("cannot start a thread");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct crew *
crew_new(unsigned n, bool (*enter)(void *arg), void *arg, bool *ok)
{
	struct crew *c;

	*ok = true;
	if (n == 0)
		return NULL;
	/* One heap for all: those of threads grow by calls that the sandbox
	 * does not allow. */
	mallopt(M_ARENA_MAX, 1);
	/* What was used is used again, not given back to the kernel. */
	mallopt(M_MMAP_THRESHOLD, 32 * MIB);
	mallopt(M_TRIM_THRESHOLD, 32 * MIB);
	c = xcalloc(1, sizeof *c);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	pthread_cond_init(&c->ready, NULL);
	c->enter = enter;
	c->enter_arg = arg;
	c->threads = xcalloc(n, sizeof *c->threads);
	start_threads(c, n);
	pthread_mutex_lock(&c->lock);
	while (c->entered < n)
		pthread_cond_wait(&c->ready, &c->lock);
	*ok = !c->failed;
	pthread_mutex_unlock(&c->lock);
	return c;
}

void
crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->over = true;
	pthread_cond_broadcast(&c->work);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->n; i++)
		pthread_join(c->threads[i], NULL);
	pthread_cond_destroy(&c->ready);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	free(c->threads);
	free(c);
}

void
crew_add(struct crew *c, struct crew_job *job)
{
	job->state = JOB_WAITING;
	job->next = NULL;
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	if (c->last != NULL)
		c->last->next = job;
	else
		c->first = job;
	c->last = job;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
}

static void
take_out(struct crew *c, struct crew_job *job)
{
	struct crew_job **at = &c->first, *before = NULL;

	while (*at != job) {
		before = *at;
		at = &before->next;
	}
	*at = job->next;
	if (c->last == job)
		c->last = before;
}

/* The job itself when no thread has begun it, else another that waits. */
static struct crew_job *
take_for(struct crew *c, struct crew_job *job)
{
	if (job->state != JOB_WAITING)
		return c->first != NULL ? take_first(c) : NULL;
	take_out(c, job);
	job->state = JOB_TAKEN;
	return job;
}

static void
wait_with(struct crew *c, struct crew_job *job)
{
	struct crew_job *mine;

	pthread_mutex_lock(&c->lock);
	while (job->state != JOB_DONE) {
		mine = take_for(c, job);
		if (mine == NULL) {
			pthread_cond_wait(&c->ready, &c->lock);
			continue;
		}
		pthread_mutex_unlock(&c->lock);
		mine->work(mine->arg);
		pthread_mutex_lock(&c->lock);
		mine->state = JOB_DONE;
	}
	pthread_mutex_unlock(&c->lock);
}

void
crew_wait(struct crew *c, struct crew_job *job)
{
	if (c != NULL) {
		wait_with(c, job);
	} else if (job->state == JOB_WAITING) {
		job->work(job->arg);
		job->state = JOB_DONE;
	}
}

bool
crew_done(struct crew *c, struct crew_job *job)
{
	bool done;

	if (c == NULL)
		return job->state == JOB_DONE;
	pthread_mutex_lock(&c->lock);
	done = job->state == JOB_DONE;
	pthread_mutex_unlock(&c->lock);
	return done;
}
