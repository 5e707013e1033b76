/* Steps of the system clock, a suspended machine, a late loop: what was under
 * way then does not count. */
#include "net.h"

#include <stdlib.h>
#include <time.h>

#include "instant.h"

#define STEP_US (2 * SECOND) /* clocks apart by this: a step */
#define LATE_US (2 * SECOND) /* loop late by this: void the looks */

static int64_t
wall_offset(void)
{
	return instant_now() * 1000 - monotonic_us();
}

/* Grows when the machine was suspended. */
static int64_t
suspend_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000 - monotonic_us();
}

/* Looks under way cannot be trusted: their times, and their time-outs, are
 * not the world's. */
static void
void_looks(struct net *n, const char *why, int64_t by_us)
{
	struct look *l;
	char text[INSTANT_TEXT_MAX];
	unsigned count = 0;

	LIST_FOREACH (l, &n->looks, next) {
		count += !l->void_result;
		l->void_result = true;
	}
	if (log_limit_pass(&n->step_limit, 5, 60000, instant_now()))
		log_warn("%s by %s; looks under way are void: %u", why,
		    duration_text(by_us / 1000, text), count);
}

void
net_clock_check(struct net *n, bool tick)
{
	int64_t now = monotonic_us();
	int64_t late = now - n->last_tick - TICK_SECONDS * SECOND;
	int64_t step = wall_offset() - n->clock_offset;
	int64_t slept = suspend_offset() - n->boot_offset;

	if (late > n->stats.loop_delay_us)
		n->stats.loop_delay_us = late;
	if (!tick && late <= LATE_US && llabs(step) <= STEP_US &&
	    slept <= STEP_US)
		return;
	if (slept > STEP_US)
		void_looks(n, "the machine was suspended", slept);
	else if (llabs(step) > STEP_US)
		void_looks(n, "the system clock was set", llabs(step));
	if (late > LATE_US)
		void_looks(n, "the event loop was late", late);
	n->last_tick = now;
	n->clock_offset += step;
	n->boot_offset += slept;
}

void
net_clock_start(struct net *n)
{
	n->last_tick = monotonic_us();
	n->clock_offset = wall_offset();
	n->boot_offset = suspend_offset();
}
