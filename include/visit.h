/*
 * A visit: everything from wanting to see a URL to a finished observation,
 * hop by hop: name, policy, pace, transfer, redirect.
 */
#ifndef KPWATCH_VISIT_H
#define KPWATCH_VISIT_H

#include "network.h"
#include "observation.h"
#include "schedule.h"

struct budget;
struct visit;
struct event_base;

struct visit_settings {
	struct event_base *base;
	struct resolver *resolver;
	struct fetcher *fetcher;
	struct pace *pace;
	const struct policy *policy;
	bool ipv4;
	bool ipv6;
	unsigned redirects;
	int64_t total_timeout; /* ms, of all transfers of a visit together */
	size_t body_limit;     /* of all its bodies together */
	struct budget *budget;
	unsigned *waiting_for_pace; /* how many visits wait for their slot */
};

struct visit_request {
	const char *vantage;
	const char *target;
	const char *page;
	const char *url;
	const char *proxy; /* NULL: direct */
	uint32_t watched;  /* targets that this run looks at */
	enum variant variant;
	bool verify;
	bool plain;	   /* ask for no content coding */
	bool name_servers; /* ask who serves the zone of the first host */
	const char *etag;
	const char *last_modified;
};

/* *o is the visit's to take from: the handler takes its contents. */
typedef void visit_done(struct observation *o, void *arg);

/* Settings are borrowed for the life of the visit; the strings are copied.
 * `done` is called once, from the loop. */
struct visit *visit_start(const struct visit_settings *,
    const struct visit_request *, visit_done *, void *arg);
/* Ends it now with FAILURE_INTERRUPTED; `done` is called from here. */
void visit_cancel(struct visit *);

#endif
