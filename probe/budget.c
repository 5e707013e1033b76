#include "budget.h"

#include "log.h"

void
budget_init(struct budget *b, size_t max)
{
	b->max = max;
	b->used = b->held_waiting = 0;
	TAILQ_INIT(&b->waiters);
}

/* Does all that is held belong to those who wait, and to one more? */
static bool
all_wait(const struct budget *b, size_t held)
{
	return b->used == b->held_waiting + held;
}

static void
unqueue(struct budget *b, struct budget_waiter *w)
{
	TAILQ_REMOVE(&b->waiters, w, next);
	b->held_waiting -= w->held;
	w->need = 0;
}

static void
grant(struct budget *b)
{
	struct budget_waiter *w;

	while ((w = TAILQ_FIRST(&b->waiters)) != NULL &&
	    (b->used + w->need <= b->max || all_wait(b, 0))) {
		b->used += w->need;
		unqueue(b, w);
		w->granted(w->arg);
	}
}

bool
budget_take(struct budget *b, struct budget_waiter *w, size_t held, size_t n)
{
	if ((TAILQ_EMPTY(&b->waiters) && b->used + n <= b->max) ||
	    all_wait(b, held)) {
		b->used += n;
		return true;
	}
	w->need = n;
	w->held = held;
	b->held_waiting += held;
	TAILQ_INSERT_TAIL(&b->waiters, w, next);
	return false;
}

void
budget_add(struct budget *b, size_t n)
{
	b->used += n;
}

void
budget_give(struct budget *b, size_t n)
{
	if (n > b->used)
		bug("more bytes given back than were taken");
	b->used -= n;
	grant(b);
}

void
budget_leave(struct budget *b, struct budget_waiter *w)
{
	if (w->need == 0)
		return;
	unqueue(b, w);
	grant(b);
}
