/*
 * How many bytes of bodies one process holds at once, all together.
 *
 * Each holder may take more while the whole stays below the maximum; else it
 * waits, first come first served, until others give back.  When all that is
 * held belongs to those who wait, nobody could ever give back: then the first
 * of them goes on above the maximum, alone.  So what is held stays below the
 * maximum and one body more.
 */
#ifndef KPWATCH_BUDGET_H
#define KPWATCH_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct budget_waiter {
	TAILQ_ENTRY(budget_waiter) next;
	size_t need; /* bytes; 0: waits for nothing */
	size_t held; /* bytes it holds while it waits */
	/* It has what it needs.  Gives or takes nothing from here. */
	void (*granted)(void *arg);
	void *arg;
};

struct budget {
	size_t max;  /* bytes */
	size_t used; /* by all holders */
	size_t held_waiting;
	TAILQ_HEAD(budget_waiters, budget_waiter) waiters;
};

void budget_init(struct budget *, size_t max);
/*
 * Takes n bytes for one that holds `held` already: true.  Else false, *w
 * (borrowed, with granted and arg set) waits and is granted later.
 */
bool budget_take(struct budget *, struct budget_waiter *w, size_t held,
    size_t n);
/* Takes without asking: bytes that are there already. */
void budget_add(struct budget *, size_t n);
void budget_give(struct budget *, size_t n);
/* Waits no longer; nothing happens when it did not. */
void budget_leave(struct budget *, struct budget_waiter *);

#endif
