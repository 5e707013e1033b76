#include "capture.h"

#include <stdlib.h>

struct lane {
	struct capture *capture;
	unsigned number;
	struct capture_packet packet; /* the next one, when ready */
	int64_t key;		      /* its place in time */
	bool ready;
	bool over;
};

struct capture_merge {
	struct lane *lanes;
	size_t n, cap;
};

struct capture_merge *
capture_merge_new(void)
{
	return xcalloc(1, sizeof(struct capture_merge));
}

void
capture_merge_add(struct capture_merge *m, struct capture *c, unsigned number)
{
	m->lanes = xgrow(m->lanes, &m->cap, m->n + 1, sizeof *m->lanes);
	m->lanes[m->n++] =
	    (struct lane){.capture = c, .number = number, .key = INT64_MIN};
}

struct capture *
capture_merge_at(struct capture_merge *m, unsigned number)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->lanes[i].number == number)
			return m->lanes[i].capture;
	return NULL;
}

static enum capture_result
lane_fill(struct lane *l)
{
	enum capture_result r = capture_next(l->capture, &l->packet);

	if (r != CAPTURE_PACKET) {
		l->over = true;
		return r;
	}
	l->ready = true;
	/* A clock that steps back must not reorder the file. */
	if (l->packet.time_ns > l->key)
		l->key = l->packet.time_ns;
	return r;
}

enum capture_result
capture_merge_next(struct capture_merge *m, struct capture_packet *out,
    unsigned *number)
{
	struct lane *first = NULL;

	for (size_t i = 0; i < m->n; i++) {
		struct lane *l = &m->lanes[i];

		if (!l->ready && !l->over && lane_fill(l) == CAPTURE_DAMAGED) {
			*number = l->number;
			return CAPTURE_DAMAGED;
		}
		if (l->ready && (first == NULL || l->key < first->key))
			first = l;
	}
	if (first == NULL)
		return CAPTURE_END;
	first->ready = false;
	*out = first->packet;
	*number = first->number;
	return CAPTURE_PACKET;
}

void
capture_merge_free(struct capture_merge *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		capture_free(m->lanes[i].capture);
	free(m->lanes);
	free(m);
}
