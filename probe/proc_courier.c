/*
 * The courier: runs hook programs for the store and tells how they ended.
 *
 * It outlives a store that is restarted: a call that ended meanwhile, or
 * still runs, is answered when the new store asks for the same events again,
 * so that a restart sends nothing twice.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "courier.h"
#include "limit.h"
#include "log.h"
#include "process.h"
#include "sandbox.h"

/* The call of one hook: under way, or ended and not yet told. */
struct errand {
	char *hook;
	uint64_t id; /* the store's; 0: that store is gone */
	uint64_t first;
	uint64_t last;
	bool ended;
	char *reason;
};

struct courier_role {
	struct event_base *base;
	struct channel *parent;
	struct channel *store;
	struct config *config;
	struct courier *courier;
	struct errand errands[HOOKS_MAX];
	size_t n;
	bool stopping;
};

static struct errand *
errand_of(struct courier_role *r, const char *hook)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->errands[i].hook, hook) == 0)
			return &r->errands[i];
	return NULL;
}

static void
errand_remove(struct courier_role *r, struct errand *e)
{
	free(e->hook);
	free(e->reason);
	*e = r->errands[--r->n];
}

/* Tells the store, when it is the one that asked. */
static void
errand_tell(struct courier_role *r, struct errand *e)
{
	struct buf b = BUF_INIT(8 * KIB);

	if (r->store != NULL && e->id != 0) {
		delivered_encode(&b, e->reason);
		channel_send(r->store, MSG_DELIVERED, e->id, buf_span(&b));
		errand_remove(r, e);
	}
	buf_release(&b);
}

static void
on_done(uint64_t serial, const char *name, const struct call_result *res,
    void *arg)
{
	struct courier_role *r = arg;
	struct errand *e = errand_of(r, name);

	(void)serial;
	courier_log_output(name, res);
	if (e == NULL)
		return;
	e->ended = true;
	e->reason =
	    res->reason == NULL ? NULL : xstrndup(res->reason, HOOK_REASON_MAX);
	log_debug("hook %s: events %llu to %llu, %s, %lld ms", name,
	    (unsigned long long)e->first, (unsigned long long)e->last,
	    e->reason == NULL ? "delivered" : e->reason, (long long)res->ms);
	errand_tell(r, e);
	if (r->stopping && courier_running(r->courier) == 0)
		event_base_loopbreak(r->base);
}

static const struct hook_config *
hook_named(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nhooks; i++)
		if (strcmp(c->hooks[i].name, name) == 0)
			return &c->hooks[i];
	return NULL;
}

static void
refuse(struct courier_role *r, uint64_t id, const char *reason)
{
	struct buf b = BUF_INIT(8 * KIB);

	delivered_encode(&b, reason);
	channel_send(r->store, MSG_DELIVERED, id, buf_span(&b));
	buf_release(&b);
}

static void
deliver(struct courier_role *r, uint64_t id, const struct delivery *d)
{
	const struct hook_config *h = hook_named(r->config, d->hook);
	struct errand *e = errand_of(r, d->hook);

	if (e != NULL && e->first == d->first && e->last == d->last) {
		e->id = id;
		if (e->ended)
			errand_tell(r, e);
		return;
	}
	if (e != NULL && e->ended) {
		errand_remove(r, e);
		e = NULL;
	}
	if (r->stopping)
		return; /* it stays in the store */
	if (h == NULL || e != NULL || r->n == HOOKS_MAX) {
		refuse(r, id,
		    h == NULL ? "the hook is not configured"
			      : "an earlier call still runs");
		return;
	}
	e = &r->errands[r->n++];
	*e = (struct errand){xstrdup(d->hook), id, d->first, d->last, false,
	    NULL};
	courier_run_hook(r->courier, h, id, buf_span(&d->lines));
}

static void
on_store_message(struct channel *ch, const struct message *m, void *arg)
{
	struct courier_role *r = arg;
	struct delivery d;
	char *name;

	(void)ch;
	if (m->type != MSG_DELIVER)
		return;
	if (!delivery_decode(m->data, &d, &name))
		fatal("a delivery from the store is malformed");
	deliver(r, m->id, &d);
	buf_release(&d.lines);
	free(name);
}

static void
on_store_closed(struct channel *ch, void *arg)
{
	struct courier_role *r = arg;

	channel_free(ch);
	r->store = NULL;
	for (size_t i = 0; i < r->n; i++)
		r->errands[i].id = 0;
}

static void
store_connect(struct courier_role *r, const struct peer *p)
{
	struct channel_handler h = {on_store_message, on_store_closed, NULL, r};

	if (p->role != ROLE_STORE) {
		log_warn("no use for a connection to %s", role_name(p->role));
		close(p->fd);
		return;
	}
	if (r->store != NULL)
		on_store_closed(r->store, r);
	r->store = channel_new(r->base, p->fd, ROLE_COURIER, ROLE_STORE, &h);
}

static void
configure(struct courier_role *r, struct span data)
{
	struct config *c = config_decode(data);

	if (c == NULL)
		fatal("configuration message is malformed");
	config_free(r->config);
	r->config = c;
}

/* A running hook may finish within the time that the parent gives us all. */
static void
stop(struct courier_role *r)
{
	struct timeval grace = {2, 0};

	r->stopping = true;
	if (courier_running(r->courier) == 0)
		event_base_loopbreak(r->base);
	else
		event_base_loopexit(r->base, &grace);
}

static void
on_parent_message(struct channel *ch, const struct message *m, void *arg)
{
	struct courier_role *r = arg;
	struct peer p;

	switch (m->type) {
	case MSG_PEER:
		if (!peer_decode(m->data, &p))
			fatal("bad peer message");
		p.fd = m->fd;
		store_connect(r, &p);
		break;
	case MSG_CONFIG:
		configure(r, m->data);
		break;
	case MSG_PING:
		channel_send(ch, MSG_PONG, m->id, SPAN_NULL);
		break;
	case MSG_STOP:
		stop(r);
		break;
	default:
		break;
	}
}

static void
on_parent_closed(struct channel *ch, void *arg)
{
	struct courier_role *r = arg;

	channel_free(ch);
	r->parent = NULL;
	log_to(NULL, NULL);
	event_base_loopbreak(r->base);
}

static void
courier_close(struct courier_role *r)
{
	courier_free(r->courier);
	while (r->n > 0)
		errand_remove(r, &r->errands[0]);
	if (r->store != NULL) {
		channel_flush(r->store, 500);
		channel_free(r->store);
	}
	if (r->parent != NULL) {
		channel_flush(r->parent, 500);
		log_to(NULL, NULL);
		channel_free(r->parent);
	}
	config_free(r->config);
	event_base_free(r->base);
}

int
courier_main(struct connection *parent, struct startup *s)
{
	struct courier_role r = {.config = s->config};
	struct channel_handler from_parent = {on_parent_message,
	    on_parent_closed, NULL, &r};

	r.base = event_base_new();
	if (r.base == NULL)
		fatal("cannot make an event loop");
	r.courier = courier_new(r.base, on_done, &r);
	if (!sandbox_courier(s->config->sandbox_best_effort) ||
	    !connection_send(parent, MSG_READY, 0, SPAN_NULL))
		return 1;
	r.parent = channel_adopt(r.base, parent, &from_parent);
	process_log_to_channel(r.parent);
	for (size_t i = 0; i < s->npeers; i++)
		store_connect(&r, &s->peers[i]);
	event_base_dispatch(r.base);
	courier_close(&r);
	return 0;
}
