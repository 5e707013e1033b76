#include "schedule.h"

#include <stdlib.h>

void
schedule_init(struct schedule *s)
{
	*s = (struct schedule){NULL, 0, 0};
}

void
schedule_release(struct schedule *s)
{
	free(s->heap);
	schedule_init(s);
}

static void
put(struct schedule *s, size_t at, struct slot slot)
{
	s->heap[at] = slot;
	slot.task->place = at + 1;
}

static void
sift_up(struct schedule *s, size_t at)
{
	struct slot slot = s->heap[at];

	while (at > 0 && s->heap[(at - 1) / 2].due > slot.due) {
		put(s, at, s->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(s, at, slot);
}

static void
sift_down(struct schedule *s, size_t at)
{
	struct slot slot = s->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= s->n)
			break;
		if (child + 1 < s->n &&
		    s->heap[child + 1].due < s->heap[child].due)
			child++;
		if (s->heap[child].due >= slot.due)
			break;
		put(s, at, s->heap[child]);
		at = child;
	}
	put(s, at, slot);
}

void
schedule_set(struct schedule *s, struct task *t, int64_t due)
{
	schedule_remove(s, t);
	t->due = due;
	s->heap = xgrow(s->heap, &s->cap, s->n + 1, sizeof *s->heap);
	put(s, s->n++, (struct slot){due, t});
	sift_up(s, s->n - 1);
}

void
schedule_remove(struct schedule *s, struct task *t)
{
	size_t at = t->place - 1;

	if (t->place == 0)
		return;
	t->place = 0;
	s->n--;
	if (at == s->n)
		return;
	put(s, at, s->heap[s->n]);
	sift_down(s, at);
	sift_up(s, s->heap[at].task->place - 1);
}

struct task *
schedule_first(const struct schedule *s)
{
	return s->n == 0 ? NULL : s->heap[0].task;
}

double
schedule_phase(struct span key, uint64_t round)
{
	uint64_t h = bytes_hash(key) + round * 0x9e3779b97f4a7c15u;

	h ^= h >> 31;
	h *= 0xbf58476d1ce4e5b9u;
	h ^= h >> 29;
	return (double)(h >> 11) / 9007199254740992.0;
}

int64_t
schedule_next(struct span key, uint64_t round, int64_t last, int64_t interval)
{
	double share = 0.9 + 0.2 * schedule_phase(key, round);

	return last + (int64_t)((double)interval * share);
}

int64_t
schedule_start(struct span key, int64_t now, int64_t spread)
{
	return now + (int64_t)((double)spread * schedule_phase(key, 0));
}

int64_t
schedule_retry(unsigned nth, int64_t first, int64_t most)
{
	int64_t delay = first;

	while (nth-- > 0 && delay < most)
		delay *= 2;
	return delay < most ? delay : most;
}
