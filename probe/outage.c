#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define FEW_TARGETS 3 /* fewer failing at once are their own fault */
#define ALIVE_SHARE 8 /* after the window, one in so many must have failed */

void
outage_init(struct outage *o, uint32_t controls, int64_t window)
{
	*o = (struct outage){.controls = controls,
	    .window = window,
	    .since = INSTANT_NONE,
	    .last_success = INSTANT_NONE,
	    .other_success = INSTANT_NONE,
	    .run_start = INSTANT_NONE};
}

void
outage_release(struct outage *o)
{
	free(o->list);
	outage_init(o, o->controls, o->window);
}

/* The list is kept in order of rows; rows are given in ascending order, so
 * that new ones nearly always go to the end. */
struct outage_target *
outage_target(struct outage *o, int64_t row)
{
	size_t lo = sorted_place(o->list, o->count, sizeof *o->list, row);

	if (lo < o->count && o->list[lo].row == row)
		return &o->list[lo];
	o->list = xgrow(o->list, &o->cap, o->count + 1, sizeof *o->list);
	memmove(&o->list[lo + 1], &o->list[lo],
	    (o->count - lo) * sizeof *o->list);
	o->list[lo] = (struct outage_target){.row = row, .alive = true};
	o->count++;
	o->alive++;
	return &o->list[lo];
}

void
outage_set_alive(struct outage *o, int64_t row, bool alive)
{
	struct outage_target *t = outage_target(o, row);

	if (t->alive == alive)
		return;
	t->alive = alive;
	o->alive = alive ? o->alive + 1 : o->alive - 1;
	if (!alive && t->failing) {
		t->failing = false;
		o->failing--;
	}
}

static void
end_run(struct outage *o)
{
	for (size_t i = 0; i < o->count && o->failing > 0; i++) {
		if (!o->list[i].failing)
			continue;
		o->list[i].failing = false;
		o->failing--;
	}
	o->controls_failing = 0;
	o->run_start = INSTANT_NONE;
}

static void
not_after(int64_t *at, int64_t time)
{
	if (*at != INSTANT_NONE && *at > time)
		*at = time;
}

void
outage_clock_back(struct outage *o, int64_t time)
{
	/* Before the look of that time, which is to count. */
	not_after(&o->last_success, time - 1);
	not_after(&o->other_success, time - 1);
	not_after(&o->since, time);
}

size_t
outage_success(struct outage *o, int64_t row, int64_t time, bool *online)
{
	size_t failing = o->failing;

	*online = o->offline;
	o->offline = false;
	if (row != 0)
		outage_set_alive(o, row, true);
	if (o->last_success == INSTANT_NONE || row == o->last_row) {
		o->last_row = row;
	} else {
		o->other_success = o->last_success;
		o->last_row = row;
	}
	if (o->last_success == INSTANT_NONE || time > o->last_success)
		o->last_success = time;
	end_run(o);
	return failing;
}

int64_t
outage_other_success(const struct outage *o, int64_t row)
{
	return o->last_row == row ? o->other_success : o->last_success;
}

bool
outage_alone(const struct outage *o, uint32_t watched)
{
	return o->count + o->controls + watched < FEW_TARGETS;
}

static void
count_control(struct outage *o, uint64_t control)
{
	for (size_t i = 0; i < o->controls_failing; i++)
		if (o->control_seen[i] == control)
			return;
	if (o->controls_failing < ARRAY_LEN(o->control_seen))
		o->control_seen[o->controls_failing++] = control;
}

static bool
is_us(const struct outage *o, int64_t time)
{
	size_t controls = o->controls < ARRAY_LEN(o->control_seen)
	    ? o->controls
	    : ARRAY_LEN(o->control_seen);

	if (controls > 0)
		return o->controls_failing >= controls && o->failing > 0;
	if (o->failing < FEW_TARGETS)
		return false;
	return o->failing >= o->alive ||
	    (time - o->run_start >= o->window &&
		o->failing * ALIVE_SHARE >= o->alive);
}

bool
outage_failure(struct outage *o, int64_t row, uint64_t control, int64_t time)
{
	struct outage_target *t;

	/* One that began before the latest answer belongs to an earlier time.
	 */
	if (o->offline ||
	    (o->last_success != INSTANT_NONE && time <= o->last_success))
		return false;
	if (o->run_start == INSTANT_NONE || time < o->run_start)
		o->run_start = time;
	if (control != 0) {
		count_control(o, control);
	} else {
		t = outage_target(o, row);
		if (t->alive && !t->failing) {
			t->failing = true;
			o->failing++;
		}
	}
	if (!is_us(o, time))
		return false;
	o->offline = true;
	o->since = o->run_start;
	return true;
}
