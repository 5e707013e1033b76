#include "hook.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "log.h"

#define MINUTE_MS 60000

struct queue {
	const struct hook_config *config;
	char *name;
	bool known;   /* `head` and `waiting` say what the rows say */
	bool waiting; /* there is a head */
	struct hook_row head;
	uint64_t busy;	/* id of the call under way, or 0 */
	uint64_t first; /* its events */
	uint64_t last;
	uint32_t attempts; /* of its oldest row */
	int64_t credit;	   /* token bucket; one call costs MINUTE_MS */
	int64_t credited_at;
};

struct hook_queues {
	const struct config *config;
	struct hook_rows rows;
	struct queue *list;
	size_t n;
	size_t turn; /* the queue that is looked at first */
	uint64_t last_id;
};

static bool
one_matches(char *const *globs, size_t n, const char *text)
{
	if (n == 0)
		return true;
	for (size_t i = 0; text != NULL && i < n; i++)
		if (glob_match(globs[i], text))
			return true;
	return false;
}

bool
hook_wants(const struct hook_config *h, const struct hook_event *e)
{
	if (h->ntypes == 0 && strcmp(e->type, "target.baseline") == 0)
		return false;
	return one_matches(h->types, h->ntypes, e->type) &&
	    one_matches(h->targets, h->ntargets, e->target) &&
	    one_matches(h->platforms, h->nplatforms, e->platform) &&
	    one_matches(h->categories, h->ncategories, e->category);
}

enum alert_edge
alert_edge(const char *type)
{
	static const char *const begins[] = {"site.down", "site.degraded",
	    "site.blocked", "site.moved", "site.parked", "vantage.offline"};
	static const char *const ends[] = {"site.up", "vantage.online"};

	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		if (strcmp(type, begins[i]) == 0)
			return ALERT_BEGINS;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strcmp(type, ends[i]) == 0)
			return ALERT_ENDS;
	return ALERT_NONE;
}

int64_t
hook_retry_delay(const struct hook_config *h, uint32_t failures)
{
	int64_t delay = h->retry_first;

	for (uint32_t i = 1; i < failures && delay < h->retry_max; i++)
		delay *= 2;
	return delay < h->retry_max ? delay : h->retry_max;
}

/* A sixth of a minute's calls may come at once. */
static int64_t
credit_max(const struct hook_config *h)
{
	return (int64_t)(h->rate < 6 ? 1 : h->rate / 6) * MINUTE_MS;
}

static void
credit_add(struct queue *q, int64_t now)
{
	int64_t most = credit_max(q->config), passed = now - q->credited_at;

	q->credited_at = now;
	if (passed > MINUTE_MS)
		passed = MINUTE_MS;
	if (passed > 0) /* a clock that went back earns nothing */
		q->credit += passed * q->config->rate;
	if (q->credit > most)
		q->credit = most;
}

/* Milliseconds until the bucket has a token. */
static int64_t
credit_wait(struct queue *q, int64_t now)
{
	if (q->config->rate == 0)
		return 0;
	credit_add(q, now);
	if (q->credit >= MINUTE_MS)
		return 0;
	return (MINUTE_MS - q->credit + q->config->rate - 1) / q->config->rate;
}

static void
look_at_head(struct hook_queues *s, struct queue *q)
{
	if (q->known)
		return;
	q->waiting = s->rows.head(s->rows.arg, q->name, &q->head);
	q->known = true;
}

/* A time further off than any delay was written under another clock. */
static int64_t
head_wait(const struct queue *q, int64_t now)
{
	int64_t wait = q->head.next_at - now;
	int64_t longest = q->config->batch > q->config->retry_max
	    ? q->config->batch
	    : q->config->retry_max;

	return wait < 0 || wait > longest ? 0 : wait;
}

/* Milliseconds until the queue's next call is due; -1: it has none. */
static int64_t
queue_wait(struct hook_queues *s, struct queue *q, int64_t now)
{
	int64_t head, credit;

	if (q->busy != 0)
		return -1;
	look_at_head(s, q);
	if (!q->waiting)
		return -1;
	head = head_wait(q, now);
	credit = credit_wait(q, now);
	return head > credit ? head : credit;
}

static struct queue *
queue_named(struct queue *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void
queues_clear(struct queue *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	free(list);
}

void
hook_queues_configure(struct hook_queues *s, const struct config *config,
    int64_t now)
{
	struct queue *list = xcalloc(config->nhooks + 1, sizeof *list);

	for (size_t i = 0; i < config->nhooks; i++) {
		const struct hook_config *h = &config->hooks[i];
		struct queue *old = queue_named(s->list, s->n, h->name);

		if (old != NULL)
			list[i] = *old;
		list[i].config = h;
		list[i].name = xstrdup(h->name);
		list[i].known = false;
		if (old == NULL) {
			list[i].credit = credit_max(h);
			list[i].credited_at = now;
		}
	}
	queues_clear(s->list, s->n);
	s->list = list;
	s->n = config->nhooks;
	s->turn = 0;
	s->config = config;
}

struct hook_queues *
hook_queues_new(const struct config *config, const struct hook_rows *rows,
    int64_t now)
{
	struct hook_queues *s = xcalloc(1, sizeof *s);

	s->rows = *rows;
	hook_queues_configure(s, config, now);
	return s;
}

void
hook_queues_free(struct hook_queues *s)
{
	if (s == NULL)
		return;
	queues_clear(s->list, s->n);
	free(s);
}

/* Keeps what is open, and says whether the event is news to anybody. */
static bool
alert_step(struct hook_queues *s, const struct hook_event *e)
{
	const char *target = e->target == NULL ? "" : e->target;
	enum alert_edge edge = alert_edge(e->type);
	struct alert open = {"", 0, 0};

	if (edge == ALERT_NONE)
		return true;
	s->rows.alert(s->rows.arg, target, &open);
	if (edge == ALERT_BEGINS && strcmp(open.type, e->type) == 0)
		return false;
	if (edge == ALERT_ENDS && open.type[0] == '\0')
		return true;
	memset(&open, 0, sizeof open);
	if (edge == ALERT_BEGINS) {
		memcpy(open.type, e->type, strlen(e->type));
		open.seq = e->seq;
		open.since = e->time;
	}
	s->rows.set_alert(s->rows.arg, target, &open);
	return true;
}

void
hook_queues_event(struct hook_queues *s, const struct hook_event *e,
    int64_t now)
{
	if (!alert_step(s, e))
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct queue *q = &s->list[i];
		struct hook_row row = {e->seq, 0, now + q->config->batch};

		if (!hook_wants(q->config, e))
			continue;
		if (!s->rows.add(s->rows.arg, q->name, &row))
			continue;
		if (q->known && !q->waiting) {
			q->head = row;
			q->waiting = true;
		}
	}
}

/* Takes the events of one call; false when none of them is left. */
static bool
queue_take(struct hook_queues *s, struct queue *q, struct delivery *out)
{
	size_t most = q->config->batch > 0 ? HOOK_LINES_MAX : 1;

	buf_init(&out->lines, HOOK_BYTES_MAX);
	out->count = s->rows.take(s->rows.arg, q->name, most, &out->lines,
	    &out->first, &out->last);
	if (out->count > 0 && out->lines.len > 0)
		return true;
	log_warn("hook %s: events %llu to %llu are gone", q->name,
	    (unsigned long long)out->first, (unsigned long long)out->last);
	if (out->count > 0)
		s->rows.remove(s->rows.arg, q->name, out->first, out->last);
	else
		q->waiting = false; /* nothing to be done until a refresh */
	q->known = out->count == 0;
	buf_release(&out->lines);
	return false;
}

bool
hook_queues_next(struct hook_queues *s, int64_t now, struct delivery *out)
{
	for (size_t k = 0; k < s->n; k++) {
		struct queue *q = &s->list[(s->turn + k) % s->n];

		if (queue_wait(s, q, now) != 0 || !queue_take(s, q, out))
			continue;
		if (q->config->rate > 0)
			q->credit -= MINUTE_MS;
		q->busy = out->id = ++s->last_id;
		q->first = out->first;
		q->last = out->last;
		q->attempts = q->head.attempts;
		out->hook = q->name;
		s->turn = (s->turn + k + 1) % s->n;
		return true;
	}
	return false;
}

static void
call_failed(struct hook_queues *s, struct queue *q, const char *reason,
    int64_t now)
{
	int64_t delay = hook_retry_delay(q->config, q->attempts + 1);
	size_t dead = s->rows.fail(s->rows.arg, q->name, q->first, q->last,
	    q->config->attempts, now + delay, reason);

	if (dead > 0)
		log_error("hook %s: gave up on %zu event%s from %llu on: %s "
			  "(`kpwatch hooks --retry` sends them again)",
		    q->name, dead, dead == 1 ? "" : "s",
		    (unsigned long long)q->first, reason);
	else
		log_warn("hook %s: event %llu, attempt %u of %u failed: %s; "
			 "again in %lld s",
		    q->name, (unsigned long long)q->first, q->attempts + 1,
		    q->config->attempts, reason, (long long)(delay / 1000));
}

void
hook_queues_done(struct hook_queues *s, uint64_t id, const char *reason,
    int64_t now)
{
	for (size_t i = 0; id != 0 && i < s->n; i++) {
		struct queue *q = &s->list[i];

		if (q->busy != id)
			continue;
		q->busy = 0;
		q->known = false;
		if (reason == NULL)
			s->rows.remove(s->rows.arg, q->name, q->first, q->last);
		else
			call_failed(s, q, reason, now);
		return;
	}
}

void
hook_queues_lost(struct hook_queues *s)
{
	for (size_t i = 0; i < s->n; i++) {
		s->list[i].busy = 0;
		s->list[i].known = false;
	}
}

void
hook_queues_refresh(struct hook_queues *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->list[i].known = false;
}

int64_t
hook_queues_wait(struct hook_queues *s, int64_t now)
{
	int64_t least = -1;

	for (size_t i = 0; i < s->n; i++) {
		int64_t wait = queue_wait(s, &s->list[i], now);

		if (wait >= 0 && (least < 0 || wait < least))
			least = wait;
	}
	return least;
}
