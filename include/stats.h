/*
 * Counters of the network process, sent to the parent (MSG_STATS) for the
 * service manager's status line and for metrics.
 */
#ifndef KPWATCH_STATS_H
#define KPWATCH_STATS_H

#include "bytes.h"

/* Looks by how late they began: at most so many microseconds, the last step
 * without an end. */
#define LATE_STEPS 11
extern const int64_t late_step_us[LATE_STEPS - 1];

struct net_stats {
	uint64_t pages;		   /* watched */
	uint64_t overdue;	   /* past their time now */
	uint64_t active;	   /* visits under way */
	uint64_t pacing;	   /* of them, waiting for an address's slot */
	uint64_t pending;	   /* observations not yet on disk */
	uint64_t visits;	   /* finished since start */
	uint64_t failures;	   /* of them, failed */
	uint64_t restarts;	   /* analysers restarted */
	int64_t lag_us;		   /* how late the most overdue page is */
	int64_t loop_delay_us;	   /* worst lateness of the loop lately */
	uint64_t late[LATE_STEPS]; /* looks since start */
	int64_t late_us;	   /* sum of their lateness */
};

/* Counts one look that began so late. */
void net_stats_late(struct net_stats *, int64_t us);
void net_stats_encode(const struct net_stats *, struct buf *);
bool net_stats_decode(struct net_stats *, struct span);

#endif
