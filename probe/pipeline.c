#include "process.h"
#include "pipeline.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "budget.h"
#include "finding.h"
#include "job.h"
#include "limit.h"
#include "log.h"

#define TRIES_MAX      3 /* of a job whose analysers end without its fault */
#define CLOSED_TIME_MS JOB_TIME_MS /* from its socket's end to its own */

struct worker {
	struct pipeline *owner;
	struct channel *channel;
	struct job *job;
	struct event *timer;
	uint32_t index;
	uint32_t life;	/* how many have had this index */
	unsigned given; /* jobs, in this life */
	bool killed;	/* the parent was asked to kill it */
};

struct pipeline {
	struct event_base *base;
	enum role self;
	struct channel *parent;
	struct channel *store;
	struct budget *budget;
	struct pipeline_handler handler;
	TAILQ_HEAD(jobs, job) jobs; /* ascending id; what was sent is first */
	struct job *unsent;	    /* the first that was not */
	size_t njobs;
	size_t held; /* bytes of all of them */
	size_t waiting;
	size_t waiting_bytes;
	size_t packet_bytes; /* in records not yet stored */
	uint64_t next_id;
	struct worker workers[PEERS_MAX];
	struct poison_list poison;
	uint64_t restarts;
	bool was_full;
	bool asked; /* the store, what it knows; no answer yet */
};

static void pipeline_advance(struct pipeline *);

struct pipeline *
pipeline_new(struct event_base *base, enum role self, struct channel *parent,
    struct budget *budget, const struct pipeline_handler *handler)
{
	struct pipeline *p = xcalloc(1, sizeof *p);

	p->base = base;
	p->self = self;
	p->parent = parent;
	p->budget = budget;
	p->handler = *handler;
	p->next_id = 1;
	TAILQ_INIT(&p->jobs);
	return p;
}

/* The budget has what the job holds now. */
static void
job_charge(struct pipeline *p, struct job *j)
{
	size_t held = j->without.len + j->record.len, before = j->charge;

	j->charge = held;
	p->held = p->held - before + held;
	if (p->budget == NULL)
		return;
	if (held > before)
		budget_add(p->budget, held - before);
	else
		budget_give(p->budget, before - held);
}

static void
job_free(struct pipeline *p, struct job *j)
{
	TAILQ_REMOVE(&p->jobs, j, next);
	p->njobs--;
	p->packet_bytes -= j->packet_bytes;
	job_release(j);
	job_charge(p, j);
	free(j);
}

static void
worker_stop(struct worker *w)
{
	channel_free(w->channel);
	w->channel = NULL;
	if (w->timer != NULL)
		event_free(w->timer);
	w->timer = NULL;
}

void
pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PEERS_MAX; i++)
		worker_stop(&p->workers[i]);
	channel_free(p->store);
	while (!TAILQ_EMPTY(&p->jobs))
		job_free(p, TAILQ_FIRST(&p->jobs));
	free(p);
}

static void
job_finish(struct pipeline *p, struct job *j, struct span finding)
{
	job_add_finding(j, finding);
	job_charge(p, j);
	j->state = JOB_FINISHED;
	pipeline_advance(p);
}

static void
job_finish_with(struct pipeline *p, struct job *j, enum analysis_status status,
    const char *note)
{
	struct finding f;
	struct buf b = BUF_INIT(FINDING_BYTES_MAX);

	finding_init(&f);
	f.status = status;
	if (note != NULL)
		finding_note(&f, "%s", note);
	finding_encode(&f, &b);
	job_finish(p, j, buf_span(&b));
	finding_release(&f);
	buf_release(&b);
}

/* Its job is for another. */
static void
requeue(struct pipeline *p, struct worker *w)
{
	struct job *j = w->job;

	w->job = NULL;
	j->state = JOB_WAITING;
	p->waiting++;
	p->waiting_bytes += j->analyse.n;
	pipeline_advance(p);
}

/* The worker is gone or useless.  That is its job's fault when there was none
 * before it; else the page before may have taken it over, and another worker
 * tries.  At last the job is recorded as failed. */
static void
worker_fail_job(struct pipeline *p, struct worker *w, const char *why)
{
	struct job *j = w->job;
	char note[200];

	if (j == NULL)
		return;
	/* The job's bytes may be on their way still. */
	channel_free(w->channel);
	w->channel = NULL;
	snprintf(note, sizeof note, "analysis failed: %s", why);
	if (w->given > 1 && j->tries < TRIES_MAX) {
		log_error("observation %llu: %s; another analyser tries, as "
			  "this one had other pages before; body sha256 %s",
		    (unsigned long long)j->id, note, job_sha256(j));
		requeue(p, w);
		return;
	}
	w->job = NULL;
	if (w->given == 1)
		poison_add(&p->poison, j);
	log_error("observation %llu: %s; body sha256 %s",
	    (unsigned long long)j->id, note, job_sha256(j));
	job_finish_with(p, j, ANALYSIS_FAILED, note);
}

/* Nothing that it says counts any more. */
static void
worker_kill(struct pipeline *p, struct worker *w, const char *why)
{
	w->killed = true;
	channel_send(p->parent, MSG_KILL_WORKER,
	    (uint64_t)w->life << 32 | w->index, span_of(why));
	worker_stop(w);
	worker_fail_job(p, w, why);
}

static void
on_worker_silent(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	if (w->channel == NULL)
		worker_kill(w->owner, w,
		    "the analyser broke the message rules, or closed its "
		    "socket and lives on");
	else if (w->job != NULL)
		worker_kill(w->owner, w, "no answer within 5 s");
}

static void
worker_give(struct pipeline *p, struct worker *w, struct job *j)
{
	struct timeval tv = {JOB_TIME_MS / 1000, JOB_TIME_MS % 1000 * 1000};

	w->job = j;
	j->state = JOB_ANALYSING;
	j->worker = w->index;
	p->waiting--;
	p->waiting_bytes -= j->analyse.n;
	j->tries++;
	w->given++;
	channel_lend(w->channel, MSG_JOB, j->id, j->analyse);
	event_add(w->timer, &tv);
}

/* For a job that was tried before, one that had no page yet if there is. */
static struct worker *
idle_worker(struct pipeline *p, const struct job *j)
{
	struct worker *found = NULL;

	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct worker *w = &p->workers[i];

		if (w->channel == NULL || w->job != NULL || w->killed)
			continue;
		if (j->tries == 0 || w->given == 0)
			return w;
		if (found == NULL)
			found = w;
	}
	return found;
}

static void
feed_workers(struct pipeline *p)
{
	struct job *j;
	struct worker *w;

	/* what was sent waits for nobody */
	for (j = p->unsent; j != NULL; j = TAILQ_NEXT(j, next)) {
		if (p->waiting == 0)
			return;
		if (j->state != JOB_WAITING)
			continue;
		w = idle_worker(p, j);
		if (w == NULL)
			return;
		worker_give(p, w, j);
	}
}

/* Records go in the order of ids, whatever order analysis ends in: a replay
 * with any number of analysers writes the same log. */
static void
feed_store(struct pipeline *p)
{
	struct job *j;

	if (p->store == NULL)
		return;
	while ((j = p->unsent) != NULL) {
		if (j->state != JOB_FINISHED || channel_full(p->store))
			return;
		j->state = JOB_SENT;
		p->unsent = TAILQ_NEXT(j, next);
		channel_lend(p->store, MSG_RECORD, j->id, buf_span(&j->record));
	}
}

static void
pipeline_advance(struct pipeline *p)
{
	feed_workers(p);
	feed_store(p);
	if (p->was_full && pipeline_ready(p)) {
		p->was_full = false;
		p->handler.room(p->handler.arg);
	}
}

static void
on_result(struct pipeline *p, struct worker *w, const struct message *m)
{
	struct job *j = w->job;

	if (j == NULL || j->id != m->id || channel_queued(w->channel) > 0) {
		log_error("analyser %u answered for observation %llu, which it "
			  "was not given",
		    w->index, (unsigned long long)m->id);
		worker_kill(p, w, "the analyser answered out of turn");
		return;
	}
	w->job = NULL;
	event_del(w->timer);
	job_finish(p, j, m->data);
}

static void
on_worker_message(struct channel *ch, const struct message *m, void *arg)
{
	struct worker *w = arg;

	(void)ch;
	if (m->type == MSG_RESULT)
		on_result(w->owner, w, m);
}

/* Why it ended, and what becomes of its job, the parent will say; unless it
 * did not end. */
static void
on_worker_closed(struct channel *ch, void *arg)
{
	struct worker *w = arg;
	struct timeval tv = {CLOSED_TIME_MS / 1000,
	    CLOSED_TIME_MS % 1000 * 1000};

	channel_free(ch);
	w->channel = NULL;
	event_add(w->timer, &tv);
}

void
pipeline_worker_lost(struct pipeline *p, uint32_t index, struct span why)
{
	struct worker *w;
	char text[160];

	if (index >= PEERS_MAX)
		return;
	w = &p->workers[index];
	worker_stop(w);
	/* Told to stop, by a reload. */
	if (span_is(why, "exit 0") && w->job == NULL)
		return;
	if (span_is(why, "exit 0") && w->job->tries < TRIES_MAX) {
		requeue(p, w);
		return;
	}
	snprintf(text, sizeof text, "the analyser died (%.*s)", SPAN_ARG(why));
	worker_fail_job(p, w, text);
	p->restarts++;
}

static void
worker_add(struct pipeline *p, const struct peer *peer)
{
	struct worker *w;
	struct channel_handler h = {on_worker_message, on_worker_closed, NULL,
	    NULL};

	if (peer->index >= PEERS_MAX) {
		close(peer->fd);
		return;
	}
	w = &p->workers[peer->index];
	worker_stop(w);
	worker_fail_job(p, w, "the analyser was replaced");
	*w = (struct worker){.owner = p,
	    .index = peer->index,
	    .life = w->life + 1};
	h.arg = w;
	w->timer = evtimer_new(p->base, on_worker_silent, w);
	w->channel = channel_new(p->base, peer->fd, p->self, ROLE_ANALYSER, &h);
	pipeline_advance(p);
}

static void
on_stored(struct pipeline *p, const struct message *m)
{
	struct job *j;

	TAILQ_FOREACH (j, &p->jobs, next)
		if (j->id == m->id && j->state == JOB_SENT)
			break;
	if (j == NULL)
		return;
	if (channel_has_lent(p->store, buf_span(&j->record))) {
		log_error("the store acknowledged what it has not read");
		return;
	}
	job_free(p, j);
	p->handler.stored(m->id, m->data, p->handler.arg);
	pipeline_advance(p);
}

static void
on_store_message(struct channel *ch, const struct message *m, void *arg)
{
	struct pipeline *p = arg;

	(void)ch;
	if (m->type == MSG_STORED)
		on_stored(p, m);
	else if (m->type == MSG_RESUME) {
		p->asked = false;
		p->handler.resumed(m->data, p->handler.arg);
	}
}

static void
on_store_closed(struct channel *ch, void *arg)
{
	struct pipeline *p = arg;

	channel_free(ch);
	if (p->store == ch)
		p->store = NULL;
}

static void
on_store_drained(struct channel *ch, void *arg)
{
	(void)ch;
	feed_store(arg);
}

static void
store_set(struct pipeline *p, const struct peer *peer)
{
	struct channel_handler h = {on_store_message, on_store_closed,
	    on_store_drained, p};
	struct job *j;

	channel_free(p->store);
	p->store = channel_new(p->base, peer->fd, p->self, peer->role, &h);
	/* What was sent and not acknowledged may be lost: send it again, the
	 * store drops what it has. */
	TAILQ_FOREACH (j, &p->jobs, next)
		if (j->state == JOB_SENT)
			j->state = JOB_FINISHED;
	p->unsent = TAILQ_FIRST(&p->jobs);
	if (p->asked)
		pipeline_resume(p);
	pipeline_advance(p);
}

void
pipeline_peer(struct pipeline *p, const struct peer *peer)
{
	if (peer->role == ROLE_ANALYSER)
		worker_add(p, peer);
	else if (peer->role == ROLE_STORE || peer->role == ROLE_PARENT)
		store_set(p, peer);
	else
		close(peer->fd);
}

void
pipeline_start_ids(struct pipeline *p, uint64_t next_id)
{
	if (next_id > p->next_id)
		p->next_id = next_id;
}

bool
pipeline_ready(const struct pipeline *p)
{
	return p->waiting < JOBS_WAITING_MAX && p->njobs < UNSTORED_MAX &&
	    (p->njobs < UNSTORED_FREE || p->held < UNSTORED_BYTES) &&
	    p->waiting_bytes < WAITING_BYTES_MAX &&
	    p->packet_bytes < WAITING_BYTES_MAX;
}

size_t
pipeline_pending(const struct pipeline *p)
{
	return p->njobs;
}

/* A failed look has nothing to analyse; so has an unchanged page. */
static bool
wants_analysis(const struct observation *o)
{
	return observation_answered(o) && observation_last(o)->status != 304;
}

uint64_t
pipeline_submit(struct pipeline *p, struct observation *o, enum bodies bodies,
    bool same)
{
	struct job *j = xcalloc(1, sizeof *j);
	uint64_t id = p->next_id++;
	bool analyse = !same && wants_analysis(o);

	o->id = j->id = id;
	j->time = o->time;
	job_encode(j, o, bodies, analyse);
	j->packet_bytes = o->packets.len;
	observation_release(o);
	p->packet_bytes += j->packet_bytes;
	TAILQ_INSERT_TAIL(&p->jobs, j, next);
	if (p->unsent == NULL)
		p->unsent = j;
	p->njobs++;
	job_charge(p, j);
	if (!analyse) {
		job_finish_with(p, j, same ? ANALYSIS_SAME : ANALYSIS_NONE,
		    NULL);
	} else if (poison_has(&p->poison, j)) {
		job_finish_with(p, j, ANALYSIS_FAILED,
		    "these bytes made an analyser fail today");
	} else {
		j->state = JOB_WAITING;
		p->waiting++;
		p->waiting_bytes += j->analyse.n;
		pipeline_advance(p);
	}
	if (!pipeline_ready(p))
		p->was_full = true;
	return id;
}

void
pipeline_resume(struct pipeline *p)
{
	p->asked = true;
	if (p->store != NULL)
		channel_send(p->store, MSG_RESUME_ASK, 0, SPAN_NULL);
}

void
pipeline_send_store(struct pipeline *p, enum message_type type, uint64_t id,
    struct span data)
{
	if (p->store != NULL)
		channel_send(p->store, type, id, data);
}

uint64_t
pipeline_restarts(const struct pipeline *p)
{
	return p->restarts;
}
