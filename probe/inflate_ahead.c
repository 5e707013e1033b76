#include "inflate_ahead.h"

#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "decode.h"
#include "limit.h"

/* A member under way or done. */
struct slot {
	struct crew_job job; /* JOB_NONE: free */
	uint64_t at;
	struct span stored;
	char *plain; /* AHEAD_MEMBER_MAX bytes, made when first needed */
	size_t length;
	size_t used;
	bool ok;
};

struct ahead {
	struct crew *crew;
	struct slot slots[AHEAD_MEMBERS];
	uint64_t next;	 /* the first place not begun */
	uint64_t looked; /* the member behind it is not before this place */
	size_t waste;	 /* inflated and never asked for */
};

struct ahead *
ahead_new(struct crew *crew)
{
	struct ahead *a;

	if (crew == NULL)
		return NULL;
	a = xcalloc(1, sizeof *a);
	a->crew = crew;
	return a;
}

void
ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	ahead_settle(a);
	for (size_t i = 0; i < AHEAD_MEMBERS; i++)
		free(a->slots[i].plain);
	free(a);
}

static void
inflate_slot(void *arg)
{
	struct slot *s = arg;
	struct span rest = s->stored;

	s->ok = inflate_whole(&rest, INFLATE_GZIP, s->plain, AHEAD_MEMBER_MAX,
	    &s->length);
	s->used = s->stored.n - rest.n;
}

/* The first place at or behind `from` that looks like a member's begin;
 * stored.n when there is none. */
static size_t
find_member(struct span stored, size_t from)
{
	const char *hit;

	while (from + 4 <= stored.n) {
		hit = memchr(stored.p + from, 0x1f, stored.n - 3 - from);
		if (hit == NULL)
			break;
		from = (size_t)(hit - stored.p);
		if (gzip_looks(span_slice(stored, from, stored.n)) &&
		    (stored.p[from + 3] & 0xe0) == 0)
			return from;
		from++;
	}
	return stored.n;
}

static struct slot *
free_slot(struct ahead *a)
{
	for (size_t i = 0; i < AHEAD_MEMBERS; i++)
		if (a->slots[i].job.state == JOB_NONE)
			return &a->slots[i];
	return NULL;
}

static void
begin_slot(struct ahead *a, struct slot *s, struct span stored, uint64_t at)
{
	s->at = at;
	s->stored = stored;
	if (s->plain == NULL)
		s->plain = xmalloc(AHEAD_MEMBER_MAX);
	s->job.work = inflate_slot;
	s->job.arg = s;
	crew_add(a->crew, &s->job);
}

/* Guesses that keep being wrong cost more than they bring: no more of them. */
static bool
worth_it(const struct ahead *a)
{
	return a->waste < AHEAD_WASTE_MAX;
}

/* A member is begun when the begin of the next one is there too: before that
 * it may not be whole. */
void
ahead_offer(struct ahead *a, struct span stored, uint64_t at, bool end)
{
	struct slot *s;
	size_t from, behind;

	if (a == NULL || !worth_it(a))
		return;
	if (a->next < at)
		a->next = a->looked = at;
	while ((s = free_slot(a)) != NULL) {
		from = find_member(stored, (size_t)(a->next - at));
		a->next = at + from;
		if (a->looked <= a->next)
			a->looked = a->next + 1;
		if (from == stored.n)
			return;
		behind = find_member(stored, (size_t)(a->looked - at));
		if (behind == stored.n && !end) {
			if (behind > from + 4)
				a->looked = at + behind - 3;
			return;
		}
		begin_slot(a, s, span_slice(stored, from, stored.n), a->next);
		a->next = a->looked = at + behind;
	}
}

static void
release_slot(struct ahead *a, struct slot *s, bool wasted)
{
	if (s->job.state == JOB_NONE)
		return;
	crew_wait(a->crew, &s->job);
	s->job.state = JOB_NONE;
	if (wasted)
		a->waste += s->ok ? s->length : AHEAD_MEMBER_MAX / 4;
}

bool
ahead_take(struct ahead *a, uint64_t at, struct span *plain, size_t *used)
{
	struct slot *found = NULL;

	if (a == NULL)
		return false;
	for (size_t i = 0; i < AHEAD_MEMBERS; i++) {
		struct slot *s = &a->slots[i];

		if (s->job.state == JOB_NONE)
			continue;
		if (s->at == at)
			found = s;
		else if (s->at < at)
			release_slot(a, s, s->at + s->used != at);
	}
	if (found == NULL)
		return false;
	crew_wait(a->crew, &found->job);
	if (!found->ok) {
		release_slot(a, found, true);
		return false;
	}
	a->waste -= a->waste < found->length ? a->waste : found->length;
	*plain = (struct span){found->plain, found->length};
	*used = found->used;
	return true;
}

void
ahead_settle(struct ahead *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < AHEAD_MEMBERS; i++)
		if (a->slots[i].job.state != JOB_NONE)
			crew_wait(a->crew, &a->slots[i].job);
}
