#include "net_uplink.h"

#include <stdlib.h>

#include "config.h"
#include "network.h"
#include "visit.h"

struct uplink {
	struct uplink *older;
	unsigned holders;
	char *user_agent;
	struct policy *policy;
	struct resolver *resolver;
	struct fetcher *fetcher;
	struct fetch_settings fetch;
	struct visit_settings visit;
};

struct uplink *
uplink_new(struct event_base *base, const struct config *c, struct span ca_pem,
    struct pace *pace, unsigned *pacing, struct budget *bodies)
{
	struct uplink *u = xcalloc(1, sizeof *u);

	u->user_agent = xstrdup(c->user_agent);
	u->policy = policy_new(c->allow_networks, c->nallow_networks);
	u->resolver = resolver_new(base, c->name_servers, c->nname_servers,
	    c->dns_timeout);
	u->fetch = (struct fetch_settings){
	    .policy = u->policy,
	    .ca_pem = ca_pem,
	    .user_agent = u->user_agent,
	    .connect_timeout = c->connect_timeout,
	    .budget = bodies,
	};
	u->fetcher = fetcher_new(base, &u->fetch);
	u->visit = (struct visit_settings){
	    .base = base,
	    .resolver = u->resolver,
	    .fetcher = u->fetcher,
	    .pace = pace,
	    .policy = u->policy,
	    .ipv4 = c->ipv4,
	    .ipv6 = c->ipv6,
	    .redirects = c->redirects,
	    .total_timeout = c->total_timeout,
	    .body_limit = (size_t)c->body_limit,
	    .budget = bodies,
	    .waiting_for_pace = pacing,
	};
	return u;
}

const struct visit_settings *
uplink_settings(const struct uplink *u)
{
	return &u->visit;
}

void
uplink_hold(struct uplink *u)
{
	u->holders++;
}

void
uplink_drop(struct uplink *u)
{
	u->holders--;
}

static void
free_one(struct uplink *u)
{
	fetcher_free(u->fetcher);
	resolver_free(u->resolver);
	policy_free(u->policy);
	free(u->user_agent);
	free(u);
}

struct uplink *
uplink_replace(struct uplink *current, struct uplink *fresh)
{
	struct uplink *front = fresh != NULL ? fresh : current;
	struct uplink **at;

	if (fresh != NULL)
		fresh->older = current;
	for (at = &front->older; *at != NULL;) {
		struct uplink *u = *at;

		if (u->holders > 0) {
			at = &u->older;
			continue;
		}
		*at = u->older;
		free_one(u);
	}
	return front;
}

void
uplink_free(struct uplink *u)
{
	while (u != NULL) {
		struct uplink *older = u->older;

		free_one(u);
		u = older;
	}
}
