#include "deliveries.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "instant.h"
#include "limit.h"
#include "log.h"
#include "store_hooks.h"

#define POLL_MS	   5000 /* how soon letters that were revived are seen */
#define REFUSED_MS 5000 /* until the disk is asked again */

struct deliveries {
	struct event_base *base;
	struct store *store;
	const struct config *config;
	struct hook_queues *queues;
	struct channel *courier;
	struct event *timer;
	size_t under_way;
	bool leaving;
};

static void
arm(struct deliveries *d, int64_t ms)
{
	struct timeval tv;

	if (d->leaving || d->config->nhooks == 0)
		return;
	if (ms < 0 || ms > POLL_MS)
		ms = POLL_MS;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	event_add(d->timer, &tv);
}

static void
send_due(struct deliveries *d)
{
	struct delivery call;
	struct buf b = BUF_INIT(16 * MIB);

	while (d->courier != NULL && !d->leaving &&
	    hook_queues_next(d->queues, instant_now(), &call)) {
		delivery_encode(&b, &call);
		d->under_way++;
		channel_send(d->courier, MSG_DELIVER, call.id, buf_span(&b));
		buf_clear(&b);
		buf_release(&call.lines);
	}
	buf_release(&b);
	/* A look for missing events may have removed rows. */
	if (!store_commit(d->store))
		hook_queues_refresh(d->queues);
}

void
deliveries_step(struct deliveries *d)
{
	bool selected =
	    store_hooks_select(d->store, d->queues, d->config, instant_now());

	if (store_hooks_changed(d->store))
		hook_queues_refresh(d->queues);
	send_due(d);
	arm(d,
	    !selected ? REFUSED_MS
		: d->courier == NULL
		? -1
		: hook_queues_wait(d->queues, instant_now()));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	deliveries_step(arg);
}

static void
on_courier_message(struct channel *ch, const struct message *m, void *arg)
{
	struct deliveries *d = arg;
	char *reason;

	(void)ch;
	if (m->type != MSG_DELIVERED)
		return;
	if (!delivered_decode(m->data, &reason))
		bug("malformed answer of the courier");
	if (d->under_way > 0)
		d->under_way--;
	hook_queues_done(d->queues, m->id, reason, instant_now());
	free(reason);
	if (!store_commit(d->store)) {
		log_warn("a delivery could not be noted; it will be made "
			 "again");
		hook_queues_refresh(d->queues);
	}
	if (d->leaving && d->under_way == 0)
		event_base_loopbreak(d->base);
	else
		deliveries_step(d);
}

static void
on_courier_closed(struct channel *ch, void *arg)
{
	struct deliveries *d = arg;

	channel_free(ch);
	d->courier = NULL;
	d->under_way = 0;
	hook_queues_lost(d->queues);
	if (d->leaving)
		event_base_loopbreak(d->base);
}

void
deliveries_courier(struct deliveries *d, const struct peer *peer)
{
	struct channel_handler h = {on_courier_message, on_courier_closed, NULL,
	    d};

	if (d->courier != NULL)
		on_courier_closed(d->courier, d);
	d->courier =
	    channel_new(d->base, peer->fd, ROLE_STORE, ROLE_COURIER, &h);
	arm(d, 0);
}

void
deliveries_configure(struct deliveries *d, const struct config *config)
{
	/* Events of before are for the hooks of before. */
	store_hooks_select(d->store, d->queues, d->config, instant_now());
	d->config = config;
	if (!store_hooks_begin(d->store, config))
		log_warn("new hooks could not be noted; they begin later");
	hook_queues_configure(d->queues, config, instant_now());
	arm(d, 0);
}

struct deliveries *
deliveries_new(struct event_base *base, struct store *store,
    const struct config *config)
{
	struct deliveries *d = xcalloc(1, sizeof *d);
	struct hook_rows rows;

	d->base = base;
	d->store = store;
	d->config = config;
	d->timer = evtimer_new(base, on_timer, d);
	store_hook_rows(store, &rows);
	store_hooks_begin(store, config);
	d->queues = hook_queues_new(config, &rows, instant_now());
	store_hooks_changed(store);
	arm(d, 0);
	return d;
}

void
deliveries_free(struct deliveries *d, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (d == NULL)
		return;
	d->leaving = true;
	event_del(d->timer);
	store_hooks_select(d->store, d->queues, d->config, instant_now());
	if (d->under_way > 0 && ms > 0) {
		event_base_loopexit(d->base, &tv);
		event_base_dispatch(d->base);
	}
	channel_free(d->courier);
	event_free(d->timer);
	hook_queues_free(d->queues);
	free(d);
}
