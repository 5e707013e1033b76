#include "stats.h"

const int64_t late_step_us[LATE_STEPS - 1] = {1000, 2000, 5000, 10000, 20000,
    50000, 100000, 200000, 500000, 1000000};

void
net_stats_late(struct net_stats *s, int64_t us)
{
	size_t at = 0;

	while (at < LATE_STEPS - 1 && us > late_step_us[at])
		at++;
	s->late[at]++;
	s->late_us += us;
}

/* Read by net_stats_decode(). */
void
net_stats_encode(const struct net_stats *s, struct buf *b)
{
	buf_put_u64(b, s->pages);
	buf_put_u64(b, s->overdue);
	buf_put_u64(b, s->active);
	buf_put_u64(b, s->pacing);
	buf_put_u64(b, s->pending);
	buf_put_u64(b, s->visits);
	buf_put_u64(b, s->failures);
	buf_put_u64(b, s->restarts);
	buf_put_i64(b, s->lag_us);
	buf_put_i64(b, s->loop_delay_us);
	for (size_t i = 0; i < LATE_STEPS; i++)
		buf_put_u64(b, s->late[i]);
	buf_put_i64(b, s->late_us);
}

/* Written by net_stats_encode(). */
bool
net_stats_decode(struct net_stats *s, struct span data)
{
	struct cursor c;

	cursor_init(&c, data.p, data.n);
	s->pages = cursor_u64le(&c);
	s->overdue = cursor_u64le(&c);
	s->active = cursor_u64le(&c);
	s->pacing = cursor_u64le(&c);
	s->pending = cursor_u64le(&c);
	s->visits = cursor_u64le(&c);
	s->failures = cursor_u64le(&c);
	s->restarts = cursor_u64le(&c);
	s->lag_us = cursor_i64le(&c);
	s->loop_delay_us = cursor_i64le(&c);
	for (size_t i = 0; i < LATE_STEPS; i++)
		s->late[i] = cursor_u64le(&c);
	s->late_us = cursor_i64le(&c);
	return cursor_done(&c);
}
