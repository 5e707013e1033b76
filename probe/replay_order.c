#include "replay_order.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "limit.h"

/* How long the end of a connection may be told after it: a little more than
 * tcp_stream.c waits for stragglers. */
#define TOLD_LATE_NS INT64_C(2500000000)

struct ended {
	TAILQ_ENTRY(ended) next;
	int64_t end_ns;
	size_t bytes;
	struct observation observation;
};

struct replay_order {
	TAILQ_HEAD(endeds, ended) list; /* by end */
	size_t count;
	size_t bytes;
};

struct replay_order *
replay_order_new(void)
{
	struct replay_order *q = xcalloc(1, sizeof *q);

	TAILQ_INIT(&q->list);
	return q;
}

static void
take_out(struct replay_order *q, struct ended *e)
{
	TAILQ_REMOVE(&q->list, e, next);
	q->count--;
	q->bytes -= e->bytes;
	free(e);
}

void
replay_order_free(struct replay_order *q)
{
	struct ended *e;

	if (q == NULL)
		return;
	while ((e = TAILQ_FIRST(&q->list)) != NULL) {
		observation_release(&e->observation);
		take_out(q, e);
	}
	free(q);
}

void
replay_order_add(struct replay_order *q, struct observation *o, int64_t end_ns)
{
	struct ended *e = xcalloc(1, sizeof *e), *at;

	e->end_ns = end_ns;
	e->observation = *o;
	e->bytes = sizeof *e + observation_last(o)->body.len;
	observation_init(o);
	/* Nearly sorted: the place is near the end. */
	at = TAILQ_LAST(&q->list, endeds);
	while (at != NULL && at->end_ns > end_ns)
		at = TAILQ_PREV(at, endeds, next);
	if (at == NULL)
		TAILQ_INSERT_HEAD(&q->list, e, next);
	else
		TAILQ_INSERT_AFTER(&q->list, at, e, next);
	q->count++;
	q->bytes += e->bytes;
}

bool
replay_order_next(struct replay_order *q, int64_t now_ns, struct observation *o)
{
	struct ended *e = TAILQ_FIRST(&q->list);

	if (e == NULL)
		return false;
	if (now_ns != INT64_MAX && now_ns - e->end_ns < TOLD_LATE_NS &&
	    q->count <= REPLAY_ORDER_MAX && q->bytes <= REPLAY_ORDER_BYTES)
		return false;
	*o = e->observation;
	take_out(q, e);
	return true;
}
