/*
 * Inside the network process: its state, and what its files do for each
 * other.  For net_*.c and proc_net.c only.
 */
#ifndef KPWATCH_NET_H
#define KPWATCH_NET_H

#include <sys/queue.h>

#include "budget.h"
#include "config.h"
#include "log.h"
#include "net_sniff.h"
#include "net_uplink.h"
#include "pipeline.h"
#include "robots_cache.h"
#include "stats.h"
#include "visit.h"
#include "watchlist.h"

#define SECOND	     INT64_C(1000000)
#define TICK_SECONDS 1

struct look {
	LIST_ENTRY(look) next;
	struct net *net;
	struct watched *watched;
	struct visit *visit;
	struct uplink *uplink;
	char *robots_for; /* this look fetches robots.txt */
	bool void_result; /* clock stepped or loop late: look again */
};

struct unstored {
	uint64_t id;
	struct watched *watched;
	bool again_unverified;
	struct likeness likeness;
};

struct net {
	struct event_base *base;
	struct config *config;
	struct channel *parent;
	struct pipeline *pipeline;
	struct net_sniff *sniff;
	struct watchlist *watchlist;
	uint32_t watched; /* its targets */
	struct robots_cache *robots;
	struct uplink *uplink;
	struct pace *pace;
	struct budget bodies;
	struct buf ca; /* PEM, as the parent last sent it */
	LIST_HEAD(looks, look) looks;
	unsigned active;
	unsigned pacing;
	struct unstored *unstored;
	size_t nunstored;
	size_t unstored_cap;
	struct event *due_timer;
	struct event *tick_timer;
	struct event *stop_timer;
	bool once; /* check: look at everything once */
	bool done_said;
	bool started;
	bool stopping;
	unsigned ticks;
	int64_t last_tick;    /* monotonic us */
	int64_t clock_offset; /* wall - monotonic, us */
	int64_t boot_offset;  /* boottime - monotonic, us */
	struct net_stats stats;
	struct log_limit step_limit;
};

/* Where the clocks are, for the checks to come. */
void net_clock_start(struct net *);
/* At each tick, and before a look counts: it may end in the same round of the
 * loop as the tick that would have found the clocks moved.  Then the looks
 * under way are void. */
void net_clock_check(struct net *, bool tick);

/* Starts what is due, as far as there is room. */
void net_pump(struct net *);
/* First looks are spread over so long; us. */
int64_t net_start_spread(const struct net *);
/* The handlers of the pipeline and the sniffer's pool; arg is the net. */
void net_on_sniffed(struct observation *, void *watched, void *arg);
void net_on_stored(uint64_t id, struct span payload, void *arg);
void net_on_resumed(struct span payload, void *arg);
void net_on_room(void *arg);

#endif
