/*
 * Counters of the network process, sent to the parent (MSG_STATS) for the
 * service manager's status line and for metrics.
 */
#ifndef KPWATCH_STATS_H
#define KPWATCH_STATS_H

#include "bytes.h"

struct net_stats {
	uint64_t pages;	       /* watched */
	uint64_t overdue;      /* past their time now */
	uint64_t active;       /* visits under way */
	uint64_t pacing;       /* of them, waiting for an address's slot */
	uint64_t pending;      /* observations not yet on disk */
	uint64_t visits;       /* finished since start */
	uint64_t failures;     /* of them, failed */
	uint64_t restarts;     /* analysers restarted */
	int64_t lag_us;	       /* how late the most overdue page is */
	int64_t loop_delay_us; /* worst lateness of the loop lately */
};

void net_stats_encode(const struct net_stats *, struct buf *);
bool net_stats_decode(struct net_stats *, struct span);

#endif
